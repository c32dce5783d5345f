/// Limits and targets of a scheduler.
public struct SchedulerSettings: Hashable, Sendable {
  /// Sequences whose state is in memory at once, paused ones included; at least 1.
  public var maximumSequences: Int
  /// Requests that may wait for their turn; at least 0.
  public var queueLimit: Int
  /// Bytes of state that running sequences and kept prefixes may take together.
  public var memoryLimit: Int
  /// Tokens of an answer for which memory is set aside when a request is taken; a longer answer takes more as it grows.
  public var reservedAnswer: Int
  /// Seconds within which every running answer should get its next token while prompts are taken in. Prompts go in
  /// smaller chunks where that is needed.
  public var latencyTarget: Double
  /// The smallest chunk of a prompt, in tokens, however slow the machine is.
  public var minimumChunk: Int
  /// Seconds after which a waiting background request goes before interactive ones, every fourth turn.
  public var agingTime: Double
  /// Seconds after which a sequence whose receiver paused it is given up.
  public var pauseLimit: Double
  /// When an answer counts as a loop.
  public var loops: LoopDetector.Settings

  /// Makes settings.
  public init(
    maximumSequences: Int = 8, queueLimit: Int = 64, memoryLimit: Int = .max,
    reservedAnswer: Int = 1024, latencyTarget: Double = 0.25, minimumChunk: Int = 8,
    agingTime: Double = 30, pauseLimit: Double = 600,
    loops: LoopDetector.Settings = LoopDetector.Settings()
  ) {
    self.maximumSequences = max(1, maximumSequences)
    self.queueLimit = max(0, queueLimit)
    self.memoryLimit = max(0, memoryLimit)
    self.reservedAnswer = max(0, reservedAnswer)
    self.latencyTarget = latencyTarget
    self.minimumChunk = max(1, minimumChunk)
    self.agingTime = agingTime
    self.pauseLimit = pauseLimit
    self.loops = loops
  }
}
