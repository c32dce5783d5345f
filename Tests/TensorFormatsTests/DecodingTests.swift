import TensorFormats
import Testing

@Suite struct DecodingTests {
  @Test func everyFloatingTypeHasAFixture() {
    let expected = TensorType.allCases.filter { !$0.isInteger && $0 != .f32 && $0 != .f64 }
    #expect(BlockFixture.all.map(\.type) == expected)
  }

  @Test(arguments: BlockFixture.all)
  func decodesBitForBit(_ fixture: BlockFixture) throws {
    let values = try fixture.type.decode(fixture.blocks)
    #expect(values.count == fixture.bits.count)
    let wrong = zip(values, fixture.bits).enumerated().filter { $1.0.bitPattern != $1.1 }
    #expect(wrong.isEmpty, "first wrong value at \(wrong.first.map(\.offset) ?? -1)")
  }

  struct Golden: Sendable, CustomTestStringConvertible {
    let type: TensorType
    let first: [Float]
    let last: [Float]
    let sum: Double
    let weightedSum: Double
    /// Where d, dmin (halfs) or the exponent byte are.
    let scales: [(offset: Int, bytes: [UInt8])]
    var testDescription: String { type.name }
  }

  /// The golden blocks of the specification of DeepSeek V4 files: byte i is (37 i + 11) mod 256, d = 1, dmin = 0.5.
  static let goldens = [
    Golden(
      type: .q8_0, first: [85, 122, -97, -60, -23, 14, 51, 88], last: [97, -122, -85, -48],
      sum: -176, weightedSum: -8080, scales: [(0, [0x00, 0x3c])]),
    Golden(
      type: .q2_K, first: [33, 0, 11, 22, 33, 0, 11, 22], last: [-1.5, -1.5, 4.5, 4.5],
      sum: 2059, weightedSum: 243130, scales: [(80, [0x00, 0x3c, 0x00, 0x38])]),
    Golden(
      type: .q4_K, first: [315.5, -25.5, 129.5, 284.5, 439.5, 98.5, 253.5, 408.5],
      last: [6.5, 18.5, 36.5, 48.5], sum: 54440, weightedSum: 7_572_840,
      scales: [(0, [0x00, 0x3c, 0x00, 0x38])]),
    Golden(
      type: .iq2_XXS, first: [-59.125, 59.125, 34.375, -34.375, 34.375, -11, -34.375, 11],
      last: [15, 46.875, 15, -80.625], sum: 763.75, weightedSum: 36793,
      scales: [(0, [0x00, 0x3c])]),
    Golden(
      type: .mxfp4, first: [0, 3, -1, -6, 2, -0.5, -4, 1.5], last: [-4, 0.5, 1.5, 3], sum: 12.5,
      weightedSum: 319, scales: [(0, [127])]),
  ]

  @Test(arguments: goldens)
  func decodesGoldenBlock(_ golden: Golden) throws {
    var block = (0..<golden.type.bytesPerBlock).map { UInt8((37 * $0 + 11) % 256) }
    for (offset, bytes) in golden.scales {
      block.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
    let values = try golden.type.decode(block)
    #expect(Array(values.prefix(8)) == golden.first)
    #expect(Array(values.suffix(4)) == golden.last)
    #expect(values.reduce(0.0) { $0 + Double($1) } == golden.sum)
    let weighted = values.enumerated().reduce(0.0) {
      $0 + Double($1.offset + 1) * Double($1.element)
    }
    #expect(weighted == golden.weightedSum)
  }

  #if !(os(macOS) && arch(x86_64))
    @Test func halfsAgreeWithTheStandardLibrary() {
      for pattern in UInt16.min...UInt16.max {
        let expected = Float(Float16(bitPattern: pattern))
        let actual = floatFromHalf(pattern)
        if expected.isNaN {
          #expect(actual.isNaN)
        } else {
          #expect(actual.bitPattern == expected.bitPattern)
          #expect(halfFromFloat(expected) == pattern)
        }
      }
    }

    @Test func floatsRoundToHalfsAsInTheStandardLibrary() {
      var state = SplitMix(seed: 7)
      var values = (0..<200_000).map { _ in
        Float(bitPattern: UInt32(truncatingIfNeeded: state.next()))
      }
      // Exactly between two halfs: ties go to the even one.
      values += (UInt16(0)..<0x7bff).map { (floatFromHalf($0) + floatFromHalf($0 + 1)) / 2 }
      values += [65519.996, 65520, 65535, .infinity, -.infinity, 0, -0.0]
      for value in values where !value.isNaN {
        #expect(halfFromFloat(value) == Float16(value).bitPattern, "\(value)")
      }
      #expect(floatFromHalf(halfFromFloat(.nan)).isNaN)
    }
  #endif

  @Test func brainFloatsRoundToNearestEven() {
    #expect(brainFromFloat(1) == 0x3f80)
    #expect(brainFromFloat(Float(bitPattern: 0x3f80_8000)) == 0x3f80)
    #expect(brainFromFloat(Float(bitPattern: 0x3f81_8000)) == 0x3f82)
    #expect(brainFromFloat(Float(bitPattern: 0x3f80_8001)) == 0x3f81)
    #expect(brainFromFloat(Float(bitPattern: 0x7f7f_ffff)) == 0x7f80)
    #expect(brainFromFloat(-.infinity) == 0xff80)
    #expect(brainFromFloat(Float(bitPattern: 0x7f80_0001)) == 0x7fc0)
  }

  @Test func refusesWrongSizes() {
    #expect(throws: TensorFormatError.notDecodable(.i32)) {
      try TensorType.i32.decode([0, 0, 0, 0])
    }
    #expect(throws: TensorFormatError.self) {
      try TensorType.q4_0.decode([UInt8](repeating: 0, count: 19))
    }
    var values = [Float](repeating: 0, count: 31)
    #expect(throws: TensorFormatError.partialBlock(.q8_0, values: 31)) {
      try values.withUnsafeMutableBufferPointer { target in
        try [UInt8](repeating: 0, count: 34).withUnsafeBytes {
          try TensorType.q8_0.decode($0, into: target)
        }
      }
    }
    #expect((try? TensorType.q6_K.decode([])) == [])
  }
}
