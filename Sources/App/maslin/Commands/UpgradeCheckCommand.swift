import ArgumentParser
import Auditing
import JSON
import Solidity

extension UpgradeProxyKind: ExpressibleByArgument {}
extension ValidationErrorKind: ExpressibleByArgument {}

/// Which verdict decides how the command leaves.
enum UpgradeJudge: String, CaseIterable, ExpressibleByArgument {
  case bytes, openzeppelin, both
}

/// `maslin upgrade-check`
struct UpgradeCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "upgrade-check",
    abstract: "Tells what a new version of an upgradeable contract does to live storage.",
    discussion: """
      OLD and NEW are paths, PATH:Contract, or git revisions (REVISION or REVISION:PATH). Contracts are paired \
      by @custom:oz-upgrades-from, by name, or by a name that differs in its version.

      Two verdicts are given: which live bytes change their meaning, and what the OpenZeppelin upgrades plugins \
      would say. Leaves with 1 when an upgrade is unsafe: by the bytes (and the plugins' checks of the new version \
      alone) unless --judge says otherwise.

      Examples:
        maslin upgrade-check TokenV1.sol TokenV2.sol
        maslin upgrade-check src/Token.sol:TokenV1 src/Token.sol:TokenV2 --json
        maslin upgrade-check v1.2.0 HEAD
        maslin upgrade-check main:src/Token.sol src/Token.sol
      """)

  @Argument(help: "The version in use.", completion: .file(extensions: ["sol", "json"]))
  var old: String

  @Argument(help: "The version to come.", completion: .file(extensions: ["sol", "json"]))
  var new: String

  @Flag(help: "Print JSON.")
  var json = false

  @Option(help: "The verdict that decides how the command leaves.")
  var judge: UpgradeJudge = .bytes

  @Option(help: "The kind of proxy; worked out from the contracts unless given.")
  var kind: UpgradeProxyKind?

  @Option(
    help: ArgumentHelp(
      "A kind of error not to report, as in the plugins. May be repeated.", valueName: "kind"))
  var unsafeAllow: [ValidationErrorKind] = []

  @Flag(help: "Let variables change their names.")
  var unsafeAllowRenames = false

  @OptionGroup var source: SourceOptions

  mutating func run() throws {
    let options = UpgradeOptions(
      kind: kind, unsafeAllow: Set(unsafeAllow), unsafeAllowRenames: unsafeAllowRenames)
    let comparison = try UpgradeComparison(
      from: UpgradeSide(old), to: UpgradeSide(new), options,
      remappings: source.remappings, pool: source.pool)
    comparison.diagnostics.write()
    for note in comparison.notes { StandardError.write("maslin: \(note)\n") }
    let reports = try comparison.reports()
    try print(reports, comparison)
    if comparison.diagnostics.leavesOutFiles { throw CommandFailure(.environment) }
    if reports.contains(where: { !passes($0) }) { throw CommandFailure(.findings) }
  }

  private func passes(_ report: UpgradeReport) -> Bool {
    switch judge {
    case .bytes: report.isSafe
    case .openzeppelin: report.verdict.isSafe
    case .both: report.isSafe && report.verdict.isSafe
    }
  }

  private func print(_ reports: [UpgradeReport], _ comparison: UpgradeComparison) throws {
    var output = StandardOutput()
    if json {
      var writer = JSONWriter()
      writer.value(comparison.json(reports))
      try output.write(writer.takeBytes() + [0x0A])
    } else {
      try output.write(reports.map { UpgradeReportText($0).text }.joined(separator: "\n"))
    }
    try output.finish()
  }
}
