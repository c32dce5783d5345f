import Constraints
import Foundation
import JSON
import Testing

/// Schemas and documents of `Fixtures/documents.json`: the schemas by hand, the documents by hypothesis-jsonschema 0.23.1,
/// found valid by jsonschema 4.26.0, in the styles of Python's `json.dumps`: default, compact without escapes, and indented.
struct SchemaFixture: Sendable, CustomTestStringConvertible {
  var schema: JSONValue
  var documents: [String]

  var testDescription: String {
    var writer = JSONWriter(style: .compact)
    writer.value(schema)
    return writer.text
  }

  static let all: [SchemaFixture] = {
    guard let url = Bundle.module.url(forResource: "Fixtures/documents", withExtension: "json"),
      let bytes = try? Data(contentsOf: url), let value = try? JSONParser.parse(Array(bytes))
    else { return [] }
    return (value.arrayValue ?? []).map { entry in
      SchemaFixture(
        schema: entry["schema"] ?? false,
        documents: (entry["documents"]?.arrayValue ?? []).compactMap(\.stringValue))
    }
  }()
}

@Suite struct JSONSchemaTests {
  @Test func fixturesAreThere() { #expect(SchemaFixture.all.count > 40) }

  @Test(arguments: SchemaFixture.all) func validDocumentsAreReadInEveryTokenisation(
    _ fixture: SchemaFixture
  ) throws {
    var random = SeededGenerator(seed: 17)
    for vocabulary in TestVocabulary.all {
      let grammar = try CompiledGrammar(.jsonSchema(fixture.schema), table: vocabulary.table)
      for document in fixture.documents {
        for tokens in [vocabulary.spell(document), vocabulary.spell(document, &random)] {
          var matcher = GrammarMatcher(grammar)
          let isRead = matcher.reads(tokens)
          #expect(isRead && matcher.canEnd, "\(document) in \(vocabulary.name)")
        }
      }
    }
  }

  @Test(arguments: SchemaFixture.all) func randomTokensMakeValidDocuments(
    _ fixture: SchemaFixture
  ) throws {
    let validator = SchemaValidator(root: fixture.schema)
    var ended = 0
    for vocabulary in TestVocabulary.all {
      let grammar = try CompiledGrammar(.jsonSchema(fixture.schema), table: vocabulary.table)
      for choice in Choice.allCases {
        for seed in 0..<6 as Range<UInt64> {
          var random = SeededGenerator(seed: seed)
          var matcher = GrammarMatcher(grammar)
          let run = matcher.write(vocabulary, choice, limit: 160, &random)
          let place = "seed \(seed), \(choice), \(vocabulary.name)"
          #expect(
            !run.isStuck,
            "nothing allowed after \(String(decoding: run.text, as: UTF8.self)) (\(place))")
          guard run.hasEnded else { continue }
          ended += 1
          let text = String(decoding: run.text, as: UTF8.self)
          let value = try? JSONParser.parse(run.text)
          #expect(
            value.map { validator.isValid($0) && !SchemaValidator.hasRepeatedNames($0) } ?? false,
            "\(text) (\(place))")
        }
      }
    }
    #expect(ended > 0)
  }

  @Test(arguments: [
    (#"{"not": {"type": "string"}}"#, "#/not"),
    (#"{"properties": {"a": {"if": {}, "then": {}}}}"#, "#/properties/a/if"),
    (#"{"type": "array", "uniqueItems": true}"#, "#/uniqueItems"),
    (#"{"type": "array", "contains": {"type": "null"}}"#, "#/contains"),
    (#"{"dependentRequired": {"a": ["b"]}}"#, "#/dependentRequired"),
    (#"{"$ref": "https://example.com/schema"}"#, "#/$ref"),
    (##"{"$ref": "#/$defs/missing"}"##, "#/$ref"),
    (##"{"$ref": "#"}"##, "#"),
    (#"{"items": [{"type": "null"}]}"#, "#/items"),
    (#"{"pattern": "(?=a)b"}"#, "#/pattern, character 1"),
    (#"{"pattern": "(a"}"#, "#/pattern, character 1"),
    (#"{"format": "regex"}"#, "#/format"),
    (#"{"type": "strin"}"#, "#/type"),
    (#"{"minLength": -1}"#, "#/minLength"),
    (#"{"minimum": "1"}"#, "#/minimum"),
    (#"{"multipleOf": 123456}"#, "#"),
    (#"{"oneOf": [{"type": "string"}, {"minLength": 2}]}"#, "#/oneOf"),
    (
      #"{"properties": {"x": {"oneOf": [{"type": "object"}, {"type": "object"}]}}}"#,
      "#/properties/x/oneOf"
    ),
    (#"{"allOf": [{}], "unevaluatedProperties": false}"#, "#/unevaluatedProperties"),
    (#"{"properties": {"a": 3}}"#, "#/properties/a"),
    (#"{"type": "string", "pattern": "a", "maxLength": 100000}"#, "#"),
  ]) func whatCannotBeEnforcedIsRefusedWithItsPlace(_ schema: String, _ place: String) throws {
    let value = try JSONParser.parse(Array(schema.utf8))
    do {
      _ = try Grammar.jsonSchema(value)
      Issue.record("\(schema) was not refused")
    } catch let error as GrammarError {
      #expect(error.location == place, "\(error)")
      #expect(error.kind != .unsatisfiable || schema.contains("\"#\""))
    }
  }

  @Test(arguments: [
    #"{"enum": []}"#, "false", #"{"type": "integer", "minimum": 3, "maximum": 2}"#,
    #"{"type": "string", "minLength": 4, "maxLength": 3}"#,
    #"{"required": ["a"], "properties": {"a": false}, "type": "object"}"#,
    ##"{"$defs": {"a": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}"##,
  ]) func whatNothingSatisfiesIsRefused(_ schema: String) throws {
    let grammar = try Grammar.jsonSchema(JSONParser.parse(Array(schema.utf8)))
    let error = #expect(throws: GrammarError.self) {
      try CompiledGrammar(grammar, table: TestVocabulary.bytes.table)
    }
    #expect(error?.kind == .unsatisfiable)
  }

  /// Every number with up to three digits on both sides of the point, against the comparison of numbers.
  @Test(arguments: [
    #"{"type": "integer", "minimum": -12, "maximum": 107}"#,
    #"{"type": "integer", "exclusiveMinimum": -100, "exclusiveMaximum": -9}"#,
    #"{"type": "integer", "minimum": 10.5}"#,
    #"{"type": "integer", "multipleOf": 6, "maximum": 99}"#,
    #"{"type": "number", "minimum": 0.5, "exclusiveMaximum": 10}"#,
    #"{"type": "number", "exclusiveMinimum": -1.25, "maximum": 1.25}"#,
    #"{"type": "number", "maximum": -0.75}"#, #"{"type": "number", "multipleOf": 0.25}"#,
    #"{"type": "number", "multipleOf": 2.5, "minimum": -20}"#,
    #"{"type": "number", "minimum": 100}"#,
  ]) func rangesAreExact(_ text: String) throws {
    let schema = try JSONParser.parse(Array(text.utf8))
    let validator = SchemaValidator(root: schema)
    let vocabulary = TestVocabulary.bytes
    let grammar = try CompiledGrammar(.jsonSchema(schema), table: vocabulary.table)
    var numbers: [String] = []
    for whole in 0..<140 {
      for sign in ["", "-"] where whole > 0 || sign.isEmpty {
        numbers.append("\(sign)\(whole)")
        if text.contains("number") {
          for fraction in ["25", "5", "50", "75", "125"] {
            numbers.append("\(sign)\(whole).\(fraction)")
          }
        }
      }
    }
    for number in numbers {
      let value = try JSONParser.parse(Array(number.utf8))
      var matcher = GrammarMatcher(grammar)
      let isRead = matcher.reads(vocabulary.spell(number)) && matcher.canEnd
      #expect(isRead == validator.isValid(value), "\(number)")
    }
  }

  @Test func namesDifferHoweverTheyAreSpelled() throws {
    let vocabulary = TestVocabulary.small
    let grammar = try CompiledGrammar(.jsonObject, table: vocabulary.table)
    for (text, isAllowed) in [
      (#"{"a":1,"b":2}"#, true), (#"{"a":1,"a":2}"#, false), (#"{"a":1,"\u0061":2}"#, false),
      (#"{"\u0061":1,"a":2}"#, false), (#"{"a":{"a":1},"ab":2}"#, true),
      (#"{"x":[{"a":1},{"a":1}],"a":1}"#, true), (#"{"é":1,"\u00e9":2}"#, false),
      (#"{"😀":1,"\ud83d\ude00":2}"#, false), (#"{"":1,"":2}"#, false), (#"{"\/":1,"/":2}"#, false),
    ] {
      for tokens in [vocabulary.spell(text), TestVocabulary.bytes.spell(text)] {
        var matcher = GrammarMatcher(grammar)
        let isRead = matcher.reads(tokens) && matcher.canEnd
        #expect(isRead == isAllowed, "\(text)")
      }
    }
    let declared = try CompiledGrammar(
      .jsonSchema(
        .members([
          "type": "object",
          "properties": .members(["a": .members(["type": "integer"])]),
        ])), table: vocabulary.table)
    var matcher = GrammarMatcher(declared)
    let isRead = matcher.reads(vocabulary.spell(#"{"\u0061":"text"}"#))
    #expect(!isRead)
  }

  @Test func branchingReferencesAreRefusedInTime() throws {
    var definitions: [JSONMember] = []
    for index in 0..<60 {
      let next: JSONValue = .members(["$ref": .string("#/$defs/d\(index + 1)")])
      definitions.append(
        JSONMember(name: "d\(index)", value: .members(["allOf": .array([next, next])])))
    }
    definitions.append(JSONMember(name: "d60", value: .members(["type": "null"])))
    let schema: JSONValue = .members([
      "$defs": .object(definitions), "allOf": .array([.members(["$ref": "#/$defs/d0"])]),
    ])
    let error = #expect(throws: GrammarError.self) { try Grammar.jsonSchema(schema) }
    #expect(error?.kind == .tooLarge)
  }

  @Test func manyItemsAreCountedNotWrittenOut() throws {
    let schema: JSONValue = .members([
      "type": "array", "minItems": 1990, "maxItems": 2000, "items": .members(["type": "integer"]),
    ])
    let vocabulary = TestVocabulary.bytes
    let grammar = try CompiledGrammar(.jsonSchema(schema), table: vocabulary.table)
    #expect(grammar.stateCount < 1000)
    for (count, isAllowed) in [(1989, false), (1990, true), (2000, true), (2001, false)] {
      let text = "[" + Array(repeating: "7", count: count).joined(separator: ",") + "]"
      var matcher = GrammarMatcher(grammar)
      var isRead = true
      for byte in text.utf8 where isRead { isRead = matcher.accept(Int32(byte) + 3) }
      #expect((isRead && matcher.canEnd) == isAllowed, "\(count)")
    }
  }

  @Test func lengthsCountCharacters() throws {
    let schema: JSONValue = .members(["type": "string", "minLength": 2, "maxLength": 3000])
    let vocabulary = TestVocabulary.small
    let grammar = try CompiledGrammar(.jsonSchema(schema), table: vocabulary.table)
    #expect(grammar.stateCount < 100)
    for (text, isAllowed) in [
      ("\"😀\"", false), ("\"\\ud83d\\ude00\"", false), ("\"😀\\n\"", true), ("\"\\u00e9é\"", true),
      ("\"" + String(repeating: "日", count: 3000) + "\"", true),
      ("\"" + String(repeating: "日", count: 3001) + "\"", false),
    ] {
      var matcher = GrammarMatcher(grammar)
      let isRead = matcher.reads(vocabulary.spell(text)) && matcher.canEnd
      #expect(isRead == isAllowed, "\(text.prefix(20))")
    }
  }
}
