import GGUF
import JSON

/// Reads official checkpoints of DeepSeek V4 (specification 10.1 and 10.2).
///
/// 8-bit linears come with factors for tiles of 128 x 128 values; routed experts have 4 bits and are rearranged into
/// MXFP4 blocks without loss; everything else is taken as it is.
struct DeepSeek4Checkpoint {
  private let configuration: HuggingFaceConfiguration
  private(set) var checkpoint: Checkpoint
  private let layerCount: Int
  private let expertCount: Int
  private let hashLayerCount: Int

  init(
    _ configuration: HuggingFaceConfiguration, _ checkpoint: Checkpoint
  ) throws(ModelFileError) {
    self.configuration = configuration
    self.checkpoint = checkpoint
    layerCount = try configuration.integer("num_hidden_layers")
    expertCount = try configuration.integer("n_routed_experts")
    hashLayerCount = try configuration.optionalInteger("num_hash_layers") ?? 0
    guard layerCount > 0, expertCount > 0 else {
      throw configuration.wrong("there are no layers or no experts")
    }
  }

  /// The name of a tensor inside the text model; nil for vision and drafting.
  static func textName(_ name: String) -> String? {
    let others = ["mtp.", "aligner.", "image_", "vision."]
    return others.contains { name.hasPrefix($0) } ? nil : name
  }

  func addMetadata(to metadata: inout GGUFMetadata) throws(ModelFileError) {
    func set(_ key: String, _ value: MetadataValue) { metadata["deepseek4.\(key)"] = value }
    let counts = [
      ("context_length", "max_position_embeddings"), ("vocab_size", "vocab_size"),
      ("embedding_length", "hidden_size"), ("attention.head_count", "num_attention_heads"),
      ("attention.q_lora_rank", "q_lora_rank"), ("attention.sliding_window", "sliding_window"),
      ("attention.output_group_count", "o_groups"),
      ("attention.output_lora_rank", "o_lora_rank"),
      ("attention.indexer.head_count", "index_n_heads"),
      ("attention.indexer.key_length", "index_head_dim"),
      ("attention.indexer.top_k", "index_topk"), ("rope.dimension_count", "qk_rope_head_dim"),
      ("expert_used_count", "num_experts_per_tok"), ("expert_shared_count", "n_shared_experts"),
      ("expert_feed_forward_length", "moe_intermediate_size"),
      ("hyper_connection.count", "hc_mult"),
      ("hyper_connection.sinkhorn_iterations", "hc_sinkhorn_iters"),
    ]
    set("block_count", .uint32(UInt32(layerCount)))
    for (key, name) in counts { set(key, .uint32(UInt32(try configuration.integer(name)))) }
    set("expert_count", .uint32(UInt32(expertCount)))
    set("hash_layer_count", .uint32(UInt32(hashLayerCount)))
    if let width = try configuration.optionalInteger("intermediate_size") {
      set("feed_forward_length", .uint32(UInt32(width)))
    }
    let keyHeads = try configuration.optionalInteger("num_key_value_heads") ?? 1
    set("attention.head_count_kv", .uint32(UInt32(keyHeads)))
    let width = UInt32(try configuration.integer("head_dim"))
    set("attention.key_length", .uint32(width))
    set("attention.value_length", .uint32(width))
    let streams = try configuration.integer("hc_mult")
    guard let whole = UInt32(exactly: streams * (try configuration.integer("hidden_size"))) else {
      throw configuration.wrong("'hc_mult' times 'hidden_size' is too large")
    }
    set("embedding_length_out", .uint32(whole))
    for (key, name) in [
      ("attention.layer_norm_rms_epsilon", "rms_norm_eps"),
      ("attention.compress_rope_freq_base", "compress_rope_theta"),
      ("expert_weights_scale", "routed_scaling_factor"), ("hyper_connection.epsilon", "hc_eps"),
    ] {
      set(key, .float32(Float(try configuration.number(name))))
    }
    guard let ratios = try configuration.integers("compress_ratios"), ratios.count >= layerCount
    else {
      throw configuration.wrong("'compress_ratios' does not name every layer")
    }
    set(
      "attention.compress_ratios",
      .array(MetadataArray(ratios.map(Int32.init(truncatingIfNeeded:)))))
    set("expert_weights_norm", .bool(configuration.bool("norm_topk_prob") ?? true))
    try setGating { set($0, $1) }
    let clamp = [Float](
      repeating: Float(try configuration.number("swiglu_limit")), count: layerCount)
    set("swiglu_clamp_exp", .array(MetadataArray(clamp)))
    set("swiglu_clamp_shexp", .array(MetadataArray(clamp)))
    try setRope { set($0, $1) }
  }

