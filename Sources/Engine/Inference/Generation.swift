import Models

/// Continues a session token by token.
///
/// With a drafter several guessed tokens are checked in one pass. The tokens that come out are the same as without: each
/// is chosen from the model's own logits with the random number of its position, and a guess only counts when it equals
/// that choice.
public struct Generation {
  /// Why a generation ended.
  public enum End: Hashable, Sendable {
    /// The model chose a token that ends the answer.
    case stopToken(Int32)
    /// As many tokens as asked for.
    case tokenLimit
    /// The context is full.
    case contextFull
    /// The receiver of the tokens asked for it.
    case cancelled
  }

  /// What a generation did.
  public struct Outcome: Hashable, Sendable {
    /// Why it ended.
    public var end: End
    /// The tokens chosen, without the one that ended the answer.
    public var tokens: [Int32]
    /// Guessed tokens that were checked.
    public var drafted: Int
    /// Guessed tokens that were right.
    public var accepted: Int
  }

  /// How tokens are chosen.
  public var sampler: Sampler
  /// Tokens that end the answer; they are not given to the receiver nor taken in.
  public var stopTokens: Set<Int32>
  /// At most this many tokens.
  public var tokenLimit: Int
  /// Guesses tokens; nil for none.
  public var drafter: (any Drafter)?
  /// How many tokens are guessed at a time, at most `maximumRollback`.
  public var draftLength: Int

  /// Makes a generation.
  public init(
    sampler: Sampler, stopTokens: Set<Int32>, tokenLimit: Int = .max,
    drafter: (any Drafter)? = nil, draftLength: Int = 4
  ) {
    self.sampler = sampler
    self.stopTokens = stopTokens
    self.tokenLimit = tokenLimit
    self.drafter = drafter
    self.draftLength = max(0, min(draftLength, maximumRollback))
  }

  /// Runs until the answer ends. The session must have logits (a prompt was taken in).
  ///
  /// All chosen tokens but a final one that ended by `tokenLimit` or cancellation are taken in by the session; the last
  /// chosen token is taken in too unless the generation stopped because of it.
  ///
  /// - Parameter receive: gets each token as it is chosen; returns false to stop.
  /// - Throws: `InferenceError` from the model or the sampler.
  public func run(
    _ session: InferenceSession, receive: (Int32) -> Bool
  ) throws(InferenceError) -> Outcome {
    var outcome = Outcome(end: .tokenLimit, tokens: [], drafted: 0, accepted: 0)
    while outcome.tokens.count < tokenLimit {
      guard session.tokens.count < session.contextLimit else {
        outcome.end = .contextFull
        return outcome
      }
      guard let logits = session.logits else {
        preconditionFailure("a prompt is taken in before an answer is generated")
      }
      let token = try choose(logits[...], history: session.tokens[...])
      if stopTokens.contains(token) {
        outcome.end = .stopToken(token)
        return outcome
      }
      outcome.tokens.append(token)
      guard receive(token) else {
        try session.append([token])
        outcome.end = .cancelled
        return outcome
      }
      let guesses = try guess(after: session.tokens + [token], session: session, outcome: outcome)
      if guesses.isEmpty {
        try session.append([token])
      } else if let end = try check(guesses, after: token, session: session, &outcome, receive) {
        outcome.end = end
        return outcome
      }
    }
    return outcome
  }

  private func choose(
    _ logits: ArraySlice<Float>, history: ArraySlice<Int32>
  ) throws(InferenceError) -> Int32 {
    try logits.withUnsafeBufferPointer { (values) throws(InferenceError) in
      try sampler.token(logits: values, history: history, position: history.endIndex)
    }
  }

  private func guess(
    after tokens: [Int32], session: InferenceSession, outcome: Outcome
  ) throws(InferenceError) -> [Int32] {
    guard let drafter else { return [] }
    let room = min(
      draftLength, tokenLimit - outcome.tokens.count, session.contextLimit - tokens.count,
      session.model.maximumBatch - 1)
    guard room > 0 else { return [] }
    return Array(try drafter.draft(after: tokens, count: room).prefix(room))
  }

  /// Takes in `token` and the guesses in one pass, keeps those the model would have chosen, and goes back behind the
  /// first wrong one. Returns why the generation ended, or nil.
  private func check(
    _ guesses: [Int32], after token: Int32, session: InferenceSession, _ outcome: inout Outcome,
    _ receive: (Int32) -> Bool
  ) throws(InferenceError) -> End? {
    let base = session.tokens.count
    let width = session.model.shape.vocabularyCount
    let rows = try session.appendForAllLogits([token] + guesses)
    outcome.drafted += guesses.count
    var history = Array(session.tokens[...base])
    for (index, guess) in guesses.enumerated() {
      let chosen = try choose(rows[index * width..<(index + 1) * width], history: history[...])
      guard chosen == guess, !stopTokens.contains(chosen) else {
        try session.goBack(to: history.count, logits: rows[index * width..<(index + 1) * width])
        return nil
      }
      outcome.accepted += 1
      outcome.tokens.append(chosen)
      history.append(chosen)
      if !receive(chosen) {
        try session.goBack(
          to: history.count, logits: rows[(index + 1) * width..<(index + 2) * width])
        return .cancelled
      }
    }
    return nil
  }
}

extension InferenceSession {
  /// Rolls back to `count` tokens and sets the logits after them, which are known.
  func goBack(to count: Int, logits: ArraySlice<Float>) throws(InferenceError) {
    try rollBack(to: count)
    setLogits(Array(logits))
  }
}
