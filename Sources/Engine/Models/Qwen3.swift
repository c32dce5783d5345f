import GGUF
import Kernels

/// Qwen3, dense (`qwen3`) and with experts (`qwen3moe`): attention with norms over the heads of queries and keys, rotated
/// in halves (Qwen3 technical report).
enum Qwen3 {
  /// Makes the model of a file.
  static func load<Operations: TensorOperations>(
    _ file: GGUFFile, on operations: Operations, options: ModelOptions, hasExperts: Bool
  ) throws(ModelError) -> TransformerDecoder<Operations> {
    var metadata = try DecoderMetadata(
      file,
      defaults: .init(
        contextLength: 40960, epsilon: 1e-6, frequencyBase: 1_000_000, expertsPerToken: 8))
    let attention = try metadata.attention(Operations.self, layer: 0, gated: false)
    let rotation = try metadata.rotation(
      headWidth: attention.headWidth, usualWidth: attention.headWidth, pairing: .halves)
    var inner = 0
    var experts: MixtureOfExperts<Operations>.Shape?
    if hasExperts {
      experts = try metadata.experts(
        Operations.self, innerKey: "expert_feed_forward_length", shared: false)
    } else {
      inner = try metadata.integer(
        "feed_forward_length", in: DecoderMetadata.Limits.width, axis: 1,
        of: "blk.0.ffn_gate.weight")
    }
    let plan = DecoderPlan<Operations>(
      shape: metadata.shape(experts: experts), attention: attention, rotation: rotation,
      epsilon: metadata.epsilon, normalizesHeads: true, feedForwardNorm: "ffn_norm", inner: inner,
      experts: experts)
    return try TransformerDecoder(plan, file: file, on: operations, options: options)
  }
}
