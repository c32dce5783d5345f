import Kernels

/// What the states of a model have in common: which rows they hold, how wide, how long.
struct DeepSeek4StateLayout {
  /// Compressed rows of one layer.
  struct Compressed: Hashable {
    /// Tokens a row.
    var ratio: Int
    /// The width of a row.
    var width: Int
    /// Whether a row also pools the group before it.
    var overlaps: Bool

    /// Rows of a page.
    var rowsPerPage: Int { tokensPerPage / ratio }
    /// The width of raw keys and gates.
    var rawWidth: Int { overlaps ? 2 * width : width }
    /// The first position whose raw keys and gates are needed to continue from `count` tokens.
    func firstRaw(_ count: Int) -> Int {
      max(0, count / ratio * ratio - (overlaps ? ratio : 0))
    }
  }

  /// Layers of the trunk.
  var layers: Int
  /// The width of a window row.
  var headWidth: Int
  /// How many tokens a query sees uncompressed, its own included.
  var window: Int
  /// The layers that compress, in order.
  var compressed: [Compressed]
  /// The index rows of layers with an indexer, in order.
  var indexed: [Compressed]
  /// The place in `compressed` of each layer.
  var compressedIndex: [Int?]
  /// The place in `indexed` of each layer.
  var indexedIndex: [Int?]
  /// The width of all streams together when the model predicts a further token; else nil.
  var predictionStreams: Int?
  /// The longest sequence.
  var contextLength: Int
  /// Tells models apart.
  var fingerprint: ModelFingerprint

  init(_ shape: DeepSeek4Shape, contextLength: Int, fingerprint: ModelFingerprint) {
    layers = shape.layers.count
    headWidth = shape.headWidth
    window = shape.window
    compressed = []
    indexed = []
    compressedIndex = []
    indexedIndex = []
    for layer in shape.layers {
      compressedIndex.append(layer.ratio == 0 ? nil : compressed.count)
      indexedIndex.append(layer.hasIndexer ? indexed.count : nil)
      guard layer.ratio > 0 else { continue }
      let rows = Compressed(
        ratio: layer.ratio, width: shape.headWidth, overlaps: layer.overlaps)
      compressed.append(rows)
      guard layer.hasIndexer else { continue }
      indexed.append(
        Compressed(ratio: layer.ratio, width: shape.indexWidth, overlaps: layer.overlaps))
    }
    predictionStreams = shape.prediction == nil ? nil : shape.streams * shape.common.width
    self.contextLength = contextLength
    self.fingerprint = fingerprint
  }

  /// The first position whose window row is needed to continue from `count` tokens.
  func firstWindow(_ count: Int) -> Int { max(0, count - window + 1) }
  /// The same for the prediction block, which is one position behind.
  func firstPredictionWindow(_ count: Int) -> Int { max(0, count - window) }
  /// The bytes of a complete page.
  var pageByteCount: Int {
    (compressed + indexed).reduce(0) {
      $0 + $1.rowsPerPage * $1.width * MemoryLayout<Float>.stride
    }
  }
}

/// The state of a sequence of DeepSeek V4 (specification, 5.3, 5.4, 12.3).
///
/// Compressed rows lie in pages of 128 tokens, which are immutable and shared once they are complete. Private are the page
/// being filled, the window, and the raw keys and gates of compression groups that are open or could be opened again by
/// going back; these are all addressed by position, so that going back is lowering a counter.
final class DeepSeek4State<Operations: TensorOperations>: SequenceState {
  /// Raw keys and gates (their position term included) by position.
  struct RawRows {
    var keys: RecentRows<Operations>
    var gates: RecentRows<Operations>

    func copied() -> RawRows { RawRows(keys: keys.copied(), gates: gates.copied()) }

    mutating func keep(_ first: Int, _ end: Int) {
      keys.keep(first, end)
      gates.keep(first, end)
    }
  }

  let layout: DeepSeek4StateLayout
  let spares: SparePages<Operations>

  var count = 0
  var oldestRollback = 0
  /// Pages by number; when `count` is no multiple of 128, the last one is being filled and private.
  private(set) var pageList: [DeepSeek4Page<Operations>] = []

  /// The rows of all pages, by place in `layout.compressed`.
  private(set) var compressedRows: [PagedRows<Operations.Buffer>]
  /// The rows of all pages, by place in `layout.indexed`.
  private(set) var indexRows: [PagedRows<Operations.Buffer>]
  /// Window rows, by layer.
  var windows: [RecentRows<Operations>]
  /// By place in `layout.compressed`.
  var raw: [RawRows]
  /// By place in `layout.indexed`.
  var rawIndex: [RawRows]
  /// The prediction block's window, up to the last token but one; nil without a prediction block.
  var predictionWindow: RecentRows<Operations>?
  /// The streams after the trunk; nil without a prediction block.
  var trunkStreams: RecentRows<Operations>?

  /// Makes the state of an empty sequence.
  init(_ layout: DeepSeek4StateLayout, spares: SparePages<Operations>) {
    self.layout = layout
    self.spares = spares
    compressedRows = layout.compressed.map { PagedRows(rowsPerPage: $0.rowsPerPage) }
    indexRows = layout.indexed.map { PagedRows(rowsPerPage: $0.rowsPerPage) }
    func recent(_ columns: Int) -> RecentRows<Operations> {
      RecentRows(columns: columns, spares: spares)
    }
    windows = Array(repeating: recent(layout.headWidth), count: layout.layers)
    func raw(_ rows: DeepSeek4StateLayout.Compressed) -> RawRows {
      RawRows(keys: recent(rows.rawWidth), gates: recent(rows.rawWidth))
    }
    self.raw = layout.compressed.map(raw)
    rawIndex = layout.indexed.map(raw)
    if let width = layout.predictionStreams {
      predictionWindow = recent(layout.headWidth)
      trunkStreams = recent(width)
    }
  }

