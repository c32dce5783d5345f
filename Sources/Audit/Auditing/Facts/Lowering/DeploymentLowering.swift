import SoliditySyntax
import Solidity

extension FunctionLowering {
  /// Lowers everything that runs when a contract is deployed.
  ///
  /// Arguments of base constructors are evaluated from the most derived contract on; then, from the most base-like
  /// contract on, initial values and constructor bodies run.
  static func lowerDeployment(
    of contract: ContractDefinition, program: Program
  ) -> FunctionGraph? {
    guard contract.kind == .contract else { return nil }
    let lowering = FunctionLowering(program: program, node: contract, mostDerived: contract)
    let bases = program.linearizedBases(of: contract)
    var parameters: [ValueID] = []
    if let constructor = contract.functions.first(where: { $0.kind == .constructor }) {
      parameters = lowering.bindParameters(constructor)
    }
    let given = program.baseConstructorArguments(of: contract)
    for giver in bases {
      lowering.enter(giver)
      for gift in given where gift.giver.id == giver.id { lowering.bindArguments(gift) }
    }
    for base in bases.reversed() where base.kind == .contract {
      lowering.enter(base)
      lowering.lowerInitialValues(of: base)
      if let constructor = base.functions.first(where: { $0.kind == .constructor }),
        let body = constructor.body
      {
        lowering.returnSlots = []
        lowering.lowerBody(constructor, body: body)
      }
    }
    lowering.builder.terminate(.return([]), lowering.origin(contract, implied: true))
    return lowering.builder.finish(
      unit: .deployment(contract), contract: contract, parameters: parameters,
      parametersAtExit: parameters,
      isComplete: lowering.isComplete, hasUnstructuredJumps: lowering.hasUnstructuredJumps)
  }

  /// Goes on with code of another contract, whose file may be of another dialect.
  private func enter(_ contract: ContractDefinition) {
    declaring = contract
    dialect = program.unit(of: contract).language.dialect
    isCheckedDialect = dialect >= CompilerVersion(0, 8, 0)
    surroundings = isCheckedDialect ? [] : .wrapping
  }

  private func bindArguments(_ gift: BaseConstructorArguments) {
    guard let constructor = gift.base.functions.first(where: { $0.kind == .constructor }) else {
      return
    }
    for (position, parameter) in constructor.parameters.enumerated() {
      let argument: Expression? =
        switch gift.arguments {
        case .positional(let values): position < values.count ? values[position] : nil
        case .named(let values): values.first { $0.name.text == parameter.name }?.value
        }
      guard let argument else { continue }
      let type = program.type(of: parameter)
      let value = coerce(lower(argument), to: type, argument)
      builder.write(bind(parameter, type: type), value)
    }
  }

  private func lowerInitialValues(of contract: ContractDefinition) {
    for variable in contract.stateVariables {
      guard let initial = variable.value, variable.mutability != .constant else { continue }
      surroundings.insert(.initializer)
      let value = lowerToMemory(initial)
      if variable.mutability == .immutable {
        perform(.writeImmutable(variable, value), variable)
      } else {
        let path = StoragePath(
          root: .variable(Reference(variable)), steps: [], isTransient: variable.isTransient)
        perform(.write(path, value, .assign), variable)
      }
      surroundings.remove(.initializer)
    }
  }
}
