import Kernels

// The first half of a block (specification, 5): projections, window, compressor, indexer, attention, grouped output.
extension DeepSeek4Model {
  typealias Attention = DeepSeek4Weights<Operations>.Attention
  typealias Compressor = DeepSeek4Weights<Operations>.Compressor
  typealias Indexer = DeepSeek4Weights<Operations>.Indexer
  typealias Batch = DeepSeek4Batch<Operations>

  /// Attention of a layer of the trunk, with its hyper-connection.
  func attend(
    _ attention: Attention, layer: Int, batch: Batch, streams: Operations.Buffer,
    _ observation: LayerObservation?
  ) {
    let rotation = attention.compressor == nil ? windowRotation : compressedRotation
    connect(
      attention.connection, norm: attention.norm, name: "attn_hc", rows: batch.rows,
      streams: streams, observation
    ) { input in
      let row = windowRow(attention, input: input, batch: batch, rotation: rotation)
      for part in batch.parts {
        part.state.windows[layer].write(row, span: part.span, at: part.start)
      }
      let rank = queryRank(attention, input: input, rows: batch.rows)
      let chosen = compress(attention, layer: layer, input: input, rank: rank, batch: batch)
      let queries = queries(attention, rank: rank, batch: batch, rotation: rotation)

      let window = joined(batch.parts) { $0.state.windows[layer].rows }
      var sources = [
        AttentionSource(
          keys: window.rows, values: window.rows,
          selections: windowSelections(batch, offsets: window.offsets) {
            $0.state.windows[layer].row(0)
          })
      ]
      if let chosen { sources.append(chosen) }
      let output = outputProjection(
        attention, queries: queries, sources: sources, batch: batch, rotation: rotation)
      for part in batch.parts { part.state.trimLayer(layer, end: part.end) }
      observation?.tell("attn_out", read(output, rows: batch.rows), [batch.rows, shape.width])
      return output
    }
  }

  // MARK: Projections (5.1, 5.7, 5.8)

  /// The one row that is key and value for all heads.
  func windowRow(
    _ attention: Attention, input: Operations.Buffer, batch: Batch, rotation: Rotation
  ) -> Operations.Buffer {
    let row = work[.row, details.headWidth]
    operations.multiply(
      input, rows: batch.rows, by: [MatrixProduct(attention.row, into: row)])
    operations.normalize(
      row, rows: batch.rows, groups: 1, weight: attention.rowNorm, epsilon: details.epsilon,
      into: row)
    operations.rotate(
      row, rows: batch.rows, heads: 1, rotation: rotation, positions: batch.positions,
      inverse: false)
    if roundsCache {
      operations.round(
        row, rows: batch.rows, heads: 1, columns: 0..<details.positionFreeWidth, to: .float8E4M3)
    }
    return row
  }

  /// The normed low-rank query, which the indexer shares.
  func queryRank(
    _ attention: Attention, input: Operations.Buffer, rows: Int
  ) -> Operations.Buffer {
    let rank = work[.queryRank, details.queryRank]
    operations.multiply(input, rows: rows, by: [MatrixProduct(attention.queryDown, into: rank)])
    operations.normalize(
      rank, rows: rows, groups: 1, weight: attention.queryNorm, epsilon: details.epsilon,
      into: rank)
    return rank
  }

  /// The queries of all heads.
  func queries(
    _ attention: Attention, rank: Operations.Buffer, batch: Batch, rotation: Rotation
  ) -> Operations.Buffer {
    let queries = work[.queries, details.headCount * details.headWidth]
    operations.multiply(
      rank, rows: batch.rows, by: [MatrixProduct(attention.queryUp, into: queries)])
    operations.normalize(
      queries, rows: batch.rows, groups: details.headCount, weight: nil,
      epsilon: details.epsilon, into: queries)
    operations.rotate(
      queries, rows: batch.rows, heads: details.headCount, rotation: rotation,
      positions: batch.positions, inverse: false)
    return queries
  }

  /// Attention over the sources, un-rotated, through the grouped output matrices.
  func outputProjection(
    _ attention: Attention, queries: Operations.Buffer,
    sources: [AttentionSource<Operations.Buffer>], batch: Batch, rotation: Rotation
  ) -> Operations.Buffer {
    let attended = work[.attended, details.headCount * details.headWidth]
    operations.attend(
      queries, rows: batch.rows, heads: details.headCount, keyHeads: 1,
      headWidth: details.headWidth, sources: sources, sinks: attention.sinks,
      scale: 1 / Float(details.headWidth).squareRoot(), into: attended)
    operations.rotate(
      attended, rows: batch.rows, heads: details.headCount, rotation: rotation,
      positions: batch.positions, inverse: true)
    let groups = work[.groupOutputs, details.outputGroups * details.outputRank]
    operations.multiplyGroups(
      attended, rows: batch.rows, by: attention.groupOutput, groups: details.outputGroups,
      into: groups)
    let output = work[.output, shape.width]
    operations.multiply(
      groups, rows: batch.rows, by: [MatrixProduct(attention.output, into: output)])
    return output
  }

