import Kernels

/// Work buffers of a decoder, shared by its layers.
final class DecoderScratch<Operations: TensorOperations> {
  /// The sizes that buffers follow from.
  struct Sizes: Hashable {
    var width: Int
    var vocabulary: Int
    var attention: GroupedQueryAttention<Operations>.Shape
    /// The inner width of dense feed-forward blocks and shared experts, the larger of them.
    var inner: Int
    var experts: MixtureOfExperts<Operations>.Shape?
    var delta: GatedDeltaNet<Operations>.Shape?
  }

  /// The number of tokens there is room for.
  let rows: Int
  let residual: Operations.Buffer
  let normalized: Operations.Buffer
  /// What a block adds to the residual stream.
  let update: Operations.Buffer

  /// Queries with their gates, where there are gates.
  let projected: Operations.Buffer
  let queries: Operations.Buffer
  let keys: Operations.Buffer
  let values: Operations.Buffer
  let gates: Operations.Buffer
  let attended: Operations.Buffer

  let innerGate: Operations.Buffer
  let innerUp: Operations.Buffer
  let routerLogits: Operations.Buffer
  let shared: Operations.Buffer
  let sharedGate: Operations.Buffer

  let delta: DeltaScratch<Operations>?

  init(_ sizes: Sizes, rows: Int, on operations: Operations) {
    self.rows = rows
    func buffer(_ columns: Int) -> Operations.Buffer {
      operations.makeBuffer(rows: rows, columns: columns)
    }
    /// A buffer that families without that part do not pay for.
    func buffer(_ columns: Int, if needed: Bool) -> Operations.Buffer {
      operations.makeBuffer(rows: needed ? rows : 1, columns: needed ? columns : 1)
    }
    residual = buffer(sizes.width)
    normalized = buffer(sizes.width)
    update = buffer(sizes.width)
    let attention = sizes.attention
    projected = buffer(attention.projectedColumns, if: attention.gated)
    queries = buffer(attention.queryColumns)
    keys = buffer(attention.keyColumns)
    values = buffer(attention.keyColumns)
    gates = buffer(attention.queryColumns, if: attention.gated)
    attended = buffer(attention.queryColumns)
    innerGate = buffer(sizes.inner, if: sizes.inner > 0)
    innerUp = buffer(sizes.inner, if: sizes.inner > 0)
    routerLogits = buffer(sizes.experts?.experts ?? 0, if: sizes.experts != nil)
    let hasShared = sizes.experts?.sharedInner != nil
    shared = buffer(sizes.width, if: hasShared)
    sharedGate = buffer(1, if: hasShared)
    delta = sizes.delta.map { DeltaScratch($0, rows: rows, on: operations) }
  }
}

/// Work buffers of gated delta nets.
final class DeltaScratch<Operations: TensorOperations> {
  /// Inputs of the convolution.
  let mixed: Operations.Buffer
  let convolved: Operations.Buffer
  let queries: Operations.Buffer
  let keys: Operations.Buffer
  let values: Operations.Buffer
  let decay: Operations.Buffer
  let beta: Operations.Buffer
  let gates: Operations.Buffer
  let attended: Operations.Buffer

  init(_ shape: GatedDeltaNet<Operations>.Shape, rows: Int, on operations: Operations) {
    func buffer(_ columns: Int) -> Operations.Buffer {
      operations.makeBuffer(rows: rows, columns: columns)
    }
    mixed = buffer(shape.channels)
    convolved = buffer(shape.channels)
    queries = buffer(shape.keyColumns)
    keys = buffer(shape.keyColumns)
    values = buffer(shape.valueColumns)
    decay = buffer(shape.valueHeads)
    beta = buffer(shape.valueHeads)
    gates = buffer(shape.valueColumns)
    attended = buffer(shape.valueColumns)
  }
}
