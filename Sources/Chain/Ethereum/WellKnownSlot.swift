/// A storage slot that many contracts share by agreement.
public enum WellKnownSlot: String, CaseIterable, Hashable, Sendable {
  /// ERC-1967: the implementation a proxy delegates to.
  case erc1967Implementation
  /// ERC-1967: the account that may upgrade the proxy.
  case erc1967Admin
  /// ERC-1967: the beacon a proxy asks for its implementation.
  case erc1967Beacon
  /// The rollback test of early ERC-1822 upgrades.
  case erc1967Rollback
  /// ERC-1822: the implementation, under `keccak256("PROXIABLE")`.
  case erc1822Proxiable
  /// ZeppelinOS, before ERC-1967: the implementation.
  case zeppelinOSImplementation
  /// ZeppelinOS, before ERC-1967: the admin.
  case zeppelinOSAdmin
  /// The storage of the ERC-2535 reference diamond.
  case diamondStorage

  /// The text whose hash the slot comes from.
  public var label: String {
    switch self {
    case .erc1967Implementation: "eip1967.proxy.implementation"
    case .erc1967Admin: "eip1967.proxy.admin"
    case .erc1967Beacon: "eip1967.proxy.beacon"
    case .erc1967Rollback: "eip1967.proxy.rollback"
    case .erc1822Proxiable: "PROXIABLE"
    case .zeppelinOSImplementation: "org.zeppelinos.proxy.implementation"
    case .zeppelinOSAdmin: "org.zeppelinos.proxy.admin"
    case .diamondStorage: "diamond.standard.diamond.storage"
    }
  }

  /// The slot, computed from ``label``.
  public var slot: Word {
    switch self {
    case .erc1967Implementation, .erc1967Admin, .erc1967Beacon, .erc1967Rollback:
      StorageLocation.erc1967(label: label)
    case .erc1822Proxiable, .zeppelinOSImplementation, .zeppelinOSAdmin, .diamondStorage:
      Keccak256.hash(utf8: label).word
    }
  }

  private static let bySlot: [Word: WellKnownSlot] = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0.slot, $0) })

  /// The well-known slot at a place, if it is one.
  public init?(slot: Word) {
    guard let known = WellKnownSlot.bySlot[slot] else { return nil }
    self = known
  }
}
