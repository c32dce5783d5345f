/// A tensor in memory that somebody else owns (usually a mapped file): name, type, shape, bytes.
///
/// The owner keeps the bytes alive for as long as the view is used.
public struct TensorView: @unchecked Sendable {
  // Sendable: the bytes are never written through a view, and owners map files read-only.

  /// The name in the file, for example `blk.0.attn_q.weight`.
  public let name: String
  /// How values are stored.
  public let type: TensorType
  /// The sizes of the axes in GGUF order: the first is contiguous (the input width of a matrix), the second counts
  /// rows (outputs), the third stacked matrices (experts).
  public let shape: [Int]
  /// The values: `type.byteCount(values: shape.product)` bytes.
  public let bytes: UnsafeRawBufferPointer

  /// Makes a view. The size of `bytes` must fit `type` and `shape`; readers of files check that.
  public init(name: String, type: TensorType, shape: [Int], bytes: UnsafeRawBufferPointer) {
    self.name = name
    self.type = type
    self.shape = shape
    self.bytes = bytes
  }

  /// The number of values.
  public var count: Int { shape.reduce(1, *) }
  /// The length of a row (the first axis).
  public var columns: Int { shape.first ?? 1 }
  /// The number of rows of one matrix (the second axis).
  public var rows: Int { shape.count > 1 ? shape[1] : 1 }
  /// The number of stacked matrices (the product of all further axes).
  public var matrices: Int { shape.dropFirst(2).reduce(1, *) }
}
