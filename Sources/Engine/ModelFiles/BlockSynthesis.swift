import TensorFormats

/// Fills memory with valid random blocks of one type whose values have a given deviation.
///
/// Codes are random bits; the numbers that scale them are set so that values are centred on zero. Every byte follows from
/// the seed and the block's number, so parts can be made in any order.
struct BlockSynthesis: Sendable {
  let type: TensorType
  private let seed: UInt64
  /// Eight factors around the unit, as halfs; and the powers of two for MXFP4.
  private let halfs: [UInt16]
  private let offsets: [UInt16]
  /// The exponent of MXFP4 and how many of 256 blocks take the next one.
  private let exponent: (low: Int, upper: Int)
  /// Values for the plain types.
  private let floats: [Float]
  private let shorts: [UInt16]

  /// - Parameter deviation: the wanted root mean square.
  init(type: TensorType, deviation: Float, seed: UInt64) throws(TensorFormatError) {
    if type.isFloatingPoint {
      self.init(type: type, unit: deviation, seed: seed)
      return
    }
    // The deviation that unit scale gives is measured on some blocks.
    let trial = BlockSynthesis(type: type, unit: 1, seed: 0)
    let blocks = 512
    var bytes = [UInt8](repeating: 0, count: blocks * type.bytesPerBlock)
    bytes.withUnsafeMutableBytes { trial.fill($0, firstBlock: 0) }
    let values = try type.decode(bytes)
    let squares = values.reduce(0.0) { $0 + Double($1) * Double($1) }
    let measured = Float((squares / Double(values.count)).squareRoot())
    self.init(type: type, unit: deviation / measured, seed: seed)
  }

  private init(type: TensorType, unit: Float, seed: UInt64) {
    self.type = type
    self.seed = seed
    let factors = (0..<8).map { unit * (0.75 + 0.5 * Float($0) / 7) }
    halfs = factors.map { halfFromFloat($0) }
    // What makes codes from zero centred: the middle code, times the same factor.
    let middle: Float =
      switch type {
      case .q2_K: 1.5
      case .q4_K: 7.5
      case .q5_K: 15.5
      case .q4_1: -7.5
      case .q5_1: -15.5
      default: 0
      }
    offsets = factors.map { halfFromFloat($0 * middle) }
    let power = unit.exponent
    exponent = (Int(power) + 127, Int((unit.significand - 1) * 256))
    // Evenly spread values of that deviation.
    let values: [Float] =
      type.isFloatingPoint
      ? (0..<4096).map { unit * 1.7320508 * (Float($0) - 2047.5) / 2048 } : []
    floats = type == .f32 ? values : []
    shorts =
      switch type {
      case .f16: values.map { halfFromFloat($0) }
      case .bf16: values.map { brainFromFloat($0) }
      default: []
      }
  }