  var completePages: Int { count / tokensPerPage }

  // MARK: Moving on

  /// Makes room in pages for the tokens up to `end`, which are about to be taken in.
  func reserve(through end: Int) {
    while pageList.count * tokensPerPage < end { append(makePage()) }
  }

  /// Takes note that all rows of the tokens before `end` are written.
  func advance(to end: Int) {
    count = end
    oldestRollback = max(oldestRollback, end - maximumRollback)
    trim()
  }

  /// Drops the rows of one layer that no later call needs, once the tokens before `end` are through the layer.
  func trimLayer(_ layer: Int, end: Int) {
    let oldest = max(oldestRollback, end - maximumRollback)
    windows[layer].keep(layout.firstWindow(oldest), end)
    if let place = layout.compressedIndex[layer] {
      raw[place].keep(layout.compressed[place].firstRaw(oldest), end)
    }
    if let place = layout.indexedIndex[layer] {
      rawIndex[place].keep(layout.indexed[place].firstRaw(oldest), end)
    }
  }

  private func trim() {
    for layer in 0..<layout.layers { trimLayer(layer, end: count) }
    trimPrediction()
  }

  /// Drops the rows of the prediction block that no later call needs, those of a draft among them.
  func trimPrediction() {
    predictionWindow?.keep(layout.firstPredictionWindow(oldestRollback), max(0, count - 1))
    trunkStreams?.keep(max(0, oldestRollback - 1), count)
  }

  private func makePage() -> DeepSeek4Page<Operations> {
    Self.makePage(layout, on: spares.operations)
  }

  static func makePage(
    _ layout: DeepSeek4StateLayout, on operations: Operations
  ) -> DeepSeek4Page<Operations> {
    func buffer(_ rows: DeepSeek4StateLayout.Compressed) -> Operations.Buffer {
      operations.makeBuffer(rows: rows.rowsPerPage, columns: rows.width)
    }
    return DeepSeek4Page(
      rows: layout.compressed.map(buffer), indexRows: layout.indexed.map(buffer))
  }

  func append(_ page: DeepSeek4Page<Operations>) {
    pageList.append(page)
    for place in compressedRows.indices { compressedRows[place].pages.append(page.rows[place]) }
    for place in indexRows.indices { indexRows[place].pages.append(page.indexRows[place]) }
  }

  private func replace(_ index: Int, by page: DeepSeek4Page<Operations>) {
    pageList[index] = page
    for place in compressedRows.indices { compressedRows[place].pages[index] = page.rows[place] }
    for place in indexRows.indices { indexRows[place].pages[index] = page.indexRows[place] }
  }

  private func copied(_ page: DeepSeek4Page<Operations>) -> DeepSeek4Page<Operations> {
    let copy = makePage()
    for (source, target) in zip(page.buffers, copy.buffers) {
      spares.operations.copy(source, rows: 0..<source.rows, to: target, row: 0)
    }
    return copy
  }

  // MARK: SequenceState

  var pages: [any StatePage] { Array(pageList.prefix(completePages)) }

  var pageByteCount: Int { completePages * layout.pageByteCount }

  var tailByteCount: Int {
    var bytes = (pageList.count - completePages) * layout.pageByteCount
    for rows in windows { bytes += rows.byteCount }
    for rows in raw + rawIndex { bytes += rows.keys.byteCount + rows.gates.byteCount }
    bytes += predictionWindow?.byteCount ?? 0
    bytes += trunkStreams?.byteCount ?? 0
    return bytes
  }

  func fork() -> any SequenceState {
    let copy = DeepSeek4State(layout, spares: spares)
    copy.count = count
    copy.oldestRollback = oldestRollback
    for (index, page) in pageList.enumerated() {
      copy.append(index < completePages ? page : copied(page))
    }
    copy.windows = windows.map { $0.copied() }
    copy.raw = raw.map { $0.copied() }
    copy.rawIndex = rawIndex.map { $0.copied() }
    copy.predictionWindow = predictionWindow?.copied()
    copy.trunkStreams = trunkStreams?.copied()
    return copy
  }

  func rollBack(to target: Int) throws(ModelError) {
    guard target >= oldestRollback, target <= count else {
      throw .rollbackTooFar(requested: target, oldest: oldestRollback)
    }
    let complete = completePages
    let kept = (target + tokensPerPage - 1) / tokensPerPage
    while pageList.count > kept {
      pageList.removeLast()
      for place in compressedRows.indices { compressedRows[place].pages.removeLast() }
      for place in indexRows.indices { indexRows[place].pages.removeLast() }
    }
    // A page that was complete may be shared; it is filled again from here on.
    if target % tokensPerPage != 0, kept <= complete {
      replace(kept - 1, by: copied(pageList[kept - 1]))
    }
    count = target
    trim()
  }

  func adopt(_ page: any StatePage, at index: Int) {
    precondition(index < completePages, "only complete pages are replaced")
    guard let page = page as? DeepSeek4Page<Operations> else {
      preconditionFailure("a page of another family or back end")
    }
    replace(index, by: page)
  }
}
