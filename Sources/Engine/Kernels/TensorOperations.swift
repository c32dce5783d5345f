import TensorFormats

/// The operations a forward pass is made of, over buffers of a back end.
///
/// Models are written against this protocol; the processor (`ProcessorOperations`) is its first implementation, devices
/// follow. An operation works on the first `rows` rows of its inputs; every row is a token. What a row's result is must
/// not depend on the other rows of the call, on their number, or on the number of threads: the same row always gives the
/// same bits.
///
/// Operations may run later than they are called (on a device), in order; `read` waits for them.
public protocol TensorOperations: AnyObject {
  /// Rows of values.
  associatedtype Buffer: TensorBuffer
  /// A tensor of a model file in the form the back end multiplies with.
  associatedtype Weights

  // MARK: Memory

  /// A buffer of zeros.
  func makeBuffer(rows: Int, columns: Int) -> Buffer
  /// Makes a tensor of a file usable. The view's bytes stay where they are and must outlive the weights.
  func load(_ tensor: TensorView) throws(KernelError) -> Weights
  /// Writes host values to rows from `row` on; `values.count` is a multiple of the buffer's columns.
  func write(_ values: [Float], to buffer: Buffer, row: Int)
  /// Reads rows back to the host.
  func read(_ buffer: Buffer, rows: Range<Int>) -> [Float]
  /// Copies rows, between buffers of equal width.
  func copy(_ source: Buffer, rows: Range<Int>, to target: Buffer, row: Int)
  /// Copies `width` columns from `sourceColumn` of the first `rows` rows to `targetColumn` of `target`.
  func copyColumns(
    _ source: Buffer, column sourceColumn: Int, width: Int, rows: Int, to target: Buffer,
    column targetColumn: Int)
  /// Says that the matrices `experts` of stacked weights will be needed soon, so that a back end can fetch them.
  func prefetch(_ weights: Weights, experts: [Int32])

  // MARK: Matrices

  /// `output[i] = table[ids[i]]`: rows of an embedding table, decoded.
  func lookUp(_ table: Weights, ids: [Int32], into output: Buffer)
  /// `product.output = input * product.weights^T` for each of several matrices over one input.
  func multiply(_ input: Buffer, rows: Int, by products: [MatrixProduct<Self>])
  /// A block-diagonal product: the input's columns are split into `groups` equal parts, the matrix's rows likewise;
  /// part g of the output is rows g of the matrix times part g of the input (specification of DeepSeek V4, 5.8).
  func multiplyGroups(
    _ input: Buffer, rows: Int, by weights: Weights, groups: Int, into output: Buffer)
  /// `output[i] = sum over k of weights[i][k] * expert[ids[i][k]](input[i])`, summed in the order of k, where
  /// `expert(x) = down(silu(min(gate x, limit)) * clamp(up x, -limit, limit))`; without a limit nothing is clamped.
  func routedExperts(
    _ input: Buffer, rows: Int, choice: ExpertChoice, experts: ExpertWeights<Self>, limit: Float?,
    into output: Buffer)

  // MARK: Rows

  /// RMS norm of each of `groups` equal parts of every row: `x / sqrt(mean(x^2) + epsilon) * weight`. `weight` is as
  /// wide as one part, or nil. `input` and `output` may be the same buffer.
  func normalize(
    _ input: Buffer, rows: Int, groups: Int, weight: Weights?, epsilon: Float, into output: Buffer)
  /// L2 norm of each of `groups` equal parts: `x / sqrt(sum(x^2) + epsilon)`, in place (gated delta net).
  func normalizeLength(_ buffer: Buffer, rows: Int, groups: Int, epsilon: Float)
  /// Rotates `rotation.width` columns from `rotation.offset` of each of `heads` equal parts of every row by the angles of
  /// the row's position; in place.
  func rotate(
    _ buffer: Buffer, rows: Int, heads: Int, rotation: Rotation, positions: [Int32], inverse: Bool)
  /// `output = silu(min(gate, limit)) * clamp(up, -limit, limit)`.
  func gatedActivation(_ gate: Buffer, _ up: Buffer, rows: Int, limit: Float?, into output: Buffer)
  /// `target += source`, or `target += scale[row] * source` when `scale` (one column) is given.
  func add(_ source: Buffer, rows: Int, scale: Buffer?, to target: Buffer)
  /// `buffer = sigmoid(buffer)`, in place.
  func sigmoid(_ buffer: Buffer, rows: Int)
  /// `target *= source`, value by value.
  func multiplyElements(_ source: Buffer, rows: Int, with target: Buffer)
  /// The Walsh-Hadamard transform of each part of `width` columns (a power of two), in natural order, scaled by
  /// `width^-1/2`; in place.
  func hadamard(_ buffer: Buffer, rows: Int, width: Int)
  /// Rounds columns `columns` of each of `heads` equal parts to a small format and back, in groups of `format`'s size that
  /// share a power-of-two scale (specification of DeepSeek V4, 5.6); in place.
  func round(
    _ buffer: Buffer, rows: Int, heads: Int, columns: Range<Int>, to format: RoundingFormat)

