import Foundation
import Kernels
import TensorFormats
import Testing

@Suite struct ProcessorMatrixTests {
  private func product(_ x: [Float], _ w: [Float], columns: Int, rows: Int) -> [Double] {
    var result: [Double] = []
    for row in 0..<x.count / columns {
      for output in 0..<rows {
        result.append(
          (0..<columns).reduce(0.0) {
            $0 + Double(x[row * columns + $1]) * Double(w[output * columns + $1])
          })
      }
    }
    return result
  }

  @Test(arguments: [1, 2, 17, 70]) func multipliesByFloats(rows: Int) throws {
    var random = Randomness(seed: 11)
    let columns = 96
    let x = random.values(rows * columns)
    let (a, b) = (random.values(columns * 50), random.values(columns * 3))
    let tensors = Tensors()
    let result = try agreed { operations in
      let first = operations.makeBuffer(rows: rows, columns: 50)
      let second = operations.makeBuffer(rows: rows, columns: 3)
      operations.multiply(
        operations.buffer(x, columns: columns), rows: rows,
        by: [
          MatrixProduct(try operations.load(tensors.floats(a, [columns, 50])), into: first),
          MatrixProduct(try operations.load(tensors.floats(b, [columns, 3])), into: second),
        ])
      return operations.all(first) + operations.all(second)
    }
    let reference =
      product(x, a, columns: columns, rows: 50) + product(x, b, columns: columns, rows: 3)
    expectClose(result, reference)
  }

  @Test(arguments: [ProcessorOperations.Activations.rounded, .float])
  func multipliesByBlocks(activations: ProcessorOperations.Activations) throws {
    var random = Randomness(seed: 12)
    let (rows, columns, outputs) = (37, 256, 130)
    let x = random.values(rows * columns)
    let tensors = Tensors()
    let (view, weights) = tensors.q8_0([columns, outputs], &random)
    let together = try agreed(activations) { operations in
      let output = operations.makeBuffer(rows: rows, columns: outputs)
      operations.multiply(
        operations.buffer(x, columns: columns), rows: rows,
        by: [MatrixProduct(try operations.load(view), into: output)])
      return operations.all(output)
    }
    let reference = product(x, weights, columns: columns, rows: outputs)
    expectClose(together, reference, tolerance: activations == .float ? 1e-6 : 1e-2)

    // Row by row, through one buffer that is written again and again.
    let operations = try ProcessorOperations(threads: 2, activations: activations)
    let loaded = try operations.load(view)
    let input = operations.makeBuffer(rows: 1, columns: columns)
    let output = operations.makeBuffer(rows: 1, columns: outputs)
    var alone: [Float] = []
    for row in 0..<rows {
      operations.write(Array(x[row * columns..<(row + 1) * columns]), to: input, row: 0)
      for _ in 0..<2 {
        operations.multiply(input, rows: 1, by: [MatrixProduct(loaded, into: output)])
      }
      alone += operations.all(output)
    }
    #expect(alone == together)
  }

  @Test func multipliesGroups() throws {
    var random = Randomness(seed: 13)
    let (rows, groups, columns, outputs) = (5, 4, 64, 24)
    let x = random.values(rows * groups * columns)
    let tensors = Tensors()
    let (view, weights) = tensors.q8_0([columns, groups * outputs], &random)
    let result = try agreed(.float) { operations in
      let output = operations.makeBuffer(rows: rows, columns: groups * outputs)
      operations.multiplyGroups(
        operations.buffer(x, columns: groups * columns), rows: rows,
        by: try operations.load(view), groups: groups, into: output)
      return operations.all(output)
    }
    var reference: [Double] = []
    for row in 0..<rows {
      for group in 0..<groups {
        let part = (row * groups + group) * columns
        let matrix = group * outputs * columns
        reference += product(
          Array(x[part..<part + columns]), Array(weights[matrix..<matrix + outputs * columns]),
          columns: columns, rows: outputs)
      }
    }
    expectClose(result, reference, tolerance: 1e-6)
    let rounded = try agreed(.rounded) { operations in
      let output = operations.makeBuffer(rows: rows, columns: groups * outputs)
      operations.multiplyGroups(
        operations.buffer(x, columns: groups * columns), rows: rows,
        by: try operations.load(view), groups: groups, into: output)
      return operations.all(output)
    }
    expectClose(rounded, reference, tolerance: 1e-2)
  }

  @Test func looksUpRows() throws {
    var random = Randomness(seed: 14)
    let tensors = Tensors()
    let (view, values) = tensors.q8_0([64, 20], &random)
    let ids: [Int32] = [19, 0, 7, 7]
    let result = try agreed { operations in
      let output = operations.makeBuffer(rows: 4, columns: 64)
      operations.lookUp(try operations.load(view), ids: ids, into: output)
      return operations.all(output)
    }
    #expect(result == ids.flatMap { values[Int($0) * 64..<Int($0) * 64 + 64] })
  }

