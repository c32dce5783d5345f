import CKernels
import Foundation
import JSON
import TensorFormats
import Testing

@Suite struct Block256Tests {
  static let types: [TensorType] = [
    .q2_K, .q3_K, .q4_K, .q5_K, .q6_K, .iq2_XXS, .iq2_XS, .iq2_S, .iq3_XXS, .iq3_S, .iq4_XS,
  ]

  /// Whatever the instruction set and the shape of the call, a row and a column give the same bits.
  @Test(arguments: types, [256, 512, 1280, 2816])
  func everyShapeGivesTheScalarBits(type: TensorType, count: Int) throws {
    let seed = UInt64(type.rawValue) << 32 | UInt64(count)
    var generator = WeightGenerator(seed: seed)
    let (allRows, allColumns) = (33, 70)
    let weights = generator.weights(type, count: allRows * count)
    let values = generator.values(allColumns * count)
    let scalar = try #require(DispatchedKernels(type, MASLIN_SCALAR))
    #expect(scalar.activationBlock == 256)
    let rounded = scalar.round(values, count: count)
    let reference = scalar.multiply(weights, rows: allRows, by: rounded, columns: allColumns)
    for set in DispatchedKernels.sets where set != MASLIN_SCALAR {
      let kernels = try #require(DispatchedKernels(type, set))
      #expect(kernels.round(values, count: count).isIdentical(to: rounded), "set \(set)")
      for rows in [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 32, 33] {
        for columns in [1, 2, 3, 4, 5, 6, 7, 8, 9, 33, 70] {
          let result = kernels.multiply(weights, rows: rows, by: rounded, columns: columns)
          let expected = corner(reference, of: allRows, rows: rows, columns: columns)
          #expect(identical(result, expected), "set \(set) \(rows)x\(columns) seed \(seed)")
        }
      }
    }
  }

  /// More columns than a tile holds, and no whole number of tiles of rows.
  @Test(arguments: types)
  func manyColumnsGiveTheScalarBits(type: TensorType) throws {
    var generator = WeightGenerator(seed: 11)
    let (rows, columns, count) = (21, 300, 768)
    let weights = generator.weights(type, count: rows * count)
    let scalar = try #require(DispatchedKernels(type, MASLIN_SCALAR))
    let rounded = scalar.round(generator.values(columns * count), count: count)
    let reference = scalar.multiply(weights, rows: rows, by: rounded, columns: columns)
    for set in DispatchedKernels.sets {
      let kernels = try #require(DispatchedKernels(type, set))
      let result = kernels.multiply(weights, rows: rows, by: rounded, columns: columns)
      #expect(identical(result, reference), "set \(set)")
    }
  }

