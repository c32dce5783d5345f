/// A block of 256 values on a grid: groups with a four-bit scale, `value = d * (0.5 + scale) * factor * sign * entry`,
/// and seven sign bits for every eight values (the eighth makes their number even).
struct GridBlock<Vector: SIMD<Float>> where Vector: Sendable {
  let grid: GridSearch<Vector>
  /// Grid vectors per group.
  let vectors: Int
  /// What scales are multiplied by.
  let factor: Float

  /// What one block becomes.
  struct Choice {
    /// One grid index per vector.
    let indices: UnsafeMutablePointer<Int>
    /// Seven sign bits for every eight values.
    let signs: UnsafeMutablePointer<Int>
    /// One scale per group.
    let scales: UnsafeMutablePointer<Int>
  }

  /// Chooses everything; returns d as half precision holds it.
  func fit(_ block: WeightedBlock, _ choice: Choice) -> Float {
    let count = 256 / Vector.scalarCount
    let groups = count / vectors
    takeSigns(block, choice.signs)
    let x = UnsafeRawPointer(block.x).assumingMemoryBound(to: Vector.self)
    let weights = UnsafeRawPointer(block.weights).assumingMemoryBound(to: Vector.self)
    var largest: Float = 0
    withUnsafeTemporaryAllocation(of: Float.self, capacity: groups) { fits in
      for group in 0..<groups {
        let scale = bestScale(x + group * vectors, weights + group * vectors)
        fits.initializeElement(at: group, to: scale)
        largest = max(largest, scale)
      }
      let unit = roundedToHalf(largest / (15.5 * factor)) * factor
      for group in 0..<groups {
        let level = unit > 0 ? (fits[group] / unit - 0.5).rounded() : 0
        choice.scales[group] = min(max(Int(level), 0), 15)
      }
    }
    var d = roundedToHalf(largest / (15.5 * factor))
    guard d > 0 else {
      for group in 0..<groups { choice.scales[group] = 0 }
      for index in 0..<count { choice.indices[index] = 0 }
      return 0
    }
    for round in 0..<3 {
      var (xv, vv) = (0.0, 0.0)
      for group in 0..<groups {
        let sums = improve(
          x + group * vectors, weights + group * vectors, unit: d * factor,
          &choice.scales[group], choice.indices + group * vectors)
        let level = (0.5 + Double(choice.scales[group])) * Double(factor)
        xv += level * Double(sums.xv)
        vv += level * level * Double(sums.vv)
      }
      guard round < 2, vv > 0 else { break }
      let refit = roundedToHalf(Float(xv / vv))
      guard refit > 0, refit != d else { break }
      d = refit
    }
    return d
  }

  /// Replaces values by magnitudes and keeps their signs. Of eight values with an odd number of minus signs, the one
  /// that costs least takes the wrong sign (and stays below zero).
  private func takeSigns(_ block: WeightedBlock, _ signs: UnsafeMutablePointer<Int>) {
    let x = UnsafeMutableRawPointer(block.x).assumingMemoryBound(to: Float.self)
    let weights = UnsafeRawPointer(block.weights).assumingMemoryBound(to: Float.self)
    for eight in 0..<32 {
      var bits = 0
      var cheapest = 0
      for index in 0..<8 {
        let position = 8 * eight + index
        if x[position] < 0 {
          bits |= 1 << index
          x[position] = -x[position]
        }
        let other = 8 * eight + cheapest
        if weights[position] * x[position] < weights[other] * x[other] { cheapest = index }
      }
      if bits.nonzeroBitCount % 2 == 1 {
        bits ^= 1 << cheapest
        x[8 * eight + cheapest] = -x[8 * eight + cheapest]
      }
      signs[eight] = bits & 127
    }
  }

  /// The scale of a group for which grid entries leave the least weighted squared error.
  private func bestScale(_ x: UnsafePointer<Vector>, _ weights: UnsafePointer<Vector>) -> Float {
    var largest: Float = 0
    for index in 0..<vectors { largest = max(largest, x[index].max()) }
    guard largest > smallestMagnitude, let top = grid.levels.last else { return 0 }
    var bestScore: Float = 0
    var bestScale: Float = 0
    func attempt(_ scale: Float) -> Bool {
      var (xv, vv) = (Float(0), Float(0))
      for index in 0..<vectors {
        let found = grid.nearest(x[index], weights: weights[index], scale: scale)
        xv += found.xv
        vv += found.vv
      }
      guard xv > 0, xv * xv > bestScore * vv else { return false }
      bestScore = xv * xv / vv
      bestScale = xv / vv
      return true
    }
    // The largest value becomes anything from 0.8 to 1.6 times the largest entry: outliers may be cut off.
    for step in 0..<9 { _ = attempt(largest / (top * (0.8 + 0.1 * Float(step)))) }
    // Magnitudes that are all alike are best served by the lowest level.
    if let bottom = grid.levels.first { _ = attempt(largest / bottom) }
    for _ in 0..<2 where bestScale > 0 {
      guard attempt(bestScale) else { break }
    }
    return bestScale
  }