  @Test func integersAndDoublesCountAsFloats() throws {
    let operations = try ProcessorOperations(threads: 1)
    let tensors = Tensors()
    let input = operations.buffer([1, 10, 100], columns: 3)
    let output = operations.makeBuffer(rows: 1, columns: 2)
    let integers = try operations.load(tensors.integers([1, 2, 3, -4, 5, 6], [3, 2]))
    operations.multiply(input, rows: 1, by: [MatrixProduct(integers, into: output)])
    #expect(operations.all(output) == [321, 646])
    let doubles = [0.5, 1, 2, 0, 0, -1.25].withUnsafeBytes { Array($0) }
    let weights = try operations.load(tensors.bytes(doubles, .f64, [3, 2]))
    operations.multiply(input, rows: 1, by: [MatrixProduct(weights, into: output)])
    #expect(operations.all(output) == [210.5, -125])
  }

  @Test func refusesTensorsOfTheWrongSize() throws {
    let operations = try ProcessorOperations(threads: 1)
    let tensors = Tensors()
    let short = tensors.bytes([UInt8](repeating: 0, count: 15), .f32, [2, 2])
    #expect(throws: KernelError.wrongSize(tensor: "t", expected: 16, found: 15)) {
      try operations.load(short)
    }
    for shape in [[33], [Int.max, Int.max], [32, Int.max], [-32, -1]] {
      #expect(throws: KernelError.self) {
        try operations.load(tensors.bytes([UInt8](repeating: 0, count: 34), .q8_0, shape))
      }
    }
  }

  @Test(arguments: [1, 3, 60], [ProcessorOperations.Activations.rounded, .float])
  func routesToExperts(rows: Int, activations: ProcessorOperations.Activations) throws {
    var random = Randomness(seed: 15)
    let (width, inner, count, perRow) = (64, 96, 7, 3)
    let x = random.values(rows * width)
    let tensors = Tensors()
    let (gate, gates) = tensors.q8_0([width, inner, count], &random)
    let (up, ups) = tensors.q8_0([width, inner, count], &random)
    let (down, downs) = tensors.q8_0([inner, width, count], &random)
    var choice = ExpertChoice(ids: [], weights: [], perRow: perRow)
    for _ in 0..<rows {
      var ids = (0..<Int32(count)).map { ($0, random.bits()) }
      ids.sort { $0.1 < $1.1 }
      choice.ids += ids[..<perRow].map(\.0)
      choice.weights += random.values(perRow)
    }
    let limit: Float = 1.5
    func compute(_ operations: ProcessorOperations, _ rows: Range<Int>) throws -> [Float] {
      let input = operations.buffer(
        Array(x[rows.lowerBound * width..<rows.upperBound * width]), columns: width)
      let output = operations.makeBuffer(rows: rows.count, columns: width)
      let pairs = rows.lowerBound * perRow..<rows.upperBound * perRow
      operations.routedExperts(
        input, rows: rows.count,
        choice: ExpertChoice(
          ids: Array(choice.ids[pairs]), weights: Array(choice.weights[pairs]), perRow: perRow),
        experts: ExpertWeights(
          gate: try operations.load(gate), up: try operations.load(up),
          down: try operations.load(down), innerWidth: inner), limit: limit, into: output)
      return operations.all(output)
    }
    let together = try agreed(activations) { try compute($0, 0..<rows) }
    let operations = try ProcessorOperations(threads: 2, activations: activations)
    let alone = try (0..<rows).flatMap { try compute(operations, $0..<$0 + 1) }
    #expect(alone == together)

    var reference = [Double](repeating: 0, count: rows * width)
    for row in 0..<rows {
      let part = Array(x[row * width..<(row + 1) * width])
      for pair in row * perRow..<(row + 1) * perRow {
        let first = Int(choice.ids[pair]) * width * inner
        let matrix = first..<first + width * inner
        let gate = product(part, Array(gates[matrix]), columns: width, rows: inner)
        let up = product(part, Array(ups[matrix]), columns: width, rows: inner)
        let hidden = zip(gate, up).map { gate, up in
          let gate = min(gate, Double(limit))
          return gate / (1 + exp(-gate)) * max(min(up, Double(limit)), -Double(limit))
        }
        for column in 0..<width {
          let sum = (0..<inner).reduce(0.0) {
            $0 + hidden[$1] * Double(downs[first + column * inner + $1])
          }
          reference[row * width + column] += Double(choice.weights[pair]) * sum
        }
      }
    }
    expectClose(together, reference, tolerance: activations == .float ? 2e-6 : 2e-2)
  }
}
