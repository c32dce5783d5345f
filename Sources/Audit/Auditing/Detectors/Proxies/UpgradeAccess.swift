import BigInt
import Ethereum
import SoliditySyntax
import Solidity

/// Who can change the code a contract runs: the writes of implementation addresses and what protects them.
final class UpgradeAccess {
  /// A write of an implementation's address that nothing keeps outsiders from.
  struct OpenWrite {
    let access: StorageAccess
    let field: StorageField
    /// The address the owner check rests on, when anyone can replace it first.
    let weakAuthority: StorageField?
  }

  private unowned let system: ProxySystem
  private var openByContract: [NodeID: [OpenWrite]] = [:]

  init(system: ProxySystem) { self.system = system }

  /// The storage that decides which code a contract runs: targets of its delegatecalls that come from storage, agreed
  /// implementation and beacon slots, and what a beacon answers.
  func implementationFields(of contract: ContractDefinition) -> [StorageField] {
    var fields: [StorageField] = []
    func add(_ field: StorageField) {
      if !fields.contains(field) { fields.append(field) }
    }
    for site in system.delegateSites(of: contract) {
      for field in site.target.storage where !field.members.contains("[]") { add(field) }
    }
    for region in system.storage(of: contract).regions {
      switch region.wellKnown {
      case .erc1967Implementation, .erc1967Beacon, .erc1822Proxiable, .zeppelinOSImplementation:
        add(StorageField(root: .slot(region.slot), members: []))
      case .erc1967Admin, .erc1967Rollback, .zeppelinOSAdmin, .diamondStorage, nil: continue
      }
    }
    if let field = ProxyParts(system: system).beaconField(of: contract) { add(field) }
    for field in tableFields where isUsed(field, by: contract) { add(field) }
    return fields
  }

  /// The tables in which diamonds keep their facets.
  private lazy var tableFields: [StorageField] = system.proxies.flatMap { proxy in
    proxy.targetFields.filter { $0.members.contains("[]") }
  }

  /// Whether a diamond's table is within the contract's reach: its own variable, or a slot it uses too.
  private func isUsed(_ field: StorageField, by contract: ContractDefinition) -> Bool {
    switch field.root {
    case .variable(let variable):
      system.program.stateVariables(of: contract).contains { $0.id == variable.node.id }
    case .slot(let slot):
      system.storage(of: contract).regions.contains { $0.slot == slot && !$0.isTransient }
    case .computed: false
    }
  }

  /// The writes of implementation addresses that anyone can make.
  func openWrites(of contract: ContractDefinition) -> [OpenWrite] {
    if let known = openByContract[contract.id] { return known }
    var result: [OpenWrite] = []
    if mayUpgrade(contract) {
      let examined = system.examine(contract)
      for field in implementationFields(of: contract) {
        for access in examined.writers(of: field) where access.entry.kind != .deployment {
          guard let value = access.value, access.entry.isOutsiders(value) else { continue }
          // A fallback that changes part of the word keeps what it was given before; see the sources of its memory.
          if access.entry.kind != .function,
            access.entry.sources(of: value).storage.contains(where: { $0.overlaps(field) })
          {
            continue
          }
          if result.contains(where: { $0.access.entry.function?.id == access.entry.function?.id }) {
            continue
          }
          switch system.protection(of: access.place, in: access.entry) {
          case .none, .delegationOnly:
            guard !isVouchedFor(value, access) else { continue }
            result.append(OpenWrite(access: access, field: field, weakAuthority: nil))
          case .caller:
            if let weak = weakAuthority(of: access, in: examined, except: field) {
              result.append(OpenWrite(access: access, field: field, weakAuthority: weak))
            }
          case .signature, .once: continue
          }
        }
      }
    }
    openByContract[contract.id] = result
    return result
  }

  /// Whether an entry point lets anyone change the implementation.
  func isUnprotectedUpgrade(_ entry: EntryPoint, of contract: ContractDefinition) -> Bool {
    openWrites(of: contract).contains { $0.access.entry.function?.id == entry.function?.id }
  }

  /// Whether the contract writes an agreed implementation slot outside of its constructor.
  func upgradesItself(_ contract: ContractDefinition) -> Bool {
    !ProxyParts(system: system).upgradeWrites(of: contract).isEmpty
  }

  private func mayUpgrade(_ contract: ContractDefinition) -> Bool {
    system.delegation.mayDelegate(contract)
      || system.storage(of: contract).regions.contains { $0.wellKnown != nil }
      || system.program.interface(of: contract).contains { $0.signature == "implementation()" }
      || tableFields.contains { isUsed($0, by: contract) }
  }

