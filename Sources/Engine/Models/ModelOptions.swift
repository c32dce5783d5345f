/// How a model is run.
public struct ModelOptions: Hashable, Sendable {
  /// The largest number of tokens of one call to `LanguageModel.evaluate`; work buffers grow up to it.
  public var maximumBatch: Int
  /// Whether vectors are rounded before they are cached as the official DeepSeek V4 does (specification, 5.6). Other
  /// families ignore it.
  public var roundsCache: Bool
  /// The longest sequence allowed, where it is to be less than the model was made for.
  public var contextLength: Int?

  /// Makes options; `maximumBatch` and `contextLength` are at least 1.
  public init(maximumBatch: Int = 512, roundsCache: Bool = false, contextLength: Int? = nil) {
    precondition(maximumBatch >= 1, "a batch holds at least one token")
    precondition((contextLength ?? 1) >= 1, "a context holds at least one token")
    self.maximumBatch = maximumBatch
    self.roundsCache = roundsCache
    self.contextLength = contextLength
  }
}