  // MARK: Rows of several sequences

  /// The pages of all parts as one collection, and the row at which each part's begin.
  func joined(
    _ parts: [Batch.Part], _ rows: (Batch.Part) -> PagedRows<Operations.Buffer>
  ) -> (rows: PagedRows<Operations.Buffer>, offsets: [Int]) {
    var result = rows(parts[0])
    var offsets = [0]
    for part in parts.dropFirst() {
      offsets.append(result.pages.count * result.rowsPerPage)
      result.pages += rows(part).pages
    }
    return (result, offsets)
  }

  /// The window rows each query sees: the newest `window` of its sequence, its own included (5.3).
  ///
  /// - Parameter base: the row that position 0 of a part has in its own rows (negative once old rows are dropped).
  func windowSelections(
    _ batch: Batch, offsets: [Int], base: (Batch.Part) -> Int
  ) -> [RowSelection] {
    var selections: [RowSelection] = []
    for (part, offset) in zip(batch.parts, offsets) {
      let base = base(part) + offset
      for position in part.positions {
        let first = max(0, position - details.window + 1)
        selections.append(.range(base + first..<base + position + 1))
      }
    }
    return selections
  }

  // MARK: Compressor (5.4)

  /// Moves the layer's compressor (and its indexer's) on, and says which compressed rows each query sees; nil for a layer
  /// without compression, or when no query sees any yet.
  private func compress(
    _ attention: Attention, layer: Int, input: Operations.Buffer, rank: Operations.Buffer,
    batch: Batch
  ) -> AttentionSource<Operations.Buffer>? {
    guard let compressor = attention.compressor, let place = layout.compressedIndex[layer] else {
      return nil
    }
    writeRaw(compressor, input: input, batch: batch, raw: \.raw[place])
    closeGroups(
      compressor, batch: batch, rotation: compressedRotation,
      rounding: (.float8E4M3, 0..<details.positionFreeWidth), transforms: false,
      raw: \.raw[place], target: \.compressedRows[place])

    let visible: [[Int]] = batch.parts.map { part in
      part.positions.map { ($0 + 1) / compressor.ratio }
    }
    var selections: [[RowSelection]] = visible.map { counts in counts.map { .range(0..<$0) } }
    if let indexer = attention.indexer, let place = layout.indexedIndex[layer] {
      writeRaw(indexer.compressor, input: input, batch: batch, raw: \.rawIndex[place])
      closeGroups(
        indexer.compressor, batch: batch, rotation: indexRotation,
        rounding: (.float4E2M1, 0..<details.indexWidth), transforms: true,
        raw: \.rawIndex[place], target: \.indexRows[place])
      if visible.joined().contains(where: { $0 > details.indexLimit }) {
        selections = select(
          indexer, input: input, rank: rank, batch: batch, visible: visible,
          keys: \.indexRows[place])
      }
    }
    guard visible.joined().contains(where: { $0 > 0 }) else { return nil }
    let rows = joined(batch.parts) { $0.state.compressedRows[place] }
    var shifted: [RowSelection] = []
    for (part, offset) in zip(selections, rows.offsets) {
      shifted += part.map { $0.shifted(by: offset) }
    }
    return AttentionSource(keys: rows.rows, values: rows.rows, selections: shifted)
  }

  /// Computes raw keys and gates of all tokens and keeps them by position.
  private func writeRaw(
    _ compressor: Compressor, input: Operations.Buffer, batch: Batch,
    raw: ReferenceWritableKeyPath<State, State.RawRows>
  ) {
    let keys = work[.rawKeys, compressor.rawWidth]
    let gates = work[.rawGates, compressor.rawWidth]
    operations.multiply(
      input, rows: batch.rows,
      by: [
        MatrixProduct(compressor.keys, into: keys), MatrixProduct(compressor.gates, into: gates),
      ])
    operations.addPeriodic(
      compressor.placeTerms, positions: batch.positions, rows: batch.rows, to: gates)
    for part in batch.parts {
      part.state[keyPath: raw].keys.write(keys, span: part.span, at: part.start)
      part.state[keyPath: raw].gates.write(gates, span: part.span, at: part.start)
    }
  }

