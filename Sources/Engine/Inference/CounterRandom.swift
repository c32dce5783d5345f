/// Random numbers by position: the number for a position depends on the seed and the position alone, not on how many
/// were drawn before. So a sampled continuation is the same whether tokens are drawn one by one or checked in groups.
///
/// The mixing function is SplitMix64 (Steele, Lea, Flood 2014), applied to seed and position in turn.
public struct CounterRandom: Hashable, Sendable {
  /// The seed.
  public let seed: UInt64

  /// Makes a generator.
  public init(seed: UInt64) { self.seed = seed }

  /// A number in `0 ..< 1` with 53 random bits.
  public func unit(at position: Int) -> Double {
    let bits = CounterRandom.mix(CounterRandom.mix(seed) ^ UInt64(bitPattern: Int64(position)))
    return Double(bits >> 11) * 0x1p-53
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
