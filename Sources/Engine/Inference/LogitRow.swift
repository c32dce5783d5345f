/// The logits of one position, and the sweeps over a whole vocabulary that choosing a token takes, sixteen values at a
/// time. The sums are made in an order that does not depend on the machine.
package struct LogitRow {
  package let values: UnsafeBufferPointer<Float>

  package init(_ values: UnsafeBufferPointer<Float>) { self.values = values }

  typealias Vector = SIMD16<Float>

  var count: Int { values.count }

  /// The number of values whose weights are summed in single precision.
  static var blockSize: Int { 1024 }

  /// The vector of the values from `index` on; there are at least sixteen of them.
  @inline(__always)
  private func vector(_ base: UnsafePointer<Float>, _ index: Int) -> Vector {
    UnsafeRawPointer(base + index).loadUnaligned(as: Vector.self)
  }

  // MARK: The largest

  /// The token with the largest logit; the lowest id of several.
  ///
  /// - Throws: `InferenceError.logits` when a logit is NaN or none is finite.
  package func largest() throws(InferenceError) -> Int32 {
    guard let base = values.baseAddress else { throw .logits("no token has a finite logit") }
    let whole = count & ~15
    var best = Vector(repeating: -.infinity)
    var isNumber = SIMDMask<Vector.MaskStorage>(repeating: true)
    for index in stride(from: 0, to: whole, by: 16) {
      let next = vector(base, index)
      isNumber .&= next .== next
      best.replace(with: next, where: next .> best)
    }
    var largest = best.max()
    var hasNaN = !all(isNumber)
    for index in whole..<count {
      hasNaN = hasNaN || base[index].isNaN
      if base[index] > largest { largest = base[index] }
    }
    if hasNaN { throw notANumber() }
    guard largest.isFinite, let index = firstIndex(of: largest, base) else {
      throw .logits("no token has a finite logit")
    }
    return Int32(index)
  }

  private func firstIndex(of value: Float, _ base: UnsafePointer<Float>) -> Int? {
    var index = 0
    let whole = count & ~15
    let wanted = Vector(repeating: value)
    while index < whole, !any(vector(base, index) .== wanted) { index += 16 }
    while index < count, base[index] != value { index += 1 }
    return index < count ? index : nil
  }

  private func notANumber() -> InferenceError {
    let token = values.firstIndex { $0.isNaN } ?? 0
    return .logits("the logit of token \(token) is not a number")
  }

  /// The largest of those tokens whose bit is set; the lowest id of several.
  ///
  /// - Parameter allowed: token t is bit t % 64 of word t / 64; tokens beyond the words are not allowed.
  /// - Throws: `InferenceError.logits` when an allowed logit is NaN or none is finite.
  package func largest(allowed: UnsafeBufferPointer<UInt64>) throws(InferenceError) -> Int32 {
    var best = -1
    var largest = -Float.infinity
    for (place, word) in allowed.enumerated() where word != 0 {
      let first = place * 64
      if first + 64 <= count, let base = values.baseAddress {
        // Only where one is larger, or is no number, are the allowed ones looked at one by one.
        let limit = Vector(repeating: largest)
        let a = vector(base, first)
        let b = vector(base, first + 16)
        let c = vector(base, first + 32)
        let d = vector(base, first + 48)
        let isSmaller = (a .<= limit) .& (b .<= limit) .& (c .<= limit) .& (d .<= limit)
        if all(isSmaller) { continue }
      }
      var rest = word
      while rest != 0 {
        let token = first + rest.trailingZeroBitCount
        rest &= rest &- 1
        guard token < count else { break }
        let value = values[token]
        if value.isNaN { throw .logits("the logit of token \(token) is not a number") }
        if value > largest {
          largest = value
          best = token
        }
      }
    }
    guard best >= 0, largest.isFinite else { throw .logits("no allowed token has a finite logit") }
    return Int32(best)
  }

  /// Sets the logits of all tokens whose bit is not set to minus infinity.
  package static func mask(
    _ values: UnsafeMutableBufferPointer<Float>, allowed: UnsafeBufferPointer<UInt64>
  ) {
    for first in stride(from: 0, to: values.count, by: 64) {
      var rest = first / 64 < allowed.count ? ~allowed[first / 64] : .max
      while rest != 0 {
        let token = first + rest.trailingZeroBitCount
        rest &= rest &- 1
        guard token < values.count else { return }
        values[token] = -.infinity
      }
    }
  }

  // MARK: Weights

  /// The sum of e^((logit - best) * scale), block by block.
  ///
  /// - Parameters:
  ///   - best: the largest logit, finite.
  ///   - scale: above 0.
  ///   - blocks: gets one sum for every `blockSize` values.
  /// - Returns: the sum of all, with a relative error of some 1e-6.
  func weigh(best: Float, scale: Float, blocks: inout [Double]) -> Double {
    blocks.removeAll(keepingCapacity: true)
    guard let base = values.baseAddress else { return 0 }
    var total = 0.0
    for start in stride(from: 0, to: count, by: Self.blockSize) {
      let end = min(count, start + Self.blockSize)
      let whole = start + (end - start) & ~15
      var sum = Vector(repeating: 0)
      for index in stride(from: start, to: start + (end - start) & ~15, by: 16) {
        sum += Self.exponential((vector(base, index) - best) * scale)
      }
      var block = 0.0
      for lane in 0..<16 { block += Double(sum[lane]) }
      for index in whole..<end { block += Double(Self.weight(base[index], best, scale)) }
      blocks.append(block)
      total += block
    }
    return total
  }

  /// The weights that `weigh` sums, one a token, in `weights`.
  func fill(_ weights: inout [Float], best: Float, scale: Float) {
    if weights.count != count { weights = [Float](repeating: 0, count: count) }
    weights.withUnsafeMutableBufferPointer { weights in
      for start in stride(from: 0, to: count, by: Self.blockSize) {
        let block = UnsafeMutableBufferPointer(rebasing: weights[start...])
        _ = fill(block, from: start, best: best, scale: scale)
      }
    }
  }

  /// Fills `weights` with those of the block that starts at `start`; returns their number.
  func fill(
    _ weights: UnsafeMutableBufferPointer<Float>, from start: Int, best: Float, scale: Float
  ) -> Int {
    guard let base = values.baseAddress, let target = weights.baseAddress else { return 0 }
    let size = min(count - start, Self.blockSize)
    for index in stride(from: 0, to: size & ~15, by: 16) {
      UnsafeMutableRawPointer(target + index).storeBytes(
        of: Self.exponential((vector(base, start + index) - best) * scale), as: Vector.self)
    }
    for index in size & ~15..<size { target[index] = Self.weight(base[start + index], best, scale) }
    return size
  }

  private static func weight(_ value: Float, _ best: Float, _ scale: Float) -> Float {
    exponential((Vector(repeating: value) - best) * scale)[0]
  }

  /// e^x for x at or below 0, in single precision (relative error below 3e-7); 0 below -86.
  ///
  /// Splits x into n ln 2 + r with |r| <= ln 2 / 2 and sums the series of e^r to degree 7.
  @inline(__always)
  static func exponential(_ x: Vector) -> Vector {
    let isTiny = x .< -86
    let bounded = x.replacing(with: -86, where: isTiny)
    // Adding 1.5 * 2^23 rounds to a whole number, which then stands in the lowest bits.
    let rounder = Vector(repeating: 12_582_912)
    let shifted = bounded * 1.442_695_04 + rounder
    let turns = shifted - rounder
    // ln 2 in two parts, so that the product of the first with a small whole number is exact.
    let rest = (bounded - turns * 0.693_359_375) + turns * 2.121_944_4e-4
    var sum = rest * (1 / 5040) + (1 / 720)
    sum = sum * rest + (1 / 120)
    sum = sum * rest + (1 / 24)
    sum = sum * rest + (1 / 6)
    sum = sum * rest + 0.5
    sum = sum * rest + 1
    sum = sum * rest + 1
    let exponent =
      unsafeBitCast(shifted, to: SIMD16<Int32>.self)
      &- unsafeBitCast(rounder, to: SIMD16<Int32>.self)
    let bits = unsafeBitCast(sum, to: SIMD16<Int32>.self) &+ (exponent &<< 23)
    return unsafeBitCast(bits, to: Vector.self).replacing(with: 0, where: isTiny)
  }

  // MARK: Selecting

  /// Calls `body` with every token whose logit is at least `threshold`, in the order of ids, until it returns false.
  @inline(__always)
  func forEach(atLeast threshold: Float, _ body: (Int32, Float) -> Bool) {
    guard let base = values.baseAddress else { return }
    let limit = Vector(repeating: threshold)
    let whole = count & ~15
    for index in stride(from: 0, to: whole, by: 16) where any(vector(base, index) .>= limit) {
      for place in index..<index + 16 where base[place] >= threshold {
        guard body(Int32(place), base[place]) else { return }
      }
    }
    for place in whole..<count where base[place] >= threshold {
      guard body(Int32(place), base[place]) else { return }
    }
  }

  /// The `limit` largest, the largest first, the lower id of equal ones first; without those of minus infinity.
  package func top(_ limit: Int) -> [(token: Int32, value: Float)] {
    guard limit > 0 else { return [] }
    // A heap with the worst of those kept at its root.
    var heap: [(token: Int32, value: Float)] = []
    heap.reserveCapacity(min(limit, count))
    func isWorse(_ left: (token: Int32, value: Float), _ right: (token: Int32, value: Float))
      -> Bool
    {
      left.value == right.value ? left.token > right.token : left.value < right.value
    }
    func sink(_ start: Int) {
      var place = start
      while true {
        var worst = place
        for child in [2 * place + 1, 2 * place + 2]
        where child < heap.count && isWorse(heap[child], heap[worst]) { worst = child }
        if worst == place { return }
        heap.swapAt(place, worst)
        place = worst
      }
    }
    guard let base = values.baseAddress else { return [] }
    func take(_ index: Int) {
      let value = base[index]
      guard value > -.infinity else { return }
      if heap.count < limit {
        heap.append((Int32(index), value))
        if heap.count == limit { for place in (0..<limit / 2).reversed() { sink(place) } }
      } else if value > heap[0].value {
        heap[0] = (Int32(index), value)
        sink(0)
      }
    }
    let whole = count & ~15
    for index in stride(from: 0, to: whole, by: 16) {
      if heap.count == limit, !any(vector(base, index) .> heap[0].value) { continue }
      for place in index..<index + 16 { take(place) }
    }
    for index in whole..<count { take(index) }
    return heap.sorted { isWorse($1, $0) }
  }
}
