import BigInt
import Ethereum
import SoliditySyntax
import Solidity

/// Implementations that upgrade their own proxy, and how they can end that for good.
struct UUPSCheck: ProxyCheck {
  var rules: [Rule] {
    [ProxyRules.uupsBricking, ProxyRules.uupsDirectUpgrade, ProxyRules.uupsSuccessorUnchecked]
  }

  func findings(in system: ProxySystem) -> [Finding] {
    var result: [Finding] = []
    let parts = ProxyParts(system: system)
    var upgradable: [(ContractDefinition, [StorageAccess])] = []
    for contract in system.implementations.candidates {
      let writes = parts.upgradeWrites(of: contract)
      guard !writes.isEmpty else { continue }
      upgradable.append((contract, writes))
      if let finding = wrongAnswer(contract, writes, in: system) { result.append(finding) }
      result += openToAll(contract, writes, in: system)
    }
    result += deadEnds(upgradable, in: system)
    return result
  }

  // MARK: proxiableUUID

  private func wrongAnswer(
    _ contract: ContractDefinition, _ writes: [StorageAccess], in system: ProxySystem
  ) -> Finding? {
    guard
      let entry = system.examine(contract).entryPoints.first(where: {
        $0.function?.name == "proxiableUUID" && $0.function?.parameters.isEmpty == true
      }), let function = entry.function
    else { return nil }
    guard let value = entry[.root].graph.returnedValue(0),
      let constant = entry.constant(Place(frame: .root, value: value)),
      let answer = SlotText.slot(of: constant)
    else { return nil }
    let written = writes.compactMap { access -> BigUInt? in
      if case .slot(let slot) = access.location.root { return slot }
      return nil
    }
    guard !written.contains(answer) else { return nil }
    return Finding.make(
      rule: ProxyRules.uupsBricking, at: function, in: system.program,
      message:
        "`\(contract.name)` answers \(SlotText.hexadecimal(answer)) as the slot of its implementation, but its "
        + "upgrade writes \(written.first.map(SlotText.hexadecimal) ?? "another"). A check of the answer refuses it "
        + "as an upgrade, or lets it write a slot the proxy does not read.",
      contract: contract, role: "the answer",
      evidence: [
        system.callPath(
          writes[0].entry, to: writes[0].place, does: "writes the slot the upgrade uses")
      ])
  }

  // MARK: Calls past the proxy

  private func openToAll(
    _ contract: ContractDefinition, _ writes: [StorageAccess], in system: ProxySystem
  ) -> [Finding] {
    var result: [Finding] = []
    var seen: Set<NodeID> = []
    for access in writes {
      guard let function = access.entry.function, seen.insert(function.id).inserted else {
        continue
      }
      let entry = access.entry
      let isProxyOnly = entry.guards(of: access.place).contains { held in
        held.predicate.parts.contains { part in
          guard case .caller(let check) = part, case .delegation = check.kind else { return false }
          return true
        }
      }
      if !isProxyOnly {
        result.append(
          Finding.make(
            rule: ProxyRules.uupsDirectUpgrade, at: function, in: system.program,
            message:
              "`\(entry.name)` of `\(contract.name)` can be called on the implementation itself, not only through a "
              + "proxy. Together with an initialisable implementation this lets a stranger run code of their own there.",
            contract: contract,
            evidence: [
              system.callPath(entry, to: access.place, does: "writes the implementation slot")
            ]))
      }
      if !asksSuccessor(access) {
        result.append(
          Finding.make(
            rule: ProxyRules.uupsSuccessorUnchecked, at: function, in: system.program,
            message:
              "`\(entry.name)` of `\(contract.name)` takes any address as the new implementation. One without an upgrade "
              + "function ends all upgrades; ERC-1822 asks the new implementation for `proxiableUUID()` first.",
            contract: contract,
            evidence: [
              system.callPath(entry, to: access.place, does: "writes the implementation slot")
            ]))
      }
    }
    return result
  }

