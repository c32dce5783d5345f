import BigInt
import SoliditySyntax
import Solidity

/// Contracts that give the storage they share different meanings: proxy and implementation, caller and delegate.
struct StorageCollisionCheck: ProxyCheck {
  var rules: [Rule] {
    [
      ProxyRules.proxyStorageCollision, ProxyRules.delegatecallStorageMismatch,
      ProxyRules.proxySequentialStorage,
    ]
  }

  func findings(in system: ProxySystem) -> [Finding] {
    var result: [Finding] = []
    var hasPair: Set<NodeID> = []
    for proxy in system.proxies {
      let pairs = system.pairs.filter { $0.proxy.contract.id == proxy.contract.id }
      if !pairs.isEmpty { hasPair.insert(proxy.contract.id) }
      if let finding = collision(of: proxy, with: pairs, in: system) { result.append(finding) }
    }
    result += mismatches(in: system)
    for proxy in system.proxies where !hasPair.contains(proxy.contract.id) {
      if let finding = sequentialStorage(of: proxy, in: system) { result.append(finding) }
    }
    return result
  }

  // MARK: Proxy and implementation

  private func collision(
    of proxy: ProxyContract, with pairs: [ProxyPair], in system: ProxySystem
  ) -> Finding? {
    let program = system.program
    let host = StorageClaims(
      of: system.storage(of: proxy.contract), in: program, withRegions: true
    ).claims
    guard !host.isEmpty else { return nil }
    var found: [(pair: ProxyPair, comparison: SharedStorageComparison)] = []
    for pair in pairs {
      let used = system.referencedVariables(of: pair.implementation)
      let guest = StorageClaims(
        of: system.storage(of: pair.implementation), in: program, withRegions: true
      ).claims
      let comparison = SharedStorageComparison(
        hostName: proxy.contract.name, host: host, guestName: pair.implementation.name,
        guest: guest
      ) { claim in claim.variable.map { used.contains($0.id) } ?? true }
      if !comparison.conflicts.isEmpty { found.append((pair, comparison)) }
    }
    // Several guesses of which one fits: then nothing is known of the others.
    let fitsSome = pairs.contains { pair in
      pair.confidence == .low
        && !found.contains { $0.pair.implementation.id == pair.implementation.id }
    }
    found.removeAll { $0.pair.confidence == .low && fitsSome }
    found.sort { first, second in
      let a = first.comparison.conflicts.contains { !$0.isOnlyMappingRoot }
      let b = second.comparison.conflicts.contains { !$0.isOnlyMappingRoot }
      if a != b { return a }
      return first.pair.confidence > second.pair.confidence
    }
    guard let (pair, comparison) = found.first else { return nil }
    // Of several possible implementations it does not matter which one is used when none fits.
    let isUnanimous = found.count == pairs.count && pairs.count > 1
    let real = comparison.conflicts.filter { !$0.isOnlyMappingRoot }
    let conflict = real.first ?? comparison.conflicts[0]
    let names = found.map { "`\($0.pair.implementation.name)`" }.joined(separator: ", ")
    var message =
      "Code of \(names) runs in the storage of `\(proxy.contract.name)`, where `\(conflict.host.label)` of the "
      + "proxy (\(conflict.host.type)) and `\(conflict.guest.label)` of the implementation "
      + "(\(conflict.guest.type)) share \(sharedBytes(conflict)). "
    message +=
      real.isEmpty
      ? "One of them is the root of a mapping, whose own slot stays empty, so nothing is overwritten yet; "
        + "the layouts still disagree."
      : "Whoever writes one changes the other."
    var evidence: [Evidence] = [.slots(comparison.diagram())]
    evidence.append(.note("\(pair.implementation.name): \(pair.reason)."))
    evidence += writers(of: conflict, pair: pair, in: system)
    for (_, other) in found.dropFirst().prefix(2) { evidence.append(.slots(other.diagram())) }
    var related: [FindingLocation] = []
    if let declaration = conflict.guest.declaration {
      related.append(system.location(declaration, "the implementation's meaning of these bytes"))
    }
    for site in system.delegateSites(of: proxy.contract).filter(\.isForwarding).prefix(1) {
      related.append(
        FindingLocation(
          of: site.entry[site.place].origin, in: program, role: "runs the implementation's code"))
    }
    if let node = pair.node { related.append(system.location(node, pair.reason)) }
    return Finding.make(
      rule: ProxyRules.proxyStorageCollision,
      at: place(of: conflict.host, in: proxy.contract), in: program, message: message,
      severity: real.isEmpty ? .low : nil,
      confidence: isUnanimous ? max(pair.confidence, .medium) : pair.confidence,
      contract: proxy.contract, role: "the proxy's meaning of these bytes", related: related,
      evidence: evidence)
  }

  private func sharedBytes(_ conflict: StorageConflict) -> String {
    let start = max(conflict.host.start, conflict.guest.start)
    let end = min(conflict.host.end, conflict.guest.end)
    let slot = SlotText.short(start / 32)
    guard end - start <= 32 else { return "storage from slot \(slot) on" }
    let offset = Int(start % 32)
    let length = Int(end - start)
    if length == 1 { return "byte \(offset) of slot \(slot)" }
    return "bytes \(offset) to \(offset + length - 1) of slot \(slot)"
  }

  private func place(of claim: StorageClaim, in contract: ContractDefinition) -> SourcePlace {
    if let variable = claim.variable { return .node(variable) }
    if let use = claim.use { return SourcePlace(unit: use.unit, display: use.range) }
    return .node(contract)
  }

