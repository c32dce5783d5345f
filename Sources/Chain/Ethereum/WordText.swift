/// Why a text is not a decimal number of 256 bits.
public enum DecimalError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No digits.
  case empty
  /// A character that is no decimal digit; `offset` counts characters from 0.
  case notADigit(character: Character, offset: Int)
  /// 2^256 or more.
  case tooLarge

  /// What is wrong, for a person.
  public var description: String {
    switch self {
    case .empty: "expected decimal digits, found none"
    case .notADigit(let character, let offset):
      "not a decimal digit at offset \(offset): \(String(character).debugDescription)"
    case .tooLarge: "the number does not fit in 256 bits"
    }
  }
}

extension Word: CustomStringConvertible {
  /// Reads 1 to 64 significant hexadecimal digits, an odd number of them too, with or without
  /// `0x`; leading zeros do not count.
  public init(hex text: some StringProtocol) throws(HexError) {
    let digits = try Hex.values(of: text)
    guard !digits.isEmpty else { throw .empty }
    let significant = digits.drop { $0 == 0 }
    guard significant.count <= 64 else { throw .tooLarge(digits: significant.count) }
    self = .zero
    for digit in significant {
      self = (self << 4) | Word(UInt64(digit))
    }
  }

  /// Reads decimal digits.
  public init(decimal text: some StringProtocol) throws(DecimalError) {
    guard !text.isEmpty else { throw .empty }
    let limit = Word.max.quotientAndRemainder(dividingBy: 10 as UInt64)
    self = .zero
    for (offset, character) in text.enumerated() {
      guard character.isASCII, let digit = character.wholeNumberValue else {
        throw .notADigit(character: character, offset: offset)
      }
      guard self < limit.quotient || (self == limit.quotient && UInt64(digit) <= limit.remainder)
      else { throw .tooLarge }
      self = (self &* 10) &+ Word(UInt64(digit))
    }
  }

  /// Decimal digits without leading zeros.
  public var description: String {
    if let small = uint64 { return String(small) }
    // 10^19 is the largest power of ten in 64 bits.
    let chunk: UInt64 = 10_000_000_000_000_000_000
    var rest = self
    var parts: [String] = []
    while !rest.isZero {
      let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: chunk)
      let digits = String(remainder)
      let padding = quotient.isZero ? 0 : 19 - digits.count
      parts.append(String(repeating: "0", count: padding) + digits)
      rest = quotient
    }
    return parts.reversed().joined()
  }

  /// `0x` and lower-case digits without leading zeros; `0x0` for 0.
  public var hexString: String {
    let digits = Hex.encode(bigEndianBytes, prefix: false).drop { $0 == "0" }
    return digits.isEmpty ? "0x0" : "0x" + digits
  }

  /// `0x` and exactly 64 lower-case digits.
  public var paddedHexString: String {
    withBigEndianBytes { Hex.encode($0) }
  }
}
