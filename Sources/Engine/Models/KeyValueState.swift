import Kernels

/// The state of a sequence in a decoder: pages of keys and values, and the memory of recurrent layers where there are any.
///
/// The first `count / tokensPerPage` pages are complete: they are never written again and may be shared with other
/// states. The page after them, if there is one, is private.
final class KeyValueState<Operations: TensorOperations>: SequenceState {
  private(set) var count = 0
  /// The memory of the recurrent layers; nil where all layers attend.
  let recurrence: RecurrentMemory<Operations>?
  /// The model that made the state: it replays recurrent layers and is part of what is serialised.
  let owner: any KeyValueStateOwner<Operations>

  private let layout: StateLayout
  private let operations: Operations
  private var held: [KeyValuePage<Operations>] = []
  /// By attention layer: the keys of all pages.
  private var keyPages: [PagedRows<Operations.Buffer>]
  /// By attention layer: the values of all pages.
  private var valuePages: [PagedRows<Operations.Buffer>]

  /// Makes the state of an empty sequence.
  init(_ owner: any KeyValueStateOwner<Operations>, layout: StateLayout, on operations: Operations)
  {
    self.owner = owner
    self.layout = layout
    self.operations = operations
    let none = PagedRows<Operations.Buffer>(rowsPerPage: tokensPerPage)
    keyPages = Array(repeating: none, count: layout.attentionLayers)
    valuePages = keyPages
    recurrence = layout.recurrence.map { RecurrentMemory($0, on: operations) }
  }

  private init(forking other: KeyValueState) {
    owner = other.owner
    layout = other.layout
    operations = other.operations
    count = other.count
    keyPages = other.keyPages
    valuePages = other.valuePages
    held = other.held
    recurrence = other.recurrence.map { RecurrentMemory(forking: $0) }
    truncatePages()
    makeTailPrivate()
  }

  // MARK: Sizes

  private var completeCount: Int { count / tokensPerPage }

  var pageByteCount: Int { completeCount * tokensPerPage * layout.bytesPerToken }

  var tailByteCount: Int {
    (held.count - completeCount) * tokensPerPage * layout.bytesPerToken
      + (recurrence?.byteCount ?? 0)
  }

  var pages: [any StatePage] { Array(held.prefix(completeCount)) }

  // MARK: Forking and sharing

  func fork() -> any SequenceState { KeyValueState(forking: self) }

  func adopt(_ page: any StatePage, at index: Int) {
    guard let page = page as? KeyValuePage<Operations> else {
      preconditionFailure("the page is of another kind of model")
    }
    precondition(index < completeCount, "only complete pages are replaced")
    setPage(page, at: index)
  }

  // MARK: Appending

  /// Makes room for the keys and values of `tokens` more tokens.
  func reserve(_ tokens: Int) {
    while held.count * tokensPerPage < count + tokens {
      setPage(KeyValuePage(layout, on: operations), at: held.count)
    }
  }

  /// Writes keys and values of rows `span` to the positions from `count` on, in one attention layer.
  func store(keys: Operations.Buffer, values: Operations.Buffer, span: RowSpan, layer: Int) {
    var row = span.first
    var position = count
    while row < span.first + span.count {
      let start = position % tokensPerPage
      let length = min(tokensPerPage - start, span.first + span.count - row)
      let page = held[position / tokensPerPage]
      operations.copy(keys, rows: row..<row + length, to: page.keys[layer], row: start)
      operations.copy(values, rows: row..<row + length, to: page.values[layer], row: start)
      row += length
      position += length
    }
  }

  /// The keys and values of one attention layer, those of tokens being appended included.
  func rows(
    layer: Int
  ) -> (keys: PagedRows<Operations.Buffer>, values: PagedRows<Operations.Buffer>) {
    (keyPages[layer], valuePages[layer])
  }

  /// Counts tokens whose keys, values and recurrences are all stored.
  func advance(_ tokens: Int) { count += tokens }

  // MARK: Rolling back

  var oldestRollback: Int { recurrence?.oldestPosition ?? 0 }

  func rollBack(to count: Int) throws(ModelError) {
    guard (oldestRollback...self.count).contains(count) else {
      throw .rollbackTooFar(requested: count, oldest: oldestRollback)
    }
    guard count < self.count else { return }
    let complete = completeCount
    self.count = count
    truncatePages()
    // A page that was complete may be shared: what is written to it from here on goes to a copy.
    if complete > completeCount { makeTailPrivate() }
    recurrence?.rollBack(to: count, replaying: owner)
  }

