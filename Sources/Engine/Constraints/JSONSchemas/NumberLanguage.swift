/// The automata of numbers in a range, and of multiples of a number, exactly.
///
/// Numbers are written without exponent, with up to `digits` digits before and `fractionDigits` after the point, without
/// a sign of zero.
struct NumberLanguage {
  static let digits = 40
  static let fractionDigits = 40
  /// Numbers with a point have at most this many digits, so that readers who take them for doubles see the same order.
  static let exactDigits = 15
  static let maximumStates = 60_000

  var minimum: SchemaConstraints.Bound?
  var maximum: SchemaConstraints.Bound?
  var isWhole: Bool

  /// A range of magnitudes: numbers without their sign.
  private struct Range {
    var low: Decimal
    var excludesLow: Bool
    var high: Decimal?
    var excludesHigh: Bool
  }

  private enum Phase: Hashable {
    case start
    case sign
    case whole
    case point
    case fraction
  }

  private struct Value: Hashable {
    var phase = Phase.start
    var isNegative = false
    var isZero = false
    /// Digits before the point, and after it.
    var digits = 0
    var fraction = 0
    /// Digits there may be after the point.
    var room = 0
    /// The digits so far against those of the bounds.
    var low = Order.equal
    var high = Order.equal
    var remainder = 0
  }

  private enum Order: Hashable {
    case less
    case equal
    case greater
  }

  /// The automaton of the numbers in the range that are multiples of `divisor`, where one is given.
  ///
  /// - Parameter path: where the schema stands, for errors.
  func automaton(
    multipleOf divisor: Decimal?, path: String
  ) throws(GrammarError) -> DeterministicAutomaton {
    var places = 0
    var modulus = 1
    if let divisor {
      places = divisor.fraction.count
      guard let value = Int((divisor.whole + divisor.fraction).map(String.init).joined()),
        value <= 10_000
      else {
        throw GrammarError(
          .unsupported,
          "multipleOf is enforced for numbers of up to four digits (and 10000)", at: path)
      }
      modulus = value
    }
    let positive = Range(
      low: max(minimum?.value ?? .zero, .zero),
      excludesLow: minimum.map { $0.isExclusive && $0.value >= .zero } ?? false,
      high: maximum?.value, excludesHigh: maximum?.isExclusive ?? false)
    let negativeLow = maximum.map { $0.value.isNegative ? $0.value.negated : .zero } ?? .zero
    let negative = Range(
      low: negativeLow,
      excludesLow: maximum.map { $0.isExclusive || !$0.value.isNegative } ?? true,
      high: minimum.map { $0.value.negated }, excludesHigh: minimum?.isExclusive ?? false)
    let hasPositive = !(maximum?.value.isNegative ?? false)
    let hasNegative = minimum.map { $0.value.isNegative } ?? true
    let longest = max(
      divisor == nil ? NumberLanguage.digits : 20, (minimum?.value.whole.count ?? 0) + 1,
      (maximum?.value.whole.count ?? 0))
    let fractionLimit =
      isWhole
      ? 0
      : divisor == nil
        ? max(
          NumberLanguage.fractionDigits, (minimum?.value.fraction.count ?? 0) + 1,
          (maximum?.value.fraction.count ?? 0) + 1) : places + 2

    func range(_ value: Value) -> Range { value.isNegative ? negative : positive }

    func isInside(_ value: Value) -> Bool {
      let range = range(value)
      switch NumberLanguage.compare(value.digits, value.fraction, value.low, range.low) {
      case .less: return false
      case .equal: if range.excludesLow { return false }
      case .greater: break
      }
      if let high = range.high {
        switch NumberLanguage.compare(value.digits, value.fraction, value.high, high) {
        case .greater: return false
        case .equal: if range.excludesHigh { return false }
        case .less: break
        }
      }
      guard divisor != nil else { return true }
      var remainder = value.remainder
      for _ in value.fraction..<max(value.fraction, places) { remainder = remainder * 10 % modulus }
      return remainder == 0
    }

    return try DeterministicAutomaton.build(Value(), limit: NumberLanguage.maximumStates) { value in
      (value.phase == .whole || value.phase == .fraction) && isInside(value)
    } step: { old, byte in
      var value = old
      switch byte {
      case UInt8(ascii: "-"):
        guard value.phase == .start, hasNegative else { return nil }
        value.phase = .sign
        value.isNegative = true
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        let digit = byte - UInt8(ascii: "0")
        // Digits after those of the divisor can only be zeros, which change nothing.
        let isAfterPoint = value.phase == .point || value.phase == .fraction
        let isPadding = divisor != nil && isAfterPoint && value.fraction >= places
        switch value.phase {
        case .start, .sign, .whole:
          guard !value.isZero, value.digits < longest, value.isNegative || hasPositive else {
            return nil
          }
          value.isZero = value.phase != .whole && digit == 0
          value.phase = .whole
          let range = range(value)
          value.low = NumberLanguage.order(value.low, digit, range.low.whole, value.digits)
          if let high = range.high {
            value.high = NumberLanguage.order(value.high, digit, high.whole, value.digits)
          }
          value.digits += 1
        case .point, .fraction:
          guard value.fraction < min(fractionLimit, value.room), !isPadding || digit == 0 else {
            return nil
          }
          value.phase = .fraction
          let range = range(value)
          value.low = NumberLanguage.order(value.low, digit, range.low.fraction, value.fraction)
          if let high = range.high {
            value.high = NumberLanguage.order(value.high, digit, high.fraction, value.fraction)
          }
          value.fraction += 1
        }
        if divisor != nil, !isPadding {
          value.remainder = (value.remainder * 10 + Int(digit)) % modulus
        }
      case UInt8(ascii: "."):
        let room = NumberLanguage.exactDigits - (value.isZero ? 0 : value.digits)
        guard value.phase == .whole, fractionLimit > 0, room > 0 else { return nil }
        value.room = room
        value.phase = .point
        let range = range(value)
        // Numbers of other lengths are settled by their length alone.
        value.low = NumberLanguage.settled(value.low, value.digits, range.low.whole.count)
        if let high = range.high {
          value.high = NumberLanguage.settled(value.high, value.digits, high.whole.count)
        }
        value.digits = 0
        value.isZero = false
      default: return nil
      }
      return value
    }
  }

  /// The order once one more digit is known.
  private static func order(
    _ order: Order, _ digit: UInt8, _ bound: [UInt8], _ index: Int
  ) -> Order {
    guard order == .equal else { return order }
    let other = index < bound.count ? bound[index] : 0
    return digit < other ? .less : digit > other ? .greater : .equal
  }

  private static func settled(_ order: Order, _ digits: Int, _ boundDigits: Int) -> Order {
    digits < boundDigits ? .less : digits > boundDigits ? .greater : order
  }

  /// The order of a whole number: before the point `digits` is not zero, after it it is.
  private static func compare(
    _ digits: Int, _ fraction: Int, _ order: Order, _ bound: Decimal
  ) -> Order {
    let order = digits > 0 ? settled(order, digits, bound.whole.count) : order
    return order == .equal && bound.fraction.count > fraction ? .less : order
  }
}
