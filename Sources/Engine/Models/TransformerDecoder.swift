import GGUF
import Kernels

/// A decoder with one residual stream: in every layer a norm and a block that mixes tokens (attention, or a gated delta
/// net), then a norm and a feed-forward block, each added to the stream (Vaswani et al.; pre-norm as in Llama).
///
/// Families describe their decoder by a `DecoderPlan`; all of them run here.
final class TransformerDecoder<Operations: TensorOperations>: LanguageModel, KeyValueStateOwner {
  /// The block of a layer that mixes tokens, with its number among the blocks of its kind.
  private enum Mixer {
    case attention(GroupedQueryAttention<Operations>, Int)
    case delta(GatedDeltaNet<Operations>, Int)
  }

  private struct Layer {
    let mixerNorm: Operations.Weights
    let mixer: Mixer
    let feedForwardNorm: Operations.Weights
    let feedForward: FeedForward<Operations>
  }

  let shape: ModelShape
  let maximumBatch: Int
  private let contextLength: Int
  private let epsilon: Float
  private let file: GGUFFile
  private let operations: Operations
  private let embedding: Operations.Weights
  private let layers: [Layer]
  /// The layers with a gated delta net, in order.
  private let deltaNets: [GatedDeltaNet<Operations>]
  private let outputNorm: Operations.Weights
  private let outputHead: Operations.Weights
  private let stateLayout: StateLayout
  private let sizes: DecoderScratch<Operations>.Sizes
  private var scratch: DecoderScratch<Operations>
  /// The rows whose logits are computed together.
  private let selected: Operations.Buffer
  private let logits: Operations.Buffer

  /// The number of rows whose logits are computed together: enough to read the output matrix seldom, few enough that
  /// the buffer stays small beside it.
  private static var logitRows: Int { 16 }

  /// Loads the tensors that a plan names.
  init(
    _ plan: DecoderPlan<Operations>, file: GGUFFile, on operations: Operations,
    options: ModelOptions
  ) throws(ModelError) {
    let table = TensorTable(file, operations: operations)
    shape = plan.shape
    maximumBatch = options.maximumBatch
    contextLength = min(options.contextLength ?? plan.shape.contextLength, plan.shape.contextLength)
    epsilon = plan.epsilon
    self.file = file
    self.operations = operations
    let width = plan.shape.width
    let vocabulary = plan.shape.vocabularyCount
    embedding = try table.matrix("token_embd.weight", inputs: width, outputs: vocabulary)

    var layers: [Layer] = []
    var deltaNets: [GatedDeltaNet<Operations>] = []
    for index in 0..<plan.shape.layerCount {
      let prefix = "blk.\(index)"
      let mixer: Mixer
      if let delta = plan.delta, plan.recurrentLayers.contains(index) {
        let net = try GatedDeltaNet(
          table, prefix: prefix, width: width, shape: delta, epsilon: plan.epsilon)
        mixer = .delta(net, deltaNets.count)
        deltaNets.append(net)
      } else {
        let attention = try GroupedQueryAttention(
          table, prefix: prefix, width: width, shape: plan.attention, rotation: plan.rotation,
          normalized: plan.normalizesHeads, epsilon: plan.epsilon)
        mixer = .attention(attention, index - deltaNets.count)
      }
      let feedForward: FeedForward<Operations>
      if let experts = plan.experts {
        feedForward = .mixture(
          try MixtureOfExperts(table, prefix: prefix, width: width, shape: experts))
      } else {
        feedForward = .dense(
          try GatedFeedForward(table, prefix: prefix, width: width, inner: plan.inner))
      }
      layers.append(
        Layer(
          mixerNorm: try table.vector("\(prefix).attn_norm.weight", count: width),
          mixer: mixer,
          feedForwardNorm: try table.vector(
            "\(prefix).\(plan.feedForwardNorm).weight", count: width),
          feedForward: feedForward))
    }
    self.layers = layers
    self.deltaNets = deltaNets
    outputNorm = try table.vector("output_norm.weight", count: width)
    // Without an output matrix the embedding serves as one (tied embeddings).
    outputHead =
      try table.optionalMatrix("output.weight", inputs: width, outputs: vocabulary) ?? embedding

    stateLayout = StateLayout(
      attentionLayers: layers.count - deltaNets.count, keyColumns: plan.attention.keyColumns,
      recurrence: deltaNets.isEmpty ? nil : plan.delta?.recurrence(layers: deltaNets.count))
    sizes = DecoderScratch.Sizes(
      width: width, vocabulary: vocabulary, attention: plan.attention,
      inner: max(plan.experts == nil ? plan.inner : 0, plan.experts?.sharedInner ?? 0),
      experts: plan.experts, delta: plan.delta)
    scratch = DecoderScratch(sizes, rows: 1, on: operations)
    selected = operations.makeBuffer(rows: Self.logitRows, columns: width)
    logits = operations.makeBuffer(rows: Self.logitRows, columns: vocabulary)
  }

