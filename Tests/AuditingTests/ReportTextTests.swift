import SoliditySyntax
import Testing

import Auditing

/// What reports say, and that nothing in a source file can make them say something else.
struct ReportTextTests {
  private let hostile =
    "<script>alert(1)</script> | ``` [x](javascript:1) \u{1B}]0;t\u{7} \u{202E}abc\n# Heading\n"

  private func hostileReport() -> AuditReport {
    let program = ReportSample.program([
      ("src/<b>|`x`\u{1B}[2J.sol", "contract C { /* ``` </pre> \u{1B}[2J */ string s; }")
    ])
    let variable = ReportSample.contract("C", of: program).stateVariables[0]
    var request = AuditRequest(program: program, toolVersion: "1")
    let finding = Finding.make(
      rule: ReportSample.origin, at: variable, in: program, message: hostile, title: hostile,
      role: hostile, evidence: [.note(hostile), .callPath([EvidenceStep(hostile)])],
      remediation: hostile)
    request.detectors = [One(finding: finding)]
    request.review = nil
    return Audit.run(request)
  }

  private struct One: Detector {
    let rules = [ReportSample.origin]
    let finding: Finding
    func findings(in context: AuditContext) -> [Finding] { [finding] }
  }

  @Test func nothingHostileReachesTheTerminal() {
    for options in [TerminalReport.Options(), .colourful] {
      let text = TerminalReport(hostileReport(), options: options).text
      let plain = text.replacing(/\u{1B}\[[0-9;]*m/, with: "")
      #expect(plain.contains("alert(1)"))
      #expect(!plain.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
      #expect(!plain.unicodeScalars.contains { (0x202A...0x202E).contains($0.value) })
    }
    #expect(!TerminalReport(hostileReport()).text.contains("\u{1B}"))
  }

  @Test func nothingHostileReachesMarkdown() {
    let text = MarkdownReport(hostileReport()).text
    #expect(!text.contains("<script"))
    #expect(!text.contains("[x](javascript"))
    #expect(!text.contains("\u{1B}"))
    #expect(!text.contains("\n# Heading"))
    #expect(!text.contains("</pre>") || text.contains("````"))
    let headings = text.split(separator: "\n").filter { $0.hasPrefix("# ") }
    #expect(headings == ["# Audit report"])
  }

  @Test func tablesKeepTheirColumns() {
    let text = MarkdownReport(hostileReport()).text
    let row = text.split(separator: "\n").first { $0.hasPrefix("| [M-1]") }!
    let bars = row.replacing("\\|", with: "").count { $0 == "|" }
    #expect(bars == 6)
  }

  @Test(arguments: [
    ("a `b_c` d_e", "a `b_c` d\\_e"), ("odd ` tick", "odd \\` tick"),
    ("a < b & c", "a &lt; b &amp; c"),
    ("`a || b`", "`a || b`"),
  ])
  func escapesProse(_ text: String, _ expected: String) {
    #expect(MarkdownText.prose(text) == expected)
  }

  @Test func wrapsAtSpaces() {
    let lines = ReportText.wrap("aaa bbb ccc\nddd", width: 9, indent: 2)
    #expect(lines == ["  aaa bbb", "  ccc", "  ddd"])
  }

  // MARK: - Claims

  @Test func claimsOnlyWhatWasSeen() throws {
    let clean = ReportSample.flagged("contract C { }")
    #expect(clean.claim == "No findings by these 4 rules in 1 fully understood file.")
    let broken = ReportSample.flagged("contract C { uint x = ; }")
    #expect(!broken.claim.contains("No findings"))
    #expect(broken.claim.contains("Not fully understood: 1 file."))
    for report in [broken, try ReportSample.report()] {
      for text in [TerminalReport(report).text, MarkdownReport(report).text] {
        #expect(!text.lowercased().contains("no issues"))
        #expect(text.contains("ot fully understood"))
        for file in report.filesNotUnderstood {
          #expect(text.contains(file.path))
        }
      }
    }
  }

  @Test func suppressedFindingsAreNoAbsence() {
    let report = ReportSample.flagged(
      "contract C { function f() public { flag(); // maslin-ignore sample-missing-guard: fine\n } }"
    )
    #expect(report.claim == "")
  }

  // MARK: - Slot diagrams

  @Test func drawsSlots() {
    let diagram = SlotDiagram(
      left: "A", right: "Implementation",
      rows: [
        SlotRow(
          slot: "0", left: [SlotOccupant(label: "x", type: "uint256", offset: 0, length: 32)],
          right: [SlotOccupant(label: "y", type: "bool", offset: 31, length: 1)], isConflict: true),
        SlotRow(slot: "0x01", left: [], right: [], isConflict: false),
      ])
    #expect(
      SlotDiagramText.lines(diagram)
        == [
          "slot 0  overlap",
          "                  31                             0",
          "  A               AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
          "  Implementation  B...............................",
          "                  ^",
          "  A  x: uint256, bytes 0 to 31",
          "  B  y: bool, byte 31",
          "slot 0x01",
          "                  31                             0",
          "  A               ................................",
          "  Implementation  ................................",
        ].map { $0 })
  }

  @Test(arguments: [(-5, 0), (40, 99), (0, 1000), (31, 5)])
  func occupantsStayInTheirSlot(_ offset: Int, _ length: Int) {
    let occupant = SlotOccupant(label: "x", type: "t", offset: offset, length: length)
    #expect((0...31).contains(occupant.offset))
    #expect(occupant.length >= 1)
    #expect(occupant.offset + occupant.length <= 32)
  }
}