  // MARK: Hyper-connections (specification of DeepSeek V4, 4)

  /// Collapses `streams` (rows of `count * width`) to `collapsed` (rows of `width`) and computes the weights of the way
  /// back: `post` (rows of `count`) and `comb` (rows of `count * count`, sources first).
  func collapseStreams(
    _ streams: Buffer, rows: Int, connection: HyperConnection<Self>, collapsed: Buffer,
    post: Buffer, comb: Buffer)
  /// `streams'[t] = post[t] * output + sum over s of comb[s][t] * streams[s]`, in place.
  func expandStreams(
    _ streams: Buffer, rows: Int, count: Int, output: Buffer, post: Buffer, comb: Buffer)
  /// The last collapse, without Sinkhorn: `sum over j of (sigmoid(m[j]) + epsilon) * streams[j]`.
  func collapseHead(
    _ streams: Buffer, rows: Int, connection: HyperConnection<Self>, into output: Buffer)

  // MARK: Attention

  /// Scaled dot-product attention of every query over its rows of all sources together, with an optional learned sink per
  /// head that adds to the denominator only. Query head h reads key head `h * keyHeads / heads`.
  ///
  /// - Parameters:
  ///   - queries: rows of `heads * headWidth`; the query of row i sees `sources[..].selections[i]`.
  ///   - sinks: one value a head, or nil.
  func attend(
    _ queries: Buffer, rows: Int, heads: Int, keyHeads: Int, headWidth: Int,
    sources: [AttentionSource<Buffer>], sinks: Weights?, scale: Float, into output: Buffer)
  /// Pools one closed group of compressed attention: per column, softmax of the gates over the candidates, weighted sum of
  /// the keys (specification of DeepSeek V4, 5.4), written to row `row` of `output`.
  ///
  /// `keys` and `gates` hold rows by position, gates already with their position term. Without overlap the candidates
  /// are columns `0..<width` of rows `first..<first + ratio`. With overlap the candidates are columns `0..<width` of rows
  /// `first - ratio..<first` (none when `first` is 0), then columns `width..<2 * width` of rows `first..<first + ratio`.
  func poolGroup(
    keys: PagedRows<Buffer>, gates: PagedRows<Buffer>, first: Int, ratio: Int, width: Int,
    overlap: Bool, into output: Buffer, row: Int)
  /// Adds row `(positions[i] mod table.rows)` of a table to row i of `buffer`.
  func addPeriodic(_ table: Weights, positions: [Int32], rows: Int, to buffer: Buffer)
  /// The indexer's choice: for each query, the `limit` rows of `keys[0..<visible[i]]` with the largest
  /// `sum over h of headWeights[i][h] * scale * relu(query[i][h] . key)`; higher score first, then lower index. Returned in
  /// ascending order of index; all visible rows as a range when there are no more than `limit`.
  func selectRows(
    queries: Buffer, headWeights: Buffer, rows: Int, heads: Int, headWidth: Int, scale: Float,
    keys: PagedRows<Buffer>, visible: [Int], limit: Int
  ) -> [RowSelection]

  // MARK: Routing

  /// Chooses experts from router logits (rows of `expertCount`).
  func route(_ logits: Buffer, rows: Int, rule: RoutingRule<Self>, tokens: [Int32]) -> ExpertChoice

  // MARK: Gated delta net

  /// Causal depthwise convolution of width `kernel` along the tokens of each sequence, then SiLU. `history` holds the
  /// `kernel - 1` inputs before the span (oldest first) and is moved on.
  func shortConvolution(
    _ input: Buffer, span: RowSpan, weights: Weights, kernel: Int, history: Buffer,
    into output: Buffer)
  /// The logarithms of the decay of a gated delta net: `buffer = scale * softplus(buffer + bias)`, in place; `bias` and
  /// `scale` hold one value a column.
  func deltaDecay(_ buffer: Buffer, rows: Int, bias: Weights, scale: Weights)
  /// The gated delta rule over the tokens of one sequence, in order. Per head with state S (keyWidth x valueWidth):
  /// `S *= exp(decay)`, `S += k (beta (v - k^T S))`, `output = q^T S * keyWidth^-1/2`.
  ///
  /// `queries` and `keys` have `keyHeads` heads, `values`, `decay`, `beta` and the output `valueHeads`; value head h uses
  /// key head `h / (valueHeads / keyHeads)` or, when `interleaved`, `h % keyHeads`.
  func gatedDelta(_ inputs: DeltaInputs<Self>, span: RowSpan, state: Buffer, into output: Buffer)
}

/// One matrix of a product over a shared input.
public struct MatrixProduct<Operations: TensorOperations> {
  /// The matrix.
  public var weights: Operations.Weights
  /// Where the product goes.
  public var output: Operations.Buffer

  /// Makes a product.
  public init(_ weights: Operations.Weights, into output: Operations.Buffer) {
    self.weights = weights
    self.output = output
  }
}

