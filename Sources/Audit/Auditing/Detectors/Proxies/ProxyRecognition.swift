import BigInt
import Ethereum
import SoliditySyntax
import Solidity

/// The kinds of contracts that take part in running one contract's code in another's storage, told apart by what
/// their code does.
public enum ProxyKind: String, Sendable, CaseIterable {
  /// Forwards to the address in the ERC-1967 slot, except for calls of its admin.
  case transparent
  /// Forwards every call to the address in the ERC-1967 slot; the implementation or nobody upgrades it.
  case erc1967
  /// Forwards to what a beacon answers.
  case beaconProxy = "beacon-proxy"
  /// Forwards to the address in the ERC-1822 slot.
  case erc1822
  /// Forwards each selector to its own facet (ERC-2535, ERC-8109).
  case diamond
  /// Forwards to a state variable in the first slot, and does little else (Safe).
  case slotZero = "slot-zero"
  /// Forwards to another state variable.
  case storageVariable = "storage-variable"
  /// Forwards to an address in a slot made by hand.
  case unstructured
  /// Forwards to an immutable.
  case immutableTarget = "immutable-target"
  /// Forwards to an address written into the code.
  case constantTarget = "constant-target"
  /// Forwards to a target found in some other way.
  case custom
  /// Makes ERC-1167 clones of an implementation.
  case cloneFactory = "clone-factory"
  /// Makes minimal upgradeable proxies (ERC-7760) from byte code.
  case minimalUpgradeableFactory = "minimal-upgradeable-factory"
  /// Holds the implementation for beacon proxies.
  case beacon
  /// An implementation that upgrades the proxy it runs behind.
  case uupsImplementation = "uups-implementation"
  /// Code for an ordinary account to delegate to (EIP-7702).
  case accountDelegate = "account-delegate"
}

/// Where a proxy takes its implementation from.
public enum ImplementationSource: Hashable, Sendable {
  /// A constant.
  case constant
  /// An immutable.
  case immutable(Reference<VariableDeclaration>)
  /// A state variable, with its slot and byte.
  case variable(Reference<VariableDeclaration>, slot: BigUInt, offset: Int)
  /// A slot named by hand, with its agreed meaning, if it has one.
  case slot(BigUInt, WellKnownSlot?)
  /// An entry of a table in storage, chosen by the selector or other input.
  case table(StorageField)
  /// The answer of another contract.
  case call
  /// The caller.
  case input
  /// Could not be told.
  case unknown
}

/// A way to change the implementation.
public struct UpgradePath: Hashable, Sendable {
  /// The entry point's name.
  public let entry: String
  /// Whether only accounts someone else chose may take it.
  public let isRestricted: Bool
}

/// A contract recognised as a proxy or as a part of a proxy system.
public struct ProxyContract: Sendable {
  /// The contract.
  public let contract: ContractDefinition
  /// What it is.
  public let kind: ProxyKind
  /// Where the implementation's address comes from.
  public let source: ImplementationSource
  /// The storage that holds the implementation's address; empty for fixed targets.
  public let targetFields: [StorageField]
  /// The entry points that change the implementation, in order of the interface.
  public let upgradePaths: [UpgradePath]
  /// Whether it answers `proxyType()` and `implementation()` (ERC-897).
  public let answersERC897: Bool
  /// Whether it was recognised by the name of a published base whose source is not at hand, not by its code.
  public let isByPublishedName: Bool

  /// Whether it forwards calls by its fallback.
  public var isForwarding: Bool {
    switch kind {
    case .transparent, .erc1967, .beaconProxy, .erc1822, .diamond, .slotZero, .storageVariable,
      .unstructured, .immutableTarget, .constantTarget, .custom:
      true
    case .cloneFactory, .minimalUpgradeableFactory, .beacon, .uupsImplementation, .accountDelegate:
      false
    }
  }
}

/// Recognises proxies and their parts by structure.
public enum ProxyRecognition {
  /// The proxies, factories, beacons, UUPS implementations and account delegates of a program, by unit and place.
  public static func recognize(in facts: Facts) -> [ProxyContract] {
    let system = ProxySystem(facts: facts)
    let parts = ProxyParts(system: system).all()
    return (system.proxies + parts).sorted {
      ($0.contract.id, $0.kind.rawValue) < ($1.contract.id, $1.kind.rawValue)
    }
  }
}

/// Finds the contracts that forward calls by delegatecall.
struct ProxyRecognizer {
  let system: ProxySystem
  private var program: Program { system.program }

  init(system: ProxySystem) { self.system = system }

  func proxies() -> [ProxyContract] {
    system.contracts.compactMap { contract in
      guard system.isDeployable(contract) else { return nil }
      let sites = system.delegateSites(of: contract).filter(\.isForwarding)
      if sites.isEmpty { return published(contract) }
      return recognize(contract, forwardingAt: sites)
    }
  }

