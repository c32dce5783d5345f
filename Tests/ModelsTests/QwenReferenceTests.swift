import Kernels
import Models
import Testing

/// Qwen3, Qwen3 with experts and Qwen3.5 with experts against transformers' implementations.
@Suite struct QwenReferenceTests {
  @Test(arguments: ["qwen3-f32", "qwen3moe-f32"])
  func floatWeights(name: String) throws {
    let fixture = try EngineFixture.named(name)
    try check(fixture, try DecoderFixture.load(name), fixture.floatTolerance)
  }

  @Test func decodedWeights() throws {
    let fixture = try EngineFixture.named("qwen35moe-q4_k_m")
    let edited = EditedModel(try fixture.open())
    try edited.decodeAll()
    try check(fixture, try edited.load(), fixture.floatTolerance)
  }

  @Test func quantisedWeightsFloatActivations() throws {
    let fixture = try EngineFixture.named("qwen35moe-q4_k_m")
    let model = try DecoderFixture.load(fixture.name, activations: .float)
    try check(fixture, model, fixture.floatTolerance)
  }

  @Test func quantisedWeightsRoundedActivations() throws {
    let fixture = try EngineFixture.named("qwen35moe-q4_k_m")
    let model = try DecoderFixture.load(fixture.name, activations: .rounded)
    // A continuation may leave the reference's where rounding could swap the two best tokens.
    try check(fixture, model, fixture.tolerance, margin: fixture.tolerance.largestDifference)
  }

  /// Values inside the layers.
  @Test func trace() throws {
    let trace = try EngineTrace(folder: try EngineFixture.folder(), name: "qwen3-f32")
    let model = try DecoderFixture.load("qwen3-f32")
    let observer = RecordingObserver()
    _ = try model.evaluate(
      [SequenceInput(state: model.makeState(), tokens: trace.tokens, logits: .none)],
      observer: observer)
    #expect(Set(observer.names) == Set(trace.values.map(\.name)))
    for (name, shape, values) in trace.values {
      let mine = try #require(observer.values[name])
      #expect(observer.shapes[name] == shape)
      let difference = zip(mine, values).map { abs($0 - $1) }.max() ?? .infinity
      #expect(difference < 5e-5, "\(name)")
    }
  }

  @Test(arguments: ["qwen3moe-f32", "qwen35moe-q4_k_m"])
  func observedExperts(name: String) throws {
    let model = try DecoderFixture.load(name)
    let (layers, chosen) = (model.shape.layerCount, model.shape.expertsPerToken)
    let observer = RecordingObserver()
    let tokens = DecoderFixture.tokens(30, of: model, seed: 1)
    _ = try model.evaluate(
      [SequenceInput(state: model.makeState(), tokens: tokens, logits: .none)], observer: observer)
    #expect(observer.names.count == layers * 6 + 1)
    for layer in 0..<layers {
      let experts = try #require(observer.values["\(layer).router.experts"])
      let weights = try #require(observer.values["\(layer).router.weights"])
      #expect(observer.shapes["\(layer).router.experts"] == [30, chosen])
      for row in 0..<30 {
        let part = row * chosen..<(row + 1) * chosen
        #expect(Set(experts[part]).count == chosen)
        #expect(experts[part].allSatisfy { (0..<Float(model.shape.expertCount)).contains($0) })
        #expect(abs(weights[part].reduce(0, +) - 1) < 1e-5)
      }
    }
  }

  private func check(
    _ fixture: EngineFixture, _ model: any LanguageModel, _ tolerance: EngineFixture.Tolerance,
    margin: Double = 0
  ) throws {
    let run = try FixtureRun(fixture, model: model, margin: margin)
    run.whole.expect(within: tolerance, "whole prompts")
    run.decoded.expect(within: tolerance, "single tokens")
    #expect(run.departures.isEmpty)
  }
}
