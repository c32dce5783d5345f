import CKernels
import TensorFormats

/// Room for what lies between the steps of an operation.
final class Workspace {
  let gate = GrowingMemory()
  let up = GrowingMemory()
  let down = GrowingMemory()
  let rows = GrowingMemory()
  let mixes = GrowingMemory()
  let scores = GrowingMemory()
}

/// The (row, choice) pairs of a call sorted by expert: all rows of one expert are multiplied together.
private struct ExpertGroups {
  /// One expert's run of sorted pairs.
  struct Run {
    var expert: Int
    var first: Int
    var count: Int
  }

  var runs: [Run] = []
  /// For each place in the sorted order, the pair `row * perRow + k`.
  var pairs: [Int]
  /// For each pair, its place.
  var places: [Int]

  init(_ choice: ExpertChoice, rows: Int, experts: Int) {
    let count = rows * choice.perRow
    precondition(choice.ids.count >= count && choice.weights.count >= count)
    var starts = [Int](repeating: 0, count: experts + 1)
    for pair in 0..<count {
      let expert = Int(choice.ids[pair])
      precondition(expert >= 0 && expert < experts, "there is no expert \(expert)")
      starts[expert + 1] += 1
    }
    for expert in 0..<experts {
      if starts[expert + 1] > 0 {
        runs.append(Run(expert: expert, first: starts[expert], count: starts[expert + 1]))
      }
      starts[expert + 1] += starts[expert]
    }
    pairs = [Int](repeating: 0, count: count)
    places = pairs
    for pair in 0..<count {
      let expert = Int(choice.ids[pair])
      pairs[starts[expert]] = pair
      places[pair] = starts[expert]
      starts[expert] += 1
    }
  }
}

extension ProcessorOperations {
  /// Sorts the rows by expert, and multiplies all rows of an expert together: gate, up and activation in one region,
  /// down in a second. Reads the chosen experts only.
  public func routedExperts(
    _ input: ProcessorBuffer, rows: Int, choice: ExpertChoice,
    experts: ExpertWeights<ProcessorOperations>, limit: Float?, into output: ProcessorBuffer
  ) {
    let inner = experts.innerWidth
    let width = input.columns
    precondition(experts.gate.columns == width && experts.up.columns == width)
    precondition(experts.gate.rows == inner && experts.up.rows == inner)
    precondition(experts.down.columns == inner && experts.down.rows == output.columns)
    precondition(rows <= input.rows && rows <= output.rows)
    let known = min(experts.gate.matrices, experts.up.matrices, experts.down.matrices)
    let groups = ExpertGroups(choice, rows: rows, experts: known)
    let count = groups.pairs.count

    let gates = matrix(experts.gate)
    let ups = matrix(experts.up)
    let downs = matrix(experts.down)
    let perRow = choice.perRow
    let rounded = prepare(
      input.values, width: width, columns: rows, stamp: input.stamp, for: [gates, ups],
      in: self.input)
    // Every expert of a single row reads the same column.
    let prepared =
      rows == 1
      ? rounded.columns(from: 0, step: 0)
      : gather(rounded, width: width, pairs: groups.pairs, perRow: perRow, for: [gates, ups])

    let gate = workspace.gate.reserve(Float.self, count * inner)
    let up = workspace.up.reserve(Float.self, count * inner)
    spreadExperts(groups.runs, gates) { run, block, worker in
      let place = run.first * inner + block.lowerBound
      let columns = prepared.columns(from: run.first)
      product(
        stacked(gates, run.expert), rows: block, input: columns, columns: run.count,
        out: gate + place, stride: inner, worker: worker)
      product(
        stacked(ups, run.expert), rows: block, input: columns, columns: run.count, out: up + place,
        stride: inner, worker: worker)
      for column in 0..<run.count {
        let at = place + column * inner
        vector.gated_activation(gate + at, up + at, block.count, limit ?? .infinity, gate + at)
      }
    }

    let inside = prepare(
      gate, width: inner, columns: count, stamp: nil, for: [downs], in: hidden)
    let outputWidth = output.columns
    let down = workspace.down.reserve(Float.self, count * outputWidth)
    spreadExperts(groups.runs, downs) { run, block, worker in
      product(
        stacked(downs, run.expert), rows: block, input: inside.columns(from: run.first),
        columns: run.count, out: down + run.first * outputWidth + block.lowerBound,
        stride: outputWidth, worker: worker)
    }

    let out = output.change()
    spread(rows, cost: outputWidth * perRow) { rows, _ in
      for row in rows {
        let target = out + row * outputWidth
        target.update(repeating: 0, count: outputWidth)
        for pair in row * perRow..<(row + 1) * perRow {
          let part = down + groups.places[pair] * outputWidth
          vector.add_scaled(part, choice.weights[pair], outputWidth, target)
        }
      }
    }
  }

  /// The columns of the rows that `pairs` belong to, in the order of `pairs`, in the forms that the matrices need.
  private func gather(
    _ input: ProductInput, width: Int, pairs: [Int], perRow: Int, for matrices: [ProcessorMatrix]
  ) -> ProductInput {
    var result = input
    if matrices.contains(where: { $0.activationBlock(activations) == 0 }) {
      let sorted = workspace.rows.reserve(Float.self, pairs.count * width)
      spread(pairs.count, cost: width) { places, _ in
        for place in places {
          let row = pairs[place] / perRow
          (sorted + place * width).update(from: input.values + row * input.stride, count: width)
        }
      }
      result.values = UnsafePointer(sorted)
    }
    for form in [gathered.blocks256, gathered.blocks32] {
      let source = form.block == 256 ? input.rounded256 : input.rounded32
      if source.quants == nil { continue }
      let target = form.reserve(width: width, columns: pairs.count)
      spread(pairs.count, cost: width) { places, _ in
        for place in places { source.copyColumn(pairs[place] / perRow, to: place, of: target) }
      }
      if form.block == 256 { result.rounded256 = target } else { result.rounded32 = target }
    }
    return result
  }

  /// Matrix `index` of the stack that begins with `first`.
  private func stacked(_ first: ProcessorMatrix, _ index: Int) -> ProcessorMatrix {
    var matrix = first
    matrix.base += index * first.rows * first.rowBytes
    return matrix
  }

  /// Spreads blocks of rows of the chosen experts' matrices over the threads.
  private func spreadExperts(
    _ runs: [ExpertGroups.Run], _ matrix: ProcessorMatrix,
    _ body: (_ run: ExpertGroups.Run, _ block: Range<Int>, _ worker: Int) -> Void
  ) {
    let size = matrix.rows * matrix.rowBytes * runs.count
    let block = blockRows(matrix, columns: runs.first?.count ?? 1, bytes: size)
    let blocks = (matrix.rows + block - 1) / block
    pool.parallel(runs.count * blocks) { part, worker in
      let (index, number) = part.quotientAndRemainder(dividingBy: blocks)
      let first = number * block
      body(runs[index], first..<min(first + block, matrix.rows), worker)
    }
  }
}
