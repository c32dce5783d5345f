import GGUF
import Kernels
import Models
import Testing

/// What a file's metadata and tensors say about a DeepSeek V4 model, and which contradictions are refused.
@Suite struct DeepSeek4ShapeTests {
  /// The metadata of the published family members (specification, 1, 2 and 10.1).
  private static func family(
    layers: Int, width: Int, heads: Int, queryRank: Int, groups: Int, experts: Int,
    expertWidth: Int, scale: Float, ratios: [Int32], topK: Int
  ) -> EditedModel {
    func count(_ value: Int) -> MetadataValue { .uint32(UInt32(value)) }
    return EditedModel([
      "general.architecture": .string("deepseek4"),
      "deepseek4.block_count": count(layers),
      "deepseek4.context_length": count(1_048_576),
      "deepseek4.embedding_length": count(width),
      "deepseek4.vocab_size": count(129_280),
      "deepseek4.embedding_length_out": count(4 * width),
      "deepseek4.attention.head_count": count(heads),
      "deepseek4.attention.head_count_kv": count(1),
      "deepseek4.attention.key_length": count(512),
      "deepseek4.attention.value_length": count(512),
      "deepseek4.attention.q_lora_rank": count(queryRank),
      "deepseek4.attention.output_lora_rank": count(1024),
      "deepseek4.attention.output_group_count": count(groups),
      "deepseek4.attention.sliding_window": count(128),
      "deepseek4.attention.compress_ratios": .array(MetadataArray(ratios)),
      "deepseek4.attention.compress_rope_freq_base": .float32(160_000),
      "deepseek4.attention.layer_norm_rms_epsilon": .float32(1e-6),
      "deepseek4.attention.indexer.head_count": count(64),
      "deepseek4.attention.indexer.key_length": count(128),
      "deepseek4.attention.indexer.top_k": count(topK),
      "deepseek4.rope.dimension_count": count(64),
      "deepseek4.rope.freq_base": .float32(10_000),
      "deepseek4.rope.scaling.type": .string("yarn"),
      "deepseek4.rope.scaling.factor": .float32(16),
      "deepseek4.rope.scaling.original_context_length": count(65_536),
      "deepseek4.rope.scaling.yarn_beta_fast": .float32(32),
      "deepseek4.rope.scaling.yarn_beta_slow": .float32(1),
      "deepseek4.expert_count": count(experts),
      "deepseek4.expert_used_count": count(6),
      "deepseek4.expert_shared_count": count(1),
      "deepseek4.expert_feed_forward_length": count(expertWidth),
      "deepseek4.expert_weights_scale": .float32(scale),
      "deepseek4.expert_weights_norm": .bool(true),
      "deepseek4.expert_gating_func": count(4),
      "deepseek4.hash_layer_count": count(3),
      "deepseek4.swiglu_clamp_exp": .array(
        MetadataArray([Float](repeating: 10, count: layers))),
      "deepseek4.hyper_connection.count": count(4),
      "deepseek4.hyper_connection.sinkhorn_iterations": count(20),
      "deepseek4.hyper_connection.epsilon": .float32(1e-6),
    ])
  }

