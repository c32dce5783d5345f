import CKernels

/// Q8_0: 32 signed bytes with one scale, the largest magnitude becoming 127.
struct Q8Encoder: BlockEncoder {
  func encode(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer) {
    let scale = block.extreme.magnitude / 127
    let inverse: Float = scale > 0 ? 1 / scale : 0
    _ = bytes.storeHalf(scale, at: 0)
    for index in 0..<32 {
      // Ties away from zero, as other tools round this type. A scale of subnormal size has no finite inverse.
      let value = (block.x[index >> 4][index & 15] * inverse).rounded(.toNearestOrAwayFromZero)
      bytes.storeByte(value.isFinite ? Int(min(max(value, -127), 127)) : 0, at: 2 + index)
    }
  }
}

/// Q4_0 and Q5_0: 32 codes around zero with one scale.
struct SignedNibbleEncoder: BlockEncoder {
  let bits: Int
  private let codes: IntegerCodes
  private let half: Int

  init(bits: Int) {
    self.bits = bits
    half = 1 << (bits - 1)
    codes = IntegerCodes(-half...half - 1)
  }

  func encode(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer) {
    let scale = bytes.storeHalf(ScaleFitting.scale(block, codes), at: 0)
    _ = ScaleFitting.assign(block, codes, scale: scale)
    storeNibbles(block, adding: half, bits: bits, to: bytes, header: 2)
  }
}

/// Q4_1 and Q5_1: 32 codes from zero with a scale and an offset.
struct OffsetNibbleEncoder: BlockEncoder {
  let bits: Int

  func encode(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer) {
    let high = (1 << bits) - 1
    let fit = ScaleFitting.affine(block, high: high, anyOffset: true)
    let scale = bytes.storeHalf(fit.scale, at: 0)
    let offset = bytes.storeHalf(fit.offset, at: 2)
    let inverse: Float = scale > 0 ? 1 / scale : 0
    for index in 0..<block.count {
      block.codes[index] =
        ((block.x[index] - offset) * inverse).limited(0, Float(high)).nearestIntegers()
    }
    storeNibbles(block, adding: 0, bits: bits, to: bytes, header: 4)
  }
}

/// Stores 32 codes of four or five bits: fifth bits first, then nibbles, value i beside value i + 16.
private func storeNibbles(
  _ block: WeightedBlock, adding offset: Int, bits: Int, to bytes: UnsafeMutableRawPointer,
  header: Int
) {
  var position = header
  if bits == 5 {
    var upper: UInt32 = 0
    for index in 0..<32 where block.code(index) + offset >= 16 { upper |= 1 << UInt32(index) }
    bytes.storeBytes(of: upper.littleEndian, toByteOffset: position, as: UInt32.self)
    position += 4
  }
  for index in 0..<16 {
    let low = (block.code(index) + offset) & 15
    let high = (block.code(index + 16) + offset) & 15
    bytes.storeByte(low | high << 4, at: position + index)
  }
}

/// The sixteen values of IQ4_NL and IQ4_XS, closer together near zero.
struct NonlinearCodes: ScalarCodes {
  static let values: [Float] = withUnsafeBytes(of: maslin_iq4_values) { bytes in
    bytes.map { Float(Int8(bitPattern: $0)) }
  }
  /// Half-way between neighbours, and how far the next value lies above.
  private static let steps: [(boundary: Float, rise: Float)] = (1..<16).map { index in
    let (below, above): (Float, Float) = (values[index - 1], values[index])
    return (boundary: (below + above) / 2, rise: above - below)
  }
  private let steps = NonlinearCodes.steps
  let targets: [Float] = [
    -157, -152, -147, -142, -137, -132, -127, -122, -117, -112, -107, -102, -97, 105, 113, 121,
  ]

  @inline(__always)
  func nearest(_ x: Lanes) -> Lanes {
    var result = Lanes(repeating: -127)
    let zero = Lanes(repeating: 0)
    steps.withUnsafeBufferPointer { steps in
      for step in steps {
        result += zero.replacing(with: step.rise, where: x .> step.boundary)
      }
    }
    return result
  }

  /// The code of each value, at the value plus 127.
  static let codeOfValue: [UInt8] = {
    var codes = [UInt8](repeating: 0, count: 256)
    for (code, value) in values.enumerated() { codes[Int(value) + 127] = UInt8(code) }
    return codes
  }()
}

/// Stores groups of 32 values of the nonlinear codes as nibbles, value i beside value i + 16.
func storeNonlinear(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer, at offset: Int) {
  NonlinearCodes.codeOfValue.withUnsafeBufferPointer { codes in
    for group in 0..<block.count / 2 {
      for index in 0..<16 {
        let low = codes[block.code(32 * group + index) + 127]
        let high = codes[block.code(32 * group + index + 16) + 127]
        bytes.storeByte(Int(low | high << 4), at: offset + 16 * group + index)
      }
    }
  }
}

/// IQ4_NL: 32 nonlinear codes with one scale.
struct NonlinearNibbleEncoder: BlockEncoder {
  private let codes = NonlinearCodes()

  func encode(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer) {
    let scale = bytes.storeHalf(ScaleFitting.scale(block, codes), at: 0)
    _ = ScaleFitting.assign(block, codes, scale: scale)
    storeNonlinear(block, to: bytes, at: 2)
  }
}

/// MXFP4: 32 numbers of four bits (e2m1) with one power of two.
struct MicroscalingEncoder: BlockEncoder {
  /// The codes' magnitudes, doubled; and the boundaries between them.
  private static let magnitudes: [Float] = [0, 1, 2, 3, 4, 6, 8, 12]

  func encode(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer) {
    let largest = block.extreme.magnitude
    guard largest >= 0x1p-126 else {
      for index in 0..<17 { bytes.storeByte(0, at: index) }
      return
    }
    // With this exponent the largest value lies between 4 and 8 (the largest code is 6).
    let exponent = Int(largest.exponent) - 2
    var best = (error: Float.infinity, exponent: 0)
    for candidate in exponent - 1...exponent + 1 where (-127...127).contains(candidate) {
      // Errors are compared in units of the middle exponent, which keeps their squares finite.
      let ratio = Float(sign: .plus, exponent: candidate - exponent, significand: 1)
      let error = assign(block, exponent: candidate) * ratio * ratio
      if error < best.error { best = (error, candidate) }
    }
    _ = assign(block, exponent: best.exponent)
    bytes.storeByte(best.exponent + 127, at: 0)
    for index in 0..<16 {
      bytes.storeByte(block.code(index) | block.code(index + 16) << 4, at: 1 + index)
    }
  }

  /// Chooses codes; returns the error in units of the doubled code values.
  private func assign(_ block: WeightedBlock, exponent: Int) -> Float {
    let first = Float(sign: .plus, exponent: -exponent / 2, significand: 2)
    let second = Float(sign: .plus, exponent: -exponent - -exponent / 2, significand: 1)
    var error: Float = 0
    for index in 0..<32 {
      let x = block.x[index >> 4][index & 15] * first * second
      let magnitude = x.magnitude
      var code = 0
      // Ties go to the even code, as the standard's conversion rounds.
      for k in 1..<8 {
        let boundary = (Self.magnitudes[k - 1] + Self.magnitudes[k]) / 2
        if magnitude > boundary || (magnitude == boundary && k % 2 == 0) { code = k }
      }
      let difference = magnitude - Self.magnitudes[code]
      error += block.weights[index >> 4][index & 15] * difference * difference
      block.codes[index >> 4][index & 15] = Float(x < 0 && code > 0 ? code + 8 : code)
    }
    return error
  }
}