  private func truncatePages() {
    let needed = (count + tokensPerPage - 1) / tokensPerPage
    guard held.count > needed else { return }
    held.removeSubrange(needed...)
    for layer in 0..<layout.attentionLayers {
      keyPages[layer].pages.removeSubrange(needed...)
      valuePages[layer].pages.removeSubrange(needed...)
    }
  }

  private func makeTailPrivate() {
    let rows = count % tokensPerPage
    guard rows > 0 else { return }
    let page = KeyValuePage(layout, on: operations)
    page.copyRows(rows, of: held[completeCount], on: operations)
    setPage(page, at: completeCount)
  }

  private func setPage(_ page: KeyValuePage<Operations>, at index: Int) {
    if index == held.count {
      held.append(page)
      for layer in 0..<layout.attentionLayers {
        keyPages[layer].pages.append(page.keys[layer])
        valuePages[layer].pages.append(page.values[layer])
      }
    } else {
      held[index] = page
      for layer in 0..<layout.attentionLayers {
        keyPages[layer].pages[index] = page.keys[layer]
        valuePages[layer].pages[index] = page.values[layer]
      }
    }
  }

  // MARK: Bytes

  // Layout: the number of tokens; for each page, for each attention layer, the rows in use of keys, then of values; then
  // the recurrent memory. A tail is the same without the complete pages.

  func serialized() -> [UInt8] {
    var writer = StateWriter(model: owner.fingerprint)
    writer.reserve(8 + count * layout.bytesPerToken + (recurrence?.byteCount ?? 0))
    writer.append(count: count)
    for page in held.prefix(completeCount) {
      page.write(rows: tokensPerPage, to: &writer, on: operations)
    }
    writeTail(to: &writer)
    return writer.finished()
  }

  func serializedTail() -> [UInt8] {
    var writer = StateWriter(model: owner.fingerprint, part: .tail)
    writer.reserve(
      8 + count % tokensPerPage * layout.bytesPerToken + (recurrence?.byteCount ?? 0))
    writer.append(count: count)
    writeTail(to: &writer)
    return writer.finished()
  }

  private func writeTail(to writer: inout StateWriter) {
    let rows = count % tokensPerPage
    if rows > 0 { held[completeCount].write(rows: rows, to: &writer, on: operations) }
    recurrence?.write(to: &writer, count: count)
  }

  /// Reads a state.
  convenience init(
    serialized bytes: [UInt8], limit: Int, _ owner: any KeyValueStateOwner<Operations>,
    layout: StateLayout, on operations: Operations
  ) throws(ModelError) {
    self.init(owner, layout: layout, on: operations)
    var reader = try StateReader(bytes, model: owner.fingerprint)
    let count = try reader.count("number of tokens", in: 0...limit)
    while held.count < count / tokensPerPage {
      setPage(
        try KeyValuePage(reading: tokensPerPage, from: &reader, layout, on: operations),
        at: held.count)
    }
    try readTail(from: &reader, count: count)
  }

  /// Reads a state whose complete pages are known.
  convenience init(
    tail bytes: [UInt8], pages: [any StatePage], limit: Int,
    _ owner: any KeyValueStateOwner<Operations>, layout: StateLayout, on operations: Operations
  ) throws(ModelError) {
    self.init(owner, layout: layout, on: operations)
    var reader = try StateReader(bytes, model: owner.fingerprint, part: .tail)
    let count = try reader.count("number of tokens", in: 0...limit)
    guard pages.count == count / tokensPerPage else {
      throw .serializedState(
        "\(count) tokens have \(count / tokensPerPage) complete pages, not \(pages.count)")
    }
    for page in pages {
      guard let page = page as? KeyValuePage<Operations>, page.fits(layout) else {
        throw .serializedState("a page belongs to another model")
      }
      setPage(page, at: held.count)
    }
    try readTail(from: &reader, count: count)
  }

  private func readTail(from reader: inout StateReader, count: Int) throws(ModelError) {
    let rows = count % tokensPerPage
    if rows > 0 {
      setPage(
        try KeyValuePage(reading: rows, from: &reader, layout, on: operations), at: held.count)
    }
    self.count = count
    try recurrence?.read(from: &reader, count: count, replaying: owner)
    try reader.finish()
  }
}

/// What a state needs of the model it belongs to.
protocol KeyValueStateOwner<Operations>: RecurrenceReplaying {
  associatedtype Operations
  /// Tells this model from others in serialised states.
  var fingerprint: ModelFingerprint { get }
}
