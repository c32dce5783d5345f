import Constraints
import JSON
import Testing

/// A grammar under test.
struct NamedGrammar: Sendable, CustomTestStringConvertible {
  var name: String
  var grammar: Grammar
  var testDescription: String { name }

  static func schema(_ text: String) throws -> NamedGrammar {
    NamedGrammar(name: text, grammar: try .jsonSchema(JSONParser.parse(Array(text.utf8))))
  }

  /// A call as chat templates write it: free text, a special token, a schema between tags, free text again.
  static let call = NamedGrammar(
    name: "call",
    grammar: Grammar(
      rules: [
        "call": .sequence([
          .literal("<"), .special(TestVocabulary.marker), .literal("x name=\""),
          .choice([.literal("the"), .literal("type")]), .literal("\">\n"),
          .repetition(.rule("parameter"), minimum: 0, maximum: 3), .literal("</"),
          .special(TestVocabulary.marker), .literal("x>\n"),
        ]),
        "parameter": .choice([
          .sequence([
            .literal("<p>"), .text(until: [.literal("</x>")]), .literal("</x>"), .literal("\n"),
          ]),
          .sequence([
            .literal("<q>"), .text(until: [.special(TestVocabulary.marker)]), .literal("</"),
            .special(TestVocabulary.marker), .literal("q>"),
          ]),
          .sequence([.literal("<j>"), .grammar(.jsonObject), .literal("</j>")]),
        ]),
      ],
      start: .sequence([
        .text(until: [.special(TestVocabulary.marker), .literal("<<")]),
        .optional(.rule("call")),
      ])))

  static let all: [NamedGrammar] = {
    var result = [
      NamedGrammar(name: "object", grammar: .jsonObject),
      NamedGrammar(name: "value", grammar: .jsonValue), call,
    ]
    let texts = [
      #"{"type": "string", "maxLength": 7}"#, #"{"type": "string", "minLength": 3}"#,
      #"{"type": "string", "pattern": "^[a-z]+(-[0-9]{2})?$"}"#,
      #"{"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 5}}, "required": ["age"]}"#,
      #"{"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, {"type": "object", "properties": {"a": {"type": "integer"}, "ab": {}}}]}"#,
      ##"{"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#"}, "minItems": 2, "maxItems": 1200}]}"##,
    ]
    for text in texts { if let schema = try? schema(text) { result.append(schema) } }
    let notations = [
      "root ::= [a-c]+ (\", \" [^\\n\"]{2,9})? | \"the\" root",
      "root ::= expr\nexpr ::= term ((\"+\" | \"-\") term)*\nterm ::= [0-9]+ | \"(\" expr \")\"",
      "root ::= ([a-z]{1,900} \"\\n\"){3}", "root ::= a a\na ::= \"\" | \"\\\"\" a",
    ]
    for text in notations {
      if let grammar = try? Grammar.gbnf(text) {
        result.append(NamedGrammar(name: text, grammar: grammar))
      }
    }
    return result
  }()
}

@Suite struct MaskTests {
  @Test func grammarsAreThere() { #expect(NamedGrammar.all.count == 13) }

  /// At every state of random texts, a token is in the mask exactly when reading its bytes one by one succeeds.
  @Test(arguments: NamedGrammar.all) func masksAgreeWithReading(_ named: NamedGrammar) throws {
    for vocabulary in TestVocabulary.all {
      let grammar = try CompiledGrammar(named.grammar, table: vocabulary.table)
      let single = try CompiledGrammar(named.grammar, table: TestVocabulary.bytes.table)
      for seed in 0..<3 as Range<UInt64> {
        var random = SeededGenerator(seed: seed)
        var matcher = GrammarMatcher(grammar)
        var byByte = GrammarMatcher(single)
        for step in 0..<40 {
          let mask = matcher.allowedTokens()
          #expect(mask.contains(TestVocabulary.end) == matcher.canEnd)
          var allowed: [Int32] = []
          for token in 1..<Int32(vocabulary.tokens.count) {
            var copy = byByte
            var isRead = true
            if vocabulary.special.contains(token) {
              isRead = copy.accept(token)
            } else {
              let bytes = vocabulary.tokens[Int(token)]
              isRead = !bytes.isEmpty && bytes.allSatisfy { copy.accept(Int32($0) + 3) }
            }
            #expect(
              mask.contains(token) == isRead,
              "token \(token) \(vocabulary.tokens[Int(token)]), seed \(seed), step \(step), \(vocabulary.name)"
            )
            if isRead { allowed.append(token) }
          }
          guard let token = allowed.randomElement(using: &random) else { break }
          let isAccepted = matcher.accept(token)
          #expect(isAccepted)
          if vocabulary.special.contains(token) {
            _ = byByte.accept(token)
          } else {
            for byte in vocabulary.tokens[Int(token)] { _ = byByte.accept(Int32(byte) + 3) }
          }
        }
      }
    }
  }