/// The stacked matrices of a layer's experts.
public struct ExpertWeights<Operations: TensorOperations> {
  /// Inputs to inner width.
  public var gate: Operations.Weights
  /// Inputs to inner width.
  public var up: Operations.Weights
  /// Inner width to outputs.
  public var down: Operations.Weights
  /// The inner width.
  public var innerWidth: Int

  /// Makes the set.
  public init(
    gate: Operations.Weights, up: Operations.Weights, down: Operations.Weights, innerWidth: Int
  ) {
    self.gate = gate
    self.up = up
    self.down = down
    self.innerWidth = innerWidth
  }
}

/// Which experts each row goes to, and how much each counts: `perRow` ids and weights a row.
public struct ExpertChoice: Hashable, Sendable {
  /// Expert numbers, row by row.
  public var ids: [Int32]
  /// Their weights.
  public var weights: [Float]
  /// The number chosen for each row.
  public var perRow: Int

  /// Makes a choice.
  public init(ids: [Int32], weights: [Float], perRow: Int) {
    self.ids = ids
    self.weights = weights
    self.perRow = perRow
  }
}

/// How a router's logits become a choice of experts.
public struct RoutingRule<Operations: TensorOperations> {
  /// What is applied to logits.
  public enum Score: Hashable, Sendable {
    /// `sqrt(softplus(logit))` (DeepSeek V4)
    case squareRootSoftplus
    /// `softmax` over all experts (Qwen3)
    case softmax
    /// `sigmoid(logit)`
    case sigmoid
  }

  /// What is applied to logits.
  public var score: Score
  /// The number of experts chosen.
  public var chosen: Int
  /// Added to scores for the choice only, one a expert; nil for none.
  public var bias: Operations.Weights?
  /// A table of `chosen` expert numbers a token, which then fixes the choice (hash layers); nil for none.
  public var table: Operations.Weights?
  /// Whether the weights of the chosen are made to sum to 1.
  public var normalizes: Bool
  /// What the weights are multiplied with at the end.
  public var scale: Float

  /// Makes a rule. Ties go to the lower expert number.
  public init(
    score: Score, chosen: Int, bias: Operations.Weights? = nil, table: Operations.Weights? = nil,
    normalizes: Bool, scale: Float = 1
  ) {
    self.score = score
    self.chosen = chosen
    self.bias = bias
    self.table = table
    self.normalizes = normalizes
    self.scale = scale
  }
}

/// The parameters of one hyper-connection (specification of DeepSeek V4, 4).
public struct HyperConnection<Operations: TensorOperations> {
  /// `fn`: rows of `count * width`.
  public var mixing: Operations.Weights
  /// `base`
  public var base: Operations.Weights
  /// `scale`
  public var scale: Operations.Weights
  /// The number of streams.
  public var count: Int
  /// Sinkhorn rounds, the first included.
  public var iterations: Int
  /// Added in Sinkhorn steps and to the collapse weights.
  public var epsilon: Float
  /// Of the norm over all streams.
  public var normEpsilon: Float

  /// Makes the set.
  public init(
    mixing: Operations.Weights, base: Operations.Weights, scale: Operations.Weights, count: Int,
    iterations: Int, epsilon: Float, normEpsilon: Float
  ) {
    self.mixing = mixing
    self.base = base
    self.scale = scale
    self.count = count
    self.iterations = iterations
    self.epsilon = epsilon
    self.normEpsilon = normEpsilon
  }
}

/// The inputs of the gated delta rule; all are buffers with a row a token.
public struct DeltaInputs<Operations: TensorOperations> {
  /// `keyHeads * keyWidth` wide.
  public var queries: Operations.Buffer
  /// `keyHeads * keyWidth` wide.
  public var keys: Operations.Buffer
  /// `valueHeads * valueWidth` wide.
  public var values: Operations.Buffer
  /// The logarithm of the decay (never positive), one a value head.
  public var decay: Operations.Buffer
  /// The writing strength in 0...1, one a value head.
  public var beta: Operations.Buffer
  /// The number of heads of queries and keys.
  public var keyHeads: Int
  /// The number of heads of values.
  public var valueHeads: Int
  /// The width of a key.
  public var keyWidth: Int
  /// The width of a value.
  public var valueWidth: Int
  /// Whether value head h uses key head `h % keyHeads` and not `h / (valueHeads / keyHeads)`.
  public var interleaved: Bool

  /// Makes the set.
  public init(
    queries: Operations.Buffer, keys: Operations.Buffer, values: Operations.Buffer,
    decay: Operations.Buffer, beta: Operations.Buffer, keyHeads: Int, valueHeads: Int,
    keyWidth: Int, valueWidth: Int, interleaved: Bool
  ) {
    self.queries = queries
    self.keys = keys
    self.values = values
    self.decay = decay
    self.beta = beta
    self.keyHeads = keyHeads
    self.valueHeads = valueHeads
    self.keyWidth = keyWidth
    self.valueWidth = valueWidth
    self.interleaved = interleaved
  }
}