  // MARK: States

  lazy var fingerprint = ModelFingerprint(
    architecture: shape.architecture, settings: [], tensors: file.tensors)

  func makeState() -> any SequenceState {
    KeyValueState(self, layout: stateLayout, on: operations)
  }

  func stateByteCount(tokens: Int) -> Int {
    let pages = (max(0, tokens) + tokensPerPage - 1) / tokensPerPage
    let (bytes, overflow) = (pages * tokensPerPage).multipliedReportingOverflow(
      by: stateLayout.bytesPerToken)
    let (total, more) = bytes.addingReportingOverflow(stateLayout.recurrence?.byteCount ?? 0)
    return overflow || more ? Int.max : total
  }

  func makeState(serialized: [UInt8]) throws(ModelError) -> any SequenceState {
    try KeyValueState(
      serialized: serialized, limit: contextLength, self, layout: stateLayout, on: operations)
  }

  var rollsBackFreely: Bool { stateLayout.recurrence == nil }

  func serialized(_ page: any StatePage) -> [UInt8] {
    guard let page = page as? KeyValuePage<Operations> else {
      preconditionFailure("the page is of another kind of model")
    }
    var writer = StateWriter(model: fingerprint, part: .page)
    writer.reserve(page.byteCount + 16 * stateLayout.attentionLayers)
    page.write(rows: tokensPerPage, to: &writer, on: operations)
    return writer.finished()
  }

  func makePage(serialized: [UInt8]) throws(ModelError) -> any StatePage {
    var reader = try StateReader(serialized, model: fingerprint, part: .page)
    let page = try KeyValuePage(reading: tokensPerPage, from: &reader, stateLayout, on: operations)
    try reader.finish()
    return page
  }

  func makeState(
    tail: [UInt8], pages: [any StatePage]
  ) throws(ModelError) -> any SequenceState {
    try KeyValueState(
      tail: tail, pages: pages, limit: contextLength, self, layout: stateLayout, on: operations)
  }

  func replay(
    layer: Int, _ inputs: RecurrentInputs<Operations.Buffer>, span: RowSpan,
    history: Operations.Buffer, state: Operations.Buffer
  ) {
    reserveScratch(rows: span.first + span.count)
    guard let delta = scratch.delta else { return }
    deltaNets[layer].replay(
      inputs, span: span, history: history, state: state, scratch: delta, on: operations)
  }

  private func reserveScratch(rows: Int) {
    guard rows > scratch.rows else { return }
    // Powers of two, so that growing batches do not make new buffers every time.
    var capacity = 1
    while capacity < rows { capacity *= 2 }
    scratch = DecoderScratch(sizes, rows: capacity, on: operations)
  }

  // MARK: Forward pass

