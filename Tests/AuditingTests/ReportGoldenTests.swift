import Auditing
import Foundation
import Testing

/// Whole reports against reviewed files in `Fixtures/reports`.
///
/// With `MASLIN_RECORD_REPORTS` set the files are written anew beside this file, and the tests fail so that
/// nobody leaves it set.
struct ReportGoldenTests {
  enum Format: String, CaseIterable {
    case terminal = "terminal.txt"
    case colour = "terminal-colour.txt"
    case markdown = "report.md"
    case json = "report.json"
    case sarif = "report.sarif"

    func text(_ report: AuditReport) -> String {
      switch self {
      case .terminal: TerminalReport(report).text
      case .colour:
        TerminalReport(report, options: .colourful).text
      case .markdown: MarkdownReport(report).text
      case .json: JSONReport(report).text
      case .sarif: SARIFReport(report, root: "/home/user/project one").text
      }
    }
  }

  @Test(arguments: Format.allCases)
  func matchesReviewedFile(_ format: Format) throws {
    let text = format.text(try ReportSample.report())
    if ProcessInfo.processInfo.environment["MASLIN_RECORD_REPORTS"] != nil {
      let directory = URL(filePath: #filePath).deletingLastPathComponent()
      try text.write(
        to: directory.appending(path: "Fixtures/reports/\(format.rawValue)"), atomically: true,
        encoding: .utf8)
      Issue.record("recorded \(format.rawValue)")
      return
    }
    let expected = try ReportSample.fixture(format.rawValue)
    let difference = zip(
      text.split(separator: "\n", omittingEmptySubsequences: false),
      expected.split(separator: "\n", omittingEmptySubsequences: false)
    ).enumerated().first { $0.element.0 != $0.element.1 }
    #expect(
      text == expected,
      "line \(difference.map { $0.offset + 1 } ?? -1): \(difference.map { String($0.element.0) } ?? "")"
    )
  }

  @Test(arguments: Format.allCases)
  func doesNotDependOnTheOrderOfFindings(_ format: Format) throws {
    let seed = UInt64.random(in: .min ... .max)
    var numbers = SeededNumbers(seed: seed)
    let program = try ReportSample.program()
    let expected = format.text(try ReportSample.report())
    for _ in 0..<20 {
      var findings = ReportSample.findings(in: program)
      findings.shuffle(using: &numbers)
      var request = ReportSample.request(program)
      request.detectors = [Fixed(findings: findings)]
      #expect(format.text(Audit.run(request)) == expected, "seed \(seed)")
    }
  }

  private struct Fixed: Detector {
    let rules = ReportSample.rules
    let findings: [Finding]
    func findings(in context: AuditContext) -> [Finding] { findings }
  }
}

extension TerminalReport.Options {
  static var colourful: TerminalReport.Options {
    var options = TerminalReport.Options()
    options.usesColour = true
    options.width = 72
    return options
  }
}
