import Auditing
import Testing

/// Vulnerable contracts and their repairs: exactly the vulnerable one may be reported.
struct ProxyPairTests {
  @Test(arguments: ProxyMistake.all)
  func sourcesAreUnderstood(_ mistake: ProxyMistake) {
    #expect(ProxyProgram.objections(mistake.vulnerable) == [])
    #expect(ProxyProgram.objections(mistake.repaired) == [])
  }

  @Test(arguments: ProxyMistake.all)
  func mistakeIsReported(_ mistake: ProxyMistake) {
    #expect(ProxyProgram.rules(mistake.vulnerable).contains(mistake.rule))
  }

  @Test(arguments: ProxyMistake.all)
  func repairIsNot(_ mistake: ProxyMistake) {
    #expect(!ProxyProgram.rules(mistake.repaired).contains(mistake.rule))
  }

  @Test(arguments: ProxyMistake.all)
  func nothingElseIsSevereInTheRepair(_ mistake: ProxyMistake) {
    #expect(ProxyProgram.rules(mistake.repaired, atLeast: .high) == [])
  }

  /// Comments and blank space mean nothing.
  @Test(arguments: ProxyMistake.all)
  func formattingMakesNoDifference(_ mistake: ProxyMistake) {
    let spread = mistake.vulnerable.replacing("{", with: "{\n // here\n").replacing(
      ";", with: " ;\n")
    #expect(ProxyProgram.rules(spread) == ProxyProgram.rules(mistake.vulnerable))
  }

  @Test func rulesOfManyFamiliesAreCovered() {
    #expect(ProxyMistake.all.count >= 24)
    #expect(Set(ProxyMistake.all.map(\.rule)).count >= 15)
  }
}
