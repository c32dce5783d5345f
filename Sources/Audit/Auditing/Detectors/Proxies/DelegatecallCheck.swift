import SoliditySyntax
import Solidity

/// Delegatecalls whose target or data an outsider chooses, that repeat with one payment, or that may go nowhere.
struct DelegatecallCheck: ProxyCheck {
  var rules: [Rule] {
    [
      ProxyRules.controlledDelegatecall, ProxyRules.controlledDelegatecallData,
      ProxyRules.delegatecallInLoop, ProxyRules.delegatecallMissingCode, ProxyRules.callcode,
    ]
  }

  func findings(in system: ProxySystem) -> [Finding] {
    var result: [Finding] = []
    let upgrades = system.upgrades
    for contract in system.contracts where examines(contract, in: system) {
      for site in system.delegateSites(of: contract) {
        result += findings(at: site, of: contract, upgrades: upgrades, in: system)
      }
    }
    result += system.pairs.compactMap { takeover(through: $0, in: system) }
    for library in system.program.contracts where library.kind == .library {
      for site in system.delegateSites(of: library) {
        result += outcome(site, of: library, in: system)
      }
    }
    return result
  }

  /// Deployable contracts; of those that others derive from, too: they are deployable by themselves.
  private func examines(_ contract: ContractDefinition, in system: ProxySystem) -> Bool {
    system.isDeployable(contract)
  }

  private func findings(
    at site: DelegateSite, of contract: ContractDefinition, upgrades: UpgradeAccess,
    in system: ProxySystem
  ) -> [Finding] {
    var result: [Finding] = []
    if let finding = controlledTarget(site, of: contract, upgrades: upgrades, in: system) {
      result.append(finding)
    } else if let finding = controlledData(site, of: contract, in: system) {
      result.append(finding)
    }
    if let finding = loop(site, of: contract, in: system) { result.append(finding) }
    result += outcome(site, of: contract, in: system)
    return result
  }

  // MARK: Target

  private func controlledTarget(
    _ site: DelegateSite, of contract: ContractDefinition, upgrades: UpgradeAccess,
    in system: ProxySystem
  ) -> Finding? {
    let entry = site.entry
    let sources = site.target
    guard sources.hasInput, !entry.alwaysReverts(after: site.place) else { return nil }
    // In assembly the call data and the target may have passed through the same memory; a fallback that also reads a
    // target from elsewhere takes it from there.
    if entry.kind != .function, site.call.isAssembly,
      !sources.storage.isEmpty || !sources.externalCalls.isEmpty
    {
      return nil
    }
    switch system.protection(of: site.place, in: entry) {
    // Code that only runs by delegatecall is its caller's choice.
    case .caller, .signature, .once, .delegationOnly: return nil
    case .none: break
    }
    guard !isVouchedFor(sources, at: site), !isSigned(sources, before: site.place, entry) else {
      return nil
    }
    // An upgrade that anyone may make is told as such; calling the new implementation is part of it.
    if upgrades.isUnprotectedUpgrade(entry, of: contract) { return nil }
    let program = system.program
    var steps: [EvidenceStep] = []
    if let function = entry.function {
      steps.append(
        EvidenceStep(
          "the caller of `\(entry.name)` supplies the address", at: system.location(function)))
    }
    for call in entry.callPath(to: site.place) {
      steps.append(
        EvidenceStep(
          "it is passed on", at: FindingLocation(of: entry[call].origin, in: program)))
    }
    steps.append(
      EvidenceStep(
        "its code runs with this contract's storage and ether",
        at: FindingLocation(of: entry[site.place].origin, in: program)))
    return Finding.make(
      rule: ProxyRules.controlledDelegatecall, at: .origin(entry[site.place].origin), in: program,
      message:
        "Anyone can call `\(entry.name)` of `\(contract.name)` with an address of their choice, whose code "
        + "then runs as `\(contract.name)`: it can overwrite every variable and send away everything the "
        + "contract holds.",
      contract: contract, role: "the delegatecall", evidence: [.dataFlow(steps)])
  }

