import Solidity
import SoliditySyntax

/// What an audit established: the input of every report format.
public struct AuditReport: Sendable {
  /// The version of Maslin.
  public let toolVersion: String
  /// The files looked at, by path.
  public let files: [AuditedFile]
  /// The rules that ran, by name.
  public let rules: [Rule]
  /// The findings, in report order.
  public let findings: [Finding]
  /// Findings taken out by a directive in the source, in report order.
  public let suppressed: [SuppressedFinding]
  /// The ids that the baseline lists; nil when there is no baseline.
  public let baseline: Baseline?
  /// What a reviewer asked without being able to show it, in the order asked.
  public let questions: [ReviewQuestion]
  /// Findings that were made but are not kept, because there were too many to hold.
  public let omitted: OmittedFindings
  /// The text of the files, for code frames and columns.
  public let sources: SourceCatalog

  /// Makes a report. Files and rules are put in order; findings keep theirs (see `FindingSet`).
  public init(
    toolVersion: String, files: [AuditedFile], rules: [Rule], findings: [Finding],
    suppressed: [SuppressedFinding] = [], baseline: Baseline? = nil,
    questions: [ReviewQuestion] = [], omitted: OmittedFindings = OmittedFindings(),
    sources: SourceCatalog
  ) {
    self.toolVersion = toolVersion
    self.files = files.sorted { $0.path < $1.path }
    self.rules = rules.sorted { $0.id < $1.id }
    self.findings = findings
    self.suppressed = suppressed
    self.baseline = baseline
    self.questions = questions
    self.omitted = omitted
    self.sources = sources
  }

  /// Whether a finding is missing from the baseline; true for all without one.
  public func isNew(_ finding: Finding) -> Bool { !(baseline?.contains(finding) ?? false) }

  /// The findings that the baseline does not list, in report order.
  public var newFindings: [Finding] { findings.filter(isNew) }

  /// The files of which some part could not be understood.
  public var filesNotUnderstood: [AuditedFile] { files.filter { !$0.isUnderstood } }

  /// The number of findings of a severity, known ones included.
  public func count(_ severity: Severity) -> Int {
    findings.count { $0.severity == severity }
  }

  /// What may be said about the files: how many rules ran over how many fully understood files with which
  /// outcome, and of how many files nothing is claimed. One or two sentences.
  public var claim: String {
    let understood = files.count { $0.isUnderstood }
    let rulesText = rules.count == 1 ? "this rule" : "these \(rules.count) rules"
    var sentences: [String] = []
    if understood > 0 {
      let concerned = Set(
        (findings + suppressed.map(\.finding)).flatMap { $0.locations.map(\.path) })
      let quiet = files.count {
        $0.isUnderstood && !concerned.contains($0.path) && !omitted.paths.contains($0.path)
      }
      if quiet > 0 {
        sentences.append(
          "No findings by \(rulesText) in \(Plural.of(quiet, "fully understood file")).")
      }
    }
    if let sentence = omitted.sentence { sentences.append(sentence) }
    let missing = files.count - understood
    if missing > 0 {
      sentences.append(
        "Not fully understood: \(Plural.files(missing)). Findings may be missing there; their absence means nothing."
      )
    }
    if files.isEmpty { sentences.append("No files were examined.") }
    return sentences.joined(separator: " ")
  }
}

/// Findings an audit made and does not list, by severity: all of a severity or none.
public struct OmittedFindings: Hashable, Sendable {
  /// How many of each severity were left out.
  public internal(set) var counts: [Severity: Int] = [:]
  /// The files they concern.
  public internal(set) var paths: Set<String> = []

  /// None.
  public init() {}

  /// What is left out and how to see it; nil when nothing is.
  public var sentence: String? {
    let parts = Severity.allCases.compactMap { severity in
      counts[severity].map { "\($0) \(severity.rawValue)" }
    }
    guard !parts.isEmpty else { return nil }
    return """
      Left out, because there are too many findings to hold: \(parts.joined(separator: " and ")). To see \
      them, audit parts of the tree or choose rules with --only.
      """
  }
}

