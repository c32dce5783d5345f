import SoliditySyntax

extension Program {
  /// The override of `function` that runs when `contract` is the most derived contract: `function`
  /// itself when nothing overrides it or it cannot be overridden (private, free and library
  /// functions, constructors).
  public func override(
    of function: FunctionDefinition, in contract: ContractDefinition
  ) -> FunctionDefinition {
    guard hasOverrides(function), let owner = self.contract(containing: function) else {
      return function
    }
    let bases = linearizedBases(of: contract)
    guard bases.contains(where: { $0.id == owner.id }) else { return function }
    for base in bases {
      if base.id == owner.id { break }
      if let found = declared(in: base, like: function).first(where: { overrides($0, function) }) {
        return found
      }
    }
    return function
  }

  /// The public state variable whose getter overrides `function` when `contract` is the most
  /// derived contract.
  public func overridingGetter(
    of function: FunctionDefinition, in contract: ContractDefinition
  ) -> VariableDeclaration? {
    guard function.visibility == .external || function.visibility == .public,
      let signature = signature(of: function)
    else { return nil }
    for base in linearizedBases(of: contract) {
      for declaration in tables.contract(base)?.members[function.name] ?? [] {
        if declaration.id == function.id { return nil }
        if let variable = declaration as? VariableDeclaration,
          getterSignature(of: variable) == signature
        {
          return variable
        }
      }
    }
    return nil
  }

  /// The function that `super.f` in `caller` runs when `mostDerived` is the most derived contract:
  /// the first implemented one behind `caller` in the linearisation.
  public func superFunction(
    of function: FunctionDefinition, calledFrom caller: ContractDefinition,
    in mostDerived: ContractDefinition
  ) -> FunctionDefinition? {
    let bases = linearizedBases(of: mostDerived)
    guard let place = bases.firstIndex(where: { $0.id == caller.id }) else { return nil }
    for base in bases[(place + 1)...] {
      let found = declared(in: base, like: function).first {
        $0.body != nil && ($0.id == function.id || overrides($0, function))
      }
      if let found { return found }
    }
    return nil
  }

  /// The functions of bases that `function` overrides, nearest in the linearisation of its contract
  /// first.
  public func overriddenFunctions(of function: FunctionDefinition) -> [FunctionDefinition] {
    guard hasOverrides(function), let owner = contract(containing: function) else { return [] }
    return linearizedBases(of: owner).dropFirst().compactMap { base in
      declared(in: base, like: function).first { overrides(function, $0) }
    }
  }

  /// The implemented functions of a contract, inherited ones included, each only in its most
  /// derived form, in the order of the linearisation. Constructors appear for every contract that
  /// has one.
  public func functions(of contract: ContractDefinition) -> [FunctionDefinition] {
    var result: [FunctionDefinition] = []
    var seen: Set<OverrideKey> = []
    for base in linearizedBases(of: contract) {
      var own: [OverrideKey] = []
      for member in base.members {
        switch member {
        case .function(let function):
          guard hasOverrides(function) else {
            if function.body != nil { result.append(function) }
            continue
          }
          let key = OverrideKey(
            kind: function.kind, name: function.name,
            parameters: function.parameters.map { type(of: $0).located(nil) })
          if function.body != nil, !seen.contains(key) {
            result.append(function)
            own.append(key)
          }
        case .variable(let variable) where variable.visibility == .public:
          let parameters = getterParts(of: variable).parameters.map { $0.located(nil) }
          own.append(OverrideKey(kind: .function, name: variable.name, parameters: parameters))
        default: continue
        }
      }
      seen.formUnion(own)
    }
    return result
  }

  /// The state variables of a contract and its bases, most base-like first: the order of the
  /// storage layout.
  public func stateVariables(of contract: ContractDefinition) -> [VariableDeclaration] {
    linearizedBases(of: contract).reversed().flatMap(\.stateVariables)
  }

  /// What two functions share when one overrides the other.
  private struct OverrideKey: Hashable {
    let kind: FunctionKind
    let name: String
    let parameters: [SolidityType]
  }

  private func declared(
    in contract: ContractDefinition, like function: FunctionDefinition
  ) -> [FunctionDefinition] {
    tables.contract(contract)?.functions(like: function) ?? []
  }

  private func hasOverrides(_ function: FunctionDefinition) -> Bool {
    function.kind != .constructor && function.kind != .freeFunction
      && function.visibility != .private
      && contract(containing: function).map { $0.kind != .library } ?? false
  }

  /// Same kind, name and parameter types, their locations left aside.
  private func overrides(_ function: FunctionDefinition, _ base: FunctionDefinition) -> Bool {
    guard function.kind == base.kind, function.name == base.name,
      function.parameters.count == base.parameters.count, function.visibility != .private,
      base.visibility != .private
    else { return false }
    return zip(function.parameters, base.parameters).allSatisfy {
      type(of: $0).located(nil) == type(of: $1).located(nil)
    }
  }
}
