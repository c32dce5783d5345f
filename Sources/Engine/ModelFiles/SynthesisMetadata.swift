import GGUF

/// The metadata of a synthesised model: the keys that converters write for its family.
struct SynthesisMetadata {
  let shape: SynthesisShape
  let layers: Int
  private(set) var metadata = GGUFMetadata()

  init(_ shape: SynthesisShape, layers: Int, seed: UInt64, mix: QuantizationMix) {
    self.shape = shape
    self.layers = layers
    metadata["general.architecture"] = text(shape.family.rawValue)
    metadata["general.name"] = text(
      "\(shape.name), \(layers) of \(shape.layers) layers, random weights, seed \(seed)")
    metadata["general.quantization_version"] = .uint32(2)
    metadata["general.file_type"] = .uint32(mix.fileType)
    set("block_count", layers)
    set("context_length", shape.context)
    set("vocab_size", shape.vocabulary)
    set("embedding_length", shape.width)
    set("feed_forward_length", shape.feedForward)
    set("attention.head_count", shape.heads)
    set("attention.head_count_kv", shape.keyHeads)
    set("attention.key_length", shape.headWidth)
    set("attention.value_length", shape.headWidth)
    set("attention.layer_norm_rms_epsilon", shape.epsilon)
    set("rope.freq_base", shape.ropeBase)
    if shape.experts > 0 {
      set("expert_count", shape.experts)
      set("expert_used_count", shape.chosenExperts)
      set("expert_feed_forward_length", shape.expertWidth)
    }
    switch shape.family {
    case .llama: set("rope.dimension_count", shape.headWidth)
    case .qwen3, .qwen3moe: break
    case .qwen35moe: if let recurrent = shape.recurrent { addRecurrent(recurrent) }
    case .deepseek4: if let compressed = shape.compressed { addCompressed(compressed) }
    }
    SynthesisVocabulary(shape).add(to: &metadata)
  }

  private func text(_ value: String) -> MetadataValue { .string([UInt8](value.utf8)) }

  private mutating func set(_ key: String, _ value: Int) {
    metadata["\(shape.family.rawValue).\(key)"] = .uint32(UInt32(clamping: value))
  }

  private mutating func set(_ key: String, _ value: Float) {
    metadata["\(shape.family.rawValue).\(key)"] = .float32(value)
  }

  private mutating func set(_ key: String, _ value: MetadataValue) {
    metadata["\(shape.family.rawValue).\(key)"] = value
  }

  private mutating func addRecurrent(_ recurrent: SynthesisShape.Recurrent) {
    set("expert_shared_feed_forward_length", shape.sharedWidth)
    set("rope.dimension_count", recurrent.rotaryWidth)
    set("rope.dimension_sections", .array(MetadataArray(recurrent.sections)))
    set("ssm.conv_kernel", 4)
    set("ssm.state_size", recurrent.headWidth)
    set("ssm.group_count", recurrent.keyHeads)
    set("ssm.time_step_rank", recurrent.valueHeads)
    set("ssm.inner_size", recurrent.innerWidth)
    set("full_attention_interval", recurrent.interval)
    let layersThatRecur = (0..<layers).map { ($0 + 1) % recurrent.interval != 0 }
    set("attention.recurrent_layers", .array(MetadataArray(layersThatRecur)))
  }

  private mutating func addCompressed(_ compressed: SynthesisShape.Compressed) {
    set("embedding_length_out", shape.width * compressed.streams)
    set("attention.q_lora_rank", compressed.queryRank)
    set("attention.sliding_window", compressed.window)
    set("attention.output_group_count", compressed.outputGroups)
    set("attention.output_lora_rank", compressed.outputRank)
    set("attention.indexer.head_count", compressed.indexHeads)
    set("attention.indexer.key_length", compressed.indexWidth)
    set("attention.indexer.top_k", compressed.indexChosen)
    let ratios = compressed.ratios(layers).map { Int32($0) }
    set("attention.compress_ratios", .array(MetadataArray(ratios)))
    set("attention.compress_rope_freq_base", Float(160_000))
    set("rope.dimension_count", compressed.rotaryWidth)
    set("rope.scaling.type", text("yarn"))
    set("rope.scaling.factor", Float(16))
    set("rope.scaling.original_context_length", compressed.originalContext)
    set("rope.scaling.yarn_beta_fast", Float(32))
    set("rope.scaling.yarn_beta_slow", Float(1))
    set("expert_shared_count", 1)
    set("expert_weights_scale", compressed.expertScale)
    set("expert_weights_norm", .bool(true))
    set("expert_gating_func", 4)
    let limits = [Float](repeating: 10, count: layers)
    set("swiglu_clamp_exp", .array(MetadataArray(limits)))
    set("swiglu_clamp_shexp", .array(MetadataArray(limits)))
    set("hash_layer_count", min(compressed.hashLayers, layers))
    set("hyper_connection.count", compressed.streams)
    set("hyper_connection.sinkhorn_iterations", 20)
    set("hyper_connection.epsilon", Float(1e-6))
  }
}
