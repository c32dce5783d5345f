import Solidity
import SoliditySyntax

/// One version of an upgradeable contract.
public struct ContractVersion: Sendable {
  /// The program the contract belongs to.
  public let program: Program
  /// The contract.
  public let contract: ContractDefinition

  /// Names a contract of a program.
  public init(program: Program, contract: ContractDefinition) {
    self.program = program
    self.contract = contract
  }

  /// `path:Contract`.
  public var qualifiedName: String {
    "\(program.unit(of: contract).source.path):\(contract.name)"
  }
}

/// The kind of proxy an implementation stands behind.
public enum UpgradeProxyKind: String, Sendable, CaseIterable {
  /// The proxy upgrades itself at an admin's word.
  case transparent
  /// The implementation upgrades the proxy (ERC-1822).
  case uups
  /// A beacon holds the implementation for many proxies.
  case beacon
}

/// What to leave out of an upgrade check; the names are those of the OpenZeppelin upgrades plugins.
public struct UpgradeOptions: Sendable {
  /// The proxy's kind; nil to take `uups` where either version has a public upgrade function.
  public var kind: UpgradeProxyKind?
  /// Validation errors not to report.
  public var unsafeAllow: Set<ValidationErrorKind>
  /// Whether a variable may change its name.
  public var unsafeAllowRenames: Bool
  /// Whether to leave out the comparison of storage from the compatible verdict.
  public var unsafeSkipStorageCheck: Bool
  /// Whether the compatible verdict may use slots within namespaces.
  ///
  /// The Hardhat plugin compiles the sources a second time to learn them; the command line and the
  /// Foundry library do not, and judge namespaces by names and types alone, which is the default.
  public var usesNamespaceSlots: Bool

  /// Makes options; the defaults allow nothing.
  public init(
    kind: UpgradeProxyKind? = nil, unsafeAllow: Set<ValidationErrorKind> = [],
    unsafeAllowRenames: Bool = false, unsafeSkipStorageCheck: Bool = false,
    usesNamespaceSlots: Bool = false
  ) {
    self.kind = kind
    self.unsafeAllow = unsafeAllow
    self.unsafeAllowRenames = unsafeAllowRenames
    self.unsafeSkipStorageCheck = unsafeSkipStorageCheck
    self.usesNamespaceSlots = usesNamespaceSlots
  }
}