  /// Makes the compressed rows of all groups that close within the batch and writes them to their pages.
  ///
  /// - Parameters:
  ///   - rounding: the format, and the columns it is applied to, when cached vectors are rounded.
  ///   - transforms: whether rows are Hadamard-transformed before they are rounded (5.5).
  private func closeGroups(
    _ compressor: Compressor, batch: Batch, rotation: Rotation,
    rounding: (format: RoundingFormat, columns: Range<Int>), transforms: Bool,
    raw: KeyPath<State, State.RawRows>, target: KeyPath<State, PagedRows<Operations.Buffer>>
  ) {
    let (ratio, width) = (compressor.ratio, compressor.width)
    let pooled = work[.pooled, width]
    var positions: [Int32] = []
    for part in batch.parts {
      let rows = part.state[keyPath: raw]
      let keys = rows.keys.rows
      let gates = rows.gates.rows
      for group in part.start / ratio..<part.end / ratio {
        operations.poolGroup(
          keys: keys, gates: gates, first: rows.keys.row(group * ratio), ratio: ratio,
          width: width, overlap: compressor.overlaps, into: pooled, row: positions.count)
        positions.append(Int32(group * ratio))
      }
    }
    guard !positions.isEmpty else { return }
    operations.normalize(
      pooled, rows: positions.count, groups: 1, weight: compressor.norm,
      epsilon: details.epsilon, into: pooled)
    operations.rotate(
      pooled, rows: positions.count, heads: 1, rotation: rotation, positions: positions,
      inverse: false)
    if roundsCache {
      if transforms { operations.hadamard(pooled, rows: positions.count, width: width) }
      operations.round(
        pooled, rows: positions.count, heads: 1, columns: rounding.columns, to: rounding.format)
    }

    var row = 0
    for part in batch.parts {
      let pages = part.state[keyPath: target]
      var group = part.start / ratio
      while group < part.end / ratio {
        let within = group % pages.rowsPerPage
        let count = min(pages.rowsPerPage - within, part.end / ratio - group)
        if let page = pages.pages[group / pages.rowsPerPage] {
          operations.copy(pooled, rows: row..<row + count, to: page, row: within)
        }
        (row, group) = (row + count, group + count)
      }
    }
  }

  // MARK: Indexer (5.5)

  /// The compressed rows each query sees, sequence by sequence; called only when some query has more to choose from than
  /// it may see.
  private func select(
    _ indexer: Indexer, input: Operations.Buffer, rank: Operations.Buffer, batch: Batch,
    visible: [[Int]], keys: KeyPath<State, PagedRows<Operations.Buffer>>
  ) -> [[RowSelection]] {
    let (rows, heads, width) = (batch.rows, details.indexHeads, details.indexWidth)
    let queries = work[.indexQueries, heads * width]
    let headWeights = work[.headWeights, heads]
    operations.multiply(rank, rows: rows, by: [MatrixProduct(indexer.queries, into: queries)])
    operations.multiply(
      input, rows: rows, by: [MatrixProduct(indexer.headWeights, into: headWeights)])
    operations.rotate(
      queries, rows: rows, heads: heads, rotation: indexRotation, positions: batch.positions,
      inverse: false)
    if roundsCache {
      operations.hadamard(queries, rows: rows, width: width)
      operations.round(
        queries, rows: rows, heads: heads, columns: 0..<width, to: .float4E2M1)
    }
    return zip(batch.parts, visible).map { part, visible in
      guard visible.contains(where: { $0 > details.indexLimit }) else {
        return visible.map { .range(0..<$0) }
      }
      let own = own(part, queries, headWeights)
      return operations.selectRows(
        queries: own.queries, headWeights: own.headWeights, rows: part.span.count, heads: heads,
        headWidth: width, scale: 1 / Float(width * heads).squareRoot(),
        keys: part.state[keyPath: keys], visible: visible, limit: details.indexLimit)
    }
  }

  /// The rows of one sequence at the beginning of buffers.
  private func own(
    _ part: Batch.Part, _ queries: Operations.Buffer, _ headWeights: Operations.Buffer
  ) -> (queries: Operations.Buffer, headWeights: Operations.Buffer) {
    guard part.span.first > 0 else { return (queries, headWeights) }
    let ownQueries = work[.spanQueries, queries.columns]
    let ownWeights = work[.spanHeadWeights, headWeights.columns]
    operations.copy(queries, rows: part.span.range, to: ownQueries, row: 0)
    operations.copy(headWeights, rows: part.span.range, to: ownWeights, row: 0)
    return (ownQueries, ownWeights)
  }
}

extension RowSelection {
  /// The same rows, `offset` further on.
  fileprivate func shifted(by offset: Int) -> RowSelection {
    guard offset != 0 else { return self }
    return switch self {
    case .range(let rows): .range(rows.lowerBound + offset..<rows.upperBound + offset)
    case .list(let rows): .list(rows.map { $0 + Int32(offset) })
    }
  }
}
