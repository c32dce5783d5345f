import Kernels

/// The buffers a forward pass works in, made on first use and kept for the next call.
///
/// All have the same number of rows, which grows with the largest call seen (by doubling, up to the limit) and never
/// shrinks. What they hold between two uses is undefined.
final class WorkBuffers<Operations: TensorOperations, Role: Hashable> {
  private struct Key: Hashable {
    var role: Role
    var columns: Int
  }

  private let operations: Operations
  private let limit: Int
  private var capacity = 0
  private var buffers: [Key: Operations.Buffer] = [:]

  /// Makes an empty set.
  ///
  /// - Parameter limit: the largest number of rows ever needed.
  init(_ operations: Operations, limit: Int) {
    self.operations = operations
    self.limit = limit
  }

  /// Makes sure that buffers have at least `rows` rows. Buffers handed out before must not be used afterwards.
  func reserve(rows: Int) {
    precondition(rows <= limit, "more rows than the largest batch")
    guard rows > capacity else { return }
    buffers.removeAll()
    capacity = min(max(rows, 2 * capacity), limit)
  }

  /// The buffer for a purpose.
  subscript(role: Role, columns: Int) -> Operations.Buffer {
    let key = Key(role: role, columns: columns)
    if let buffer = buffers[key] { return buffer }
    let buffer = operations.makeBuffer(rows: capacity, columns: columns)
    buffers[key] = buffer
    return buffer
  }
}
