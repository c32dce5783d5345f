/// The alphabet in which byte-level vocabularies write bytes as printable characters (GPT-2): printable Latin-1
/// bytes stand for themselves, the other 68 for U+0100, U+0101 and so on, in their order.
enum ByteAlphabet {
  /// The scalar of each byte.
  static let scalars: [UInt16] = {
    var next: UInt16 = 0x100
    return (UInt16(0)..<256).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return byte
      default:
        defer { next += 1 }
        return next
      }
    }
  }()

  /// The byte of each scalar below U+0144, or 0xFFFF.
  private static let bytes: [UInt16] = {
    var bytes = [UInt16](repeating: 0xFFFF, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = UInt16(byte) }
    return bytes
  }()

  /// The bytes that a token's text stands for, or nil when it has a character outside the alphabet. O(length).
  static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var iterator = text.makeIterator()
    while let lead = iterator.next() {
      let scalar: Int
      switch lead {
      case 0..<0x80:
        scalar = Int(lead)
      case 0xC2...0xC5:
        guard let trail = iterator.next(), trail & 0xC0 == 0x80 else { return nil }
        scalar = Int(lead & 0x1F) << 6 | Int(trail & 0x3F)
      default: return nil
      }
      guard scalar < bytes.count, bytes[scalar] != 0xFFFF else { return nil }
      result.append(UInt8(bytes[scalar]))
    }
    return result
  }

  /// A token's text for bytes, in UTF-8. O(length).
  static func encode(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    for byte in bytes {
      let scalar = scalars[Int(byte)]
      if scalar < 0x80 {
        result.append(UInt8(scalar))
      } else {
        result.append(UInt8(0xC0 | scalar >> 6))
        result.append(UInt8(0x80 | scalar & 0x3F))
      }
    }
    return result
  }
}
