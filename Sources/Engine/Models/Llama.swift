import GGUF
import Kernels

/// Llama 2 and 3 and what shares their structure (`llama`), with experts also Mixtral: attention without head norms, rotated
/// in adjacent pairs, because converters permute the rows of queries and keys so (Touvron et al.; Jiang et al., Mixtral).
///
/// Biases of projections are optional tensors and used where a file has them.
enum Llama {
  /// Makes the model of a file.
  static func load<Operations: TensorOperations>(
    _ file: GGUFFile, on operations: Operations, options: ModelOptions
  ) throws(ModelError) -> TransformerDecoder<Operations> {
    var metadata = try DecoderMetadata(
      file,
      defaults: .init(
        contextLength: 4096, epsilon: 1e-5, frequencyBase: 10_000, expertsPerToken: 2))
    let attention = try metadata.attention(Operations.self, layer: 0, gated: false)
    let rotation = try metadata.rotation(
      headWidth: attention.headWidth, usualWidth: attention.headWidth, pairing: .adjacent)
    var inner = 0
    var experts: MixtureOfExperts<Operations>.Shape?
    if try hasExperts(metadata) {
      try refuseSharedExperts(metadata)
      experts = try metadata.experts(
        Operations.self, innerKey: "feed_forward_length", shared: false)
    } else {
      inner = try metadata.integer(
        "feed_forward_length", in: DecoderMetadata.Limits.width, axis: 1,
        of: "blk.0.ffn_gate.weight")
    }
    let plan = DecoderPlan<Operations>(
      shape: metadata.shape(experts: experts), attention: attention, rotation: rotation,
      epsilon: metadata.epsilon, normalizesHeads: false, feedForwardNorm: "ffn_norm", inner: inner,
      experts: experts)
    return try TransformerDecoder(plan, file: file, on: operations, options: options)
  }

  private static func hasExperts(_ metadata: DecoderMetadata) throws(ModelError) -> Bool {
    let count = try metadata.metadata.optionalInteger(
      "expert_count", in: 0...DecoderMetadata.Limits.experts.upperBound)
    return count.map { $0 > 0 } ?? (metadata.size(of: "blk.0.ffn_gate_inp.weight", axis: 1) != nil)
  }

  private static func refuseSharedExperts(_ metadata: DecoderMetadata) throws(ModelError) {
    let name = "blk.0.ffn_gate_shexp.weight"
    guard metadata.size(of: name, axis: 0) == nil else {
      throw .tensor(name: name, problem: "shared experts are not known in this architecture")
    }
  }
}
