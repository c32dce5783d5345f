import GGUF

/// The numbers that describe a DeepSeek V4 model (specification, 1, 2 and 10.1).
///
/// Nothing is taken for granted: what a file does not say is derived from the shapes of its tensors or, where they do not
/// tell, from the family's usual value; both are recorded in `common.derivations`.
package struct DeepSeek4Shape: Hashable, Sendable {
  /// One layer.
  package struct Layer: Hashable, Sendable {
    /// Tokens per compressed row; 0 for a layer that sees its window only.
    package var ratio: Int
    /// Whether a compressed row also pools the group before it (ratio 4).
    package var overlaps: Bool
    /// Whether an indexer chooses the compressed rows a query sees (ratio 4).
    package var hasIndexer: Bool
    /// Whether a table says which experts a token goes to.
    package var hasHashRouting: Bool
    /// The inner width of one expert.
    package var expertWidth: Int
    /// The limit of routed experts' activations; nil for none.
    package var expertLimit: Float?
    /// The limit of the shared expert's activations; nil for none.
    package var sharedLimit: Float?
  }

  /// What the block that predicts the token after next is called in the file (10.2).
  package enum PredictionDialect: Hashable, Sendable {
    /// `mtp.0.*`, with matrices for embedding and state apart
    case separate
    /// `blk.N.*` and `blk.N.nextn.*`, with one joined matrix
    case joined(block: Int)

    /// What the names of the block's tensors start with.
    package var prefix: String {
      switch self {
      case .separate: "mtp.0"
      case .joined(let block): "blk.\(block)"
      }
    }
  }

  /// What all families have.
  package var common: ModelShape
  /// The layers of the trunk.
  package var layers: [Layer]
  /// The prediction block, when the file has one; its attention has ratio 0.
  package var prediction: Layer?
  /// How the prediction block's tensors are named.
  package var predictionDialect: PredictionDialect?

  /// Query heads.
  package var headCount: Int
  /// The width of a head, and of the one key and value row all heads share.
  package var headWidth: Int
  /// The last columns of a head, which are rotated.
  package var rotaryWidth: Int
  /// The low rank of queries.
  package var queryRank: Int
  /// The groups of heads of the output projection.
  package var outputGroups: Int
  /// The rank of each group.
  package var outputRank: Int
  /// How many tokens a query sees uncompressed, its own included.
  package var window: Int

  /// The indexer's heads; 0 when no layer has one.
  package var indexHeads: Int
  /// The width of an indexer head.
  package var indexWidth: Int
  /// How many compressed rows the indexer chooses.
  package var indexLimit: Int

  /// Base of the frequencies of layers with ratio 0.
  package var rotaryBase: Double
  /// Base of the frequencies of layers with compression.
  package var compressedRotaryBase: Double
  /// How the context of layers with compression was stretched; nil when it was not.
  package var yarn: RotaryFrequencies.YaRN?

  /// Experts that every token goes to, as one expert of that many times the width.
  package var sharedExperts: Int
  /// What the chosen experts' weights are multiplied with.
  package var expertScale: Float
  /// Whether the chosen experts' weights are made to sum to 1.
  package var normalizesExperts: Bool
  /// The router's score by its number in files: 1 softmax, 2 sigmoid, 4 square root of softplus.
  package var gatingFunction: Int

  /// Residual streams.
  package var streams: Int
  /// Sinkhorn rounds, the first included.
  package var sinkhornIterations: Int
  /// Of the hyper-connections.
  package var streamEpsilon: Float
  /// Of the RMS norms.
  package var epsilon: Float

  /// The columns of a head that are not rotated (and may be rounded).
  package var positionFreeWidth: Int { headWidth - rotaryWidth }
  /// The columns of an indexer head that are not rotated.
  package var indexPositionFreeWidth: Int { indexWidth - rotaryWidth }
}

extension DeepSeek4Shape {
  // Upper bounds of sizes: far above any model, low enough that products of two fit an Int easily.
  static let sizes = 1...(1 << 24)
  static let counts = 1...(1 << 16)

