import Foundation

/// Frequencies of rotary position embeddings, for `Rotation.frequencies`.
package enum RotaryFrequencies {
  /// `base^(-2i / width)` for the `width / 2` pairs of a rotated part (Su et al., RoFormer).
  package static func plain(width: Int, base: Double) -> [Double] {
    (0..<width / 2).map { pow(base, -2 * Double($0) / Double(width)) }
  }

  /// The parameters with which YaRN stretches a context (Peng et al., YaRN, 3.2).
  package struct YaRN: Hashable, Sendable {
    /// How many times longer the context becomes.
    package var factor: Double
    /// The context the frequencies were trained for.
    package var originalLength: Double
    /// Pairs that turn at least this often within the original context keep their frequency.
    package var betaFast: Double
    /// Pairs that turn at most this often are slowed down by the whole factor.
    package var betaSlow: Double

    /// Makes the parameters.
    package init(factor: Double, originalLength: Double, betaFast: Double, betaSlow: Double) {
      self.factor = factor
      self.originalLength = originalLength
      self.betaFast = betaFast
      self.betaSlow = betaSlow
    }
  }

  /// `plain` frequencies, slowed down by YaRN: fast pairs keep theirs, slow ones are divided by the factor, those
  /// between go over linearly (specification of DeepSeek V4, 5.2).
  package static func yarn(width: Int, base: Double, _ yarn: YaRN) -> [Double] {
    /// The pair (as a fraction) that turns `turns` times within the original context.
    func pair(turns: Double) -> Double {
      Double(width) * log(yarn.originalLength / (2 * Double.pi * turns)) / (2 * log(base))
    }
    let low = max(pair(turns: yarn.betaFast).rounded(.down), 0)
    var high = min(pair(turns: yarn.betaSlow).rounded(.up), Double(width - 1))
    // The usual guard against a ramp of no length.
    if high <= low { high = low + 0.001 }
    return plain(width: width, base: base).enumerated().map { index, frequency in
      let ramp = min(max((Double(index) - low) / (high - low), 0), 1)
      return frequency * (1 - ramp) + frequency / yarn.factor * ramp
    }
  }
}
