import Solidity
import SoliditySyntax

/// Finds delegatecall and selfdestruct in a contract and in what it reaches, as far as the OpenZeppelin
/// upgrades plugins look.
///
/// They read calls, not assembly; follow each call to the function it names (not to overrides, and also
/// across contracts); and of inherited contracts leave out internal and private functions.
struct OpcodeValidation {
  private struct Step: Hashable {
    let node: NodeID
    let isInherited: Bool
  }

  let program: Program

  func errors(
    of contract: ContractDefinition
  ) throws(CompatibilityFailure) -> [ValidationError] {
    let delegatecalls = try errors(of: .delegatecall, in: contract)
    return delegatecalls + (try errors(of: .selfdestruct, in: contract))
  }

  private func errors(
    of kind: ValidationErrorKind, in contract: ContractDefinition
  ) throws(CompatibilityFailure) -> [ValidationError] {
    var errors: [NodeID: ValidationError] = [:]
    var seen: Set<Step> = []
    var pending: [(item: SyntaxItem, isInherited: Bool)] = [(.contract(contract), false)]
    while let (item, isInherited) = pending.popLast() {
      guard let id = item.definition?.id,
        seen.insert(Step(node: id, isInherited: isInherited)).inserted
      else { continue }
      var enclosing: ContractDefinition?
      if case .function(let function) = item { enclosing = program.contract(containing: function) }
      if try !UpgradeAnnotations.allows(kind, enclosing?.documentation) {
        for call in try calls(in: item, isInherited, kind, UpgradeAnnotations.allows)
        where matches(call, kind) {
          errors[call.id] = ValidationError(
            kind: kind, node: call,
            contract: program.contract(containing: call)?.name ?? contract.name, names: [])
        }
      }
      if try !UpgradeAnnotations.allowsReachable(kind, enclosing?.documentation) {
        for call in try calls(in: item, isInherited, kind, UpgradeAnnotations.allowsReachable) {
          guard let function = namedFunction(call) else { continue }
          pending.append((.function(function), isInherited))
        }
      }
      if case .contract(let definition) = item,
        try !UpgradeAnnotations.allowsReachable(kind, definition.documentation)
      {
        for base in program.directBases(of: definition) { pending.append((.contract(base), true)) }
      }
    }
    return errors.sorted { $0.key < $1.key }.map(\.value)
  }

  /// The calls below a node, without those that annotations or the rules leave out.
  private func calls(
    in item: SyntaxItem, _ isInherited: Bool, _ kind: ValidationErrorKind,
    _ allows: (ValidationErrorKind, Documentation?) throws(CompatibilityFailure) -> Bool
  ) throws(CompatibilityFailure) -> [Expression] {
    // A walk cannot throw; which nodes to leave out is worked out first.
    var left: Set<NodeID> = []
    for part in SyntaxTraversal(item) {
      if let documentation = part.documentation, let node = part.annotated,
        try allows(kind, documentation)
      {
        left.insert(node.id)
      }
    }
    var calls: [Expression] = []
    let walk = SyntaxTraversal(item) { part in
      if let node = part.annotated, left.contains(node.id) { return true }
      guard isInherited, case .function(let function) = part else { return false }
      return function.kind != .constructor
        && (function.visibility == .internal || function.visibility == .private)
    }
    for part in walk {
      if case .expression(let expression) = part, case .call = expression.kind {
        calls.append(expression)
      }
    }
    return calls
  }

  private func matches(_ call: Expression, _ kind: ValidationErrorKind) -> Bool {
    switch program.callee(of: call) {
    case .lowLevel(.delegatecall): kind == .delegatecall
    case .builtin("selfdestruct"), .builtin("suicide"): kind == .selfdestruct
    default: false
    }
  }

  /// The function that a call names, without looking for overrides.
  private func namedFunction(_ call: Expression) -> FunctionDefinition? {
    guard case .call(let callee, _) = call.kind else { return nil }
    switch callee.kind {
    case .identifier, .memberAccess:
      if let function = program.declaration(of: callee) as? FunctionDefinition { return function }
      guard case .function(let function, _, _) = program.callee(of: call) else { return nil }
      return function
    default: return nil
    }
  }
}

extension SyntaxItem {
  /// The contract or function itself.
  fileprivate var definition: (any SyntaxNode)? {
    switch self {
    case .contract(let node): node
    case .function(let node): node
    default: nil
    }
  }

  /// The node, if it is one that comments annotate.
  fileprivate var annotated: (any SyntaxNode)? {
    switch self {
    case .contract(let node): node
    case .function(let node): node
    case .modifier(let node): node
    case .variable(let node): node
    case .statement(let node): node
    default: nil
    }
  }
}
