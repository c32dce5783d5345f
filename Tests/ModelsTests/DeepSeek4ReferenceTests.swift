import Foundation
import JSON
import Kernels
import Models
import TensorFormats
import Testing

/// DeepSeek V4 against transformers' implementation.
@Suite struct DeepSeek4ReferenceTests {
  @Test func quantisedWeightsFloatActivations() throws {
    let fixture = try EngineFixture.named(DeepSeek4Fixture.name)
    let run = try FixtureRun(fixture, model: try DeepSeek4Fixture.load(activations: .float))
    run.whole.expect(within: fixture.floatTolerance, "whole prompts")
    run.decoded.expect(within: fixture.floatTolerance, "single tokens")
    #expect(run.departures.isEmpty)
  }

  @Test func quantisedWeightsRoundedActivations() throws {
    let fixture = try EngineFixture.named(DeepSeek4Fixture.name)
    // A continuation may leave the reference's where rounding could swap the two best tokens.
    let run = try FixtureRun(
      fixture, model: try DeepSeek4Fixture.load(activations: .rounded),
      margin: fixture.tolerance.largestDifference)
    run.whole.expect(within: fixture.tolerance, "whole prompts")
    run.decoded.expect(within: fixture.tolerance, "single tokens")
    #expect(run.departures.isEmpty)
  }

  @Test(arguments: [ProcessorOperations.Activations.float, .rounded])
  func floatWeights(activations: ProcessorOperations.Activations) throws {
    let fixture = try EngineFixture.named(DeepSeek4Fixture.name)
    let edited = EditedModel(try fixture.open())
    try edited.decodeAll()
    let run = try FixtureRun(fixture, model: try edited.load(activations: activations))
    run.whole.expect(within: fixture.floatTolerance, "whole prompts")
    run.decoded.expect(within: fixture.floatTolerance, "single tokens")
    #expect(run.departures.isEmpty)
  }

  /// Every slot of the file takes every type: types are dealt out in turn, and the decoded file gives the same logits.
  @Test(arguments: 0..<4)
  func anyTypeInAnySlot(turn: Int) throws {
    let edited = EditedModel(try EngineFixture.named(DeepSeek4Fixture.name).open())
    let types: [TensorType] = [
      .f32, .f16, .bf16, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .iq4_NL, .mxfp4, .q2_K, .q3_K, .q4_K,
      .q5_K, .q6_K, .iq4_XS,
    ]
    var dealt = turn * 5
    var used: Set<TensorType> = []
    for index in edited.tensors.indices where !edited.tensors[index].type.isInteger {
      let tensor = edited.tensors[index]
      let fitting = types.filter { tensor.shape[0] % $0.valuesPerBlock == 0 }
      let type = fitting[dealt % fitting.count]
      dealt += 1
      used.insert(type)
      let values = try tensor.type.decode(tensor.bytes)
      let encoder = try TensorEncoder(type: type, columns: tensor.shape[0])
      edited.tensors[index].type = type
      edited.tensors[index].bytes = try encoder.encode(values)
    }
    #expect(used.count >= 12)
    let mixed = try edited.load()
    try edited.decodeAll()
    let plain = try edited.load()
    let tokens = DeepSeek4Fixture.tokens(150, seed: 11)
    let width = DeepSeek4Fixture.vocabularyCount
    let one = try mixed.logits(mixed.makeState(), tokens)
    let other = try plain.logits(plain.makeState(), tokens)
    var comparison = LogitComparison()
    for row in 0..<tokens.count {
      comparison.add(
        reference: Array(other[row * width..<(row + 1) * width]),
        row: Array(one[row * width..<(row + 1) * width]))
    }
    // Routers are ill-conditioned: the two may only differ by the order of sums.
    #expect(comparison.largestDifference < 1e-3, "\(comparison)")
  }

  /// Rounding of cached vectors against an implementation of its own (`Fixtures/deepseek4-README.md`).
  @Test func roundedCache() throws {
    let path = try EngineFixture.folder().appendingPathComponent("deepseek4-rounded.json")
    let json = try JSONParser.parse(Array(try Data(contentsOf: path)))
    let width = DeepSeek4Fixture.vocabularyCount
    let tokens = try EngineFixture.integers(json["tokens"]).map(Int32.init)
    let positions = try EngineFixture.integers(json["positions"])
    let rows = try EngineFixture.rows(json["rows"], width: width)
    let model = try DeepSeek4Fixture.load(
      activations: .float, options: ModelOptions(maximumBatch: 512, roundsCache: true))
    let logits = try model.logits(model.makeState(), tokens)
    #expect(positions.count == 14 && rows.count == 14)
    var comparison = LogitComparison()
    for (position, reference) in zip(positions, rows) {
      comparison.add(
        reference: reference, row: Array(logits[position * width..<(position + 1) * width]))
    }
    // Without rounding the difference is above 0.09 at every one of these positions.
    #expect(comparison.largestDifference < 1e-4, "\(comparison)")
  }
}
