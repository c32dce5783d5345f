import CKernels
import TensorFormats
import Testing

/// Activations rounded to int8 in blocks of 32. Finite values only are promised anything; others must do no harm and
/// give the same bits everywhere.
@Suite struct Block32RoundingTests {
  private func rounded(_ values: [Float]) throws -> RoundedColumns {
    let scalar = try #require(DispatchedKernels(.q8_0, MASLIN_SCALAR))
    let result = scalar.round(values, count: values.count)
    for set in DispatchedKernels.sets {
      for type in Block32Tests.types {
        let kernels = try #require(DispatchedKernels(type, set))
        let other = kernels.round(values, count: values.count)
        #expect(result.isIdentical(to: other), "\(type.name) set \(set)")
      }
    }
    return result
  }

  @Test func tiesGoToEven() throws {
    var values: [Float] = [127]
    for i in 0..<31 { values.append(Float(i) - 15.5) }
    let result = try rounded(values)
    #expect(result.scales(0)[0] == 1)
    for i in 0..<32 {
      #expect(Float(result.quants(0)[i]) == values[i].rounded(.toNearestOrEven))
    }
    let sum = values.reduce(0) { $0 + Int($1.rounded(.toNearestOrEven)) }
    #expect(Int(result.sums(0)[0]) == sum)
  }

  @Test func zerosHaveNoScale() throws {
    let result = try rounded([Float](repeating: 0, count: 32) + [Float](repeating: -0.0, count: 32))
    for block in 0..<2 {
      #expect(result.scales(0)[block].bitPattern == 0)
      #expect(result.sums(0)[block] == 0)
    }
    #expect((0..<64).allSatisfy { result.quants(0)[$0] == 0 })
  }

  @Test(arguments: 0..<20) func errorIsHalfAStep(seed: UInt64) throws {
    var generator = WeightGenerator(seed: seed)
    let values = generator.values(32 * 7).map {
      $0 * Float(sign: .plus, exponent: Int(seed) * 10 - 100, significand: 1)
    }
    let result = try rounded(values)
    for block in 0..<7 {
      let part = values[32 * block..<32 * block + 32]
      let largest = part.map(abs).max()!
      #expect(result.scales(0)[block] == largest / 127)
      var sum = 0
      for i in part.indices {
        let step = Double(result.scales(0)[block])
        let error = abs(Double(values[i]) - result.value(i, column: 0, block: 32))
        #expect(error <= step * 0.50001)
        sum += Int(result.quants(0)[i])
      }
      #expect(Int(result.sums(0)[block]) == sum)
    }
  }

  /// Below 127 times the smallest float a block has no scale; above it the coarse scale must not overflow a quant.
  @Test(arguments: [1, 63, 64, 127, 189, 190, 191, 254, 1000])
  func subnormalsStayInRange(units: Int) throws {
    let smallest = Float.leastNonzeroMagnitude
    var values = [Float](repeating: 0, count: 32)
    values[3] = Float(units) * smallest
    values[4] = -values[3]
    let result = try rounded(values)
    let scale = result.scales(0)[0]
    #expect(scale == values[3] / 127)
    for i in 3...4 {
      let exact = scale == 0 ? 0 : values[i] / scale
      let expected = max(-127, min(127, exact.rounded(.toNearestOrEven)))
      #expect(Float(result.quants(0)[i]) == expected)
    }
    #expect(result.sums(0)[0] == 0)
  }

  @Test func largestFloatsStayFinite() throws {
    let largest = Float.greatestFiniteMagnitude
    let result = try rounded((0..<32).map { $0 % 2 == 0 ? largest : -largest })
    #expect(result.scales(0)[0] == largest / 127)
    for i in 0..<32 { #expect(result.quants(0)[i] == (i % 2 == 0 ? 127 : -127)) }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity]) func noNumbersDoNoHarm(value: Float) throws {
    for place in [0, 5, 17, 31] {
      var values = (0..<64).map { Float($0) - 20 }
      values[place] = value
      let result = try rounded(values)
      #expect((0..<64).allSatisfy { result.quants(0)[$0] >= -127 })
      // The next block is not touched by it.
      #expect(result.scales(0)[1] == Float(43) / 127)
    }
  }
}
