import SoliditySyntax

/// The parts of functions that can carry or use a slot number, found once for all contracts that run them.
struct SlotCode {
  private static let instructions: Set = ["sload", "sstore", "tload", "tstore"]

  private var parts: [NodeID: [SyntaxItem]] = [:]
  private let program: Program

  init(program: Program) { self.program = program }

  /// Calls, assembly, and variables that could hold a slot, in the order of the source.
  mutating func parts(of item: SyntaxItem, id: NodeID) -> [SyntaxItem] {
    if let known = parts[id] { return known }
    let found = SyntaxTraversal(item).filter(isRelevant)
    parts[id] = found
    return found
  }

  private func isRelevant(_ item: SyntaxItem) -> Bool {
    switch item {
    case .invocation, .yulStatement: return true
    case .yulExpression(let expression):
      guard case .call(let name, _) = expression.kind else { return false }
      return SlotCode.instructions.contains(name.text)
    case .statement(let statement):
      guard case .variables(let variables, .some) = statement.kind, variables.count == 1,
        let variable = variables[0]
      else { return false }
      return program.type(of: variable).canHoldSlot
    case .expression(let expression):
      switch expression.kind {
      case .call:
        guard case .function(_, let dispatch, _) = program.callee(of: expression) else {
          return false
        }
        // Every function of every base is walked anyway, so super calls lead nowhere new.
        return dispatch != .external && dispatch != .super
      case .assignment(_, let target, _):
        guard let variable = program.declaration(of: target) as? VariableDeclaration else {
          return false
        }
        return variable.isLocal && program.type(of: variable).canHoldSlot
      default: return false
      }
    case .contract, .function, .modifier, .variable, .block, .yulBlock: return false
    }
  }
}

extension VariableDeclaration {
  /// Whether it lives within one function.
  var isLocal: Bool {
    switch role {
    case .local, .parameter, .returnParameter: true
    default: false
    }
  }
}

extension SolidityType {
  /// Whether a value can be a slot number: whole words.
  var canHoldSlot: Bool {
    switch self {
    case .integer, .fixedBytes, .userDefinedValue, .unknown: true
    default: false
    }
  }
}
