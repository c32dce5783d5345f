import Constraints
import JSON
import Testing

@Suite struct SchemaMutationTests {
  /// Schemas with parts exchanged, removed and repeated are compiled or refused; what they write is JSON.
  @Test(arguments: [3, 5, 8] as [UInt64]) func mutatedSchemasAreCompiledOrRefused(
    _ seed: UInt64
  ) throws {
    var random = SeededGenerator(seed: seed)
    let schemas = SchemaFixture.all.map(\.schema)
    var parts: [JSONValue] = [nil, true, false, 0, -3, "", "#", [], .object([]), .number(0.5)]
    for schema in schemas { SchemaMutationTests.collect(schema, &parts) }
    var compiled = 0
    for round in 0..<250 {
      var schema = schemas[Int.random(in: 0..<schemas.count, using: &random)]
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        schema = SchemaMutationTests.mutated(schema, parts, &random)
      }
      do throws(GrammarError) {
        let grammar = try CompiledGrammar(.jsonSchema(schema), table: TestVocabulary.small.table)
        compiled += 1
        var matcher = GrammarMatcher(grammar)
        let run = matcher.write(TestVocabulary.small, .closing, limit: 60, &random)
        if run.hasEnded {
          let text = String(decoding: run.text, as: UTF8.self)
          #expect((try? JSONParser.parse(run.text)) != nil, "\(text), seed \(seed), round \(round)")
        }
      } catch {
        #expect(!error.message.isEmpty)
      }
    }
    #expect(compiled > 20)
  }

  private static func collect(_ value: JSONValue, _ parts: inout [JSONValue]) {
    parts.append(value)
    for member in value.objectValue ?? [] { collect(member.value, &parts) }
    for element in value.arrayValue ?? [] { collect(element, &parts) }
  }

  private static func mutated(
    _ value: JSONValue, _ parts: [JSONValue], _ random: inout SeededGenerator
  ) -> JSONValue {
    let part = parts[Int.random(in: 0..<parts.count, using: &random)]
    if Int.random(in: 0..<5, using: &random) == 0 { return part }
    switch value {
    case .object(var members):
      guard !members.isEmpty else { return part }
      let index = Int.random(in: 0..<members.count, using: &random)
      if Int.random(in: 0..<6, using: &random) == 0 {
        members.remove(at: index)
      } else if Int.random(in: 0..<6, using: &random) == 0, let other = part.objectValue {
        members += other
      } else {
        members[index] = JSONMember(
          name: members[index].name, value: mutated(members[index].value, parts, &random))
      }
      return .object(members)
    case .array(var elements):
      guard !elements.isEmpty else { return [part] }
      let index = Int.random(in: 0..<elements.count, using: &random)
      elements[index] = mutated(elements[index], parts, &random)
      return .array(elements)
    default: return part
    }
  }
}
