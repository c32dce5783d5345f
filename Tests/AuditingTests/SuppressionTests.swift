import Auditing
import SoliditySyntax
import Testing

struct SuppressionTests {
  private let rule = "sample-missing-guard"

  private func audit(_ body: String) -> AuditReport {
    ReportSample.flagged("contract C {\n\(body)\n}\n")
  }

  private func names(_ report: AuditReport) -> [String] { report.findings.map(\.rule.text) }

  @Test(arguments: [
    "function f() public { flag(); // maslin-ignore sample-missing-guard: reason\n }",
    "function f() public { /* maslin-ignore sample-missing-guard: reason */ flag(); }",
    "function f() public {\n// maslin-ignore sample-missing-guard: reason\nflag(); }",
    "function f() public {\n// maslin-ignore sample-missing-guard: reason\n\n// another comment\n\nflag(); }",
    "function f() public {\r\n\t//maslin-ignore sample-missing-guard:reason\r\n\tflag(); }",
    "function f() public {\n/* maslin-ignore sample-missing-guard: reason\n   more */\nflag(); }",
    "function f() public {\n/*\n * maslin-ignore sample-missing-guard: reason\n */\nflag(); }",
    "// maslin-ignore-start sample-missing-guard: reason\nfunction f() public { flag(); }\n// maslin-ignore-end sample-missing-guard",
    "// maslin-ignore-start sample-missing-guard: reason\nfunction f() public { flag(); }\n// maslin-ignore-end",
    "/// @custom:maslin-ignore sample-missing-guard: reason\nfunction f() public { flag(); }",
    "/**\n * @notice Does it.\n * @custom:maslin-ignore sample-missing-guard: reason\n */\nfunction f() public {\n flag();\n }",
    "/// @custom:maslin-ignore sample-missing-guard: reason\nmodifier m() { flag(); _; }",
  ])
  func suppresses(_ body: String) throws {
    let report = audit(body)
    #expect(names(report) == [])
    try #require(report.suppressed.count == 1)
    #expect(report.suppressed[0].reason == "reason")
    #expect(report.suppressed[0].finding.rule.text == rule)
  }

  @Test(arguments: [
    // Another line, another rule, code instead of a comment, text that only mentions the directive.
    "function f() public { flag();\n // maslin-ignore sample-missing-guard: reason\n g(); }",
    "// maslin-ignore-start sample-missing-guard: reason\n// maslin-ignore-end\nfunction f() public { flag(); }",
    "function f() public { string memory s = \"// maslin-ignore sample-missing-guard: reason\"; flag(); }",
    "function f() public { flag(); // see maslin-ignore sample-missing-guard: reason\n }",
    "/// @custom:maslin-ignore sample-missing-guard: reason\nfunction g() public { }\nfunction f() public { flag(); }",
    "function f() public { flag(); // maslin-ignore sample-missing-guard\n }",
    "function f() public { flag(); // maslin-ignore sample-missing-guard:\n }",
    "function f() public { flag(); // maslin-ignore sample-missing-guard: -- \n }",
    "function f() public { flag(); // maslin-ignore sample-missing-gard: reason\n }",
    "function f() public { flag(); // maslin-ignore: reason\n }",
    "function f() public { flag(); // maslin-ignored sample-missing-guard: reason\n }",
    "// maslin-ignore-start sample-missing-guard: reason\nfunction f() public { flag(); }",
  ])
  func doesNotSuppress(_ body: String) {
    let report = audit(body)
    #expect(names(report).contains(rule))
    #expect(report.suppressed.isEmpty)
  }

  @Test(arguments: [
    (
      "flag(); // maslin-ignore sample-missing-guard", "suppression-without-reason",
      "gives no reason"
    ),
    (
      "flag(); // maslin-ignore sample-missing-gard: reason", "malformed-suppression",
      "did you mean `sample-missing-guard`"
    ),
    (
      "flag(); // maslin-ignore nothing-like-it-at-all: reason", "malformed-suppression",
      "There is no rule"
    ),
    ("flag(); // maslin-ignore: reason", "malformed-suppression", "names no rule"),
    ("flag(); // maslin-ignore-stop sample-missing-guard", "malformed-suppression", "no directive"),
    (
      "flag(); // maslin-ignore-start sample-missing-guard: reason", "malformed-suppression",
      "never closed"
    ),
    (
      "flag(); // maslin-ignore-end sample-missing-guard", "malformed-suppression", "nothing to end"
    ),
    (
      "flag(); /// @custom:maslin-ignore sample-missing-guard: reason", "malformed-suppression",
      "documents no declaration"
    ),
    ("g(); // maslin-ignore sample-missing-guard: reason", "unused-suppression", "has no finding"),
  ])
  func reports(_ line: String, _ expected: String, _ message: String) throws {
    let report = audit("function f() public {\n\(line)\n}")
    let finding = try #require(report.findings.first { $0.rule.text == expected })
    #expect(finding.severity == .informational)
    #expect(finding.message.contains(message), "\(finding.message)")
    #expect(finding.function == "f()")
    #expect(finding.location.start.line == 3)
  }

