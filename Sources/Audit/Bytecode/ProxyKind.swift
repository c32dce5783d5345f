import Ethereum

/// How a contract hands calls on to the code of another, judged by what its code does.
public enum ProxyKind: Hashable, Sendable, CustomStringConvertible {
  /// One of the published minimal proxies.
  case minimal(MinimalProxy)
  /// An EIP-7702 delegation.
  case delegation(Address)
  /// The fallback delegates to what the ERC-1967 implementation slot holds. `readsAdmin` says that
  /// the code also reads the admin slot, as transparent proxies do.
  case erc1967(readsAdmin: Bool)
  /// The fallback delegates to what a beacon answers; the slot of the beacon where it is one.
  case beacon(StorageSlot?)
  /// The fallback delegates to what the ERC-1822 slot holds.
  case erc1822
  /// The fallback delegates to what the ZeppelinOS slot holds.
  case zeppelinOS
  /// The fallback looks its target up by the selector in a mapping (ERC-2535 and kin).
  case diamond(StorageSlot)
  /// The fallback delegates to what another slot holds; slot 0 is Safe's form.
  case storage(StorageSlot)
  /// The fallback delegates to an address in the code.
  case fixed(Address, isImmutable: Bool)
  /// The fallback delegates to an address that comes from elsewhere.
  case other(DelegateTarget)

  /// The kind, for a person.
  public var description: String {
    switch self {
    case .minimal(let proxy):
      switch proxy.target {
      case .implementation(let address): "minimal proxy (\(proxy.form.rawValue)) of \(address)"
      case .slot(let slot):
        "minimal proxy (\(proxy.form.rawValue)) by \(StorageSlot(root: .constant(slot)))"
      case .beacon(let slot):
        "minimal proxy (\(proxy.form.rawValue)) by beacon in "
          + "\(StorageSlot(root: .constant(slot)))"
      }
    case .delegation(let address): "EIP-7702 delegation to \(address)"
    case .erc1967(let readsAdmin):
      readsAdmin ? "ERC-1967 proxy with an admin (transparent)" : "ERC-1967 proxy"
    case .beacon(let slot): "beacon proxy" + (slot.map { " by \($0)" } ?? "")
    case .erc1822: "ERC-1822 proxy"
    case .zeppelinOS: "ZeppelinOS proxy"
    case .diamond(let slot): "diamond by \(slot)"
    case .storage(let slot): "proxy by \(slot)"
    case .fixed(let address, let isImmutable):
      "proxy of \(isImmutable ? "immutable" : "constant") address \(address)"
    case .other(let target): "proxy by \(target)"
    }
  }

  /// Judges where the fallback delegates to; `nil` if it does not.
  init?(delegateCalls: [DelegateCall], accesses: [StorageAccess]) {
    let targets = delegateCalls.filter { $0.entryPoints.contains(.fallback) }.map(\.target)
    // The clearest origin speaks for the contract.
    let kinds = targets.map { ProxyKind(target: $0, accesses: accesses) }
    guard let best = kinds.min(by: { $0.rank < $1.rank }) else { return nil }
    self = best
  }

  private init(target: DelegateTarget, accesses: [StorageAccess]) {
    switch target {
    case .constant(let address): self = .fixed(address, isImmutable: false)
    case .immutable(let address): self = .fixed(address, isImmutable: true)
    case .returned(by: .storage(let slot, _)): self = .beacon(slot)
    case .returned(by: .immutable), .returned(by: .constant): self = .beacon(nil)
    case .storage(let slot, _):
      switch slot.constant.flatMap({ WellKnownSlot(slot: $0) }) {
      case .erc1967Implementation:
        let admin = StorageSlot(root: .constant(WellKnownSlot.erc1967Admin.slot))
        self = .erc1967(readsAdmin: accesses.contains { $0.slot == admin })
      case .erc1822Proxiable: self = .erc1822
      case .zeppelinOSImplementation: self = .zeppelinOS
      default:
        self = slot.steps.contains(.mappingValue) ? .diamond(slot) : .storage(slot)
      }
    case .callData, .own, .returned, .unknown: self = .other(target)
    }
  }

  private var rank: Int {
    switch self {
    case .minimal, .delegation: 0
    case .erc1967, .beacon, .erc1822, .zeppelinOS: 1
    case .diamond: 2
    case .storage: 3
    case .fixed: 4
    case .other: 5
    }
  }
}