  /// Reads the shape of a file. Tensors are looked at only for keys that are missing, except for which layers have
  /// which optional parts.
  package init(_ file: GGUFFile) throws(ModelError) {
    var keys = try ArchitectureMetadata(file)
    func axis(_ name: String, _ axis: Int) -> Int? {
      guard let tensor = file.tensor(name), axis < tensor.shape.count else { return nil }
      return tensor.shape[axis]
    }
    func shape(of name: String) -> String { "the shape of '\(name)'" }

    let (layerCount, dialect) = try Self.layerCount(&keys, file: file)
    predictionDialect = dialect
    let width = try keys.integer(
      "embedding_length", in: Self.sizes, derived: axis("token_embd.weight", 0),
      from: shape(of: "token_embd.weight"))
    let vocabularyCount = try keys.integer(
      "vocab_size", in: 1...Int(Int32.max), derived: axis("token_embd.weight", 1),
      from: shape(of: "token_embd.weight"))
    let contextLength = try keys.integer(
      "context_length", in: 1...Int(Int32.max), default: 1_048_576)

    headCount = try keys.integer(
      "attention.head_count", in: Self.counts, derived: axis("blk.0.attn_sinks.weight", 0),
      from: shape(of: "blk.0.attn_sinks.weight"))
    headWidth = try keys.integer(
      "attention.key_length", in: Self.counts, derived: axis("blk.0.attn_kv.weight", 1),
      from: shape(of: "blk.0.attn_kv.weight"))
    queryRank = try keys.integer(
      "attention.q_lora_rank", in: Self.sizes, derived: axis("blk.0.attn_q_a.weight", 1),
      from: shape(of: "blk.0.attn_q_a.weight"))
    let output = "blk.0.attn_output_a.weight"
    let heads = headCount * headWidth
    outputGroups = try keys.integer(
      "attention.output_group_count", in: Self.counts,
      derived: axis(output, 0).flatMap { $0 > 0 && heads % $0 == 0 ? heads / $0 : nil },
      from: shape(of: output))
    let groups = outputGroups
    outputRank = try keys.integer(
      "attention.output_lora_rank", in: Self.sizes,
      derived: axis(output, 1).flatMap { $0 % groups == 0 ? $0 / groups : nil },
      from: shape(of: output))
    window = try keys.integer("attention.sliding_window", in: Self.sizes, default: 128)
    rotaryWidth = try keys.integer("rope.dimension_count", in: 2...(1 << 16), default: 64)

    streams = try keys.integer(
      "hyper_connection.count", in: 1...16, derived: axis("output_hc_base.weight", 0),
      from: shape(of: "output_hc_base.weight"))
    sinkhornIterations = try keys.integer(
      "hyper_connection.sinkhorn_iterations", in: 1...10_000, default: 20)
    streamEpsilon = Float(
      try keys.number("hyper_connection.epsilon", in: 0...1, default: 1e-6))
    epsilon = Float(
      try keys.number("attention.layer_norm_rms_epsilon", in: 0...1, default: 1e-6))

    let expertCount = try keys.integer(
      "expert_count", in: Self.counts, derived: axis("blk.0.ffn_gate_inp.weight", 1),
      from: shape(of: "blk.0.ffn_gate_inp.weight"))
    let expertsPerToken = try Self.expertsPerToken(
      &keys, table: axis("blk.0.ffn_gate_tid2eid.weight", 0), experts: expertCount)
    sharedExperts = try keys.integer("expert_shared_count", in: 1...1024, default: 1)
    expertScale = Float(
      try keys.number("expert_weights_scale", in: -1e6...1e6, default: 1.5))
    normalizesExperts = try keys.bool("expert_weights_norm", default: true)
    gatingFunction = try keys.integer("expert_gating_func", in: 0...255, default: 4)

    rotaryBase = try keys.number("rope.freq_base", in: 1.001...1e12, default: 10_000)
    compressedRotaryBase = try keys.number(
      "attention.compress_rope_freq_base", in: 1.001...1e12, default: 160_000)
    yarn = try Self.yarn(&keys)

    let described = layerCount + (dialect == nil ? 0 : 1)
    let trunk = try Self.layers(
      &keys, file: file, count: layerCount, described: described, headWidth: headWidth)
    layers = trunk.layers
    prediction = trunk.prediction

    if let indexed = layers.firstIndex(where: \.hasIndexer) {
      let (proj, norm) = (
        "blk.\(indexed).indexer.proj.weight", "blk.\(indexed).indexer_compressor_norm.weight"
      )
      indexHeads = try keys.integer(
        "attention.indexer.head_count", in: Self.counts, derived: axis(proj, 1),
        from: shape(of: proj))
      indexWidth = try keys.integer(
        "attention.indexer.key_length", in: Self.counts, derived: axis(norm, 0),
        from: shape(of: norm))
      indexLimit = try keys.integer("attention.indexer.top_k", in: 1...(1 << 20), default: 512)
    } else {
      (indexHeads, indexWidth, indexLimit) = (0, 0, 0)
    }

    common = ModelShape(
      architecture: keys.architecture, vocabularyCount: vocabularyCount, width: width,
      layerCount: layerCount, contextLength: contextLength, expertCount: expertCount,
      expertsPerToken: expertsPerToken, derivations: keys.derivations)
    try checkConsistency(keys)
  }

