import Foundation
import Kernels
import Testing

@Suite struct ProcessorAttentionTests {
  /// Pages over rows.
  private func pages(
    _ operations: ProcessorOperations, _ values: [Float], columns: Int, height: Int
  ) -> PagedRows<ProcessorBuffer> {
    var result = PagedRows<ProcessorBuffer>(rowsPerPage: height)
    for first in stride(from: 0, to: values.count / columns, by: height) {
      let page = operations.makeBuffer(rows: height, columns: columns)
      let last = min((first + height) * columns, values.count)
      operations.write(Array(values[first * columns..<last]), to: page, row: 0)
      result.pages.append(page)
    }
    return result
  }

  struct Shape: CustomTestStringConvertible {
    var heads: Int
    var keyHeads: Int
    var width: Int
    var shared = false
    var sinks = false
    var testDescription: String { "\(heads)/\(keyHeads) x \(width)" }
  }

  @Test(arguments: [
    Shape(heads: 16, keyHeads: 1, width: 64, shared: true, sinks: true),
    Shape(heads: 6, keyHeads: 2, width: 40),
    Shape(heads: 3, keyHeads: 3, width: 7, sinks: true),
    Shape(heads: 10, keyHeads: 1, width: 200, shared: true),
  ])
  func attends(shape: Shape) throws {
    var random = Randomness(seed: 21)
    let (heads, keyHeads, width) = (shape.heads, shape.keyHeads, shape.width)
    let rows = 5
    let queries = random.values(rows * heads * width, scale: 2)
    let (firstKeys, secondKeys) = (
      random.values(70 * keyHeads * width, scale: 2), random.values(33 * keyHeads * width, scale: 2)
    )
    let firstValues = shape.shared ? firstKeys : random.values(70 * keyHeads * width)
    let secondValues = shape.shared ? secondKeys : random.values(33 * keyHeads * width)
    let sinks = random.values(heads, scale: 3)
    let scale: Float = 0.3
    let first: [RowSelection] = (0..<rows).map { .range($0..<$0 * 13 + 1) }
    let second: [RowSelection] = [
      .list([]), .list([0, 5, 32]), .list([7]), .range(3..<33), .range(0..<0),
    ]
    let tensors = Tensors()

    func compute(_ operations: ProcessorOperations, _ chosen: Range<Int>) throws -> [Float] {
      let columns = keyHeads * width
      let part = Array(
        queries[chosen.lowerBound * heads * width..<chosen.upperBound * heads * width])
      let output = operations.makeBuffer(rows: chosen.count, columns: heads * width)
      operations.attend(
        operations.buffer(part, columns: heads * width), rows: chosen.count, heads: heads,
        keyHeads: keyHeads, headWidth: width,
        sources: [
          AttentionSource(
            keys: pages(operations, firstKeys, columns: columns, height: 16),
            values: pages(operations, firstValues, columns: columns, height: 16),
            selections: Array(first[chosen])),
          AttentionSource(
            keys: pages(operations, secondKeys, columns: columns, height: 5),
            values: pages(operations, secondValues, columns: columns, height: 5),
            selections: Array(second[chosen])),
        ], sinks: shape.sinks ? try operations.load(tensors.floats(sinks, [heads])) : nil,
        scale: scale, into: output)
      return operations.all(output)
    }
    let together = try agreed { try compute($0, 0..<rows) }
    let operations = try ProcessorOperations(threads: 3)
    #expect(try (0..<rows).flatMap { try compute(operations, $0..<$0 + 1) } == together)

    var reference: [Double] = []
    for row in 0..<rows {
      func indices(_ selection: RowSelection) -> [Int] {
        switch selection {
        case .range(let range): Array(range)
        case .list(let list): list.map(Int.init)
        }
      }
      for head in 0..<heads {
        let keyHead = head * keyHeads / heads
        func vectors(_ a: [Float], _ b: [Float]) -> [[Double]] {
          let starts = indices(first[row]).map { (a, $0) } + indices(second[row]).map { (b, $0) }
          return starts.map { values, index in
            let start = (index * keyHeads + keyHead) * width
            return doubles(Array(values[start..<start + width]))
          }
        }
        let query = doubles(
          Array(queries[(row * heads + head) * width..<(row * heads + head + 1) * width]))
        let scores = vectors(firstKeys, secondKeys).map { key in
          zip(query, key).reduce(0) { $0 + $1.0 * $1.1 } * Double(scale)
        }
        let sink = shape.sinks ? Double(sinks[head]) : -.infinity
        let most = max(scores.max() ?? sink, sink)
        let weights = scores.map { exp($0 - most) }
        let sum = weights.reduce(exp(sink - most), +)
        var output = [Double](repeating: 0, count: width)
        for (weight, value) in zip(weights, vectors(firstValues, secondValues)) {
          for column in 0..<width { output[column] += weight / sum * value[column] }
        }
        reference += output
      }
    }
    expectClose(together, reference, tolerance: 5e-6)
  }