/// A file an audit looked at.
public struct AuditedFile: Hashable, Sendable {
  /// The path, as findings name it.
  public let path: String
  /// What could not be understood; empty when everything was.
  public let problems: [FileProblem]

  /// Makes a file.
  public init(path: String, problems: [FileProblem] = []) {
    self.path = path
    self.problems = problems
  }

  /// Whether every part of the file was understood. Nothing may be claimed about findings absent from a file that
  /// was not.
  public var isUnderstood: Bool { problems.isEmpty }
}

/// Why a file was not fully understood.
public struct FileProblem: Hashable, Sendable {
  /// The stages at which understanding can end.
  public enum Kind: String, Sendable {
    /// The file could not be read.
    case unreadable
    /// Some text does not follow the language.
    case syntax
    /// A name, import or base could not be found.
    case resolution
  }
  /// The stage.
  public let kind: Kind
  /// What is wrong, for a person.
  public let message: String
  /// Where; nil when the file could not be read.
  public let location: FindingLocation?

  /// Makes a problem.
  public init(kind: Kind, message: String, location: FindingLocation?) {
    self.kind = kind
    self.message = message
    self.location = location
  }
}

extension AuditedFile {
  /// The files of a program, with what could not be parsed or resolved in each, by path.
  ///
  /// - Parameter units: the numbers of the units to list; nil for all.
  public static func files(of program: Program, units: Set<Int32>? = nil) -> [AuditedFile] {
    var unresolved: [Int32: [ResolutionDiagnostic]] = [:]
    for diagnostic in program.diagnostics {
      unresolved[diagnostic.unit, default: []].append(diagnostic)
    }
    return program.units.filter { units?.contains($0.number) ?? true }.map { unit in
      let syntax = unit.diagnostics.map { diagnostic in
        FileProblem(
          kind: .syntax, message: diagnostic.message,
          location: FindingLocation(diagnostic.range, in: unit.source))
      }
      let resolution = (unresolved[unit.number] ?? []).map { diagnostic in
        FileProblem(
          kind: .resolution, message: diagnostic.message,
          location: FindingLocation(diagnostic.range, in: unit.source))
      }
      return AuditedFile(path: unit.source.path, problems: syntax + resolution)
    }.sorted { $0.path < $1.path }
  }
}

/// A finding taken out of the report by a directive in the source.
public struct SuppressedFinding: Hashable, Sendable {
  /// The finding.
  public let finding: Finding
  /// The reason the directive gives.
  public let reason: String
  /// Where the directive stands.
  public let directive: FindingLocation

  /// Makes a suppressed finding.
  public init(finding: Finding, reason: String, directive: FindingLocation) {
    self.finding = finding
    self.reason = reason
    self.directive = directive
  }
}

/// The text of files by path.
public struct SourceCatalog: Sendable {
  private let files: [String: SourceFile]
  private let load: (@Sendable (_ path: String) -> SourceFile?)?

  /// Makes a catalog; of files with the same path the first counts.
  ///
  /// - Parameter load: asked for files that are not among `files`, every time anew: reports over more text than
  ///   should be held in memory read it again where they show it.
  public init(
    _ files: some Sequence<SourceFile>,
    loading load: (@Sendable (_ path: String) -> SourceFile?)? = nil
  ) {
    self.files = Dictionary(files.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    self.load = load
  }

  /// The file of a path.
  public subscript(path: String) -> SourceFile? { files[path] ?? load?(path) }
}

/// Counted nouns.
enum Plural {
  /// `1 file`, `2 files`
  static func files(_ count: Int) -> String { of(count, "file") }

  /// `1 finding`, `2 findings`
  static func of(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)" + (count == 1 ? "" : "s")
  }
}
