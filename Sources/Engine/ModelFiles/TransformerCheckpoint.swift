import GGUF
import JSON

/// Reads checkpoints of the families llama, qwen3, qwen3moe and qwen35moe.
///
/// Names of tensors are those of the models in transformers; targets and the order of rows are those of llama.cpp.
struct TransformerCheckpoint {
  let architecture: String
  let configuration: HuggingFaceConfiguration
  private(set) var checkpoint: Checkpoint

  let layerCount: Int
  let headCount: Int
  let keyHeadCount: Int
  let headWidth: Int
  /// Experts of a layer; 0 for dense models.
  let expertCount: Int

  private var isHybrid: Bool { architecture == "qwen35moe" }

  init(
    _ architecture: String, _ configuration: HuggingFaceConfiguration, _ checkpoint: Checkpoint
  ) throws(ModelFileError) {
    self.architecture = architecture
    self.configuration = configuration
    self.checkpoint = checkpoint
    layerCount = try configuration.integer("num_hidden_layers")
    headCount = try configuration.integer("num_attention_heads")
    keyHeadCount = try configuration.optionalInteger("num_key_value_heads") ?? headCount
    guard headCount > 0, keyHeadCount > 0, layerCount > 0 else {
      throw configuration.wrong("there are no layers or no heads")
    }
    if let stated = try configuration.optionalInteger("head_dim") {
      headWidth = stated
    } else {
      headWidth = try configuration.integer("hidden_size") / headCount
    }
    // Far above any model; tables are as long as a head.
    guard headWidth > 0, headWidth <= 1 << 16 else {
      throw configuration.wrong("heads of width \(headWidth) are impossible")
    }
    expertCount = architecture.hasSuffix("moe") ? try configuration.integer("num_experts") : 0
    guard try configuration.integers("mlp_only_layers")?.isEmpty ?? true,
      try configuration.optionalInteger("decoder_sparse_step") ?? 1 == 1
    else { throw configuration.wrong("models with experts in some layers only are not supported") }
    // The architecture in GGUF files has no place for a choice here.
    guard configuration.bool("norm_topk_prob") ?? true || architecture != "qwen3moe" else {
      throw configuration.wrong("experts whose weights are not normalised are not supported")
    }
  }

  /// The name of a tensor inside the text model; nil for other parts.
  static func textName(_ name: String) -> String? {
    for prefix in ["model.visual.", "visual.", "mtp."] where name.hasPrefix(prefix) { return nil }
    // A constant that old checkpoints hold.
    if name.hasSuffix(".rotary_emb.inv_freq") { return nil }
    let prefix = "model.language_model."
    return name.hasPrefix(prefix) ? "model." + name.dropFirst(prefix.count) : name
  }

  // MARK: - Metadata

  func addMetadata(to metadata: inout GGUFMetadata) throws(ModelFileError) {
    func set(_ key: String, _ value: MetadataValue?) {
      if let value { metadata["\(architecture).\(key)"] = value }
    }
    func count(_ value: Int?) -> MetadataValue? { value.map { .uint32(UInt32($0)) } }
    set("block_count", count(layerCount))
    set("context_length", count(try configuration.integer("max_position_embeddings")))
    set("embedding_length", count(try configuration.integer("hidden_size")))
    set("vocab_size", count(try configuration.integer("vocab_size")))
    set("feed_forward_length", count(try configuration.optionalInteger("intermediate_size")))
    set("attention.head_count", count(headCount))
    set("attention.head_count_kv", count(keyHeadCount))
    set("attention.key_length", count(headWidth))
    set("attention.value_length", count(headWidth))
    set(
      "attention.layer_norm_rms_epsilon",
      .float32(Float(try configuration.number("rms_norm_eps"))))
    set("rope.freq_base", .float32(Float(try ropeBase())))
    if expertCount > 0 {
      set("expert_count", count(expertCount))
      set("expert_used_count", count(try configuration.integer("num_experts_per_tok")))
      set("expert_feed_forward_length", count(try configuration.integer("moe_intermediate_size")))
      set(
        "expert_shared_feed_forward_length",
        count(try configuration.optionalInteger("shared_expert_intermediate_size")))
    }
    try addRopeScaling { set($0, $1) }
    if isHybrid {
      try addLinearAttention { set($0, $1) }
    } else if architecture == "llama" {
      set("rope.dimension_count", count(headWidth))
    }
  }

