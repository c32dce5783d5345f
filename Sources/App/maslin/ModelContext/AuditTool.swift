import Auditing
import JSON
import ModelContext
import Solidity
import SoliditySyntax

/// How a tool's text is laid out.
enum ToolFormat: String, CaseIterable {
  case summary, json
}

/// `audit`: what is wrong with contracts.
enum AuditTool {
  private static let names =
    ToolSources.names + [
      "severity", "rules", "exclude", "include_tests", "include_dependencies", "limit", "format",
    ]
  private static let usualLimit = 100
  /// The most bytes of findings in a result; they stand in it twice when the text is JSON, too.
  private static let byteLimit = 384 << 10

  static func tool(_ sources: ToolSources) -> ContextTool {
    ContextTool(
      name: "audit", title: "Audit Solidity",
      description: """
        Finds vulnerabilities and mistakes in Solidity contracts by static analysis on this machine. Give the path of \
        a file or directory (imports are followed), or the text itself. Every finding names its rule, severity, \
        confidence, file and line, what is wrong and the evidence. No finding is no proof of safety: 'claim' says \
        what was examined.
        """,
      inputSchema: ToolSchema.object(ToolSources.schema, options),
      outputSchema: outputSchema,
      annotations: .init(isReadOnly: true, isIdempotent: true, isOpenWorld: false)
    ) { arguments, call throws(ToolFailure) in
      let arguments = try ToolArguments(arguments, known: names)
      let chosen = try sources.chosen(arguments, for: call)
      let request = try Request(arguments)
      return try await ToolWork.run { try request.run(on: chosen, for: call) }
    }
  }

  private static let options: KeyValuePairs<String, JSONValue> = [
    "severity": ToolSchema.choice(
      Severity.allCases.map(\.rawValue), "Leave out findings below this severity."),
    "rules": ToolSchema.array(
      of: ToolSchema.strings,
      "Run only these rules or categories; * and ? stand for other characters."),
    "exclude": ToolSchema.array(of: ToolSchema.strings, "Leave these rules or categories out."),
    "include_tests": ToolSchema.value("boolean", "Report on tests and scripts, too."),
    "include_dependencies": ToolSchema.value("boolean", "Report on imported dependencies, too."),
    "limit": .members([
      "type": "integer", "minimum": 1, "maximum": 1000,
      "description": "The most findings to return, the worst first; 100 unless given.",
    ]),
    "format": ToolSchema.choice(
      ToolFormat.allCases.map(\.rawValue), "The form of the text: a summary to read, or JSON."),
  ]

  private static let finding = ToolSchema.openObject(
    [
      "id": ToolSchema.value("string", "The same finding has the same id in later runs."),
      "rule": ToolSchema.strings,
      "severity": ToolSchema.choice(
        Severity.allCases.map(\.rawValue), "How bad it is if it is right."),
      "confidence": ToolSchema.choice(
        Confidence.allCases.map(\.rawValue), "How sure the rule is."),
      "title": ToolSchema.strings,
      "message": ToolSchema.strings,
      "file": ToolSchema.strings,
      "line": ToolSchema.value("integer", "From 1."),
      "contract": ToolSchema.optional("string", "The contract concerned."),
      "function": ToolSchema.optional("string", "The function it stands in."),
      "evidence": ToolSchema.array(
        of: .members(["type": "object"]), "What the finding can be checked against."),
      "remediation": ToolSchema.optional("string", "What to change."),
    ],
    required: [
      "id", "rule", "severity", "confidence", "title", "message", "file", "line", "evidence",
    ])

  private static let outputSchema = ToolSchema.openObject(
    [
      "claim": ToolSchema.value("string", "What was examined, and of what nothing is claimed."),
      "counts": .members([
        "type": "object", "additionalProperties": .members(["type": "integer"]),
        "description": "Findings by severity, before the limit.",
      ]),
      "total": ToolSchema.value("integer", "Findings of the severity asked for."),
      "shown": ToolSchema.value("integer", "Findings returned."),
      "truncated": ToolSchema.value(
        "boolean", "Whether findings were left out for their number or size."),
      "findings": ToolSchema.array(of: finding, "The findings, the worst first."),
      "files": ToolSchema.value("integer", "Files reported on."),
      "filesNotUnderstood": ToolSchema.array(
        of: ToolSchema.strings, "Files of which some part could not be read or parsed."),
      "notes": ToolSchema.notes,
    ],
    required: ["claim", "counts", "total", "shown", "truncated", "findings", "files", "notes"])

