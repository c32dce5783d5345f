import GGUF
import Kernels

/// Qwen3.5 with experts (`qwen35moe`), text only: gated delta nets, with gated full attention in every fourth layer; routed
/// experts and one shared expert in all.
///
/// The rotation of attention covers a part of each head. Its sections for images (`rope.dimension_sections`) all turn by
/// the same position in text, so that they make no difference here. Norm weights are used as stored: the file holds them
/// with 1 already added.
enum Qwen35 {
  /// Makes the model of a file.
  static func load<Operations: TensorOperations>(
    _ file: GGUFFile, on operations: Operations, options: ModelOptions
  ) throws(ModelError) -> TransformerDecoder<Operations> {
    var metadata = try DecoderMetadata(
      file,
      defaults: .init(
        contextLength: 262144, epsilon: 1e-6, frequencyBase: 10_000_000, expertsPerToken: 8))
    let recurrent = try recurrentLayers(&metadata)
    // The sizes of a kind of layer are read off the first of it; where there is none they are read all the same, from the
    // metadata alone.
    let layers = 0..<metadata.layerCount
    let firstFull = layers.first { !recurrent.contains($0) } ?? 0
    let attention = try metadata.attention(Operations.self, layer: firstFull, gated: true)
    let rotation = try metadata.rotation(
      headWidth: attention.headWidth, usualWidth: max(2, attention.headWidth / 8 * 2),
      pairing: .halves)
    let delta = try recurrent.min().map { layer throws(ModelError) in
      try deltaShape(&metadata, layer: layer, Operations.self)
    }
    let experts = try metadata.experts(
      Operations.self, innerKey: "expert_feed_forward_length", shared: true)
    let plan = DecoderPlan<Operations>(
      shape: metadata.shape(experts: experts), attention: attention, rotation: rotation,
      epsilon: metadata.epsilon, normalizesHeads: true, feedForwardNorm: "post_attention_norm",
      inner: 0, experts: experts, delta: delta, recurrentLayers: recurrent)
    return try TransformerDecoder(plan, file: file, on: operations, options: options)
  }

  /// The layers with a gated delta net: those the file lists, or all but every so-manyth.
  private static func recurrentLayers(
    _ metadata: inout DecoderMetadata
  ) throws(ModelError) -> Set<Int> {
    let layers = 0..<metadata.layerCount
    if let listed = try metadata.flags("attention.recurrent_layers", count: layers.count) {
      return Set(layers.filter { listed[$0] })
    }
    let interval = try metadata.integer(
      "full_attention_interval", in: DecoderMetadata.Limits.layers, default: 4)
    return Set(layers.filter { ($0 + 1) % interval != 0 })
  }

  private static func deltaShape<Operations: TensorOperations>(
    _ metadata: inout DecoderMetadata, layer: Int, _ type: Operations.Type
  ) throws(ModelError) -> GatedDeltaNet<Operations>.Shape {
    let prefix = "blk.\(layer)"
    let heads = DecoderMetadata.Limits.heads
    let widths = DecoderMetadata.Limits.width
    let kernel = try metadata.integer(
      "ssm.conv_kernel", in: 2...16, axis: 0, of: "\(prefix).ssm_conv1d.weight")
    let valueHeads = try metadata.integer(
      "ssm.time_step_rank", in: heads, axis: 0, of: "\(prefix).ssm_a")
    let inner = try metadata.integer(
      "ssm.inner_size", in: widths, axis: 1, of: "\(prefix).attn_gate.weight")
    let keyWidth = try metadata.integer(
      "ssm.state_size", in: DecoderMetadata.Limits.headWidth, axis: 0,
      of: "\(prefix).ssm_norm.weight")
    let keyHeads = try metadata.integer(
      "ssm.group_count", in: heads,
      derived: metadata.size(of: "\(prefix).attn_qkv.weight", axis: 1).map {
        ($0 - inner) / (2 * keyWidth)
      }, from: "the shape of '\(prefix).attn_qkv.weight'")
    guard inner % valueHeads == 0 else {
      throw .metadata(
        key: metadata.metadata.name("ssm.inner_size"),
        problem: "\(inner) columns do not split into \(valueHeads) value heads")
    }
    guard valueHeads % keyHeads == 0 else {
      throw .metadata(
        key: metadata.metadata.name("ssm.group_count"),
        problem: "\(valueHeads) value heads cannot share \(keyHeads) key heads evenly")
    }
    return .init(
      keyHeads: keyHeads, valueHeads: valueHeads, keyWidth: keyWidth,
      valueWidth: inner / valueHeads, kernel: kernel)
  }
}