  /// Whether the new implementation is asked anything before it is stored, or tried out after.
  private func asksSuccessor(_ access: StorageAccess) -> Bool {
    let entry = access.entry
    return entry.externalCalls.contains { place in
      guard let call = entry.externalCall(at: place), let target = call.target,
        call.function != nil || call.isStatic
      else { return false }
      return entry.sources(of: Place(frame: place.frame, value: target)).hasInput
    }
  }

  // MARK: Successors without a way on

  private func deadEnds(
    _ upgradable: [(ContractDefinition, [StorageAccess])], in system: ProxySystem
  ) -> [Finding] {
    let program = system.program
    let canUpgrade = Set(upgradable.map(\.0.id))
    var result: [Finding] = []
    var told: Set<NodeID> = []
    func tell(
      _ next: ContractDefinition, after first: ContractDefinition, why: String,
      _ confidence: Confidence, at node: (any SyntaxNode)?
    ) {
      guard told.insert(next.id).inserted else { return }
      result.append(
        Finding.make(
          rule: ProxyRules.uupsBricking, at: next, in: program,
          message:
            "`\(next.name)` follows `\(first.name)` behind a proxy that only its implementation can upgrade "
            + "(\(why)), but has no function that upgrades. After this upgrade there will never be another.",
          confidence: confidence, contract: next, role: "the last implementation",
          related: [system.location(first, "the implementation before, which can upgrade")]
            + (node.map { [system.location($0, why)] } ?? []),
          evidence: [
            .note("`\(first.name)` writes the implementation slot; nothing in `\(next.name)` does.")
          ]))
    }
    for proxy in system.proxies where proxy.upgradePaths.isEmpty {
      let own = system.pairs.filter { $0.proxy.contract.id == proxy.contract.id }
      guard let first = own.first(where: { canUpgrade.contains($0.implementation.id) }) else {
        continue
      }
      for pair in own where !canUpgrade.contains(pair.implementation.id) {
        guard case .upgrade(let node) = pair.link else { continue }
        tell(
          pair.implementation, after: first.implementation, why: pair.reason, .high, at: node)
      }
    }
    var elsewhere: [(next: ContractDefinition, first: ContractDefinition)] = []
    for next in system.implementations.candidates where !canUpgrade.contains(next.id) {
      for (first, _) in upgradable where first.id != next.id {
        let line = Set(program.linearizedBases(of: next).map(\.id))
        if line.contains(first.id) {
          tell(next, after: first, why: "it derives from it", .high, at: nil)
        } else if isSuccessor(next, of: first, in: system) {
          if next.id.unit == first.id.unit {
            tell(
              next, after: first, why: "it continues its storage and interface", .medium, at: nil)
          } else {
            elsewhere.append((next, first))
          }
        }
      }
    }
    // One contract that continues another in some other file is its successor; of many, nobody knows.
    if elsewhere.count == 1 {
      tell(
        elsewhere[0].next, after: elsewhere[0].first,
        why: "it continues its storage and interface", .low, at: nil)
    }
    return result
  }

  /// Whether a contract looks like the next version of another: its variables begin with the other's, and it has most
  /// of the other's own functions.
  private func isSuccessor(
    _ next: ContractDefinition, of first: ContractDefinition, in system: ProxySystem
  ) -> Bool {
    let program = system.program
    let old = system.storage(of: first).layout.storage
    let new = system.storage(of: next).layout.storage
    guard !old.isEmpty, new.count >= old.count else { return false }
    let agrees = zip(old, new).allSatisfy { a, b in
      a.label == b.label && a.slot == b.slot && a.offset == b.offset
        && program.typeString(of: a.type) == program.typeString(of: b.type)
    }
    guard agrees else { return false }
    let upgrade: Set<String> = [
      "proxiableUUID()", "upgradeTo(address)", "upgradeToAndCall(address,bytes)",
      "UPGRADE_INTERFACE_VERSION()",
    ]
    let before = Set(program.interface(of: first).map(\.signature)).subtracting(upgrade)
    let after = Set(program.interface(of: next).map(\.signature))
    guard !before.isEmpty else { return false }
    return before.intersection(after).count * 2 >= before.count
  }
}