  private func recognize(
    _ contract: ContractDefinition, forwardingAt sites: [DelegateSite]
  ) -> ProxyContract {
    // What only an admin reaches (the upgrade of a transparent proxy) does not say where calls are forwarded.
    let open = sites.filter { !$0.entry.isRestricted($0.place) }
    let relevant = open.isEmpty ? sites : open
    var kind = ProxyKind.custom
    var source = ImplementationSource.unknown
    var fields: [StorageField] = []
    for site in relevant {
      for field in site.target.storage where !fields.contains(field) { fields.append(field) }
    }
    if let table = fields.first(where: { $0.members.contains("[]") }) {
      source = .table(table)
      let selecting = relevant.map(\.targetWithSelectors)
      let isBySelector = selecting.contains {
        $0.contains(.environment(.signature)) || $0.contains(.callData)
          || $0.contains(.environment(.callData)) || $0.hasInput
      }
      kind = isBySelector ? .diamond : .custom
    } else if relevant.contains(where: { !$0.target.externalCalls.isEmpty }) {
      source = .call
      kind = .beaconProxy
    } else if let field = fields.first {
      (kind, source) = classify(field, of: contract, sites: relevant)
    } else if let immutable = relevant.lazy.flatMap({ $0.target.sources }).compactMap({
      if case .immutable(let variable) = $0 { variable } else { nil }
    }).first {
      (kind, source) = (.immutableTarget, .immutable(immutable))
    } else if relevant.contains(where: { $0.target.hasInput }) {
      source = .input
    } else if relevant.contains(where: { $0.target.isFixed && !$0.target.sources.isEmpty }) {
      (kind, source) = (.constantTarget, .constant)
    }
    return ProxyContract(
      contract: contract, kind: kind, source: source, targetFields: fields,
      upgradePaths: upgradePaths(of: contract, fields: fields),
      answersERC897: answersERC897(contract), isByPublishedName: false)
  }

  private func classify(
    _ field: StorageField, of contract: ContractDefinition, sites: [DelegateSite]
  ) -> (ProxyKind, ImplementationSource) {
    switch field.root {
    case .variable(let reference):
      let layout = system.storage(of: contract).layout
      let entry = layout.storage.first { $0.declaration.id == reference.node.id }
      let slot = entry?.slot ?? 0
      let isFirst = slot == 0 && entry?.offset == 0 && layout.storage.count == 1
      return (
        isFirst ? .slotZero : .storageVariable,
        .variable(reference, slot: slot, offset: entry?.offset ?? 0)
      )
    case .slot(let slot):
      let known = SlotText.word(slot).flatMap { WellKnownSlot(slot: $0) }
      let source = ImplementationSource.slot(slot, known)
      switch known {
      case .erc1967Implementation, .zeppelinOSImplementation:
        return (isTransparent(contract, sites) ? .transparent : .erc1967, source)
      case .erc1822Proxiable: return (.erc1822, source)
      case .erc1967Beacon: return (.beaconProxy, source)
      default: return (slot == 0 ? .slotZero : .unstructured, source)
      }
    case .computed: return (.custom, .unknown)
    }
  }

  /// Whether one account's calls are not forwarded: the forwarding call excludes a sender, or functions exist that
  /// act for one sender and forward for all others.
  private func isTransparent(_ contract: ContractDefinition, _ sites: [DelegateSite]) -> Bool {
    let excludes = sites.contains { site in
      site.entry.guards(of: site.place).contains { held in
        held.predicate.parts.contains { part in
          guard case .caller(let check) = part, case .exclusion = check.kind else { return false }
          return true
        }
      }
    }
    if excludes { return true }
    return system.delegateSites(of: contract).contains {
      $0.entry.kind == .function && $0.forwardsCallData && !$0.entry.isRestricted($0.place)
    }
  }

  private func upgradePaths(
    of contract: ContractDefinition, fields: [StorageField]
  ) -> [UpgradePath] {
    let examined = system.examine(contract)
    var paths: [UpgradePath] = []
    for field in fields {
      for access in examined.writers(of: field) {
        let path = UpgradePath(
          entry: access.entry.name, isRestricted: access.entry.isRestricted(access.place))
        if !paths.contains(path) { paths.append(path) }
      }
    }
    return paths
  }

  private func answersERC897(_ contract: ContractDefinition) -> Bool {
    let signatures = Set(program.interface(of: contract).map(\.signature))
    return signatures.contains("proxyType()") && signatures.contains("implementation()")
  }

  /// A contract whose base is a published proxy that the program imports but does not hold.
  private func published(_ contract: ContractDefinition) -> ProxyContract? {
    for base in program.linearizedBases(of: contract) {
      for specifier in base.bases where program.isUnseen(specifier.base) {
        guard let name = specifier.base.parts.last?.text, let known = PublishedProxy.kind(of: name)
        else { continue }
        let slot: WellKnownSlot =
          known == .beaconProxy ? .erc1967Beacon : .erc1967Implementation
        let number = SlotText.number(slot.slot)
        return ProxyContract(
          contract: contract, kind: known, source: .slot(number, slot),
          targetFields: [StorageField(root: .slot(number), members: [])], upgradePaths: [],
          answersERC897: false, isByPublishedName: true)
      }
    }
    return nil
  }
}

/// Published proxy contracts, for programs that import them without having their source.
enum PublishedProxy {
  /// The kind of a published proxy, by its name.
  static func kind(of name: String) -> ProxyKind? {
    switch name {
    case "TransparentUpgradeableProxy", "AdminUpgradeabilityProxy", "BaseAdminUpgradeabilityProxy",
      "InitializableAdminUpgradeabilityProxy":
      .transparent
    case "ERC1967Proxy", "UpgradeabilityProxy", "BaseUpgradeabilityProxy", "UpgradeableProxy",
      "InitializableUpgradeabilityProxy", "BaseImmutableAdminUpgradeabilityProxy",
      "InitializableImmutableAdminUpgradeabilityProxy":
      .erc1967
    case "BeaconProxy": .beaconProxy
    default: nil
    }
  }
}
