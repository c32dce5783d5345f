import Synchronization

/// Rows of f32 values in memory, one after another from a multiple of 64 bytes.
public final class ProcessorBuffer: TensorBuffer {
  /// The number of rows there is room for.
  public let rows: Int
  /// The number of values in a row.
  public let columns: Int
  private let memory: UnsafeMutablePointer<Float>
  /// Differs between any two contents that any two buffers ever had.
  private(set) var stamp: UInt64

  private static let lastStamp = Atomic<UInt64>(0)

  /// Makes a buffer of zeros.
  init(rows: Int, columns: Int) {
    precondition(rows >= 0 && columns >= 0)
    self.rows = rows
    self.columns = columns
    let count = max(rows * columns, 1)
    let raw = UnsafeMutableRawPointer.allocate(
      byteCount: count * MemoryLayout<Float>.stride, alignment: 64)
    memory = raw.bindMemory(to: Float.self, capacity: count)
    memory.initialize(repeating: 0, count: count)
    stamp = Self.nextStamp()
  }

  deinit { UnsafeMutableRawPointer(memory).deallocate() }

  private static func nextStamp() -> UInt64 { lastStamp.add(1, ordering: .relaxed).newValue }

  /// The values, to be read.
  var values: UnsafePointer<Float> { UnsafePointer(memory) }

  /// Row `row`, to be read.
  func row(_ row: Int) -> UnsafePointer<Float> { UnsafePointer(memory + row * columns) }

  /// The values, to be changed: what was remembered about the old content no longer holds.
  func change() -> UnsafeMutablePointer<Float> {
    stamp = Self.nextStamp()
    return memory
  }
}

extension PagedRows<ProcessorBuffer> {
  /// Appends pointers to rows.
  func appendPointers(
    to rows: RowSelection, _ pointers: UnsafeMutablePointer<UnsafePointer<Float>>
  ) {
    switch rows {
    case .range(let range):
      var target = pointers
      var row = range.lowerBound
      while row < range.upperBound {
        let (page, first) = row.quotientAndRemainder(dividingBy: rowsPerPage)
        let count = Swift.min(range.upperBound - row, rowsPerPage - first)
        let buffer = self.page(page)
        for index in 0..<count { target[index] = buffer.row(first + index) }
        target += count
        row += count
      }
    case .list(let list):
      for index in list.indices { pointers[index] = row(Int(list[index])) }
    }
  }

  /// Row `index`.
  func row(_ index: Int) -> UnsafePointer<Float> {
    let (page, row) = index.quotientAndRemainder(dividingBy: rowsPerPage)
    return self.page(page).row(row)
  }

  private func page(_ index: Int) -> ProcessorBuffer {
    guard let buffer = pages[index] else { preconditionFailure("page \(index) was given up") }
    return buffer
  }
}
