import Foundation
import Kernels
import Testing

@Suite struct ProcessorStreamTests {
  private func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  /// The reference in doubles: collapse weights, post and comb of one row.
  private func mix(
    _ streams: [Float], _ mixing: [Float], _ base: [Float], _ scale: [Float], count: Int
  ) -> [Double] {
    let mean = streams.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(streams.count)
    return base.indices.map { index in
      let product = streams.indices.reduce(0.0) {
        $0 + Double(mixing[index * streams.count + $1]) * Double(streams[$1])
      }
      let part = scale.count == 1 ? 0 : index < count ? 0 : index < 2 * count ? 1 : 2
      return product / (mean + 1e-6).squareRoot() * Double(scale[part]) + Double(base[index])
    }
  }

  private func sinkhorn(_ logits: [Double], count: Int, rounds: Int) -> [Double] {
    var c = logits
    func row(_ s: Int) -> Range<Int> { s * count..<(s + 1) * count }
    for s in 0..<count {
      let most = c[row(s)].max() ?? 0
      for i in row(s) { c[i] = exp(c[i] - most) }
      let sum = c[row(s)].reduce(0, +)
      for i in row(s) { c[i] = c[i] / sum + 1e-6 }
    }
    for round in 0..<rounds {
      if round > 0 {
        for s in 0..<count {
          let sum = c[row(s)].reduce(0, +) + 1e-6
          for i in row(s) { c[i] /= sum }
        }
      }
      for t in 0..<count {
        let sum = (0..<count).reduce(0) { $0 + c[$1 * count + t] } + 1e-6
        for s in 0..<count { c[s * count + t] /= sum }
      }
    }
    return c
  }

  @Test(arguments: [(1, 4, 64), (3, 4, 100), (40, 4, 32), (2, 2, 48), (2, 5, 17)])
  func collapsesAndExpands(rows: Int, count: Int, width: Int) throws {
    var random = Randomness(seed: 31)
    let total = count * width
    let height = 2 * count + count * count
    let streams = random.values(rows * total, scale: 2)
    let mixing = random.values(height * total, scale: 0.3)
    let base = random.values(height)
    let scale: [Float] = [0.7, 1.3, 0.9]
    let sublayer = random.values(rows * width)
    let tensors = Tensors()

    func compute(_ operations: ProcessorOperations, _ chosen: Range<Int>) throws -> [Float] {
      let connection = HyperConnection<ProcessorOperations>(
        mixing: try operations.load(tensors.floats(mixing, [total, height])),
        base: try operations.load(tensors.floats(base, [height])),
        scale: try operations.load(tensors.floats(scale, [3])), count: count, iterations: 20,
        epsilon: 1e-6, normEpsilon: 1e-6)
      let buffer = operations.buffer(
        Array(streams[chosen.lowerBound * total..<chosen.upperBound * total]), columns: total)
      let collapsed = operations.makeBuffer(rows: chosen.count, columns: width)
      let post = operations.makeBuffer(rows: chosen.count, columns: count)
      let comb = operations.makeBuffer(rows: chosen.count, columns: count * count)
      operations.collapseStreams(
        buffer, rows: chosen.count, connection: connection, collapsed: collapsed, post: post,
        comb: comb)
      let output = operations.buffer(
        Array(sublayer[chosen.lowerBound * width..<chosen.upperBound * width]), columns: width)
      operations.expandStreams(
        buffer, rows: chosen.count, count: count, output: output, post: post, comb: comb)
      return (0..<chosen.count).flatMap { row in
        [collapsed, post, comb, buffer].flatMap { operations.read($0, rows: row..<row + 1) }
      }
    }
    let result = try agreed { try compute($0, 0..<rows) }
    let operations = try ProcessorOperations(threads: 2)
    #expect(try (0..<rows).flatMap { try compute(operations, $0..<$0 + 1) } == result)

    var reference: [Double] = []
    for row in 0..<rows {
      let old = Array(streams[row * total..<(row + 1) * total])
      let m = mix(old, mixing, base, scale, count: count)
      let pre = m[..<count].map { logistic($0) + 1e-6 }
      let post = m[count..<2 * count].map { 2 * logistic($0) }
      let comb = sinkhorn(Array(m[(2 * count)...]), count: count, rounds: 20)
      for t in 0..<count {
        #expect(abs((0..<count).reduce(0) { $0 + comb[$1 * count + t] } - 1) < 2e-6)
      }
      reference += (0..<width).map { column in
        (0..<count).reduce(0) { $0 + pre[$1] * Double(old[$1 * width + column]) }
      }
      reference += post + comb
      for t in 0..<count {
        reference += (0..<width).map { column in
          (0..<count).reduce(post[t] * Double(sublayer[row * width + column])) {
            $0 + comb[$1 * count + t] * Double(old[$1 * width + column])
          }
        }
      }
    }
    expectClose(result, reference, tolerance: 5e-6)
    // Columns of the mixing matrix sum to 1.
    let stride = width + count + count * count + total
    for row in 0..<rows {
      let comb = result[(row * stride + width + count)...]
      for t in 0..<count {
        let sum = (0..<count).reduce(Float(0)) { $0 + comb[comb.startIndex + $1 * count + t] }
        #expect(abs(sum - 1) < 3e-6)
      }
    }
  }

  @Test func collapsesTheHead() throws {
    var random = Randomness(seed: 32)
    let (rows, count, width) = (3, 4, 80)
    let total = count * width
    let streams = random.values(rows * total)
    let mixing = random.values(count * total, scale: 0.3)
    let base = random.values(count)
    let tensors = Tensors()
    let result = try agreed { operations in
      let connection = HyperConnection<ProcessorOperations>(
        mixing: try operations.load(tensors.floats(mixing, [total, count])),
        base: try operations.load(tensors.floats(base, [count])),
        scale: try operations.load(tensors.floats([1.2], [1])), count: count, iterations: 20,
        epsilon: 1e-6, normEpsilon: 1e-6)
      let output = operations.makeBuffer(rows: rows, columns: width)
      operations.collapseHead(
        operations.buffer(streams, columns: total), rows: rows, connection: connection,
        into: output)
      return operations.all(output)
    }
    var reference: [Double] = []
    for row in 0..<rows {
      let old = Array(streams[row * total..<(row + 1) * total])
      let weights = mix(old, mixing, base, [1.2], count: count).map { logistic($0) + 1e-6 }
      reference += (0..<width).map { column in
        (0..<count).reduce(0) { $0 + weights[$1] * Double(old[$1 * width + column]) }
      }
    }
    expectClose(result, reference)
  }
}
