import JSON

/// A decimal number of any length, exactly.
struct Decimal: Hashable, Sendable, Comparable {
  var isNegative: Bool
  /// Digits before the point, without leading zeros but for a single 0.
  var whole: [UInt8]
  /// Digits after the point, without trailing zeros.
  var fraction: [UInt8]

  static let zero = Decimal(isNegative: false, whole: [0], fraction: [])

  private init(isNegative: Bool, whole: [UInt8], fraction: [UInt8]) {
    self.whole = Array(whole.drop { $0 == 0 })
    if self.whole.isEmpty { self.whole = [0] }
    self.fraction = fraction
    while self.fraction.last == 0 { self.fraction.removeLast() }
    self.isNegative = isNegative && !(self.whole == [0] && self.fraction.isEmpty)
  }

  /// The number of a JSON value, in the shortest form that reads back the same; nil if it is no finite number.
  init?(_ value: JSONValue) {
    switch value {
    case .integer(let value): self.init(text: String(value))
    case .number(let value) where value.isFinite: self.init(text: value.description)
    default: return nil
    }
  }

  /// The number of a text such as `-12.5e+3`.
  private init?(text: String) {
    var rest = Array(text.utf8)[...]
    let isNegative = rest.first == UInt8(ascii: "-")
    if isNegative { rest.removeFirst() }
    var digits: [UInt8] = []
    var pointAt: Int?
    var exponent = 0
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digits.append(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "."): pointAt = digits.count
      case UInt8(ascii: "e"), UInt8(ascii: "E"):
        guard let value = Int(String(decoding: rest, as: UTF8.self)), abs(value) < 2000 else {
          return nil
        }
        exponent = value
        rest = []
      default: return nil
      }
    }
    var point = (pointAt ?? digits.count) + exponent
    while point < 0 {
      digits.insert(0, at: 0)
      point += 1
    }
    while point > digits.count { digits.append(0) }
    self.init(
      isNegative: isNegative, whole: Array(digits[..<point]), fraction: Array(digits[point...]))
  }

  /// Whether there is nothing after the point.
  var isWhole: Bool { fraction.isEmpty }

  var negated: Decimal { Decimal(isNegative: !isNegative, whole: whole, fraction: fraction) }

  static func < (left: Decimal, right: Decimal) -> Bool {
    if left.isNegative != right.isNegative { return left.isNegative }
    return left.isNegative
      ? isLess(right, left) : isLess(left, right)
  }

  private static func isLess(_ left: Decimal, _ right: Decimal) -> Bool {
    if left.whole.count != right.whole.count { return left.whole.count < right.whole.count }
    if left.whole != right.whole { return left.whole.lexicographicallyPrecedes(right.whole) }
    return left.fraction.lexicographicallyPrecedes(right.fraction)
  }
}
