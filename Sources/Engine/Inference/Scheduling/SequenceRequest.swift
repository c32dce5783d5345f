/// A prompt to continue, as a scheduler takes it.
public struct SequenceRequest: Sendable {
  /// Who waits for the answer.
  public enum Priority: Int, Hashable, Sendable, Comparable, CaseIterable {
    /// Work that can wait: it goes after interactive requests, but is never forgotten (`SchedulerSettings.agingTime`).
    case background = 0
    /// Someone is waiting.
    case interactive = 1

    /// Background comes before interactive.
    public static func < (left: Priority, right: Priority) -> Bool {
      left.rawValue < right.rawValue
    }
  }

  /// The tokens to continue, at least one.
  public var prompt: [Int32]
  /// How tokens are chosen.
  public var sampling: SamplingSettings
  /// Added to the logits of tokens before anything else is done with them; finite, in -100...100.
  public var biases: [Int32: Float]
  /// Tokens that end the answer; they are not part of it.
  public var stopTokens: Set<Int32>
  /// The longest answer in tokens. 0 only takes in the prompt. The context may end the answer earlier.
  public var tokenLimit: Int
  /// How many of the most likely tokens are reported with every token, 0 for the chosen one's probability alone; nil for
  /// no probabilities.
  public var alternatives: Int?
  /// Whether the answer ends when it repeats itself (`SchedulerSettings.loops`).
  public var stopsLoops: Bool
  /// Who waits.
  public var priority: Priority
  /// Requests with the same value share one turn in the queue.
  public var client: String
  /// Gets what happens, on the scheduler's thread: must return within microseconds.
  public var receive: @Sendable (SequenceEvent) -> SequenceDecision

  /// The largest number of alternatives reported for a token.
  public static let maximumAlternatives = 100

  /// Makes a request.
  public init(
    prompt: [Int32], sampling: SamplingSettings, biases: [Int32: Float] = [:],
    stopTokens: Set<Int32>, tokenLimit: Int = .max, alternatives: Int? = nil,
    stopsLoops: Bool = true, priority: Priority = .interactive, client: String = "",
    receive: @escaping @Sendable (SequenceEvent) -> SequenceDecision
  ) {
    self.prompt = prompt
    self.sampling = sampling
    self.biases = biases
    self.stopTokens = stopTokens
    self.tokenLimit = tokenLimit
    self.alternatives = alternatives
    self.stopsLoops = stopsLoops
    self.priority = priority
    self.client = client
    self.receive = receive
  }
}

/// What the receiver of an event wants next.
public enum SequenceDecision: Hashable, Sendable {
  /// Go on.
  case go
  /// Rest until `SequenceHandle.resume()`: the sequence keeps its place and its state but takes no part in passes.
  case pause
  /// End the answer after this token: `finished` with the reason `stopped` follows.
  case stop
}