  /// The layers of the trunk, and how a prediction block is named if there is one.
  ///
  /// `block_count` counts the trunk's layers in some files and also the prediction block in others; the tensors tell.
  private static func layerCount(
    _ keys: inout ArchitectureMetadata, file: GGUFFile
  ) throws(ModelError) -> (Int, PredictionDialect?) {
    func isPrediction(_ block: Int) -> Bool {
      file.tensor("blk.\(block).nextn.eh_proj.weight") != nil
    }
    var counted = 0
    while file.tensor("blk.\(counted).attn_norm.weight") != nil, !isPrediction(counted) {
      counted += 1
    }
    let predicted = try keys.optionalInteger("nextn_predict_layers", in: 0...16) ?? 0
    let blocks = try keys.integer(
      "block_count", in: 1...4096, derived: counted > 0 ? counted : nil,
      from: "the tensors named 'blk.N.attn_norm.weight'")

    var trunk = blocks
    if isPrediction(blocks - predicted) {
      trunk = blocks - predicted
    } else if predicted > 0, predicted < blocks, counted == blocks - predicted {
      trunk = counted
      keys.recordDerivation(
        "the last \(predicted) of \(blocks) blocks predict further tokens and are not in the file")
    }
    guard trunk >= 1 else {
      throw .metadata(
        key: keys.name("nextn_predict_layers"), problem: "leaves no layer of \(blocks)")
    }
    if isPrediction(trunk) { return (trunk, .joined(block: trunk)) }
    return (trunk, file.tensor("mtp.0.attn_norm.weight") == nil ? nil : .separate)
  }

  private static func expertsPerToken(
    _ keys: inout ArchitectureMetadata, table: Int?, experts: Int
  ) throws(ModelError) -> Int {
    let range = 1...experts
    guard let table else { return try keys.integer("expert_used_count", in: range, default: 6) }
    return try keys.integer(
      "expert_used_count", in: range, derived: table,
      from: "the shape of 'blk.0.ffn_gate_tid2eid.weight'")
  }

  private static func yarn(
    _ keys: inout ArchitectureMetadata
  ) throws(ModelError) -> RotaryFrequencies.YaRN? {
    let type = try keys.optionalString("rope.scaling.type")
    switch type {
    case nil, "yarn": break
    case "none": return nil
    case .some(let name):
      throw .metadata(
        key: keys.name("rope.scaling.type"), problem: "is '\(name)'; known are 'yarn' and 'none'")
    }
    let factor = try keys.number("rope.scaling.factor", in: 1...1e6, default: 16)
    return RotaryFrequencies.YaRN(
      factor: factor,
      originalLength: Double(
        try keys.integer(
          "rope.scaling.original_context_length", in: 1...Int(Int32.max), default: 65_536)),
      betaFast: try keys.number("rope.scaling.yarn_beta_fast", in: 1e-3...1e6, default: 32),
      betaSlow: try keys.number("rope.scaling.yarn_beta_slow", in: 1e-3...1e6, default: 1))
  }

