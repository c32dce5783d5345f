import GGUF
import Kernels
import Models
import TensorFormats
import Testing

/// What decoders make of files that lack metadata, or whose metadata and tensors contradict one another.
@Suite struct QwenMetadataTests {
  private func edited(_ name: String) throws -> EditedModel {
    EditedModel(try EngineFixture.named(name).open())
  }

  private func logits(_ model: any LanguageModel) throws -> [UInt32] {
    let tokens = DecoderFixture.tokens(20, of: model, seed: 1)
    return try model.logits(model.makeState(), tokens).bits
  }

  /// Every key whose value the tensors tell can be left out, alone and with all others.
  @Test(arguments: [
    (
      "qwen3-f32",
      [
        "vocab_size", "block_count", "embedding_length", "attention.key_length",
        "attention.value_length", "attention.head_count_kv", "feed_forward_length",
      ]
    ),
    (
      "qwen3moe-f32",
      [
        "vocab_size", "block_count", "embedding_length", "attention.key_length",
        "attention.head_count", "attention.head_count_kv", "expert_count",
        "expert_feed_forward_length", "feed_forward_length",
      ]
    ),
    (
      "qwen35moe-q4_k_m",
      [
        "vocab_size", "block_count", "embedding_length", "attention.key_length",
        "attention.head_count", "attention.head_count_kv", "expert_count",
        "expert_feed_forward_length", "expert_shared_feed_forward_length", "ssm.conv_kernel",
        "ssm.state_size", "ssm.group_count", "ssm.time_step_rank", "ssm.inner_size",
        "rope.dimension_sections",
      ]
    ),
    (
      "llama-factors",
      ["vocab_size", "block_count", "embedding_length", "feed_forward_length"]
    ),
  ])
  func derivedValues(name: String, keys: [String]) throws {
    let expected = try logits(try DecoderFixture.load(name, activations: .float))
    let architecture = String(name.prefix { $0 != "-" })
    for left in keys.map({ [$0] }) + [keys] {
      let model = try edited(name)
      for key in left { model.metadata["\(architecture).\(key)"] = nil }
      let loaded = try model.load()
      #expect(try logits(loaded) == expected, "\(left)")
      for key in left
      where !["attention.value_length", "rope.dimension_sections"].contains(key)
        && (key != "feed_forward_length" || loaded.shape.expertCount == 0)
      {
        #expect(
          loaded.shape.derivations.contains { $0.hasPrefix("\(architecture).\(key) = ") },
          "\(key): \(loaded.shape.derivations)")
      }
    }
  }

  /// The list of recurrent layers counts more than the interval, which serves where there is no list.
  @Test func recurrentLayers() throws {
    let name = "qwen35moe-q4_k_m"
    let expected = try logits(try DecoderFixture.load(name, activations: .float))
    let listed = try edited(name)
    listed.metadata["qwen35moe.full_attention_interval"] = .uint32(1)
    #expect(try logits(try listed.load()) == expected)
    let counted = try edited(name)
    counted.metadata["qwen35moe.attention.recurrent_layers"] = nil
    #expect(try logits(try counted.load()) == expected)
    // All layers full: the tensors of attention are missing in those that are not.
    counted.metadata["qwen35moe.full_attention_interval"] = .uint32(1)
    #expect(throws: ModelError.self) { try counted.load() }
  }

  /// Layers that predict further tokens are no part of the trunk.
  @Test func predictingLayers() throws {
    let name = "qwen35moe-q4_k_m"
    let expected = try logits(try DecoderFixture.load(name, activations: .float))
    let model = try edited(name)
    let layers = try #require(model.metadata.integer("qwen35moe.block_count"))
    model.metadata["qwen35moe.block_count"] = .uint32(UInt32(layers + 1))
    model.metadata["qwen35moe.nextn_predict_layers"] = .uint32(1)
    let loaded = try model.load()
    #expect(loaded.shape.layerCount == layers)
    #expect(try logits(loaded) == expected)
    model.metadata["qwen35moe.nextn_predict_layers"] = .uint32(UInt32(layers + 1))
    #expect(throws: ModelError.self) { try model.load() }
  }

  @Test func tiedEmbeddings() throws {
    let expected = try logits(try DecoderFixture.load("qwen3-f32"))
    let model = try edited("qwen3-f32")
    try model.copy("token_embd.weight", as: "output.weight")
    #expect(try logits(try model.load()) == expected)
  }

  /// Impossible values name their key; nothing crashes or runs out of memory.
  @Test(arguments: [
    ("qwen3-f32", "block_count"), ("qwen3-f32", "embedding_length"), ("qwen3-f32", "vocab_size"),
    ("qwen3-f32", "attention.head_count"), ("qwen3-f32", "attention.head_count_kv"),
    ("qwen3-f32", "attention.key_length"), ("qwen3-f32", "attention.value_length"),
    ("qwen3-f32", "feed_forward_length"), ("qwen3-f32", "context_length"),
    ("qwen3-f32", "rope.dimension_count"), ("qwen3moe-f32", "expert_count"),
    ("qwen3moe-f32", "expert_used_count"), ("qwen3moe-f32", "expert_feed_forward_length"),
    ("qwen35moe-q4_k_m", "ssm.conv_kernel"), ("qwen35moe-q4_k_m", "ssm.state_size"),
    ("qwen35moe-q4_k_m", "ssm.group_count"), ("qwen35moe-q4_k_m", "ssm.time_step_rank"),
    ("qwen35moe-q4_k_m", "ssm.inner_size"), ("qwen35moe-q4_k_m", "full_attention_interval"),
    ("qwen35moe-q4_k_m", "expert_shared_feed_forward_length"),
    ("qwen35moe-q4_k_m", "attention.recurrent_layers"),
    ("llama-factors", "attention.head_count"), ("llama-experts", "expert_used_count"),
  ])
  func impossibleValues(name: String, key: String) throws {
    let architecture = String(name.prefix { $0 != "-" })
    let values: [MetadataValue] = [
      .uint32(0), .int32(-1), .uint32(.max), .uint64(.max), .int64(.min), .float32(2),
      .string("4"), .bool(true), .array(MetadataArray([Int32(4), 4])),
    ]
    for value in values {
      let model = try edited(name)
      model.metadata["\(architecture).\(key)"] = value
      // The list of layers is read before the interval, which then does not matter.
      if key == "full_attention_interval" {
        model.metadata["\(architecture).attention.recurrent_layers"] = nil
      }
      do {
        _ = try model.load()
        Issue.record("\(key) = \(value) was accepted")
      } catch let error as ModelError {
        #expect(error.description.contains("'"), "\(error)")
      }
    }
  }

  /// Values that contradict the tensors are refused with the tensor's or the key's name.
  @Test(arguments: [
    ("qwen3-f32", "block_count", 4), ("qwen3-f32", "embedding_length", 128),
    ("qwen3-f32", "vocab_size", 760), ("qwen3-f32", "attention.head_count", 8),
    ("qwen3-f32", "attention.head_count_kv", 4), ("qwen3-f32", "attention.head_count_kv", 3),
    ("qwen3-f32", "attention.key_length", 16), ("qwen3-f32", "attention.value_length", 16),
    ("qwen3-f32", "feed_forward_length", 113), ("qwen3moe-f32", "expert_count", 13),
    ("qwen3moe-f32", "expert_used_count", 13), ("qwen3moe-f32", "expert_feed_forward_length", 48),
    ("qwen35moe-q4_k_m", "ssm.conv_kernel", 5), ("qwen35moe-q4_k_m", "ssm.state_size", 128),
    ("qwen35moe-q4_k_m", "ssm.group_count", 3), ("qwen35moe-q4_k_m", "ssm.inner_size", 1),
    ("qwen3-f32", "rope.dimension_count", 3), ("qwen3-f32", "rope.dimension_count", 34),
    ("llama-factors", "rope.dimension_count", 12),
  ])
  func contradictions(name: String, key: String, value: Int) throws {
    let model = try edited(name)
    let architecture = String(name.prefix { $0 != "-" })
    model.metadata["\(architecture).\(key)"] = .uint32(UInt32(value))
    #expect(throws: ModelError.self) { try model.load() }
  }

  /// A missing tensor is named.
  @Test(arguments: DecoderFixture.kinds)
  func missingTensors(name: String) throws {
    let optional: Set<String> = ["output.weight", "rope_freqs.weight"]
    let whole = try edited(name)
    let names = whole.tensors.map(\.name).filter {
      !optional.contains($0) && !$0.hasSuffix("attn_q.bias") && !$0.hasSuffix("attn_k.bias")
        && !$0.hasSuffix("attn_v.bias") && !$0.hasSuffix("attn_output.bias")
        && !($0.contains("ffn_") && $0.hasSuffix(".bias"))
    }
    for missing in names {
      let model = try edited(name)
      model.remove(missing)
      do {
        _ = try model.load()
        Issue.record("\(missing) is not missed")
      } catch let error as ModelError {
        #expect(error.description.contains(missing), "\(missing): \(error)")
      }
    }
  }

  @Test func unknownArchitecture() throws {
    let model = try edited("qwen3-f32")
    model.metadata["general.architecture"] = .string("gpt2")
    #expect(throws: ModelError.unsupportedArchitecture("gpt2")) { try model.load() }
  }

  @Test(arguments: [-1, 1e-30, Float.nan, .infinity])
  func impossibleScaling(factor: Float) throws {
    let model = try edited("llama-linear")
    model.metadata["llama.rope.scaling.factor"] = .float32(factor)
    #expect(throws: ModelError.self) { try model.load() }
  }

  /// Heads so narrow that nothing can turn.
  @Test func narrowHeads() throws {
    let model = try edited("qwen3-f32")
    model.metadata["qwen3.attention.key_length"] = .uint32(1)
    model.metadata["qwen3.attention.value_length"] = .uint32(1)
    #expect(throws: ModelError.self) { try model.load() }
  }

  @Test func unknownScaling() throws {
    let model = try edited("llama-linear")
    model.metadata["llama.rope.scaling.type"] = .string("longrope")
    #expect(throws: ModelError.self) { try model.load() }
  }

  /// Gate and up matrices of experts in one tensor are refused by name, not taken for missing ones.
  @Test func fusedExperts() throws {
    let model = try edited("qwen3moe-f32")
    try model.copy("blk.0.ffn_gate_exps.weight", as: "blk.0.ffn_gate_up_exps.weight")
    do {
      _ = try model.load()
      Issue.record("fused experts were accepted")
    } catch let error as ModelError {
      #expect(error.description.contains("ffn_gate_up_exps"))
    }
  }

  @Test(arguments: [Float.nan, .infinity, 0, -1, 1e-30])
  func pairFactors(value: Float) throws {
    let model = try edited("llama-factors")
    var factors = try model.values("rope_freqs.weight")
    factors[3] = value
    model.set("rope_freqs.weight", [factors.count], factors)
    #expect(throws: ModelError.self) { try model.load() }
  }
}
