import CKernels
import Foundation
import Kernels
import Testing

@Suite struct VectorFunctionTests {
  private static let tables: [maslin_vector_kernels] = [
    MASLIN_SCALAR, MASLIN_AVX2, MASLIN_AVX512, MASLIN_NEON,
  ].compactMap { maslin_vector_kernels_for($0)?.pointee }

  /// Results of all instruction sets, which must agree.
  private func apply(
    _ x: [Float],
    _ function: (maslin_vector_kernels) -> (UnsafePointer<Float>, Int, UnsafeMutablePointer<Float>)
      -> Void
  ) -> [Float] {
    let results = Self.tables.map { table in
      var out = [Float](repeating: 0, count: x.count)
      function(table)(x, x.count, &out)
      return out
    }
    for result in results {
      #expect(result.map(\.bitPattern) == results[0].map(\.bitPattern))
    }
    return results[0]
  }

  /// The error in units of the last place of the exact value.
  private func error(_ value: Float, _ exact: Double) -> Double {
    let rounded = Float(exact)
    if rounded.isInfinite { return value == rounded ? 0 : .infinity }
    return abs(Double(value) - exact) / Double(max(rounded.ulp, Float.leastNonzeroMagnitude))
  }

  /// Floats of all magnitudes, dense near zero, between two ends.
  private func sweep(_ low: Float, _ high: Float) -> [Float] {
    var x: [Float] = (0...40_000).map { low + (high - low) * Float($0) / 40_000 }
    for exponent in -30...7 {
      for step in 0..<64 {
        let value = Float(sign: .plus, exponent: exponent, significand: 1 + Float(step) / 64)
        x += [value, -value].filter { $0 >= low && $0 <= high }
      }
    }
    return x
  }

  @Test func exponential() {
    let x = sweep(-110, 95) + [.infinity, -.infinity, 0, -0.0]
    for (value, result) in zip(x, apply(x, { $0.exponential })) {
      #expect(error(result, exp(Double(value))) <= 1.5, "exp(\(value)) = \(result)")
    }
    #expect(apply([.nan], { $0.exponential })[0].isNaN)
  }

  @Test func logarithmOfOnePlus() {
    let x = sweep(0, 1) + [1e-38, .leastNonzeroMagnitude]
    for (value, result) in zip(x, apply(x, { $0.logarithm_of_one_plus })) {
      #expect(error(result, log1p(Double(value))) <= 2, "log1p(\(value)) = \(result)")
    }
  }

  @Test func sigmoid() {
    let x = sweep(-100, 100)
    for (value, result) in zip(x, apply(x, { $0.sigmoid })) {
      #expect(error(result, 1 / (1 + exp(-Double(value)))) <= 2.5, "sigmoid(\(value)) = \(result)")
    }
  }

  @Test func softplus() {
    let x = sweep(-80, 80)
    for (value, result) in zip(x, apply(x, { $0.softplus })) {
      let exact = max(Double(value), 0) + log1p(exp(-abs(Double(value))))
      #expect(error(result, exact) <= 2.5, "softplus(\(value)) = \(result)")
    }
  }

  @Test func angles() {
    let frequencies = (0..<32).map { pow(10_000, -Double($0) / 32) }
    for position: Int32 in [0, 1, 2, 3, 127, 4095, 65_535, 1_048_575] {
      var cosines = [Float](repeating: 0, count: 32)
      var sines = cosines
      maslin_angles(position, frequencies, 32, 1, 0, &cosines, &sines)
      for pair in 0..<32 {
        let angle = Double(position) * frequencies[pair]
        #expect(abs(Double(cosines[pair]) - cos(angle)) < 6.1e-8)
        #expect(abs(Double(sines[pair]) - sin(angle)) < 6.1e-8)
      }
    }
  }

  @Test func dotProductsAgreeAtEveryLength() {
    var random = Randomness(seed: 71)
    for count in 0...200 {
      let a = random.values(count)
      let b = random.values(count)
      let results = Self.tables.map { $0.dot(a, b, count) }
      #expect(results.allSatisfy { $0.bitPattern == results[0].bitPattern })
      let exact = zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      #expect(abs(Double(results[0]) - exact) < 1e-5)
    }
  }

  /// All values of a small format, found by decoding its codes.
  private func values(exponentBits: Int, fractionBits: Int, bias: Int, most: Double) -> [Double] {
    var result: [Double] = []
    for code in 0..<1 << (exponentBits + fractionBits) {
      let fraction = Double(code % (1 << fractionBits)) / Double(1 << fractionBits)
      let exponent = code >> fractionBits
      let value =
        exponent == 0
        ? fraction * pow(2, Double(1 - bias)) : (1 + fraction) * pow(2, Double(exponent - bias))
      if value <= most { result.append(value) }
    }
    return result
  }

  /// Every representable value, every midpoint and its neighbours, with both signs, at several scales. The first value of
  /// a group is the format's largest, which fixes the scale.
  @Test(arguments: [-3, 0, 5]) func roundsToSmallFormats(exponent: Int) {
    for small in [true, false] {
      let grid =
        small
        ? values(exponentBits: 2, fractionBits: 1, bias: 1, most: 6)
        : values(exponentBits: 4, fractionBits: 3, bias: 7, most: 448)
      #expect(grid.count == (small ? 8 : 127))
      let scale = pow(2, Double(exponent))
      var cases: [(Double, Double)] = grid.map { ($0, $0) }
      for (index, (low, high)) in zip(grid, grid.dropFirst()).enumerated() {
        let middle = (low + high) / 2
        cases.append((middle, index % 2 == 0 ? low : high))
        cases.append((middle.nextUp(by: 1e-6), high))
        cases.append((middle.nextUp(by: -1e-6), low))
      }
      for (value, expected) in cases {
        for sign in [1.0, -1.0] {
          let most = grid[grid.count - 1]
          let group = [Float(most * scale), Float(sign * value * scale)]
          for table in Self.tables {
            var rounded = group
            if small { table.round_float4(&rounded, 2) } else { table.round_float8(&rounded, 2) }
            #expect(rounded[0] == group[0])
            #expect(Double(rounded[1]) == sign * expected * scale, "\(value) at 2^\(exponent)")
          }
        }
      }
    }
  }

  @Test func scalesOfSmallFormatsArePowersOfTwoThatFit() {
    // 449 needs the next power of two: 224.5 rounds to 224, times 2.
    var values: [Float] = [449, 1]
    Self.tables[0].round_float8(&values, 2)
    #expect(values == [448, 1])
    // Groups below the floor of 1e-4 keep the floor's scale, 2^-22: steps of 2^-31.
    values = [1e-9, 0]
    Self.tables[0].round_float8(&values, 2)
    #expect(values == [0x1p-30, 0])
    values = [6.5, 1.5]
    Self.tables[0].round_float4(&values, 2)
    #expect(values == [6, 2])
    values = [0, 0]
    Self.tables[0].round_float4(&values, 2)
    #expect(values == [0, 0])
  }
}

extension Double {
  /// The value moved by a part of itself.
  fileprivate func nextUp(by part: Double) -> Double { self + self * part }
}
