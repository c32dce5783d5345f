import Foundation
import Kernels
import Testing

@Suite struct ProcessorRowTests {
  @Test(arguments: [(1, 1, 64), (5, 3, 20), (40, 2, 512)])
  func normalizes(rows: Int, groups: Int, width: Int) throws {
    var random = Randomness(seed: 1)
    let x = random.values(rows * groups * width, scale: 3)
    let weight = random.values(width)
    let tensors = Tensors()
    for weighted in [true, false] {
      let result = try agreed { operations in
        let input = operations.buffer(x, columns: groups * width)
        let scale = weighted ? try operations.load(tensors.floats(weight, [width])) : nil
        operations.normalize(
          input, rows: rows, groups: groups, weight: scale, epsilon: 1e-6, into: input)
        return operations.all(input)
      }
      var reference: [Double] = []
      for part in 0..<rows * groups {
        let values = doubles(Array(x[part * width..<(part + 1) * width]))
        let mean = values.reduce(0) { $0 + $1 * $1 } / Double(width)
        reference += values.indices.map {
          values[$0] / (mean + 1e-6).squareRoot() * (weighted ? Double(weight[$0]) : 1)
        }
      }
      expectClose(result, reference)
    }
  }

  @Test func normalizesLength() throws {
    var random = Randomness(seed: 2)
    let x = random.values(6 * 3 * 48)
    let result = try agreed { operations in
      let buffer = operations.buffer(x, columns: 144)
      operations.normalizeLength(buffer, rows: 6, groups: 3, epsilon: 1e-6)
      return operations.all(buffer)
    }
    var reference: [Double] = []
    for part in 0..<18 {
      let values = doubles(Array(x[part * 48..<(part + 1) * 48]))
      let sum = values.reduce(0) { $0 + $1 * $1 }
      reference += values.map { $0 / (sum + 1e-6).squareRoot() }
    }
    expectClose(result, reference)
  }

  @Test(arguments: [Rotation.Pairing.adjacent, .halves], [false, true])
  func rotates(pairing: Rotation.Pairing, inverse: Bool) throws {
    var random = Randomness(seed: 3)
    let (rows, heads, width, offset, turned) = (9, 4, 96, 32, 64)
    let x = random.values(rows * heads * width)
    let frequencies = (0..<turned / 2).map { pow(10_000, -2 * Double($0) / Double(turned)) }
    let positions = (0..<rows).map { Int32($0 * $0 * 12_345) }
    let rotation = Rotation(
      offset: offset, width: turned, pairing: pairing, frequencies: frequencies, magnitude: 1.25)
    let result = try agreed { operations in
      let buffer = operations.buffer(x, columns: heads * width)
      operations.rotate(
        buffer, rows: rows, heads: heads, rotation: rotation, positions: positions,
        inverse: inverse)
      return operations.all(buffer)
    }
    var reference = doubles(x)
    for row in 0..<rows {
      for head in 0..<heads {
        let first = (row * heads + head) * width + offset
        for pair in 0..<turned / 2 {
          let a = first + (pairing == .adjacent ? 2 * pair : pair)
          let b = pairing == .adjacent ? a + 1 : a + turned / 2
          let angle = Double(positions[row]) * frequencies[pair] * (inverse ? -1 : 1)
          let (x, y) = (reference[a], reference[b])
          reference[a] = 1.25 * (x * cos(angle) - y * sin(angle))
          reference[b] = 1.25 * (x * sin(angle) + y * cos(angle))
        }
      }
    }
    expectClose(result, reference, tolerance: 3e-7)
  }

  @Test(arguments: [nil, 0.7 as Float]) func activates(limit: Float?) throws {
    var random = Randomness(seed: 4)
    let gate = random.values(7 * 300, scale: 4)
    let up = random.values(7 * 300, scale: 4)
    let result = try agreed { operations in
      let output = operations.makeBuffer(rows: 7, columns: 300)
      operations.gatedActivation(
        operations.buffer(gate, columns: 300), operations.buffer(up, columns: 300), rows: 7,
        limit: limit, into: output)
      return operations.all(output)
    }
    let most = limit.map(Double.init) ?? .infinity
    let reference = zip(doubles(gate), doubles(up)).map { gate, up in
      let gate = min(gate, most)
      return gate / (1 + exp(-gate)) * max(min(up, most), -most)
    }
    expectClose(result, reference, tolerance: 3e-7)
  }

