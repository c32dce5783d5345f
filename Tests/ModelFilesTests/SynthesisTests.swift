import Foundation
import GGUF
import ModelFiles
import TensorFormats
import Testing

@Suite struct SynthesisTests {
  /// Bytes per type of the 2-bit V4 Flash file as published (specification of DeepSeek V4, 10.3).
  @Test func flashHasThePublishedSizes() throws {
    let flash = try ModelSynthesizer(
      SynthesisShape(name: "deepseek-v4-flash"), mix: QuantizationMix(name: "2bit"))
    #expect(flash.tensors.count == 1328)
    #expect(flash.tensors.reduce(0) { $0 + $1.byteCount } == 86_714_775_900)
    func bytes(_ part: String, _ type: TensorType) -> Int {
      flash.tensors.filter { $0.name.contains(part) && $0.type == type }
        .reduce(0) { $0 + $1.byteCount }
    }
    #expect(bytes("ffn_gate_exps", .iq2_XXS) == 23_806_869_504)
    #expect(bytes("ffn_up_exps", .iq2_XXS) == 23_806_869_504)
    #expect(bytes("ffn_down_exps", .q2_K) == 30_299_652_096)
    #expect(bytes(".attn_q_b", .q8_0) == 1_533_018_112)
    #expect(bytes("attn_output_a", .q8_0) == 1_533_018_112)
    #expect(bytes("_shexp", .q8_0) == 3 * 383_254_528)
    #expect(bytes("token_embd", .f16) == 1_059_061_760)
    #expect(bytes(".attn_compressor_kv", .f16) == 260_046_848)
    #expect(bytes("indexer.attn_q_b", .f16) == 352_321_536)
    #expect(
      bytes("indexer_compressor_", .f16) - bytes("indexer_compressor_ape", .f16) == 88_080_384)
    #expect(bytes("tid2eid", .i32) == 9_308_160)
    let floats = flash.tensors.filter { $0.type == .f32 }
    #expect(floats.reduce(0) { $0 + $1.byteCount } == 1_845_596)
  }

  /// Counts worked out by hand from the rules of llama.cpp's quantiser and the numbers of layers.
  @Test(arguments: [
    ("llama-3-8b", "Q4_K_M", ["F32": 65, "Q4_K": 193, "Q6_K": 33]),
    ("llama-3-8b", "Q5_K_M", ["F32": 65, "Q5_K": 193, "Q6_K": 33]),
    ("llama-3-8b", "Q4_K_S", ["F32": 65, "Q4_K": 217, "Q5_K": 8, "Q6_K": 1]),
    ("llama-3-8b", "Q3_K_M", ["F32": 65, "Q3_K": 129, "Q4_K": 92, "Q5_K": 4, "Q6_K": 1]),
    ("llama-3-8b", "Q2_K", ["F32": 65, "Q2_K": 129, "Q3_K": 64, "Q4_K": 32, "Q6_K": 1]),
    ("llama-3-8b", "Q8_0", ["F32": 65, "Q8_0": 226]),
    ("llama-3-8b", "Q6_K", ["F32": 65, "Q6_K": 226]),
    ("qwen3-8b", "Q4_K_M", ["F32": 145, "Q4_K": 217, "Q6_K": 37]),
  ])
  func mixesChooseTheUsualTypes(_ shape: String, _ mix: String, _ counts: [String: Int]) throws {
    let model = try ModelSynthesizer(SynthesisShape(name: shape), mix: QuantizationMix(name: mix))
    let actual = Dictionary(grouping: model.tensors, by: \.type.name).mapValues(\.count)
    #expect(actual == counts)
  }

  @Test(arguments: [
    ("tiny-deepseek4", "2bit"), ("tiny-deepseek4", "q4_k_m"), ("tiny-qwen35moe", "q8_0"),
    ("tiny-llama", "f16"),
  ])
  func fileFollowsFromSeedAlone(_ name: String, mix: String) throws {
    let folder = try TemporaryFolder()
    let shape = try SynthesisShape(name: name)
    let mix = try QuantizationMix(name: mix)
    func make(_ name: String, threads: Int, seed: UInt64) throws -> Data {
      try ModelSynthesizer(shape, layers: 4, mix: mix, seed: seed)
        .write(to: folder.path(name), threads: threads)
      return try Data(contentsOf: URL(fileURLWithPath: folder.path(name)))
    }
    let first = try make("a", threads: 1, seed: 7)
    #expect(try make("b", threads: 3, seed: 7) == first)
    #expect(try make("c", threads: 1, seed: 8) != first)
  }

  @Test(arguments: [
    ("tiny-deepseek4", ["2bit", "q4_k_m", "q2_k", "iq3_xxs", "mxfp4_moe", "iq4_xs", "bf16"]),
    ("tiny-qwen3", ["q5_k_m", "q4_0"]), ("tiny-qwen3moe", ["q3_k_m"]),
    ("tiny-qwen35moe", ["f32", "q8_0"]), ("tiny-llama", ["f16", "q6_k", "iq2_xs"]),
  ])
  func valuesAreFiniteAndOfUnitGain(_ name: String, _ mixes: [String]) throws {
    let folder = try TemporaryFolder()
    let shape = try SynthesisShape(name: name)
    for mix in mixes {
      let path = folder.path(mix)
      try ModelSynthesizer(shape, layers: 4, mix: QuantizationMix(name: mix))
        .write(to: path, threads: 2)
      let file = try GGUFFile.open(path)
      for tensor in file.tensors where !tensor.type.isInteger {
        var values = [Float](repeating: 0, count: tensor.count)
        try values.withUnsafeMutableBufferPointer { try tensor.type.decode(tensor.bytes, into: $0) }
        #expect(values.allSatisfy { $0.isFinite }, "\(mix) \(tensor.name)")
        guard tensor.shape.count > 1, tensor.count > 60000 else { continue }
        let squares = values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(tensor.count)
        let mean = values.reduce(0.0) { $0 + Double($1) } / Double(tensor.count)
        let expected = 1 / Double(tensor.columns).squareRoot()
        #expect(
          abs(squares.squareRoot() / expected - 1) < 0.08, "\(mix) \(tensor.name) \(tensor.type)")
        #expect(abs(mean) < 0.08 * expected, "\(mix) \(tensor.name) \(tensor.type)")
      }
    }
  }

  @Test func vocabularyIsUsable() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("model")
    try ModelSynthesizer(SynthesisShape(name: "tiny-deepseek4"), layers: 3)
      .write(to: path, threads: 1)
    let file = try GGUFFile.open(path)
    let tokens = try #require(file.metadata.strings("tokenizer.ggml.tokens"))
    #expect(tokens.count == 1100)
    #expect(Set(tokens).count == tokens.count)
    #expect(tokens[0] == "<｜begin▁of▁sentence｜>")
    #expect(file.metadata.integer("tokenizer.ggml.eos_token_id") == 1)
    let merges = try #require(file.metadata.strings("tokenizer.ggml.merges"))
    for merge in merges {
      let parts = merge.split(separator: " ")
      #expect(parts.count == 2 && tokens.contains(parts.joined()))
    }
    let types = try #require(file.metadata.integers("tokenizer.ggml.token_type"))
    #expect(types.count == tokens.count)
    #expect(types.filter { $0 == 1 }.count == 256 + 27 * 26)
    let table = try #require(file.tensor("blk.0.ffn_gate_tid2eid.weight"))
    for token in 0..<table.rows {
      let experts = (0..<2).map {
        table.bytes.loadUnaligned(fromByteOffset: 4 * (2 * token + $0), as: Int32.self)
      }
      #expect(Set(experts).count == 2 && experts.allSatisfy { (0..<8).contains($0) })
    }
  }

  @Test func largeVocabularyHasSpecialTokensAtTheirIds() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("model")
    try ModelSynthesizer(SynthesisShape(name: "qwen3-0.6b"), layers: 1, mix: .q4_0)
      .write(to: path, threads: 2)
    let tokens = try #require(GGUFFile.open(path).metadata.strings("tokenizer.ggml.tokens"))
    #expect(tokens[151_643] == "<|endoftext|>")
    #expect(tokens[151_645] == "<|im_end|>")
    #expect(tokens.count == 151_936)
  }

  @Test func refusesUnknownShapesAndCounts() throws {
    #expect(throws: SynthesisError.unknownShape("gpt-9")) { try SynthesisShape(name: "gpt-9") }
    #expect(throws: SynthesisError.layers(0)) {
      try ModelSynthesizer(SynthesisShape(name: "tiny-qwen3"), layers: 0)
    }
    #expect("\(SynthesisError.unknownShape("x"))".contains("deepseek-v4-flash"))
  }
}