  private func ropeBase() throws(ModelFileError) -> Double {
    try configuration.optionalNumber("rope_theta") ?? configuration.ropeNumber("rope_theta")
      ?? 10_000
  }

  private var ropeType: String? {
    (configuration.rope("rope_type") ?? configuration.rope("type"))?.stringValue
  }

  private func addRopeScaling(
    _ set: (String, MetadataValue?) -> Void
  ) throws(ModelFileError) {
    switch ropeType {
    case nil, "default"?, "mrope"?, "llama3"?: break
    case "linear"?, "yarn"?:
      guard let factor = configuration.ropeNumber("factor") else {
        throw configuration.wrong("the scaling of rotary positions has no factor")
      }
      set("rope.scaling.type", .string(ropeType ?? ""))
      set("rope.scaling.factor", .float32(Float(factor)))
      if ropeType == "yarn" {
        guard let length = configuration.rope("original_max_position_embeddings")?.integerValue,
          let small = UInt32(exactly: length)
        else { throw configuration.wrong("YaRN without 'original_max_position_embeddings'") }
        set("rope.scaling.original_context_length", .uint32(small))
        for (name, key) in [
          ("attention_factor", "attn_factor"), ("beta_fast", "yarn_beta_fast"),
          ("beta_slow", "yarn_beta_slow"),
        ] {
          if let number = configuration.ropeNumber(name) {
            set("rope.scaling.\(key)", .float32(Float(number)))
          }
        }
      }
    case let other?:
      throw configuration.wrong("rotary positions of the type '\(other)' are not supported")
    }
  }

  private func addLinearAttention(
    _ set: (String, MetadataValue?) -> Void
  ) throws(ModelFileError) {
    let linear = try LinearAttention(configuration)
    let stated = try configuration.optionalNumber("partial_rotary_factor")
    let share = configuration.ropeNumber("partial_rotary_factor") ?? stated ?? 0.25
    guard share > 0, share <= 1 else {
      throw configuration.wrong("'partial_rotary_factor' is not between 0 and 1")
    }
    set("rope.dimension_count", .uint32(UInt32(Double(headWidth) * share)))
    // Qwen3.5 always rotates in sections; these are the defaults of its configuration.
    var sections = (configuration.rope("mrope_section")?.arrayValue ?? [11, 11, 10])
      .compactMap { $0.integerValue.flatMap(Int32.init(exactly:)) }
    sections += [Int32](repeating: 0, count: max(0, 4 - sections.count))
    set("rope.dimension_sections", .array(MetadataArray(sections.prefix(4))))
    set("ssm.conv_kernel", .uint32(UInt32(try configuration.integer("linear_conv_kernel_dim"))))
    set("ssm.state_size", .uint32(UInt32(linear.keyWidth)))
    set("ssm.group_count", .uint32(UInt32(linear.keyHeads)))
    set("ssm.time_step_rank", .uint32(UInt32(linear.valueHeads)))
    set("ssm.inner_size", .uint32(UInt32(linear.valueHeads * linear.valueWidth)))
    let interval = try configuration.optionalInteger("full_attention_interval") ?? 4
    set("full_attention_interval", .uint32(UInt32(interval)))
    if let types = configuration["layer_types"]?.arrayValue {
      guard types.count == layerCount else {
        throw configuration.wrong("'layer_types' names \(types.count) of \(layerCount) layers")
      }
      set(
        "attention.recurrent_layers",
        .array(MetadataArray(types.map { $0.stringValue == "linear_attention" })))
    }
  }

  // MARK: - Tensors

