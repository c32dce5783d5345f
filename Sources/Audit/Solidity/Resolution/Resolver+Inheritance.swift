import SoliditySyntax

/// Members and linearisation of contracts.
extension Resolver {
  func collectMembers() {
    for item in units.flatMap(\.items) {
      switch item {
      case .enumeration(let definition): collectValues(of: definition)
      case .userDefinedValueType(let definition): refuseNamedUnderlying(of: definition)
      default: break
      }
    }
    tables.contracts = contracts.map { contract in
      var table = ContractTables(linearization: [contract])
      for member in contract.members {
        guard let declaration = member.declaration else { continue }
        switch member {
        case .enumeration(let definition): collectValues(of: definition)
        case .userDefinedValueType(let definition): refuseNamedUnderlying(of: definition)
        default: break
        }
        if let function = declaration as? FunctionDefinition, function.kind != .function {
          table.specialFunctions.append(function)
        } else if !declaration.name.isEmpty {
          table.members[declaration.name, default: []].append(declaration)
        }
      }
      return table
    }
  }

  /// Only built-in types can be wrapped: a named one could be the type itself.
  private func refuseNamedUnderlying(of definition: UserDefinedValueTypeDefinition) {
    if case .elementary = definition.underlying.kind { return }
    if let row = tables.row(definition.underlying.id) { progress[row] = .done }
    report(
      "\"\(definition.name)\" can only wrap a built-in value type",
      in: Int(definition.id.unit), at: definition.underlying.range)
  }

  private func collectValues(of definition: EnumDefinition) {
    for (ordinal, value) in definition.values.enumerated() {
      tables.enumValues[value.id] = (definition, ordinal)
    }
  }

  func linearizeContracts() {
    isIncomplete = contracts.map { !units[Int($0.id.unit)].understood }
    orders = contracts.indices.map { [$0] }
    for (number, contract) in contracts.enumerated() {
      let context = unitContexts[Int(contract.id.unit)]
      for specifier in contract.bases {
        if let base = resolve(specifier.base, in: context).first as? ContractDefinition {
          tables.contracts[number].directBases.append((specifier, base))
        } else {
          isIncomplete[number] = true
        }
      }
    }
    var states = Array(repeating: Progress.untouched, count: contracts.count)
    for number in contracts.indices { linearize(number, states: &states) }
  }

  /// Linearises a contract after its bases; an explicit path instead of recursion, as chains can be
  /// long.
  private func linearize(_ start: Int, states: inout [Progress]) {
    guard states[start] == .untouched else { return }
    states[start] = .running
    var path = [(number: start, next: 0)]
    while let (number, next) = path.last {
      let bases = tables.contracts[number].directBases
      guard next < bases.count else {
        merge(number)
        states[number] = .done
        path.removeLast()
        continue
      }
      path[path.count - 1].next += 1
      guard let base = tables.contractNumbers[bases[next].base.id] else { continue }
      switch states[base] {
      case .done: continue
      case .running:
        report(
          "\"\(contracts[number].name)\" inherits from itself", in: Int(contracts[number].id.unit),
          at: bases[next].specifier.range)
        tables.contracts[number].directBases.remove(at: next)
        path[path.count - 1].next -= 1
      case .untouched:
        states[base] = .running
        path.append((base, 0))
      }
    }
  }

  private func merge(_ number: Int) {
    let places = tables.contracts[number].directBases.compactMap {
      tables.contractNumbers[$0.base.id]
    }
    if places.contains(where: { isIncomplete[$0] }) { isIncomplete[number] = true }
    let bases = places.map { orders[$0] }
    linearizedCount += bases.reduce(1) { $0 + $1.count }
    guard linearizedCount <= Resolver.maximumLinearizedCount else {
      isIncomplete[number] = true
      report(
        "\"\(contracts[number].name)\" inherits from too many contracts",
        in: Int(contracts[number].id.unit), at: contracts[number].nameRange)
      return
    }
    let order = Linearization.merge(number, bases: places, linearizations: bases)
    if order == nil {
      report(
        "the bases of \"\(contracts[number].name)\" cannot be put in one order (C3 linearization)",
        in: Int(contracts[number].id.unit), at: contracts[number].nameRange)
    }
    orders[number] =
      order ?? Linearization.fallback(number, bases: places, linearizations: bases)
    tables.contracts[number].linearization = orders[number].map { contracts[$0] }
  }

  /// The members of a contract that a bare name finds from inside of it.
  func inheritedMembers(named name: String, of number: Int) -> [any Declaration] {
    var result: [any Declaration] = []
    for place in orders[number] {
      guard let candidates = tables.contracts[place].members[name] else { continue }
      for candidate in candidates where isVisible(candidate, inDerived: place != number) {
        if let first = result.first, !isSameKind(first, candidate) { continue }
        result.append(candidate)
      }
    }
    return result
  }

  func isSameKind(_ first: any Declaration, _ other: any Declaration) -> Bool {
    (first is FunctionDefinition && other is FunctionDefinition)
      || (first is EventDefinition && other is EventDefinition)
  }

  private func isVisible(_ declaration: any Declaration, inDerived derived: Bool) -> Bool {
    switch declaration {
    case let function as FunctionDefinition:
      function.visibility != .external && !(derived && function.visibility == .private)
    case let variable as VariableDeclaration: !(derived && variable.visibility == .private)
    default: true
    }
  }
}
