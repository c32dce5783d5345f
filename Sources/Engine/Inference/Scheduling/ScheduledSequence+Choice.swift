import Foundation

extension ScheduledSequence {
  /// A token chosen, and how likely it was where that was asked for.
  struct Choice {
    var token: Int32
    var likelihoods: TokenLikelihoods?
  }

  /// Chooses the token after those so far: biases, penalties, then the sampler.
  ///
  /// - Parameter logits: one value a token; changed.
  /// - Throws: `InferenceError.logits` when a logit is NaN or no token can be chosen.
  func choose(
    _ logits: inout [Float], scratch: inout SamplingScratch
  ) throws(InferenceError) -> Choice {
    // Shares memory with `logits` until those are changed.
    let raw = request.alternatives == nil ? [] : logits
    let token = try logits.withUnsafeMutableBufferPointer { (values) throws(InferenceError) in
      for (token, bias) in request.biases { values[Int(token)] += bias }
      penalties.apply(to: values)
      return try sampler.choose(
        LogitRow(.init(values)), position: tokens.count, scratch: &scratch)
    }
    guard let count = request.alternatives else { return Choice(token: token) }
    return Choice(
      token: token,
      likelihoods: try raw.withUnsafeBufferPointer { (values) throws(InferenceError) in
        try TokenLikelihoods(LogitRow(values), chosen: token, alternatives: count)
      })
  }
}

extension TokenLikelihoods {
  /// The logarithm of the softmax at the token chosen and at the most likely ones.
  ///
  /// - Throws: `InferenceError.logits` when a logit is NaN or none is finite.
  init(_ row: LogitRow, chosen: Int32, alternatives: Int) throws(InferenceError) {
    let best = row.values[Int(try row.largest())]
    var blocks: [Double] = []
    let sum = Double(best) + log(row.weigh(best: best, scale: 1, blocks: &blocks))
    func choice(_ token: Int32, _ value: Float) -> Choice {
      Choice(token: token, logarithm: min(0, Double(value) - sum))
    }
    self.init(
      chosen: choice(chosen, row.values[Int(chosen)]),
      alternatives: row.top(alternatives).map { choice($0.token, $0.value) })
  }
}