  @Test func addsAndMultiplies() throws {
    var random = Randomness(seed: 5)
    let (a, b, c) = (random.values(5 * 77), random.values(5 * 77), random.values(5))
    let result = try agreed { operations in
      let target = operations.buffer(a, columns: 77)
      let source = operations.buffer(b, columns: 77)
      operations.add(source, rows: 5, scale: nil, to: target)
      operations.add(source, rows: 5, scale: operations.buffer(c, columns: 1), to: target)
      operations.multiplyElements(source, rows: 4, with: target)
      operations.sigmoid(target, rows: 3)
      return operations.all(target)
    }
    let reference = (0..<5 * 77).map { index in
      let (row, a, b) = (index / 77, Double(a[index]), Double(b[index]))
      var value = a + b + Double(c[row]) * b
      if row < 4 { value *= b }
      return row < 3 ? 1 / (1 + exp(-value)) : value
    }
    expectClose(result, reference)
  }

  @Test(arguments: [1, 2, 8, 128]) func hadamardIsItsOwnInverse(width: Int) throws {
    var random = Randomness(seed: 6)
    let x = random.values(3 * 2 * width)
    let once = try agreed { operations in
      let buffer = operations.buffer(x, columns: 2 * width)
      operations.hadamard(buffer, rows: 3, width: width)
      return operations.all(buffer)
    }
    let reference = (0..<x.count).map { index in
      let (part, row) = index.quotientAndRemainder(dividingBy: width)
      let sum = (0..<width).reduce(0.0) { sum, column in
        let sign = (row & column).nonzeroBitCount % 2 == 0 ? 1.0 : -1
        return sum + sign * Double(x[part * width + column])
      }
      return sum / Double(width).squareRoot()
    }
    expectClose(once, reference)
    let twice = try agreed { operations in
      let buffer = operations.buffer(once, columns: 2 * width)
      operations.hadamard(buffer, rows: 3, width: width)
      return operations.all(buffer)
    }
    expectClose(twice, doubles(x))
  }

  @Test func roundsOnlyTheColumnsAsked() throws {
    var random = Randomness(seed: 7)
    let x = random.values(4 * 2 * 160)
    for format in [RoundingFormat.float8E4M3, .float4E2M1] {
      let result = try agreed { operations in
        let buffer = operations.buffer(x, columns: 320)
        operations.round(buffer, rows: 3, heads: 2, columns: 0..<128, to: format)
        return operations.all(buffer)
      }
      let steps: Float = format == .float8E4M3 ? 16 : 4
      for index in x.indices {
        let (part, column) = index.quotientAndRemainder(dividingBy: 160)
        if part >= 6 || column >= 128 {
          #expect(result[index] == x[index])
        } else {
          let group = part * 160 + column / format.groupSize * format.groupSize
          let most = x[group..<group + format.groupSize].map(abs).max() ?? 0
          // Half a step of the largest values, and clamping never cuts more than that.
          #expect(abs(result[index] - x[index]) <= most / steps)
        }
      }
      #expect(Set(result[0..<format.groupSize]).count <= (format == .float8E4M3 ? 64 : 15))
    }
  }

  @Test func addsPeriodicRows() throws {
    var random = Randomness(seed: 8)
    let (x, table) = (random.values(6 * 40), random.values(4 * 40))
    let positions: [Int32] = [3, 4, 5, 6, 7, 1_000_001]
    let tensors = Tensors()
    let result = try agreed { operations in
      let buffer = operations.buffer(x, columns: 40)
      let terms = try operations.load(tensors.floats(table, [40, 4]))
      operations.addPeriodic(terms, positions: positions, rows: 6, to: buffer)
      return operations.all(buffer)
    }
    let expected = x.indices.map { x[$0] + table[Int(positions[$0 / 40] % 4) * 40 + $0 % 40] }
    #expect(result == expected)
  }

  @Test func copies() throws {
    let operations = try ProcessorOperations(threads: 2)
    let source = operations.buffer((0..<12).map(Float.init), columns: 3)
    let target = operations.makeBuffer(rows: 5, columns: 3)
    operations.copy(source, rows: 1..<3, to: target, row: 2)
    #expect(operations.all(target) == [0, 0, 0, 0, 0, 0, 3, 4, 5, 6, 7, 8, 0, 0, 0])
    operations.copyColumns(source, column: 1, width: 2, rows: 2, to: target, column: 0)
    #expect(operations.read(target, rows: 0..<3) == [1, 2, 0, 4, 5, 0, 3, 4, 5])
    // Within a buffer, overlapping.
    operations.copy(target, rows: 0..<4, to: target, row: 1)
    #expect(operations.read(target, rows: 1..<5) == [1, 2, 0, 4, 5, 0, 3, 4, 5, 6, 7, 8])
  }
}
