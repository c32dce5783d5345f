import Auditing
import Solidity
import SoliditySyntax

/// An audit of all that a run of sources names: the work of `maslin audit`, whoever asks for it.
struct ProjectAudit {
  /// What to look for.
  var rules = RuleSelection.all
  /// What is known already.
  var baseline: Baseline?
  /// Whether findings in tests and scripts are reported.
  var includeTests = false
  /// Whether findings in dependencies are reported.
  var includeDependencies = false

  /// What came of it.
  struct Outcome {
    /// The report.
    let report: AuditReport
    /// Which files findings are not reported for; nil when there are none.
    let note: String?
    /// How many of the contracts asked for there are.
    let contractCount: Int
  }

  /// Goes through the sources.
  func outcome(on run: inout SourceRun) throws -> Outcome {
    let scope = ReportScope(
      of: run.project, includeTests: includeTests, includeDependencies: includeDependencies)
    let (filter, rules) = (run.selection, rules)
    var collector = ReportCollector(toolVersion: Maslin.version)
    var places: [String: String] = [:]
    var contractCount = 0
    try run.forEachProgram { program, sources in
      var request = AuditRequest(program: program, toolVersion: Maslin.version)
      request.units = scope.units(of: sources)
      request.selection = rules
      request.unreadableFiles = scope.unreadableFiles(of: sources)
      return (
        report: Audit.run(request).restricted(to: filter),
        places: sources.files.map { ($0.displayPath, $0.path) },
        contracts: sources.requestedContracts(of: program, filter).count
      )
    } deliver: { result in
      collector.add(result.report)
      contractCount += result.contracts
      for (shown, path) in result.places { places[shown] = path }
    }
    let (project, paths) = (run.project, places)
    let report = collector.report(baseline: baseline) { shown in
      paths[shown].flatMap { project.source(at: $0, shownAs: shown) }
    }
    return Outcome(report: report, note: scope.note, contractCount: contractCount)
  }
}

/// Which files of a project findings are reported for.
private struct ReportScope: Sendable {
  private let includesTests: Bool
  private let includesDependencies: Bool
  /// What was left out, for the user; nil when nothing was.
  let note: String?

  init(of project: Project, includeTests: Bool, includeDependencies: Bool) {
    let files = project.requestedFiles
    let aside = files.count { $0.role == .test || $0.role == .script }
    // Somebody who names a directory of tests wants them examined.
    includesTests = includeTests || aside == files.count
    includesDependencies = includeDependencies
    note =
      aside > 0 && !includesTests
      ? "\(aside) test and script files are not reported on; --include-tests does" : nil
  }

  private func covers(_ file: ProjectFile) -> Bool {
    switch file.role {
    case .source: true
    case .test, .script: includesTests && file.isRequested
    case .dependency: includesDependencies || file.isRequested
    }
  }

  func units(of sources: LoadedSources) -> Set<Int32> {
    Set(covered(sources).filter { sources.failures[$0] == nil }.map { Int32(clamping: $0) })
  }

  /// Files that could not be read stand in the report as well: their absence must not look like innocence.
  func unreadableFiles(of sources: LoadedSources) -> [AuditedFile] {
    covered(sources).compactMap { index in
      guard let failure = sources.failures[index] else { return nil }
      return AuditedFile(
        path: sources.files[index].displayPath,
        problems: [FileProblem(kind: .unreadable, message: "\(failure)", location: nil)])
    }
  }

  private func covered(_ sources: LoadedSources) -> [Int] {
    sources.files.indices.filter { sources.isOwned[$0] && covers(sources.files[$0]) }
  }
}

extension AuditReport {
  /// The report with the findings about chosen contracts alone.
  fileprivate func restricted(to filter: ContractFilter) -> AuditReport {
    guard filter.selections.contains(where: { $0.contract != nil }) else { return self }
    return AuditReport(
      toolVersion: toolVersion, files: files, rules: rules,
      findings: findings.filter { finding in
        let names = finding.affectedContracts + [finding.contract].compactMap { $0 }
        return names.contains { filter.selects(contractNamed: $0, inFileAt: finding.location.path) }
      },
      suppressed: suppressed, baseline: baseline, questions: questions, sources: sources)
  }
}
