import Auditing
import JSON
import Solidity

/// Two versions side by side: the work of `maslin upgrade-check`, whoever asks for it.
struct UpgradeComparison {
  /// What was met while reading.
  private(set) var diagnostics = DiagnosticReport()
  private let pairing: UpgradePairing
  private let options: UpgradeOptions
  private let oldName: String
  private let newName: String

  /// Reads both sides and pairs their contracts.
  init(
    from old: UpgradeSide, to new: UpgradeSide, _ options: UpgradeOptions,
    remappings: [Remapping], pool: WorkerPool
  ) throws {
    let before = try old.contracts(remappings: remappings, pool: pool, into: &diagnostics)
    let after = try new.contracts(remappings: remappings, pool: pool, into: &diagnostics)
    pairing = UpgradePairing(old: before, new: after)
    self.options = options
    (oldName, newName) = (old.name, new.name)
  }

  /// Which contracts have no partner.
  var notes: [String] {
    pairing.added.map { "\($0.qualifiedName) is new; nothing to compare it with" }
      + pairing.removed.map { "\($0.qualifiedName) has no successor in \(newName)" }
  }

  /// What the upgrade of every pair does.
  ///
  /// - Throws: `CommandFailure` when there is no pair.
  func reports() throws -> [UpgradeReport] {
    guard !pairing.pairs.isEmpty else {
      throw CommandFailure(
        .badInput,
        "no contract of \(newName) follows one of \(oldName); name them as PATH:Contract")
    }
    return pairing.pairs.map { UpgradeCheck(from: $0.old, to: $0.new, options: options).run() }
  }

  /// The reports as one document.
  func json(_ reports: [UpgradeReport]) -> JSONValue {
    .members([
      "schema": "maslin-upgrade-1",
      "old": .string(oldName),
      "new": .string(newName),
      "safe": .bool(reports.allSatisfy(\.isSafe)),
      "upgrades": .array(reports.map { UpgradeReportJSON($0).value }),
    ])
  }
}
