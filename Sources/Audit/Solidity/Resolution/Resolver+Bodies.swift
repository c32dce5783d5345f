import SoliditySyntax

extension Resolver {
  /// Resolves what stands at file level, contracts excepted.
  func resolveItems(of number: Int) {
    let context = unitContexts[number]
    for item in units[number].items {
      switch item {
      case .function(let function):
        BodyResolver(resolver: self, context: context).resolve(function)
      case .structure(let definition): resolve(definition)
      case .userDefinedValueType(let definition): _ = type(of: definition.underlying)
      case .error(let definition): definition.parameters.forEach { _ = type(of: $0) }
      case .event(let definition): definition.parameters.forEach { _ = type(of: $0) }
      case .variable(let variable): resolve(variable)
      case .using(let directive): resolve(directive, in: context)
      case .pragma, .import, .contract, .enumeration: break
      }
    }
  }

  /// Resolves everything in a contract.
  func resolveMembers(of number: Int) {
    let contract = contracts[number]
    let context = contractContexts[number]
    let body = BodyResolver(resolver: self, context: context)
    for specifier in contract.bases {
      for argument in specifier.arguments?.values ?? [] { body.resolve(argument) }
    }
    if let base = contract.layoutBase { body.resolve(base) }
    for member in contract.members {
      switch member {
      case .function(let function): body.resolve(function)
      case .modifier(let modifier): body.resolve(modifier)
      case .variable(let variable): resolve(variable)
      case .structure(let definition): resolve(definition)
      case .userDefinedValueType(let definition): _ = type(of: definition.underlying)
      case .error(let definition): definition.parameters.forEach { _ = type(of: $0) }
      case .event(let definition): definition.parameters.forEach { _ = type(of: $0) }
      case .using(let directive): resolve(directive, in: context)
      case .enumeration: break
      }
    }
  }

  private func resolve(_ definition: StructDefinition) {
    for member in definition.members { _ = type(of: member) }
  }

  private func resolve(_ variable: VariableDeclaration) {
    _ = type(of: variable)
    for base in variable.override?.contracts ?? [] {
      _ = resolve(base, in: context(of: variable))
    }
    resolveValue(of: variable)
  }

  private func resolve(_ directive: UsingForDirective, in context: NameContext) {
    if let target = directive.target { _ = type(of: target, in: context) }
    switch directive.functions {
    case .library(let path): _ = resolve(path, in: context)
    case .list(let list):
      for (path, _) in list { _ = resolve(path, in: context) }
    }
  }

  /// Records the type of a node.
  func set(_ type: SolidityType, at id: NodeID) {
    if let row = tables.row(id) { tables.types[row] = type }
  }

  /// Records what a node refers to.
  func set(_ declaration: any Declaration, at id: NodeID) {
    if let row = tables.row(id) { tables.declarations[row] = declaration }
  }

  /// Records what a call calls.
  func set(_ call: CallRecord, at id: NodeID) {
    guard let row = tables.row(id) else { return }
    if tables.callNumbers[row] >= 0 {
      tables.calls[Int(tables.callNumbers[row])] = call
    } else {
      tables.callNumbers[row] = Int32(clamping: tables.calls.count)
      tables.calls.append(call)
    }
  }
}
