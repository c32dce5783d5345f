import Auditing
import Solidity
import SoliditySyntax
import Testing

/// Rules about the code itself, on pairs of programs that differ in one place.
struct CodeRuleTests {
  private func rules(_ text: String) -> Set<RuleID> {
    let report = Audit.run(
      AuditRequest(program: ReportSample.program([("Pair.sol", text)]), toolVersion: "1"))
    #expect(report.files.flatMap(\.problems) == [], "\(text)")
    return Set(report.findings.map(\.rule))
  }

  @Test(arguments: CodeRulePair.all)
  func onlyTheVulnerableOneIsReported(_ pair: CodeRulePair) {
    #expect(rules(pair.vulnerable).contains(pair.rule), "\(pair.vulnerable)")
    #expect(!rules(pair.fixed).contains(pair.rule), "\(pair.fixed)")
  }

  @Test(arguments: [
    // Names, order and surroundings do not matter.
    ("a", "b"), ("value", "amount"), ("x1", "y2"),
  ])
  func namesDoNotMatter(_ names: (String, String)) {
    let text = """
      pragma solidity 0.4.26;
      contract Any { mapping(address => uint) \(names.0);
        function move(address to, uint \(names.1)) public {
          \(names.0)[msg.sender] -= \(names.1); \(names.0)[to] += \(names.1); } }
      """
    #expect(rules(text).contains("arithmetic-overflow"))
  }

  @Test func severityFollowsTheDialectAndTheCaller() {
    func severities(_ text: String) -> [Severity] {
      Audit.run(
        AuditRequest(program: ReportSample.program([("S.sol", text)]), toolVersion: "1")
      ).findings.filter { $0.rule == "arithmetic-overflow" }.map(\.severity)
    }
    let body = "contract A { uint t; function f(uint n) public { @ t -= n; # } }"
    func text(_ dialect: String, _ open: String, _ close: String) -> String {
      "pragma solidity \(dialect);"
        + body.replacing("@", with: open).replacing("#", with: close)
    }
    #expect(severities(text("0.7.6", "", "")) == [.medium])
    #expect(severities(text("0.8.20", "unchecked {", "}")) == [.low])
    #expect(severities(text("0.8.20", "", "")) == [])
    // The pragma leaves open whether the compiler checks.
    #expect(severities(text(">=0.6.0", "", "")) == [.low])
    let restricted = """
      pragma solidity 0.7.6;
      contract A { address o = msg.sender; uint t;
        function f(uint n) public { require(msg.sender == o); t -= n; } }
      """
    #expect(severities(restricted) == [.low])
  }
}
