import BigInt
import SoliditySyntax

/// A number with the type it has in a compile-time expression.
package struct TypedRational: Sendable {
  /// The number.
  package var value: Rational
  /// `.rational` for literals, else an integer type.
  package var type: SolidityType

  /// The number under another type; nil where it does not fit or the type is no number.
  func converted(to type: SolidityType) -> TypedRational? {
    switch type {
    case .rational: return TypedRational(value: value, type: .rational(value))
    case .integer(let bits, let signed):
      // A fraction is cut off, after the range check, as the compiler does.
      guard let low = Rational(integer: signed ? -(BigInt(1) << (bits - 1)) : 0).floor,
        let high = Rational(integer: (BigInt(1) << (signed ? bits - 1 : bits)) - 1).floor,
        let floor = value.floor, floor >= low,
        value.numerator <= high * value.denominator
      else { return nil }
      return TypedRational(
        value: Rational(integer: value.numerator / value.denominator), type: type)
    default: return nil
    }
  }
}

extension Rational {
  /// The greatest whole number not above this one.
  var floor: BigInt? {
    let quotient = numerator / denominator
    return numerator < 0 && quotient * denominator != numerator ? quotient - 1 : quotient
  }
}

/// Computes array lengths and base slots the way the compiler does: literals, constants named
/// without qualification, and operators on them. Everything else is refused.
struct CompileTimeEvaluator {
  /// Constants that may be nested in one another.
  static let maximumDepth = 32

  let syntax: any ResolvedSyntax
  var depth = 0

  /// The number an expression denotes; nil where the compiler would refuse it.
  func number(_ expression: Expression) -> TypedRational? {
    let expression = expression.withoutParentheses
    switch expression.kind {
    case .literal(.number(let text, let unit)):
      return RationalArithmetic.number(text, unit: unit).map {
        TypedRational(value: $0, type: .rational($0))
      }
    case .identifier:
      guard let variable = syntax.declaration(of: expression) as? VariableDeclaration else {
        return nil
      }
      return syntax.compileTimeValue(of: variable, depth: depth)
    case .prefix(let operation, let operand):
      guard let value = number(operand),
        let result = RationalArithmetic.unary(operation, value.value)
      else { return nil }
      return TypedRational(value: result, type: .rational(result)).converted(to: value.type)
    case .binary: return chain(expression)
    case .call: return namespaceSlot(expression)
    default: return nil
    }
  }

  /// Operators chain to the left without bound.
  private func chain(_ expression: Expression) -> TypedRational? {
    var steps: [(BinaryOperator, Expression)] = []
    var leftmost = expression
    while case .binary(let operation, let left, let right) = leftmost.kind {
      steps.append((operation, right))
      leftmost = left
    }
    var result = number(leftmost)
    for (operation, operand) in steps.reversed() {
      guard let left = result, let right = number(operand) else { return nil }
      result = combine(operation, left, right)
    }
    return result
  }

  private func combine(
    _ operation: BinaryOperator, _ left: TypedRational, _ right: TypedRational
  ) -> TypedRational? {
    guard let type = resultType(operation, left, right), let a = left.converted(to: type) else {
      return nil
    }
    let isShiftOrPower =
      operation == .power || operation == .shiftLeft || operation == .shiftRight
    guard let b = isShiftOrPower ? right : right.converted(to: type),
      var value = RationalArithmetic.binary(operation, a.value, b.value)
    else { return nil }
    if case .integer = type, operation == .divide {
      value = Rational(integer: value.numerator / value.denominator)
    }
    return TypedRational(value: value, type: .rational(value)).converted(to: type)
  }

  private func resultType(
    _ operation: BinaryOperator, _ left: TypedRational, _ right: TypedRational
  ) -> SolidityType? {
    let conversions = Conversions(derives: { $0.id == $1.id }, contractsAreAddresses: false)
    switch operation {
    case .and, .or, .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: return nil
    default: break
    }
    switch (left.type, right.type) {
    case (.rational, .rational): return left.type
    case (.rational(let value), .integer):
      if operation == .power || operation == .shiftLeft || operation == .shiftRight {
        return value.numerator < 0 ? .int256 : .uint256
      }
    case (.integer, _):
      if operation == .power || operation == .shiftLeft || operation == .shiftRight {
        return left.type
      }
    default: return nil
    }
    let type = conversions.common(left.type, right.type)
    return type.isUnknown ? nil : type
  }

  /// `erc7201("id")` (0.8.35).
  private func namespaceSlot(_ expression: Expression) -> TypedRational? {
    guard case .builtin("erc7201") = syntax.callee(of: expression),
      case .number(let value) = ConstantEvaluator(syntax: syntax).value(of: expression)
    else { return nil }
    return TypedRational(value: value, type: .uint256)
  }
}