  /// A number that follows from a position: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
  @inline(__always)
  static func random(_ seed: UInt64, _ position: Int) -> UInt64 {
    var z = seed &+ UInt64(truncatingIfNeeded: position) &* 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Fills whole blocks.
  ///
  /// - Parameter firstBlock: the number of the first one; a multiple of eight, so that parts meet at whole words.
  func fill(_ bytes: UnsafeMutableRawBufferPointer, firstBlock: Int) {
    guard let base = bytes.baseAddress else { return }
    let size = type.bytesPerBlock
    switch type {
    case .f32: fillFloats(base, count: bytes.count / 4, first: firstBlock)
    case .f16, .bf16: fillShorts(base, count: bytes.count / 2, first: firstBlock)
    default:
      fillWords(bytes, first: firstBlock * size / 8)
      let scaleSeed = seed ^ 0x5ca1_e5ca_1e5c_a1e5
      for index in 0..<bytes.count / size {
        finish(base + index * size, Self.random(scaleSeed, firstBlock + index))
      }
    }
  }

  private func fillWords(_ bytes: UnsafeMutableRawBufferPointer, first: Int) {
    guard let base = bytes.baseAddress else { return }
    let words = bytes.count / 8
    for word in 0..<words {
      base.storeBytes(
        of: Self.random(seed, first + word).littleEndian, toByteOffset: 8 * word, as: UInt64.self)
    }
    let rest = Self.random(seed, first + words)
    for index in 8 * words..<bytes.count {
      bytes[index] = UInt8(truncatingIfNeeded: rest >> UInt64(8 * (index - 8 * words)))
    }
  }

  private func fillFloats(_ base: UnsafeMutableRawPointer, count: Int, first: Int) {
    floats.withUnsafeBufferPointer { table in
      for pair in 0..<(count + 1) / 2 {
        let random = Self.random(seed, first / 2 + pair)
        let values = (table[Int(random & 4095)], table[Int(random >> 32 & 4095)])
        base.storeBytes(of: values.0, toByteOffset: 8 * pair, as: Float.self)
        if 2 * pair + 1 < count {
          base.storeBytes(of: values.1, toByteOffset: 8 * pair + 4, as: Float.self)
        }
      }
    }
  }

  private func fillShorts(_ base: UnsafeMutableRawPointer, count: Int, first: Int) {
    shorts.withUnsafeBufferPointer { table in
      for four in 0..<(count + 3) / 4 {
        let random = Self.random(seed, first / 4 + four)
        for index in 0..<min(4, count - 4 * four) {
          base.storeBytes(
            of: table[Int(random >> UInt64(12 * index) & 4095)],
            toByteOffset: 8 * four + 2 * index, as: UInt16.self)
        }
      }
    }
  }

  /// Sets the scales of a block whose other bytes are random already.
  @inline(__always)
  private func finish(_ block: UnsafeMutableRawPointer, _ random: UInt64) {
    let choice = Int(random & 7)
    // Codes that reach one further below zero than above: a scale of either sign balances them.
    let sign = UInt16(random >> 3 & 1) << 15
    func store(_ value: UInt16, at offset: Int) {
      block.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt16.self)
    }
    switch type {
    case .q8_0:
      store(halfs[choice] | sign, at: 0)
      for index in 2..<34 where block.load(fromByteOffset: index, as: UInt8.self) == 0x80 {
        // -128 is no code that encoders write.
        block.storeBytes(of: 0x81, toByteOffset: index, as: UInt8.self)
      }
    case .q4_0, .q5_0, .iq4_NL, .iq4_XS: store(halfs[choice] | sign, at: 0)
    case .q4_1, .q5_1:
      store(halfs[choice], at: 0)
      store(offsets[choice], at: 2)
    case .mxfp4:
      let upper = Int(random >> 8 & 255) < exponent.upper ? 1 : 0
      let biased = UInt8(clamping: exponent.low + upper)
      block.storeBytes(of: biased, toByteOffset: 0, as: UInt8.self)
    case .q2_K:
      for group in 0..<16 {
        let scale = block.load(fromByteOffset: group, as: UInt8.self) & 7 | 8
        block.storeBytes(of: scale | scale << 4, toByteOffset: group, as: UInt8.self)
      }
      store(halfs[choice], at: 80)
      store(offsets[choice], at: 82)
    case .q4_K, .q5_K:
      store(halfs[choice], at: 0)
      store(offsets[choice], at: 2)
      // Scales 32 to 63, and minima equal to them.
      for j in 0..<4 {
        let early = UInt8(truncatingIfNeeded: random >> UInt64(8 + 5 * j)) & 31 | 32
        let late = UInt8(truncatingIfNeeded: random >> UInt64(32 + 5 * j)) & 31 | 32
        let byte = early | (late >> 4) << 6
        block.storeBytes(of: byte, toByteOffset: 4 + j, as: UInt8.self)
        block.storeBytes(of: byte, toByteOffset: 8 + j, as: UInt8.self)
        block.storeBytes(of: late & 15 | (late & 15) << 4, toByteOffset: 12 + j, as: UInt8.self)
      }
    case .q3_K: store(halfs[choice] | sign, at: 108)
    case .q6_K:
      for group in 192..<208 {
        let byte = block.load(fromByteOffset: group, as: UInt8.self)
        let magnitude = Int8(byte & 63) + 32
        let scale = byte & 64 == 0 ? magnitude : -magnitude
        block.storeBytes(of: scale, toByteOffset: group, as: Int8.self)
      }
      store(halfs[choice], at: 208)
    case .iq2_XXS, .iq2_XS, .iq2_S, .iq3_XXS, .iq3_S: store(halfs[choice], at: 0)
    case .f32, .f16, .bf16, .f64, .i8, .i16, .i32, .i64: break
    }
  }
}
