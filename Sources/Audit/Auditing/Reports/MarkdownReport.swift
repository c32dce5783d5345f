import SoliditySyntax
import TerminalText

/// The report as a Markdown document, in the manner of an audit report: a table of findings, then one section each.
public struct MarkdownReport: Sendable {
  private let report: AuditReport
  private let howToFix: [RuleID: String]

  /// Prepares a report.
  public init(_ report: AuditReport) {
    self.report = report
    howToFix = Dictionary(
      report.rules.map { ($0.id, $0.howToFix) }, uniquingKeysWith: { first, _ in first })
  }

  /// The whole document; ends in a line feed.
  public var text: String {
    var lines = ["# Audit report", ""]
    lines.append("Made by Maslin \(MarkdownText.plain(report.toolVersion)).")
    lines.append("")
    lines += summary
    let numbered = self.numbered
    lines += index(numbered)
    for severity in Severity.allCases.reversed() {
      let findings = numbered.filter { $0.finding.severity == severity }
      guard !findings.isEmpty else { continue }
      lines += ["## \(severity.rawValue.capitalizedFirst)", ""]
      for (label, finding) in findings { lines += section(label, finding) }
    }
    lines += questions
    lines += suppressed
    lines += scope
    while lines.last == "" { lines.removeLast() }
    return lines.joined(separator: "\n") + "\n"
  }

  private var numbered: [(label: String, finding: Finding)] {
    var counts: [Severity: Int] = [:]
    return report.findings.map { finding in
      counts[finding.severity, default: 0] += 1
      let letter = finding.severity.rawValue.capitalizedFirst.prefix(1)
      return ("\(letter)-\(counts[finding.severity, default: 0])", finding)
    }
  }

  // MARK: - Parts

  private var summary: [String] {
    var lines = ["## Summary", "", "| Severity | Findings |", "| --- | ---: |"]
    for severity in Severity.allCases.reversed() {
      lines.append("| \(severity.rawValue.capitalizedFirst) | \(report.count(severity)) |")
    }
    lines.append("")
    if let baseline = report.baseline {
      let new = report.newFindings.count
      lines.append(
        "\(Plural.of(new, "finding")) of these \(new == 1 ? "is" : "are") new against a baseline of \(baseline.entries.count)."
      )
      lines.append("")
    }
    lines += [MarkdownText.prose(report.claim), ""]
    return lines
  }

  private func index(_ numbered: [(label: String, finding: Finding)]) -> [String] {
    guard !numbered.isEmpty else { return [] }
    var lines = [
      "| Id | Title | Contract | Confidence | Place |", "| --- | --- | --- | --- | --- |",
    ]
    for (label, finding) in numbered {
      let contract = finding.contract.map { MarkdownText.code($0, inTable: true) } ?? ""
      let title = MarkdownText.prose(SafeText.line(finding.title), inTable: true)
      lines.append(
        "| [\(label)](#\(label.lowercased())) | \(title) | \(contract) | "
          + "\(finding.confidence.rawValue) | \(place(finding.location, inTable: true)) |")
    }
    return lines + [""]
  }

  private func section(_ label: String, _ finding: Finding) -> [String] {
    var lines = [
      "<a id=\"\(label.lowercased())\"></a>", "",
      "### [\(label)] \(MarkdownText.prose(SafeText.line(finding.title)))", "",
    ]
    var facts = ["Rule \(MarkdownText.code(finding.rule.text))"]
    if let subject = finding.subject { facts.append(MarkdownText.code(subject)) }
    facts.append("confidence \(finding.confidence.rawValue)")
    facts.append("id \(MarkdownText.code(finding.id))")
    if report.baseline != nil { facts.append(report.isNew(finding) ? "new" : "in the baseline") }
    lines += [facts.joined(separator: " · "), ""]
    lines += code(finding.location)
    lines += [MarkdownText.prose(SafeText.lines(finding.message)), ""]
    if finding.affectedContracts.count > 1 {
      let names = finding.affectedContracts.map { MarkdownText.code($0) }
      lines += ["Affects " + names.joined(separator: ", ") + ".", ""]
    }
    for evidence in finding.evidence { lines += self.lines(of: evidence) }
    for location in finding.locations.dropFirst() { lines += code(location) }
    if let fix = finding.remediation ?? howToFix[finding.rule] {
      lines += ["**How to fix.** " + MarkdownText.prose(SafeText.lines(fix)), ""]
    }
    return lines
  }

  private func lines(of evidence: Evidence) -> [String] {
    switch evidence {
    case .slots(let diagram):
      MarkdownText.fence(SlotDiagramText.lines(diagram), language: "text") + [""]
    case .callPath(let steps):
      ["Calls:", ""] + self.lines(of: steps) + [""]
    case .dataFlow(let steps):
      ["Data flow:", ""] + self.lines(of: steps) + [""]
    case .note(let text):
      [MarkdownText.prose(SafeText.lines(text)), ""]
    case .code(let location):
      code(location)
    }
  }

