import GGUF
import Kernels

/// DeepSeek V4 (Flash, Pro and whatever shares their structure): the specification's sections 3 to 7.
///
/// The forward pass is spread over files: `DeepSeek4Forward` (blocks, experts), `DeepSeek4Attention` (window, compressor,
/// indexer), `DeepSeek4Prediction` (the further token).
final class DeepSeek4Model<Operations: TensorOperations>: LanguageModel {
  typealias State = DeepSeek4State<Operations>

  /// What a work buffer is for.
  enum Purpose: Hashable {
    case streams, collapsed, post, comb, normed, output
    case queryRank, queries, row, attended, groupOutputs
    case rawKeys, rawGates, pooled, indexQueries, headWeights, spanQueries, spanHeadWeights
    case routerLogits, expertGate, expertUp, expertOutput
    case embedding, joined, projected, predictionStreams
  }

  /// What a buffer for the rows whose logits are wanted is for.
  enum HeadPurpose: Hashable {
    case streams, collapsed, logits
  }

  // Logits are wide (130 thousand values a row): computed in slices of this many rows.
  private static var headRows: Int { 64 }

  let file: GGUFFile
  let operations: Operations
  let details: DeepSeek4Shape
  let weights: DeepSeek4Weights<Operations>
  let layout: DeepSeek4StateLayout
  let roundsCache: Bool
  let work: WorkBuffers<Operations, Purpose>
  private let headWork: WorkBuffers<Operations, HeadPurpose>
  private let spares: SparePages<Operations>

  /// Of heads of layers without compression, of those with, and of indexer heads.
  let windowRotation: Rotation
  let compressedRotation: Rotation
  let indexRotation: Rotation

  let maximumBatch: Int
  var shape: ModelShape { details.common }

  /// Reads the shape, loads the tensors, checks both.
  init(
    _ file: GGUFFile, on operations: Operations, options: ModelOptions
  ) throws(ModelError) {
    let details = try DeepSeek4Shape(file)
    weights = try DeepSeek4Weights(TensorTable(file, operations: operations), shape: details)
    self.file = file
    self.operations = operations
    self.details = details
    maximumBatch = options.maximumBatch
    roundsCache = options.roundsCache
    let contextLength = min(
      options.contextLength ?? details.common.contextLength, details.common.contextLength)
    layout = DeepSeek4StateLayout(
      details, contextLength: contextLength,
      fingerprint: ModelFingerprint(
        architecture: details.common.architecture,
        settings: ["cached vectors are \(options.roundsCache ? "" : "not ")rounded"],
        tensors: file.tensors))
    work = WorkBuffers(operations, limit: options.maximumBatch)
    headWork = WorkBuffers(operations, limit: Self.headRows)
    spares = SparePages(operations)

    let plain = RotaryFrequencies.plain(width: details.rotaryWidth, base: details.rotaryBase)
    let stretched =
      details.yarn.map {
        RotaryFrequencies.yarn(
          width: details.rotaryWidth, base: details.compressedRotaryBase, $0)
      }
      ?? RotaryFrequencies.plain(
        width: details.rotaryWidth, base: details.compressedRotaryBase)
    func rotation(_ offset: Int, _ frequencies: [Double]) -> Rotation {
      Rotation(
        offset: offset, width: details.rotaryWidth, pairing: .adjacent, frequencies: frequencies)
    }
    windowRotation = rotation(details.positionFreeWidth, plain)
    compressedRotation = rotation(details.positionFreeWidth, stretched)
    indexRotation = rotation(max(details.indexPositionFreeWidth, 0), stretched)
  }

  // MARK: States

  func makeState() -> any SequenceState { State(layout, spares: spares) }

  func makeState(serialized: [UInt8]) throws(ModelError) -> any SequenceState {
    try State(serialized: serialized, layout, spares: spares)
  }

  /// Windows and open groups hold the newest tokens only.
  var rollsBackFreely: Bool { false }

  func serialized(_ page: any StatePage) -> [UInt8] {
    guard let page = page as? DeepSeek4Page<Operations> else {
      preconditionFailure("a page of another family or back end")
    }
    var writer = StateWriter(model: layout.fingerprint, part: .page)
    writer.reserve(page.byteCount + 8 * page.buffers.count)
    State.write(page, tokens: tokensPerPage, layout, to: &writer, on: operations)
    return writer.finished()
  }

  func makePage(serialized: [UInt8]) throws(ModelError) -> any StatePage {
    var reader = try StateReader(serialized, model: layout.fingerprint, part: .page)
    let page = try State.readPage(tokens: tokensPerPage, layout, from: &reader, on: operations)
    try reader.finish()
    return page
  }

