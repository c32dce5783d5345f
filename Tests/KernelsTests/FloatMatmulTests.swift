import CKernels
import TensorFormats
import Testing

@Suite struct FloatMatmulTests {
  static let types: [TensorType] = [.f32, .f16, .bf16, .f64]

  /// Whatever the instruction set and the shape of the call, a row and a column give the same bits.
  @Test(arguments: types, [1, 7, 24, 32, 40, 64, 72, 96, 100, 160, 256, 1024])
  func everyShapeGivesTheScalarBits(type: TensorType, count: Int) throws {
    let seed = UInt64(type.rawValue) << 32 | UInt64(count)
    var generator = WeightGenerator(seed: seed)
    let (allRows, allColumns) = (31, 70)
    let weights = generator.weights(type, count: allRows * count)
    let stride = count + 5
    let values = generator.values(allColumns * stride)
    let scalar = try #require(DispatchedKernels(type, MASLIN_SCALAR))
    let reference = scalar.multiply(
      weights, rows: allRows, count: count, by: values, stride: stride, columns: allColumns)
    for set in DispatchedKernels.sets {
      let kernels = try #require(DispatchedKernels(type, set))
      for rows in [1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 31] {
        for columns in [1, 2, 3, 4, 5, 6, 7, 8, 9, 33, 70] {
          let result = kernels.multiply(
            weights, rows: rows, count: count, by: values, stride: stride, columns: columns)
          let expected = corner(reference, of: allRows, rows: rows, columns: columns)
          #expect(identical(result, expected), "set \(set) \(rows)x\(columns) seed \(seed)")
        }
      }
    }
  }

  /// Rows longer than a tile, more rows and columns than one.
  @Test(arguments: types, [1100, 2048])
  func largeProductsGiveTheScalarBits(type: TensorType, count: Int) throws {
    var generator = WeightGenerator(seed: 3)
    let (rows, columns) = (37, 131)
    let weights = generator.weights(type, count: rows * count)
    let values = generator.values(columns * count)
    let scalar = try #require(DispatchedKernels(type, MASLIN_SCALAR))
    let reference = scalar.multiply(
      weights, rows: rows, count: count, by: values, stride: count, columns: columns)
    for set in DispatchedKernels.sets {
      let kernels = try #require(DispatchedKernels(type, set))
      let result = kernels.multiply(
        weights, rows: rows, count: count, by: values, stride: count, columns: columns)
      #expect(identical(result, reference), "set \(set)")
    }
  }

  @Test(arguments: types, [1, 7, 100, 1024])
  func agreesWithDoubles(type: TensorType, count: Int) throws {
    var generator = WeightGenerator(seed: 9)
    let (rows, columns) = (7, 5)
    let bytes = generator.weights(type, count: rows * count)
    let weights = decoded(type, bytes, count: rows * count)
    let values = generator.values(columns * count)
    let scalar = try #require(DispatchedKernels(type, MASLIN_SCALAR))
    let result = scalar.multiply(
      bytes, rows: rows, count: count, by: values, stride: count, columns: columns)
    for row in 0..<rows {
      for column in 0..<columns {
        let products = (0..<count).map {
          Double(weights[row * count + $0]) * Double(values[column * count + $0])
        }
        let error = abs(Double(result[column * rows + row]) - products.reduce(0, +))
        #expect(error <= 1e-6 * products.reduce(0) { $0 + abs($1) } + 1e-30)
      }
    }
  }

  /// Quantised weights with float activations are the float weights they decode to.
  @Test(arguments: TensorType.allCases.filter { !$0.isInteger })
  func decodedWeightsGiveTheBitsOfFloats(type: TensorType) throws {
    var generator = WeightGenerator(seed: 21)
    let (rows, count) = (35, type.valuesPerBlock == 1 ? 777 : 768)
    let bytes = generator.weights(type, count: rows * count)
    let weights = decoded(type, bytes, count: rows * count)
    let floats = weights.withUnsafeBytes { Array($0) }
    let values = generator.values(12 * count)
    for set in DispatchedKernels.sets {
      let kernels = try #require(DispatchedKernels(type, set))
      let plain = try #require(DispatchedKernels(.f32, set))
      for columns in [1, 4, 12] {
        let result = kernels.multiply(
          bytes, rows: rows, count: count, by: values, stride: count, columns: columns)
        let expected = plain.multiply(
          floats, rows: rows, count: count, by: values, stride: count, columns: columns)
        #expect(identical(result, expected), "set \(set) columns \(columns)")
      }
    }
  }
}
