import CKernels
import TensorFormats

/// A matrix as kernels take it.
struct ProcessorMatrix {
  var base: UnsafeRawPointer
  var rowBytes: Int
  var rows: Int
  var columns: Int
  var kernels: maslin_matmul_kernels

  /// The block size of the activations it is multiplied with; 0 for floats.
  func activationBlock(_ activations: ProcessorOperations.Activations) -> Int {
    activations == .float || kernels.matmul == nil ? 0 : Int(kernels.activation_block)
  }
}

extension ProcessorOperations {
  /// Matrix `index` of stacked weights. Integers and doubles are multiplied with as floats.
  func matrix(_ weights: ProcessorWeights, _ index: Int = 0) -> ProcessorMatrix {
    if let kernels = weights.kernels {
      return ProcessorMatrix(
        base: weights.row(0, matrix: index), rowBytes: weights.rowBytes, rows: weights.rows,
        columns: weights.columns, kernels: kernels)
    }
    return ProcessorMatrix(
      base: UnsafeRawPointer(weights.values.row(index * weights.rows)),
      rowBytes: weights.columns * MemoryLayout<Float>.stride, rows: weights.rows,
      columns: weights.columns, kernels: floatKernels)
  }

  /// Rounds columns as the matrices need them.
  ///
  /// - Parameter stamp: identifies the content; what was rounded before under the same stamp is used again.
  func prepare(
    _ values: UnsafePointer<Float>, width: Int, columns: Int, stamp: UInt64?,
    for matrices: [ProcessorMatrix], in inputs: RoundedInputs
  ) -> ProductInput {
    var result = ProductInput(values: values, stride: width)
    for matrix in matrices {
      let block = matrix.activationBlock(activations)
      if block == 0 { continue }
      let done = block == 256 ? result.rounded256.quants : result.rounded32.quants
      if done != nil { continue }
      let form = block == 256 ? inputs.blocks256 : inputs.blocks32
      round(values, width: width, columns: columns, stamp: stamp, by: matrix.kernels, to: form)
      if block == 256 { result.rounded256 = form.view } else { result.rounded32 = form.view }
    }
    return result
  }

  private func round(
    _ values: UnsafePointer<Float>, width: Int, columns: Int, stamp: UInt64?,
    by kernels: maslin_matmul_kernels, to form: RoundedInputs.Form
  ) {
    if let stamp, form.stamp == stamp, form.width == width, form.columns >= columns { return }
    guard let quantize = kernels.quantize else { return }
    let target = form.reserve(width: width, columns: columns)
    guard let quants = UnsafeMutablePointer(mutating: target.quants),
      let scales = UnsafeMutablePointer(mutating: target.scales),
      let sums = UnsafeMutablePointer(mutating: target.sums)
    else { return }
    spread(columns, cost: width) { columns, _ in
      for column in columns {
        quantize(
          values + column * width, width, quants + column * target.quants_stride,
          scales + column * target.scales_stride, sums + column * target.sums_stride)
      }
    }
    form.stamp = stamp
  }

  /// `out[c * stride + r]` for rows `rows` of the matrix and the first `columns` columns of the input.
  func product(
    _ matrix: ProcessorMatrix, rows: Range<Int>, input: ProductInput, columns: Int,
    out: UnsafeMutablePointer<Float>, stride: Int, worker: Int
  ) {
    let scratch = pool.scratch(worker)
    let weights = matrix.base + rows.lowerBound * matrix.rowBytes
    let block = matrix.activationBlock(activations)
    // As many columns at a time as stay in the second-level cache.
    let columnBytes = block == 0 ? 4 * matrix.columns : matrix.columns + matrix.columns / 8
    let tile = max((1 << 19) / max(columnBytes, 1) / 16 * 16, 16)
    for first in Swift.stride(from: 0, to: columns, by: tile) {
      let part = input.columns(from: first)
      let count = min(tile, columns - first)
      let target = out + first * stride
      if block == 0 {
        matrix.kernels.float_matmul?(
          weights, matrix.rowBytes, rows.count, matrix.columns, part.values, part.stride, count,
          target, stride, scratch)
      } else {
        withUnsafePointer(to: block == 256 ? part.rounded256 : part.rounded32) { rounded in
          matrix.kernels.matmul?(
            weights, matrix.rowBytes, rows.count, matrix.columns, rounded, count, target, stride,
            scratch)
        }
      }
    }
  }

