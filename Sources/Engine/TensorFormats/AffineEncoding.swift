/// A block of 256 values in groups, `value = d * scale * code - dmin * minimum`, with integer scales and minima:
/// what Q2_K, Q4_K and Q5_K have in common.
struct AffineBlock {
  /// The largest code.
  let high: Int
  /// Vectors of sixteen per group.
  let vectors: Int
  /// The largest scale and minimum.
  let levels: Int

  /// Chooses everything: integer scales and minima per group, the two factors (as half precision holds them), and the
  /// codes, which are left in the block.
  func fit(
    _ block: WeightedBlock, scales: UnsafeMutablePointer<Int>, minima: UnsafeMutablePointer<Int>
  ) -> (d: Float, dmin: Float) {
    let groups = block.count / vectors
    var largestScale: Float = 0
    var largestMinimum: Float = 0
    var d: Float = 0
    var dmin: Float = 0
    withUnsafeTemporaryAllocation(of: (scale: Float, offset: Float).self, capacity: groups) {
      fits in
      for group in 0..<groups {
        let fit = ScaleFitting.affine(
          block[group * vectors..<(group + 1) * vectors], high: high, anyOffset: false)
        fits.initializeElement(at: group, to: fit)
        largestScale = max(largestScale, fit.scale)
        largestMinimum = max(largestMinimum, -fit.offset)
      }
      d = roundedToHalf(largestScale / Float(levels))
      dmin = roundedToHalf(largestMinimum / Float(levels))
      for group in 0..<groups {
        scales[group] = level(fits[group].scale, unit: d)
        minima[group] = level(-fits[group].offset, unit: dmin)
      }
    }
    // Rounding scales shifts the best codes, and new codes shift the best factors: alternate.
    for round in 0..<3 {
      for group in 0..<groups {
        improve(
          block[group * vectors..<(group + 1) * vectors], d, dmin, &scales[group], &minima[group])
      }
      guard round < 2 else { break }
      let refit = factors(block, scales, minima, d, dmin)
      guard refit != (d, dmin) else { break }
      (d, dmin) = refit
    }
    return (d, dmin)
  }

  private func level(_ value: Float, unit: Float) -> Int {
    guard unit > 0 else { return 0 }
    return Int(max(0, min(Float(levels), (value / unit).rounded())))
  }

  /// Tries the neighbouring scales and minima of one group, keeps the best, and leaves its codes.
  private func improve(
    _ group: WeightedBlock, _ d: Float, _ dmin: Float, _ scale: inout Int, _ minimum: inout Int
  ) {
    var best = (error: Float.infinity, scale: scale, minimum: minimum)
    for s in max(0, scale - 1)...min(levels, scale + 1) {
      for m in max(0, minimum - 1)...min(levels, minimum + 1) {
        let error = assign(group, scale: d * Float(s), minimum: dmin * Float(m))
        if error < best.error { best = (error, s, m) }
      }
    }
    (scale, minimum) = (best.scale, best.minimum)
    _ = assign(group, scale: d * Float(scale), minimum: dmin * Float(minimum))
  }

  /// Chooses codes; returns the weighted squared error.
  @inline(__always)
  private func assign(_ group: WeightedBlock, scale: Float, minimum: Float) -> Float {
    let inverse: Float = scale > smallestMagnitude / 1024 ? 1 / scale : 0
    var error = Lanes(repeating: 0)
    for index in 0..<group.count {
      let q = ((group.x[index] + minimum) * inverse).limited(0, Float(high)).nearestIntegers()
      group.codes[index] = q
      let difference = group.x[index] - (q * scale - minimum)
      error += group.weights[index] * difference * difference
    }
    return error.treeSum()
  }

  /// The factors that fit the chosen integers best.
  private func factors(
    _ block: WeightedBlock, _ scales: UnsafeMutablePointer<Int>,
    _ minima: UnsafeMutablePointer<Int>, _ d: Float, _ dmin: Float
  ) -> (Float, Float) {
    // x = d a - dmin b with a = scale * code, b = minimum.
    var (aa, ab, bb, xa, xb) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for index in 0..<block.count {
      let weights = block.weights[index]
      let a = block.codes[index] * Float(scales[index / vectors])
      let b = Double(minima[index / vectors])
      let weightedA = weights * a
      let weightedX = weights * block.x[index]
      aa += Double((weightedA * a).treeSum())
      ab += Double(weightedA.treeSum()) * b
      bb += Double(weights.treeSum()) * b * b
      xa += Double((weightedX * a).treeSum())
      xb += Double(weightedX.treeSum()) * b
    }
    let determinant = aa * bb - ab * ab
    if bb > 0, determinant > 1e-9 * aa * bb {
      let first = roundedToHalf(Float((xa * bb - xb * ab) / determinant))
      let second = roundedToHalf(Float((xa * ab - xb * aa) / determinant))
      return first > 0 && second >= 0 ? (first, second) : (d, dmin)
    }
    guard bb == 0, aa > 0, xa > 0 else { return (d, dmin) }
    return (roundedToHalf(Float(xa / aa)), dmin)
  }
}

