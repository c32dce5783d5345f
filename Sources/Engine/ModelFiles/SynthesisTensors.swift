/// The tensors of a shape, in the order of the file, before types are chosen.
struct SynthesisTensors {
  let shape: SynthesisShape
  let layers: Int
  private(set) var all: [TensorOutline] = []

  init(_ shape: SynthesisShape, layers: Int) {
    self.shape = shape
    self.layers = layers
    add("token_embd.weight", shape.width, shape.vocabulary)
    add("output_norm.weight", shape.width)
    if !shape.isTied { add("output.weight", shape.width, shape.vocabulary) }
    if let compressed = shape.compressed {
      let wide = shape.width * compressed.streams
      add("output_hc_fn.weight", wide, compressed.streams)
      add("output_hc_base.weight", compressed.streams)
      add("output_hc_scale.weight", 1)
    }
    for layer in 0..<layers {
      add(layer, "attn_norm.weight", shape.width)
      if let compressed = shape.compressed {
        addCompressedAttention(layer, compressed)
        addConnections(layer, compressed)
      } else if let recurrent = shape.recurrent, (layer + 1) % recurrent.interval != 0 {
        addRecurrence(layer, recurrent)
      } else {
        addAttention(layer)
      }
      let norm = shape.recurrent == nil ? "ffn_norm.weight" : "post_attention_norm.weight"
      add(layer, norm, shape.width)
      if shape.experts > 0 { addExperts(layer) } else { addFeedForward(layer) }
    }
  }

  private mutating func add(_ name: String, _ sizes: Int...) {
    all.append(TensorOutline(name: name, shape: sizes))
  }

  private mutating func add(_ layer: Int, _ name: String, _ sizes: Int...) {
    all.append(TensorOutline(name: "blk.\(layer).\(name)", shape: sizes))
  }

  private mutating func addAttention(_ layer: Int) {
    let queries = shape.heads * shape.headWidth
    let keys = shape.keyHeads * shape.headWidth
    // Qwen3.5 projects a gate beside every query.
    add(layer, "attn_q.weight", shape.width, shape.recurrent == nil ? queries : 2 * queries)
    add(layer, "attn_k.weight", shape.width, keys)
    add(layer, "attn_v.weight", shape.width, keys)
    add(layer, "attn_output.weight", queries, shape.width)
    if shape.family != .llama {
      add(layer, "attn_q_norm.weight", shape.headWidth)
      add(layer, "attn_k_norm.weight", shape.headWidth)
    }
  }

  private mutating func addRecurrence(_ layer: Int, _ recurrent: SynthesisShape.Recurrent) {
    add(layer, "attn_qkv.weight", shape.width, recurrent.convolutionWidth)
    add(layer, "attn_gate.weight", shape.width, recurrent.innerWidth)
    add(layer, "ssm_a", recurrent.valueHeads)
    add(layer, "ssm_alpha.weight", shape.width, recurrent.valueHeads)
    add(layer, "ssm_beta.weight", shape.width, recurrent.valueHeads)
    add(layer, "ssm_conv1d.weight", 4, recurrent.convolutionWidth)
    add(layer, "ssm_dt.bias", recurrent.valueHeads)
    add(layer, "ssm_norm.weight", recurrent.headWidth)
    add(layer, "ssm_out.weight", recurrent.innerWidth, shape.width)
  }

  private mutating func addFeedForward(_ layer: Int) {
    add(layer, "ffn_gate.weight", shape.width, shape.feedForward)
    add(layer, "ffn_up.weight", shape.width, shape.feedForward)
    add(layer, "ffn_down.weight", shape.feedForward, shape.width)
  }

  private mutating func addExperts(_ layer: Int) {
    add(layer, "ffn_gate_inp.weight", shape.width, shape.experts)
    if let compressed = shape.compressed {
      if layer < compressed.hashLayers {
        all.append(
          TensorOutline(
            name: "blk.\(layer).ffn_gate_tid2eid.weight", type: .i32,
            shape: [shape.chosenExperts, shape.vocabulary]))
      } else {
        add(layer, "exp_probs_b.bias", shape.experts)
      }
    }
    add(layer, "ffn_gate_exps.weight", shape.width, shape.expertWidth, shape.experts)
    add(layer, "ffn_up_exps.weight", shape.width, shape.expertWidth, shape.experts)
    add(layer, "ffn_down_exps.weight", shape.expertWidth, shape.width, shape.experts)
    guard shape.sharedWidth > 0 else { return }
    if shape.recurrent != nil { add(layer, "ffn_gate_inp_shexp.weight", shape.width) }
    add(layer, "ffn_gate_shexp.weight", shape.width, shape.sharedWidth)
    add(layer, "ffn_up_shexp.weight", shape.width, shape.sharedWidth)
    add(layer, "ffn_down_shexp.weight", shape.sharedWidth, shape.width)
  }

  private mutating func addConnections(_ layer: Int, _ compressed: SynthesisShape.Compressed) {
    let streams = compressed.streams
    for part in ["hc_attn", "hc_ffn"] {
      // Mixing in and out of every stream, and between all of them.
      add(layer, "\(part)_fn.weight", shape.width * streams, streams * (streams + 2))
      add(layer, "\(part)_base.weight", streams * (streams + 2))
      add(layer, "\(part)_scale.weight", 3)
    }
  }

  private mutating func addCompressedAttention(
    _ layer: Int, _ compressed: SynthesisShape.Compressed
  ) {
    let width = shape.width
    let queries = shape.heads * shape.headWidth
    let outputs = compressed.outputGroups * compressed.outputRank
    add(layer, "attn_q_a.weight", width, compressed.queryRank)
    add(layer, "attn_q_a_norm.weight", compressed.queryRank)
    add(layer, "attn_q_b.weight", compressed.queryRank, queries)
    add(layer, "attn_kv.weight", width, shape.headWidth)
    add(layer, "attn_kv_a_norm.weight", shape.headWidth)
    add(layer, "attn_output_a.weight", queries / compressed.outputGroups, outputs)
    add(layer, "attn_output_b.weight", outputs, width)
    add(layer, "attn_sinks.weight", shape.heads)
    let ratio = compressed.ratios(layers)[layer]
    guard ratio > 0 else { return }
    // Windows of four overlap: two halves each.
    let halves = ratio == 4 ? 2 : 1
    let wide = halves * shape.headWidth
    add(layer, "attn_compressor_kv.weight", width, wide)
    add(layer, "attn_compressor_gate.weight", width, wide)
    add(layer, "attn_compressor_ape.weight", wide, ratio)
    add(layer, "attn_compressor_norm.weight", shape.headWidth)
    guard ratio == 4 else { return }
    let index = compressed.indexWidth
    add(
      layer, "indexer.attn_q_b.weight", compressed.queryRank, compressed.indexHeads * index)
    add(layer, "indexer.proj.weight", width, compressed.indexHeads)
    add(layer, "indexer_compressor_kv.weight", width, halves * index)
    add(layer, "indexer_compressor_gate.weight", width, halves * index)
    add(layer, "indexer_compressor_ape.weight", halves * index, ratio)
    add(layer, "indexer_compressor_norm.weight", index)
  }
}
