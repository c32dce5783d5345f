import Kernels

/// A model that can guess one token more than it was asked for (specification of DeepSeek V4, 7).
public protocol DraftingModel: LanguageModel {
  /// Whether the file holds what guessing takes.
  var canDraft: Bool { get }
  /// For each sequence, logits of the token after `token`, where `token` was chosen to follow what the state took in. States
  /// stay as they are: the token is not taken in.
  ///
  /// - Precondition: `canDraft`, and every state has taken in at least one token.
  func draft(
    _ sequences: [(state: any SequenceState, token: Int32)]
  ) throws(ModelError) -> [[Float]]
}

// Multi-token prediction (specification, 7): one more block, fed with the trunk's streams at position p and the token at
// p + 1. Its window rows are computed along with the trunk, as soon as the next token is known.
extension DeepSeek4Model: DraftingModel {
  typealias Prediction = DeepSeek4Weights<Operations>.Prediction

  var canDraft: Bool { weights.prediction != nil }

  func draft(
    _ sequences: [(state: any SequenceState, token: Int32)]
  ) throws(ModelError) -> [[Float]] {
    guard let prediction = weights.prediction else {
      preconditionFailure("the file has no prediction block")
    }
    guard sequences.count <= maximumBatch else {
      throw .tooManyTokens(count: sequences.count, limit: maximumBatch)
    }
    var batch = Batch()
    for (state, token) in sequences {
      let state = own(state)
      try check(token)
      precondition(state.count > 0, "a draft continues at least one token")
      batch.append(state, [token], at: state.count - 1)
    }
    guard batch.rows > 0 else { return [] }
    work.reserve(rows: batch.rows)
    let streams = work[.predictionStreams, details.streams * shape.width]
    for (row, part) in batch.parts.enumerated() {
      part.state.trunkStreams?.copy(position: part.start, to: streams, row: row)
    }
    combine(prediction, tokens: batch.tokens, streams: streams)

    let attention = prediction.block.attention
    connect(
      attention.connection, norm: attention.norm, name: "attn_hc", rows: batch.rows,
      streams: streams, nil
    ) { input in
      writePredictionRows(attention, input: input, batch: batch)
      let rank = queryRank(attention, input: input, rows: batch.rows)
      let queries = queries(attention, rank: rank, batch: batch, rotation: windowRotation)
      let empty = PagedRows<Operations.Buffer>(
        rowsPerPage: RecentRows<Operations>.rowsPerPage)
      let window = joined(batch.parts) { $0.state.predictionWindow?.rows ?? empty }
      let source = AttentionSource(
        keys: window.rows, values: window.rows,
        selections: windowSelections(batch, offsets: window.offsets) {
          $0.state.predictionWindow?.row(0) ?? 0
        })
      return outputProjection(
        attention, queries: queries, sources: [source], batch: batch, rotation: windowRotation)
    }
    mix(prediction.block.experts, batch: batch, streams: streams, nil)
    for part in batch.parts { part.state.trimPrediction() }
    let logits = headLogits(
      streams, rows: (0..<batch.rows).map { $0..<$0 + 1 }, head: prediction.head,
      norm: prediction.norm, output: prediction.output)
    try checkFile()
    return logits
  }

  /// Computes the block's window rows of all positions whose next token is known now, and keeps the streams of the newest
  /// positions.
  func rememberForPrediction(
    _ prediction: Prediction, batch trunk: Batch, streams: Operations.Buffer
  ) {
    var batch = Batch()
    let own = work[.predictionStreams, details.streams * shape.width]
    for part in trunk.parts {
      let tokens = trunk.tokens[part.span.range]
      var row = batch.rows
      // The row before the part had to wait for the part's first token.
      if part.start > 0 {
        part.state.trunkStreams?.copy(position: part.start - 1, to: own, row: row)
        row += 1
      }
      let first = part.span.first
      if part.span.count > 1 {
        operations.copy(streams, rows: first..<first + part.span.count - 1, to: own, row: row)
      }
      let known = part.start > 0 ? tokens : tokens.dropFirst()
      if !known.isEmpty {
        batch.append(part.state, Array(known), at: max(0, part.start - 1))
      }
      let kept = min(part.span.count, maximumRollback + 1)
      part.state.trunkStreams?.write(
        streams, span: RowSpan(first: first + part.span.count - kept, count: kept),
        at: part.end - kept)
    }
    guard batch.rows > 0 else { return }
    combine(prediction, tokens: batch.tokens, streams: own)
    let attention = prediction.block.attention
    let collapsed = work[.collapsed, shape.width]
    operations.collapseStreams(
      own, rows: batch.rows, connection: attention.connection, collapsed: collapsed,
      post: work[.post, details.streams], comb: work[.comb, details.streams * details.streams])
    let normed = work[.normed, shape.width]
    operations.normalize(
      collapsed, rows: batch.rows, groups: 1, weight: attention.norm, epsilon: details.epsilon,
      into: normed)
    writePredictionRows(attention, input: normed, batch: batch)
  }

  private func writePredictionRows(
    _ attention: Attention, input: Operations.Buffer, batch: Batch
  ) {
    let row = windowRow(attention, input: input, batch: batch, rotation: windowRotation)
    for part in batch.parts {
      part.state.predictionWindow?.write(row, span: part.span, at: part.start)
    }
  }

  /// The block's input: `E rms(embed[token]) + H rms(S[j])` for every stream j, in place of the trunk's streams.
  private func combine(_ prediction: Prediction, tokens: [Int32], streams: Operations.Buffer) {
    let (rows, width) = (tokens.count, shape.width)
    let embedding = work[.embedding, width]
    operations.lookUp(prediction.embedding, ids: tokens, into: embedding)
    operations.normalize(
      embedding, rows: rows, groups: 1, weight: prediction.embeddingNorm,
      epsilon: details.epsilon, into: embedding)
    operations.normalize(
      streams, rows: rows, groups: details.streams, weight: prediction.stateNorm,
      epsilon: details.epsilon, into: streams)

    let projected = work[.projected, width]
    switch prediction.input {
    case .separate(let embeddingMatrix, let stateMatrix):
      let shared = work[.normed, width]
      let state = work[.joined, width]
      operations.multiply(
        embedding, rows: rows, by: [MatrixProduct(embeddingMatrix, into: shared)])
      for stream in 0..<details.streams {
        operations.copyColumns(
          streams, column: stream * width, width: width, rows: rows, to: state, column: 0)
        operations.multiply(state, rows: rows, by: [MatrixProduct(stateMatrix, into: projected)])
        operations.add(shared, rows: rows, scale: nil, to: projected)
        operations.copyColumns(
          projected, column: 0, width: width, rows: rows, to: streams, column: stream * width)
      }
    case .joined(let matrix):
      let both = work[.joined, 2 * width]
      operations.copyColumns(
        embedding, column: 0, width: width, rows: rows, to: both, column: 0)
      for stream in 0..<details.streams {
        operations.copyColumns(
          streams, column: stream * width, width: width, rows: rows, to: both, column: width)
        operations.multiply(both, rows: rows, by: [MatrixProduct(matrix, into: projected)])
        operations.copyColumns(
          projected, column: 0, width: width, rows: rows, to: streams, column: stream * width)
      }
    }
  }
}
