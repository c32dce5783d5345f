import BigInt
import SoliditySyntax

/// Exact arithmetic on number literals, with the limits the compiler sets.
///
/// Source: Solidity documentation, "Rational and Integer Literals"; numbers are limited to 4096
/// bits.
enum RationalArithmetic {
  /// The most bits a numerator or denominator may have.
  static let maximumBits = 4096

  /// The number a literal denotes; nil if it is not a number of the language or too large.
  static func number(_ text: String, unit: String?) -> Rational? {
    guard let value = number(text) else { return nil }
    guard let unit else { return value }
    guard let factor = factor(of: unit) else { return nil }
    return Rational(value.numerator * factor, value.denominator)
  }

  private static func factor(of unit: String) -> BigInt? {
    switch unit {
    case "wei", "seconds": 1
    case "gwei": BigInt(1_000_000_000)
    case "szabo": BigInt(1_000_000_000_000)
    case "finney": BigInt(1_000_000_000_000_000)
    case "ether": BigInt(1_000_000_000_000_000_000)
    case "minutes": 60
    case "hours": 3600
    case "days": 86400
    case "weeks": 604_800
    case "years": 31_536_000
    default: nil
    }
  }

  private static func number(_ text: String) -> Rational? {
    var digits = Array(text.utf8)
    digits.removeAll { $0 == UInt8(ascii: "_") }
    guard digits.count <= 4096 else { return nil }
    if digits.count <= 18, digits.allSatisfy({ 0x30...0x39 ~= $0 }), !digits.isEmpty {
      return Rational(integer: BigInt(digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }))
    }
    if digits.starts(with: [0x30, 0x78]) || digits.starts(with: [0x30, 0x58]) {
      guard digits.count <= 2 + maximumBits / 4 else { return nil }
      return BigInt(String(decoding: digits.dropFirst(2), as: UTF8.self), radix: 16)
        .map { Rational(integer: $0) }
    }
    return decimal(digits)
  }

  /// `12`, `1.5`, `.5`, `2e10`, `1.25E-3`
  private static func decimal(_ digits: [UInt8]) -> Rational? {
    let exponentMark = digits.firstIndex { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }
    var mantissa = Array(digits[..<(exponentMark ?? digits.count)])
    var exponent = 0
    if let exponentMark {
      let text = String(decoding: digits[(exponentMark + 1)...], as: UTF8.self)
      guard let value = Int(text) else { return nil }
      exponent = value
    }
    if let point = mantissa.firstIndex(of: UInt8(ascii: ".")) {
      while mantissa.last == 0x30 { mantissa.removeLast() }
      let (difference, overflow) = exponent.subtractingReportingOverflow(mantissa.count - point - 1)
      guard !overflow else { return nil }
      exponent = difference
      mantissa.remove(at: point)
    }
    let text = mantissa.isEmpty ? "0" : String(decoding: mantissa, as: UTF8.self)
    guard let value = BigInt(text) else { return nil }
    if value == 0 { return Rational(integer: 0) }
    // 10 takes more than 3 bits.
    guard exponent.magnitude <= maximumBits / 3 else { return nil }
    let power = BigInt(10).power(Int(exponent.magnitude))
    let result = exponent < 0 ? Rational(value, power) : Rational(integer: value * power)
    return result.flatMap { fits($0) ? $0 : nil }
  }

  /// Whether a number is within the limit.
  static func fits(_ value: Rational) -> Bool {
    value.numerator.magnitude.bitWidth <= maximumBits + 1
      && value.denominator.magnitude.bitWidth <= maximumBits + 1
  }

  /// The result of an operator; nil where it has none.
  static func unary(_ operation: UnaryOperator, _ value: Rational) -> Rational? {
    switch operation {
    case .negate: Rational(reduced: -value.numerator, value.denominator)
    case .plus: value
    case .bitNot: value.integer.map { Rational(integer: -$0 - 1) }
    default: nil
    }
  }

  /// The result of an arithmetic or bit operator; nil where it has none (division by 0, fractions
  /// and bits, too large).
  static func binary(_ operation: BinaryOperator, _ left: Rational, _ right: Rational) -> Rational?
  {
    let result: Rational?
    if let a = left.integer, let b = right.integer {
      result = integers(operation, a, b)
    } else {
      result = fractions(operation, left, right)
    }
    return result.flatMap { fits($0) ? $0 : nil }
  }

  private static func fractions(
    _ operation: BinaryOperator, _ left: Rational, _ right: Rational
  ) -> Rational? {
    let (a, b) = (left.numerator, left.denominator)
    let (c, d) = (right.numerator, right.denominator)
    switch operation {
    case .add: return Rational(a * d + c * b, b * d)
    case .subtract: return Rational(a * d - c * b, b * d)
    case .multiply: return Rational(a * c, b * d)
    case .divide: return c == 0 ? nil : Rational(a * d, b * c)
    case .modulo:
      guard c != 0 else { return nil }
      let quotient = (a * d) / (b * c)
      return Rational(a * d - quotient * c * b, b * d)
    case .power:
      guard let exponent = right.integer else { return nil }
      return power(left, exponent)
    default: return nil
    }
  }

  private static func integers(_ operation: BinaryOperator, _ a: BigInt, _ b: BigInt) -> Rational? {
    switch operation {
    case .add: return Rational(integer: a + b)
    case .subtract: return Rational(integer: a - b)
    case .multiply: return Rational(integer: a * b)
    case .divide: return b == 0 ? nil : Rational(a, b)
    case .modulo: return b == 0 ? nil : Rational(integer: a % b)
    case .power: return power(Rational(integer: a), b)
    case .shiftLeft:
      guard b >= 0, let amount = Int(exactly: b) else { return a == 0 ? Rational(integer: 0) : nil }
      if a == 0 { return Rational(integer: 0) }
      guard amount <= maximumBits, a.magnitude.bitWidth + amount <= maximumBits else { return nil }
      return Rational(integer: a << amount)
    case .shiftRight, .shiftRightLogical:
      guard b >= 0 else { return nil }
      // `>>` on BigInt rounds down.
      guard let amount = Int(exactly: b), amount <= a.magnitude.bitWidth else {
        return Rational(integer: a < 0 ? -1 : 0)
      }
      return Rational(integer: a >> amount)
    case .bitAnd: return Rational(integer: a & b)
    case .bitOr: return Rational(integer: a | b)
    case .bitXor: return Rational(integer: a ^ b)
    default: return nil
    }
  }

  private static func power(_ base: Rational, _ exponent: BigInt) -> Rational? {
    if exponent == 0 { return Rational(integer: 1) }
    if base.denominator == 1 {
      if base.numerator == 0 { return exponent < 0 ? nil : base }
      if base.numerator == 1 { return base }
      if base.numerator == -1 { return exponent.isOdd ? base : Rational(integer: 1) }
    }
    guard let amount = Int(exactly: exponent.magnitude), amount <= maximumBits else { return nil }
    let widest = max(base.numerator.magnitude.bitWidth, base.denominator.magnitude.bitWidth)
    guard widest * amount <= maximumBits else { return nil }
    let numerator = base.numerator.power(amount)
    let denominator = base.denominator.power(amount)
    return exponent < 0
      ? Rational(denominator, numerator) : Rational(reduced: numerator, denominator)
  }
}

extension BigInt {
  fileprivate var isOdd: Bool { magnitude.words.first.map { $0 & 1 == 1 } ?? false }
}