  /// Tries the neighbouring scales of a group, keeps the best and its entries.
  private func improve(
    _ x: UnsafePointer<Vector>, _ weights: UnsafePointer<Vector>, unit: Float, _ scale: inout Int,
    _ indices: UnsafeMutablePointer<Int>
  ) -> (xv: Float, vv: Float) {
    var best = (cost: Float.infinity, scale: scale)
    for level in max(0, scale - 1)...min(15, scale + 1) {
      let value = unit * (0.5 + Float(level))
      let sums = assign(x, weights, scale: value, indices)
      let cost = value * (value * sums.vv - 2 * sums.xv)
      if cost < best.cost { best = (cost, level) }
    }
    scale = best.scale
    return assign(x, weights, scale: unit * (0.5 + Float(scale)), indices)
  }

  private func assign(
    _ x: UnsafePointer<Vector>, _ weights: UnsafePointer<Vector>, scale: Float,
    _ indices: UnsafeMutablePointer<Int>
  ) -> (xv: Float, vv: Float) {
    var (xv, vv) = (Float(0), Float(0))
    for index in 0..<vectors {
      let found = grid.nearest(x[index], weights: weights[index], scale: scale)
      indices[index] = found.index
      xv += found.xv
      vv += found.vv
    }
    return (xv, vv)
  }
}

/// Runs `body` with room for the choices of one block.
private func withChoice<Vector>(
  _ layout: GridBlock<Vector>, _ body: (GridBlock<Vector>.Choice) -> Void
) {
  withUnsafeTemporaryAllocation(of: Int.self, capacity: 64 + 32 + 16) { integers in
    guard let base = integers.baseAddress else { return }
    integers.initialize(repeating: 0)
    body(GridBlock<Vector>.Choice(indices: base, signs: base + 64, scales: base + 96))
  }
}

/// The 32-bit words of signs and scale that IQ2_XXS and IQ3_XXS keep for 32 values.
private func word(_ signs: UnsafeMutablePointer<Int>, group: Int, scale: Int) -> UInt32 {
  var word = UInt32(scale) << 28
  for k in 0..<4 { word |= UInt32(signs[4 * group + k]) << UInt32(7 * k) }
  return word.littleEndian
}

/// IQ2_XXS: groups of 32 as four grid indices of eight bits, four times seven signs, and a scale.
struct IQ2XXSEncoder: BlockEncoder {
  private let layout = GridBlock(grid: Grids.iq2XXS, vectors: 4, factor: 0.25)

  func encode(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer) {
    withChoice(layout) { choice in
      _ = bytes.storeHalf(layout.fit(block, choice), at: 0)
      for group in 0..<8 {
        let offset = 2 + 8 * group
        for k in 0..<4 { bytes.storeByte(choice.indices[4 * group + k], at: offset + k) }
        bytes.storeBytes(
          of: word(choice.signs, group: group, scale: choice.scales[group]),
          toByteOffset: offset + 4, as: UInt32.self)
      }
    }
  }
}

/// IQ2_XS: nine-bit grid indices with seven signs, and a scale for every sixteen values.
struct IQ2XSEncoder: BlockEncoder {
  private let layout = GridBlock(grid: Grids.iq2XS, vectors: 2, factor: 0.25)

  func encode(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer) {
    withChoice(layout) { choice in
      _ = bytes.storeHalf(layout.fit(block, choice), at: 0)
      for k in 0..<32 {
        let code = UInt16(choice.indices[k] | choice.signs[k] << 9)
        bytes.storeBytes(of: code.littleEndian, toByteOffset: 2 + 2 * k, as: UInt16.self)
      }
      for pair in 0..<8 {
        bytes.storeByte(choice.scales[2 * pair] | choice.scales[2 * pair + 1] << 4, at: 66 + pair)
      }
    }
  }
}

/// IQ3_XXS: groups of 32 as eight grid indices of eight bits for four values each, signs, and a scale.
struct IQ3XXSEncoder: BlockEncoder {
  private let layout = GridBlock(grid: Grids.iq3XXS, vectors: 8, factor: 0.5)

  func encode(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer) {
    withChoice(layout) { choice in
      _ = bytes.storeHalf(layout.fit(block, choice), at: 0)
      for k in 0..<64 { bytes.storeByte(choice.indices[k], at: 2 + k) }
      for group in 0..<8 {
        bytes.storeBytes(
          of: word(choice.signs, group: group, scale: choice.scales[group]),
          toByteOffset: 66 + 4 * group, as: UInt32.self)
      }
    }
  }
}