  @Test func flash() throws {
    // 44 entries: the last is the prediction block's.
    let ratios = [0, 0] + (2..<43).map { $0 % 2 == 0 ? 4 : 128 } + [0]
    let model = Self.family(
      layers: 43, width: 4096, heads: 64, queryRank: 1024, groups: 8, experts: 256,
      expertWidth: 2048, scale: 1.5, ratios: ratios.map(Int32.init), topK: 512)
    let shape = try DeepSeek4Shape(try model.open())
    #expect(shape.common.layerCount == 43 && shape.layers.count == 43)
    #expect(shape.common.width == 4096 && shape.common.vocabularyCount == 129_280)
    #expect(shape.layers.filter { $0.ratio == 0 }.count == 2)
    #expect(shape.layers.filter { $0.ratio == 4 && $0.overlaps && $0.hasIndexer }.count == 21)
    #expect(
      shape.layers.filter { $0.ratio == 128 && !$0.overlaps && !$0.hasIndexer }.count == 20)
    #expect(shape.layers.map(\.hasHashRouting) == (0..<43).map { $0 < 3 })
    #expect(shape.layers.allSatisfy { $0.expertLimit == 10 && $0.sharedLimit == 10 })
    #expect(shape.expertScale == 1.5 && shape.indexLimit == 512)
    #expect(shape.positionFreeWidth == 448)
    #expect(
      shape.yarn == .init(factor: 16, originalLength: 65_536, betaFast: 32, betaSlow: 1))
    #expect(shape.prediction == nil)
    #expect(shape.common.derivations.isEmpty)
  }

  @Test func pro() throws {
    let ratios: [Int32] = [128, 128] + (2..<61).map { $0 % 2 == 0 ? 4 : 128 }
    let model = Self.family(
      layers: 61, width: 7168, heads: 128, queryRank: 1536, groups: 16, experts: 384,
      expertWidth: 3072, scale: 2.5, ratios: ratios, topK: 1024)
    let shape = try DeepSeek4Shape(try model.open())
    #expect(shape.layers.map(\.ratio) == ratios.map(Int.init))
    #expect(shape.headCount == 128 && shape.queryRank == 1536 && shape.outputGroups == 16)
    #expect(shape.common.expertCount == 384 && shape.layers[60].expertWidth == 3072)
    #expect(shape.expertScale == 2.5 && shape.indexLimit == 1024)
    #expect(shape.common.derivations.isEmpty)
  }

  /// Without every key that tensors imply, the model is the same, and says what it derived.
  @Test func derivesMissingKeys() throws {
    let edited = EditedModel(try EngineFixture.named(DeepSeek4Fixture.name).open())
    let keys = [
      "block_count", "vocab_size", "embedding_length", "embedding_length_out",
      "attention.head_count", "attention.head_count_kv", "attention.key_length",
      "attention.value_length", "attention.q_lora_rank", "attention.output_group_count",
      "attention.output_lora_rank", "attention.indexer.head_count",
      "attention.indexer.key_length", "attention.compress_ratios", "expert_count",
      "expert_used_count", "expert_shared_count", "expert_feed_forward_length",
      "hash_layer_count", "hyper_connection.count", "hyper_connection.sinkhorn_iterations",
      "hyper_connection.epsilon", "attention.layer_norm_rms_epsilon", "expert_weights_norm",
      "expert_gating_func", "swiglu_clamp_shexp", "rope.freq_base",
      "attention.compress_rope_freq_base", "rope.scaling.type", "rope.scaling.yarn_beta_fast",
      "rope.scaling.yarn_beta_slow",
    ]
    for key in keys {
      #expect(edited[key] != nil, "\(key)")
      edited[key] = nil
    }
    let model = try edited.load(activations: .rounded)
    let derivations = model.shape.derivations
    #expect(derivations.contains { $0.contains("compress_ratios = [0, 4, 128]") })
    #expect(derivations.contains { $0.contains("block_count = 3") })
    #expect(derivations.contains { $0.contains("expert_used_count = 3") })
    #expect(derivations.contains { $0.contains("hash_layer_count = 2") })
    #expect(derivations.count >= 24)
    let tokens = DeepSeek4Fixture.tokens(140, seed: 40)
    let whole = try DeepSeek4Fixture.load()
    #expect(
      try model.logits(model.makeState(), tokens).bits
        == whole.logits(whole.makeState(), tokens).bits)
  }

  struct Contradiction: CustomTestStringConvertible {
    var key: String
    var value: MetadataValue
    /// What the message has to name.
    var named: String
    var testDescription: String { "\(key) = \(value)" }
  }

  @Test(arguments: [
    Contradiction(key: "vocab_size", value: .uint32(652), named: "token_embd.weight"),
    Contradiction(key: "embedding_length", value: .uint32(128), named: "embedding_length_out"),
    Contradiction(key: "attention.head_count", value: .uint32(6), named: "blk.0.attn_"),
    Contradiction(key: "attention.head_count", value: .uint32(3), named: "group_count"),
    Contradiction(key: "attention.head_count_kv", value: .uint32(2), named: "head_count_kv"),
    Contradiction(key: "attention.value_length", value: .uint32(32), named: "value_length"),
    Contradiction(key: "attention.q_lora_rank", value: .uint32(65), named: "attn_q_a"),
    Contradiction(key: "attention.output_lora_rank", value: .uint32(97), named: "attn_output_a"),
    Contradiction(
      key: "attention.compress_ratios", value: .array(MetadataArray([0, 4] as [Int32])),
      named: "compress_ratios"),
    Contradiction(
      key: "attention.compress_ratios", value: .array(MetadataArray([0, 4, 96] as [Int32])),
      named: "compress_ratios"),
    Contradiction(
      key: "attention.compress_ratios", value: .array(MetadataArray([0, 4, 64] as [Int32])),
      named: "attn_compressor_ape"),
    Contradiction(
      key: "attention.compress_ratios", value: .array(MetadataArray([4, 4, 128] as [Int32])),
      named: "blk.0."),
    Contradiction(
      key: "attention.compress_ratios", value: .array(MetadataArray([0, -4, 128] as [Int32])),
      named: "compress_ratios"),
    Contradiction(key: "attention.indexer.head_count", value: .uint32(13), named: "indexer"),
    Contradiction(
      key: "attention.indexer.key_length", value: .uint32(48), named: "indexer.key_length"),
    Contradiction(key: "rope.dimension_count", value: .uint32(65), named: "dimension_count"),
    Contradiction(key: "rope.dimension_count", value: .uint32(66), named: "dimension_count"),
    Contradiction(key: "rope.scaling.type", value: .string("linear"), named: "scaling.type"),
    Contradiction(key: "rope.scaling.factor", value: .float32(.nan), named: "scaling.factor"),
    Contradiction(key: "rope.freq_base", value: .float32(0), named: "freq_base"),
    Contradiction(key: "expert_count", value: .uint32(8), named: "blk.0."),
    Contradiction(key: "expert_used_count", value: .uint32(10), named: "expert_used_count"),
    Contradiction(key: "expert_used_count", value: .uint32(2), named: "tid2eid"),
    Contradiction(key: "expert_shared_count", value: .uint32(2), named: "shexp"),
    Contradiction(key: "expert_gating_func", value: .uint32(3), named: "expert_gating_func"),
    Contradiction(key: "hash_layer_count", value: .uint32(1), named: "tid2eid"),
    Contradiction(key: "hash_layer_count", value: .uint32(3), named: "blk.2.ffn_gate_tid2eid"),
    Contradiction(key: "hyper_connection.count", value: .uint32(2), named: "embedding_length_out"),
    Contradiction(key: "hyper_connection.count", value: .uint32(0), named: "hyper_connection"),
    Contradiction(key: "block_count", value: .uint32(4), named: "compress_ratios"),
    Contradiction(key: "block_count", value: .string("three"), named: "block_count"),
    Contradiction(key: "swiglu_clamp_exp", value: .bool(true), named: "swiglu_clamp_exp"),
    Contradiction(
      key: "context_length", value: .uint64(.max), named: "context_length"),
  ])
  func contradictions(_ contradiction: Contradiction) throws {
    let edited = EditedModel(try EngineFixture.named(DeepSeek4Fixture.name).open())
    edited[contradiction.key] = contradiction.value
    let error = #expect(throws: ModelError.self) { try edited.load() }
    let message = error?.description ?? ""
    #expect(message.contains(contradiction.named), "\(message)")
  }

  @Test(arguments: [
    "token_embd.weight", "output.weight", "output_norm.weight", "output_hc_fn.weight",
    "blk.0.attn_q_a.weight", "blk.0.attn_sinks.weight", "blk.1.attn_compressor_norm.weight",
    "blk.1.indexer.proj.weight", "blk.2.exp_probs_b.bias", "blk.1.ffn_gate_tid2eid.weight",
    "blk.2.hc_ffn_scale.weight", "blk.0.ffn_down_exps.weight", "blk.2.ffn_up_shexp.weight",
  ])
  func missingOrMisshapenTensors(name: String) throws {
    let edited = EditedModel(try EngineFixture.named(DeepSeek4Fixture.name).open())
    let tensor = try edited.tensor(name)
    edited.remove(name)
    let missing = #expect(throws: ModelError.self) { try edited.load() }
    #expect(missing?.description.contains(name) == true, "\(missing as Any)")

    edited.set(name, [7, 3], [Float](repeating: 0, count: 21))
    let misshapen = #expect(throws: ModelError.self) { try edited.load() }
    #expect(misshapen?.description.contains(name) == true, "\(misshapen as Any)")
    #expect(misshapen?.description.contains("7 x 3") == true)

    // Right shape, but values that are no weights, or no ids.
    edited.remove(name)
    let count = tensor.shape.reduce(1, *)
    let isTable = tensor.type.isInteger
    edited.tensors.append(
      .init(
        name: name, type: isTable ? .f32 : .i32, shape: tensor.shape,
        bytes: [UInt8](repeating: 0, count: 4 * count)))
    let wrongType = #expect(throws: ModelError.self) { try edited.load() }
    #expect(wrongType?.description.contains(name) == true, "\(wrongType as Any)")
  }

  @Test(arguments: [Int32(9), -1, .max])
  func expertsThatDoNotExist(id: Int32) throws {
    let edited = EditedModel(try EngineFixture.named(DeepSeek4Fixture.name).open())
    let name = "blk.1.ffn_gate_tid2eid.weight"
    let index = try #require(edited.tensors.firstIndex { $0.name == name })
    withUnsafeBytes(of: id.littleEndian) {
      edited.tensors[index].bytes.replaceSubrange(4 * 3 * 17..<4 * 3 * 17 + 4, with: $0)
    }
    let error = #expect(throws: ModelError.self) { try edited.load() }
    #expect(error?.description.contains("row 17 names \(id)") == true, "\(error as Any)")
  }

  /// Whatever a file claims: an error that prints, or a model that runs.
  @Test(arguments: 0..<60)
  func metadataByChance(seed: Int) throws {
    let edited = EditedModel(try EngineFixture.named(DeepSeek4Fixture.name).open())
    var numbers = SeededNumbers(UInt64(seed))
    let keys = edited.metadata.entries.map(\.key).filter { $0.hasPrefix("deepseek4.") }
    for _ in 0..<Int.random(in: 1...3, using: &numbers) {
      let key = keys.randomElement(using: &numbers) ?? keys[0]
      let values: [MetadataValue?] = [
        nil, .uint32(0), .uint32(1), .uint32(.max), .int32(-1), .uint64(.max), .float32(.nan),
        .float32(-.infinity), .float64(1e300), .string("x"), .bool(false),
        .uint32(UInt32.random(in: 2...300, using: &numbers)),
        .array(MetadataArray([Int32]())),
        .array(MetadataArray((0..<3).map { _ in Int32.random(in: -2...130, using: &numbers) })),
        .array(MetadataArray([Float](repeating: -1, count: 3))),
      ]
      edited.metadata[key] = values.randomElement(using: &numbers) ?? nil
    }
    do {
      let model = try edited.load()
      let logits = try model.logits(model.makeState(), [1, 2, 3, 4, 5])
      #expect(logits.count == 5 * DeepSeek4Fixture.vocabularyCount)
    } catch let error as ModelError {
      #expect(!error.description.isEmpty)
    }
  }

  @Test func unknownFamilies() throws {
    let edited = EditedModel(["general.architecture": .string("starling")])
    #expect(throws: ModelError.unsupportedArchitecture("starling")) { try edited.load() }
    let none = EditedModel(["general.name": .string("nobody")])
    #expect(throws: ModelError.self) { try none.load() }
  }

  /// Ratios in another order and of other sizes than the family's: 2 (pooling alone) and 16 (overlapping, no indexer).
  @Test func otherRatios() throws {
    let edited = EditedModel(try EngineFixture.named(DeepSeek4Fixture.name).open())
    try edited.decodeAll()
    edited["attention.compress_ratios"] = .array(MetadataArray([2, 4, 16] as [Int32]))
    var numbers = SeededNumbers(77)
    func values(_ count: Int) -> [Float] {
      (0..<count).map { _ in Float.random(in: -0.2...0.2, using: &numbers) }
    }
    for (block, ratio, raw) in [(0, 2, 64), (2, 16, 128)] {
      let name = "blk.\(block).attn_compressor"
      edited.set("\(name)_kv.weight", [256, raw], values(256 * raw))
      edited.set("\(name)_gate.weight", [256, raw], values(256 * raw))
      edited.set("\(name)_ape.weight", [raw, ratio], values(raw * ratio))
      edited.set("\(name)_norm.weight", [64], [Float](repeating: 1, count: 64))
    }
    let shape = try DeepSeek4Shape(try edited.open())
    #expect(shape.layers.map(\.overlaps) == [false, true, true])
    #expect(shape.layers.map(\.hasIndexer) == [false, true, false])
    let model = try edited.load()
    let tokens = DeepSeek4Fixture.tokens(280, seed: 41)
    let whole = try model.logits(model.makeState(), tokens)
    #expect(whole.allSatisfy { $0.isFinite })
    #expect(
      try model.logits(model.makeState(), tokens, pieces: [1, 2, 125, 3]).bits == whole.bits)
    let state = model.makeState()
    try model.take(state, Array(tokens[..<270]))
    try state.rollBack(to: 255)
    let rest = try model.logits(state, Array(tokens[255...]))
    #expect(rest.bits == Array(whole[255 * DeepSeek4Fixture.vocabularyCount..<whole.count]).bits)
  }
}