  @Test func emptySourcesChangeNothing() throws {
    var random = Randomness(seed: 22)
    let operations = try ProcessorOperations(threads: 2)
    let queries = operations.buffer(random.values(4 * 32), columns: 128)
    let keys = pages(operations, random.values(20 * 32), columns: 32, height: 8)
    let source = AttentionSource(keys: keys, values: keys, selections: [.range(3..<19)])
    let empty = AttentionSource<ProcessorBuffer>(
      keys: PagedRows(rowsPerPage: 8), values: PagedRows(rowsPerPage: 8),
      selections: [.range(0..<0)])
    let results = [[source], [empty, source], [source, empty]].map { sources in
      let output = operations.makeBuffer(rows: 1, columns: 128)
      operations.attend(
        queries, rows: 1, heads: 4, keyHeads: 1, headWidth: 32, sources: sources, sinks: nil,
        scale: 0.2, into: output)
      return operations.all(output)
    }
    #expect(results[1] == results[0] && results[2] == results[0])
  }

  @Test(arguments: [(0, 4, false), (8, 4, true), (0, 4, true), (128, 128, false)])
  func poolsGroups(first: Int, ratio: Int, overlap: Bool) throws {
    var random = Randomness(seed: 23)
    let width = 37
    let columns = overlap ? 2 * width : width
    let count = first + ratio
    let keys = random.values(count * columns)
    let gates = random.values(count * columns, scale: 4)
    let result = try agreed { operations in
      let output = operations.makeBuffer(rows: 3, columns: width)
      operations.poolGroup(
        keys: pages(operations, keys, columns: columns, height: 6),
        gates: pages(operations, gates, columns: columns, height: 6), first: first, ratio: ratio,
        width: width, overlap: overlap, into: output, row: 1)
      return operations.all(output)
    }
    #expect(
      result[..<width].allSatisfy { $0 == 0 } && result[(2 * width)...].allSatisfy { $0 == 0 })
    let reference = (0..<width).map { column in
      var places: [Int] = []
      if overlap && first > 0 { places += (first - ratio..<first).map { $0 * columns + column } }
      places += (first..<count).map { $0 * columns + column + (overlap ? width : 0) }
      let weights = places.map { exp(Double(gates[$0])) }
      let sum = zip(places, weights).reduce(0) { $0 + Double(keys[$1.0]) * $1.1 }
      return sum / weights.reduce(0, +)
    }
    expectClose(Array(result[width..<2 * width]), reference)
  }

  @Test func selectsTheRowsWithTheLargestScores() throws {
    var random = Randomness(seed: 24)
    let (heads, width, count, limit) = (5, 24, 700, 60)
    // Small whole numbers: scores are exact, and many are equal or zero.
    func whole(_ count: Int) -> [Float] {
      (0..<count).map { _ in Float(random.integer(below: 5) - 2) }
    }
    let queries = whole(4 * heads * width)
    let weights = whole(4 * heads)
    let keys = whole(count * width)
    let visible = [60, 700, 61, 333]
    var chosen: [[RowSelection]] = []
    for operations in try everyBackEnd() {
      let paged = pages(operations, keys, columns: width, height: 32)
      chosen.append(
        operations.selectRows(
          queries: operations.buffer(queries, columns: heads * width),
          headWeights: operations.buffer(weights, columns: heads), rows: 4, heads: heads,
          headWidth: width, scale: 0.25, keys: paged, visible: visible, limit: limit))
    }
    #expect(Set(chosen).count == 1)
    for row in 0..<4 {
      if visible[row] <= limit {
        #expect(chosen[0][row] == .range(0..<visible[row]))
        continue
      }
      let scores = (0..<visible[row]).map { key in
        (0..<heads).reduce(0.0) { sum, head in
          let query = (row * heads + head) * width
          let product = (0..<width).reduce(0.0) {
            $0 + Double(queries[query + $1]) * Double(keys[key * width + $1])
          }
          return sum + Double(weights[row * heads + head]) * 0.25 * max(product, 0)
        }
      }
      let order = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
      #expect(chosen[0][row] == .list(order[..<limit].sorted().map(Int32.init)))
    }
  }
}
