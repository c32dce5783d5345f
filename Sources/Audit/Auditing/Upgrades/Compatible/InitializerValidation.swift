import Solidity
import SoliditySyntax

/// Checks that a contract's initializers call those of its parents, each once and in order, by the rules of
/// the OpenZeppelin upgrades plugins.
struct InitializerValidation {
  /// Chains of calls are followed this deep.
  private static let maximumDepth = 128

  /// A parent with the functions that may initialise it.
  private struct Parent {
    let name: String
    var initializers: [FunctionDefinition]
  }

  let program: Program

  /// Errors of the contract itself, not of its bases; none for abstract contracts.
  func errors(
    of contract: ContractDefinition
  ) throws(CompatibilityFailure) -> [ValidationError] {
    guard !contract.isAbstract else { return [] }
    let parents = try parentsWithInitializers(of: contract)
    let remaining = notInitializedByOthers(parents)
    guard !remaining.isEmpty else { return [] }
    let initializers = try possibleInitializers(of: contract, isParent: false)
    var errors: [ValidationError] = []
    if initializers.isEmpty, needsInitializer(remaining, parents),
      try !UpgradeAnnotations.allows(.missingInitializer, contract.documentation)
    {
      errors.append(
        ValidationError(
          kind: .missingInitializer, node: contract, contract: contract.name, names: remaining))
    }
    for initializer in initializers {
      errors += try callErrors(
        initializer, parents: parents, directCalls: remaining, contract: contract)
    }
    return errors
  }

  /// The parents that have initializers, most base-like first. Of parents with one name the last counts,
  /// in the place of the first.
  private func parentsWithInitializers(
    of contract: ContractDefinition
  ) throws(CompatibilityFailure) -> [Parent] {
    var parents: [Parent] = []
    for base in program.linearizedBases(of: contract).dropFirst().reversed() {
      let initializers = try possibleInitializers(of: base, isParent: true)
      guard !initializers.isEmpty else { continue }
      if let index = parents.firstIndex(where: { $0.name == base.name }) {
        parents[index].initializers = initializers
      } else {
        parents.append(Parent(name: base.name, initializers: initializers))
      }
    }
    return parents
  }

  /// One parent with a public initializer can be initialised without the contract's help.
  private func needsInitializer(_ remaining: [String], _ parents: [Parent]) -> Bool {
    guard remaining.count == 1 else { return true }
    let parent = parents.first { $0.name == remaining[0] }
    return parent?.initializers.allSatisfy { $0.visibility == .internal } ?? false
  }

  /// The parents that no other parent's initializer calls.
  private func notInitializedByOthers(_ parents: [Parent]) -> [String] {
    var remaining = parents.map(\.name)
    // The list shrinks in front of the place being read, as it does in the rules' own program: the
    // parent behind the current one is then passed over.
    var index = 0
    while index < remaining.count {
      let name = remaining[index]
      let parent = parents.first { $0.name == name }
      for initializer in parent?.initializers ?? [] {
        for call in directCalls(in: initializer) {
          guard let function = function(of: call.expression) else { continue }
          let earlier = remaining.prefix { $0 != name }
          let called = earlier.first { candidate in
            parents.first { $0.name == candidate }?.initializers
              .contains { $0.id == function.id } == true
          }
          if let called { remaining.removeAll { $0 == called } }
        }
      }
      index += 1
    }
    return remaining
  }

