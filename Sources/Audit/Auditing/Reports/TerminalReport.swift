import SoliditySyntax
import TerminalText

/// The report for people at a terminal.
public struct TerminalReport: Sendable {
  /// How to write it.
  public struct Options: Sendable {
    /// Whether to use colours (ANSI escape sequences).
    public var usesColour = false
    /// How many columns there are; 40 to 400.
    public var width = 100
    /// Whether to show findings that the baseline lists.
    public var showsKnown = false

    /// Makes options: no colours, 100 columns, known findings hidden.
    public init() {}
  }

  private let report: AuditReport
  private let options: Options
  private let width: Int
  private let howToFix: [RuleID: String]

  /// Prepares a report.
  public init(_ report: AuditReport, options: Options = Options()) {
    self.report = report
    self.options = options
    width = min(max(40, options.width), 400)
    howToFix = Dictionary(
      report.rules.map { ($0.id, $0.howToFix) }, uniquingKeysWith: { first, _ in first })
  }

  /// The whole report; ends in a line feed.
  public var text: String {
    var lines: [String] = []
    let shown = options.showsKnown ? report.findings : report.newFindings
    for severity in Severity.allCases.reversed() {
      let findings = shown.filter { $0.severity == severity }
      guard !findings.isEmpty else { continue }
      lines += [
        paint("\(severity.rawValue.uppercased()) (\(findings.count))", .severity(severity)), "",
      ]
      for finding in findings { lines += self.lines(of: finding) + [""] }
    }
    if !report.questions.isEmpty {
      lines += [paint("QUESTIONS FOR A PERSON (\(report.questions.count))", .strong), ""]
      for question in report.questions { lines += self.lines(of: question) + [""] }
    }
    lines += summary
    return lines.joined(separator: "\n") + "\n"
  }

  // MARK: - Parts

  private func lines(of finding: Finding) -> [String] {
    var lines: [String] = []
    lines.append(
      paint(SafeText.line(finding.title), .strong) + paint(" [\(finding.rule)]", .faint))
    var facts = ["confidence \(finding.confidence.rawValue)", "id \(finding.id)"]
    if let subject = finding.subject { facts.insert(SafeText.line(subject), at: 0) }
    if !report.isNew(finding) { facts.append("in the baseline") }
    lines.append("  " + paint(facts.joined(separator: " · "), .faint))
    lines += frame(of: finding.location, mark: .severity(finding.severity))
    lines += wrapped(finding.message)
    if finding.affectedContracts.count > 1 {
      lines += wrapped("Affects: " + finding.affectedContracts.joined(separator: ", "))
    }
    for evidence in finding.evidence { lines += self.lines(of: evidence) }
    for location in finding.locations.dropFirst() { lines += frame(of: location, mark: .note) }
    if let fix = finding.remediation ?? howToFix[finding.rule] { lines += wrapped("Fix: " + fix) }
    return lines
  }

  private func lines(of evidence: Evidence) -> [String] {
    switch evidence {
    case .slots(let diagram):
      SlotDiagramText.lines(diagram).map { "    " + $0 }
    case .callPath(let steps):
      ["  Calls:"] + self.lines(of: steps)
    case .dataFlow(let steps):
      ["  Data flow:"] + self.lines(of: steps)
    case .note(let text):
      wrapped(text)
    case .code(let location):
      frame(of: location, mark: .note)
    }
  }

  private func lines(of steps: [EvidenceStep]) -> [String] {
    steps.enumerated().map { index, step in
      let place = step.location.map { "  " + paint(self.place($0), .faint) } ?? ""
      return "    \(index + 1). \(SafeText.line(step.text))" + place
    }
  }

  private func lines(of question: ReviewQuestion) -> [String] {
    var lines = [paint(SafeText.line(question.title), .strong)]
    lines.append(
      "  " + paint("asked by \(SafeText.line(question.reviewer)), not confirmed", .faint))
    if let location = question.location { lines += frame(of: location, mark: .note) }
    return lines + wrapped(question.message)
  }

  private func frame(of location: FindingLocation, mark: Paint) -> [String] {
    let role = location.role.isEmpty ? "" : "  " + SafeText.line(location.role)
    let head = "  " + paint("--> ", .faint) + place(location) + role
    guard let file = report.sources[location.path] else { return [head] }
    let frame = CodeFrame(location, in: file, width: width - 10)
    let text = frame.text()
    let painted = zip(text, frame.lines).map { text, line in
      line.isMarking ? paint(text, mark) : text
    }
    return [head] + painted
  }

  private func place(_ location: FindingLocation) -> String {
    "\(SafeText.line(location.path)):\(location.start.line):\(location.start.column)"
  }

  private var summary: [String] {
    let counts = Severity.allCases.reversed().map { "\(report.count($0)) \($0.rawValue)" }
    var line = counts.joined(separator: ", ")
    var asides: [String] = []
    let known = report.findings.count - report.newFindings.count
    if known > 0 {
      asides.append("\(known) in the baseline" + (options.showsKnown ? "" : ", not shown"))
    }
    if !report.suppressed.isEmpty { asides.append("\(report.suppressed.count) suppressed") }
    if !asides.isEmpty { line += " (\(asides.joined(separator: "; ")))" }
    var lines = [paint(line, .strong)]
    for file in report.filesNotUnderstood {
      lines.append(paint("not fully understood: ", .warning) + self.line(of: file))
    }
    return lines + ReportText.wrap(report.claim, width: width, indent: 0)
  }

  private func line(of file: AuditedFile) -> String {
    guard let first = file.problems.first else { return SafeText.line(file.path) }
    let more = file.problems.count > 1 ? " (and \(file.problems.count - 1) more)" : ""
    let place = first.location.map(self.place) ?? SafeText.line(file.path)
    return "\(place): \(SafeText.line(first.message))\(more)"
  }

  private func wrapped(_ text: String) -> [String] {
    ReportText.wrap(SafeText.lines(text), width: width, indent: 2)
  }

  // MARK: - Colours

  private enum Paint {
    case severity(Severity)
    case strong
    case faint
    case warning
    case note
  }

  private func paint(_ text: String, _ paint: Paint) -> String {
    guard options.usesColour, !text.isEmpty else { return text }
    let code =
      switch paint {
      case .severity(.high): "1;31"
      case .severity(.medium): "1;33"
      case .severity(.low): "1;36"
      case .severity(.informational): "1;34"
      case .strong: "1"
      case .faint: "2"
      case .warning: "1;33"
      case .note: "36"
      }
    return "\u{1B}[\(code)m\(text)\u{1B}[0m"
  }
}

extension Finding {
  /// `Vault.withdraw(uint256)`, `Vault`, or the function alone; nil at file level.
  var subject: String? {
    switch (contract, function) {
    case (let contract?, let function?): "\(contract).\(function)"
    case (let contract?, nil): contract
    case (nil, let function?): function
    case (nil, nil): nil
    }
  }
}

/// Plain text laid out in lines.
package enum ReportText {
  /// Breaks text into lines of at most `width` columns where it has spaces; line feeds in the text are kept.
  package static func wrap(_ text: String, width: Int, indent: Int) -> [String] {
    let margin = String(repeating: " ", count: indent)
    return text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { paragraph in
      var lines: [String] = []
      var line = margin
      for word in paragraph.split(separator: " ") {
        if line.count > indent, line.count + 1 + word.count > width {
          lines.append(line)
          line = margin
        }
        line += (line.count > indent ? " " : "") + word
      }
      return lines + (line.count > indent ? [line] : [])
    }
  }
}
