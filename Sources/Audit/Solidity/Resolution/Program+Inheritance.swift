import SoliditySyntax

extension Program {
  /// The override of `function` that runs when `contract` is the most derived contract: `function` itself when
  /// nothing overrides it or it cannot be overridden.
  public func override(
    of function: FunctionDefinition, in contract: ContractDefinition
  ) -> FunctionDefinition { function }

  /// The function that `super.f` in `caller` runs when `mostDerived` is the most derived contract.
  public func superFunction(
    of function: FunctionDefinition, calledFrom caller: ContractDefinition,
    in mostDerived: ContractDefinition
  ) -> FunctionDefinition? { nil }

  /// The functions that `function` overrides directly or through others, nearest in the linearisation first.
  public func overriddenFunctions(of function: FunctionDefinition) -> [FunctionDefinition] { [] }

  /// All functions a contract has, inherited ones included, each only in its most derived form, in the order of the
  /// linearisation. Constructors appear for every contract that has one.
  public func functions(of contract: ContractDefinition) -> [FunctionDefinition] { [] }

  /// The state variables of a contract and its bases, most base-like first: the order of the storage layout.
  public func stateVariables(of contract: ContractDefinition) -> [VariableDeclaration] {
    linearizedBases(of: contract).reversed().flatMap(\.stateVariables)
  }
}
