import JSON

/// JSON text written byte by byte, for the pieces of an answer that leave many times a second.
///
/// The writer of module JSON builds whole documents; a delta is a fixed frame around one string, so only the string is
/// examined here.
struct EventText: Sendable {
  /// What was written.
  private(set) var bytes: [UInt8] = []

  /// Makes an empty text.
  ///
  /// - Parameter capacity: bytes to have room for.
  init(capacity: Int = 512) { bytes.reserveCapacity(capacity) }

  /// Adds JSON that is known to be well-formed in its place.
  mutating func raw(_ text: StaticString) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  /// Adds JSON that is known to be well-formed in its place.
  mutating func raw(_ more: [UInt8]) { bytes.append(contentsOf: more) }

  /// Adds any value.
  mutating func value(_ value: JSONValue) {
    var writer = JSONWriter(style: .compact)
    writer.value(value)
    raw(writer.takeBytes())
  }

  /// Adds a whole number.
  mutating func number(_ value: Int) { bytes.append(contentsOf: String(value).utf8) }

  /// Adds a number; infinities and NaN, which JSON cannot express, become `null`.
  mutating func number(_ value: Double) {
    if value.isFinite {
      bytes.append(contentsOf: value.description.utf8)
    } else {
      raw("null")
    }
  }

  /// Adds a number in its shortest form; infinities and NaN become `null`.
  mutating func number(_ value: Float) {
    if value.isFinite {
      bytes.append(contentsOf: value.description.utf8)
    } else {
      raw("null")
    }
  }

  /// Adds a string with its quotes.
  ///
  /// Besides what JSON demands, U+007F to U+009F, U+2028 and U+2029 are escaped: some readers of event streams take them
  /// for ends of lines.
  mutating func string(_ text: String) {
    var text = text
    bytes.append(0x22)
    text.withUTF8 { utf8 in
      var start = 0
      var index = 0
      while index < utf8.count {
        guard EventText.isSpecial[Int(utf8[index])] else {
          index += 1
          continue
        }
        let (scalar, length) = EventText.scalarToEscape(at: index, in: utf8)
        if let scalar {
          bytes.append(contentsOf: utf8[start..<index])
          appendEscape(scalar)
          start = index + length
        }
        index += length
      }
      bytes.append(contentsOf: utf8[start...])
    }
    bytes.append(0x22)
  }

  /// Whether a byte can begin something that is escaped.
  private static let isSpecial: [Bool] = (0..<256).map { byte in
    byte < 0x20 || byte == 0x22 || byte == 0x5C || byte == 0x7F || byte == 0xC2 || byte == 0xE2
  }

  /// The character to escape at `index`, nil for one that stays, and the bytes that are settled by this.
  private static func scalarToEscape(
    at index: Int, in utf8: UnsafeBufferPointer<UInt8>
  ) -> (UInt32?, Int) {
    let byte = utf8[index]
    switch byte {
    case 0xC2:
      guard index + 1 < utf8.count, utf8[index + 1] < 0xA0 else { return (nil, 1) }
      return (UInt32(utf8[index + 1]), 2)
    case 0xE2:
      guard index + 2 < utf8.count, utf8[index + 1] == 0x80, utf8[index + 2] & 0xFE == 0xA8
      else { return (nil, 1) }
      return (0x2028 + UInt32(utf8[index + 2] - 0xA8), 3)
    default: return (UInt32(byte), 1)
    }
  }

  private mutating func appendEscape(_ scalar: UInt32) {
    switch scalar {
    case 0x22: raw("\\\"")
    case 0x5C: raw("\\\\")
    case 0x0A: raw("\\n")
    case 0x0D: raw("\\r")
    case 0x09: raw("\\t")
    default:
      raw("\\u")
      for shift in [12, 8, 4, 0] as [UInt32] {
        let digit = UInt8(truncatingIfNeeded: scalar >> shift & 0xF)
        bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
      }
    }
  }
}
