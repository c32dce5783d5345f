import Constraints
import Testing

@Suite struct GBNFTests {
  private static let arithmetic = """
    # sums of products
    root  ::= sum "\\n"
    sum   ::= product ([-+] product)*
    product ::= value
              | value "*" product   # from the right
    value ::= [0-9]{1,3} | "(" sum ")" | name
    name  ::= [a-zé_] [^ \\n()*+\\x2D]{0,2}
    """

  @Test(arguments: [
    ("1+2\n", true), ("12*(3-é)\n", true), ("1234\n", false), ("1+\n", false), ("((1))\n", true),
    ("a日_*7\n", true), ("abcd\n", false), ("1", false),
  ]) func texts(_ text: String, _ isAllowed: Bool) throws {
    for vocabulary in TestVocabulary.all {
      let grammar = try CompiledGrammar(.gbnf(GBNFTests.arithmetic), table: vocabulary.table)
      var matcher = GrammarMatcher(grammar)
      let isRead = matcher.reads(vocabulary.spell(text)) && matcher.canEnd
      #expect(isRead == isAllowed)
    }
  }

  @Test func specialTokensByNumber() throws {
    let grammar = try CompiledGrammar(
      .gbnf("root ::= <[1]> \"a\"* <[2]>"), table: TestVocabulary.bytes.table)
    var matcher = GrammarMatcher(grammar)
    let isRead = matcher.reads([1, 3 + 97, 3 + 97, 2])
    #expect(isRead && matcher.mustEnd)
  }

  @Test(arguments: [
    ("start ::= \"a\"", nil), ("root ::= missing", "line 1, column 10"),
    ("root = \"a\"", "line 1, column 6"),
    ("root ::= \"a", "line 1, column 10"), ("root ::= (\"a\"", "line 1, column 10"),
    ("root ::= [a", "line 1, column 10"), ("root ::= \"a\"\nroot ::= \"b\"", "line 2, column 1"),
    ("root ::= *", "line 1, column 10"), ("root ::= \"a\"{3,1}", "line 1, column 13"),
    ("root ::= \"\\q\"", "line 1, column 11"), ("root ::= [z-a]", "line 1, column 11"),
    ("root ::= \"a\"\n  )", "line 2, column 3"), ("root ::= \"a\"{999999}", "line 1, column 14"),
    ("root ::= <think>", "line 1, column 10"),
  ]) func mistakesAreFoundWhereTheyAre(_ text: String, _ place: String?) {
    let error = #expect(throws: GrammarError.self) { try Grammar.gbnf(text) }
    #expect(error?.location == place, "\(String(describing: error))")
  }

  @Test(arguments: [
    "root ::= root \"a\" | \"b\"", "root ::= a\na ::= b \"x\"\nb ::= \"\" a | \"y\"",
    "root ::= \" \"? root \"x\" | \"y\"",
  ]) func leftRecursionIsRefused(_ text: String) throws {
    let grammar = try Grammar.gbnf(text)
    let error = #expect(throws: GrammarError.self) {
      try CompiledGrammar(grammar, table: TestVocabulary.bytes.table)
    }
    #expect(error?.kind == .unsupported)
  }

  /// Chains of rules far longer than any stack is deep, used once, used twice, and calling themselves.
  @Test(arguments: ["\"x\" ", "", "\"y\" a% | "]) func longChainsOfRulesDoNoHarm(_ prefix: String) {
    var text = "root ::= a0 | a0 \"z\"\n"
    for index in 0..<20_000 {
      let start = prefix.replacing("%", with: String(index))
      text += "a\(index) ::= \(start)a\(index + 1) | a\(index + 1) \"z\"\n"
    }
    text += "a20000 ::= \"end\"\n"
    do throws(GrammarError) {
      let grammar = try CompiledGrammar(.gbnf(text), table: TestVocabulary.bytes.table)
      var matcher = GrammarMatcher(grammar)
      #expect(!matcher.allowedTokens().isEmpty)
    } catch {
      #expect(error.kind == .tooLarge)
    }
  }

  @Test func mutatedGrammarsAreReadOrRefused() {
    var random = SeededGenerator(seed: 23)
    let source = Array(GBNFTests.arithmetic.unicodeScalars)
    var compiled = 0
    for _ in 0..<1500 {
      var text = source
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let index = Int.random(in: 0..<text.count, using: &random)
        let other = source[Int.random(in: 0..<source.count, using: &random)]
        switch Int.random(in: 0..<3, using: &random) {
        case 0: text[index] = other
        case 1: text.insert(other, at: index)
        default: text.remove(at: index)
        }
      }
      var mutated = String.UnicodeScalarView()
      mutated.append(contentsOf: text)
      do throws(GrammarError) {
        let grammar = try CompiledGrammar(
          .gbnf(String(mutated)), table: TestVocabulary.small.table)
        var matcher = GrammarMatcher(grammar)
        _ = matcher.write(TestVocabulary.small, .uniform, limit: 12, &random)
        compiled += 1
      } catch {
        #expect(!error.message.isEmpty)
      }
    }
    #expect(compiled > 50)
  }
}