  /// The number of rows of a matrix that one thread takes at a time.
  ///
  /// - Parameter bytes: the size of all weights of the region.
  func blockRows(_ matrix: ProcessorMatrix, columns: Int, bytes: Int) -> Int {
    let share = bytes / (pool.threads * 8)
    let limit = columns > 4 ? 1 << 18 : 1 << 19
    let size = min(max(share, 1 << 14), limit)
    let most = max(size / max(matrix.rowBytes, 1), 16)
    // Blocks of equal height, so that no thread is left with a large last one.
    let blocks = (matrix.rows + most - 1) / most
    return max((matrix.rows / max(blocks, 1) + 15) / 16 * 16, 16)
  }

  // MARK: Matrices

  /// Decodes rows of a table of any type.
  public func lookUp(_ table: ProcessorWeights, ids: [Int32], into output: ProcessorBuffer) {
    precondition(output.columns == table.columns && ids.count <= output.rows)
    let out = output.change()
    spread(ids.count, cost: 4 * table.columns) { rows, _ in
      for row in rows {
        let id = Int(ids[row])
        precondition(id >= 0 && id < table.rows * table.matrices, "no row \(id) in \(table.name)")
        table.decode(row: id, into: out + row * table.columns)
      }
    }
  }

  /// Rounds the input once for all products, unless it was rounded for the call before; then one region over blocks of
  /// rows of all matrices.
  public func multiply(
    _ input: ProcessorBuffer, rows: Int, by products: [MatrixProduct<ProcessorOperations>]
  ) {
    precondition(rows <= input.rows)
    if rows == 0 || products.isEmpty { return }
    let matrices = products.map { matrix($0.weights) }
    for (matrix, product) in zip(matrices, products) {
      precondition(matrix.columns == input.columns, "'\(product.weights.name)' has another width")
      precondition(product.output.columns == matrix.rows && rows <= product.output.rows)
    }
    let prepared = prepare(
      input.values, width: input.columns, columns: rows, stamp: input.stamp, for: matrices,
      in: self.input)
    let bytes = matrices.reduce(0) { $0 + $1.rows * $1.rowBytes }
    let blocks = matrices.map { blockRows($0, columns: rows, bytes: bytes) }
    var ends: [Int] = []
    for (matrix, block) in zip(matrices, blocks) {
      ends.append((ends.last ?? 0) + (matrix.rows + block - 1) / block)
    }
    let targets = products.map { $0.output.change() }
    pool.parallel(ends.last ?? 0) { part, worker in
      var index = 0
      while part >= ends[index] { index += 1 }
      let matrix = matrices[index]
      let first = (part - (index > 0 ? ends[index - 1] : 0)) * blocks[index]
      product(
        matrix, rows: first..<min(first + blocks[index], matrix.rows), input: prepared,
        columns: rows, out: targets[index] + first, stride: matrix.rows, worker: worker)
    }
  }

  /// Treats every part of a row as a column of its own.
  public func multiplyGroups(
    _ input: ProcessorBuffer, rows: Int, by weights: ProcessorWeights, groups: Int,
    into output: ProcessorBuffer
  ) {
    let matrix = matrix(weights)
    precondition(input.columns == groups * matrix.columns && matrix.rows % groups == 0)
    precondition(output.columns == matrix.rows && rows <= input.rows && rows <= output.rows)
    if rows == 0 { return }
    // Every part of a row is a column of its own.
    let prepared = prepare(
      input.values, width: matrix.columns, columns: rows * groups, stamp: input.stamp,
      for: [matrix], in: self.input)
    let height = matrix.rows / groups
    let block = min(
      blockRows(matrix, columns: rows, bytes: matrix.rows * matrix.rowBytes), height)
    let blocks = (height + block - 1) / block
    let out = output.change()
    pool.parallel(groups * blocks) { part, worker in
      let (group, index) = part.quotientAndRemainder(dividingBy: blocks)
      let first = group * height + index * block
      let last = min(first + block, (group + 1) * height)
      product(
        matrix, rows: first..<last, input: prepared.columns(from: group, step: groups),
        columns: rows, out: out + first, stride: matrix.rows, worker: worker)
    }
  }
}
