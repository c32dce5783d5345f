import CKernels
import TensorFormats

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The operations of a forward pass on the processor's cores.
///
/// The same call gives the same bits with any number of threads and any instruction set.
public final class ProcessorOperations: TensorOperations {
  /// Rows in memory.
  public typealias Buffer = ProcessorBuffer
  /// A tensor where the file maps it.
  public typealias Weights = ProcessorWeights

  /// What becomes of activations before they are multiplied with quantised weights.
  public enum Activations: Hashable, Sendable {
    /// Rounded to 8 bits in blocks, as the weight type's integer kernels want them.
    case rounded
    /// Nothing: weights are decoded and multiplied in f32.
    case float
  }

  /// The number of threads, the calling one included.
  public var threads: Int { pool.threads }
  /// The instructions used.
  public let instructionSet: InstructionSet
  /// What becomes of activations.
  public let activations: Activations
  /// Whether `prefetch` asks the system to read the experts' pages. Costs system calls, and helps when the file may not
  /// be in memory.
  public var prefetchesExperts = false

  let pool: ThreadPool
  let vector: maslin_vector_kernels
  let floatKernels: maslin_matmul_kernels
  // Rounded inputs of products, and of the second half of an expert.
  let input = RoundedInputs()
  let hidden = RoundedInputs()
  let gathered = RoundedInputs()
  let workspace = Workspace()

  /// Starts the threads.
  ///
  /// - Parameters:
  ///   - threads: as many as there are fast physical cores when nil.
  ///   - instructionSet: the machine's best when nil.
  /// - Throws: `KernelError.unavailableInstructionSet`, `KernelError.threads`.
  public init(
    threads: Int? = nil, instructionSet: InstructionSet? = nil, activations: Activations = .rounded
  ) throws(KernelError) {
    let set = instructionSet ?? .best
    var kernels = maslin_matmul_kernels()
    guard let vector = maslin_vector_kernels_for(set.number),
      maslin_matmul_kernels_for(TensorType.f32.rawValue, set.number, &kernels) != 0
    else { throw .unavailableInstructionSet(set.rawValue) }
    self.vector = vector.pointee
    floatKernels = kernels
    self.instructionSet = set
    self.activations = activations
    pool = try ThreadPool(threads: threads)
  }

  /// Spreads `rows` rows over the threads in contiguous runs; does small work at once.
  ///
  /// - Parameter cost: the work for one row, in simple operations on floats.
  func spread(_ rows: Int, cost: Int, _ body: (_ rows: Range<Int>, _ worker: Int) -> Void) {
    if rows <= 0 { return }
    let worthwhile = rows * cost / 8192
    let parts = min(rows, worthwhile, pool.threads * 4)
    if parts < 2 || pool.threads == 1 { return body(0..<rows, 0) }
    pool.parallel(parts) { part, worker in
      body(rows * part / parts..<rows * (part + 1) / parts, worker)
    }
  }

  // MARK: Memory

  /// Allocates rows one after another, from a multiple of 64 bytes.
  public func makeBuffer(rows: Int, columns: Int) -> ProcessorBuffer {
    ProcessorBuffer(rows: rows, columns: columns)
  }

  /// Finds the kernels of the tensor's type; nothing is copied. Integers are kept for tables.
  ///
  /// - Throws: `KernelError.wrongSize`, `KernelError.unsupportedType`.
  public func load(_ tensor: TensorView) throws(KernelError) -> ProcessorWeights {
    try ProcessorWeights(tensor, instructionSet: instructionSet)
  }

  /// Copies values in.
  public func write(_ values: [Float], to buffer: ProcessorBuffer, row: Int) {
    precondition(row >= 0 && row * buffer.columns + values.count <= buffer.rows * buffer.columns)
    let target = buffer.change() + row * buffer.columns
    values.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { target.update(from: base, count: source.count) }
    }
  }

  /// Copies rows out.
  public func read(_ buffer: ProcessorBuffer, rows: Range<Int>) -> [Float] {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= buffer.rows)
    let count = rows.count * buffer.columns
    return Array(UnsafeBufferPointer(start: buffer.row(rows.lowerBound), count: count))
  }

  /// Copies rows; the two may overlap.
  public func copy(
    _ source: ProcessorBuffer, rows: Range<Int>, to target: ProcessorBuffer, row: Int
  ) {
    precondition(source.columns == target.columns)
    precondition(rows.lowerBound >= 0 && rows.upperBound <= source.rows)
    precondition(row >= 0 && row + rows.count <= target.rows)
    let from = source.row(rows.lowerBound)
    memmove(
      target.change() + row * target.columns, from,
      rows.count * source.columns * MemoryLayout<Float>.stride)
  }

  /// Copies columns, row by row.
  public func copyColumns(
    _ source: ProcessorBuffer, column sourceColumn: Int, width: Int, rows: Int,
    to target: ProcessorBuffer, column targetColumn: Int
  ) {
    precondition(rows <= source.rows && rows <= target.rows)
    precondition(sourceColumn >= 0 && sourceColumn + width <= source.columns)
    precondition(targetColumn >= 0 && targetColumn + width <= target.columns)
    let out = target.change()
    spread(rows, cost: width) { rows, _ in
      for row in rows {
        memmove(
          out + row * target.columns + targetColumn, source.row(row) + sourceColumn,
          width * MemoryLayout<Float>.stride)
      }
    }
  }

  /// Asks the system to read the experts' pages ahead, when `prefetchesExperts` is set.
  public func prefetch(_ weights: ProcessorWeights, experts: [Int32]) {
    if !prefetchesExperts { return }
    let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
    let size = weights.rows * weights.rowBytes
    for expert in experts where expert >= 0 && expert < weights.matrices {
      let first = UInt(bitPattern: weights.row(0, matrix: Int(expert)))
      let start = first / page * page
      guard let address = UnsafeMutableRawPointer(bitPattern: start) else { continue }
      _ = madvise(address, Int(first - start) + size, MADV_WILLNEED)
    }
  }
}
