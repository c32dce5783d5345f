import BigInt
import SoliditySyntax
import Solidity

/// Initializers that anyone can call on the implementation or call again, and constructors whose work is lost.
struct InitializerCheck: ProxyCheck {
  var rules: [Rule] {
    [
      ProxyRules.uninitializedImplementation, ProxyRules.initializerRepeatable,
      ProxyRules.constructorEffectLost, ProxyRules.implementationImmutable,
      ProxyRules.delegatedSelfdestruct,
    ]
  }

  func findings(in system: ProxySystem) -> [Finding] {
    var result: [Finding] = []
    for contract in system.implementations.candidates {
      let role = system.implementations.role(of: contract)
      result += repeatable(contract, role, in: system)
      if let finding = uninitialized(contract, role, in: system) { result.append(finding) }
      guard let role else { continue }
      result += lostEffects(contract, role, in: system)
      if let finding = immutables(contract, role, in: system) { result.append(finding) }
      result += selfdestructs(contract, role, in: system)
    }
    return result
  }

  // MARK: The implementation itself

  private func uninitialized(
    _ contract: ContractDefinition, _ role: ImplementationRole?, in system: ProxySystem
  ) -> Finding? {
    let index = system.implementations
    let open = index.initializers(of: contract).filter { initializer in
      !index.isLocked(contract, initializer) && !isDelegationOnly(initializer)
    }
    guard !open.isEmpty else { return unseen(contract, in: system) }
    let harm = harm(of: contract, in: system)
    let authorities = index.authorities(of: contract)
    func grants(_ initializer: Initializer) -> Bool {
      initializer.entry.storageWrites.contains { access in
        authorities.contains { $0.overlaps(access.location.field) }
      }
    }
    guard let initializer = open.first(where: grants) ?? open.first else { return nil }
    // Without a proxy in sight only a contract that can be destroyed through its initializer is worth a word.
    guard role != nil || (harm != nil && grants(initializer)) else { return nil }
    let entry = initializer.entry
    let program = system.program
    let why = role.map { "is an implementation (\($0.reason))" } ?? "is set up by a call"
    var message =
      "`\(contract.name)` \(why), but its own storage is left for anyone to initialise: "
      + "nothing at deployment sets `\(initializer.mark.text)`, so anyone can call `\(entry.name)` on it."
    var evidence: [Evidence] = []
    var related: [FindingLocation] = []
    if let harm {
      message +=
        " Whoever does can then reach \(harm.text), and destroy or replace the code all proxies run."
      evidence.append(system.callPath(harm.entry, to: harm.place, does: "reaches \(harm.text)"))
      related.append(
        FindingLocation(of: harm.entry[harm.place].origin, in: program, role: harm.text))
    } else {
      message +=
        " Proxies have their own storage, so this alone harms nobody; it lets a stranger pose as its owner."
    }
    evidence.append(
      .note("`\(entry.name)` checks `\(initializer.mark.text)`; the constructor does not set it."))
    let place: any SyntaxNode = entry.function as (any SyntaxNode)? ?? contract
    return Finding.make(
      rule: ProxyRules.uninitializedImplementation, at: place, in: program, message: message,
      severity: harm == nil ? .low : .high,
      confidence: harm == nil || role == nil ? .medium : .high,
      contract: contract, role: "the initializer", related: related, evidence: evidence)
  }

  /// The same where the base with the initializer's check is not at hand.
  private func unseen(_ contract: ContractDefinition, in system: ProxySystem) -> Finding? {
    let index = system.implementations
    guard let function = UnseenBases(program: system.program).initializer(of: contract),
      !index.hasLockingConstructor(contract)
    else { return nil }
    let harm = harm(of: contract, in: system)
    return Finding.make(
      rule: ProxyRules.uninitializedImplementation, at: function, in: system.program,
      message:
        "`\(contract.name)` is set up by `\(function.name)`, and no constructor locks the implementation itself, so "
        + "anyone can call it there"
        + (harm.map { " and reach \($0.text)" } ?? "") + ".",
      severity: harm == nil ? .low : .high, confidence: .medium, contract: contract,
      role: "the initializer",
      evidence: [.note("The base with the initializer's check is not at hand.")])
  }

  private func isDelegationOnly(_ initializer: Initializer) -> Bool {
    let entry = initializer.entry
    return entry.storageWrites.contains { hasDelegationGuard(entry, $0.place) }
  }

  private func hasDelegationGuard(_ entry: EntryPoint, _ place: Place) -> Bool {
    entry.guards(of: place).contains { held in
      held.predicate.parts.contains { part in
        guard case .caller(let check) = part, case .delegation = check.kind else { return false }
        return true
      }
    }
  }