  mutating func addTensors(to plan: inout ConversionPlan) throws(ModelFileError) {
    // Norms of the hybrid family are stored as the difference from 1.
    let norm: ConvertedTensor.Transform = isHybrid ? .addOne : .none
    try plan.add("token_embd.weight", checkpoint.need("model.embed_tokens.weight", axes: 2))
    try plan.add("output_norm.weight", checkpoint.need("model.norm.weight", axes: 1), norm)
    if configuration.bool("tie_word_embeddings") == true {
      // The same values under a second name, in some checkpoints.
      checkpoint.drop("lm_head.weight")
    } else {
      try plan.add("output.weight", checkpoint.need("lm_head.weight", axes: 2))
    }
    if ropeType == "llama3" {
      let factors = try llama3Factors()
      plan.add("rope_freqs.weight", shape: [factors.count], .computed(factors))
    }
    for layer in 0..<layerCount {
      let from = "model.layers.\(layer)."
      let to = "blk.\(layer)."
      try plan.add(
        "\(to)attn_norm.weight", checkpoint.need("\(from)input_layernorm.weight", axes: 1), norm)
      if isHybrid, checkpoint.has("\(from)linear_attn.A_log") {
        try addLinearAttention(from: "\(from)linear_attn.", to: to, plan: &plan)
      } else {
        try addAttention(from: "\(from)self_attn.", to: to, norm: norm, plan: &plan)
      }
      let second = isHybrid ? "post_attention_norm" : "ffn_norm"
      try plan.add(
        "\(to)\(second).weight",
        checkpoint.need("\(from)post_attention_layernorm.weight", axes: 1), norm)
      if expertCount > 0 {
        try addExperts(from: "\(from)mlp.", to: to, plan: &plan)
      } else {
        for part in ["gate", "up", "down"] {
          try plan.add(
            "\(to)ffn_\(part).weight", checkpoint.need("\(from)mlp.\(part)_proj.weight", axes: 2))
        }
      }
    }
  }

  private mutating func addAttention(
    from: String, to: String, norm: ConvertedTensor.Transform, plan: inout ConversionPlan
  ) throws(ModelFileError) {
    for (source, target) in [("q", "q"), ("k", "k"), ("v", "v"), ("o", "output")] {
      let heads = source == "q" ? headCount : keyHeadCount
      let isPermuted = architecture == "llama" && (source == "q" || source == "k")
      let matrix = try checkpoint.need("\(from)\(source)_proj.weight", axes: 2)
      let bias = checkpoint.take("\(from)\(source)_proj.bias")
      for (tensor, suffix) in [(matrix, "weight"), (bias, "bias")] {
        guard let tensor else { continue }
        let name = "\(to)attn_\(target).\(suffix)"
        if isPermuted {
          try addPermuted(name, tensor, heads: heads, plan: &plan)
        } else {
          try plan.add(name, tensor)
        }
      }
    }
    for part in ["q", "k"] {
      guard architecture != "llama" else { continue }
      try plan.add(
        "\(to)attn_\(part)_norm.weight", checkpoint.need("\(from)\(part)_norm.weight", axes: 1),
        norm)
    }
  }

  /// The rows of every head in the order of llama files: transformers rotates the halves of a head against each
  /// other, llama files neighbours.
  private func addPermuted(
    _ name: String, _ tensor: SafetensorsFile.Tensor, heads: Int, plan: inout ConversionPlan
  ) throws(ModelFileError) {
    let isVector = tensor.shape.count == 1
    let rows = tensor.shape.first ?? 0
    guard rows % (2 * heads) == 0, rows > 0 else {
      throw .tensor(name: tensor.name, problem: "\(rows) rows are not \(heads) heads of pairs")
    }
    let half = rows / heads / 2
    var order: [Range<Int>] = []
    for head in 0..<heads {
      for pair in 0..<half {
        for part in 0..<2 {
          let row = (head * 2 + part) * half + pair
          order.append(row..<row + 1)
        }
      }
    }
    let source = ConvertedTensor.Source(weight: tensor)
    if isVector {
      let whole = ConvertedTensor.Segment(source: 0, rows: 0..<1)
      try plan.add(name, [source], [whole], shape: [rows], columns: order)
    } else {
      try plan.add(
        name, [source], order.map { ConvertedTensor.Segment(source: 0, rows: $0) },
        shape: tensor.shape.reversed())
    }
  }

