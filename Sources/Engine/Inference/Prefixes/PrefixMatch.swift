import Models

/// What the prefix store knows of a prompt.
public struct PrefixMatch {
  /// A state that took in the first `count` tokens, for the caller alone.
  public let state: any SequenceState
  /// The number of tokens that need not be computed.
  public let count: Int
  /// The logits after the last token of the prompt; only when they were accepted, and then `count` is the whole prompt.
  public let logits: [Float]?
  /// Why no more tokens were reused; nil when all that could be were, as for a conversation that simply goes on.
  public let miss: PrefixMiss?
  /// How many of the `count` tokens came from the disk.
  public let readFromDisk: Int
  /// Token counts above `count` and below the prompt's own, ascending, at which it pays to end a chunk and to call
  /// `PrefixStore.keep` with `.checkpoint`: where the prompt departs from a known conversation, and some page boundaries.
  /// Empty for models that go back freely.
  public let checkpoints: [Int]

  init(
    state: any SequenceState, count: Int, logits: [Float]? = nil, miss: PrefixMiss?,
    readFromDisk: Int = 0, checkpoints: [Int] = []
  ) {
    self.state = state
    self.count = count
    self.logits = logits
    self.miss = miss
    self.readFromDisk = readFromDisk
    self.checkpoints = checkpoints
  }
}

/// Why tokens of a prompt have to be computed although something like it may be known.
public struct PrefixMiss: Hashable, Sendable {
  /// The reason.
  public enum Reason: Hashable, Sendable {
    /// No known conversation begins with the prompt's first token.
    case firstUse
    /// The prompt departs from the nearest known conversation; everything before that was reused.
    case differs
    /// The tokens are known, but their state was dropped to stay within the memory and disk limits.
    case evicted
    /// A record on disk was damaged; it was removed, and its tokens are computed again.
    case damagedOnDisk
    /// The tokens are known up to `position`, but this model cannot go back to that point from a later one, and the nearest
    /// state kept before it is the one that was reused.
    case betweenCheckpoints
  }

  /// The reason.
  public let reason: Reason
  /// The number of leading tokens the prompt has in common with the nearest known conversation: the position, from 0, of
  /// the first one that differs.
  public let position: Int
  /// The known conversation's tokens from `position` on, at most `knownLimit`; empty where it ends there.
  public let known: [Int32]
  /// The prompt's token at `position`; nil where the prompt ends there.
  public let given: Int32?

  /// How many tokens of the known conversation are told.
  public static let knownLimit = 8

  /// Makes a miss.
  public init(reason: Reason, position: Int, known: [Int32], given: Int32?) {
    self.reason = reason
    self.position = position
    self.known = known
    self.given = given
  }
}

/// What a kept state is the state of. Ends are what later prompts most likely continue from, and are kept longest.
public enum KeptPoint: Hashable, Sendable {
  /// The end of a prompt or of an answer.
  case end
  /// A point within a prompt.
  case checkpoint
}

/// What a prefix store holds and how it has served, since it was made.
public struct PrefixFigures: Hashable, Sendable {
  /// States in memory.
  public var states = 0
  /// Distinct complete pages in memory.
  public var pages = 0
  /// Bytes of pages, tails and logits in memory.
  public var memoryByteCount = 0
  /// The most bytes allowed in memory.
  public var memoryLimit = 0
  /// Tokens whose order is known, with or without a state.
  public var knownTokens = 0
  /// Prompts looked up.
  public var lookups = 0
  /// Tokens of those prompts.
  public var lookedUpTokens = 0
  /// Those of the tokens that were not computed again.
  public var reusedTokens = 0
  /// Those of the tokens whose state came from the disk.
  public var tokensFromDisk = 0
  /// States dropped to stay within the memory limit.
  public var evictedStates = 0
  /// What the disk holds; nil without one.
  public var disk: PrefixDiskFigures?

  /// Makes figures of an empty store.
  public init() {}
}

/// What a prefix store's directory holds and what became of its records, since it was opened.
public struct PrefixDiskFigures: Hashable, Sendable {
  /// Page records.
  public var pages = 0
  /// State records.
  public var states = 0
  /// Bytes of all records.
  public var byteCount = 0
  /// The most bytes allowed.
  public var limit = 0
  /// Records written.
  public var written = 0
  /// Records read and found whole.
  public var read = 0
  /// Records found damaged, and removed.
  public var damaged = 0
  /// Records removed to stay within the limit.
  public var evicted = 0
  /// Records that could not be written.
  public var failedWrites = 0

  /// Makes figures of an empty directory.
  public init() {}
}
