/// What every family's shape has in common, read from a model file.
public struct ModelShape: Hashable, Sendable {
  /// The architecture's name in GGUF files (`deepseek4`, `qwen3`).
  public var architecture: String
  /// The number of tokens in the vocabulary, and of logits.
  public var vocabularyCount: Int
  /// The width of the residual stream (of one of them, where there are several).
  public var width: Int
  /// The number of layers of the trunk.
  public var layerCount: Int
  /// The longest sequence the model was made for.
  public var contextLength: Int
  /// Routed experts per layer; 0 for dense models.
  public var expertCount: Int
  /// Experts chosen per token; 0 for dense models.
  public var expertsPerToken: Int
  /// What had to be derived because the file does not say it, one sentence each.
  public var derivations: [String]

  /// Makes a shape.
  public init(
    architecture: String, vocabularyCount: Int, width: Int, layerCount: Int, contextLength: Int,
    expertCount: Int, expertsPerToken: Int, derivations: [String]
  ) {
    self.architecture = architecture
    self.vocabularyCount = vocabularyCount
    self.width = width
    self.layerCount = layerCount
    self.contextLength = contextLength
    self.expertCount = expertCount
    self.expertsPerToken = expertsPerToken
    self.derivations = derivations
  }
}