  private func writers(
    of conflict: StorageConflict, pair: ProxyPair, in system: ProxySystem
  ) -> [Evidence] {
    var result: [Evidence] = []
    for (contract, claim) in [
      (pair.proxy.contract, conflict.host), (pair.implementation, conflict.guest),
    ] {
      guard let variable = claim.variable else { continue }
      let examined = system.examine(contract)
      var names: [String] = []
      if let deployment = examined.deployment,
        deployment.storageWrites.contains(where: { $0.location.variable?.id == variable.id })
      {
        names.append("constructor")
      }
      for access in examined.writers(of: variable) where !names.contains(access.entry.name) {
        names.append(access.entry.name)
      }
      guard !names.isEmpty else { continue }
      let list = names.prefix(6).joined(separator: ", ")
      result.append(.note("`\(contract.name)` writes `\(claim.label)` in: \(list)."))
    }
    return result
  }

  // MARK: Caller and delegate

  private func mismatches(in system: ProxySystem) -> [Finding] {
    var result: [Finding] = []
    let delegates = DelegateTargets(system: system)
    for contract in system.contracts
    where system.isDeployable(contract) && !system.isTest(contract) {
      let program = system.program
      var host: [StorageClaim]?
      var told: Set<NodeID> = []
      let all = delegates.targets(of: contract)
      for delegate in all {
        if system.pairs.contains(where: {
          $0.proxy.contract.id == contract.id && $0.implementation.id == delegate.contract.id
        }) {
          continue
        }
        let claims =
          host
          ?? StorageClaims(of: system.storage(of: contract), in: program, withRegions: false).claims
        host = claims
        let touched = touchedVariables(delegate, in: system)
        let guest = StorageClaims(
          of: system.storage(of: delegate.contract), in: program, withRegions: false
        ).claims
        let comparison = SharedStorageComparison(
          hostName: contract.name, host: claims, guestName: delegate.contract.name, guest: guest
        ) { claim in claim.variable.map { touched.contains($0.id) } ?? false }
        let conflicts = comparison.conflicts.filter { !$0.isOnlyMappingRoot }
        guard let conflict = conflicts.first else { continue }
        // Several calls of one delegate suffer from one disagreement.
        guard told.insert(delegate.contract.id).inserted else { continue }
        var related: [FindingLocation] = [
          system.location(delegate.function, "the function that runs in the caller's storage")
        ]
        if let declaration = conflict.guest.declaration {
          related.append(system.location(declaration, "what the delegate takes these bytes for"))
        }
        if let declaration = conflict.host.declaration {
          related.append(system.location(declaration, "what the caller keeps in these bytes"))
        }
        for other in all where other.contract.id == delegate.contract.id {
          let location = FindingLocation(
            of: other.origin, in: program, role: "another delegatecall into it")
          if other.origin.node != delegate.origin.node, !related.contains(location) {
            related.append(location)
          }
        }
        result.append(
          Finding.make(
            rule: ProxyRules.delegatecallStorageMismatch, at: .origin(delegate.origin), in: program,
            message: "`\(SourceEnclosure.signature(of: delegate.function))` of "
              + "`\(delegate.contract.name)` runs in the storage of `\(contract.name)`. What it takes for "
              + "`\(conflict.guest.label)` (\(conflict.guest.type)) are bytes of `\(conflict.host.label)` "
              + "(\(conflict.host.type)).",
            contract: contract, role: "the delegatecall", related: related,
            evidence: [.slots(comparison.diagram())], discriminator: delegate.contract.name))
      }
    }
    return result
  }

  /// The variables of the delegate that the called function reads or writes.
  private func touchedVariables(
    _ delegate: DelegateTargets.Target, in system: ProxySystem
  ) -> Set<NodeID> {
    var touched: Set<NodeID> = []
    for entry in system.examine(delegate.contract).entryPoints
    where entry.function?.id == delegate.function.id {
      for access in entry.storageWrites + entry.storageReads {
        if let variable = access.location.variable { touched.insert(variable.id) }
      }
    }
    return touched
  }

  // MARK: Proxies whose implementation is not at hand

  /// A proxy that takes care to keep its target out of the way, yet declares ordinary variables, collides with
  /// whatever implementation declares variables.
  private func sequentialStorage(of proxy: ProxyContract, in system: ProxySystem) -> Finding? {
    switch proxy.kind {
    case .transparent, .erc1967, .beaconProxy, .erc1822, .unstructured: break
    default: return nil
    }
    let layout = system.storage(of: proxy.contract).layout
    guard system.isLeaf(proxy.contract), let first = layout.storage.first else { return nil }
    let claims = StorageClaims(
      of: system.storage(of: proxy.contract), in: system.program, withRegions: false
    ).claims.filter { !$0.isGap }
    guard !claims.isEmpty else { return nil }
    let diagram = SlotDiagram(
      left: proxy.contract.name, right: "any implementation",
      rows: claims.prefix(6).compactMap { claim in
        claim.occupant(of: claim.start / 32).map {
          SlotRow(
            slot: SlotText.short(claim.start / 32), left: [$0], right: [], isConflict: true)
        }
      })
    return Finding.make(
      rule: ProxyRules.proxySequentialStorage, at: first.declaration, in: system.program,
      message: "`\(proxy.contract.name)` forwards its calls, but keeps `\(first.label)` in slot "
        + "\(SlotText.short(first.slot)), where an implementation keeps its own variables. The first "
        + "implementation that declares one overwrites it, or is overwritten.",
      contract: proxy.contract, role: "a variable in the implementation's place",
      evidence: [.slots(diagram)])
  }
}
