import ArgumentParser
import Auditing
import DurableFiles
import Foundation
import Solidity
import SoliditySyntax

/// The formats of audit reports.
enum ReportFormat: String, CaseIterable, ExpressibleByArgument {
  case terminal, markdown, json, sarif
}

extension FailurePolicy: ExpressibleByArgument {
  /// Reads `high`, `medium`, `low`, `informational` or `never`.
  public init?(argument: String) { self.init(argument) }

  /// The values for help and completion.
  public static var allValueStrings: [String] {
    Severity.allCases.reversed().map(\.rawValue) + ["never"]
  }
}

/// `maslin audit`
struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Finds what is wrong with contracts.",
    discussion: """
      Imports are followed, so findings see the whole program. Reported are findings in the project's own \
      files; tests, scripts and dependencies are left out unless asked for. Leaves with 1 when there is a \
      finding at or above --fail-on that the baseline does not list, with 3 when a file could not be parsed.

      A finding is taken out by a comment that gives a reason, on its line or the line before:
        // maslin-ignore RULE: REASON

      Examples:
        maslin audit .
        maslin audit src/Vault.sol --only reentrancy
        maslin audit . --format sarif --output maslin.sarif
        maslin audit . --write-baseline maslin-baseline.json
        maslin audit . --baseline maslin-baseline.json --fail-on medium
      """)

  @Argument(
    help: "Solidity files, directories, standard-JSON or build-info files.",
    completion: .file(extensions: ["sol", "json"]))
  var paths: [String]

  @Option(help: "The format of the report.")
  var format: ReportFormat?

  @Flag(help: "The same as --format json.")
  var json = false

  @Option(
    help: ArgumentHelp("Write the report to a file instead.", valueName: "file"),
    completion: .file())
  var output: String?

  @Option(help: "The severity from which a new finding makes the command leave with 1.")
  var failOn: FailurePolicy = .atLeast(.high)

  @Option(
    help: ArgumentHelp(
      "Run only this rule or category; * and ? stand for other characters. May be repeated.",
      valueName: "rule"))
  var only: [String] = []

  @Option(
    help: ArgumentHelp("Leave this rule or category out. May be repeated.", valueName: "rule"))
  var exclude: [String] = []

  @Option(
    help: ArgumentHelp("Findings already known, from --write-baseline.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var baseline: String?

  @Option(
    help: ArgumentHelp("Write all findings to a baseline file.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var writeBaseline: String?

  @Flag(help: "Show findings that the baseline lists, too (terminal).")
  var showKnown = false

  @Flag(help: "Report on tests, test doubles and scripts, too.")
  var includeTests = false

  @Flag(help: "Report on dependencies that are imported, too.")
  var includeDependencies = false

  @OptionGroup var source: SourceOptions

  func validate() throws {
    if json, let format, format != .json {
      throw ValidationError("--json and --format \(format.rawValue) contradict each other.")
    }
  }

  mutating func run() throws {
    let selection = try RuleSelection(only: only, exclude: exclude, of: RuleRegistry.rules)
    let known = try baseline.map { try Baseline.read($0) }
    var run = try SourceRun(paths: paths, options: source, selectsContracts: true)
    let audit = ProjectAudit(
      rules: selection, baseline: known, includeTests: includeTests,
      includeDependencies: includeDependencies)
    let outcome = try audit.outcome(on: &run)
    let report = outcome.report

    try write(report)
    if let writeBaseline {
      try Baseline(report.findings).write(to: writeBaseline)
      StandardError.write(
        "maslin: wrote \(report.findings.count) findings to \(writeBaseline)\n")
    }
    if let note = outcome.note { StandardError.write("maslin: \(note)\n") }
    if let resolved = known?.resolvedEntries(in: report), !resolved.isEmpty {
      StandardError.write(
        "maslin: \(resolved.count) findings of the baseline are gone; "
          + "--write-baseline makes it anew\n")
    }
    let isIncomplete: Bool
    do {
      try run.finish(contracts: outcome.contractCount)
      isIncomplete = report.files.contains { $0.problems.contains { $0.kind == .syntax } }
    } catch  where !failOn.isFailure(report) {
      throw error
    }
    if failOn.isFailure(report) { throw CommandFailure(.findings) }
    if isIncomplete {
      throw CommandFailure(.badInput, "some files were not fully understood; see the report")
    }
  }

  private func write(_ report: AuditReport) throws {
    let format = json ? .json : format ?? .terminal
    if let output {
      var bytes: [UInt8] = []
      try render(report, as: format, isTerminal: false) { bytes += $0 }
      try AtomicFile.write(bytes, to: output)
      StandardError.write("maslin: wrote \(output), \(report.findings.count) findings\n")
    } else {
      var output = StandardOutput()
      try render(report, as: format, isTerminal: StandardOutput.isTerminal) { bytes in
        try output.write(bytes)
      }
      try output.finish()
    }
  }

  private func render(
    _ report: AuditReport, as format: ReportFormat, isTerminal: Bool,
    _ emit: ([UInt8]) throws -> Void
  ) throws {
    switch format {
    case .terminal:
      var options = TerminalReport.Options()
      options.usesColour = isTerminal && StandardOutput.wantsColor
      options.showsKnown = showKnown
      if isTerminal, let width = StandardOutput.terminalWidth { options.width = width }
      try emit(Array(TerminalReport(report, options: options).text.utf8))
    case .markdown:
      try emit(Array(MarkdownReport(report).text.utf8))
    case .json:
      try JSONReport(report).write(emit)
    case .sarif:
      let sarif = SARIFReport(report, root: LocalFileSystem.workingDirectory)
      try sarif.write(emit)
      for warning in sarif.warnings { StandardError.write("maslin: \(warning)\n") }
    }
  }
}
