import Solidity
import SoliditySyntax

/// What to audit and how.
public struct AuditRequest: Sendable {
  /// The resolved program.
  public var program: Program
  /// The units to report on: findings elsewhere (in libraries a project merely uses) are left out. Nil for all.
  public var units: Set<Int32>?
  /// Files that belong to the audit but could not be read.
  public var unreadableFiles: [AuditedFile] = []
  /// The detectors to run.
  public var detectors: [any Detector] = RuleRegistry.detectors
  /// The rules asked for.
  public var selection: RuleSelection = .all
  /// Findings already known.
  public var baseline: Baseline?
  /// Findings and questions of a reviewer, already checked.
  public var review: ReviewOutcome?
  /// The version of Maslin.
  public var toolVersion: String

  /// Makes a request for everything in a program.
  public init(program: Program, toolVersion: String) {
    self.program = program
    self.toolVersion = toolVersion
  }
}

/// Runs detectors over a program and makes of what they find a report.
public enum Audit {
  /// Audits a program: runs the detectors that own a rule asked for, merges and orders what they find, applies
  /// suppressions, and compares with the baseline.
  ///
  /// - Parameter progress: called with the number of steps done and their total before each step (a detector over the
  ///   whole program, or all detectors over one contract), and at the end.
  public static func run(
    _ request: AuditRequest, progress: (Int, Int) -> Void = { _, _ in }
  ) -> AuditReport {
    let context = AuditContext(program: request.program, selection: request.selection)
    let detectors = request.detectors.filter { detector in
      detector.rules.contains { request.selection.contains($0.id) }
    }
    var findings: [Finding] = []
    let subjects = context.facts.subjects.filter { request.units?.contains($0.id.unit) ?? true }
    let steps = detectors.count + subjects.count
    for (index, detector) in detectors.enumerated() {
      progress(index, steps)
      findings += detector.findings(in: context)
    }
    for (index, contract) in subjects.enumerated() {
      progress(detectors.count + index, steps)
      // The facts of a contract are let go before the next one's are made: they are the bulk of the memory.
      let subject = context.facts.examine(contract)
      for detector in detectors { findings += detector.findings(of: subject, in: context) }
    }
    progress(steps, steps)
    return report(request, findings: findings)
  }

  /// Makes a report of findings already made.
  static func report(_ request: AuditRequest, findings: [Finding]) -> AuditReport {
    let selection = request.selection
    let allRules = request.detectors.flatMap(\.rules) + SuppressionRules.rules
    let units = request.program.units.filter { request.units?.contains($0.number) ?? true }
    let paths = Set(units.map(\.source.path))
    let made = findings + (request.review?.findings ?? [])
    let assembled = FindingSet.assemble(
      made.filter { selection.contains($0.rule) && paths.contains($0.location.path) })
    let files = AuditedFile.files(of: request.program, units: request.units)
    let suppressions = Suppressions(
      units: units, rules: allRules, selection: selection,
      notUnderstood: Set(files.filter { !$0.isUnderstood }.map(\.path)))
    let outcome = suppressions.apply(to: assembled)
    let settled = FindingSet.assemble(outcome.findings, suppressed: outcome.suppressed)
    return AuditReport(
      toolVersion: request.toolVersion,
      files: files + request.unreadableFiles,
      rules: allRules.filter { selection.contains($0.id) },
      findings: settled.findings, suppressed: settled.suppressed,
      baseline: request.baseline, questions: request.review?.questions ?? [],
      sources: SourceCatalog(request.program.units.map(\.source)))
  }
}
