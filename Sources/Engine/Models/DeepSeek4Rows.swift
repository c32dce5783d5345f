import Kernels

/// Pages of rows that nobody uses at the moment, by width; spares allocation while long prompts pass through.
final class SparePages<Operations: TensorOperations> {
  // A call takes about a batch of rows at a time and gives them back layer by layer.
  private static var keptPerWidth: Int { 64 }

  let operations: Operations
  private var pages: [Int: [Operations.Buffer]] = [:]

  init(_ operations: Operations) { self.operations = operations }

  /// A page whose values are undefined.
  func take(rows: Int, columns: Int) -> Operations.Buffer {
    pages[columns]?.popLast() ?? operations.makeBuffer(rows: rows, columns: columns)
  }

  func give(_ page: Operations.Buffer) {
    guard pages[page.columns, default: []].count < Self.keptPerWidth else { return }
    pages[page.columns, default: []].append(page)
  }
}

/// The newest rows of a sequence by position (specification of DeepSeek V4, 5.3 and 5.4): rows are appended, old ones
/// dropped, and going back means writing over rows again.
struct RecentRows<Operations: TensorOperations> {
  /// The height of a page.
  static var rowsPerPage: Int { 16 }

  /// The width of a row.
  let columns: Int
  /// The pages that are held, the first of them page number `firstPage` of the sequence.
  private(set) var pages: [Operations.Buffer] = []
  private(set) var firstPage = 0
  private let spares: SparePages<Operations>

  init(columns: Int, spares: SparePages<Operations>) {
    self.columns = columns
    self.spares = spares
  }

  /// The bytes the pages take.
  var byteCount: Int { pages.count * Self.rowsPerPage * columns * MemoryLayout<Float>.stride }

  /// The rows that are held; row `row(position)` is that of a position.
  var rows: PagedRows<Operations.Buffer> {
    PagedRows(rowsPerPage: Self.rowsPerPage, pages: pages)
  }

  /// The row of `rows` that a position has.
  func row(_ position: Int) -> Int { position - firstPage * Self.rowsPerPage }

  /// The bytes that rows `first..<end` take, whole pages counted.
  static func byteCount(columns: Int, first: Int, end: Int) -> Int {
    guard first < end else { return 0 }
    let pages = (end - 1) / rowsPerPage - first / rowsPerPage + 1
    return pages * rowsPerPage * columns * MemoryLayout<Float>.stride
  }

  /// Writes rows `span` of a buffer to the positions from `position` on.
  mutating func write(_ source: Operations.Buffer, span: RowSpan, at position: Int) {
    if pages.isEmpty { firstPage = position / Self.rowsPerPage }
    var done = 0
    while done < span.count {
      let page = (position + done) / Self.rowsPerPage - firstPage
      let row = (position + done) % Self.rowsPerPage
      while pages.count <= page {
        pages.append(spares.take(rows: Self.rowsPerPage, columns: columns))
      }
      let count = min(Self.rowsPerPage - row, span.count - done)
      let first = span.first + done
      spares.operations.copy(source, rows: first..<first + count, to: pages[page], row: row)
      done += count
    }
  }

  /// Copies the row of a position to a row of a buffer.
  func copy(position: Int, to target: Operations.Buffer, row: Int) {
    let own = self.row(position)
    let page = pages[own / Self.rowsPerPage]
    let first = own % Self.rowsPerPage
    spares.operations.copy(page, rows: first..<first + 1, to: target, row: row)
  }

  /// Drops the pages that hold no position in `first..<end`.
  mutating func keep(_ first: Int, _ end: Int) {
    while firstPage < first / Self.rowsPerPage, !pages.isEmpty {
      spares.give(pages.removeFirst())
      firstPage += 1
    }
    let needed = first < end ? (end - 1) / Self.rowsPerPage - firstPage + 1 : 0
    while pages.count > max(needed, 0) { spares.give(pages.removeLast()) }
  }

  /// The same rows in pages of their own.
  func copied() -> RecentRows {
    var result = self
    result.pages = pages.map { page in
      let copy = spares.take(rows: Self.rowsPerPage, columns: columns)
      spares.operations.copy(page, rows: 0..<Self.rowsPerPage, to: copy, row: 0)
      return copy
    }
    return result
  }

  /// The values of positions `first..<end`.
  func read(_ first: Int, _ end: Int) -> [Float] {
    var values: [Float] = []
    var position = first
    while position < end {
      let own = row(position)
      let start = own % Self.rowsPerPage
      let count = min(Self.rowsPerPage - start, end - position)
      let page = pages[own / Self.rowsPerPage]
      values += spares.operations.read(page, rows: start..<start + count)
      position += count
    }
    return values
  }

  /// Writes host values of positions from `first` on.
  mutating func write(_ values: [Float], at first: Int) {
    if pages.isEmpty { firstPage = first / Self.rowsPerPage }
    var done = 0
    while done < values.count / columns {
      let own = row(first + done)
      while pages.count <= own / Self.rowsPerPage {
        pages.append(spares.take(rows: Self.rowsPerPage, columns: columns))
      }
      let start = own % Self.rowsPerPage
      let count = min(Self.rowsPerPage - start, values.count / columns - done)
      spares.operations.write(
        Array(values[done * columns..<(done + count) * columns]),
        to: pages[own / Self.rowsPerPage], row: start)
      done += count
    }
  }
}

/// What 128 tokens leave behind for good: compressed rows and index rows of every layer that has them.
final class DeepSeek4Page<Operations: TensorOperations>: StatePage {
  /// Compressed rows, one buffer a compressing layer.
  let rows: [Operations.Buffer]
  /// Index rows, one buffer a layer with an indexer.
  let indexRows: [Operations.Buffer]

  init(rows: [Operations.Buffer], indexRows: [Operations.Buffer]) {
    self.rows = rows
    self.indexRows = indexRows
  }

  /// All buffers, in the order in which they are serialised.
  var buffers: [Operations.Buffer] { rows + indexRows }

  var byteCount: Int {
    buffers.reduce(0) { $0 + $1.rows * $1.columns * MemoryLayout<Float>.stride }
  }
}
