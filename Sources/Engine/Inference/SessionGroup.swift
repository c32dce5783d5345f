import Models

/// Advances several sessions of one model in one pass, so that weights are read once for all of them. Results are those
/// of separate runs, bit for bit.
public struct SessionGroup {
  /// The sessions; distinct, of one model.
  public let sessions: [InferenceSession]

  /// Makes a group.
  public init(_ sessions: [InferenceSession]) { self.sessions = sessions }

  /// Takes in `tokens[i]` for session i (empty: the session rests) and computes the logits after the last of them.
  ///
  /// - Throws: `InferenceError.contextFull` before anything is computed. After any other error all sessions that took part
  ///   are empty.
  public func append(_ tokens: [[Int32]]) throws(InferenceError) {
    precondition(tokens.count == sessions.count, "one list of tokens a session")
    let active = sessions.indices.filter { !tokens[$0].isEmpty }
    for index in active {
      let session = sessions[index]
      let count = session.tokens.count + tokens[index].count
      guard count <= session.contextLimit else {
        throw .contextFull(tokens: count, limit: session.contextLimit)
      }
    }
    for pass in passes(active, tokens: tokens) {
      guard let first = pass.first else { continue }
      if tokens[first].count > sessions[first].model.maximumBatch {
        try sessions[first].append(tokens[first])
      } else {
        try evaluate(pass, tokens: tokens)
      }
    }
  }

  /// The sessions of each pass, in order: as many as the model's batch holds; a longer prompt than that goes alone.
  private func passes(_ active: [Int], tokens: [[Int32]]) -> [[Int]] {
    var passes: [[Int]] = []
    var count = 0
    for index in active {
      let limit = sessions[index].model.maximumBatch
      if passes.isEmpty || count + tokens[index].count > limit {
        passes.append([])
        count = 0
      }
      passes[passes.count - 1].append(index)
      count += tokens[index].count
    }
    return passes
  }

  private func evaluate(_ pass: [Int], tokens: [[Int32]]) throws(InferenceError) {
    guard let first = pass.first else { return }
    let inputs = pass.map {
      SequenceInput(state: sessions[$0].state, tokens: tokens[$0], logits: .last)
    }
    do throws(InferenceError) {
      let rows = try sessions[first].evaluate(inputs)
      for (row, index) in zip(rows, pass) { sessions[index].tookIn(tokens[index], logits: row) }
    } catch {
      for index in pass { sessions[index].reset() }
      throw error
    }
  }
}
