import Foundation
import Inference
import Testing

@Suite("Sweeps over logits")
struct LogitRowTests {
  /// Logits of all kinds: ties, minus infinity, any length, so that whole vectors and rests are met.
  private func logits(_ random: inout SmallRandom) -> [Float] {
    let spread = [3, 100, 100_000][random.next(0...2)]
    return (0..<random.next(1...300)).map { _ in
      random.chance(10) ? -.infinity : Float(random.next(-spread...spread)) / 8
    }
  }

  private func words(_ allowed: [Bool]) -> [UInt64] {
    var words = [UInt64](repeating: 0, count: (allowed.count + 63) / 64)
    for (index, isAllowed) in allowed.enumerated() where isAllowed {
      words[index / 64] |= 1 << UInt64(index % 64)
    }
    return words
  }

  private func expectSame(_ found: () throws -> Int32, _ expected: Int?, _ seed: Int) {
    if let expected {
      #expect((try? found()) == Int32(expected), "seed \(seed)")
    } else {
      #expect(throws: InferenceError.self) { try found() }
    }
  }

  @Test("The largest, the largest allowed, and the top are those of the definitions", arguments: 0..<300)
  func selections(seed: Int) {
    var random = SmallRandom(seed)
    let values = logits(&random)
    let order = values.indices.filter { values[$0] > -.infinity }
      .sorted { (values[$0], $1) > (values[$1], $0) }
    let density = [0, 3, 50, 97, 100][random.next(0...4)]
    // The mask may be shorter or longer than the logits.
    let count = max(1, values.count + random.next(-70...70))
    let allowed = (0..<count).map { _ in random.chance(density) }
    let mask = words(allowed)
    values.withUnsafeBufferPointer { buffer in
      let row = LogitRow(buffer)
      expectSame({ try row.largest() }, order.first, seed)
      mask.withUnsafeBufferPointer { mask in
        expectSame(
          { try row.largest(allowed: mask) }, order.first { $0 < count && allowed[$0] }, seed)
      }
      for limit in [0, 1, 2, 7, 50, 1000] {
        #expect(row.top(limit).map { Int($0.token) } == Array(order.prefix(limit)))
      }
    }
  }

  @Test("A value that is no number is found wherever it stands", arguments: [0, 5, 16, 40, 63, 64, 100])
  func notANumber(place: Int) {
    var values = (0..<101).map { Float($0 % 13) }
    values[place] = .nan
    let mask = [UInt64](repeating: .max, count: 2)
    values.withUnsafeBufferPointer { buffer in
      #expect(throws: InferenceError.self) { try LogitRow(buffer).largest() }
      mask.withUnsafeBufferPointer { mask in
        #expect(throws: InferenceError.self) { try LogitRow(buffer).largest(allowed: mask) }
      }
    }
  }

  @Test(
    "Over a large vocabulary draws follow softmax, cut off or not",
    arguments: [
      SamplingSettings(seed: 1), SamplingSettings(temperature: 0.7, seed: 2),
      SamplingSettings(topP: 0.9, seed: 3), SamplingSettings(topP: 0.999, seed: 4),
      SamplingSettings(topK: 900, seed: 5), SamplingSettings(minP: 0.2, seed: 6),
      SamplingSettings(temperature: 1.5, topK: 2000, topP: 0.5, minP: 0.3, seed: 7),
    ], [Float(1), 6])
  func distribution(settings: SamplingSettings, spread: Float) throws {
    // Flat and peaked; the largest is not at the front.
    let count = 5000
    let logits = (0..<count).map { index -> Float in
      spread * Float(sin(Double(index * index % 997) / 150) + sin(Double(index) / 700))
    }
    // What may be drawn and how likely it is, in the simplest way.
    var order = logits.indices.sorted { (logits[$0], $1) > (logits[$1], $0) }
    var weights = order.map { exp(Double(logits[$0] - logits[order[0]]) / Double(settings.temperature)) }
    if settings.topK > 0 { weights.removeSubrange(settings.topK...) }
    if settings.topP < 1 {
      let target = Double(settings.topP) * weights.reduce(0, +)
      var sum = 0.0
      var kept = 0
      while kept < weights.count, sum < target {
        sum += weights[kept]
        kept += 1
      }
      weights.removeSubrange(kept...)
    }
    weights.removeAll { $0 < Double(settings.minP) }
    order = Array(order.prefix(weights.count))
    let total = weights.reduce(0, +)
    let sampler = try Sampler(settings)
    let draws = 4000
    var found = [Int](repeating: 0, count: count)
    try logits.withUnsafeBufferPointer { values in
      for position in 0..<draws {
        found[Int(try sampler.token(logits: values, history: [], position: position))] += 1
      }
    }
    // Nothing else is drawn (the last one kept may differ by rounding of the sum).
    #expect(order.reduce(0) { $0 + found[$1] } >= draws - 1)
    // Ten groups of tokens, so that each is drawn often; five standard deviations.
    for group in 0..<10 {
      let members = order.indices.filter { order[$0] % 10 == group }
      let share = members.reduce(0) { $0 + weights[$1] } / total
      let drawn = members.reduce(0) { $0 + found[order[$1]] }
      let deviation = (Double(draws) * share * (1 - share)).squareRoot()
      #expect(abs(Double(drawn) - Double(draws) * share) <= 5 * deviation + 1)
    }
  }
}
