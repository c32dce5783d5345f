import Foundation
import Kernels
import Testing

@Suite struct ProcessorRecurrenceTests {
  @Test(arguments: [1, 2, 4, 6]) func convolves(kernel: Int) throws {
    var random = Randomness(seed: 41)
    let (rows, width, first) = (11, 50, 2)
    let x = random.values(rows * width)
    let weights = random.values(width * kernel)
    let past = random.values((kernel - 1) * width)
    let tensors = Tensors()
    /// Spans of the given lengths, one after another.
    func compute(_ operations: ProcessorOperations, _ lengths: [Int]) throws -> [Float] {
      let input = operations.buffer(x, columns: width)
      let history = operations.makeBuffer(rows: kernel - 1, columns: width)
      operations.write(past, to: history, row: 0)
      let output = operations.makeBuffer(rows: rows, columns: width)
      let taps = try operations.load(tensors.floats(weights, [kernel, width]))
      var start = first
      for length in lengths {
        operations.shortConvolution(
          input, span: RowSpan(first: start, count: length), weights: taps, kernel: kernel,
          history: history, into: output)
        start += length
      }
      return operations.all(output) + operations.all(history)
    }
    let result = try agreed { try compute($0, [8]) }
    let operations = try ProcessorOperations(threads: 2)
    #expect(try compute(operations, [1, 1, 5, 1]) == result)
    #expect(try compute(operations, [2, 0, 6]) == result)

    let all = doubles(past) + doubles(Array(x[first * width..<(first + 8) * width]))
    var reference = [Double](repeating: 0, count: rows * width)
    for index in 0..<8 {
      for column in 0..<width {
        let sum = (0..<kernel).reduce(0.0) {
          $0 + Double(weights[column * kernel + $1]) * all[(index + $1) * width + column]
        }
        reference[(first + index) * width + column] = sum / (1 + exp(-sum))
      }
    }
    expectClose(result, reference + all[(8 * width)...])
  }

  @Test(arguments: [(2, 4, 32, 80, false), (2, 4, 32, 80, true), (1, 1, 7, 5, false)])
  func followsTheDeltaRule(
    keyHeads: Int, valueHeads: Int, keyWidth: Int, valueWidth: Int, interleaved: Bool
  ) throws {
    var random = Randomness(seed: 42)
    let (rows, first, count) = (9, 1, 7)
    let queries = random.values(rows * keyHeads * keyWidth)
    let keys = random.values(rows * keyHeads * keyWidth, scale: 0.3)
    let values = random.values(rows * valueHeads * valueWidth)
    let decay = random.values(rows * valueHeads).map { -abs($0) }
    let beta = random.values(rows * valueHeads).map(abs)
    let state = random.values(valueHeads * keyWidth * valueWidth)
    func compute(_ operations: ProcessorOperations, _ lengths: [Int]) -> [Float] {
      let inputs = DeltaInputs<ProcessorOperations>(
        queries: operations.buffer(queries, columns: keyHeads * keyWidth),
        keys: operations.buffer(keys, columns: keyHeads * keyWidth),
        values: operations.buffer(values, columns: valueHeads * valueWidth),
        decay: operations.buffer(decay, columns: valueHeads),
        beta: operations.buffer(beta, columns: valueHeads), keyHeads: keyHeads,
        valueHeads: valueHeads, keyWidth: keyWidth, valueWidth: valueWidth,
        interleaved: interleaved)
      let memory = operations.buffer(state, columns: valueWidth)
      let output = operations.makeBuffer(rows: rows, columns: valueHeads * valueWidth)
      var start = first
      for length in lengths {
        operations.gatedDelta(
          inputs, span: RowSpan(first: start, count: length), state: memory, into: output)
        start += length
      }
      return operations.all(output) + operations.all(memory)
    }
    let result = try agreed { compute($0, [count]) }
    let operations = try ProcessorOperations(threads: 2)
    #expect(compute(operations, [1, 4, 2]) == result)

    var s = doubles(state)
    var reference = [Double](repeating: 0, count: rows * valueHeads * valueWidth)
    for row in first..<first + count {
      for head in 0..<valueHeads {
        let keyHead = interleaved ? head % keyHeads : head / (valueHeads / keyHeads)
        let keyStart = (row * keyHeads + keyHead) * keyWidth
        let kept = exp(Double(decay[row * valueHeads + head]))
        for column in 0..<valueWidth {
          func place(_ i: Int) -> Int { (head * keyWidth + i) * valueWidth + column }
          var read = 0.0
          for i in 0..<keyWidth {
            s[place(i)] *= kept
            read += Double(keys[keyStart + i]) * s[place(i)]
          }
          let value = Double(values[(row * valueHeads + head) * valueWidth + column])
          let delta = Double(beta[row * valueHeads + head]) * (value - read)
          var output = 0.0
          for i in 0..<keyWidth {
            s[place(i)] += Double(keys[keyStart + i]) * delta
            output += Double(queries[keyStart + i]) * s[place(i)]
          }
          reference[(row * valueHeads + head) * valueWidth + column] =
            output / Double(keyWidth).squareRoot()
        }
      }
    }
    expectClose(result, reference + s, tolerance: 5e-6)
  }
}