  /// Whether a guard on the way depends on both the target and something the contract keeps: a list of allowed targets.
  private func isVouchedFor(_ sources: SourceSet, at site: DelegateSite) -> Bool {
    let inputs = sources.sources.filter {
      if case .parameter = $0 { return true }
      return $0 == .callData
    }
    return site.entry.guards(of: site.place).contains { held in
      let condition = site.entry.sources(
        of: held.condition, options: [.selectors, .throughExternalCalls])
      guard inputs.contains(where: { condition.contains($0) }) else { return false }
      if !condition.storage.isEmpty || !condition.externalCalls.isEmpty { return true }
      // `target == FIXED`, which a check for zero is not.
      for part in held.predicate.parts {
        guard case .comparison(.equal, let left, let right) = part else { continue }
        if site.entry.sources(of: left).isFixed || site.entry.sources(of: right).isFixed {
          return true
        }
      }
      return condition.sources.contains { if case .immutable = $0 { true } else { false } }
    }
  }

  /// Whether a signature over the target is recovered before the call.
  private func isSigned(_ sources: SourceSet, before place: Place, _ entry: EntryPoint) -> Bool {
    let inputs = sources.sources.filter { if case .parameter = $0 { true } else { false } }
    guard !inputs.isEmpty else { return false }
    for frame in entry.frames {
      for value in frame.graph.index.builtins {
        guard case .builtin("ecrecover", let arguments) = frame.graph[value].operation,
          let hash = arguments.first
        else { continue }
        let signed = entry.sources(of: Place(frame: frame.id, value: hash))
        if inputs.contains(where: { signed.contains($0) }) { return true }
      }
    }
    return false
  }

  // MARK: Data

  private func controlledData(
    _ site: DelegateSite, of contract: ContractDefinition, in system: ProxySystem
  ) -> Finding? {
    let entry = site.entry
    guard entry.kind == .function, !site.targetsItself, !site.target.hasInput,
      let data = site.call.arguments.first
    else { return nil }
    // Only the whole data, selector included, lets the caller pick the function.
    let origin = entry.origin(of: Place(frame: site.place.frame, value: data))
    switch entry[origin].operation {
    case .parameter: break
    default: return nil
    }
    guard entry.sources(of: origin).hasInput, entry.hasCallerInput,
      !entry.alwaysReverts(after: site.place)
    else { return nil }
    switch system.protection(of: site.place, in: entry) {
    case .caller, .signature, .once, .delegationOnly: return nil
    case .none: break
    }
    if system.proxy(contract)?.isForwarding == true { return nil }
    return Finding.make(
      rule: ProxyRules.controlledDelegatecallData, at: .origin(entry[site.place].origin),
      in: system.program,
      message:
        "Anyone can call `\(entry.name)` of `\(contract.name)` with call data of their choice, and so run any "
        + "function of the delegate in this contract's storage, those meant for its owner included.",
      contract: contract, role: "the delegatecall",
      evidence: [
        system.callPath(entry, to: site.place, does: "passes the caller's data to a delegatecall")
      ])
  }

  /// A function of the implementation that hands an address the proxy keeps for itself to whoever calls.
  private func takeover(through pair: ProxyPair, in system: ProxySystem) -> Finding? {
    guard pair.confidence != .low,
      let site = system.delegateSites(of: pair.proxy.contract).first(where: \.isForwarding),
      let deployment = system.examine(pair.proxy.contract).deployment
    else { return nil }
    let own = system.storage(of: pair.proxy.contract).layout.storage.filter { entry in
      guard case .address = entry.type else { return false }
      return deployment.storageWrites.contains {
        $0.location.variable?.id == entry.declaration.id
      }
    }
    let other = system.storage(of: pair.implementation).layout.storage
    for entry in system.examine(pair.implementation).entryPoints where entry.kind == .function {
      for access in entry.storageWrites {
        guard
          let written = other.first(where: { $0.declaration.id == access.location.variable?.id }),
          let kept = own.first(where: { $0.slot == written.slot && $0.offset == written.offset }),
          StorageClaim.plain(kept.label) == StorageClaim.plain(written.label),
          let value = access.value, entry.isOutsiders(value), let function = entry.function
        else { continue }
        guard case .none = system.protection(of: access.place, in: entry) else { continue }
        return Finding.make(
          rule: ProxyRules.controlledDelegatecallData,
          at: .origin(site.entry[site.place].origin), in: system.program,
          message: "`\(site.entry.name)` of `\(pair.proxy.contract.name)` passes any call on to "
            + "`\(pair.implementation.name)`, and `\(entry.name)` there sets `\(kept.label)`, which the proxy set up for "
            + "itself, for whoever calls.",
          severity: .high, confidence: pair.confidence, contract: pair.proxy.contract,
          role: "passes any call on",
          related: [system.location(function, "sets `\(kept.label)` for whoever calls")],
          evidence: [
            system.callPath(entry, to: access.place, does: "writes `\(kept.label)`"),
            .note("\(pair.implementation.name): \(pair.reason)."),
          ])
      }
    }
    return nil
  }

