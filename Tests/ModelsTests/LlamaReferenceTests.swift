import GGUF
import Kernels
import Models
import Testing

/// Llama against llama.cpp.
@Suite struct LlamaReferenceTests {
  @Test(arguments: ["plain", "factors", "linear", "yarn", "experts"])
  func floatWeights(kind: String) throws {
    let fixture = try EngineFixture.named("llama-\(kind)")
    let run = try FixtureRun(fixture, model: try DecoderFixture.load(fixture.name))
    run.whole.expect(within: fixture.tolerance, "whole prompt")
    run.decoded.expect(within: fixture.tolerance, "single tokens")
    #expect(run.departures.isEmpty)
  }

  @Test(arguments: [ProcessorOperations.Activations.float, .rounded])
  func quantisedWeights(activations: ProcessorOperations.Activations) throws {
    let fixture = try EngineFixture.named("llama-q8_0")
    let run = try FixtureRun(
      fixture, model: try DecoderFixture.load(fixture.name, activations: activations),
      margin: fixture.tolerance.largestDifference)
    run.whole.expect(within: fixture.tolerance, "whole prompt")
    run.decoded.expect(within: fixture.tolerance, "single tokens")
    #expect(run.departures.isEmpty)
  }

  /// A stretched rotation makes a difference, so that the comparisons above can fail.
  @Test(arguments: ["linear", "yarn"])
  func scalingMatters(kind: String) throws {
    let fixture = try EngineFixture.named("llama-\(kind)")
    let edited = EditedModel(try fixture.open())
    edited.metadata["llama.rope.scaling.type"] = .string("none")
    let run = try FixtureRun(fixture, model: try edited.load())
    #expect(run.whole.largestDifference > 0.1)
  }

  /// YaRN also scales sine and cosine: by `0.1 ln 4 + 1` here.
  @Test func magnitudeMatters() throws {
    let fixture = try EngineFixture.named("llama-yarn")
    let edited = EditedModel(try fixture.open())
    edited.metadata["llama.rope.scaling.yarn_log_multiplier"] = .float32(1)
    let run = try FixtureRun(fixture, model: try edited.load())
    #expect(run.whole.largestDifference > 0.01)
  }

  @Test(arguments: ["attn_q.bias", "attn_k.bias", "attn_output.bias", "ffn_up.bias"])
  func biasesMatter(name: String) throws {
    let fixture = try EngineFixture.named("llama-factors")
    let edited = EditedModel(try fixture.open())
    edited.remove("blk.1.\(name)")
    let run = try FixtureRun(fixture, model: try edited.load())
    #expect(run.whole.largestDifference > 0.001)
  }

  @Test func factorsMatter() throws {
    let fixture = try EngineFixture.named("llama-factors")
    let edited = EditedModel(try fixture.open())
    edited.remove("rope_freqs.weight")
    let run = try FixtureRun(fixture, model: try edited.load())
    #expect(run.whole.largestDifference > 0.01)
  }
}
