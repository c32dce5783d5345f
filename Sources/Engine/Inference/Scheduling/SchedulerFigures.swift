/// What a scheduler did and does, for monitoring. Totals only grow.
public struct SchedulerFigures: Hashable, Sendable {
  /// Sequences whose state is in memory, paused ones included.
  public var running = 0
  /// Those of them that rest because their receiver asked for it.
  public var paused = 0
  /// Requests that wait for their turn, pre-empted sequences included.
  public var waiting = 0
  /// Requests taken.
  public var requests = 0
  /// Requests refused because the queue was full.
  public var refused = 0
  /// Sequences that finished, by reason.
  public var finished = Finished()
  /// Sequences that failed.
  public var failed = 0
  /// Tokens of prompts whose computation began.
  public var promptTokens = 0
  /// Those of them whose state was known.
  public var reusedTokens = 0
  /// Tokens of answers.
  public var answerTokens = 0
  /// Calls of the model.
  public var passes = 0
  /// Tokens computed in them, those of prompts and of answers together.
  public var computedTokens = 0
  /// Sequences that took part in passes, added up; divided by `passes` the mean size of a batch.
  public var sequencesInPasses = 0
  /// Sequences that lost their state to make room for others; they start again later.
  public var preemptions = 0
  /// Bytes of state of running sequences, pages that several share counted once, when last measured.
  public var stateBytes = 0
  /// Seconds in the model.
  public var modelSeconds = 0.0
  /// Seconds spent choosing tokens and giving them to receivers.
  public var samplingSeconds = 0.0
  /// Seconds that requests waited for their turn, added up.
  public var queueSeconds = 0.0
  /// The speed at which a prompt goes in, in tokens a second, as measured last; 0 before the first.
  public var promptSpeed = 0.0

  /// Counts of ends.
  public struct Finished: Hashable, Sendable {
    /// Ends by a token that ends answers, by the receiver, or because a grammar allowed nothing more.
    public var ended = 0
    /// Ends at the limit of tokens.
    public var tokenLimit = 0
    /// Ends because the context was full.
    public var contextFull = 0
    /// Answers that repeated themselves.
    public var loops = 0
    /// Requests that were cancelled.
    public var cancelled = 0

    /// Makes zeros.
    public init() {}

    mutating func count(_ reason: SequenceFinish.Reason) {
      switch reason {
      case .stopToken, .stopped, .constraintComplete: ended += 1
      case .tokenLimit: tokenLimit += 1
      case .contextFull: contextFull += 1
      case .loop: loops += 1
      case .cancelled: cancelled += 1
      }
    }
  }

  /// Makes zeros.
  public init() {}
}
