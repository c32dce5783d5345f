import CKernels

extension ProcessorOperations {
  /// Products in f32, spread over the threads even for one row; the rest row by row.
  public func collapseStreams(
    _ streams: ProcessorBuffer, rows: Int, connection: HyperConnection<ProcessorOperations>,
    collapsed: ProcessorBuffer, post: ProcessorBuffer, comb: ProcessorBuffer
  ) {
    let count = connection.count
    let width = collapsed.columns
    precondition(post.columns == count && comb.columns == count * count)
    precondition(rows <= collapsed.rows && rows <= post.rows && rows <= comb.rows)
    let scale = connection.scale.values
    let base = connection.base.values
    precondition(scale.rows * scale.columns == 3)
    precondition(base.rows * base.columns == 2 * count + count * count)
    let out = collapsed.change()
    let back = post.change()
    let mixes = comb.change()
    mix(streams, rows: rows, connection: connection) { row, mix, _ in
      let scales = scale.values
      var weights = mix
      for (part, size) in [count, count, count * count].enumerated() {
        for index in 0..<size {
          let term = base.values[weights - mix + index]
          weights[index] = term.addingProduct(weights[index], scales[part])
        }
        weights += size
      }
      vector.sigmoid(mix, 2 * count, mix)
      for stream in 0..<count {
        mix[stream] += connection.epsilon
        back[row * count + stream] = 2 * mix[count + stream]
      }
      let target = mixes + row * count * count
      target.update(from: mix + 2 * count, count: count * count)
      vector.sinkhorn(target, count, connection.iterations, connection.epsilon)
      vector.collapse(streams.row(row), count, width, mix, out + row * width)
    }
  }

  /// As `collapseStreams`, without the way back.
  public func collapseHead(
    _ streams: ProcessorBuffer, rows: Int, connection: HyperConnection<ProcessorOperations>,
    into output: ProcessorBuffer
  ) {
    let count = connection.count
    let width = output.columns
    precondition(rows <= output.rows)
    let scale = connection.scale.values
    let base = connection.base.values
    precondition(scale.rows * scale.columns == 1 && base.rows * base.columns == count)
    let out = output.change()
    mix(streams, rows: rows, connection: connection) { row, mix, _ in
      for stream in 0..<count {
        mix[stream] = base.values[stream].addingProduct(mix[stream], scale.values[0])
      }
      vector.sigmoid(mix, count, mix)
      for stream in 0..<count { mix[stream] += connection.epsilon }
      vector.collapse(streams.row(row), count, width, mix, out + row * width)
    }
  }

  /// Reads every stream once.
  public func expandStreams(
    _ streams: ProcessorBuffer, rows: Int, count: Int, output: ProcessorBuffer,
    post: ProcessorBuffer, comb: ProcessorBuffer
  ) {
    let width = output.columns
    precondition((1...mostStreams).contains(count) && streams.columns == count * width)
    precondition(post.columns == count && comb.columns == count * count)
    precondition(rows <= streams.rows && rows <= output.rows)
    precondition(rows <= post.rows && rows <= comb.rows)
    let values = streams.change()
    let part = 1024
    let parts = (width + part - 1) / part
    spread(rows * parts, cost: count * count * part) { items, _ in
      for item in items {
        let (row, index) = item.quotientAndRemainder(dividingBy: parts)
        vector.expand(
          values + row * streams.columns, count, width, index * part,
          min((index + 1) * part, width), output.row(row), post.row(row), comb.row(row))
      }
    }
  }

  /// The most streams that kernels have room for.
  private var mostStreams: Int { 16 }

  /// Computes `mixing * streams / sqrt(mean(streams^2) + epsilon)` for every row, then does `finish(row, values)`.
  private func mix(
    _ streams: ProcessorBuffer, rows: Int, connection: HyperConnection<ProcessorOperations>,
    finish: (_ row: Int, _ mix: UnsafeMutablePointer<Float>, _ worker: Int) -> Void
  ) {
    let matrix = matrix(connection.mixing)
    let total = streams.columns
    precondition((1...mostStreams).contains(connection.count))
    precondition(matrix.columns == total && total % connection.count == 0 && rows <= streams.rows)
    if rows == 0 { return }
    let height = matrix.rows
    let input = ProductInput(values: streams.values, stride: total)
    let mixes = workspace.mixes.reserve(Float.self, rows * height)
    // Always in f32: routes through the layers hang on these few values.
    func products(_ block: Range<Int>, row: Int, count: Int, worker: Int) {
      matrix.kernels.float_matmul?(
        matrix.base + block.lowerBound * matrix.rowBytes, matrix.rowBytes, block.count, total,
        input.values + row * total, total, count, mixes + row * height + block.lowerBound, height,
        pool.scratch(worker))
    }
    func scaleAndFinish(_ row: Int, _ worker: Int) {
      let values = streams.row(row)
      let mean = vector.dot(values, values, total) / Float(total)
      let factor = 1 / (mean + connection.normEpsilon).squareRoot()
      let mix = mixes + row * height
      for index in 0..<height { mix[index] *= factor }
      finish(row, mix, worker)
    }
    if rows < 2 * pool.threads {
      let block = min(max(height / (pool.threads * 3), 1), 4)
      let blocks = (height + block - 1) / block
      pool.parallel(blocks) { part, worker in
        let first = part * block
        products(
          first..<min(first + block, height), row: 0, count: rows, worker: worker)
      }
      spread(rows, cost: 1 << 14) { rows, worker in
        for row in rows { scaleAndFinish(row, worker) }
      }
    } else {
      let run = 8
      pool.parallel((rows + run - 1) / run) { part, worker in
        let first = part * run
        let count = min(run, rows - first)
        products(0..<height, row: first, count: count, worker: worker)
        for row in first..<first + count { scaleAndFinish(row, worker) }
      }
    }
  }
}
