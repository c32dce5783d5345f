import Constraints
import Inference
import JSON
import Testing
import Tokenization

/// Random numbers that a seed repeats (SplitMix64).
private struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}

/// A vocabulary whose tokens are every byte, some pieces of syntax, and the markers as control tokens or as text.
private struct TinyVocabulary {
  let vocabulary: Vocabulary
  let table: TokenTable
  static let markers = [
    "｜DSML｜", "<think>", "</think>", "<tool_call>", "</tool_call>", "<end>", "<other>",
  ]

  init(areMarkersControl: Bool) throws {
    var next: UInt32 = 0x100
    var tokens: [[UInt8]] = (0..<256).map { byte in
      let isPrintable =
        (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
      var scalar = UInt32(byte)
      if !isPrintable {
        scalar = next
        next += 1
      }
      return Array(String(Character(Unicode.Scalar(scalar) ?? " ")).utf8)
    }
    var types = [Int](repeating: 1, count: 256)
    for piece in ["\":", "true", "</", "parameter", "\"}", "string", "name", ">ĊĊ", "ef", "ï½ľ"] {
      tokens.append(Array(piece.utf8))
      types.append(1)
    }
    for marker in Self.markers {
      let isControl = areMarkersControl || marker == "<end>" || marker == "<other>"
      tokens.append(Array(marker.utf8))
      types.append(isControl ? 3 : 4)
    }
    let vocabulary = try Vocabulary(
      tokens: tokens, types: types, merges: [], preTokenizer: "qwen2")
    var special: Set<Int32> = []
    for token in 0..<Int32(vocabulary.count) where vocabulary.type(of: token) == .control {
      special.insert(token)
    }
    let end = try #require(vocabulary.addedToken("<end>"))
    self.vocabulary = vocabulary
    table = TokenTable(
      tokens: (0..<Int32(vocabulary.count)).map { Array(vocabulary.bytes(of: $0)) },
      special: special, endTokens: [end])
  }

  /// A random text of a grammar; nil when it is not done within the limit.
  func text(
    _ grammar: CompiledGrammar, random: inout SeededNumbers, limit: Int = 1500
  ) throws -> String? {
    var matcher = GrammarMatcher(grammar)
    var detokenizer = StreamingDetokenizer(vocabulary)
    var text = ""
    for step in 0..<limit {
      // From some length on the text hurries to its end, so that most are done.
      if matcher.canEnd, step > 150 || Int.random(in: 0..<12, using: &random) == 0 {
        return text + detokenizer.finish()
      }
      let mask = matcher.allowedTokens()
      var allowed = (0..<Int32(table.count)).filter {
        mask.contains($0) && !table.endTokens.contains($0)
      }
      if allowed.isEmpty {
        #expect(matcher.canEnd, "stuck after \(text.debugDescription)")
        return text + detokenizer.finish()
      }
      // Syntax is likelier than in a uniform draw: random text would hardly ever end.
      let closing = allowed.filter { token in
        vocabulary.bytes(of: token).contains { "<\"}]\n/>".utf8.contains($0) } || token >= 266
      }
      if !closing.isEmpty, Int.random(in: 0..<(step > 150 ? 2 : 4), using: &random) == 0 {
        allowed = closing
      }
      let token = allowed[Int.random(in: 0..<allowed.count, using: &random)]
      let isTaken = matcher.accept(token)
      #expect(isTaken)
      text += detokenizer.append(token)
    }
    return nil
  }
}

@Suite("Grammars of tool calls")
struct ToolCallGrammarTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var syntax: ChatOutputParser.Syntax
    var areMarkersControl: Bool
    var testDescription: String {
      "\(syntax), markers are \(areMarkersControl ? "control tokens" : "text")"
    }
  }

  static let cases = [ChatOutputParser.Syntax.dsml, .json, .function].flatMap { syntax in
    [true, false].map { Case(syntax: syntax, areMarkersControl: $0) }
  }

  static let schema = try? JSONParser.parse(
    Array(
      """
      {"type": "object", "properties": {
        "path": {"type": "string"},
        "mode": {"type": "string", "enum": ["read", "write < all", "123"]},
        "code": {"type": "string", "pattern": "^[A-Z]{2}[0-9<]{1,3}$"},
        "title": {"type": "string", "minLength": 2, "maxLength": 5},
        "count": {"type": "integer", "minimum": 1, "maximum": 40},
        "maybe": {"type": ["string", "null"]},
        "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "edits": {"type": "array", "maxItems": 2, "items": {"$ref": "#/$defs/edit"}}
      }, "required": ["path", "mode", "count", "maybe"], "additionalProperties": false,
      "$defs": {"edit": {"type": "object", "properties": {"old": {"type": "string"}, "all": {"type": "boolean"}},
        "required": ["old"], "additionalProperties": false}}}
      """.utf8))

  /// What the schema above says, checked by hand.
  private func check(_ call: ToolCall, _ text: String) throws {
    if call.name == "none" {
      #expect(call.arguments == "{}", "\(text.debugDescription)")
      return
    }
    #expect(call.name == "file")
    let value = try JSONParser.parse(Array(call.arguments.utf8))
    let members = try #require(value.objectValue)
    let label = Comment(rawValue: "\(call.arguments) from \(text.debugDescription)")
    let known: Set = ["path", "mode", "code", "title", "count", "maybe", "either", "edits"]
    #expect(Set(members.map(\.name)).isSubset(of: known), label)
    #expect(Set(members.map(\.name)).count == members.count, label)
    #expect(value["path"]?.stringValue != nil, label)
    #expect(["read", "write < all", "123"].contains(value["mode"]?.stringValue ?? ""), label)
    if let code = value["code"] {
      #expect(try /[A-Z]{2}[0-9<]{1,3}/.wholeMatch(in: code.stringValue ?? "") != nil, label)
    }
    if let title = value["title"] {
      #expect((2...5).contains(title.stringValue?.unicodeScalars.count ?? 0), label)
    }
    #expect((1...40).contains(value["count"]?.integerValue ?? 0), label)
    let maybe = try #require(value["maybe"])
    #expect(maybe == .null || maybe.stringValue != nil, label)
    if let either = value["either"] {
      var isWhole = either.integerValue != nil
      if case .number(let number) = either { isWhole = number == number.rounded() }
      #expect(isWhole || either.stringValue != nil, label)
    }
    if let edits = value["edits"] {
      let list = try #require(edits.arrayValue, label)
      #expect(list.count <= 2, label)
      for edit in list {
        #expect(edit["old"]?.stringValue != nil, label)
        if let all = edit["all"] { #expect(all.boolValue != nil, label) }
      }
    }
  }

  private func grammar(
    _ example: Case, _ tiny: TinyVocabulary, thought: ToolCallGrammar.Thought = .none,
    content: Grammar? = nil, calls: ToolCallGrammar.Calls = .required, parallel: Bool = true
  ) throws -> CompiledGrammar {
    let maker = ToolCallGrammar(
      syntax: example.syntax, vocabulary: tiny.vocabulary, special: tiny.table.special)
    let schema = try #require(Self.schema)
    let (grammar, notes) = try maker.answer(
      thought: thought, content: content,
      tools: [
        .init(name: "file", parameters: schema, isStrict: true),
        .init(
          name: "none", parameters: .members(["type": "object", "additionalProperties": false]),
          isStrict: true),
      ], calls: calls, allowsParallelCalls: parallel)
    #expect(notes.isEmpty)
    return try CompiledGrammar(grammar, table: tiny.table)
  }

  private func parser(_ syntax: ChatOutputParser.Syntax, thinks: Bool) -> ChatOutputParser {
    var parser = ChatOutputParser(syntax: syntax, startsThinking: thinks)
    parser.parameterKinds = ["file": ToolParameters.kinds(Self.schema), "none": [:]]
    return parser
  }

  @Test("Random answers are valid calls of the declared tools", arguments: cases)
  func required(_ example: Case) throws {
    let tiny = try TinyVocabulary(areMarkersControl: example.areMarkersControl)
    let compiled = try grammar(example, tiny)
    var finished = 0
    for seed in 0..<60 {
      var random = SeededNumbers(seed: UInt64(seed))
      guard let text = try tiny.text(compiled, random: &random) else { continue }
      finished += 1
      var parser = parser(example.syntax, thinks: false)
      var calls = 0
      for event in parser.append(text) + parser.finish() {
        switch event {
        case .toolCall(let call):
          calls += 1
          try check(call, text)
          #expect(call.verbatim != nil)
        case .content(let said):
          let isBlank = said.allSatisfy { $0.isWhitespace }
          #expect(isBlank, "seed \(seed): \(text.debugDescription)")
        case .malformed, .reasoning:
          Issue.record("seed \(seed): \(event) in \(text.debugDescription)")
        }
      }
      #expect(calls > 0, "seed \(seed): \(text.debugDescription)")
    }
    #expect(finished > 4)
  }

  @Test("Thoughts and content come first and hold no calls", arguments: cases)
  func optional(_ example: Case) throws {
    let tiny = try TinyVocabulary(areMarkersControl: example.areMarkersControl)
    let compiled = try grammar(example, tiny, thought: .open, calls: .optional, parallel: false)
    var (finished, withCalls) = (0, 0)
    for seed in 100..<160 {
      var random = SeededNumbers(seed: UInt64(seed))
      guard let text = try tiny.text(compiled, random: &random) else { continue }
      finished += 1
      // Scalars, not characters: what follows the marker may combine with its last character.
      #expect(Array(text.utf8).firstRange(of: Array("</think>".utf8)) != nil)
      var parser = parser(example.syntax, thinks: true)
      var calls = 0
      for event in parser.append(text) + parser.finish() {
        switch event {
        case .toolCall(let call):
          calls += 1
          try check(call, text)
        case .malformed: Issue.record("seed \(seed): \(event) in \(text.debugDescription)")
        case .content, .reasoning: break
        }
      }
      #expect(calls <= 1)
      withCalls += calls
    }
    #expect(finished > 10)
    #expect(withCalls < finished)
  }

  @Test("A form for the content and calls exclude each other", arguments: cases)
  func form(_ example: Case) throws {
    let tiny = try TinyVocabulary(areMarkersControl: example.areMarkersControl)
    let form = try Grammar.jsonSchema(
      .members([
        "type": "object", "properties": .members(["a": .members(["type": "integer"])]),
        "required": ["a"], "additionalProperties": false,
      ]))
    let compiled = try grammar(example, tiny, content: form, calls: .optional)
    var documents = 0
    for seed in 200..<240 {
      var random = SeededNumbers(seed: UInt64(seed))
      guard let text = try tiny.text(compiled, random: &random) else { continue }
      var parser = parser(example.syntax, thinks: false)
      parser.callPlaces = .beforeContent
      var (content, calls) = ("", 0)
      for event in parser.append(text) + parser.finish() {
        if case .content(let said) = event { content += said }
        if case .toolCall = event { calls += 1 }
        if case .malformed = event { Issue.record("seed \(seed): \(text.debugDescription)") }
      }
      if calls == 0 {
        documents += 1
        let value = try JSONParser.parse(Array(content.utf8))
        #expect(value.objectValue?.map(\.name) == ["a"])
      }
    }
    #expect(documents > 5)
  }

  @Test("What cannot be enforced is refused where it is strict and told where it is not")
  func unenforceable() throws {
    let tiny = try TinyVocabulary(areMarkersControl: true)
    let schema = try JSONParser.parse(
      Array(
        #"{"type":"object","properties":{"a":{"type":"array","uniqueItems":true}},"required":["a"]}"#
          .utf8))
    for syntax in [ChatOutputParser.Syntax.dsml, .json, .function] {
      let maker = ToolCallGrammar(
        syntax: syntax, vocabulary: tiny.vocabulary, special: tiny.table.special)
      func answer(isStrict: Bool) throws -> [String] {
        try maker.answer(
          thought: .none, content: nil,
          tools: [.init(name: "f", parameters: schema, isStrict: isStrict)], calls: .required,
          allowsParallelCalls: true
        ).notes
      }
      do {
        _ = try answer(isStrict: true)
        Issue.record("a strict schema that cannot be enforced was taken")
      } catch let error as GrammarError {
        #expect(error.description.contains("tools.f.parameters.properties.a"), "\(error)")
      }
      let notes = try answer(isStrict: false)
      #expect(notes.count == 1)
      #expect(notes.first?.contains("tools.f.parameters.properties.a") == true)
    }
  }

  @Test("Kinds of values follow types, constants, references and branches")
  func kinds() throws {
    let schema = try JSONParser.parse(
      Array(
        """
        {"properties": {"a": {"type": "string"}, "b": {"type": ["integer", "null"]}, "c": {"enum": [1, "x"]},
        "d": {"$ref": "#/$defs/e"}, "e": {}, "f": {"anyOf": [{"type": "boolean"}, {"const": 1.5}]},
        "g": {"allOf": [{"type": ["string", "number"]}, {"type": ["number", "null"]}]}},
        "$defs": {"e": {"type": "array"}}}
        """.utf8))
    let kinds = ToolParameters.kinds(schema)
    #expect(kinds["a"] == .string)
    #expect(kinds["b"] == [.integer, .null])
    #expect(kinds["c"] == [.integer, .string])
    #expect(kinds["d"] == .array)
    #expect(kinds["e"] == .all)
    #expect(kinds["f"] == [.boolean, .fraction])
    #expect(kinds["g"] == .number)
  }

  @Test("Names that syntaxes could mistake are refused")
  func names() {
    for name in ["f", "get_weather", "mcp__server__tool-1", "a.b", "größe"] {
      #expect(ToolCallGrammar.isName(name))
    }
    for name in [
      "", "a b", "a\"b", "a<b", "a>", "a\nb", "｜DSML｜", String(repeating: "a", count: 200),
    ] {
      #expect(!ToolCallGrammar.isName(name))
    }
  }
}