  /// Whether the new address is held against something the contract keeps: a registry, a list.
  private func isVouchedFor(_ value: Place, _ access: StorageAccess) -> Bool {
    let inputs = access.entry.sources(of: value).sources.filter {
      if case .parameter = $0 { return true }
      return $0 == .callData
    }
    return access.entry.guards(of: access.place).contains { held in
      let condition = access.entry.sources(of: held.condition, options: .selectors)
      return inputs.contains { condition.contains($0) }
        && condition.storage.contains { $0.members.contains("[]") }
    }
  }

  /// The variable an owner check rests on, if anyone can overwrite it in another entry point.
  private func weakAuthority(
    of access: StorageAccess, in examined: ContractFacts, except target: StorageField
  ) -> StorageField? {
    for held in access.entry.guards(of: access.place) {
      for part in held.predicate.parts {
        guard case .caller(let check) = part, case .equalsStorage(let location) = check.kind else {
          continue
        }
        let field = location.field
        guard !field.overlaps(target), !field.members.contains("[]") else { continue }
        let isOpen = examined.writers(of: field).contains { write in
          guard write.entry.function?.id != access.entry.function?.id, let value = write.value,
            write.entry.isOutsiders(value)
          else { return false }
          if case .none = system.protection(of: write.place, in: write.entry) { return true }
          return false
        }
        if isOpen { return field }
      }
    }
    return nil
  }
}

/// Upgrades that anyone can make.
struct UnprotectedUpgradeCheck: ProxyCheck {
  var rules: [Rule] { [ProxyRules.unprotectedUpgrade] }

  func findings(in system: ProxySystem) -> [Finding] {
    let access = system.upgrades
    var result: [Finding] = []
    for contract in system.contracts where system.isDeployable(contract) {
      for write in access.openWrites(of: contract) {
        result.append(finding(write, of: contract, in: system))
      }
      if let hook = UnseenBases(program: system.program).openHook(of: contract) {
        result.append(
          Finding.make(
            rule: ProxyRules.unprotectedUpgrade, at: hook, in: system.program,
            message:
              "`\(hook.name)` of `\(contract.name)` is called by the upgrade function of its base to decide who may "
              + "upgrade, but checks nothing. Anyone can replace the code that runs in the proxy's storage.",
            confidence: .medium, contract: contract, role: "the check that checks nothing",
            evidence: [
              .note("The base's source is not at hand; published ones upgrade after this call.")
            ]))
      }
    }
    return result
  }

  private func finding(
    _ write: UpgradeAccess.OpenWrite, of contract: ContractDefinition, in system: ProxySystem
  ) -> Finding {
    let entry = write.access.entry
    let program = system.program
    let hook = emptyHook(before: write.access.place, entry, contract)
    let place: any SyntaxNode =
      hook as (any SyntaxNode)? ?? entry.function as (any SyntaxNode)? ?? contract
    var message =
      "Anyone can call `\(entry.name)` of `\(contract.name)` and set `\(write.field.text)`, the address whose code "
      + "runs in its storage, and so take over everything it holds."
    if let hook {
      message +=
        " `\(SourceEnclosure.signature(of: hook))` is called to decide who may, but checks nothing."
    }
    if let weak = write.weakAuthority {
      message += " The check of `\(weak.text)` does not help: anyone can set it first."
    }
    return Finding.make(
      rule: ProxyRules.unprotectedUpgrade, at: place, in: program, message: message,
      confidence: write.weakAuthority == nil ? nil : .medium, contract: contract,
      role: hook == nil ? "the entry point" : "the check that checks nothing",
      related: system.delegateSites(of: contract)
        .filter { $0.target.storage.contains { $0.overlaps(write.field) } }.prefix(3)
        .map { site in
          FindingLocation(
            of: site.entry[site.place].origin, in: program, role: "runs the code at that address")
        },
      evidence: [
        system.callPath(entry, to: write.access.place, does: "writes `\(write.field.text)`")
      ])
  }

  /// A function called on the way that gets the new address, does nothing with state and is declared for overriding:
  /// the place where permission should have been checked.
  private func emptyHook(
    before place: Place, _ entry: EntryPoint, _ contract: ContractDefinition
  ) -> FunctionDefinition? {
    for frame in entry.frames.dropFirst() {
      guard let function = frame.graph.function, function.override != nil || function.isVirtual,
        function.body?.statements.isEmpty == true, !function.parameters.isEmpty
      else { continue }
      return function
    }
    return nil
  }
}
