/// Finds text that repeats itself exactly, as it is written: a block of tokens that stands many times in a row.
///
/// A block counts when it was written at least `repetitions` times without anything in between and these repetitions
/// are at least `minimumTokens` tokens long together. Both have to hold: rows of a table, runs of spaces in source text
/// (one token often stands for many spaces), a word of zeros in hexadecimal (64 digits, 64 tokens at most) repeat
/// often but not for long; boilerplate can be long but differs in a name or a number or does not come eight times.
/// Blocks that count upwards or differ in one token are not found: that is what makes the rule safe.
///
/// Every token costs one comparison for each possible period, in one vectorised sweep, whatever the length of the text.
public struct LoopDetector: Sendable {
  /// When repetition counts as a loop.
  public struct Settings: Hashable, Sendable {
    /// The longest block in tokens, in 1...4096.
    public var longestPeriod: Int
    /// The fewest repetitions, at least 2.
    public var repetitions: Int
    /// The fewest tokens of all repetitions together.
    public var minimumTokens: Int

    /// Makes settings; values out of range are moved into it.
    public init(longestPeriod: Int = 64, repetitions: Int = 8, minimumTokens: Int = 256) {
      self.longestPeriod = min(4096, max(1, longestPeriod))
      self.repetitions = max(2, repetitions)
      self.minimumTokens = max(2, minimumTokens)
    }
  }

  /// A block and how often it stands in a row.
  public struct Loop: Hashable, Sendable {
    /// Tokens of the block.
    public var period: Int
    /// How many times it stands there.
    public var count: Int

    /// Makes a loop.
    public init(period: Int, count: Int) {
      self.period = period
      self.count = count
    }
  }

  private let settings: Settings
  /// The newest tokens, newest first, from `newest` on; `longestPeriod` of them are valid (-1 where there were fewer).
  private var recent: [Int32]
  private var newest: Int
  /// By period - 1: how many of the newest tokens equal the one a period before them.
  private var runs: [Int32]
  /// The shortest run that any period can count with.
  private let shortestRun: Int32

  /// Makes a detector that has seen nothing.
  public init(_ settings: Settings = Settings()) {
    self.settings = settings
    let periods = settings.longestPeriod
    recent = [Int32](repeating: -1, count: 4 * periods)
    newest = 3 * periods
    runs = [Int32](repeating: 0, count: periods)
    let shortest = settings.minimumTokens - periods
    shortestRun = Int32(clamping: max(shortest, settings.repetitions - 1))
  }

  /// Takes the next token of the text; tokens are not negative. Returns the loop with the shortest period that the text
  /// now ends with, if any.
  public mutating func append(_ token: Int32) -> Loop? {
    let periods = settings.longestPeriod
    var longest: Int32 = 0
    let start = newest
    recent.withUnsafeBufferPointer { recent in
      runs.withUnsafeMutableBufferPointer { runs in
        for index in 0..<periods {
          let run = recent[start &+ index] == token ? runs[index] &+ 1 : 0
          runs[index] = run
          longest = max(longest, run)
        }
      }
    }
    remember(token)
    return longest >= shortestRun ? loop() : nil
  }

  private mutating func remember(_ token: Int32) {
    let periods = settings.longestPeriod
    if newest == 0 {
      newest = recent.count - periods
      for index in 0..<periods { recent[newest + index] = recent[index] }
    }
    newest -= 1
    recent[newest] = token
  }

  private func loop() -> Loop? {
    for index in runs.indices {
      let period = index + 1
      // The first block is not counted by the run.
      let length = Int(runs[index]) + period
      if length >= settings.minimumTokens, length / period >= settings.repetitions {
        return Loop(period: period, count: length / period)
      }
    }
    return nil
  }
}