  /// What an initialised attacker could do to the implementation itself: destroy it, or make it run other code.
  private func harm(
    of contract: ContractDefinition, in system: ProxySystem
  ) -> (entry: EntryPoint, place: Place, text: String)? {
    let examined = system.examine(contract)
    for entry in examined.entryPoints {
      for place in entry.selfdestructs where !hasDelegationGuard(entry, place) {
        return (entry, place, "a selfdestruct")
      }
    }
    for site in system.delegateSites(of: contract)
    where !site.targetsItself && !hasDelegationGuard(site.entry, site.place) {
      let sources = site.target
      guard sources.hasInput || !sources.storage.isEmpty,
        !site.entry.alwaysReverts(after: site.place)
      else { continue }
      return (site.entry, site.place, "a delegatecall to an address of their choice")
    }
    return nil
  }

  // MARK: Again

  private func repeatable(
    _ contract: ContractDefinition, _ role: ImplementationRole?, in system: ProxySystem
  ) -> [Finding] {
    let examined = system.examine(contract)
    let hasWrites = examined.entryPoints.contains {
      $0.kind == .function && !$0.storageWrites.isEmpty
    }
    guard hasWrites else { return [] }
    let authorities = system.implementations.authorities(of: contract)
    guard !authorities.isEmpty else { return [] }
    let deployed = examined.deployment?.storageWrites.map(\.location.field) ?? []
    var result: [Finding] = []
    for entry in examined.entryPoints where entry.kind == .function && !entry.isView {
      let taking = entry.storageWrites.first { access in
        guard let value = access.value,
          authorities.contains(where: { $0.overlaps(access.location.field) }),
          isTakingOver(access, value, entry)
        else { return false }
        guard case .none = system.protection(of: access.place, in: entry) else { return false }
        return true
      }
      guard let access = taking else { continue }
      // What a constructor sets is an owner to be changed, not one to be set up; other rules tell of that.
      let isSetUp = deployed.contains { $0.overlaps(access.location.field) }
      guard !isSetUp || role?.isStated == true else { continue }
      let isKeyed = access.location.field.members.contains("[]")
      // Records of many parts kept per account are that account's affair.
      guard let function = entry.function,
        !isKeyed || access.location.field.members == ["[]"],
        writesMore(entry, than: access) || (role != nil && !isKeyed)
      else { continue }
      let field = access.location.field
      var evidence: [Evidence] = [
        system.callPath(entry, to: access.place, does: "writes `\(field.text)`")
      ]
      if let role { evidence.append(.note("`\(contract.name)`: \(role.reason).")) }
      result.append(
        Finding.make(
          rule: ProxyRules.initializerRepeatable, at: function, in: system.program,
          message:
            "Anyone can call `\(entry.name)` of `\(contract.name)` at any time, also after it was set up, and put "
            + "themselves into `\(field.text)`, which decides who may use the contract's other functions.",
          contract: contract, role: "the initializer", evidence: evidence))
    }
    return result
  }

  /// Whether the caller puts an account of their choice into what decides who may do things: the value stored is
  /// theirs, or it is stored under a key that is.
  private func isTakingOver(
    _ access: StorageAccess, _ value: Place, _ entry: EntryPoint
  ) -> Bool {
    if isNothing(value, entry) { return false }
    var keys: [Place] = []
    for step in access.location.steps {
      if case .index(let key) = step { keys.append(key) }
    }
    if keys.isEmpty { return access.kind == .assign && entry.isOutsiders(value) }
    // Balances and allowances kept per caller are no permission.
    return access.kind == .assign
      && keys.contains { key in
        let sources = entry.sources(of: key)
        return sources.hasInput || sources.hasSender
      } && !entry.sources(of: value).hasInput
  }

  /// Whether the entry sets more than the field. An account that only writes entries of its own registers itself.
  private func writesMore(_ entry: EntryPoint, than access: StorageAccess) -> Bool {
    let isKeyed = access.location.field.members.contains("[]")
    return entry.storageWrites.contains { other in
      let field = other.location.field
      return !field.overlaps(access.location.field) && !(isKeyed && field.members.contains("[]"))
    }
  }

  // MARK: Constructors

