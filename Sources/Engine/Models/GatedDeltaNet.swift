import Kernels

/// A gated delta net (Yang et al., Gated Delta Networks) as Qwen3.5 has it: linear attention whose memory per head is one
/// matrix.
///
/// A short causal convolution along the tokens and SiLU give queries, keys and values; queries and keys are brought to
/// length 1. The memory decays by `exp(decay)` and takes in each key and value with a strength `beta`. The output is
/// normalised head by head, scaled by `silu(z)`, and projected back.
struct GatedDeltaNet<Operations: TensorOperations> {
  /// The sizes all layers of a model have in common.
  struct Shape: Hashable {
    /// The heads of queries and keys.
    var keyHeads: Int
    /// The heads of values, a multiple of `keyHeads`.
    var valueHeads: Int
    var keyWidth: Int
    var valueWidth: Int
    /// The width of the convolution.
    var kernel: Int

    var keyColumns: Int { keyHeads * keyWidth }
    var valueColumns: Int { valueHeads * valueWidth }
    /// What the convolution runs over: queries, keys, values.
    var channels: Int { 2 * keyColumns + valueColumns }

    /// What a sequence's state holds of `layers` such layers.
    func recurrence(layers: Int) -> RecurrenceLayout {
      RecurrenceLayout(
        layers: layers, kernel: kernel, channels: channels, heads: valueHeads,
        stateRows: valueHeads * keyWidth, stateColumns: valueWidth)
    }
  }

  let shape: Shape
  let epsilon: Float
  /// Added to the squared length of queries and keys; fixed in the reference implementation.
  let lengthEpsilon: Float = 1e-6
  let mixing: Operations.Weights
  let outputGate: Operations.Weights
  let decay: Operations.Weights
  let decayBias: Operations.Weights
  let decayScale: Operations.Weights
  let beta: Operations.Weights
  let convolution: Operations.Weights
  let norm: Operations.Weights
  let output: Operations.Weights

  /// Reads the tensors of layer `prefix`.
  init(
    _ table: TensorTable<Operations>, prefix: String, width: Int, shape: Shape, epsilon: Float
  ) throws(ModelError) {
    self.shape = shape
    self.epsilon = epsilon
    let heads = shape.valueHeads
    mixing = try table.matrix("\(prefix).attn_qkv.weight", inputs: width, outputs: shape.channels)
    outputGate = try table.matrix(
      "\(prefix).attn_gate.weight", inputs: width, outputs: shape.valueColumns)
    decay = try table.matrix("\(prefix).ssm_alpha.weight", inputs: width, outputs: heads)
    decayBias = try table.vector("\(prefix).ssm_dt.bias", count: heads)
    decayScale = try table.vector("\(prefix).ssm_a", count: heads)
    beta = try table.matrix("\(prefix).ssm_beta.weight", inputs: width, outputs: heads)
    convolution = try table.matrix(
      "\(prefix).ssm_conv1d.weight", inputs: shape.kernel, outputs: shape.channels)
    norm = try table.vector("\(prefix).ssm_norm.weight", count: shape.valueWidth)
    output = try table.matrix(
      "\(prefix).ssm_out.weight", inputs: shape.valueColumns, outputs: width)
  }

  /// Computes the layer and moves the states on.
  ///
  /// - Parameter layer: counts recurrent layers only.
  func forward(
    _ input: Operations.Buffer, _ batch: TransformerBatch<Operations>, layer: Int,
    scratch: DeltaScratch<Operations>, on operations: Operations, into result: Operations.Buffer
  ) {
    let rows = batch.rows
    let inputs = RecurrentInputs(
      mixed: scratch.mixed, decay: scratch.decay, beta: scratch.beta)
    operations.multiply(
      input, rows: rows,
      by: [
        MatrixProduct(mixing, into: inputs.mixed), MatrixProduct(decay, into: inputs.decay),
        MatrixProduct(beta, into: inputs.beta), MatrixProduct(outputGate, into: scratch.gates),
      ])
    operations.deltaDecay(inputs.decay, rows: rows, bias: decayBias, scale: decayScale)
    operations.sigmoid(inputs.beta, rows: rows)

    for part in batch.parts {
      guard let memory = part.state.recurrence else { continue }
      convolve(
        inputs.mixed, span: part.span, history: memory.history(layer: layer), scratch: scratch,
        on: operations)
    }
    separate(scratch, rows: rows, on: operations)
    for part in batch.parts {
      guard let memory = part.state.recurrence, let step = part.step else { continue }
      memory.advance(layer: layer, step, inputs: inputs) { span, state in
        recur(inputs, span: span, state: state, scratch: scratch, on: operations)
      }
    }

    operations.normalize(
      scratch.attended, rows: rows, groups: shape.valueHeads, weight: norm, epsilon: epsilon,
      into: scratch.attended)
    operations.gatedActivation(
      scratch.gates, scratch.attended, rows: rows, limit: nil, into: scratch.attended)
    operations.multiply(scratch.attended, rows: rows, by: [MatrixProduct(output, into: result)])
  }

  /// Takes logged tokens into `history` and `state` again.
  func replay(
    _ inputs: RecurrentInputs<Operations.Buffer>, span: RowSpan, history: Operations.Buffer,
    state: Operations.Buffer, scratch: DeltaScratch<Operations>, on operations: Operations
  ) {
    convolve(inputs.mixed, span: span, history: history, scratch: scratch, on: operations)
    separate(scratch, rows: span.first + span.count, on: operations)
    recur(inputs, span: span, state: state, scratch: scratch, on: operations)
  }

  private func convolve(
    _ mixed: Operations.Buffer, span: RowSpan, history: Operations.Buffer,
    scratch: DeltaScratch<Operations>, on operations: Operations
  ) {
    operations.shortConvolution(
      mixed, span: span, weights: convolution, kernel: shape.kernel, history: history,
      into: scratch.convolved)
  }

  private func separate(
    _ scratch: DeltaScratch<Operations>, rows: Int, on operations: Operations
  ) {
    var column = 0
    for (target, width) in [
      (scratch.queries, shape.keyColumns), (scratch.keys, shape.keyColumns),
      (scratch.values, shape.valueColumns),
    ] {
      operations.copyColumns(
        scratch.convolved, column: column, width: width, rows: rows, to: target, column: 0)
      column += width
    }
    for heads in [scratch.queries, scratch.keys] {
      operations.normalizeLength(
        heads, rows: rows, groups: shape.keyHeads, epsilon: lengthEpsilon)
    }
  }

  private func recur(
    _ inputs: RecurrentInputs<Operations.Buffer>, span: RowSpan, state: Operations.Buffer,
    scratch: DeltaScratch<Operations>, on operations: Operations
  ) {
    // Files hold the value heads so that head h goes with key head h mod keyHeads.
    operations.gatedDelta(
      DeltaInputs(
        queries: scratch.queries, keys: scratch.keys, values: scratch.values,
        decay: inputs.decay, beta: inputs.beta, keyHeads: shape.keyHeads,
        valueHeads: shape.valueHeads, keyWidth: shape.keyWidth, valueWidth: shape.valueWidth,
        interleaved: true),
      span: span, state: state, into: scratch.attended)
  }
}