  /// The scalar product is that of the decoded weights and the rounded activations.
  @Test(arguments: types, [256, 1024])
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
          Double(weights[row * count + $0]) * rounded.value($0, column: column, block: 256)
        }
        // Decoding rounds every value of a type with minima, the product does not: the sizes of both parts count.
        let hasMinima = [.q2_K, .q4_K, .q5_K].contains(type)
        let size = products.reduce(0) { $0 + abs($1) } * (hasMinima ? 50 : 1)
        let error = abs(Double(result[column * rows + row]) - products.reduce(0, +))
        #expect(error <= 1e-6 * size + 1e-30, "row \(row) column \(column)")
      }
    }
  }

  /// Every code, scale and sign bit set, or none, with activations at the ends of their range: the sums at their largest.
  @Test(arguments: [Int8(127), -127], [UInt8(0x80), 0x7F, 0xFF, 0x00, 0xAA])
  func extremesAreExact(quant: Int8, code: UInt8) throws {
    let (rows, count) = (17, 512)
    for type in Self.types {
      var block = [UInt8](repeating: code, count: type.bytesPerBlock)
      let places = [TensorType.q2_K: 80, .q3_K: 108, .q6_K: 208]
      let place = places[type] ?? 0
      block.replaceSubrange(place..<place + 2, with: [0x00, 0x3C])
      if [.q2_K, .q4_K, .q5_K].contains(type) {
        block.replaceSubrange(place + 2..<place + 4, with: [0x00, 0x40])
      }
      let bytes = (0..<rows * count / 256).flatMap { _ in block }
      let expected = decoded(type, bytes, count: count).reduce(0.0) {
        $0 + Double($1) * Double(quant)
      }
      for set in DispatchedKernels.sets {
        let kernels = try #require(DispatchedKernels(type, set))
        for columns in [1, 2, 5] {
          let values = [Float](repeating: Float(quant), count: columns * count)
          let rounded = kernels.round(values, count: count)
          let result = kernels.multiply(bytes, rows: rows, by: rounded, columns: columns)
          #expect(
            result.allSatisfy { abs(Double($0) - expected) <= 3e-7 * abs(expected) },
            "\(type.name) set \(set) \(columns): \(result[0]) for \(expected)")
        }
      }
    }
  }

  /// Every entry of the IQ2_XXS grid with every pattern of signs and every scale gives the decoded values' products.
  @Test func everyGridEntryAndSign() throws {
    // Signs turn with the row, so that 128 rows see each pattern at each entry.
    let (rows, count) = (128, 2048)
    var bytes: [UInt8] = []
    for row in 0..<rows {
      for block in 0..<count / 256 {
        bytes += [0x00, 0x3C]
        for part in 0..<8 {
          let first = 32 * block + 4 * part
          bytes += (0..<4).map { UInt8(first + $0) }
          var word = UInt32((row + part) % 16) << 28
          for entry in 0..<4 { word |= UInt32((row + first + entry) % 128) << UInt32(7 * entry) }
          bytes += (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) }
        }
      }
    }
    let weights = decoded(.iq2_XXS, bytes, count: rows * count)
    // One column for each of the 8 values of an entry, with factors that tell entries apart.
    var values = [Float](repeating: 0, count: 8 * count)
    for place in 0..<8 {
      for entry in 0..<count / 8 {
        values[place * count + 8 * entry + place] = Float(1 + entry % 127)
      }
    }
    for set in DispatchedKernels.sets {
      let kernels = try #require(DispatchedKernels(.iq2_XXS, set))
      let rounded = kernels.round(values, count: count)
      for columns in [1, 8] {
        let result = kernels.multiply(bytes, rows: rows, by: rounded, columns: columns)
        for row in 0..<rows {
          for column in 0..<columns {
            var sum = 0.0
            for i in 0..<count {
              sum +=
                Double(weights[row * count + i]) * rounded.value(i, column: column, block: 256)
            }
            let error = abs(Double(result[column * rows + row]) - sum)
            #expect(error <= 1e-6 * 43 * 127 * Double(count), "set \(set) \(row) \(column)")
          }
        }
      }
    }
  }

  /// Rounding: zeros, one value, subnormal values, ties; infinities and NaN do not become numbers.
  @Test func roundingIsTheSameOnEverySet() throws {
    var values = [Float](repeating: 0, count: 256 * 6)
    values[256 + 17] = -3
    for i in 512..<768 { values[i] = Float(bitPattern: UInt32(i) * 3) }
    for i in 768..<1024 { values[i] = Float(i - 896) / 2 }
    values[1024] = 127
    for i in 1280..<1536 { values[i] = i % 2 == 0 ? 1e38 : -3e38 }
    let scalar = try #require(DispatchedKernels(.q4_K, MASLIN_SCALAR))
    let rounded = scalar.round(values, count: values.count)
    #expect(rounded.scales(0)[0] == 0)
    #expect(rounded.quants(0)[256 + 17] == -127)
    #expect(rounded.quants(0)[1024] == 127)
    for block in 0..<6 {
      for group in 0..<16 {
        let start = 256 * block + 16 * group
        let sum = (start..<start + 16).reduce(0) { $0 + Int(rounded.quants(0)[$1]) }
        #expect(Int(rounded.sums(0)[16 * block + group]) == sum)
      }
    }
    for set in DispatchedKernels.sets {
      let kernels = try #require(DispatchedKernels(.q4_K, set))
      #expect(kernels.round(values, count: values.count).isIdentical(to: rounded), "set \(set)")
      for bad in [Float.infinity, -.infinity, .nan] {
        var poisoned = values
        poisoned[700] = bad
        let result = kernels.round(poisoned, count: poisoned.count)
        #expect(!result.scales(0)[2].isFinite, "set \(set)")
        #expect(result.scales(0)[3] == rounded.scales(0)[3], "set \(set)")
      }
    }
  }

  /// Dot products that ggml computed on activations that it rounded.
  @Test(arguments: [TensorType.q2_K, .q4_K, .q5_K, .q6_K, .iq2_XXS])
  func agreesWithGGML(type: TensorType) throws {
    let url = try #require(
      Bundle.module.url(forResource: "Fixtures/\(type.name).dot", withExtension: "json"))
    let json = try JSONParser.parse([UInt8](Data(contentsOf: url)))
    let rows = try #require(json["rows"]?.integerValue)
    let count = try #require(json["n"]?.integerValue)
    let weights = try bytes(json["weights"])
    let blocks = try bytes(json["x_rounded_blocks"])
    let expected = try numbers(json["ggml_f32"])
    let exact = try numbers(json["dot_rounded_activation"])
    // ggml's block: a float, 256 signed bytes, 16 sums.
    let rounded = RoundedColumns(count: count, columns: 1)
    for block in 0..<count / 256 {
      blocks.withUnsafeBytes { raw in
        let start = 292 * block
        rounded.scales(0)[block] = raw.loadUnaligned(fromByteOffset: start, as: Float.self)
        for i in 0..<256 {
          rounded.quants(0)[256 * block + i] = Int8(bitPattern: raw[start + 4 + i])
        }
        for i in 0..<16 {
          rounded.sums(0)[16 * block + i] = raw.loadUnaligned(
            fromByteOffset: start + 260 + 2 * i, as: Int16.self)
        }
      }
    }
    for set in DispatchedKernels.sets {
      let kernels = try #require(DispatchedKernels(type, set))
      let result = kernels.multiply(weights, rows: rows, by: rounded, columns: 1)
      for row in 0..<rows {
        #expect(abs(Double(result[row]) - expected[row]) <= 2e-5 + 1e-6 * abs(expected[row]))
        #expect(abs(Double(result[row]) - exact[row]) <= 2e-5 + 1e-6 * abs(exact[row]))
      }
    }
  }

  private func bytes(_ value: JSONValue?) throws -> [UInt8] {
    let text = try #require(value?.stringValue)
    return [UInt8](try #require(Data(base64Encoded: text)))
  }

  private func numbers(_ value: JSONValue?) throws -> [Double] {
    try #require(value?.arrayValue).map {
      switch $0 {
      case .number(let number): number
      case .integer(let number): Double(number)
      default: .nan
      }
    }
  }
}