  private func lostEffects(
    _ contract: ContractDefinition, _ role: ImplementationRole, in system: ProxySystem
  ) -> [Finding] {
    guard let deployment = system.examine(contract).deployment else { return [] }
    if case .delegated = role { return [] }
    let index = system.implementations
    let marks = index.initializers(of: contract).map(\.mark)
    // Without a proxy in sight, an initializer must show that the contract is meant for one.
    guard role.isStated || !marks.isEmpty else { return [] }
    let program = system.program
    let examined = system.examine(contract)
    let used = system.referencedVariables(of: contract)
    var lost: [(variable: VariableDeclaration, access: StorageAccess)] = []
    for access in deployment.storageWrites {
      guard let variable = access.location.variable, used.contains(variable.id),
        !marks.contains(where: { $0.overlaps(access.location.field) }),
        !lost.contains(where: { $0.variable.id == variable.id }), !isZero(access, deployment),
        !isSetByProxy(variable, role, in: system), isRead(variable, examined),
        !isSetByInitializer(variable, index.initializers(of: contract), examined)
      else { continue }
      lost.append((variable, access))
    }
    return lost.map { variable, access in
      let origin = deployment[access.place].origin
      let isInitialValue = origin.surroundings.contains(.initializer)
      return Finding.make(
        rule: ProxyRules.constructorEffectLost, at: .origin(origin), in: program,
        message: "`\(variable.name)` is set "
          + (isInitialValue ? "by its initial value" : "by the constructor")
          + " of `\(contract.name)`, which runs in the implementation's own storage. Behind a proxy "
          + "`\(variable.name)` is zero.",
        confidence: role.isStated ? .high : .medium, contract: contract,
        role: "takes no effect behind a proxy",
        related: [system.location(variable, "the variable")],
        evidence: [.note("`\(contract.name)`: \(role.reason).")], discriminator: variable.name)
    }
  }

  private func isZero(_ access: StorageAccess, _ entry: EntryPoint) -> Bool {
    access.value.map { isNothing($0, entry) } ?? true
  }

  /// Whether a value is zero, false or empty.
  private func isNothing(_ value: Place, _ entry: EntryPoint) -> Bool {
    if case .zero = entry[entry.origin(of: value)].operation { return true }
    guard let constant = entry.constant(value) else { return false }
    switch constant {
    case .bool(let flag): return !flag
    case .number(let number): return number.numerator == 0
    case .bytes(let bytes): return bytes.allSatisfy { $0 == 0 }
    }
  }

  private func isRead(_ variable: VariableDeclaration, _ examined: ContractFacts) -> Bool {
    if variable.visibility == .public { return true }
    let field = StorageField(root: .variable(Reference(variable)), members: [])
    return !examined.readers(of: field).isEmpty
  }

  /// Whether an initializer, or anything else an outsider cannot skip, sets the variable for the proxy as well.
  private func isSetByInitializer(
    _ variable: VariableDeclaration, _ initializers: [Initializer], _ examined: ContractFacts
  ) -> Bool {
    examined.writers(of: variable).contains { access in
      initializers.contains { $0.entry.function?.id == access.entry.function?.id }
    }
  }

  /// Whether the proxy's own constructor sets the same variable.
  private func isSetByProxy(
    _ variable: VariableDeclaration, _ role: ImplementationRole, in system: ProxySystem
  ) -> Bool {
    guard case .behind(let pair) = role,
      let deployment = system.examine(pair.proxy.contract).deployment
    else { return false }
    return deployment.storageWrites.contains { access in
      guard let other = access.location.variable else { return false }
      return other.id == variable.id
        || StorageClaim.plain(other.name) == StorageClaim.plain(variable.name)
    }
  }

  private func immutables(
    _ contract: ContractDefinition, _ role: ImplementationRole, in system: ProxySystem
  ) -> Finding? {
    guard role.isStated, case .behind = role else { return nil }
    // Immutables that code takes care of: the address of the implementation itself.
    let variables = contract.stateVariables.filter {
      $0.mutability == .immutable && $0.value == nil
    }
    guard let first = variables.first else { return nil }
    let names = variables.map { "`\($0.name)`" }.joined(separator: ", ")
    return Finding.make(
      rule: ProxyRules.implementationImmutable, at: first, in: system.program,
      message:
        "\(names) of `\(contract.name)` stand in the implementation's code: all proxies of this implementation "
        + "share them, and an upgrade replaces them.",
      contract: contract, evidence: [.note("`\(contract.name)`: \(role.reason).")])
  }

  // MARK: Destruction

  private func selfdestructs(
    _ contract: ContractDefinition, _ role: ImplementationRole, in system: ProxySystem
  ) -> [Finding] {
    if case .initializable = role { return [] }
    var result: [Finding] = []
    let examined = system.examine(contract)
    for entry in examined.entryPoints {
      for place in entry.selfdestructs {
        // Without any check it is an unprotected selfdestruct, which another rule tells of.
        if case .none = system.protection(of: place, in: entry) { continue }
        result.append(
          Finding.make(
            rule: ProxyRules.delegatedSelfdestruct, at: .origin(entry[place].origin),
            in: system.program,
            message:
              "Code of `\(contract.name)` runs by delegatecall (\(role.reason)). This selfdestruct destroys the "
              + "contract it runs in: the proxy, or, when called directly, the code behind every proxy.",
            severity: role.isStated ? nil : .low, contract: contract, role: "the selfdestruct",
            evidence: [system.callPath(entry, to: place, does: "destroys the contract it runs in")])
        )
      }
    }
    return result
  }
}