  /// What a call asks for.
  private struct Request: Sendable {
    let severity: Severity
    let rules: RuleSelection
    let includesTests: Bool
    let includesDependencies: Bool
    let limit: Int
    let format: ToolFormat

    init(_ arguments: ToolArguments) throws(ToolFailure) {
      severity = try arguments.choice("severity", Severity.self) ?? .informational
      let (only, exclude) = (try arguments.strings("rules"), try arguments.strings("exclude"))
      do throws(RuleSelectionError) {
        rules = try RuleSelection(only: only, exclude: exclude, of: RuleRegistry.rules)
      } catch {
        throw .refused(error.description)
      }
      includesTests = try arguments.flag("include_tests")
      includesDependencies = try arguments.flag("include_dependencies")
      limit = try arguments.integer("limit", in: 1...1000) ?? usualLimit
      format = try arguments.choice("format", ToolFormat.self) ?? .summary
    }

    func run(on chosen: ToolSources.Chosen, for call: ToolCall) throws -> ToolResult {
      var run = try SourceRun([chosen.selection], chosen.access)
      let audit = ProjectAudit(
        rules: rules, includeTests: includesTests, includeDependencies: includesDependencies)
      let outcome = try audit.outcome(on: &run)
      // No findings about a contract that is not there would look like innocence.
      if let missing = run.missingContract(outcome.contractCount) {
        throw CommandFailure(.badInput, missing)
      }
      let notes = run.report.lines + (outcome.note.map { [$0] } ?? [])
      for note in notes { call.log(.warning, note) }
      return result(outcome.report, notes: notes)
    }

    private func result(_ report: AuditReport, notes: [String]) -> ToolResult {
      let wanted = report.findings.filter { $0.severity >= severity }
      var shown = Self.values(of: Array(wanted.prefix(limit)), in: report)
      while Self.size(of: shown) > byteLimit { shown.removeLast(max(1, shown.count / 4)) }
      let isTruncated = shown.count < wanted.count
      let structured = JSONValue.members([
        "claim": .string(report.claim),
        "counts": .object(
          Severity.allCases.reversed().map { severity in
            JSONMember(name: severity.rawValue, value: .integer(report.count(severity)))
          }),
        "total": .integer(wanted.count),
        "shown": .integer(shown.count),
        "truncated": .bool(isTruncated),
        "findings": .array(shown),
        "files": .integer(report.files.count),
        "filesNotUnderstood": .strings(report.filesNotUnderstood.prefix(200).map(\.path)),
        "notes": .strings(notes),
      ])
      guard format == .summary else {
        return ToolResult(text: JSONText.document(structured), structured: structured)
      }
      var lines = [
        "\(wanted.count) findings" + (isTruncated ? ", the first \(shown.count) are shown" : "")
      ]
      lines += shown.map(Self.summary)
      lines += notes.map { "note: \($0)" }
      lines.append(report.claim)
      return ToolResult(text: lines.joined(separator: "\n") + "\n", structured: structured)
    }

    /// Findings as the report in JSON has them, with file and line in front.
    private static func values(of findings: [Finding], in report: AuditReport) -> [JSONValue] {
      let part = AuditReport(
        toolVersion: report.toolVersion, files: [], rules: [], findings: findings,
        sources: report.sources)
      guard let document = try? JSONParser.parse(JSONReport(part).bytes),
        let values = document["findings"]?.arrayValue
      else { return [] }
      return zip(values, findings).map { value, finding in
        .object(
          [
            JSONMember(name: "file", value: .string(finding.location.path)),
            JSONMember(name: "line", value: .integer(finding.location.start.line)),
          ] + (value.objectValue ?? []))
      }
    }

    private static func size(of values: [JSONValue]) -> Int {
      values.reduce(0) { $0 + JSONText.document($1).utf8.count }
    }

    private static func summary(_ finding: JSONValue) -> String {
      func text(_ name: String) -> String { finding[name]?.stringValue ?? "" }
      let place = "\(text("file")):\(finding["line"]?.integerValue ?? 0)"
      let subject = [finding["contract"], finding["function"]].compactMap { $0?.stringValue }
        .joined(separator: ".")
      return "[\(text("severity")), confidence \(text("confidence"))] \(text("rule")) at \(place)"
        + (subject.isEmpty ? "" : " in \(subject)") + "\n  \(text("title")). \(text("message"))"
    }
  }
}
