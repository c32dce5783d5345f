import Foundation

/// SplitMix64 (Steele, Lea, Flood 2014): repeatable random numbers for tests.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// A number from 0 up to 1.
  mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Normally distributed numbers.
  mutating func normal(count: Int, scale: Double = 1) -> [Float] {
    (0..<count).map { _ in
      let radius = (-2 * log(1 - uniform())).squareRoot()
      return Float(scale * radius * cos(2 * .pi * uniform()))
    }
  }
}