  @Test func copiesGoOnAlone() throws {
    let vocabulary = TestVocabulary.small
    var first = GrammarMatcher(try CompiledGrammar(.jsonObject, table: vocabulary.table))
    _ = first.reads(vocabulary.spell("{\"a\": "))
    var second = first
    let isFirstRead = first.reads(vocabulary.spell("1}"))
    let isSecondRead = second.reads(vocabulary.spell("[null]}"))
    #expect(isFirstRead && isSecondRead)
    #expect(first.canEnd && second.canEnd && first.mustEnd)
    let isEndRead = first.accept(TestVocabulary.end)
    #expect(isEndRead && first.hasEnded)
    let mask = first.allowedTokens()
    #expect(mask.isEmpty)
    let isAccepted = first.accept(TestVocabulary.end)
    #expect(!isAccepted)
  }

  @Test func longTextsKeepWorking() throws {
    let vocabulary = TestVocabulary.small
    var matcher = GrammarMatcher(try CompiledGrammar(.jsonValue, table: vocabulary.table))
    let member = "\"the%\": [[1, 2], {\"name\": \"é\\n\"}, null]"
    let members = (0..<1000).map { member.replacing("%", with: String($0)) }
    let isRead = matcher.reads(vocabulary.spell("{" + members.joined(separator: ", ") + "}"))
    #expect(isRead && matcher.mustEnd)
  }

  @Test func deepTextsKeepWorking() throws {
    let vocabulary = TestVocabulary.bytes
    var matcher = GrammarMatcher(try CompiledGrammar(.jsonValue, table: vocabulary.table))
    let text = String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
    var isRead = true
    for byte in text.utf8 where isRead { isRead = matcher.accept(Int32(byte) + 3) }
    #expect(isRead && matcher.mustEnd)
  }

  @Test func tooManyReadingsAreAnError() throws {
    let grammar = try Grammar.gbnf(
      "root ::= a \"!\"\na ::= \"x\" a [y]* [z]? b | \"x\"\nb ::= [y]* a?")
    let vocabulary = TestVocabulary.bytes
    var matcher = GrammarMatcher(try CompiledGrammar(grammar, table: vocabulary.table))
    var count = 0
    while count < 3000, matcher.accept(Int32(UInt8(ascii: "x")) + 3) { count += 1 }
    #expect(count > 10)
    if count < 3000 {
      let failure = matcher.failure()
      #expect(failure == nil || failure?.kind == .tooLarge)
    }
  }

  @Test func specialTokensAreNotSpelled() throws {
    let vocabulary = TestVocabulary.small
    let grammar = try CompiledGrammar(NamedGrammar.call.grammar, table: vocabulary.table)
    var matcher = GrammarMatcher(grammar)
    let isOpened = matcher.reads(vocabulary.spell("Some text <") + [TestVocabulary.marker])
    #expect(isOpened && !matcher.canEnd)
    let parameters = "x name=\"the\">\n<p>any < text </x>\n<q>more </ text</"
    var tokens = vocabulary.spell(parameters) + [TestVocabulary.marker]
    tokens += vocabulary.spell("q></") + [TestVocabulary.marker] + vocabulary.spell("x>\n")
    let isClosed = matcher.reads(tokens)
    #expect(isClosed && matcher.mustEnd)
    var spelled = GrammarMatcher(grammar)
    let isText = spelled.reads(vocabulary.spell("<marker>x name=\"none\""))
    #expect(isText && spelled.canEnd)
    let isAccepted = spelled.accept(2)
    #expect(!isAccepted)
  }
}
