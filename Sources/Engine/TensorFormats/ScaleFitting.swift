/// A set of codes, each standing for a multiple of a scale.
protocol ScalarCodes {
  /// The nearest code values.
  func nearest(_ x: Lanes) -> Lanes
  /// What the value of largest magnitude may become, in code values; each is tried.
  var targets: [Float] { get }
}

/// Consecutive integers.
struct IntegerCodes: ScalarCodes {
  let low: Float
  let high: Float
  let targets: [Float]

  init(_ range: ClosedRange<Int>) {
    let low = Float(range.lowerBound)
    let high = Float(range.upperBound)
    self.low = low
    self.high = high
    // Mapped a little outside, the extreme is clipped; a little inside, not every code is used. Both can pay.
    targets = (-10...10).map { low + 0.1 * Float($0) } + (-2...2).map { high + 0.2 * Float($0) }
  }

  @inline(__always)
  func nearest(_ x: Lanes) -> Lanes { x.limited(low, high).nearestIntegers() }
}

/// Least-squares fits of `x = scale * code` and `x = scale * code + offset`.
///
/// Scales are searched: some ways to map the range onto the codes are tried, the best is improved by alternating
/// between the best codes for a scale and the best scale for the codes (Lloyd 1982).
enum ScaleFitting {
  /// The scale for which the nearest codes leave the least weighted squared error; 0 for a block of zeros.
  @inline(__always)
  static func scale<Codes: ScalarCodes>(_ block: WeightedBlock, _ codes: Codes) -> Float {
    let extreme = block.extreme
    guard extreme.magnitude > smallestMagnitude else { return 0 }
    var bestScore: Float = 0
    var bestScale: Float = 0
    for target in codes.targets {
      let (xq, qq) = products(block, codes, inverse: target / extreme)
      if qq > 0, xq * xq > bestScore * qq {
        bestScore = xq * xq / qq
        bestScale = xq / qq
      }
    }
    for _ in 0..<3 where bestScale != 0 {
      let (xq, qq) = products(block, codes, inverse: 1 / bestScale)
      guard qq > 0, xq * xq > bestScore * qq else { break }
      bestScore = xq * xq / qq
      bestScale = xq / qq
    }
    return bestScale
  }

  /// The weighted products of values and codes, and of codes with themselves.
  @inline(__always)
  static func products<Codes: ScalarCodes>(
    _ block: WeightedBlock, _ codes: Codes, inverse: Float
  ) -> (xq: Float, qq: Float) {
    var xq = Lanes(repeating: 0)
    var qq = Lanes(repeating: 0)
    for index in 0..<block.count {
      let q = codes.nearest(block.x[index] * inverse)
      let weighted = block.weights[index] * q
      xq += weighted * block.x[index]
      qq += weighted * q
    }
    return (xq.treeSum(), qq.treeSum())
  }

  /// Chooses codes for a scale; returns the weighted squared error.
  @inline(__always)
  static func assign<Codes: ScalarCodes>(
    _ block: WeightedBlock, _ codes: Codes, scale: Float
  ) -> Float {
    let inverse = scale.magnitude > smallestMagnitude / 1024 ? 1 / scale : 0
    var error = Lanes(repeating: 0)
    for index in 0..<block.count {
      let q = codes.nearest(block.x[index] * inverse)
      block.codes[index] = q
      let difference = block.x[index] - q * scale
      error += block.weights[index] * difference * difference
    }
    return error.treeSum()
  }

  /// The scale and offset for which codes 0 to `high` leave the least weighted squared error.
  ///
  /// - Parameter anyOffset: whether offsets may be positive; K types only subtract.
  static func affine(
    _ block: WeightedBlock, high: Int, anyOffset: Bool
  ) -> (scale: Float, offset: Float) {
    let top = Float(high)
    var low = block.x[0][0]
    var largest = low
    var sumW = Lanes(repeating: 0)
    var sumWX = Lanes(repeating: 0)
    for index in 0..<block.count {
      low = min(low, block.x[index].min())
      largest = max(largest, block.x[index].max())
      sumW += block.weights[index]
      sumWX += block.weights[index] * block.x[index]
    }
    if !anyOffset { low = min(low, 0) }
    guard largest - low > smallestMagnitude else {
      return (0, low.magnitude > smallestMagnitude ? low : 0)
    }
    let w = sumW.treeSum()
    let wx = sumWX.treeSum()
    var best = (scale: (largest - low) / top, offset: low)
    var bestError = Float.infinity

    @inline(__always)
    func attempt(inverse: Float, offset: Float) -> Bool {
      var wq = Lanes(repeating: 0)
      var wqq = Lanes(repeating: 0)
      var wxq = Lanes(repeating: 0)
      for index in 0..<block.count {
        let q = ((block.x[index] - offset) * inverse).limited(0, top).nearestIntegers()
        block.codes[index] = q
        let weighted = block.weights[index] * q
        wq += weighted
        wqq += weighted * q
        wxq += weighted * block.x[index]
      }
      let (q, qq, xq) = (wq.treeSum(), wqq.treeSum(), wxq.treeSum())
      let determinant = w * qq - q * q
      guard determinant > 0, qq > 0 else { return false }
      var scale = (w * xq - wx * q) / determinant
      var offset = (qq * wx - q * xq) / determinant
      if !anyOffset, offset > 0 {
        offset = 0
        scale = xq / qq
      }
      guard scale > smallestMagnitude / 1024 else { return false }
      var error = Lanes(repeating: 0)
      for index in 0..<block.count {
        let difference = block.x[index] - (block.codes[index] * scale + offset)
        error += block.weights[index] * difference * difference
      }
      let total = error.treeSum()
      guard total < bestError else { return false }
      bestError = total
      best = (scale, offset)
      return true
    }

    for step in -8...12 {
      _ = attempt(inverse: (top + 0.1 * Float(step)) / (largest - low), offset: low)
    }
    for _ in 0..<5 {
      guard attempt(inverse: 1 / best.scale, offset: best.offset) else { break }
    }
    return best
  }
}