  /// Factors on the frequencies of Llama 3.1 and later, one for each pair of a head.
  private func llama3Factors() throws(ModelFileError) -> [Float] {
    guard let factor = configuration.ropeNumber("factor"),
      let low = configuration.ropeNumber("low_freq_factor"),
      let high = configuration.ropeNumber("high_freq_factor"),
      let length = configuration.ropeNumber("original_max_position_embeddings"),
      factor > 0, low > 0, high > low, length > 0
    else { throw configuration.wrong("the scaling of type 'llama3' is incomplete") }
    let base = try ropeBase()
    return (0..<headWidth / 2).map { pair in
      let wavelength = 2 * Double.pi * power(base, 2 * Double(pair) / Double(headWidth))
      if wavelength < length / high { return 1 }
      if wavelength > length / low { return Float(factor) }
      let smooth = (length / wavelength - low) / (high - low)
      return Float(1 / ((1 - smooth) / factor + smooth))
    }
  }

  private mutating func addExperts(
    from: String, to: String, plan: inout ConversionPlan
  ) throws(ModelFileError) {
    try plan.add("\(to)ffn_gate_inp.weight", checkpoint.need("\(from)gate.weight", axes: 2))
    if let fused = checkpoint.take("\(from)experts.gate_up_proj") {
      let down = try checkpoint.need("\(from)experts.down_proj", axes: 3)
      guard fused.shape.count == 3, fused.shape[0] == expertCount, fused.shape[1] % 2 == 0 else {
        throw .tensor(name: fused.name, problem: "has the shape \(fused.shape)")
      }
      let width = fused.shape[1] / 2
      for (index, part) in ["gate", "up"].enumerated() {
        let segments = (0..<expertCount).map { expert in
          let first = expert * 2 * width + index * width
          return ConvertedTensor.Segment(source: 0, rows: first..<first + width)
        }
        try plan.add(
          "\(to)ffn_\(part)_exps.weight", [ConvertedTensor.Source(weight: fused)], segments,
          shape: [fused.shape[2], width, expertCount])
      }
      try plan.add("\(to)ffn_down_exps.weight", down)
    } else {
      for part in ["gate", "up", "down"] {
        var sources: [ConvertedTensor.Source] = []
        for expert in 0..<expertCount {
          let name = "\(from)experts.\(expert).\(part)_proj.weight"
          sources.append(ConvertedTensor.Source(weight: try checkpoint.need(name, axes: 2)))
        }
        try plan.addStacked("\(to)ffn_\(part)_exps.weight", sources)
      }
    }
    guard let gate = checkpoint.take("\(from)shared_expert_gate.weight") else { return }
    try plan.add("\(to)ffn_gate_inp_shexp.weight", gate)
    for part in ["gate", "up", "down"] {
      try plan.add(
        "\(to)ffn_\(part)_shexp.weight",
        checkpoint.need("\(from)shared_expert.\(part)_proj.weight", axes: 2))
    }
  }

