import Kernels

/// The serialised form of states.
///
/// `count`, `oldestRollback`, then arrays of floats: the rows of every page (of the last one only those of closed groups),
/// then windows, raw keys and gates, index keys and gates, the prediction block's window and streams. A tail is the same
/// without the complete pages.
extension DeepSeek4State {
  func serialized() -> [UInt8] {
    var writer = StateWriter(model: layout.fingerprint)
    writer.reserve(tailByteCount + pageByteCount)
    writer.append(count: count)
    writer.append(count: oldestRollback)
    for page in pageList.prefix(completePages) {
      Self.write(page, tokens: tokensPerPage, layout, to: &writer, on: spares.operations)
    }
    writeTail(to: &writer)
    return writer.finished()
  }

  func serializedTail() -> [UInt8] {
    var writer = StateWriter(model: layout.fingerprint, part: .tail)
    writer.reserve(tailByteCount)
    writer.append(count: count)
    writer.append(count: oldestRollback)
    writeTail(to: &writer)
    return writer.finished()
  }

  /// Writes the rows of the groups closed by the first `tokens` tokens of a page.
  static func write(
    _ page: DeepSeek4Page<Operations>, tokens: Int, _ layout: DeepSeek4StateLayout,
    to writer: inout StateWriter, on operations: Operations
  ) {
    for (buffer, rows) in zip(page.buffers, layout.compressed + layout.indexed) {
      writer.append(operations.read(buffer, rows: 0..<tokens / rows.ratio))
    }
  }

  private func writeTail(to writer: inout StateWriter) {
    let tokens = count % tokensPerPage
    if tokens > 0 {
      Self.write(
        pageList[completePages], tokens: tokens, layout, to: &writer, on: spares.operations)
    }
    let window = layout.firstWindow(oldestRollback)
    for rows in windows { writer.append(rows.read(window, count)) }
    for (raw, rows) in zip(raw + rawIndex, layout.compressed + layout.indexed) {
      let first = rows.firstRaw(oldestRollback)
      writer.append(raw.keys.read(first, count))
      writer.append(raw.gates.read(first, count))
    }
    if let predictionWindow, let trunkStreams {
      let end = max(0, count - 1)
      writer.append(
        predictionWindow.read(min(layout.firstPredictionWindow(oldestRollback), end), end))
      writer.append(trunkStreams.read(max(0, oldestRollback - 1), count))
    }
  }

  /// Reads what `serialized()` wrote for a model of this layout.
  convenience init(
    serialized bytes: [UInt8], _ layout: DeepSeek4StateLayout, spares: SparePages<Operations>
  ) throws(ModelError) {
    self.init(layout, spares: spares)
    var reader = try StateReader(bytes, model: layout.fingerprint)
    let end = try readCounts(from: &reader)
    for _ in 0..<end / tokensPerPage {
      append(
        try Self.readPage(tokens: tokensPerPage, layout, from: &reader, on: spares.operations))
    }
    try readTail(from: &reader, end: end)
  }

  /// Reads what `serializedTail()` wrote for a model of this layout; the complete pages are known.
  convenience init(
    tail bytes: [UInt8], pages: [any StatePage], _ layout: DeepSeek4StateLayout,
    spares: SparePages<Operations>
  ) throws(ModelError) {
    self.init(layout, spares: spares)
    var reader = try StateReader(bytes, model: layout.fingerprint, part: .tail)
    let end = try readCounts(from: &reader)
    guard pages.count == end / tokensPerPage else {
      throw .serializedState(
        "\(end) tokens have \(end / tokensPerPage) complete pages, not \(pages.count)")
    }
    let described = layout.compressed + layout.indexed
    for page in pages {
      guard let page = page as? DeepSeek4Page<Operations>,
        page.rows.count == layout.compressed.count,
        page.indexRows.count == layout.indexed.count,
        zip(page.buffers, described).allSatisfy({ buffer, rows in
          buffer.rows == rows.rowsPerPage && buffer.columns == rows.width
        })
      else { throw .serializedState("a page belongs to another model") }
      append(page)
    }
    try readTail(from: &reader, end: end)
  }

  /// Reads a page of which the groups closed by its first `tokens` tokens are stored.
  static func readPage(
    tokens: Int, _ layout: DeepSeek4StateLayout, from reader: inout StateReader,
    on operations: Operations
  ) throws(ModelError) -> DeepSeek4Page<Operations> {
    var contents: [[Float]] = []
    for rows in layout.compressed + layout.indexed {
      contents.append(
        try values(&reader, "rows of a page", rows: tokens / rows.ratio, columns: rows.width))
    }
    let page = makePage(layout, on: operations)
    for (buffer, values) in zip(page.buffers, contents) where !values.isEmpty {
      operations.write(values, to: buffer, row: 0)
    }
    return page
  }

  private func readCounts(from reader: inout StateReader) throws(ModelError) -> Int {
    let end = try reader.count("token count", in: 0...layout.contextLength)
    oldestRollback = try reader.count(
      "oldest rollback", in: max(0, end - maximumRollback)...end)
    return end
  }

  private func readTail(from reader: inout StateReader, end: Int) throws(ModelError) {
    let tokens = end % tokensPerPage
    if tokens > 0 {
      append(try Self.readPage(tokens: tokens, layout, from: &reader, on: spares.operations))
    }
    func read(
      _ rows: inout RecentRows<Operations>, _ name: String, _ first: Int, _ last: Int
    ) throws(ModelError) {
      let values = try Self.values(&reader, name, rows: last - first, columns: rows.columns)
      if !values.isEmpty { rows.write(values, at: first) }
    }
    let window = layout.firstWindow(oldestRollback)
    for layer in windows.indices {
      try read(&windows[layer], "window of layer \(layer)", window, end)
    }
    for (place, rows) in layout.compressed.enumerated() {
      let first = rows.firstRaw(oldestRollback)
      try read(&raw[place].keys, "keys of open groups", first, end)
      try read(&raw[place].gates, "gates of open groups", first, end)
    }
    for (place, rows) in layout.indexed.enumerated() {
      let first = rows.firstRaw(oldestRollback)
      try read(&rawIndex[place].keys, "index keys of open groups", first, end)
      try read(&rawIndex[place].gates, "index gates of open groups", first, end)
    }
    if var predictionWindow, var trunkStreams {
      let last = max(0, end - 1)
      try read(
        &predictionWindow, "window of the prediction block",
        min(layout.firstPredictionWindow(oldestRollback), last), last)
      try read(&trunkStreams, "streams", max(0, oldestRollback - 1), end)
      (self.predictionWindow, self.trunkStreams) = (predictionWindow, trunkStreams)
    }
    try reader.finish()
    count = end
  }

  private static func values(
    _ reader: inout StateReader, _ name: String, rows: Int, columns: Int
  ) throws(ModelError) -> [Float] {
    let values = try reader.floats(name, count: rows * columns)
    guard values.allSatisfy(\.isFinite) else {
      throw .serializedState("the \(name) hold a value that is no finite number")
    }
    return values
  }
}
