/// A block of 256 values in groups, `value = d * scale * code`, with integer scales of either sign: what Q3_K, Q6_K and
/// IQ4_XS have in common.
struct SymmetricBlock<Codes: ScalarCodes> {
  let codes: Codes
  /// Vectors of sixteen per group.
  let vectors: Int
  /// The scales an integer may have.
  let levels: ClosedRange<Int>

  /// Chooses the integer scales, the factor (as half precision holds it), and the codes, which are left in the block.
  func fit(_ block: WeightedBlock, scales: UnsafeMutablePointer<Int>) -> Float {
    let groups = block.count / vectors
    var extreme: Float = 0
    var d: Float = 0
    withUnsafeTemporaryAllocation(of: Float.self, capacity: groups) { fits in
      for group in 0..<groups {
        let scale = ScaleFitting.scale(block[group * vectors..<(group + 1) * vectors], codes)
        fits.initializeElement(at: group, to: scale)
        if scale.magnitude > extreme.magnitude { extreme = scale }
      }
      // The largest scale takes the lowest level: there is one more below zero than above.
      let (low, high) = (Float(levels.lowerBound), Float(levels.upperBound))
      d = roundedToHalf(extreme / low)
      for group in 0..<groups {
        scales[group] = d == 0 ? 0 : Int(min(max((fits[group] / d).rounded(), low), high))
      }
    }
    for round in 0..<3 {
      for group in 0..<groups {
        improve(block[group * vectors..<(group + 1) * vectors], d, &scales[group])
      }
      guard round < 2 else { break }
      let refit = factor(block, scales, d)
      guard refit != d else { break }
      d = refit
    }
    return d
  }

  private func improve(_ group: WeightedBlock, _ d: Float, _ scale: inout Int) {
    var best = (error: Float.infinity, scale: scale)
    for level in max(levels.lowerBound, scale - 1)...min(levels.upperBound, scale + 1) {
      let error = ScaleFitting.assign(group, codes, scale: d * Float(level))
      if error < best.error { best = (error, level) }
    }
    scale = best.scale
    _ = ScaleFitting.assign(group, codes, scale: d * Float(scale))
  }

  private func factor(
    _ block: WeightedBlock, _ scales: UnsafeMutablePointer<Int>, _ d: Float
  ) -> Float {
    var (aa, xa) = (0.0, 0.0)
    for index in 0..<block.count {
      let a = block.codes[index] * Float(scales[index / vectors])
      let weighted = block.weights[index] * a
      aa += Double((weighted * a).treeSum())
      xa += Double((weighted * block.x[index]).treeSum())
    }
    guard aa > 0, xa != 0 else { return d }
    return roundedToHalf(Float(xa / aa))
  }
}

/// Q3_K: sixteen groups of sixteen codes of three bits around zero, with six-bit scales.
struct Q3KEncoder: BlockEncoder {
  private let layout = SymmetricBlock(codes: IntegerCodes(-4...3), vectors: 1, levels: -32...31)

  func encode(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 16) { integers in
      guard let scales = integers.baseAddress else { return }
      let d = layout.fit(block, scales: scales)
      for l in 0..<32 {
        var byte = 0
        for j in 0..<8 where block.code(32 * j + l) >= 0 { byte |= 1 << j }
        bytes.storeByte(byte, at: l)
      }
      storeTwoBits(block, adding: 4, to: bytes + 32)
      for k in 0..<8 {
        let low = (scales[k] + 32) & 15
        let high = (scales[k + 8] + 32) & 15
        bytes.storeByte(low | high << 4, at: 96 + k)
      }
      for k in 0..<4 {
        var byte = 0
        for j in 0..<4 { byte |= ((scales[4 * j + k] + 32) >> 4) << (2 * j) }
        bytes.storeByte(byte, at: 104 + k)
      }
      _ = bytes.storeHalf(d, at: 108)
    }
  }
}

/// Q6_K: sixteen groups of sixteen codes of six bits around zero, with eight-bit scales.
struct Q6KEncoder: BlockEncoder {
  private let layout = SymmetricBlock(
    codes: IntegerCodes(-32...31), vectors: 1, levels: -128...127)

  func encode(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 16) { integers in
      guard let scales = integers.baseAddress else { return }
      let d = layout.fit(block, scales: scales)
      for half in 0..<2 {
        for l in 0..<32 {
          let q =
            SIMD4<Int>(
              block.code(128 * half + l), block.code(128 * half + 32 + l),
              block.code(128 * half + 64 + l), block.code(128 * half + 96 + l)) &+ 32
          bytes.storeByte(q[0] & 15 | (q[2] & 15) << 4, at: 64 * half + l)
          bytes.storeByte(q[1] & 15 | (q[3] & 15) << 4, at: 64 * half + 32 + l)
          var upper = 0
          for j in 0..<4 { upper |= (q[j] >> 4) << (2 * j) }
          bytes.storeByte(upper, at: 128 + 32 * half + l)
        }
      }
      for group in 0..<16 { bytes.storeByte(scales[group], at: 192 + group) }
      _ = bytes.storeHalf(d, at: 208)
    }
  }
}

/// IQ4_XS: eight groups of 32 nonlinear codes, with six-bit scales.
struct IQ4XSEncoder: BlockEncoder {
  private let layout = SymmetricBlock(codes: NonlinearCodes(), vectors: 2, levels: -32...31)

  func encode(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 8) { integers in
      guard let scales = integers.baseAddress else { return }
      _ = bytes.storeHalf(layout.fit(block, scales: scales), at: 0)
      var upper: UInt16 = 0
      for group in 0..<8 { upper |= UInt16((scales[group] + 32) >> 4) << UInt16(2 * group) }
      bytes.storeBytes(of: upper.littleEndian, toByteOffset: 2, as: UInt16.self)
      for pair in 0..<4 {
        let low = (scales[2 * pair] + 32) & 15
        let high = (scales[2 * pair + 1] + 32) & 15
        bytes.storeByte(low | high << 4, at: 4 + pair)
      }
      storeNonlinear(block, to: bytes, at: 8)
    }
  }
}
