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
    var scratch = SamplingScratch()
    guard settings.hasPenalties else {
      return try choose(LogitRow(logits), position: position, scratch: &scratch)
    }
    var penalised = Array(logits)
    return try penalised.withUnsafeMutableBufferPointer { (values) throws(InferenceError) in
      PenaltyCounts(settings, history: history).apply(to: values)
      return try choose(LogitRow(.init(values)), position: position, scratch: &scratch)
    }
  }

  /// The token to put at `position`, from logits to which penalties, biases and masks are applied already.
  func choose(
    _ row: LogitRow, position: Int, scratch: inout SamplingScratch
  ) throws(InferenceError) -> Int32 {
    let best = try row.largest()
    if settings.isGreedy { return best }
    let number = random.unit(at: position)
    return draw(row, best: row.values[Int(best)], number: number, scratch: &scratch) ?? best
  }

  /// The token with the largest logit; the lowest id of several.
  ///
  /// - Throws: `InferenceError.logits` when a logit is NaN or none is finite.
  public static func largest(
    _ logits: UnsafeBufferPointer<Float>
  ) throws(InferenceError) -> Int32 {
    try LogitRow(logits).largest()
  }

  // MARK: Drawing

  private func draw(
    _ row: LogitRow, best: Float, number: Double, scratch: inout SamplingScratch
  ) -> Int32? {
    let cuts =
      (settings.topK > 0 && settings.topK < row.count) || settings.topP < 1 || settings.minP > 0
    guard cuts else { return drawFromAll(row, best: best, number: number, scratch: &scratch) }
    scratch.candidates.removeAll(keepingCapacity: true)
    truncate(row, best: best, scratch: &scratch)
    let total = scratch.candidates.reduce(0) { $0 + $1.weight }
    var rest = number * total
    for candidate in scratch.candidates {
      rest -= candidate.weight
      if rest < 0 { return candidate.token }
    }
    // Rounding can leave a rest of a few units in the last place.
    return scratch.candidates.last?.token
  }

  /// Draws from the whole vocabulary, in the order of ids: finds the block of values, then the value in it.
  private func drawFromAll(
    _ row: LogitRow, best: Float, number: Double, scratch: inout SamplingScratch
  ) -> Int32? {
    let scale = 1 / settings.temperature
    let total = row.weigh(best: best, scale: scale, blocks: &scratch.blocks)
    var rest = number * total
    var chosen: Int?
    for (block, weight) in scratch.blocks.enumerated() where weight > 0 {
      chosen = block
      if rest < weight { break }
      rest -= weight
    }
    guard let chosen else { return nil }
    let start = chosen * LogitRow.blockSize
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: LogitRow.blockSize) { weights in
      let size = row.fill(weights, from: start, best: best, scale: scale)
      var token: Int32?
      for index in 0..<size where weights[index] > 0 {
        token = Int32(start + index)
        rest -= Double(weights[index])
        if rest < 0 { break }
      }
      return token
    }
  }

  /// Fills the candidates with the tokens that top-k, top-p and min-p leave.
  private func truncate(_ row: LogitRow, best: Float, scratch: inout SamplingScratch) {
    if settings.topK > 0, settings.topK < row.count {
      for (token, value) in row.top(settings.topK) {
        scratch.candidates.append(
          SamplingScratch.Candidate(token: token, weight: weight(value, best)))
      }
      if settings.topP < 1 {
        keepNucleus(of: scratch.candidates.reduce(0) { $0 + $1.weight }, &scratch.candidates)
      }
    } else if settings.topP < 1 {
      fillNucleus(row, best: best, scratch: &scratch)
    } else {
      row.fill(&scratch.weights, best: best, scale: 1 / settings.temperature)
      for (token, weight) in scratch.weights.enumerated() where weight >= settings.minP {
        scratch.candidates.append(
          SamplingScratch.Candidate(token: Int32(token), weight: Double(weight)))
      }
    }
    guard settings.minP > 0 else { return }
    let least = Double(settings.minP)
    scratch.candidates.removeAll { $0.weight < least }
  }

  /// A probability, not normalised; the most likely token has 1.
  private func weight(_ value: Float, _ best: Float) -> Double {
    exponential((Double(value) - Double(best)) / Double(settings.temperature))
  }

  /// Appends the tokens whose logarithm of the weight is at least `lowest`; false when there are more than `limit`.
  @discardableResult
  private func gather(
    _ row: LogitRow, best: Float, above lowest: Double, limit: Int,
    _ candidates: inout [SamplingScratch.Candidate]
  ) -> Bool {
    let threshold = Float(Double(best) + lowest * Double(settings.temperature))
    var isComplete = true
    row.forEach(atLeast: threshold) { token, value in
      guard candidates.count < limit else {
        isComplete = false
        return false
      }
      candidates.append(
        SamplingScratch.Candidate(token: token, weight: weight(value, best)))
      return true
    }
    return isComplete
  }

  /// Keeps the first candidates that reach `topP` of `total` together; at least one. They are sorted.
  ///
  /// Returns false, and changes nothing, when all of them together do not.
  @discardableResult
  private func keepNucleus(
    of total: Double, _ candidates: inout [SamplingScratch.Candidate]
  ) -> Bool {
    let target = Double(settings.topP) * total
    var sum = 0.0
    var kept = 0
    while kept < candidates.count, sum < target || kept == 0 {
      sum += candidates[kept].weight
      kept += 1
    }
    guard sum >= target else { return false }
    candidates.removeSubrange(kept...)
    return true
  }

  /// The most likely tokens of the whole vocabulary that reach `topP` together.
  private func fillNucleus(_ row: LogitRow, best: Float, scratch: inout SamplingScratch) {
    let scale = 1 / settings.temperature
    let total = row.weigh(best: best, scale: scale, blocks: &scratch.blocks)
    // Most distributions have few tokens within a factor of 3000 of the best, and those are enough.
    if gather(row, best: best, above: -8, limit: 2048, &scratch.candidates) {
      scratch.candidates.sort()
      if keepNucleus(of: total, &scratch.candidates) { return }
    }
    scratch.candidates.removeAll(keepingCapacity: true)
    fillFlatNucleus(row, best: best, target: Double(settings.topP) * total, scratch: &scratch)
  }

  /// The same for distributions with many likely tokens: sorts only those that lie where the sum reaches `target`.
  private func fillFlatNucleus(
    _ row: LogitRow, best: Float, target: Double, scratch: inout SamplingScratch
  ) {
    row.fill(&scratch.weights, best: best, scale: 1 / settings.temperature)
    // 64 steps for every power of two: the highest bits of a positive number count up with it.
    func bucket(_ weight: Float) -> Int { Int(weight.bitPattern >> 17) }
    var sums = [Double](repeating: 0, count: bucket(1) + 1)
    for weight in scratch.weights { sums[bucket(weight)] += Double(weight) }
    var sum = 0.0
    var edge = sums.count - 1
    while edge > 0, sum + sums[edge] < target {
      sum += sums[edge]
      edge -= 1
    }
    var last: [SamplingScratch.Candidate] = []
    for (token, weight) in scratch.weights.enumerated() where weight > 0 && bucket(weight) >= edge {
      let candidate = SamplingScratch.Candidate(token: Int32(token), weight: Double(weight))
      if bucket(weight) > edge {
        scratch.candidates.append(candidate)
      } else {
        last.append(candidate)
      }
    }
    last.sort()
    for candidate in last where sum < target {
      scratch.candidates.append(candidate)
      sum += candidate.weight
    }
  }
}

/// Memory that choosing tokens uses again and again.
struct SamplingScratch {
  /// A token that may be drawn.
  struct Candidate: Comparable {
    var token: Int32
    /// Probability, not normalised; the most likely token has 1.
    var weight: Double

    /// The more likely one first, of two equally likely ones the lower id.
    static func < (left: Candidate, right: Candidate) -> Bool {
      left.weight == right.weight ? left.token < right.token : left.weight > right.weight
    }
  }

  var candidates: [Candidate] = []
  var blocks: [Double] = []
  var weights: [Float] = []
}
