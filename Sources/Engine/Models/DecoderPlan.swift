import GGUF
import Kernels

/// What a family says about its decoder: everything `TransformerDecoder` needs beside the tensors.
struct DecoderPlan<Operations: TensorOperations> {
  var shape: ModelShape
  var attention: GroupedQueryAttention<Operations>.Shape
  var rotation: Rotation
  /// Of all norms over the width and over heads.
  var epsilon: Float
  /// Whether queries and keys are normalised head by head.
  var normalizesHeads: Bool
  /// The tensor of the norm before the feed-forward block, without prefix and suffix.
  var feedForwardNorm: String
  /// The inner width of dense feed-forward blocks; without meaning where there are experts.
  var inner: Int
  /// The experts of every layer; nil for dense models.
  var experts: MixtureOfExperts<Operations>.Shape?
  /// The gated delta nets; nil where all layers attend.
  var delta: GatedDeltaNet<Operations>.Shape?
  /// The layers with a gated delta net.
  var recurrentLayers: Set<Int> = []
}

/// Reads what all families of decoders have in common from a file's metadata and tensors.
struct DecoderMetadata {
  /// Bounds of what is believed; far beyond any model, and small enough that products do not overflow.
  enum Limits {
    static let width = 1...1 << 20
    static let layers = 1...4096
    static let heads = 1...1 << 16
    static let headWidth = 1...1 << 16
    static let vocabulary = 1...1 << 28
    static let context = 1...1 << 30
    static let experts = 1...1 << 16
  }

  /// Values that stand in for missing keys.
  struct Defaults {
    var contextLength: Int
    var epsilon: Double
    var frequencyBase: Double
    var expertsPerToken: Int
  }

  private(set) var metadata: ArchitectureMetadata
  let file: GGUFFile
  let defaults: Defaults
  /// The width of the residual stream.
  let width: Int
  let vocabularyCount: Int
  /// The layers of the trunk, without those that predict further tokens.
  let layerCount: Int
  let contextLength: Int
  let epsilon: Float

  init(_ file: GGUFFile, defaults: Defaults) throws(ModelError) {
    var metadata = try ArchitectureMetadata(file)
    self.file = file
    self.defaults = defaults
    width = try metadata.integer(
      "embedding_length", in: Limits.width, derived: Self.size(file, "token_embd.weight", 0),
      from: "the shape of 'token_embd.weight'")
    vocabularyCount = try metadata.integer(
      "vocab_size", in: Limits.vocabulary, derived: Self.size(file, "token_embd.weight", 1),
      from: "the shape of 'token_embd.weight'")
    let blocks = try metadata.integer(
      "block_count", in: Limits.layers, derived: Self.countBlocks(file), from: "the tensors' names")
    let predicting =
      try metadata.optionalInteger("nextn_predict_layers", in: 0...blocks - 1) ?? 0
    layerCount = blocks - predicting
    contextLength = try metadata.integer(
      "context_length", in: Limits.context, default: defaults.contextLength)
    epsilon = Float(
      try metadata.number(
        "attention.layer_norm_rms_epsilon", in: 0...1, default: defaults.epsilon))
    self.metadata = metadata
  }

  /// The size of an axis of a tensor; nil when the tensor is missing.
  func size(of name: String, axis: Int) -> Int? { Self.size(file, name, axis) }

  private static func size(_ file: GGUFFile, _ name: String, _ axis: Int) -> Int? {
    guard let view = file.tensor(name) else { return nil }
    return axis < view.shape.count ? view.shape[axis] : 1
  }

  private static func countBlocks(_ file: GGUFFile) -> Int? {
    var count = 0
    while file.tensor("blk.\(count).attn_norm.weight") != nil { count += 1 }
    return count > 0 ? count : nil
  }

  // MARK: Single values

  /// As `ArchitectureMetadata.integer(_:in:derived:from:)`, deriving from an axis of a tensor.
  mutating func integer(
    _ key: String, in range: ClosedRange<Int>, axis: Int, of tensor: String
  ) throws(ModelError) -> Int {
    try metadata.integer(
      key, in: range, derived: size(of: tensor, axis: axis), from: "the shape of '\(tensor)'")
  }

  mutating func integer(
    _ key: String, in range: ClosedRange<Int>, derived: Int?, from source: String
  ) throws(ModelError) -> Int {
    try metadata.integer(key, in: range, derived: derived, from: source)
  }

  mutating func integer(
    _ key: String, in range: ClosedRange<Int>, default usual: Int
  ) throws(ModelError) -> Int {
    try metadata.integer(key, in: range, default: usual)
  }

