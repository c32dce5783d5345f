/// Why a text is not the hexadecimal form that was asked for.
public enum HexError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A character that is no hexadecimal digit; `offset` counts characters from 0, the prefix
  /// included.
  case notADigit(character: Character, offset: Int)
  /// An odd number of digits, so that the last byte is half there.
  case oddNumberOfDigits(count: Int)
  /// A different number of bytes than the value has.
  case wrongLength(expectedBytes: Int, actualBytes: Int)
  /// No digits where at least one is needed.
  case empty
  /// A number that needs more than 256 bits.
  case tooLarge(digits: Int)

  /// What is wrong, for a person.
  public var description: String {
    switch self {
    case .notADigit(let character, let offset):
      "not a hexadecimal digit at offset \(offset): \(String(character).debugDescription)"
    case .oddNumberOfDigits(let count):
      "an odd number of hexadecimal digits (\(count)): half of a byte is missing"
    case .wrongLength(let expected, let actual):
      "expected \(expected) bytes in hexadecimal, found \(actual)"
    case .empty:
      "expected hexadecimal digits, found none"
    case .tooLarge(let digits):
      "\(digits) hexadecimal digits do not fit in 256 bits"
    }
  }
}

/// Hexadecimal text to bytes and back.
public enum Hex {
  /// Two lower-case digits a byte, after `0x` unless told otherwise.
  public static func encode(_ bytes: some Sequence<UInt8>, prefix: Bool = true) -> String {
    var text: [UInt8] = prefix ? [0x30, 0x78] : []
    text.reserveCapacity(text.count + 2 * bytes.underestimatedCount)
    for byte in bytes {
      text.append(digit(byte >> 4))
      text.append(digit(byte & 0x0f))
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes of an even number of digits of either case, with or without `0x` or `0X`.
  ///
  /// An empty text, or a bare prefix, gives no bytes.
  public static func decode(_ text: some StringProtocol) throws(HexError) -> [UInt8] {
    let digits = try values(of: text)
    guard digits.count.isMultiple(of: 2) else {
      throw .oddNumberOfDigits(count: digits.count)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 2)
    var index = 0
    while index < digits.count {
      bytes.append(digits[index] << 4 | digits[index + 1])
      index += 2
    }
    return bytes
  }

  /// As ``decode(_:)``, and refuses any other length than the one given.
  public static func decode(
    _ text: some StringProtocol, byteCount: Int
  ) throws(HexError) -> [UInt8] {
    let bytes = try decode(text)
    guard bytes.count == byteCount else {
      throw .wrongLength(expectedBytes: byteCount, actualBytes: bytes.count)
    }
    return bytes
  }

  /// The values 0...15 of the digits after an optional prefix.
  static func values(of text: some StringProtocol) throws(HexError) -> [UInt8] {
    var values: [UInt8] = []
    values.reserveCapacity(text.utf8.count)
    var start = 0
    if text.hasPrefix("0x") || text.hasPrefix("0X") { start = 2 }
    for (offset, byte) in text.utf8.enumerated() where offset >= start {
      switch byte {
      case 0x30...0x39: values.append(byte - 0x30)
      case 0x61...0x66: values.append(byte - 0x61 + 10)
      case 0x41...0x46: values.append(byte - 0x41 + 10)
      default: throw firstNonDigit(of: text, from: start)
      }
    }
    return values
  }

  /// Finds the character to blame; only called for a text that has one.
  private static func firstNonDigit(of text: some StringProtocol, from start: Int) -> HexError {
    for (offset, character) in text.enumerated() where offset >= start {
      let isDigit = character.utf8.count == 1 && character.isHexDigit
      if !isDigit { return .notADigit(character: character, offset: offset) }
    }
    return .empty
  }

  static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? 0x30 + value : 0x61 + (value - 10)
  }
}
