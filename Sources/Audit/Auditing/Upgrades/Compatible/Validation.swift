import Solidity
import SoliditySyntax

/// Looks for what makes an implementation unsafe behind a proxy, by the rules of the OpenZeppelin upgrades
/// plugins (1.46). Written from the published rules.
struct Validation {
  let program: Program

  init(program: Program) { self.program = program }

  /// All errors of a contract and its bases, warnings included, before options are applied; in order of
  /// kind and place.
  func errors(
    of contract: ContractDefinition
  ) throws(CompatibilityFailure) -> [ValidationError] {
    let bases = program.linearizedBases(of: contract)
    try checkNamespaces(of: bases)
    var errors = try OpcodeValidation(program: program).errors(of: contract)
    for base in bases {
      errors += try constructorErrors(base)
      errors += try stateVariableErrors(base)
      errors += try linkingErrors(base)
      errors += try functionPointerErrors(base)
      errors += try InitializerValidation(program: program).errors(of: base)
    }
    if !hasUpgradeFunction(contract) {
      errors.append(
        ValidationError(
          kind: .missingPublicUpgradeTo, node: contract, contract: contract.name, names: []))
    }
    return errors
  }

  /// Whether a contract or one of its bases has a public or external upgrade function.
  func hasUpgradeFunction(_ contract: ContractDefinition) -> Bool {
    program.linearizedBases(of: contract).contains { base in
      base.functions.contains { function in
        guard function.name == "upgradeTo" || function.name == "upgradeToAndCall" else {
          return false
        }
        guard function.visibility == .public || function.visibility == .external else {
          return false
        }
        let parameters = function.parameters.map { program.type(of: $0) }
        switch (function.name, parameters.count) {
        case ("upgradeTo", 1): return parameters[0].isAddressInInterface
        case ("upgradeToAndCall", 2):
          guard case .bytes = parameters[1] else { return false }
          return parameters[0].isAddressInInterface
        default: return false
        }
      }
    }
  }

  /// Whether the contract inherits one named `Initializable`.
  func isInitializable(_ contract: ContractDefinition) -> Bool {
    program.linearizedBases(of: contract).dropFirst().contains { $0.name == "Initializable" }
  }

  /// Whether the contract cannot be deployed: abstract, an interface, or (before 0.6, where the word
  /// did not exist) with functions that lack a body.
  func isAbstract(_ contract: ContractDefinition) -> Bool {
    if contract.isAbstract || contract.kind == .interface { return true }
    guard program.unit(of: contract).language.dialect < CompilerVersion(0, 6, 0) else {
      return false
    }
    return program.functions(of: contract).contains { $0.body == nil }
  }

  // MARK: Namespaces

  /// Stops where the plugins stop: annotations outside of contracts, or for compilers that drop them.
  private func checkNamespaces(
    of bases: [ContractDefinition]
  ) throws(CompatibilityFailure) {
    var seen: Set<Int32> = []
    for base in bases where seen.insert(base.id.unit).inserted {
      let unit = program.unit(of: base)
      for item in unit.items {
        switch item {
        case .structure(let structure):
          if try CompatibleLayout.annotation(of: structure) != nil {
            throw .namespaceOutsideContract(structure: structure.name)
          }
        case .contract(let contract):
          for structure in contract.structs {
            guard try CompatibleLayout.annotation(of: structure) != nil else { continue }
            if unit.language.dialect < CompilerVersion(0, 8, 20) {
              throw .namespaceVersion(
                path: unit.source.path, version: unit.language.dialect.description)
            }
          }
        default: break
        }
      }
    }
    if let contract = bases.first, let expression = contract.layoutBase {
      let isCall: Bool
      if case .call(let callee, _) = expression.kind, case .identifier("erc7201") = callee.kind {
        isCall = true
      } else {
        isCall = false
      }
      if case .literal = expression.kind { return }
      if !isCall { throw .unsupportedBaseSlot(contract: contract.name) }
    }
  }

  // MARK: Declarations

  private func constructorErrors(
    _ contract: ContractDefinition
  ) throws(CompatibilityFailure) -> [ValidationError] {
    if try UpgradeAnnotations.allows(.constructor, contract.documentation) { return [] }
    var errors: [ValidationError] = []
    for function in contract.functions where function.kind == .constructor {
      guard function.body?.statements.isEmpty == false || !function.modifiers.isEmpty else {
        continue
      }
      if try UpgradeAnnotations.allows(.constructor, function.documentation) { continue }
      errors.append(
        ValidationError(kind: .constructor, node: function, contract: contract.name, names: []))
    }
    return errors
  }

  private func stateVariableErrors(
    _ contract: ContractDefinition
  ) throws(CompatibilityFailure) -> [ValidationError] {
    var errors: [ValidationError] = []
    for variable in contract.stateVariables {
      let kind: ValidationErrorKind
      switch variable.mutability {
      case .immutable: kind = .stateVariableImmutable
      case .mutable where variable.value != nil: kind = .stateVariableAssignment
      case .mutable, .constant: continue
      }
      if try UpgradeAnnotations.allows(kind, contract.documentation) { continue }
      if try UpgradeAnnotations.allows(kind, variable.documentation) { continue }
      errors.append(
        ValidationError(
          kind: kind, node: variable, contract: contract.name, names: [variable.name]))
    }
    return errors
  }

  private func linkingErrors(
    _ contract: ContractDefinition
  ) throws(CompatibilityFailure) -> [ValidationError] {
    if isAbstract(contract) { return [] }
    if try UpgradeAnnotations.allows(.externalLibraryLinking, contract.documentation) {
      return []
    }
    let libraries = LinkedLibraries(program: program).libraries(of: contract)
    return libraries.map {
      ValidationError(
        kind: .externalLibraryLinking, node: $0, contract: contract.name, names: [$0.name])
    }
  }

  // MARK: Function pointers

  private func functionPointerErrors(
    _ contract: ContractDefinition
  ) throws(CompatibilityFailure) -> [ValidationError] {
    var variables = contract.stateVariables
    var seen: Set<NodeID> = []
    for structure in contract.structs {
      guard try CompatibleLayout.annotation(of: structure) != nil else { continue }
      seen.insert(structure.id)
      variables += structure.members
    }
    var errors: [ValidationError] = []
    var index = 0
    while index < variables.count {
      let variable = variables[index]
      index += 1
      guard let typeName = variable.typeName else { continue }
      if case .function(let function) = typeName.kind, function.visibility == .internal {
        errors.append(
          ValidationError(
            kind: .internalFunctionStorage, node: variable, contract: contract.name,
            names: [variable.name]))
      } else if let structure = structure(in: typeName), seen.insert(structure.id).inserted {
        variables += structure.members
      }
    }
    return errors
  }

  /// The struct behind arrays and mapping values of a type.
  private func structure(in typeName: TypeName) -> StructDefinition? {
    var typeName = typeName
    while true {
      switch typeName.kind {
      case .array(let element, _): typeName = element
      case .mapping(_, _, let value, _): typeName = value
      case .userDefined(let path): return program.declaration(of: path) as? StructDefinition
      case .elementary, .function, .missing: return nil
      }
    }
  }
}

extension SolidityType {
  /// Whether the ABI writes the type as `address`.
  fileprivate var isAddressInInterface: Bool {
    switch self {
    case .address, .contract: true
    default: false
    }
  }
}
