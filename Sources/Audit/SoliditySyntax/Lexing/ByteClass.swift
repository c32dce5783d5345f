/// What a byte can be part of, as bits.
enum ByteClass {
  static let identifierStart: UInt8 = 1
  static let identifierPart: UInt8 = 2
  static let digit: UInt8 = 4
  static let hexDigit: UInt8 = 8
  static let whitespace: UInt8 = 16

  /// One entry for each byte.
  static let table: [UInt8] = (0..<256).map { index in
    let byte = UInt8(index)
    var bits: UInt8 = 0
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "_"), UInt8(ascii: "$"):
      bits |= identifierStart | identifierPart
    case UInt8(ascii: "0")...UInt8(ascii: "9"):
      bits |= identifierPart | digit | hexDigit
    case 0x20, 0x09, 0x0A, 0x0D:
      bits |= whitespace
    default:
      break
    }
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
      bits |= hexDigit
    default:
      break
    }
    return bits
  }
}
