import Foundation
import Inference
import Testing

@Suite("Sampling")
struct SamplerTests {
  private func token(
    _ logits: [Float], _ settings: SamplingSettings, history: [Int32] = [], position: Int = 0
  ) throws -> Int32 {
    let sampler = try Sampler(settings)
    return try logits.withUnsafeBufferPointer {
      try sampler.token(logits: $0, history: history[...], position: position)
    }
  }

  /// How often each token is drawn over many positions.
  private func counts(
    _ logits: [Float], _ settings: SamplingSettings, draws: Int = 20_000
  ) throws -> [Int] {
    let sampler = try Sampler(settings)
    var counts = [Int](repeating: 0, count: logits.count)
    try logits.withUnsafeBufferPointer { values in
      for position in 0..<draws {
        counts[Int(try sampler.token(logits: values, history: [], position: position))] += 1
      }
    }
    return counts
  }

  @Test("Greedy takes the largest logit, the lower id of equal ones, and ignores minus infinity")
  func greedy() throws {
    #expect(try token([1, 3, 3, 2], .greedy) == 1)
    #expect(try token([-.infinity, -5, -.infinity], .greedy) == 1)
    #expect(try token([2], .greedy) == 0)
  }

  @Test("Logits no token can be chosen from are refused")
  func impossible() {
    #expect(throws: InferenceError.self) { try token([1, .nan], .greedy) }
    #expect(throws: InferenceError.self) { try token([-.infinity, -.infinity], .greedy) }
    #expect(throws: InferenceError.self) { try token([.infinity, 0], SamplingSettings()) }
    #expect(throws: InferenceError.self) { try token([], .greedy) }
  }

  @Test("Draws follow softmax at the temperature", arguments: [0.5, 1, 2] as [Float])
  func distribution(temperature: Float) throws {
    let logits: [Float] = [0, 1, 2, -1, 1.5]
    let draws = 40_000
    let found = try counts(
      logits, SamplingSettings(temperature: temperature, seed: 11), draws: draws)
    let weights = logits.map { exp(Double($0) / Double(temperature)) }
    let total = weights.reduce(0, +)
    for (count, weight) in zip(found, weights) {
      let expected = weight / total * Double(draws)
      // Five standard deviations of a binomial count.
      let deviation = (expected * (1 - weight / total)).squareRoot()
      #expect(abs(Double(count) - expected) < 5 * deviation + 1)
    }
  }

  @Test("Top-k, top-p and min-p leave out what they say")
  func truncation() throws {
    let logits: [Float] = [3, 2, 1, 0]  // 0.644, 0.237, 0.087, 0.032
    #expect(try counts(logits, SamplingSettings(topK: 2))[2...].allSatisfy { $0 == 0 })
    #expect(try counts(logits, SamplingSettings(topK: 1))[1...].allSatisfy { $0 == 0 })
    let half = try counts(logits, SamplingSettings(topP: 0.6))
    #expect(half[0] == 20_000)
    let most = try counts(logits, SamplingSettings(topP: 0.7))
    #expect(most[1] > 0 && most[2] == 0 && most[3] == 0)
    #expect(try counts(logits, SamplingSettings(topP: 0))[0] == 20_000)
    let likely = try counts(logits, SamplingSettings(minP: 0.1))
    #expect(likely[2] > 0 && likely[3] == 0)
    #expect(try counts(logits, SamplingSettings(minP: 1))[0] == 20_000)
  }

  @Test("Penalties follow their definitions")
  func penalties() throws {
    var settings = SamplingSettings.greedy
    settings.repetitionPenalty = 2
    #expect(try token([3, 2, -1], settings, history: [0]) == 1)
    #expect(try token([-1, -1.5], settings, history: [0]) == 1)
    settings = .greedy
    settings.presencePenalty = 1.5
    #expect(try token([3, 2, 1], settings, history: [0, 0, 0]) == 1)
    settings.presencePenalty = 0.5
    #expect(try token([3, 2, 1], settings, history: [0, 0, 0]) == 0)
    settings = .greedy
    settings.frequencyPenalty = 0.4
    #expect(try token([3, 2, 1], settings, history: [0, 0, 0]) == 1)
    settings.penaltyWindow = 1
    #expect(try token([3, 2, 1], settings, history: [0, 0, 0, 2]) == 0)
    settings.penaltyWindow = 0
    #expect(try token([3, 2, 1], settings, history: [0, 0, 0, 2, 999, -4]) == 1)
  }

  @Test("A position's draw depends on seed and position alone")
  func positions() throws {
    let logits = [Float](repeating: 0, count: 1000)
    let first = try (0..<50).map { try token(logits, SamplingSettings(seed: 5), position: $0) }
    let backwards = try (0..<50).reversed().map {
      try token(logits, SamplingSettings(seed: 5), position: $0)
    }
    #expect(first == backwards.reversed())
    let other = try (0..<50).map { try token(logits, SamplingSettings(seed: 6), position: $0) }
    #expect(first != other)
    #expect(Set(first).count > 40)
  }

  @Test("Settings out of range are refused by name")
  func ranges() {
    let wrong: [SamplingSettings] = [
      SamplingSettings(temperature: -1), SamplingSettings(temperature: .nan),
      SamplingSettings(topK: -1), SamplingSettings(topP: 1.5), SamplingSettings(minP: -0.1),
      SamplingSettings(repetitionPenalty: 0), SamplingSettings(presencePenalty: .infinity),
      SamplingSettings(penaltyWindow: -2),
    ]
    for settings in wrong {
      #expect(throws: InferenceError.self) { try Sampler(settings) }
    }
    #expect(
      InferenceError.setting(name: "top-p", value: "2", allowed: "0 to 1").description
        == "top-p is 2; it must be 0 to 1")
  }

  @Test("The own exponential agrees with the C library's")
  func exponential() throws {
    // Through draws: with two tokens, the share of the second is e^x / (1 + e^x).
    for x in [-0.1, -1, -3] as [Float] {
      let found = try counts([0, x], SamplingSettings(seed: 3), draws: 50_000)
      let share = exp(Double(x)) / (1 + exp(Double(x)))
      #expect(abs(Double(found[1]) / 50_000 - share) < 0.012)
    }
  }
}
