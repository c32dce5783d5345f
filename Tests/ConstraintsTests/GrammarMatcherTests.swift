import Constraints
import Testing

@Suite struct GrammarMatcherTests {
  @Test func smoke() throws {
    let table = TestVocabulary.small.table
    let compiled = try CompiledGrammar(.jsonObject, table: table)
    var matcher = GrammarMatcher(compiled)
    for token in TestVocabulary.small.spell(
      "{\"a\": [1, 2.5e3, null], \"b\": {\"c\": \"\\u00e9x\"}}")
    {
      let mask = matcher.allowedTokens()
      #expect(mask.contains(token))
      let isAccepted = matcher.accept(token)
      #expect(isAccepted)
    }
    #expect(matcher.canEnd)
  }
}
