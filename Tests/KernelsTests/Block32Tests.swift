import CKernels
import TensorFormats
import Testing

@Suite struct Block32Tests {
  static let types: [TensorType] = [.q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .iq4_NL, .mxfp4]

  /// Whatever the instruction set and the shape of the call, a row and a column give the same bits.
  @Test(arguments: types, [32, 64, 96, 160, 256, 1024])
  func everyShapeGivesTheScalarBits(type: TensorType, count: Int) throws {
    let seed = UInt64(type.rawValue) << 32 | UInt64(count)
    var generator = WeightGenerator(seed: seed)
    let (allRows, allColumns) = (31, 70)
    let weights = generator.weights(type, count: allRows * count)
    let values = generator.values(allColumns * count)
    let scalar = try #require(DispatchedKernels(type, MASLIN_SCALAR))
    let rounded = scalar.round(values, count: count)
    let reference = scalar.multiply(weights, rows: allRows, by: rounded, columns: allColumns)
    for set in DispatchedKernels.sets {
      let kernels = try #require(DispatchedKernels(type, set))
      for rows in [1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 31] {
        for columns in [1, 2, 3, 4, 5, 6, 7, 8, 9, 33, 70] {
          let result = kernels.multiply(weights, rows: rows, by: rounded, columns: columns)
          let expected = corner(reference, of: allRows, rows: rows, columns: columns)
          #expect(identical(result, expected), "set \(set) \(rows)x\(columns) seed \(seed)")
        }
      }
    }
  }

  /// Rows longer than a tile, more columns than one, a block count that no tile divides.
  @Test(arguments: types, [1056, 4064])
  func longRowsGiveTheScalarBits(type: TensorType, count: Int) throws {
    var generator = WeightGenerator(seed: 5)
    let (rows, columns) = (19, 131)
    let weights = generator.weights(type, count: rows * count)
    let values = generator.values(columns * count)
    let scalar = try #require(DispatchedKernels(type, MASLIN_SCALAR))
    let rounded = scalar.round(values, count: count)
    let reference = scalar.multiply(weights, rows: rows, by: rounded, columns: columns)
    for set in DispatchedKernels.sets {
      let kernels = try #require(DispatchedKernels(type, set))
      let result = kernels.multiply(weights, rows: rows, by: rounded, columns: columns)
      #expect(identical(result, reference), "set \(set)")
      let alone = kernels.multiply(weights, rows: rows, by: rounded, columns: 1)
      #expect(identical(alone, Array(reference[0..<rows])), "set \(set), one column")
    }
  }

  /// The scalar product is that of the decoded weights and the rounded activations.
  @Test(arguments: types, [32, 96, 1024])
  func agreesWithDoubles(type: TensorType, count: Int) throws {
    var generator = WeightGenerator(seed: 7)
    let (rows, columns) = (9, 5)
    let bytes = generator.weights(type, count: rows * count)
    let weights = decoded(type, bytes, count: rows * count)
    let scalar = try #require(DispatchedKernels(type, MASLIN_SCALAR))
    let rounded = scalar.round(generator.values(columns * count), count: count)
    let result = scalar.multiply(bytes, rows: rows, by: rounded, columns: columns)
    for row in 0..<rows {
      for column in 0..<columns {
        let products = (0..<count).map {
          Double(weights[row * count + $0]) * rounded.value($0, column: column, block: 32)
        }
        // Types with minima add the minimum to each product: the sizes of both parts count.
        let size = products.reduce(0) { $0 + abs($1) } * (type == .q4_1 || type == .q5_1 ? 50 : 1)
        let error = abs(Double(result[column * rows + row]) - products.reduce(0, +))
        #expect(error <= 1e-6 * size + 1e-30, "row \(row) column \(column)")
      }
    }
  }

  /// Weights and activations at the ends of their ranges: every intermediate sum at its largest.
  @Test(arguments: [Int8(127), -127], [UInt8(0x80), 0x7F, 0xFF, 0x00])
  func extremesAreExact(quant: Int8, code: UInt8) throws {
    let (rows, count) = (5, 192)
    for type in Self.types {
      var bytes: [UInt8] = []
      for _ in 0..<rows * count / 32 {
        var block = [UInt8](repeating: code, count: type.bytesPerBlock)
        if type == .mxfp4 {
          block[0] = 127
        } else {
          // 1, and 2 for a minimum.
          block.replaceSubrange(0..<2, with: [0x00, 0x3C])
          if type == .q4_1 || type == .q5_1 { block.replaceSubrange(2..<4, with: [0x00, 0x40]) }
        }
        bytes += block
      }
      let weights = decoded(type, bytes, count: count)
      for set in DispatchedKernels.sets {
        let kernels = try #require(DispatchedKernels(type, set))
        for columns in [1, 2, 4] {
          let values = [Float](repeating: Float(quant), count: columns * count)
          let rounded = kernels.round(values, count: count)
          let result = kernels.multiply(bytes, rows: rows, by: rounded, columns: columns)
          let expected = weights.reduce(0.0) { $0 + Double($1) * Double(quant) }
          #expect(
            result.allSatisfy { Double($0) == expected }, "\(type.name) set \(set) \(columns)")
        }
      }
    }
  }
}
