import CKernels
import TensorFormats

/// A tensor of a model file as the processor multiplies with it: where it lies, and the kernels of its type.
public final class ProcessorWeights {
  /// The name in the file.
  public let name: String
  /// How values are stored.
  public let type: TensorType
  /// The length of a row.
  public let columns: Int
  /// The number of rows of one matrix.
  public let rows: Int
  /// The number of stacked matrices.
  public let matrices: Int

  let base: UnsafeRawPointer
  let rowBytes: Int
  private let storedKernels: maslin_matmul_kernels?
  private var decoded: ProcessorBuffer?

  /// - Throws: `KernelError.wrongSize` when the bytes do not fit the shape, `KernelError.impossibleShape` when no bytes
  ///   would, `KernelError.unsupportedType` for a type of weights without kernels.
  init(_ tensor: TensorView, instructionSet: InstructionSet) throws(KernelError) {
    name = tensor.name
    type = tensor.type
    columns = tensor.columns
    rows = tensor.rows
    matrices = tensor.matrices
    guard let rowBytes = type.byteCount(values: columns),
      let expected = Self.product(of: rowBytes, tensor.shape.dropFirst())
    else { throw .impossibleShape(tensor: name, type: type.name, shape: tensor.shape) }
    guard expected == tensor.bytes.count, let base = tensor.bytes.baseAddress else {
      throw .wrongSize(tensor: name, expected: expected, found: tensor.bytes.count)
    }
    self.rowBytes = rowBytes
    self.base = base
    var kernels = maslin_matmul_kernels()
    if maslin_matmul_kernels_for(type.rawValue, instructionSet.number, &kernels) != 0 {
      storedKernels = kernels
    } else if type.isInteger || type == .f64 {
      storedKernels = nil
    } else {
      throw .unsupportedType(tensor: name, type: type.name)
    }
  }

  private static func product(of first: Int, _ sizes: ArraySlice<Int>) -> Int? {
    var result = first
    for size in sizes {
      let (product, overflow) = result.multipliedReportingOverflow(by: size)
      if overflow || size < 0 { return nil }
      result = product
    }
    return result
  }

  /// The kernels of the type; nil for integers and doubles, which are not multiplied with as they lie in the file.
  var kernels: maslin_matmul_kernels? { storedKernels }

  /// All values as floats, row after row; decoded when first asked for.
  var values: ProcessorBuffer {
    if let decoded { return decoded }
    let buffer = ProcessorBuffer(rows: rows * matrices, columns: columns)
    let target = buffer.change()
    for row in 0..<rows * matrices { decode(row: row, into: target + row * columns) }
    decoded = buffer
    return buffer
  }

  /// The first byte of row `row` of matrix `matrix`.
  func row(_ row: Int, matrix: Int = 0) -> UnsafeRawPointer {
    base + (matrix * rows + row) * rowBytes
  }

  /// Decodes one row, counted through all matrices.
  func decode(row: Int, into target: UnsafeMutablePointer<Float>) {
    let source = base + row * rowBytes
    func convert<Number: BitwiseCopyable>(_: Number.Type, _ float: (Number) -> Float) {
      for column in 0..<columns {
        target[column] = float(
          source.loadUnaligned(
            fromByteOffset: column * MemoryLayout<Number>.stride, as: Number.self))
      }
    }
    switch type {
    case .i8: convert(Int8.self, Float.init)
    case .i16: convert(Int16.self, Float.init)
    case .i32: convert(Int32.self, Float.init)
    case .i64: convert(Int64.self, Float.init)
    case .f64: convert(Double.self, Float.init)
    default:
      let known = maslin_decode(type.rawValue, source, columns, target)
      precondition(known != 0, "no decoder for \(type.name)")
    }
  }

  /// Value `column` of row `row` of an integer tensor.
  func integer(row: Int, column: Int) -> Int {
    let source = base + row * rowBytes
    func load<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type) -> Int {
      Int(
        truncatingIfNeeded: source.loadUnaligned(
          fromByteOffset: column * MemoryLayout<Number>.stride, as: Number.self))
    }
    return switch type {
    case .i8: load(Int8.self)
    case .i16: load(Int16.self)
    case .i32: load(Int32.self)
    case .i64: load(Int64.self)
    default: preconditionFailure("'\(name)' holds \(type.name), not integers")
    }
  }
}
