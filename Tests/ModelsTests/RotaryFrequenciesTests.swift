import Models
import Testing

@Suite struct RotaryFrequenciesTests {
  /// The check values of DeepSeek V4's specification, 5.2.
  @Test(arguments: [
    (0, 1.0), (1, 6.876560219e-1), (8, 5.0e-2), (15, 3.635538584e-3), (16, 2.265625e-3),
    (20, 2.969777783e-4), (24, 1.953125e-5), (25, 5.372312671e-6), (31, 5.680529037e-7),
  ])
  func stretchedFrequencies(index: Int, expected: Double) {
    let frequencies = RotaryFrequencies.yarn(
      width: 64, base: 160_000,
      .init(factor: 16, originalLength: 65_536, betaFast: 32, betaSlow: 1))
    #expect(frequencies.count == 32)
    #expect(abs(frequencies[index] - expected) <= 1e-9 * expected)
  }

  @Test func plainFrequencies() {
    let frequencies = RotaryFrequencies.plain(width: 64, base: 10_000)
    #expect(frequencies.count == 32)
    #expect(frequencies[0] == 1)
    #expect(abs(frequencies[16] - 0.01) < 1e-15)
    #expect(abs(frequencies[31] - 1.333521432163324e-4) < 1e-15)
  }

  @Test func factorOneChangesNothing() {
    let plain = RotaryFrequencies.plain(width: 32, base: 5000)
    let stretched = RotaryFrequencies.yarn(
      width: 32, base: 5000, .init(factor: 1, originalLength: 512, betaFast: 32, betaSlow: 1))
    for (one, other) in zip(plain, stretched) { #expect(abs(one - other) <= 1e-15 * one) }
  }

  /// A ramp without length must not divide by zero.
  @Test func shortContexts() {
    let frequencies = RotaryFrequencies.yarn(
      width: 16, base: 160_000, .init(factor: 16, originalLength: 2, betaFast: 32, betaSlow: 32))
    #expect(frequencies.allSatisfy { $0.isFinite && $0 > 0 })
  }
}