  private func lines(of steps: [EvidenceStep]) -> [String] {
    steps.enumerated().map { index, step in
      "\(index + 1). " + MarkdownText.prose(SafeText.line(step.text))
        + (step.location.map { " (\(place($0)))" } ?? "")
    }
  }

  private func code(_ location: FindingLocation) -> [String] {
    let role = location.role.isEmpty ? "" : ": " + MarkdownText.prose(SafeText.line(location.role))
    var lines = [place(location) + role, ""]
    if let file = report.sources[location.path] {
      lines += MarkdownText.fence(CodeFrame(location, in: file).text(gutter: 0), language: "text")
      lines.append("")
    }
    return lines
  }

  private func place(_ location: FindingLocation, inTable: Bool = false) -> String {
    MarkdownText.code(
      "\(location.path):\(location.start.line):\(location.start.column)", inTable: inTable)
  }

  private var questions: [String] {
    guard !report.questions.isEmpty else { return [] }
    var lines = ["## Questions for a person", "", "Asked by a reviewer and not confirmed.", ""]
    for question in report.questions {
      let place = question.location.map { " (\(self.place($0)))" } ?? ""
      lines.append(
        "- **\(MarkdownText.prose(SafeText.line(question.title)))**\(place): "
          + MarkdownText.prose(SafeText.line(question.message))
          + " Asked by \(MarkdownText.prose(SafeText.line(question.reviewer))).")
    }
    return lines + [""]
  }

  private var suppressed: [String] {
    guard !report.suppressed.isEmpty else { return [] }
    var lines = ["## Suppressed", "", "| Rule | Place | Reason |", "| --- | --- | --- |"]
    for entry in report.suppressed {
      lines.append(
        "| \(MarkdownText.code(entry.finding.rule.text)) | "
          + "\(place(entry.finding.location, inTable: true)) | "
          + "\(MarkdownText.prose(SafeText.line(entry.reason), inTable: true)) |")
    }
    return lines + [""]
  }

  private var scope: [String] {
    var lines = ["## Scope", ""]
    lines.append(
      "\(Plural.files(report.files.count)), \(Plural.of(report.rules.count, "rule")).")
    lines.append("")
    let missing = report.filesNotUnderstood
    guard !missing.isEmpty else { return lines }
    lines += ["Not fully understood; findings may be missing there:", ""]
    for file in missing {
      for problem in file.problems.prefix(5) {
        let where_ = problem.location.map { place($0) } ?? MarkdownText.code(file.path)
        lines.append("- \(where_): \(MarkdownText.prose(SafeText.line(problem.message)))")
      }
      if file.problems.count > 5 {
        lines.append("- \(MarkdownText.code(file.path)): \(file.problems.count - 5) more")
      }
    }
    return lines + [""]
  }
}

extension String {
  /// The text with its first letter in upper case.
  var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}

/// Text made fit for Markdown, whatever it holds.
package enum MarkdownText {
  /// Prose with code in backticks: code stays code, everything else that Markdown or HTML would interpret is escaped.
  ///
  /// - Parameter inTable: whether it stands in a table, where a bar ends a cell even in code.
  package static func prose(_ text: String, inTable: Bool = false) -> String {
    let parts = text.split(separator: "`", omittingEmptySubsequences: false).map(String.init)
    guard parts.count % 2 == 1 else { return plain(text) }
    return parts.enumerated().map { index, part in
      index % 2 == 1 ? code(part, inTable: inTable) : plain(part)
    }.joined()
  }

  /// Text with everything escaped that Markdown or HTML would interpret.
  static func plain(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "&": result += "&amp;"
      case "\\", "`", "*", "_", "[", "]", "|", "~", "#", "$", "!":
        result += "\\\(character)"
      default: result.append(character)
      }
    }
    return result
  }

  /// A code span.
  static func code(_ text: String, inTable: Bool = false) -> String {
    var text = SafeText.line(text)
    if inTable {
      text = text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
    guard !text.isEmpty else { return "" }
    let ticks = String(repeating: "`", count: longestRun(of: "`", in: text) + 1)
    let padding = text.hasPrefix("`") || text.hasSuffix("`") ? " " : ""
    return ticks + padding + text + padding + ticks
  }

  /// A fenced block that its content cannot end.
  static func fence(_ lines: [String], language: String) -> [String] {
    let longest = lines.map { longestRun(of: "`", in: $0) }.max() ?? 0
    let ticks = String(repeating: "`", count: max(3, longest + 1))
    return [ticks + language] + lines + [ticks]
  }

  private static func longestRun(of character: Character, in text: String) -> Int {
    var longest = 0
    var current = 0
    for other in text {
      current = other == character ? current + 1 : 0
      longest = max(longest, current)
    }
    return longest
  }
}
