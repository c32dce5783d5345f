import Auditing
import Testing

/// Every pair: the rule finds the fault, not the cure, whatever things are called and however they are laid out.
struct ValuePairTests {
  static let pairs = ValueReentrancyPairs.all + ValueAccessPairs.all

  @Test(arguments: pairs)
  func onlyTheFaultIsFound(_ pair: ValuePair) {
    #expect(ValuePair.objections(pair.vulnerable) == [])
    #expect(ValuePair.objections(pair.fixed) == [])
    #expect(!ValuePair.findings(pair.rule, in: pair.vulnerable).isEmpty)
    #expect(ValuePair.findings(pair.rule, in: pair.fixed).map(\.message) == [])
  }

  @Test(arguments: pairs)
  func namesDoNotMatter(_ pair: ValuePair) {
    let vulnerable = ValuePair.renamed(pair.vulnerable)
    let fixed = ValuePair.renamed(pair.fixed)
    #expect(vulnerable != pair.vulnerable)
    #expect(ValuePair.objections(vulnerable) == [])
    #expect(ValuePair.objections(fixed) == [])
    #expect(!ValuePair.findings(pair.rule, in: vulnerable).isEmpty)
    #expect(ValuePair.findings(pair.rule, in: fixed).map(\.message) == [])
  }

  @Test(arguments: pairs)
  func layoutDoesNotMatter(_ pair: ValuePair) {
    let found = ValuePair.findings(pair.rule, in: pair.vulnerable)
    for layout in [ValuePair.spread, ValuePair.squeezed] {
      let same = ValuePair.findings(pair.rule, in: layout(pair.vulnerable))
      #expect(same.map(\.severity) == found.map(\.severity))
      #expect(
        same.map(\.message).map(ValuePair.squeezed) == found.map(\.message).map(ValuePair.squeezed))
      #expect(ValuePair.findings(pair.rule, in: layout(pair.fixed)).map(\.message) == [])
    }
  }

  @Test func findingsStandOnTheCall() throws {
    let pair = ValueReentrancyPairs.all[0]
    let finding = try #require(ValuePair.findings(pair.rule, in: pair.vulnerable).first)
    #expect(finding.severity == .high)
    let line = finding.locations.first?.start.line
    #expect(line == 7)
    #expect(finding.evidence.count == 1)
  }
}