  @Test func reportsWhatFollowsNothing() throws {
    let report = ReportSample.flagged(
      "contract C { }\n// maslin-ignore sample-missing-guard: reason")
    #expect(report.findings.map(\.rule.text) == ["malformed-suppression"])
  }

  /// Suppressing one of several equal findings leaves the ids of the others alone.
  @Test func idsStayWhenAnotherIsSuppressed() {
    let body = "function f() public {\nflag();\nflag();\nflag();\n}"
    let before = audit(body).findings.map(\.id)
    for line in 1...3 {
      var lines = body.split(separator: "\n").map(String.init)
      lines[line] += " // maslin-ignore sample-missing-guard: reason"
      let after = audit(lines.joined(separator: "\n"))
      #expect(before.count == 3)
      #expect(after.suppressed.map(\.finding.id) == [before[line - 1]])
      var rest = before
      rest.remove(at: line - 1)
      #expect(after.findings.map(\.id) == rest)
    }
  }

  @Test func namesSeveralRules() {
    let detector = ReportSample.FlagDetector(rules: [ReportSample.guardRule, ReportSample.origin])
    let both = ReportSample.flagged(
      "contract C { function f() public { flag(); // maslin-ignore sample-missing-guard, sample-tx-origin: reason\n } }",
      detector: detector)
    #expect(both.findings.isEmpty)
    #expect(both.suppressed.count == 2)
    let one = ReportSample.flagged(
      "contract C { function f() public { flag(); // maslin-ignore sample-tx-origin: reason\n } }",
      detector: detector)
    #expect(one.findings.map(\.rule.text) == ["sample-missing-guard"])
  }

  @Test func directivesStack() {
    let detector = ReportSample.FlagDetector(rules: [ReportSample.guardRule, ReportSample.origin])
    let report = ReportSample.flagged(
      """
      contract C { function f() public {
      // maslin-ignore sample-tx-origin: one
      // maslin-ignore sample-missing-guard: two
      flag(); } }
      """, detector: detector)
    #expect(report.findings.isEmpty)
    #expect(Set(report.suppressed.map(\.reason)) == ["one", "two"])
  }

  @Test func regionsNest() {
    let report = audit(
      """
      // maslin-ignore-start sample-missing-guard: outer
      // maslin-ignore-start unused-suppression: inner
      // maslin-ignore-end
      function f() public { flag(); }
      // maslin-ignore-end
      """)
    #expect(report.suppressed.map(\.reason) == ["outer"])
  }

  @Test func doNotCallUnusedWhatDidNotRun() throws {
    let text = "contract C {\n// maslin-ignore sample-missing-guard: reason\nuint x; }"
    let selection = RuleSelection(only: ["unused-suppression", "malformed-suppression"])
    #expect(ReportSample.flagged(text, selection: selection).findings.isEmpty)
    #expect(ReportSample.flagged(text).findings.map(\.rule.text) == ["unused-suppression"])
  }

  @Test func doNotCallUnusedWhatWasNotUnderstood() {
    let text = "contract C {\n// maslin-ignore sample-missing-guard: reason\nuint x = ; }"
    #expect(ReportSample.flagged(text).findings.isEmpty)
  }

  /// The rules about directives have examples like all others.
  @Test(arguments: SuppressionRules.rules.map(\.id))
  func examples(_ id: RuleID) throws {
    let rule = try #require(SuppressionRules.rules.first { $0.id == id })
    let fires = ReportSample.flagged(rule.exampleThatFires)
    let doesNot = ReportSample.flagged(rule.exampleThatDoesNot)
    #expect(fires.files.allSatisfy(\.isUnderstood) && doesNot.files.allSatisfy(\.isUnderstood))
    #expect(fires.findings.contains { $0.rule == id })
    #expect(!doesNot.findings.contains { $0.rule == id })
  }

  /// Text made of pieces of directives never crashes the scanner or hides a finding without a whole directive.
  @Test func survivesAnyText() {
    let seed = UInt64.random(in: .min ... .max)
    var numbers = SeededNumbers(seed: seed)
    let pieces = [
      "// ", "/* ", "*/", "\n", "\r", "maslin-ignore", "-start", "-end", " ",
      "sample-missing-guard", ":", "reason",
      "@custom:", "/// ", "\"", "'", "\\", "flag()", ";", "contract C {", "function f() public {",
      "}", "é", ",",
    ]
    for _ in 0..<3000 {
      let text = (0..<Int.random(in: 0...30, using: &numbers)).map { _ in
        pieces.randomElement(using: &numbers)!
      }.joined()
      let report = ReportSample.flagged(text)
      for entry in report.suppressed {
        #expect(!entry.reason.isEmpty, "seed \(seed)")
        #expect(text.contains("maslin-ignore"), "seed \(seed)")
      }
    }
  }
}