  private mutating func addLinearAttention(
    from: String, to: String, plan: inout ConversionPlan
  ) throws(ModelFileError) {
    let linear = try LinearAttention(configuration)
    let keys = 2 * linear.keyHeads * linear.keyWidth
    let values = linear.valueHeads * linear.valueWidth
    func add(
      _ target: String, _ source: String, rows: Int, skip: Int = 0, width: Int,
      checkpoint: inout Checkpoint, _ transform: ConvertedTensor.Transform = .none
    ) throws(ModelFileError) {
      let tensor = try checkpoint.need(from + source)
      guard tensor.shape.first == rows else {
        throw .tensor(
          name: tensor.name, problem: "has the shape \(tensor.shape); \(rows) rows are needed")
      }
      let order = (skip > 0 ? [0..<skip] : []) + linear.valueOrder(from: skip, width: width)
      let unit = ConvertedTensor.Source(weight: tensor)
      if tensor.shape.count == 1 {
        let whole = ConvertedTensor.Segment(source: 0, rows: 0..<1)
        try plan.add(to + target, [unit], [whole], shape: [rows], columns: order, transform)
      } else {
        // Axes of length 1 (the groups of a convolution) are dropped.
        let shape = [tensor.shape[tensor.shape.count - 1], rows]
        try plan.add(
          to + target, [unit], order.map { ConvertedTensor.Segment(source: 0, rows: $0) },
          shape: shape, transform)
      }
    }
    try add(
      "attn_qkv.weight", "in_proj_qkv.weight", rows: keys + values, skip: keys,
      width: linear.valueWidth, checkpoint: &checkpoint)
    try add(
      "attn_gate.weight", "in_proj_z.weight", rows: values, width: linear.valueWidth,
      checkpoint: &checkpoint)
    try add(
      "ssm_beta.weight", "in_proj_b.weight", rows: linear.valueHeads, width: 1,
      checkpoint: &checkpoint)
    try add(
      "ssm_alpha.weight", "in_proj_a.weight", rows: linear.valueHeads, width: 1,
      checkpoint: &checkpoint)
    try add(
      "ssm_conv1d.weight", "conv1d.weight", rows: keys + values, skip: keys,
      width: linear.valueWidth, checkpoint: &checkpoint)
    try add("ssm_dt.bias", "dt_bias", rows: linear.valueHeads, width: 1, checkpoint: &checkpoint)
    try add(
      "ssm_a", "A_log", rows: linear.valueHeads, width: 1, checkpoint: &checkpoint,
      .negativeExponential)
    try plan.add("\(to)ssm_norm.weight", checkpoint.need("\(from)norm.weight", axes: 1))
    let output = try checkpoint.need("\(from)out_proj.weight", axes: 2)
    guard output.shape[1] == values else {
      throw .tensor(name: output.name, problem: "has the shape \(output.shape)")
    }
    try plan.add(
      "\(to)ssm_out.weight", [ConvertedTensor.Source(weight: output)],
      [ConvertedTensor.Segment(source: 0, rows: 0..<output.shape[0])],
      shape: output.shape.reversed(),
      columns: linear.isReordered ? linear.valueOrder(from: 0, width: linear.valueWidth) : nil)
  }
}

/// The heads of linear attention (gated delta net).
struct LinearAttention {
  let keyHeads: Int
  let valueHeads: Int
  let keyWidth: Int
  let valueWidth: Int

  init(_ configuration: HuggingFaceConfiguration) throws(ModelFileError) {
    keyHeads = try configuration.integer("linear_num_key_heads")
    valueHeads = try configuration.integer("linear_num_value_heads")
    keyWidth = try configuration.integer("linear_key_head_dim")
    valueWidth = try configuration.integer("linear_value_head_dim")
    guard keyHeads > 0, valueHeads > 0, keyWidth > 0, valueWidth > 0, valueHeads % keyHeads == 0,
      // Far above any model; products of two stay small.
      max(keyHeads, valueHeads, keyWidth, valueWidth) < 1 << 20
    else { throw configuration.wrong("the heads of linear attention are impossible") }
  }

  var isReordered: Bool { keyHeads != valueHeads }

  /// Where the value heads of a GGUF file come from: checkpoints keep the heads of one key together, GGUF files (so
  /// that keys can be repeated as a whole) the first heads of all keys, then the second ones.
  func valueOrder(from start: Int, width: Int) -> [Range<Int>] {
    guard isReordered else { return [start..<start + valueHeads * width] }
    let perKey = valueHeads / keyHeads
    return (0..<valueHeads).map { head in
      let source = head % keyHeads * perKey + head / keyHeads
      return start + source * width..<start + (source + 1) * width
    }
  }
}

extension ConversionPlan {
  /// Matrices of one shape as one tensor with a third axis.
  mutating func addStacked(
    _ name: String, _ sources: [ConvertedTensor.Source]
  ) throws(ModelFileError) {
    guard let first = sources.first?.weight.shape else { return }
    if let other = sources.first(where: { $0.weight.shape != first }) {
      throw .tensor(
        name: other.weight.name,
        problem: "has the shape \(other.weight.shape), others have \(first)")
    }
    try add(
      name, sources,
      sources.indices.map { ConvertedTensor.Segment(source: $0, rows: 0..<first[0]) },
      shape: first.reversed() + [sources.count])
  }
}
