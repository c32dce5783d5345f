/// What happens to a sequence. The order: `started` once, then tokens, then `finished` once; `failed` can come at any
/// time instead of `finished`. Nothing comes after `finished` or `failed`.
public enum SequenceEvent: Sendable {
  /// The prompt is being taken in.
  case started(PrefixReport)
  /// The next token of the answer.
  ///
  /// - `position`: its index in the whole sequence, prompt included.
  /// - `likelihoods`: present when they were asked for.
  case token(Int32, position: Int, likelihoods: TokenLikelihoods?)
  /// The end. The receiver's decision is ignored.
  case finished(SequenceFinish)
  /// The sequence cannot go on. The receiver's decision is ignored.
  case failed(SequenceFailure)
}

/// How much of a prompt's state was known already.
public struct PrefixReport: Hashable, Sendable {
  /// Tokens of the prompt.
  public var promptTokens: Int
  /// The first of them whose state was known and is not computed again.
  public var reusedTokens: Int
  /// Why no more were; nil when all that could be were, or when the state of a sequence that runs at the same time was
  /// used.
  public var miss: PrefixMiss?

  /// Makes a report.
  public init(promptTokens: Int, reusedTokens: Int, miss: PrefixMiss? = nil) {
    self.promptTokens = promptTokens
    self.reusedTokens = reusedTokens
    self.miss = miss
  }
}

/// How likely a token was: natural logarithms of probabilities, the softmax of the model's logits before biases,
/// penalties, masks and temperature.
public struct TokenLikelihoods: Hashable, Sendable {
  /// A token and the logarithm of its probability.
  public struct Choice: Hashable, Sendable {
    /// The token.
    public var token: Int32
    /// The natural logarithm of its probability, at most 0.
    public var logarithm: Double

    /// Makes a choice.
    public init(token: Int32, logarithm: Double) {
      self.token = token
      self.logarithm = logarithm
    }
  }

  /// The token that was chosen.
  public var chosen: Choice
  /// The most likely tokens, the most likely first (the lower id of two equal ones first).
  public var alternatives: [Choice]

  /// Makes an entry.
  public init(chosen: Choice, alternatives: [Choice]) {
    self.chosen = chosen
    self.alternatives = alternatives
  }
}

/// How an answer ended.
public struct SequenceFinish: Hashable, Sendable {
  /// Why.
  public enum Reason: Hashable, Sendable {
    /// The model chose a token that ends the answer.
    case stopToken(Int32)
    /// As many tokens as asked for.
    case tokenLimit
    /// The context, or all memory for state, is full.
    case contextFull
    /// The receiver asked for it.
    case stopped
    /// The request was cancelled.
    case cancelled
    /// The grammar allows nothing but the end.
    case constraintComplete
    /// The last `period` tokens stand `count` times one after another.
    case loop(period: Int, count: Int)
  }

  /// Why it ended.
  public var reason: Reason
  /// Tokens of the prompt.
  public var promptTokens: Int
  /// Those of them that were not computed.
  public var reusedTokens: Int
  /// Tokens of the answer.
  public var answerTokens: Int
  /// Seconds from the request to the start of its computation.
  public var queueSeconds: Double
  /// Seconds from there to the first token.
  public var promptSeconds: Double
  /// Seconds from the first token to the end, pauses included.
  public var answerSeconds: Double

  /// Makes an end.
  public init(
    reason: Reason, promptTokens: Int, reusedTokens: Int, answerTokens: Int, queueSeconds: Double,
    promptSeconds: Double, answerSeconds: Double
  ) {
    self.reason = reason
    self.promptTokens = promptTokens
    self.reusedTokens = reusedTokens
    self.answerTokens = answerTokens
    self.queueSeconds = queueSeconds
    self.promptSeconds = promptSeconds
    self.answerSeconds = answerSeconds
  }
}

/// Why a sequence cannot go on.
public enum SequenceFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// The model failed, or no token can be chosen from its logits.
  case engine(InferenceError)
  /// Nobody took what was written for so many seconds.
  case readerTooSlow(seconds: Int)
  /// No token that the grammar allows can follow.
  case constraint(String)
  /// The scheduler is stopped.
  case stopped

  /// A sentence for people.
  public var description: String {
    switch self {
    case .engine(let error): error.description
    case .readerTooSlow(let seconds): "the answer was not read for \(seconds) s and is given up"
    case .constraint(let problem): problem
    case .stopped: "the server is shutting down"
    }
  }
}
