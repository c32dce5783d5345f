import BigInt
import Ethereum
import SoliditySyntax

/// A slot number known before the program runs, with the constant that named it.
package struct KnownSlot: Hashable, Sendable {
  package let value: BigUInt
  /// The constant's name, if the value was read from one.
  package let name: String?
  /// Whether the value came in through a parameter.
  package let isPassed: Bool
}

/// Evaluates slot expressions in one function, given what is known of its parameters and locals.
package struct SlotEvaluation {
  /// Calls are followed this deep to find a returned constant.
  private static let maximumDepth = 6
  private static let modulus = BigUInt(1) << 256

  package let program: Program
  package let contract: ContractDefinition
  /// Known values of parameters, locals and Yul variables, by declaration.
  package var known: [NodeID: KnownSlot] = [:]

  package init(program: Program, contract: ContractDefinition) {
    self.program = program
    self.contract = contract
  }

  /// The value of an expression, or nil.
  package func slot(of expression: Expression) -> KnownSlot? { slot(of: expression, depth: 0) }

  private func slot(of expression: Expression, depth: Int) -> KnownSlot? {
    let expression = expression.withoutParentheses
    if let declared = program.declaration(of: expression) as? VariableDeclaration {
      return slot(of: declared, depth: depth)
    }
    if let value = program.slotValue(of: expression) {
      return KnownSlot(value: value, name: nil, isPassed: false)
    }
    guard depth < SlotEvaluation.maximumDepth else { return nil }
    switch expression.kind {
    case .call(_, let arguments):
      switch program.callee(of: expression) {
      case .conversion:
        return arguments.values.first.flatMap { slot(of: $0, depth: depth + 1) }
      case .function(let function, let dispatch, _):
        guard dispatch != .external else { return nil }
        if let slot = namespaceSlot(of: expression, function) { return slot }
        let target =
          dispatch == .virtual ? program.override(of: function, in: contract) : function
        return returned(by: target, depth: depth + 1)
      default: return nil
      }
    case .binary(let operation, let left, let right):
      guard let first = slot(of: left, depth: depth + 1),
        let second = slot(of: right, depth: depth + 1)
      else { return nil }
      return combine(operation, first, second)
    default: return nil
    }
  }

  private func slot(of variable: VariableDeclaration, depth: Int) -> KnownSlot? {
    if let known = known[variable.id] { return known }
    guard variable.mutability != .mutable else { return nil }
    if let value = program.constantValue(of: variable).flatMap(SlotText.slot(of:)) {
      return KnownSlot(value: value, name: variable.name, isPassed: false)
    }
    guard depth < SlotEvaluation.maximumDepth, let value = variable.value,
      let result = slot(of: value, depth: depth + 1)
    else { return nil }
    return KnownSlot(value: result.value, name: variable.name, isPassed: result.isPassed)
  }

  /// The slot of a namespace that a library hashes from its constant id: `"id".erc7201Slot()`. The hash
  /// is taken in assembly, so the function is known by the name of the standard.
  private func namespaceSlot(of call: Expression, _ function: FunctionDefinition) -> KnownSlot? {
    guard function.name == "erc7201Slot", let argument = program.arguments(of: call).first,
      let argument, let id = text(of: argument)
    else { return nil }
    return KnownSlot(
      value: SlotText.number(StorageLocation.erc7201(id: id)), name: id, isPassed: false)
  }

  private func text(of expression: Expression) -> String? {
    var value = program.constantValue(of: expression)
    if let variable = program.declaration(of: expression) as? VariableDeclaration {
      value = program.constantValue(of: variable)
    }
    guard case .bytes(let bytes) = value else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The constant that a function of one statement returns.
  private func returned(by function: FunctionDefinition, depth: Int) -> KnownSlot? {
    guard let statements = function.body?.statements, statements.count == 1,
      case .return(let value?) = statements[0].kind
    else { return nil }
    var inner = SlotEvaluation(program: program, contract: contract)
    inner.known = [:]
    return inner.slot(of: value, depth: depth)
  }

  private func combine(
    _ operation: BinaryOperator, _ first: KnownSlot, _ second: KnownSlot
  ) -> KnownSlot? {
    let value: BigUInt
    switch operation {
    case .add: value = (first.value + second.value) % SlotEvaluation.modulus
    case .subtract:
      value = (first.value + SlotEvaluation.modulus - second.value) % SlotEvaluation.modulus
    case .bitAnd: value = first.value & second.value
    case .bitOr: value = first.value | second.value
    case .bitXor: value = first.value ^ second.value
    default: return nil
    }
    return KnownSlot(value: value, name: nil, isPassed: first.isPassed || second.isPassed)
  }

  /// The value of an expression in assembly, or nil.
  package func slot(of expression: YulExpression) -> KnownSlot? {
    switch expression.kind {
    case .literal(let literal):
      return SlotEvaluation.number(of: literal).map {
        KnownSlot(value: $0, name: nil, isPassed: false)
      }
    case .identifier:
      if let reference = program.reference(of: expression) {
        guard reference.suffix == nil, let variable = reference.declaration as? VariableDeclaration
        else { return nil }
        return slot(of: variable, depth: 0)
      }
      return program.yulDeclaration(of: expression).flatMap { known[$0.id] }
    case .call(let name, let arguments):
      // Instructions only: deeper arithmetic is bounded by the nesting of calls in the source.
      guard arguments.count == 2, let first = slot(of: arguments[0]),
        let second = slot(of: arguments[1])
      else { return nil }
      switch name.text {
      case "add": return combine(.add, first, second)
      case "sub": return combine(.subtract, first, second)
      case "and": return combine(.bitAnd, first, second)
      case "or": return combine(.bitOr, first, second)
      case "xor": return combine(.bitXor, first, second)
      default: return nil
      }
    case .missing: return nil
    }
  }

  private static func number(of literal: YulLiteral) -> BigUInt? {
    switch literal {
    case .number(let text):
      let value =
        text.hasPrefix("0x") || text.hasPrefix("0X")
        ? BigUInt(text.dropFirst(2), radix: 16) : BigUInt(text, radix: 10)
      return value.flatMap { $0.bitWidth <= 256 ? $0 : nil }
    case .string(let bytes), .hexString(let bytes):
      return SlotText.slot(of: .bytes(bytes))
    case .bool: return nil
    }
  }
}