/// Q2_K: sixteen groups of sixteen codes of two bits, with four-bit scales and minima.
struct Q2KEncoder: BlockEncoder {
  func encode(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 32) { integers in
      guard let scales = integers.baseAddress else { return }
      let minima = scales + 16
      let (d, dmin) = AffineBlock(high: 3, vectors: 1, levels: 15).fit(
        block, scales: scales, minima: minima)
      for group in 0..<16 { bytes.storeByte(scales[group] | minima[group] << 4, at: group) }
      storeTwoBits(block, adding: 0, to: bytes + 16)
      _ = bytes.storeHalf(d, at: 80)
      _ = bytes.storeHalf(dmin, at: 82)
    }
  }
}

/// Stores the lower two bits of 256 codes: in each half of 128, byte l holds values l, l + 32, l + 64, l + 96.
func storeTwoBits(_ block: WeightedBlock, adding offset: Int, to bytes: UnsafeMutableRawPointer) {
  for half in 0..<2 {
    for l in 0..<32 {
      var byte = 0
      for j in 0..<4 {
        byte |= ((block.code(128 * half + 32 * j + l) + offset) & 3) << (2 * j)
      }
      bytes.storeByte(byte, at: 32 * half + l)
    }
  }
}

/// Packs eight scales and eight minima of six bits into twelve bytes, as Q4_K and Q5_K do.
private func storeSixBits(
  _ scales: UnsafeMutablePointer<Int>, _ minima: UnsafeMutablePointer<Int>,
  to bytes: UnsafeMutableRawPointer
) {
  for j in 0..<4 {
    bytes.storeByte(scales[j] | (scales[j + 4] >> 4) << 6, at: j)
    bytes.storeByte(minima[j] | (minima[j + 4] >> 4) << 6, at: j + 4)
    bytes.storeByte(scales[j + 4] & 15 | (minima[j + 4] & 15) << 4, at: j + 8)
  }
}

/// Stores the lower four bits of 256 codes: 32 low nibbles beside the 32 that follow.
private func storeFourBits(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer) {
  for pair in 0..<4 {
    for l in 0..<32 {
      let low = block.code(64 * pair + l) & 15
      let high = block.code(64 * pair + 32 + l) & 15
      bytes.storeByte(low | high << 4, at: 32 * pair + l)
    }
  }
}

/// Q4_K: eight groups of 32 codes of four bits, with six-bit scales and minima.
struct Q4KEncoder: BlockEncoder {
  func encode(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 16) { integers in
      guard let scales = integers.baseAddress else { return }
      let (d, dmin) = AffineBlock(high: 15, vectors: 2, levels: 63).fit(
        block, scales: scales, minima: scales + 8)
      _ = bytes.storeHalf(d, at: 0)
      _ = bytes.storeHalf(dmin, at: 2)
      storeSixBits(scales, scales + 8, to: bytes + 4)
      storeFourBits(block, to: bytes + 16)
    }
  }
}

/// Q5_K: as Q4_K with a fifth bit.
struct Q5KEncoder: BlockEncoder {
  func encode(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 16) { integers in
      guard let scales = integers.baseAddress else { return }
      let (d, dmin) = AffineBlock(high: 31, vectors: 2, levels: 63).fit(
        block, scales: scales, minima: scales + 8)
      _ = bytes.storeHalf(d, at: 0)
      _ = bytes.storeHalf(dmin, at: 2)
      storeSixBits(scales, scales + 8, to: bytes + 4)
      for l in 0..<32 {
        var byte = 0
        for j in 0..<8 { byte |= (block.code(32 * j + l) >> 4) << j }
        bytes.storeByte(byte, at: 16 + l)
      }
      storeFourBits(block, to: bytes + 48)
    }
  }
}
