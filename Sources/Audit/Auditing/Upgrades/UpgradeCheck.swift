import Solidity
import SoliditySyntax

/// Compares two versions of an upgradeable contract: what happens to the bytes in the proxy's storage, and
/// what the OpenZeppelin upgrades plugins would say.
///
/// A pure function of both programs:
///
///     let report = UpgradeCheck(from: old, to: new, options: UpgradeOptions()).run()
public struct UpgradeCheck: Sendable {
  /// The version in use.
  public let old: ContractVersion
  /// The version to come.
  public let new: ContractVersion
  /// What to leave out.
  public let options: UpgradeOptions

  /// Prepares a check.
  public init(
    from old: ContractVersion, to new: ContractVersion, options: UpgradeOptions = UpgradeOptions()
  ) {
    self.old = old
    self.new = new
    self.options = options
  }

  /// Compares the versions.
  public func run() -> UpgradeReport {
    let oldStorage = old.program.storage(of: old.contract)
    let newStorage = new.program.storage(of: new.contract)
    var comparison = PhysicalComparison(
      old: StorageSide(version: old, storage: oldStorage),
      new: StorageSide(version: new, storage: newStorage))
    let changes = comparison.changes()
    return UpgradeReport(
      old: old, new: new, changes: changes,
      problems: oldStorage.problems.map { "\(old.qualifiedName): \($0)" }
        + newStorage.problems.map { "\(new.qualifiedName): \($0)" },
      verdict: CompatibleVerdict(of: new, after: old, options: options))
  }
}

/// What an upgrade from one version to another does.
public struct UpgradeReport: Sendable {
  /// The version in use.
  public let old: ContractVersion
  /// The version to come.
  public let new: ContractVersion
  /// What changes in storage, in order of place; harmless changes with the reason why.
  public let changes: [StorageChange]
  /// What makes either layout uncertain; with any of these the report is no proof.
  public let problems: [String]
  /// The verdict by the rules of the OpenZeppelin upgrades plugins.
  public let verdict: CompatibleVerdict

  /// Whether live bytes keep their meaning: no change of medium severity or above.
  public var keepsMeaning: Bool { changes.allSatisfy { $0.severity < .medium } }
}
