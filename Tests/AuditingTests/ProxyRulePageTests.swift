import Auditing
import Testing

/// Every page of the rules on proxies shows where the rule draws the line; the examples are the proof.
struct ProxyRulePageTests {
  static let names = ProxyProgram.allRules.map(\.id.text)

  private func rule(_ name: String) throws -> Rule {
    try #require(ProxyProgram.allRules.first { $0.id.text == name })
  }

  @Test(arguments: names)
  func examplesAreUnderstood(_ name: String) throws {
    let rule = try rule(name)
    #expect(ProxyProgram.objections(rule.exampleThatFires) == [])
    #expect(ProxyProgram.objections(rule.exampleThatDoesNot) == [])
    #expect(rule.exampleThatFires != rule.exampleThatDoesNot)
  }

  @Test(arguments: names)
  func exampleFires(_ name: String) throws {
    #expect(ProxyProgram.rules(try rule(name).exampleThatFires).contains(name))
  }

  @Test(arguments: names)
  func otherExampleDoesNotFire(_ name: String) throws {
    #expect(!ProxyProgram.rules(try rule(name).exampleThatDoesNot).contains(name))
  }

  @Test(arguments: names)
  func everyFindingHasEvidence(_ name: String) throws {
    for finding in ProxyProgram.findings(try rule(name).exampleThatFires)
    where finding.rule.text == name && finding.rule != "callcode"
      && finding.rule != "delegatecall-missing-code-check"
    {
      #expect(!finding.evidence.isEmpty, "\(finding.message)")
    }
  }

  @Test func namesAreUnique() {
    #expect(Set(Self.names).count == Self.names.count)
    #expect(Self.names.count >= 30)
  }
}