  private func setGating(_ set: (String, MetadataValue) -> Void) throws(ModelFileError) {
    let name = configuration["scoring_func"]?.stringValue ?? "sqrtsoftplus"
    // Numbers of llama.cpp's gating functions.
    let numbers: [String: UInt32] = ["softmax": 1, "sigmoid": 2, "sqrtsoftplus": 4]
    guard let number = numbers[name] else {
      throw configuration.wrong("the router's function '\(name)' is not known")
    }
    set("expert_gating_func", .uint32(number))
  }

  private func setRope(_ set: (String, MetadataValue) -> Void) throws(ModelFileError) {
    guard
      let base = try configuration.optionalNumber("rope_theta")
        ?? configuration.ropeNumber("rope_theta")
    else { throw configuration.missing("rope_theta") }
    set("rope.freq_base", .float32(Float(base)))
    let type = (configuration.rope("rope_type") ?? configuration.rope("type"))?.stringValue
    guard let type, type != "default" else { return }
    guard type == "yarn", let factor = configuration.ropeNumber("factor"),
      let length = configuration.rope("original_max_position_embeddings")?.integerValue,
      let small = UInt32(exactly: length)
    else { throw configuration.wrong("the scaling of rotary positions is no complete YaRN") }
    set("rope.scaling.type", .string("yarn"))
    set("rope.scaling.factor", .float32(Float(factor)))
    set("rope.scaling.original_context_length", .uint32(small))
    for name in ["beta_fast", "beta_slow"] {
      if let number = configuration.ropeNumber(name) {
        set("rope.scaling.yarn_\(name)", .float32(Float(number)))
      }
    }
  }

  // MARK: - Tensors

  private static let rootNames = [
    ("token_embd.weight", "embed.weight"), ("output_norm.weight", "norm.weight"),
    ("output.weight", "head.weight"), ("output_hc_fn.weight", "hc_head_fn"),
    ("output_hc_base.weight", "hc_head_base"), ("output_hc_scale.weight", "hc_head_scale"),
  ]

  private static let layerNames = [
    ("hc_attn_fn.weight", "hc_attn_fn"), ("hc_attn_base.weight", "hc_attn_base"),
    ("hc_attn_scale.weight", "hc_attn_scale"), ("hc_ffn_fn.weight", "hc_ffn_fn"),
    ("hc_ffn_base.weight", "hc_ffn_base"), ("hc_ffn_scale.weight", "hc_ffn_scale"),
    ("attn_norm.weight", "attn_norm.weight"), ("ffn_norm.weight", "ffn_norm.weight"),
    ("attn_q_a.weight", "attn.wq_a.weight"), ("attn_q_a_norm.weight", "attn.q_norm.weight"),
    ("attn_q_b.weight", "attn.wq_b.weight"), ("attn_kv.weight", "attn.wkv.weight"),
    ("attn_kv_a_norm.weight", "attn.kv_norm.weight"), ("attn_sinks.weight", "attn.attn_sink"),
    ("attn_output_a.weight", "attn.wo_a.weight"), ("attn_output_b.weight", "attn.wo_b.weight"),
    ("ffn_gate_inp.weight", "ffn.gate.weight"),
    ("ffn_gate_shexp.weight", "ffn.shared_experts.w1.weight"),
    ("ffn_up_shexp.weight", "ffn.shared_experts.w3.weight"),
    ("ffn_down_shexp.weight", "ffn.shared_experts.w2.weight"),
  ]

  private static let compressorNames = [
    ("attn_compressor_kv.weight", "attn.compressor.wkv.weight"),
    ("attn_compressor_gate.weight", "attn.compressor.wgate.weight"),
    ("attn_compressor_ape.weight", "attn.compressor.ape"),
    ("attn_compressor_norm.weight", "attn.compressor.norm.weight"),
  ]

