import CKernels
import Foundation
import JSON
import TensorFormats
import Testing

@Suite struct DispatchTests {
  @Test(arguments: TensorType.allCases) func everyWeightTypeHasKernels(type: TensorType) {
    for set in DispatchedKernels.sets {
      let kernels = DispatchedKernels(type, set)
      #expect((kernels == nil) == type.isInteger)
      guard let kernels else { continue }
      #expect(kernels.activationBlock == (type.valuesPerBlock == 1 ? 0 : type.valuesPerBlock))
    }
  }

  @Test(arguments: [4, 5, 9, 15, 19, 29, 31, 40, UInt32.max])
  func otherNumbersHaveNone(number: UInt32) {
    for set in DispatchedKernels.sets {
      var kernels = maslin_matmul_kernels()
      #expect(maslin_matmul_kernels_for(number, set, &kernels) == 0)
    }
  }

  @Test func missingInstructionSetsHaveNone() {
    let best = maslin_best_instruction_set()
    #expect(DispatchedKernels.sets.contains(MASLIN_SCALAR))
    #expect(DispatchedKernels.sets.contains(best))
    let x86 = DispatchedKernels.sets.contains(MASLIN_AVX2)
    let arm = DispatchedKernels.sets.contains(MASLIN_NEON)
    #expect(!(x86 && arm))
    if best != MASLIN_AVX512 { #expect(!DispatchedKernels.sets.contains(MASLIN_AVX512)) }
    if best != MASLIN_NEON_I8MM { #expect(!DispatchedKernels.sets.contains(MASLIN_NEON_I8MM)) }
  }

  /// Dot products that ggml and gguf-py computed.
  @Test(arguments: [TensorType.q8_0, .q4_0, .q5_0, .mxfp4, .f16, .bf16])
  func agreesWithGGML(type: TensorType) throws {
    let fixture = try DotFixture(type)
    let weights = decoded(type, fixture.weights, count: fixture.rows * fixture.count)
    for set in DispatchedKernels.sets {
      let kernels = try #require(DispatchedKernels(type, set))
      let floats = kernels.multiply(
        fixture.weights, rows: fixture.rows, count: fixture.count, by: fixture.values,
        stride: fixture.count, columns: 1)
      for row in 0..<fixture.rows {
        let size = (0..<fixture.count).reduce(0.0) {
          $0 + abs(Double(weights[row * fixture.count + $1]) * Double(fixture.values[$1]))
        }
        #expect(abs(Double(floats[row]) - fixture.floatDots[row]) <= 1e-6 * size)
        if let rounded = fixture.rounded {
          let dots = kernels.multiply(
            fixture.weights, rows: fixture.rows, by: rounded, columns: 1)
          #expect(abs(Double(dots[row]) - fixture.roundedDots[row]) <= 1e-6 * size)
          let ours = kernels.multiply(
            fixture.weights, rows: fixture.rows,
            by: kernels.round(fixture.values, count: fixture.count), columns: 1)
          #expect(abs(Double(ours[row]) - fixture.floatDots[row]) <= 2e-3 * size)
        }
      }
    }
  }
}

/// Rows of weights, a vector, and their dot products: with the vector as it is, and rounded in blocks of 32 (for types
/// whose weights are), whose int8 values and scales ggml chose.
private struct DotFixture {
  var rows: Int
  var count: Int
  var weights: [UInt8]
  var values: [Float]
  var floatDots: [Double]
  var roundedDots: [Double]
  var rounded: RoundedColumns?

  init(_ type: TensorType) throws {
    let url = try #require(
      Bundle.module.url(forResource: "Fixtures/\(type.name).dot", withExtension: "json"))
    let json = try JSONParser.parse([UInt8](Data(contentsOf: url)))
    rows = try #require(json["rows"]?.integerValue)
    count = try #require(json["n"]?.integerValue)
    weights = try Self.data(json["weights"])
    values = try Self.data(json["x"]).withUnsafeBytes { raw in
      (0..<raw.count / 4).map {
        Float(
          bitPattern: UInt32(
            littleEndian: raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
      }
    }
    floatDots = try Self.numbers(json["dot_float_activation"])
    roundedDots = try Self.numbers(json["dot_rounded_activation"])
    guard json["activation_type"]?.stringValue == "Q8_0" else { return }
    let blocks = try Self.data(json["x_rounded_blocks"])
    let rounded = RoundedColumns(count: count, columns: 1)
    for block in 0..<count / 32 {
      let bytes = blocks[34 * block..<34 * block + 34]
      let first = bytes.startIndex
      let bits = UInt16(bytes[first]) | UInt16(bytes[first + 1]) << 8
      rounded.scales(0)[block] = maslin_float_from_half(bits)
      var sum: Int16 = 0
      for i in 0..<32 {
        let quant = Int8(bitPattern: bytes[first + 2 + i])
        rounded.quants(0)[32 * block + i] = quant
        sum += Int16(quant)
      }
      rounded.sums(0)[block] = sum
    }
    self.rounded = rounded
  }

  private static func data(_ value: JSONValue?) throws -> [UInt8] {
    let text = try #require(value?.stringValue)
    return [UInt8](try #require(Data(base64Encoded: text)))
  }

  private static func numbers(_ value: JSONValue?) throws -> [Double] {
    try #require(value?.arrayValue).map {
      switch $0 {
      case .integer(let number): Double(number)
      case .number(let number): number
      default: try #require(nil as Double?)
      }
    }
  }
}