  func evaluate(
    _ sequences: [SequenceInput], observer: (any ForwardObserver)?
  ) throws(ModelError) -> [[Float]] {
    guard !sequences.isEmpty else { return [] }
    let batch = try TransformerBatch<Operations>(
      sequences, vocabulary: shape.vocabularyCount, maximumBatch: maximumBatch,
      contextLength: contextLength)
    reserveScratch(rows: batch.rows)
    operations.lookUp(embedding, ids: batch.ids, into: scratch.residual)
    for (index, layer) in layers.enumerated() {
      forward(layer, index, batch, observer)
    }
    batch.finish()
    if let observer {
      normalize(scratch.residual, outputNorm, rows: batch.rows)
      observe(scratch.normalized, "final_norm", batch.rows, observer)
    }
    let result = readLogits(batch)
    do throws(GGUFError) {
      try file.checkUnchanged()
    } catch {
      throw .fileChanged(error.description)
    }
    return result
  }

  private func forward(
    _ layer: Layer, _ index: Int, _ batch: TransformerBatch<Operations>,
    _ observer: (any ForwardObserver)?
  ) {
    let rows = batch.rows
    normalize(scratch.residual, layer.mixerNorm, rows: rows)
    observe(scratch.normalized, "\(index).attn_norm", rows, observer)
    switch layer.mixer {
    case .attention(let block, let number):
      block.forward(
        scratch.normalized, batch, layer: number, scratch: scratch, on: operations,
        into: scratch.update)
    case .delta(let block, let number):
      if let delta = scratch.delta {
        block.forward(
          scratch.normalized, batch, layer: number, scratch: delta, on: operations,
          into: scratch.update)
      }
    }
    observe(scratch.update, "\(index).attn_out", rows, observer)
    operations.add(scratch.update, rows: rows, scale: nil, to: scratch.residual)

    normalize(scratch.residual, layer.feedForwardNorm, rows: rows)
    let choice = layer.feedForward.forward(
      scratch.normalized, batch, scratch: scratch, on: operations, into: scratch.update)
    if let observer, let choice {
      observer.observe(
        "\(index).router.experts", shape: [rows, choice.perRow], values: choice.ids.map(Float.init))
      observer.observe(
        "\(index).router.weights", shape: [rows, choice.perRow], values: choice.weights)
    }
    observe(scratch.update, "\(index).ffn_out", rows, observer)
    operations.add(scratch.update, rows: rows, scale: nil, to: scratch.residual)
    observe(scratch.residual, "\(index).layer_out", rows, observer)
  }

  private func normalize(_ input: Operations.Buffer, _ weight: Operations.Weights, rows: Int) {
    operations.normalize(
      input, rows: rows, groups: 1, weight: weight, epsilon: epsilon, into: scratch.normalized)
  }

  private func observe(
    _ buffer: Operations.Buffer, _ name: String, _ rows: Int, _ observer: (any ForwardObserver)?
  ) {
    guard let observer else { return }
    observer.observe(
      name, shape: [rows, buffer.columns], values: operations.read(buffer, rows: 0..<rows))
  }

  /// The logits asked for, by sequence.
  private func readLogits(_ batch: TransformerBatch<Operations>) -> [[Float]] {
    let vocabulary = shape.vocabularyCount
    var result = batch.logitCounts.map { count in
      var rows: [Float] = []
      rows.reserveCapacity(count * vocabulary)
      return rows
    }
    let owners = batch.logitCounts.enumerated().flatMap { Array(repeating: $0, count: $1) }
    for start in stride(from: 0, to: batch.logitRows.count, by: Self.logitRows) {
      let slice = batch.logitRows[start...].prefix(Self.logitRows)
      for (target, row) in slice.enumerated() {
        operations.copy(scratch.residual, rows: row..<row + 1, to: selected, row: target)
      }
      operations.normalize(
        selected, rows: slice.count, groups: 1, weight: outputNorm, epsilon: epsilon,
        into: selected)
      operations.multiply(
        selected, rows: slice.count, by: [MatrixProduct(outputHead, into: logits)])
      for target in 0..<slice.count {
        result[owners[start + target]] += operations.read(logits, rows: target..<target + 1)
      }
    }
    return result
  }
}