  func makeState(
    tail: [UInt8], pages: [any StatePage]
  ) throws(ModelError) -> any SequenceState {
    try State(tail: tail, pages: pages, layout, spares: spares)
  }

  func stateByteCount(tokens: Int) -> Int { layout.byteCount(tokens: tokens, State.self) }

  // MARK: Evaluation

  func evaluate(
    _ sequences: [SequenceInput], observer: (any ForwardObserver)?
  ) throws(ModelError) -> [[Float]] {
    let batch = try makeBatch(sequences)
    guard batch.rows > 0 else { return sequences.map { _ in [] } }
    prefetchHashExperts(batch.tokens)
    work.reserve(rows: batch.rows)
    for part in batch.parts { part.state.reserve(through: part.end) }

    let streams = work[.streams, details.streams * shape.width]
    embed(batch.tokens, with: weights.embedding, into: streams)
    for (index, block) in weights.blocks.enumerated() {
      let observation = observer.map { LayerObservation(observer: $0, layer: index) }
      attend(block.attention, layer: index, batch: batch, streams: streams, observation)
      mix(block.experts, batch: batch, streams: streams, observation)
      observation?.tell(
        "streams_out", read(streams, rows: batch.rows),
        [batch.rows, details.streams, shape.width])
    }
    if let observer { observeFinalNorm(streams, rows: batch.rows, observer) }

    let wanted = zip(sequences, batch.parts).map { input, part in
      let rows = part.span.range
      return switch input.logits {
      case .none: rows.upperBound..<rows.upperBound
      case .last: rows.upperBound - 1..<rows.upperBound
      case .all: rows
      }
    }
    let logits = headLogits(
      streams, rows: wanted, head: weights.head, norm: weights.norm, output: weights.output)
    if let prediction = weights.prediction {
      rememberForPrediction(prediction, batch: batch, streams: streams)
    }
    try checkFile()
    for part in batch.parts { part.state.advance(to: part.end) }
    return logits
  }

  /// Throws when the file changed while it was read from: what was computed is worthless then.
  func checkFile() throws(ModelError) {
    do throws(GGUFError) {
      try file.checkUnchanged()
    } catch {
      throw .fileChanged(error.description)
    }
  }

  /// Checks everything a call is given before any state is touched.
  private func makeBatch(_ sequences: [SequenceInput]) throws(ModelError) -> DeepSeek4Batch<
    Operations
  > {
    let count = sequences.reduce(0) { $0 + $1.tokens.count }
    guard count <= maximumBatch else {
      throw .tooManyTokens(count: count, limit: maximumBatch)
    }
    var batch = DeepSeek4Batch<Operations>()
    for input in sequences {
      let state = own(input.state)
      precondition(!input.tokens.isEmpty, "a sequence is given at least one token")
      precondition(
        !batch.parts.contains { $0.state === state }, "the states of one call are distinct")
      for token in input.tokens { try check(token) }
      guard state.count + input.tokens.count <= layout.contextLength else {
        throw .tooManyTokens(
          count: state.count + input.tokens.count, limit: layout.contextLength)
      }
      batch.append(state, input.tokens, at: state.count)
    }
    return batch
  }

  /// The state as one of this model.
  func own(_ state: any SequenceState) -> State {
    guard let state = state as? State, state.layout.fingerprint == layout.fingerprint else {
      preconditionFailure("a state is used with the model that made it")
    }
    return state
  }

  /// Throws when a token is not in the vocabulary.
  func check(_ token: Int32) throws(ModelError) {
    guard token >= 0, token < shape.vocabularyCount else {
      throw .tokenOutOfRange(token: Int(token), vocabulary: shape.vocabularyCount)
    }
  }

  /// The same embedding in every stream (3).
  private func embed(
    _ tokens: [Int32], with table: Operations.Weights, into streams: Operations.Buffer
  ) {
    let embedding = work[.embedding, shape.width]
    operations.lookUp(table, ids: tokens, into: embedding)
    for stream in 0..<details.streams {
      operations.copyColumns(
        embedding, column: 0, width: shape.width, rows: tokens.count, to: streams,
        column: stream * shape.width)
    }
  }

