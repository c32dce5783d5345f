import Kernels

/// Causal attention in which several query heads share a key head (Ainslie et al., GQA).
struct GroupedQueryAttention<Operations: TensorOperations> {
  /// The sizes all layers of a model have in common.
  struct Shape: Hashable {
    var heads: Int
    var keyHeads: Int
    var headWidth: Int
    /// Whether each query head is followed by as wide a gate, whose sigmoid scales the head's output (Qwen3.5).
    var gated: Bool

    var queryColumns: Int { heads * headWidth }
    var keyColumns: Int { keyHeads * headWidth }
    /// The number of outputs of the query projection.
    var projectedColumns: Int { gated ? 2 * queryColumns : queryColumns }
  }

  let shape: Shape
  let rotation: Rotation
  let epsilon: Float
  let query: Projection<Operations>
  let key: Projection<Operations>
  let value: Projection<Operations>
  let output: Projection<Operations>
  /// Norms of the heads of queries and keys, before the rotation; nil where the family has none.
  let queryNorm: Operations.Weights?
  let keyNorm: Operations.Weights?

  /// Reads the tensors of layer `prefix` ("blk.3").
  init(
    _ table: TensorTable<Operations>, prefix: String, width: Int, shape: Shape, rotation: Rotation,
    normalized: Bool, epsilon: Float
  ) throws(ModelError) {
    self.shape = shape
    self.rotation = rotation
    self.epsilon = epsilon
    query = try Projection(
      table, "\(prefix).attn_q", inputs: width, outputs: shape.projectedColumns)
    key = try Projection(table, "\(prefix).attn_k", inputs: width, outputs: shape.keyColumns)
    value = try Projection(table, "\(prefix).attn_v", inputs: width, outputs: shape.keyColumns)
    output = try Projection(
      table, "\(prefix).attn_output", inputs: shape.queryColumns, outputs: width)
    queryNorm =
      normalized
      ? try table.vector("\(prefix).attn_q_norm.weight", count: shape.headWidth) : nil
    keyNorm =
      normalized
      ? try table.vector("\(prefix).attn_k_norm.weight", count: shape.headWidth) : nil
  }

  /// Attends, and stores the new keys and values in the states.
  ///
  /// - Parameter layer: counts attention layers only.
  func forward(
    _ input: Operations.Buffer, _ batch: TransformerBatch<Operations>, layer: Int,
    scratch: DecoderScratch<Operations>, on operations: Operations, into result: Operations.Buffer
  ) {
    let rows = batch.rows
    let projected = shape.gated ? scratch.projected : scratch.queries
    operations.multiply(
      input, rows: rows,
      by: [
        query.product(into: projected), key.product(into: scratch.keys),
        value.product(into: scratch.values),
      ])
    query.addBias(to: projected, rows: rows, on: operations)
    key.addBias(to: scratch.keys, rows: rows, on: operations)
    value.addBias(to: scratch.values, rows: rows, on: operations)
    if shape.gated { separateGates(scratch, rows: rows, on: operations) }

    if let queryNorm {
      operations.normalize(
        scratch.queries, rows: rows, groups: shape.heads, weight: queryNorm, epsilon: epsilon,
        into: scratch.queries)
    }
    if let keyNorm {
      operations.normalize(
        scratch.keys, rows: rows, groups: shape.keyHeads, weight: keyNorm, epsilon: epsilon,
        into: scratch.keys)
    }
    operations.rotate(
      scratch.queries, rows: rows, heads: shape.heads, rotation: rotation,
      positions: batch.positions, inverse: false)
    operations.rotate(
      scratch.keys, rows: rows, heads: shape.keyHeads, rotation: rotation,
      positions: batch.positions, inverse: false)

    var sources: [AttentionSource<Operations.Buffer>] = []
    for part in batch.parts {
      part.state.store(keys: scratch.keys, values: scratch.values, span: part.span, layer: layer)
      let pages = part.state.rows(layer: layer)
      sources.append(
        AttentionSource(keys: pages.keys, values: pages.values, selections: part.selections))
    }
    operations.attend(
      scratch.queries, rows: rows, heads: shape.heads, keyHeads: shape.keyHeads,
      headWidth: shape.headWidth, sources: sources, sinks: nil,
      scale: 1 / Float(shape.headWidth).squareRoot(), into: scratch.attended)
    if shape.gated {
      operations.sigmoid(scratch.gates, rows: rows)
      operations.multiplyElements(scratch.gates, rows: rows, with: scratch.attended)
    }
    operations.multiply(scratch.attended, rows: rows, by: [output.product(into: result)])
    output.addBias(to: result, rows: rows, on: operations)
  }

  /// The query projection gives, head by head, a query and its gate.
  private func separateGates(
    _ scratch: DecoderScratch<Operations>, rows: Int, on operations: Operations
  ) {
    for head in 0..<shape.heads {
      let source = 2 * head * shape.headWidth
      let target = head * shape.headWidth
      operations.copyColumns(
        scratch.projected, column: source, width: shape.headWidth, rows: rows,
        to: scratch.queries, column: target)
      operations.copyColumns(
        scratch.projected, column: source + shape.headWidth, width: shape.headWidth, rows: rows,
        to: scratch.gates, column: target)
    }
  }
}

/// A matrix with an optional bias.
struct Projection<Operations: TensorOperations> {
  let weights: Operations.Weights
  let bias: Operations.Weights?

  /// Reads `name.weight` and, if the file has it, `name.bias`.
  init(
    _ table: TensorTable<Operations>, _ name: String, inputs: Int, outputs: Int
  ) throws(ModelError) {
    weights = try table.matrix("\(name).weight", inputs: inputs, outputs: outputs)
    bias = try table.optionalVector("\(name).bias", count: outputs)
  }

  func product(into buffer: Operations.Buffer) -> MatrixProduct<Operations> {
    MatrixProduct(weights, into: buffer)
  }

  func addBias(to buffer: Operations.Buffer, rows: Int, on operations: Operations) {
    guard let bias else { return }
    // A table of one row, which every position meets.
    operations.addPeriodic(
      bias, positions: Array(repeating: 0, count: rows), rows: rows, to: buffer)
  }
}
