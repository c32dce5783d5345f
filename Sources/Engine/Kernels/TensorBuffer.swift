/// Rows of f32 values that a back end owns (in memory, or on a device).
public protocol TensorBuffer: AnyObject {
  /// The number of rows there is room for.
  var rows: Int { get }
  /// The number of values in a row.
  var columns: Int { get }
}

/// Rows spread over pages of equal height. Row `i` lies in page `i / rowsPerPage`, at `i % rowsPerPage`.
///
/// Pages that nobody reads any more may be nil; asking for a row of such a page is a mistake of the caller.
public struct PagedRows<Buffer: TensorBuffer> {
  /// The pages, by number.
  public var pages: [Buffer?]
  /// The height of every page.
  public let rowsPerPage: Int

  /// Makes an empty collection.
  public init(rowsPerPage: Int, pages: [Buffer?] = []) {
    self.rowsPerPage = rowsPerPage
    self.pages = pages
  }
}

/// The rows one query attends to, in the order in which they are summed.
public enum RowSelection: Hashable, Sendable {
  /// Consecutive rows.
  case range(Range<Int>)
  /// Rows in ascending order.
  case list([Int32])

  /// The number of rows.
  public var count: Int {
    switch self {
    case .range(let range): range.count
    case .list(let rows): rows.count
    }
  }
}

/// Rows that the queries of one call attend to. A call takes several sources (a window, and compressed rows); a query's
/// rows are those of the first source, then those of the second, and so on.
public struct AttentionSource<Buffer: TensorBuffer> {
  /// Keys, `keyHeads * headWidth` wide.
  public var keys: PagedRows<Buffer>
  /// Values, as wide as the keys; the same rows as `keys` where one vector serves as both.
  public var values: PagedRows<Buffer>
  /// For each query of the call, the rows it sees.
  public var selections: [RowSelection]

  /// Makes a source.
  public init(keys: PagedRows<Buffer>, values: PagedRows<Buffer>, selections: [RowSelection]) {
    self.keys = keys
    self.values = values
    self.selections = selections
  }
}

/// Rows of a buffer that belong together: `rows` rows from `first`.
///
/// A batch holds the tokens of several sequences one after another; each sequence's part is such a span.
public struct RowSpan: Hashable, Sendable {
  /// The first row.
  public var first: Int
  /// The number of rows.
  public var count: Int

  /// Makes a span.
  public init(first: Int, count: Int) {
    self.first = first
    self.count = count
  }

  /// The rows as a range.
  public var range: Range<Int> { first..<first + count }
}
