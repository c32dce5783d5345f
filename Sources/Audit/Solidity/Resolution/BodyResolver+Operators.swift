import BigInt
import SoliditySyntax

extension BodyResolver {
  func element(of base: Operand, index: Expression?) -> Operand {
    switch base.type {
    case .array(let element, _, let location):
      return Operand(type: element.located(location ?? .storage))
    case .mapping(_, let value): return Operand(type: value.located(.storage))
    case .bytes, .string, .fixedBytes: return Operand(type: .fixedBytes(1))
    case .metatype(let element):
      guard let index else {
        return Operand(
          type: .metatype(.array(element: element, length: nil, location: .memory)))
      }
      guard let length = CompileTimeEvaluator(syntax: resolver).number(index)?.value.integer,
        length > 0
      else { return .unknown }
      return Operand(
        type: .metatype(.array(element: element, length: length.magnitude, location: .memory)))
    default: return .unknown
    }
  }

  func prefix(_ operation: UnaryOperator, _ type: SolidityType) -> Operand {
    switch operation {
    case .not: return userDefined("!", [type]) ?? Operand(type: .bool)
    case .delete: return Operand(type: .nothing)
    case .increment, .decrement: return Operand(type: type)
    case .negate, .plus, .bitNot:
      if case .rational(let value) = type {
        return Operand(
          type: RationalArithmetic.unary(operation, value).map { .rational($0) } ?? .unknown)
      }
      return userDefined(operation.rawValue, [type]) ?? Operand(type: type)
    }
  }

  func binary(_ operation: BinaryOperator, _ left: SolidityType, _ right: SolidityType) -> Operand {
    if let operand = userDefined(operation.rawValue, [left, right]) { return operand }
    switch operation {
    case .and, .or, .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
      return Operand(type: .bool)
    case .shiftLeft, .shiftRight, .shiftRightLogical, .power:
      if case .rational(let a) = left {
        if case .rational(let b) = right { return folded(operation, a, b) }
        return Operand(type: a.numerator < 0 ? .int256 : .uint256)
      }
      return Operand(type: left)
    case .add, .subtract, .multiply, .divide, .modulo, .bitAnd, .bitOr, .bitXor:
      if case .rational(let a) = left, case .rational(let b) = right {
        return folded(operation, a, b)
      }
      return Operand(type: conversions.common(left, right))
    }
  }

  private func folded(_ operation: BinaryOperator, _ a: Rational, _ b: Rational) -> Operand {
    Operand(type: RationalArithmetic.binary(operation, a, b).map { .rational($0) } ?? .unknown)
  }

  /// An operator that a `using {f as +} for T global` gives to a user-defined value type.
  private func userDefined(_ symbol: String, _ operands: [SolidityType]) -> Operand? {
    guard case .userDefinedValue(let definition) = operands[0] else { return nil }
    let unit = Int(definition.node.id.unit)
    let entries =
      (resolver.globalAttachments(of: unit).operators[symbol] ?? [])
      + (context.attachments.operators[symbol] ?? [])
    let found = entries.first {
      $0.target == operands[0] && $0.function.parameters.count == operands.count
    }
    guard let function = found?.function else { return nil }
    return Operand(
      type: .result(of: function.returnParameters.map { resolver.type(of: $0) }),
      declaration: function)
  }
}
