import JSON

/// The page of a rule as `maslin rules ID` shows it.
public struct RulePage: Sendable {
  private let rule: Rule

  /// Makes the page of a rule.
  public init(_ rule: Rule) { self.rule = rule }

  /// The page as plain text; ends in a line feed.
  public var text: String {
    var lines = [rule.title, ""]
    lines.append("  rule        \(rule.id)")
    lines.append("  severity    \(rule.severity.rawValue)")
    lines.append("  confidence  \(rule.confidence.rawValue)")
    lines.append("  category    \(rule.category.rawValue)")
    if !rule.references.isEmpty {
      lines.append("  see         " + rule.references.map(\.description).joined(separator: ", "))
    }
    for (head, body) in [("What", rule.summary), ("Why", rule.why), ("How to fix", rule.howToFix)] {
      lines += ["", head] + ReportText.wrap(body, width: 100, indent: 2)
    }
    for (head, code) in examples {
      lines += ["", head]
      lines += code.split(separator: "\n", omittingEmptySubsequences: false).map { line in
        line.isEmpty ? "" : "    " + line
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The page as Markdown; ends in a line feed.
  public var markdown: String {
    var lines = ["# \(MarkdownText.prose(rule.title))", ""]
    lines.append("| Rule | Severity | Confidence | Category | See |")
    lines.append("| --- | --- | --- | --- | --- |")
    lines.append(
      "| \(MarkdownText.code(rule.id.text)) | \(rule.severity.rawValue) | "
        + "\(rule.confidence.rawValue) | \(rule.category.rawValue) | "
        + rule.references.map(\.description).joined(separator: ", ") + " |")
    for (head, body) in [("What", rule.summary), ("Why", rule.why), ("How to fix", rule.howToFix)] {
      lines += ["", "## \(head)", "", MarkdownText.prose(body)]
    }
    for (head, code) in examples {
      let text = code.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      lines += ["", "## \(head)", ""] + MarkdownText.fence(text, language: "solidity")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Writes the page as a JSON object.
  public func write(to writer: inout JSONWriter) {
    writer.object {
      $0.member("id", rule.id.text)
      $0.member("title", rule.title)
      $0.member("category", rule.category.rawValue)
      $0.member("severity", rule.severity.rawValue)
      $0.member("confidence", rule.confidence.rawValue)
      $0.member("summary", rule.summary)
      $0.member("why", rule.why)
      $0.member("howToFix", rule.howToFix)
      $0.member("exampleThatFires", rule.exampleThatFires)
      $0.member("exampleThatDoesNot", rule.exampleThatDoesNot)
      $0.member("references", rule.references.map(\.description))
    }
  }

  private var examples: [(head: String, code: String)] {
    [
      ("Example that is reported", rule.exampleThatFires),
      ("Example that is not", rule.exampleThatDoesNot),
    ]
  }
}

/// The list of rules as `maslin rules` shows it.
public struct RuleList: Sendable {
  private let rules: [Rule]

  /// Makes the list; rules are put in order of category and name.
  public init(_ rules: [Rule]) {
    self.rules = rules.sorted { ($0.category, $0.id) < ($1.category, $1.id) }
  }

  /// The list as plain text, grouped by category; ends in a line feed.
  public var text: String {
    let width = rules.map(\.id.text.count).max() ?? 0
    var lines: [String] = []
    for category in RuleCategory.allCases.sorted() {
      let members = rules.filter { $0.category == category }
      guard !members.isEmpty else { continue }
      if !lines.isEmpty { lines.append("") }
      lines.append(category.rawValue)
      for rule in members {
        let name = padded(rule.id.text, width)
        let severity = padded(rule.severity.rawValue, 13)
        lines.append("  \(name)  \(severity)  \(rule.title)")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The list as a Markdown table; ends in a line feed.
  public var markdown: String {
    let head = [
      "| Rule | Category | Severity | Confidence | Title |", "| --- | --- | --- | --- | --- |",
    ]
    let lines = rules.map { rule in
      "| \(MarkdownText.code(rule.id.text)) | \(rule.category.rawValue) | \(rule.severity.rawValue) | "
        + "\(rule.confidence.rawValue) | \(MarkdownText.prose(rule.title, inTable: true)) |"
    }
    return (head + lines).joined(separator: "\n") + "\n"
  }

  /// The pages of all rules as a JSON array.
  public var json: String {
    var writer = JSONWriter()
    writer.array(of: rules) { RulePage($1).write(to: &$0) }
    return writer.text + "\n"
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