  mutating func number(
    _ key: String, in range: ClosedRange<Double>, default usual: Double
  ) throws(ModelError) -> Double {
    try metadata.number(key, in: range, default: usual)
  }

  /// True or false for each of `count` layers from an array, which may be longer; nil when the key is missing.
  func flags(_ key: String, count: Int) throws(ModelError) -> [Bool]? {
    let name = metadata.name(key)
    guard metadata.contains(key) else { return nil }
    guard let flags = metadata.metadata.bools(name), flags.count >= count else {
      throw .metadata(key: name, problem: "is no list of \(count) truth values")
    }
    return Array(flags.prefix(count))
  }

  // MARK: Attention

  /// Reads the sizes of attention; `layer` is the first layer that has it.
  mutating func attention<Operations: TensorOperations>(
    _ type: Operations.Type, layer: Int, gated: Bool
  ) throws(ModelError) -> GroupedQueryAttention<Operations>.Shape {
    let prefix = "blk.\(layer)"
    let given = try metadata.optionalInteger("attention.key_length", in: Limits.headWidth)
    let normed = size(of: "\(prefix).attn_q_norm.weight", axis: 0).flatMap { $0 > 0 ? $0 : nil }
    let rows = size(of: "\(prefix).attn_q.weight", axis: 1).map { gated ? $0 / 2 : $0 }
    let known = given ?? normed
    let heads = try metadata.integer(
      "attention.head_count", in: Limits.heads,
      derived: known.flatMap { headWidth in rows.map { $0 / headWidth } },
      from: "the shape of '\(prefix).attn_q.weight'")
    let headWidth = try metadata.integer(
      "attention.key_length", in: Limits.headWidth, derived: normed ?? width / heads,
      from: normed == nil
        ? "the width and the number of heads" : "the shape of '\(prefix).attn_q_norm.weight'")
    let keyHeads = try metadata.integer(
      "attention.head_count_kv", in: 1...heads,
      derived: size(of: "\(prefix).attn_k.weight", axis: 1).map { $0 / headWidth },
      from: "the shape of '\(prefix).attn_k.weight'")
    guard heads % keyHeads == 0 else {
      throw .metadata(
        key: metadata.name("attention.head_count_kv"),
        problem: "\(heads) query heads cannot share \(keyHeads) key heads evenly")
    }
    let valueWidth =
      try metadata.optionalInteger("attention.value_length", in: Limits.headWidth) ?? headWidth
    guard valueWidth == headWidth else {
      throw .metadata(
        key: metadata.name("attention.value_length"),
        problem: "is \(valueWidth); values as wide as keys (\(headWidth)) are supported")
    }
    return .init(heads: heads, keyHeads: keyHeads, headWidth: headWidth, gated: gated)
  }

  // MARK: Experts

  /// Reads the sizes of routed experts; `usualInner` stands in for a missing expert width where the tensors do not say.
  mutating func experts<Operations: TensorOperations>(
    _ type: Operations.Type, innerKey: String, shared: Bool
  ) throws(ModelError) -> MixtureOfExperts<Operations>.Shape {
    let count = try integer(
      "expert_count", in: Limits.experts, axis: 1, of: "blk.0.ffn_gate_inp.weight")
    let chosen = try metadata.integer(
      "expert_used_count", in: 1...count, default: min(defaults.expertsPerToken, count))
    let inner = try integer(innerKey, in: Limits.width, axis: 1, of: "blk.0.ffn_gate_exps.weight")
    let sharedInner =
      shared
      ? try integer(
        "expert_shared_feed_forward_length", in: Limits.width, axis: 1,
        of: "blk.0.ffn_gate_shexp.weight") : nil
    let normalizes = try metadata.optionalBool("expert_weights_norm") ?? true
    let scale = try metadata.optionalNumber("expert_weights_scale", in: 0...1e6) ?? 1
    return .init(
      experts: count, chosen: chosen, inner: inner, sharedInner: sharedInner,
      normalizes: normalizes, scale: scale == 0 ? 1 : Float(scale))
  }

  // MARK: The whole

  /// The shape with all that was derived up to here.
  func shape<Operations: TensorOperations>(
    experts: MixtureOfExperts<Operations>.Shape?
  ) -> ModelShape {
    ModelShape(
      architecture: metadata.architecture, vocabularyCount: vocabularyCount, width: width,
      layerCount: layerCount, contextLength: contextLength, expertCount: experts?.experts ?? 0,
      expertsPerToken: experts?.chosen ?? 0, derivations: metadata.derivations)
  }
}