  private static let indexerNames = [
    ("indexer.attn_q_b.weight", "attn.indexer.wq_b.weight"),
    ("indexer.proj.weight", "attn.indexer.weights_proj.weight"),
    ("indexer_compressor_kv.weight", "attn.indexer.compressor.wkv.weight"),
    ("indexer_compressor_gate.weight", "attn.indexer.compressor.wgate.weight"),
    ("indexer_compressor_ape.weight", "attn.indexer.compressor.ape"),
    ("indexer_compressor_norm.weight", "attn.indexer.compressor.norm.weight"),
  ]

  mutating func addTensors(to plan: inout ConversionPlan) throws(ModelFileError) {
    for (target, source) in Self.rootNames { try add(target, source, to: &plan) }
    let ratios = try configuration.integers("compress_ratios") ?? []
    for layer in 0..<layerCount {
      let (to, from) = ("blk.\(layer).", "layers.\(layer).")
      var names = Self.layerNames
      if ratios.indices.contains(layer), ratios[layer] > 0 { names += Self.compressorNames }
      if checkpoint.has("\(from)attn.indexer.wq_b.weight") { names += Self.indexerNames }
      for (target, source) in names { try add(to + target, from + source, to: &plan) }
      if layer < hashLayerCount {
        let table = try checkpoint.need("\(from)ffn.gate.tid2eid", axes: 2)
        plan.add(
          "\(to)ffn_gate_tid2eid.weight", shape: table.shape.reversed(), .integers(table))
        // Layers that route by token do not use the bias of the router.
        checkpoint.drop("\(from)ffn.gate.bias")
      } else {
        try add("\(to)exp_probs_b.bias", "\(from)ffn.gate.bias", to: &plan)
      }
      for (target, source) in [("gate", "w1"), ("up", "w3"), ("down", "w2")] {
        try addExperts(
          "\(to)ffn_\(target)_exps.weight", from: "\(from)ffn.experts.", part: source, to: &plan)
      }
    }
  }

  private mutating func add(
    _ target: String, _ source: String, to plan: inout ConversionPlan
  ) throws(ModelFileError) {
    let tensor = try checkpoint.need(source)
    try plan.add(target, tensor, scales: try scales(of: source, tensor))
  }

  /// The factors of 8-bit weights; nil for other weights.
  private mutating func scales(
    of name: String, _ tensor: SafetensorsFile.Tensor
  ) throws(ModelFileError) -> SafetensorsFile.Tensor? {
    guard tensor.format == .f8e4m3 else { return nil }
    guard name.hasSuffix(".weight") else {
      throw .tensor(name: name, problem: "has 8 bits, but no place for its factors")
    }
    return try checkpoint.need(String(name.dropLast("weight".count)) + "scale")
  }

  private mutating func addExperts(
    _ target: String, from: String, part: String, to plan: inout ConversionPlan
  ) throws(ModelFileError) {
    var plain: [ConvertedTensor.Source] = []
    var packed: [(codes: SafetensorsFile.Tensor, scales: SafetensorsFile.Tensor)] = []
    for expert in 0..<expertCount {
      let name = "\(from)\(expert).\(part)."
      let weight = try checkpoint.need("\(name)weight", axes: 2)
      switch weight.format {
      case .i8, .u8:
        packed.append((weight, try checkpoint.need("\(name)scale", axes: 2)))
      default:
        plain.append(
          ConvertedTensor.Source(
            weight: weight, tileScales: try scales(of: "\(name)weight", weight)))
      }
    }
    guard plain.isEmpty || packed.isEmpty else {
      throw .tensor(name: target, problem: "some of its experts have 4 bits, some have not")
    }
    guard let first = packed.first?.codes.shape else {
      try plan.addStacked(target, plain)
      return
    }
    for (codes, scales) in packed {
      // 16 bytes of codes for 32 values, which share a factor of one byte.
      guard codes.shape == first, first[1] > 0, first[1] % 16 == 0,
        scales.shape == [first[0], first[1] / 16], scales.format == .f8e8m0 || scales.format == .u8
      else {
        throw .tensor(
          name: codes.name,
          problem: "4-bit codes of the shape \(codes.shape) and factors of the shape "
            + "\(scales.shape) do not fit together")
      }
    }
    plan.add(target, shape: [first[1] * 2, first[0], expertCount], .microscaled(packed))
  }
}