  // MARK: Loops

  private func loop(
    _ site: DelegateSite, of contract: ContractDefinition, in system: ProxySystem
  ) -> Finding? {
    let entry = site.entry
    guard entry.kind == .function, entry.isPayable, entry.isInLoop(site.place) else { return nil }
    switch system.protection(of: site.place, in: entry) {
    case .caller, .delegationOnly: return nil
    case .signature, .once, .none: break
    }
    if site.targetsItself {
      let usesValue = system.examine(contract).entryPoints.contains { other in
        other.isPayable && other.kind == .function && other.function?.id != entry.function?.id
          && readsValue(other)
      }
      guard usesValue else { return nil }
    }
    return Finding.make(
      rule: ProxyRules.delegatecallInLoop, at: .origin(entry[site.place].origin),
      in: system.program,
      message:
        "`\(entry.name)` of `\(contract.name)` accepts ether and delegates in a loop. Each round sees the same "
        + "`msg.value`, so ether sent once is credited as often as the loop runs.",
      confidence: site.targetsItself ? .high : .medium, contract: contract,
      role: "the delegatecall in the loop",
      evidence: [
        system.callPath(entry, to: site.place, does: "delegates once per round with one msg.value")
      ])
  }

  /// Whether an entry uses the ether sent for more than refusing it.
  private func readsValue(_ entry: EntryPoint) -> Bool {
    entry.frames.contains { frame in
      frame.graph.index.environment.contains { value in
        guard case .environment(.callValue) = frame.graph[value].operation,
          !frame.graph[value].origin.surroundings.contains(.implied)
        else { return false }
        return !frame.graph.uses(of: value).isEmpty || frame.graph.isUsedByTerminator(value)
      }
    }
  }

  // MARK: Outcome

  private func outcome(
    _ site: DelegateSite, of contract: ContractDefinition, in system: ProxySystem
  ) -> [Finding] {
    let entry = site.entry
    let program = system.program
    let origin = entry[site.place].origin
    var result: [Finding] = []
    // Elsewhere it is told among the constructs the language has dropped.
    if site.call.lowLevel == .callcode, site.call.isAssembly {
      result.append(
        Finding.make(
          rule: ProxyRules.callcode, at: .origin(origin), in: program,
          message:
            "`callcode` runs foreign code in this contract's storage, but with this contract as `msg.sender`. "
            + "It was removed from the language.",
          contract: contract))
    }
    if contract.kind == .contract, !site.targetsItself,
      isMissingCodeCheck(site, of: contract, in: system)
    {
      result.append(
        Finding.make(
          rule: ProxyRules.delegatecallMissingCode, at: .origin(origin), in: program,
          message:
            "A delegatecall to an address without code succeeds and does nothing. Nothing in `\(contract.name)` "
            + "makes sure that the target has code.",
          contract: contract, rootCause: .node(contract), role: "the delegatecall",
          discriminator: site.target.storage.map(\.text).joined(separator: ",")))
    }
    return result
  }

  /// Whether neither the call nor any code that stores its target looks at the target's code.
  private func isMissingCodeCheck(
    _ site: DelegateSite, of contract: ContractDefinition, in system: ProxySystem
  ) -> Bool {
    let sources = site.target
    guard !sources.storage.isEmpty, !sources.storage.contains(where: { $0.members.contains("[]") })
    else { return false }
    let examined = system.examine(contract)
    let entries = examined.entryPoints + [examined.deployment].compactMap { $0 }
    return !entries.contains { entry in
      entry.frames.contains { frame in
        frame.graph.values.contains { value in
          switch value.operation {
          case .accountCode: true
          case .builtin(let name, _): name == "extcodesize" || name == "extcodehash"
          default: false
          }
        }
      }
    }
  }
}