  /// Logits of some rows of streams: the last collapse, norm, output matrix (3, 4).
  ///
  /// The rows of all sequences are taken together, so that the output matrix is read once for up to 64 of them.
  ///
  /// - Returns: for each range the logits of its rows.
  func headLogits(
    _ streams: Operations.Buffer, rows wanted: [Range<Int>], head: HyperConnection<Operations>,
    norm: Operations.Weights, output: Operations.Weights
  ) -> [[Float]] {
    let rows = wanted.flatMap { Array($0) }
    guard !rows.isEmpty else { return wanted.map { _ in [] } }
    var logits: [Float] = []
    logits.reserveCapacity(rows.count * shape.vocabularyCount)
    for first in stride(from: 0, to: rows.count, by: Self.headRows) {
      let slice = rows[first..<min(first + Self.headRows, rows.count)]
      headWork.reserve(rows: slice.count)
      let chosen = headWork[.streams, streams.columns]
      let collapsed = headWork[.collapsed, shape.width]
      let result = headWork[.logits, shape.vocabularyCount]
      for (place, row) in slice.enumerated() {
        operations.copy(streams, rows: row..<row + 1, to: chosen, row: place)
      }
      operations.collapseHead(chosen, rows: slice.count, connection: head, into: collapsed)
      operations.normalize(
        collapsed, rows: slice.count, groups: 1, weight: norm, epsilon: details.epsilon,
        into: collapsed)
      operations.multiply(collapsed, rows: slice.count, by: [MatrixProduct(output, into: result)])
      logits += operations.read(result, rows: 0..<slice.count)
    }
    guard wanted.count > 1 else { return [logits] }
    var parts: [[Float]] = []
    var start = 0
    for range in wanted {
      let end = start + range.count * shape.vocabularyCount
      parts.append(Array(logits[start..<end]))
      start = end
    }
    return parts
  }

  private func observeFinalNorm(
    _ streams: Operations.Buffer, rows: Int, _ observer: any ForwardObserver
  ) {
    let collapsed = work[.collapsed, shape.width]
    operations.collapseHead(streams, rows: rows, connection: weights.head, into: collapsed)
    operations.normalize(
      collapsed, rows: rows, groups: 1, weight: weights.norm, epsilon: details.epsilon,
      into: collapsed)
    observer.observe(
      "final_norm", shape: [rows, shape.width], values: operations.read(collapsed, rows: 0..<rows))
  }
}

/// The tokens of one call: those of several sequences one after another.
struct DeepSeek4Batch<Operations: TensorOperations> {
  /// The tokens of one sequence.
  struct Part {
    var state: DeepSeek4State<Operations>
    /// Its rows in buffers.
    var span: RowSpan
    /// The position of its first token.
    var start: Int

    /// The position after its last token.
    var end: Int { start + span.count }

    /// The position of each of its rows.
    var positions: Range<Int> { start..<end }
  }

  private(set) var parts: [Part] = []
  private(set) var tokens: [Int32] = []
  private(set) var positions: [Int32] = []

  /// The rows of all sequences.
  var rows: Int { tokens.count }

  /// Appends tokens of a sequence that begin at position `start`.
  mutating func append(_ state: DeepSeek4State<Operations>, _ added: [Int32], at start: Int) {
    let span = RowSpan(first: tokens.count, count: added.count)
    parts.append(Part(state: state, span: span, start: start))
    tokens += added
    positions += (start..<start + added.count).map(Int32.init)
  }
}

/// Tells an observer about one layer.
struct LayerObservation {
  let observer: any ForwardObserver
  let layer: Int

  func tell(_ name: String, _ values: [Float], _ shape: [Int]) {
    observer.observe("\(layer).\(name)", shape: shape, values: values)
  }
}

extension DeepSeek4StateLayout {
  /// The bytes of a state that took in `tokens` tokens: complete pages, the page being filled, the tail.
  func byteCount<Operations>(
    tokens: Int, _: DeepSeek4State<Operations>.Type
  ) -> Int {
    typealias Rows = RecentRows<Operations>
    let oldest = max(0, tokens - maximumRollback)
    let pages = (tokens + tokensPerPage - 1) / tokensPerPage * pageByteCount
    var tail =
      layers * Rows.byteCount(columns: headWidth, first: firstWindow(oldest), end: tokens)
    for rows in compressed + indexed {
      tail +=
        2 * Rows.byteCount(columns: rows.rawWidth, first: rows.firstRaw(oldest), end: tokens)
    }
    if let predictionStreams {
      tail += Rows.byteCount(
        columns: headWidth, first: firstPredictionWindow(oldest), end: max(0, tokens - 1))
      tail += Rows.byteCount(columns: predictionStreams, first: max(0, oldest - 1), end: tokens)
    }
    return pages + tail
  }
}
