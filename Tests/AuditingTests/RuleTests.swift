import Auditing
import Foundation
import SoliditySyntax
import Testing

struct RuleTests {
  @Test(arguments: ["a", "tx-origin", "erc20-return", "a1-2b"])
  func acceptsNames(_ text: String) { #expect(RuleID(text)?.text == text) }

  @Test(arguments: [
    "", "-a", "a-", "a--b", "A", "a_b", "a b", "é", String(repeating: "a", count: 65),
  ])
  func refusesNames(_ text: String) { #expect(RuleID(text) == nil) }

  @Test func registryIsSound() {
    let rules = RuleRegistry.rules
    #expect(Set(rules.map(\.id)).count == rules.count)
    #expect(rules.map(\.id) == rules.map(\.id).sorted())
    for rule in rules {
      #expect(!rule.title.isEmpty && !rule.title.hasSuffix("."), "\(rule.id)")
      #expect(rule.summary.hasSuffix("."), "\(rule.id)")
      #expect(!rule.why.isEmpty && !rule.howToFix.isEmpty, "\(rule.id)")
      #expect(rule.exampleThatFires != rule.exampleThatDoesNot, "\(rule.id)")
      #expect(RuleCategory(rawValue: rule.id.text) == nil, "\(rule.id) is also a category")
    }
  }

  /// Every rule reports its first example and not its second; both are Solidity that is fully understood.
  @Test(arguments: RuleRegistry.rules.map(\.id))
  func examplesShowTheLine(_ id: RuleID) throws {
    let rule = try #require(RuleRegistry.rule(id))
    func report(_ text: String) -> AuditReport {
      Audit.run(
        AuditRequest(program: ReportSample.program([("Example.sol", text)]), toolVersion: "1"))
    }
    let fires = report(rule.exampleThatFires)
    let doesNot = report(rule.exampleThatDoesNot)
    #expect(fires.files.flatMap(\.problems) == [])
    #expect(doesNot.files.flatMap(\.problems) == [])
    #expect(fires.findings.contains { $0.rule == id })
    #expect(!doesNot.findings.contains { $0.rule == id })
  }

  // MARK: - Selection

  private func chosen(only: [String] = [], exclude: [String] = []) throws -> [String] {
    let selection = try RuleSelection(only: only, exclude: exclude, of: ReportSample.rules)
    return ReportSample.rules.map(\.id).filter(selection.contains).map(\.text).sorted()
  }

  @Test func selects() throws {
    #expect(try chosen().count == 5)
    #expect(try chosen(only: ["sample-tx-origin"]) == ["sample-tx-origin"])
    #expect(try chosen(only: ["access-control"]) == ["sample-missing-guard", "sample-tx-origin"])
    #expect(try chosen(only: ["*-o*"]) == ["sample-overlap", "sample-tx-origin"])
    #expect(try chosen(only: ["sample-tx-origi?"]) == ["sample-tx-origin"])
    #expect(
      try chosen(exclude: ["access-control", "sample-unused-argument"])
        == ["sample-overlap", "sample-reentrancy"])
    #expect(try chosen(only: ["access-control"], exclude: ["*guard"]) == ["sample-tx-origin"])
  }

  @Test(arguments: [
    ("sample-tx-orign", "sample-tx-origin"), ("access-contol", "access-control"),
    ("sample-overlaps", "sample-overlap"),
  ])
  func suggests(_ pattern: String, _ nearest: String) {
    for lists in [([pattern], []), ([], [pattern])] as [([String], [String])] {
      let error = #expect(throws: RuleSelectionError.self) {
        try chosen(only: lists.0, exclude: lists.1)
      }
      #expect(error == .unknown(pattern: pattern, nearest: nearest))
      #expect(error?.description.contains("did you mean '\(nearest)'") == true)
    }
  }

  @Test(arguments: ["", "nothing", "zzz*", "SAMPLE-TX-ORIGIN", "oracles"])
  func refusesUnknownPatterns(_ pattern: String) {
    #expect(throws: RuleSelectionError.self) { try chosen(only: [pattern]) }
  }

  @Test func refusesEmptySelections() {
    #expect(throws: RuleSelectionError.nothingLeft) {
      try chosen(only: ["sample-overlap"], exclude: ["storage"])
    }
  }

  @Test func longPatternsWithManyStarsEndSoon() {
    let pattern = String(repeating: "*a", count: 2000)
    #expect(throws: RuleSelectionError.self) { try chosen(only: [pattern]) }
  }

  @Test func onlySelectedRulesReport() throws {
    var request = ReportSample.request(try ReportSample.program())
    request.selection = RuleSelection(only: ["sample-overlap"])
    let report = Audit.run(request)
    #expect(report.findings.map(\.rule.text) == ["sample-overlap"])
    #expect(report.rules.map(\.id.text) == ["sample-overlap"])
  }

  // MARK: - Pages

  @Test func showsPages() throws {
    let page = RulePage(ReportSample.reentrancy)
    #expect(page.text.contains("SWC-107, CWE-841"))
    #expect(page.text.contains("    contract A { }\n"))
    #expect(page.markdown.contains("```solidity\ncontract A { }\n```"))
    #expect(page.markdown.contains("Why it matters &lt;b&gt;here&lt;/b&gt;."))
    let list = RuleList(ReportSample.rules)
    #expect(list.text.hasPrefix("access-control\n  sample-missing-guard    medium"))
    let json = try JSONSerialization.jsonObject(with: Data(list.json.utf8)) as? [[String: Any]]
    #expect(json?.count == 5)
    #expect(list.markdown.split(separator: "\n").count == 7)
  }
}
