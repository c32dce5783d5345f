/// Chooses tokens from logits. The choice for a position depends on the logits, the tokens before it and the settings
/// alone: the same request gives the same tokens.
public struct Sampler: Sendable {
  /// The settings, validated.
  public let settings: SamplingSettings
  private let random: CounterRandom

  /// Makes a sampler.
  ///
  /// - Throws: `InferenceError.setting` for values out of range.
  public init(_ settings: SamplingSettings) throws(InferenceError) {
    try settings.validate()
    self.settings = settings
    random = CounterRandom(seed: settings.seed)
  }

  /// The token to put at `position`.
  ///
  /// - Parameters:
  ///   - logits: one value a token of the vocabulary; tokens with a logit of minus infinity are never chosen.
  ///   - history: the tokens before `position`, for the penalties.
  ///   - position: the index of the token in its sequence; picks the random number.
  /// - Throws: `InferenceError.logits` when a logit is NaN or none is finite.
  public func token(
    logits: UnsafeBufferPointer<Float>, history: ArraySlice<Int32>, position: Int
  ) throws(InferenceError) -> Int32 {
    guard settings.hasPenalties else { return try choose(logits, position: position) }
    var penalised = Array(logits)
    applyPenalties(&penalised, history: history)
    let buffer = penalised
    return try buffer.withUnsafeBufferPointer { (values) throws(InferenceError) in
      try choose(values, position: position)
    }
  }

  private func applyPenalties(_ logits: inout [Float], history: ArraySlice<Int32>) {
    let window = settings.penaltyWindow == 0 ? history : history.suffix(settings.penaltyWindow)
    var counts: [Int32: Int] = [:]
    for token in window where logits.indices.contains(Int(token)) { counts[token, default: 0] += 1 }
    for (token, count) in counts {
      var value = logits[Int(token)]
      value = value > 0 ? value / settings.repetitionPenalty : value * settings.repetitionPenalty
      value -= settings.presencePenalty + settings.frequencyPenalty * Float(count)
      logits[Int(token)] = value
    }
  }

  private func choose(
    _ logits: UnsafeBufferPointer<Float>, position: Int
  ) throws(InferenceError) -> Int32 {
    let best = try Sampler.largest(logits)
    if settings.temperature == 0 || settings.topK == 1 { return best }
    let candidates = Sampler.candidates(
      logits, best: logits[Int(best)], settings: settings)
    let total = candidates.reduce(0) { $0 + $1.weight }
    var rest = random.unit(at: position) * total
    for candidate in candidates {
      rest -= candidate.weight
      if rest < 0 { return candidate.token }
    }
    // Rounding can leave a rest of a few units in the last place.
    return candidates.last?.token ?? best
  }

  /// The token with the largest logit; the lowest id of several.
  ///
  /// - Throws: `InferenceError.logits` when a logit is NaN or none is finite.
  public static func largest(
    _ logits: UnsafeBufferPointer<Float>
  ) throws(InferenceError) -> Int32 {
    var best = -1
    var bestValue = -Float.infinity
    for (index, value) in logits.enumerated() {
      guard !value.isNaN else { throw .logits("the logit of token \(index) is not a number") }
      if value > bestValue {
        best = index
        bestValue = value
      }
    }
    guard best >= 0, bestValue.isFinite else { throw .logits("no token has a finite logit") }
    return Int32(best)
  }

  struct Candidate {
    var token: Int32
    /// Probability, not normalised; the most likely token has 1.
    var weight: Double
  }

  /// The tokens that may be drawn, the most likely first (ties: the lower id first).
  static func candidates(
    _ logits: UnsafeBufferPointer<Float>, best: Float, settings: SamplingSettings
  ) -> [Candidate] {
    let temperature = Double(settings.temperature)
    // Below this a token's probability is under 2^-53 of the best one's even if the whole vocabulary shared it, so no draw
    // can reach it; leaving it out keeps the sort short.
    let floor = Double(best) - temperature * 60
    var candidates: [Candidate] = []
    for (index, value) in logits.enumerated() where Double(value) >= floor {
      let weight = exponential((Double(value) - Double(best)) / temperature)
      candidates.append(Candidate(token: Int32(index), weight: weight))
    }
    candidates.sort { ($0.weight, $1.token) > ($1.weight, $0.token) }
    if settings.topK > 0, candidates.count > settings.topK {
      candidates.removeSubrange(settings.topK...)
    }
    if settings.topP < 1 {
      let target = Double(settings.topP) * candidates.reduce(0) { $0 + $1.weight }
      var sum = 0.0
      var kept = 0
      while kept < candidates.count, sum < target || kept == 0 {
        sum += candidates[kept].weight
        kept += 1
      }
      candidates.removeSubrange(kept...)
    }
    if settings.minP > 0 {
      let kept = candidates.prefix { $0.weight >= Double(settings.minP) }.count
      candidates.removeSubrange(max(1, kept)...)
    }
    return candidates
  }
}
