import CKernels
import TensorFormats

/// Random weights and activations that a printed seed brings back.
struct WeightGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64 (Steele, Lea, Flood 2014).
  private mutating func bits() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  private mutating func integer(below bound: UInt64) -> Int { Int(bits() % bound) }

  /// In -1 ..< 1.
  mutating func value() -> Float { Float(Int64(bitPattern: bits()) >> 40) / Float(1 << 23) }

  /// Activations: mostly small, some large, and now and then a run of zeros.
  mutating func values(_ count: Int) -> [Float] {
    var values = (0..<count).map { _ in value() * (integer(below: 50) == 0 ? 20 : 1) }
    if count >= 96, integer(below: 3) == 0 {
      for i in 32..<64 { values[i] = 0 }
    }
    return values
  }

  /// A half of moderate size or, one time in eight, a subnormal one.
  private mutating func half() -> UInt16 {
    let signAndFraction = UInt16(truncatingIfNeeded: bits()) & 0x83FF
    let exponent = integer(below: 8) == 0 ? 0 : 5 + integer(below: 8)
    return signAndFraction | UInt16(exponent) << 10
  }

  /// Blocks with random codes and finite scales: `count` values, a whole number of blocks.
  mutating func weights(_ type: TensorType, count: Int) -> [UInt8] {
    switch type {
    case .f32: return Self.bytes((0..<count).map { _ in value() })
    case .f64: return Self.bytes((0..<count).map { _ in Double(value()) })
    case .f16: return Self.bytes((0..<count).map { _ in half() })
    case .bf16:
      return Self.bytes((0..<count).map { _ in UInt16(value().bitPattern >> 16) })
    default: break
    }
    var bytes: [UInt8] = []
    for _ in 0..<count / type.valuesPerBlock {
      var block = (0..<type.bytesPerBlock).map { _ in UInt8(truncatingIfNeeded: bits()) }
      if type == .q8_0, integer(below: 6) == 0 {
        // The most negative codes, whose magnitude no signed byte holds.
        for i in 2..<block.count { block[i] = 0x80 }
      }
      for (place, size) in Self.scalePlaces(type) {
        if size == 1 {
          // Powers of two around 1, and the smallest.
          block[place] = UInt8(
            integer(below: 9) == 0 ? integer(below: 3) : 115 + integer(below: 20))
        } else {
          let scale = half()
          block[place] = UInt8(scale & 0xFF)
          block[place + 1] = UInt8(scale >> 8)
        }
      }
      bytes += block
    }
    return bytes
  }

  /// Where the scales of a block that hold for all of it lie, and their sizes: halves, or one exponent.
  private static func scalePlaces(_ type: TensorType) -> [(Int, Int)] {
    switch type {
    case .mxfp4: [(0, 1)]
    case .q4_1, .q5_1, .q4_K, .q5_K: [(0, 2), (2, 2)]
    case .q2_K: [(80, 2), (82, 2)]
    case .q3_K: [(108, 2)]
    case .q6_K: [(208, 2)]
    default: [(0, 2)]
    }
  }

  private static func bytes<Value>(_ values: [Value]) -> [UInt8] {
    values.withUnsafeBytes { Array($0) }
  }
}
