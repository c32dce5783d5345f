import CKernels
import TensorFormats
import Testing

/// The kernels of one type on one instruction set, called with arrays.
struct DispatchedKernels {
  let type: TensorType
  private let kernels: maslin_matmul_kernels

  /// Nil when there are none.
  init?(_ type: TensorType, _ set: maslin_instruction_set) {
    var kernels = maslin_matmul_kernels()
    guard maslin_matmul_kernels_for(type.rawValue, set, &kernels) == 1 else { return nil }
    self.type = type
    self.kernels = kernels
  }

  /// Those of AVX-512 whose large products run on the model of the tile unit. Nil when there are none.
  init?(onTileModel type: TensorType) {
    var kernels = maslin_matmul_kernels()
    guard maslin_matmul_kernels_on_tile_model(type.rawValue, &kernels) == 1 else { return nil }
    self.type = type
    self.kernels = kernels
  }

  /// The instruction sets of this machine, the scalar one first.
  static let sets: [maslin_instruction_set] = [
    MASLIN_SCALAR, MASLIN_AVX2, MASLIN_AVX512, MASLIN_NEON, MASLIN_NEON_I8MM,
  ].filter { DispatchedKernels(.f32, $0) != nil }

  var activationBlock: Int { Int(kernels.activation_block) }

  /// Columns of `count` values each, rounded.
  func round(_ values: [Float], count: Int) -> RoundedColumns {
    let columns = RoundedColumns(count: count, columns: values.count / count)
    for column in 0..<columns.columns {
      values.withUnsafeBufferPointer { values in
        kernels.quantize(
          values.baseAddress! + column * count, count, columns.quants(column),
          columns.scales(column), columns.sums(column))
      }
    }
    return columns
  }

  /// The product with rounded columns: results of a column lie together.
  func multiply(
    _ weights: [UInt8], rows: Int, by activations: RoundedColumns, columns: Int
  ) -> [Float] {
    let rowBytes = type.byteCount(values: activations.count)!
    return result(rows: rows, columns: columns) { out, stride, scratch in
      withUnsafePointer(to: activations.structure) {
        kernels.matmul(
          weights, rowBytes, rows, activations.count, $0, columns, out, stride, scratch)
      }
    }
  }

  /// The product with float columns of `count` values, `stride` apart.
  func multiply(
    _ weights: [UInt8], rows: Int, count: Int, by values: [Float], stride: Int, columns: Int
  ) -> [Float] {
    let rowBytes = type.byteCount(values: count)!
    return result(rows: rows, columns: columns) { out, outStride, scratch in
      kernels.float_matmul(
        weights, rowBytes, rows, count, values, stride, columns, out, outStride, scratch)
    }
  }

  /// Runs `body` with memory for results that is wider than they are, and checks that the rest is left alone.
  private func result(
    rows: Int, columns: Int,
    _ body: (UnsafeMutablePointer<Float>, Int, UnsafeMutableRawPointer) -> Void
  ) -> [Float] {
    let margin = 3
    let untouched: Float = -12345
    var out = [Float](repeating: untouched, count: (rows + margin) * columns)
    let scratch = UnsafeMutableRawPointer.allocate(
      byteCount: Int(MASLIN_SCRATCH_BYTES), alignment: 64)
    defer { scratch.deallocate() }
    scratch.initializeMemory(as: UInt8.self, repeating: 0xFF, count: Int(MASLIN_SCRATCH_BYTES))
    out.withUnsafeMutableBufferPointer { body($0.baseAddress!, rows + margin, scratch) }
    var result: [Float] = []
    for column in 0..<columns {
      let first = column * (rows + margin)
      result += out[first..<first + rows]
      if out[first + rows..<first + rows + margin].contains(where: { $0 != untouched }) {
        Issue.record("\(type.name): wrote past \(rows) rows of column \(column)")
      }
    }
    return result
  }
}

/// Rounded activations in memory of their own.
final class RoundedColumns {
  let count: Int
  let columns: Int
  private let quantStride: Int
  private let scaleStride: Int
  private let memory: UnsafeMutableRawPointer
  private let scaleOffset: Int
  private let sumOffset: Int

  init(count: Int, columns: Int) {
    self.count = count
    self.columns = columns
    quantStride = (count + 63) / 64 * 64
    // Room for one scale per 32 values, or one sum per 16.
    scaleStride = quantStride / 16
    scaleOffset = quantStride * columns
    sumOffset = (scaleOffset + 4 * scaleStride * columns + 63) / 64 * 64
    let size = sumOffset + 2 * scaleStride * columns
    memory = .allocate(byteCount: size, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
  }

  deinit { memory.deallocate() }

  func quants(_ column: Int) -> UnsafeMutablePointer<Int8> {
    memory.assumingMemoryBound(to: Int8.self) + column * quantStride
  }

  func scales(_ column: Int) -> UnsafeMutablePointer<Float> {
    (memory + scaleOffset).assumingMemoryBound(to: Float.self) + column * scaleStride
  }

  func sums(_ column: Int) -> UnsafeMutablePointer<Int16> {
    (memory + sumOffset).assumingMemoryBound(to: Int16.self) + column * scaleStride
  }

  var structure: maslin_activations {
    maslin_activations(
      quants: quants(0), scales: scales(0), sums: sums(0), quants_stride: quantStride,
      scales_stride: scaleStride, sums_stride: scaleStride)
  }

  /// The values that the rounded ones stand for, in blocks of `block`.
  func value(_ index: Int, column: Int, block: Int) -> Double {
    Double(quants(column)[index]) * Double(scales(column)[index / block])
  }

  /// Whether two hold the same quants, scales and sums, bit for bit.
  func isIdentical(to other: RoundedColumns) -> Bool {
    let size = sumOffset + 2 * scaleStride * columns
    let mine = UnsafeRawBufferPointer(start: memory, count: size)
    let others = UnsafeRawBufferPointer(start: other.memory, count: size)
    return mine.elementsEqual(others)
  }
}

/// Whether two results are the same bits.
func identical(_ a: [Float], _ b: [Float]) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern }
}

/// The first `rows` results of each of the first `columns` columns of a larger result.
func corner(_ result: [Float], of allRows: Int, rows: Int, columns: Int) -> [Float] {
  (0..<columns).flatMap { result[$0 * allRows..<$0 * allRows + rows] }
}

/// The values of weights as decoded one by one.
func decoded(_ type: TensorType, _ weights: [UInt8], count: Int) -> [Float] {
  var values = [Float](repeating: 0, count: count)
  #expect(maslin_decode(type.rawValue, weights, count, &values) == 1)
  return values
}
