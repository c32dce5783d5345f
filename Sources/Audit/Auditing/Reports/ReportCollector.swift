import SoliditySyntax

/// Gathers the reports on the programs of one project into the report on the whole.
///
/// Keeps of each what the whole shows. The text of files with findings is kept as far as a budget goes; the
/// rest is read again when a report shows it. So that a tree of any size fits into memory, whole severities are
/// left out, the lowest first, once there are too many findings; the report says so.
public struct ReportCollector: Sendable {
  private let toolVersion: String
  private var files: [AuditedFile] = []
  private var rules: [RuleID: Rule] = [:]
  private var findings: [Finding] = []
  private var suppressed: [SuppressedFinding] = []
  private var questions: [ReviewQuestion] = []
  private var sources: [String: SourceFile] = [:]
  private var room: Int
  private let maximumFindings: Int
  private var omitted = OmittedFindings()

  /// Makes an empty collection.
  ///
  /// - Parameters:
  ///   - textBudget: the most bytes of source text to keep.
  ///   - maximumFindings: above this many findings, those of the lowest severity are left out. About 2.5 KB each.
  public init(
    toolVersion: String, textBudget: Int = 32 << 20, maximumFindings: Int = 25_000
  ) {
    self.toolVersion = toolVersion
    self.maximumFindings = maximumFindings
    room = textBudget
  }

  /// Adds the report on a program.
  public mutating func add(_ report: AuditReport) {
    files += report.files
    for rule in report.rules { rules[rule.id] = rule }
    for finding in report.findings {
      if omitted.counts[finding.severity] == nil { findings.append(finding) } else { omit(finding) }
    }
    while findings.count > maximumFindings, let lowest = findings.map(\.severity).min(),
      lowest < .high
    {
      for finding in findings where finding.severity == lowest { omit(finding) }
      findings.removeAll { $0.severity == lowest }
    }
    suppressed += report.suppressed
    questions += report.questions
    for finding in report.findings {
      for location in finding.locations { keep(location.path, of: report) }
      for case .code(let location) in finding.evidence { keep(location.path, of: report) }
    }
  }

  private mutating func omit(_ finding: Finding) {
    omitted.counts[finding.severity, default: 0] += 1
    omitted.paths.insert(finding.location.path)
  }

  private mutating func keep(_ path: String, of report: AuditReport) {
    guard sources[path] == nil, let source = report.sources[path] else { return }
    let size = source.bytes.count + source.lineStarts.count * 4
    guard size <= room else { return }
    room -= size
    sources[path] = source
  }

  /// The report on everything added.
  ///
  /// - Parameter load: reads a file by the path that findings name, for those whose text was not kept.
  public consuming func report(
    baseline: Baseline?, loading load: @escaping @Sendable (_ path: String) -> SourceFile?
  ) -> AuditReport {
    let settled = FindingSet.assemble(findings, suppressed: suppressed)
    return AuditReport(
      toolVersion: toolVersion, files: files, rules: Array(rules.values),
      findings: settled.findings, suppressed: settled.suppressed, baseline: baseline,
      questions: questions, omitted: omitted, sources: SourceCatalog(sources.values, loading: load))
  }
}
