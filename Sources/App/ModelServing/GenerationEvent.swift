/// What happens while an answer is made. The order: `started` once, then pieces, then `finished` once. A stream that
/// fails throws instead of finishing.
public enum GenerationEvent: Hashable, Sendable {
  /// The prompt is taken in.
  case started(PromptReport)
  /// A piece of what the model thinks.
  case reasoning(String)
  /// A piece of what it says. The probabilities are those of the tokens whose text begins in this piece, when they were
  /// asked for.
  case content(String, [TokenProbability])
  /// A call, complete. `index` counts the calls of the answer from 0.
  case call(index: Int, Call)
  /// Text that stands where a call should be and cannot be read as one.
  case malformedCall(String)
  /// The end.
  case finished(Finish)
}

/// What became of a prompt.
public struct PromptReport: Hashable, Sendable {
  /// Why tokens of the prompt had to be computed although something like it was known.
  public struct Miss: Hashable, Sendable {
    /// What kind of miss, for logs and metrics.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
      /// Nothing like the prompt is known.
      case firstUse
      /// The prompt departs from the nearest known conversation.
      case differs
      /// The state was dropped to stay within the limits.
      case evicted
      /// What was kept on disk is damaged; it was removed.
      case damaged
      /// The model cannot go back to the point where the prompt departs, and nothing was kept closer to it.
      case betweenCheckpoints
    }

    /// What kind.
    public var kind: Kind
    /// The position of the first token that differs from the nearest known conversation, from 0.
    public var position: Int
    /// The text around that position as it was known.
    public var known: String
    /// The text around that position now.
    public var given: String
    /// One sentence: `differs at token 412: known "...", now "..."`, `not kept any more`, `first use`.
    public var reason: String

    /// Makes a miss.
    public init(
      kind: Kind = .differs, position: Int, known: String, given: String, reason: String
    ) {
      self.kind = kind
      self.position = position
      self.known = known
      self.given = given
      self.reason = reason
    }
  }

  /// Tokens of the prompt.
  public var tokens: Int
  /// Those of them whose state was known and not computed again.
  public var reused: Int
  /// Why no more were reused; nil when all that could be were.
  public var miss: Miss?
  /// What the asker may want to know about the request, one sentence each: keywords of a schema that are not enforced,
  /// the same call made turn after turn.
  public var notes: [String]

  /// Makes a report.
  public init(tokens: Int, reused: Int, miss: Miss?, notes: [String] = []) {
    self.tokens = tokens
    self.reused = reused
    self.miss = miss
    self.notes = notes
  }
}

/// A token of the answer, how likely it was, and what else was likely.
public struct TokenProbability: Hashable, Sendable {
  /// One choice.
  public struct Choice: Hashable, Sendable {
    /// The token's text; bytes that are no text of their own appear as U+FFFD.
    public var text: String
    /// The token's bytes.
    public var bytes: [UInt8]
    /// The natural logarithm of its probability before sampling settings.
    public var logarithm: Double

    /// Makes a choice.
    public init(text: String, bytes: [UInt8], logarithm: Double) {
      self.text = text
      self.bytes = bytes
      self.logarithm = logarithm
    }
  }

  /// The token chosen.
  public var chosen: Choice
  /// The most likely tokens, most likely first; as many as were asked for.
  public var alternatives: [Choice]

  /// Makes an entry.
  public init(chosen: Choice, alternatives: [Choice]) {
    self.chosen = chosen
    self.alternatives = alternatives
  }
}

/// How an answer ended.
public struct Finish: Hashable, Sendable {
  /// Why.
  public enum Reason: Hashable, Sendable {
    /// The model ended its turn.
    case endOfTurn
    /// The model ended its turn with calls of tools.
    case calls
    /// One of the texts of `stop` appeared.
    case stopText(String)
    /// The answer is as long as was allowed.
    case tokenLimit
    /// The context is full.
    case contextFull
    /// The model repeats itself; the text says what was seen.
    case loop(String)
  }

  /// Why it ended.
  public var reason: Reason
  /// Tokens of the prompt.
  public var promptTokens: Int
  /// Those of them that were not computed again.
  public var reusedTokens: Int
  /// Tokens of the answer, thoughts included.
  public var answerTokens: Int
  /// Those of them that are thoughts.
  public var reasoningTokens: Int
  /// Seconds from the request to the start of its computation.
  public var queueSeconds: Double
  /// Seconds for the prompt.
  public var promptSeconds: Double
  /// Seconds for the answer.
  public var answerSeconds: Double

  /// Makes an end.
  public init(
    reason: Reason, promptTokens: Int, reusedTokens: Int, answerTokens: Int, reasoningTokens: Int,
    queueSeconds: Double, promptSeconds: Double, answerSeconds: Double
  ) {
    self.reason = reason
    self.promptTokens = promptTokens
    self.reusedTokens = reusedTokens
    self.answerTokens = answerTokens
    self.reasoningTokens = reasoningTokens
    self.queueSeconds = queueSeconds
    self.promptSeconds = promptSeconds
    self.answerSeconds = answerSeconds
  }
}