  private func callErrors(
    _ initializer: FunctionDefinition, parents: [Parent], directCalls expectedCalls: [String],
    contract: ContractDefinition
  ) throws(CompatibilityFailure) -> [ValidationError] {
    func isAllowed(_ kind: ValidationErrorKind) throws(CompatibilityFailure) -> Bool {
      if try UpgradeAnnotations.allows(kind, contract.documentation) { return true }
      return try UpgradeAnnotations.allows(kind, initializer.documentation)
    }
    var errors: [ValidationError] = []
    var found: [String] = []
    var linearized = parents.map(\.name)
    var missing = expectedCalls
    var called: Set<NodeID> = []
    for call in directCalls(in: initializer) {
      guard let first = function(of: call.expression) else { continue }
      var visited: Set<NodeID> = []
      for function in functionsRun(by: first, &visited, depth: 0) {
        for parent in parents where parent.initializers.contains(where: { $0.id == function.id }) {
          let isDuplicate = !called.insert(function.id).inserted
          if isDuplicate, try !isAllowed(.duplicateInitializerCall),
            try !UpgradeAnnotations.allows(
              .duplicateInitializerCall, call.statement.documentation)
          {
            errors.append(
              ValidationError(
                kind: .duplicateInitializerCall, node: call.expression, contract: contract.name,
                names: [function.name, parent.name]))
          }
          guard !found.contains(parent.name) else { continue }
          found.append(parent.name)
          if !isDuplicate, linearized.first != parent.name,
            try !isAllowed(.incorrectInitializerOrder)
          {
            errors.append(
              ValidationError(
                kind: .incorrectInitializerOrder, node: call.expression, contract: contract.name,
                names: expectedCalls))
          }
          linearized.removeAll { $0 == parent.name }
          missing.removeAll { $0 == parent.name }
        }
      }
    }
    if !missing.isEmpty, !initializer.name.hasSuffix("_unchained"),
      try !isAllowed(.missingInitializerCall)
    {
      errors.append(
        ValidationError(
          kind: .missingInitializerCall, node: initializer, contract: contract.name,
          names: missing))
    }
    return errors
  }

  /// A function and all it calls by statements of their own, callees before callers.
  private func functionsRun(
    by function: FunctionDefinition, _ visited: inout Set<NodeID>, depth: Int
  ) -> [FunctionDefinition] {
    guard visited.insert(function.id).inserted else { return [] }
    guard depth < InitializerValidation.maximumDepth else { return [function] }
    var result: [FunctionDefinition] = []
    for call in directCalls(in: function) {
      guard let callee = self.function(of: call.expression) else { continue }
      result += functionsRun(by: callee, &visited, depth: depth + 1)
    }
    return result + [function]
  }

  /// The calls that are statements of the function's outermost block.
  private func directCalls(
    in function: FunctionDefinition
  ) -> [(statement: Statement, expression: Expression)] {
    (function.body?.statements ?? []).compactMap { statement in
      guard case .expression(let expression) = statement.kind, case .call = expression.kind else {
        return nil
      }
      return (statement, expression)
    }
  }

  private func function(of call: Expression) -> FunctionDefinition? {
    guard case .call(let callee, _) = call.kind else { return nil }
    switch callee.kind {
    case .identifier, .memberAccess:
      if let function = program.declaration(of: callee) as? FunctionDefinition { return function }
      guard case .function(let function, _, _) = program.callee(of: call) else { return nil }
      return function
    default: return nil
    }
  }

  private func possibleInitializers(
    of contract: ContractDefinition, isParent: Bool
  ) throws(CompatibilityFailure) -> [FunctionDefinition] {
    var result: [FunctionDefinition] = []
    for function in contract.functions {
      let arguments = UpgradeAnnotations.arguments(
        of: UpgradeAnnotations.validateAsInitializer, in: function.documentation)
      if let arguments, !arguments.isEmpty {
        throw .annotationArguments(
          tag: UpgradeAnnotations.validateAsInitializer, found: arguments.count, expected: 0)
      }
      guard arguments != nil || function.looksLikeInitializer else { continue }
      if function.isVirtual, function.body == nil { continue }
      guard function.visibility != .private else { continue }
      if isParent {
        guard function.body?.statements.isEmpty == false,
          function.visibility == .internal || function.visibility == .public
        else { continue }
      }
      result.append(function)
    }
    return result
  }
}

extension FunctionDefinition {
  /// Whether its name or a modifier says that it initialises.
  fileprivate var looksLikeInitializer: Bool {
    name == "initialize" || name == "initializer"
      || modifiers.contains { ["initializer", "onlyInitializing"].contains($0.path.text) }
  }
}