  private static func layers(
    _ keys: inout ArchitectureMetadata, file: GGUFFile, count: Int, described: Int, headWidth: Int
  ) throws(ModelError) -> (layers: [Layer], prediction: Layer?) {
    func has(_ index: Int, _ part: String) -> Bool {
      file.tensor("blk.\(index).\(part).weight") != nil
    }
    func axis(_ name: String, _ axis: Int) -> Int? {
      guard let tensor = file.tensor(name), axis < tensor.shape.count else { return nil }
      return tensor.shape[axis]
    }
    /// The values of `count` trunk layers and, if there is one, of the prediction block: lists need not cover it.
    func perLayer<Value>(_ values: [Value]) -> [Value] {
      values + Array(repeating: values[values.count - 1], count: described - values.count)
    }

    var ratios: [Int]
    if let given = try keys.optionalIntegers(
      "attention.compress_ratios", count: count, in: 0...tokensPerPage)
    {
      ratios = given
    } else {
      ratios = (0..<count).map { axis("blk.\($0).attn_compressor_ape.weight", 1) ?? 0 }
      keys.recordDerivation(
        "\(keys.name("attention.compress_ratios")) = \(ratios), from the shapes of "
          + "'blk.N.attn_compressor_ape.weight'")
    }
    for (index, ratio) in ratios.enumerated() where ratio != 0 && tokensPerPage % ratio != 0 {
      throw .metadata(
        key: keys.name("attention.compress_ratios"),
        problem: "layer \(index) has the ratio \(ratio), which does not divide \(tokensPerPage)")
    }

    let hashed = try hashLayers(&keys, file: file, count: count)

    let widths: [Int]
    if let given = try keys.optionalIntegers(
      "expert_feed_forward_length", count: count, in: sizes)
    {
      widths = perLayer(given)
    } else {
      let name = "blk.0.ffn_gate_exps.weight"
      let width = try keys.integer(
        "expert_feed_forward_length", in: sizes, derived: axis(name, 1),
        from: "the shape of '\(name)'")
      widths = Array(repeating: width, count: described)
    }

    let usual = Array(repeating: 10.0, count: count)
    let given = try keys.optionalNumbers("swiglu_clamp_exp", count: count, in: 0...1e30)
    if given == nil {
      keys.recordDerivation("\(keys.name("swiglu_clamp_exp")) = 10, the family's usual value")
    }
    let limits = perLayer(given ?? usual)
    let sharedLimits = perLayer(
      try keys.optionalNumbers("swiglu_clamp_shexp", count: count, in: 0...1e30)
        ?? Array(limits.prefix(count)))

    func layer(_ index: Int, ratio: Int, hash: Bool) -> Layer {
      let keyColumns = axis("blk.\(index).attn_compressor_kv.weight", 1)
      return Layer(
        ratio: ratio,
        overlaps: ratio != 0 && (keyColumns.map { $0 == 2 * headWidth } ?? (ratio == 4)),
        hasIndexer: ratio != 0 && (ratio == 4 || has(index, "indexer.proj")),
        hasHashRouting: hash, expertWidth: widths[index],
        expertLimit: limits[index] > 0 ? Float(limits[index]) : nil,
        sharedLimit: sharedLimits[index] > 0 ? Float(sharedLimits[index]) : nil)
    }
    let trunk = (0..<count).map { layer($0, ratio: ratios[$0], hash: hashed[$0]) }
    return (trunk, described > count ? layer(count, ratio: 0, hash: false) : nil)
  }

  /// Which layers choose experts by a table of token ids.
  private static func hashLayers(
    _ keys: inout ArchitectureMetadata, file: GGUFFile, count: Int
  ) throws(ModelError) -> [Bool] {
    let found = (0..<count).map { file.tensor("blk.\($0).ffn_gate_tid2eid.weight") != nil }
    guard let given = try keys.optionalInteger("hash_layer_count", in: 0...count) else {
      keys.recordDerivation(
        "\(keys.name("hash_layer_count")) = \(found.filter(\.self).count), from the tensors named "
          + "'blk.N.ffn_gate_tid2eid.weight'")
      return found
    }
    for index in given..<count where found[index] {
      throw .metadata(
        key: keys.name("hash_layer_count"),
        problem: "is \(given), but the file has 'blk.\(index).ffn_gate_tid2eid.weight'")
    }
    return (0..<count).map { $0 < given }
  }

  /// Refuses what no tensor shape would show.
  private func checkConsistency(_ keys: ArchitectureMetadata) throws(ModelError) {
    func refuse(_ key: String, _ problem: String) -> ModelError {
      .metadata(key: keys.name(key), problem: problem)
    }
    if let width = try keys.optionalInteger("attention.value_length", in: Self.counts),
      width != headWidth
    {
      throw refuse(
        "attention.value_length",
        "is \(width), but keys are \(headWidth) wide; one row serves as both")
    }
    if let count = try keys.optionalInteger("attention.head_count_kv", in: Self.counts), count != 1
    {
      throw refuse("attention.head_count_kv", "is \(count); all heads share one row")
    }
    if let width = try keys.optionalInteger("embedding_length_out", in: 1...Int(Int32.max)),
      width != common.width * streams, width != common.width
    {
      throw refuse(
        "embedding_length_out", "is \(width), not \(streams) streams of \(common.width)")
    }
    guard rotaryWidth % 2 == 0, rotaryWidth <= headWidth else {
      throw refuse(
        "rope.dimension_count", "is \(rotaryWidth), not an even part of heads of \(headWidth)")
    }
    guard headCount % outputGroups == 0 else {
      throw refuse(
        "attention.output_group_count",
        "is \(outputGroups), which does not divide "
          + "\(headCount) heads")
    }
    guard [1, 2, 4].contains(gatingFunction) else {
      throw refuse(
        "expert_gating_func",
        "is \(gatingFunction); known are 1 (softmax), 2 (sigmoid), 4 (square root of softplus)")
    }
    guard indexHeads > 0 else { return }
    guard rotaryWidth <= indexWidth else {
      throw refuse(
        "attention.indexer.key_length", "is \(indexWidth), less than the \(rotaryWidth) rotated")
    }
    guard indexWidth & (indexWidth - 1) == 0 else {
      throw refuse(
        "attention.indexer.key_length",
        "is \(indexWidth), no power of two, which the Hadamard transform asks for")
    }
  }
}
