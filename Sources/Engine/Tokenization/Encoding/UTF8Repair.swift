/// Makes valid UTF-8 of any bytes: each maximal ill-formed part becomes U+FFFD (Unicode 16.0, section 3.9, "U+FFFD
/// substitution of maximal subparts"), as the reference decoders do.
enum UTF8Repair {
  /// U+FFFD.
  static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

  /// What stands at a place in a byte stream.
  enum Unit {
    /// A well-formed character of this length.
    case character(Int)
    /// An ill-formed part of this length.
    case illFormed(Int)
    /// The bytes left could begin a character.
    case incomplete
  }

  /// What stands at `index`, which must be inside `bytes`.
  static func unit(_ bytes: some RandomAccessCollection<UInt8>, at index: Int) -> Unit {
    func byte(_ offset: Int) -> UInt8? {
      let place = index + offset
      return place < bytes.count ? bytes[bytes.index(bytes.startIndex, offsetBy: place)] : nil
    }
    guard let lead = byte(0) else { return .incomplete }
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch lead {
    case 0x00...0x7F: return .character(1)
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: length = 4
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: return .illFormed(1)
    }
    for offset in 1..<length {
      guard let next = byte(offset) else { return .incomplete }
      let allowed = offset == 1 ? second : 0x80...0xBF
      if !allowed.contains(next) { return .illFormed(offset) }
    }
    return .character(length)
  }

  /// `bytes` with every ill-formed part replaced; a character cut off at the end is one such part. O(n).
  static func repaired(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      switch unit(bytes, at: index) {
      case .character(let length):
        result.append(contentsOf: bytes[index..<index + length])
        index += length
      case .illFormed(let length):
        result.append(contentsOf: replacement)
        index += length
      case .incomplete:
        result.append(contentsOf: replacement)
        index = bytes.count
      }
    }
    return result
  }

  /// Whether all of `bytes` is well-formed. O(n).
  static func isValid(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var index = 0
    while index < bytes.count {
      if bytes[index] < 0x80 {
        index += 1
        continue
      }
      guard case .character(let length) = unit(bytes, at: index) else { return false }
      index += length
    }
    return true
  }
}
