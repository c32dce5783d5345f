import JSON

/// A source of answers: a model on this machine, or one bought elsewhere. What the HTTP surfaces and the terminal talk
/// to, in terms of conversations and texts; tokens appear only where an interface speaks of them.
public protocol ModelService: Sendable {
  /// The models that requests may name, the default one first.
  func models() async -> [ModelDescription]

  /// Starts an answer. Returns as soon as the request is admitted; the answer comes through the stream.
  ///
  /// - Throws: `ServiceError` for what is known to be wrong before the first event.
  func generate(_ request: GenerationRequest) async throws(ServiceError) -> GenerationStream

  /// The number of tokens of the prompt that `generate` would take in.
  func countTokens(_ request: GenerationRequest) async throws(ServiceError) -> Int

  /// The tokens of a text, as the model's vocabulary splits it (for `/tokenize` and terminal use).
  func tokenize(_ text: String, model: String) async throws(ServiceError) -> [Int32]

  /// Vectors that stand for texts.
  ///
  /// - Throws: `ServiceError.unsupported` for models that were not made for it.
  func embed(_ request: EmbeddingRequest) async throws(ServiceError) -> EmbeddingResult

  /// Figures for monitoring, as of now.
  func figures() async -> ServiceFigures
}

/// A model that can be asked.
public struct ModelDescription: Hashable, Sendable {
  /// The name requests use.
  public var name: String
  /// Seconds since 1970 at which the file was last changed.
  public var created: Int
  /// `deepseek4`, `qwen3`, ...
  public var architecture: String
  /// The longest conversation in tokens.
  public var contextLength: Int
  /// Number of weights, if known.
  public var parameterCount: Int?
  /// Most of the file's weights are of this type: `Q4_K_M`, `IQ2_XXS`.
  public var quantization: String
  /// Bytes of the file.
  public var byteCount: Int
  /// A fingerprint of the file's contents, hexadecimal (which bytes it covers is the provider's to document).
  public var digest: String
  /// Whether the model can think before it answers.
  public var canThink: Bool
  /// Whether tools can be offered.
  public var canCallTools: Bool
  /// Whether it makes vectors.
  public var canEmbed: Bool

  /// Makes a description.
  public init(
    name: String, created: Int, architecture: String, contextLength: Int, parameterCount: Int?,
    quantization: String, byteCount: Int, digest: String, canThink: Bool, canCallTools: Bool,
    canEmbed: Bool
  ) {
    self.name = name
    self.created = created
    self.architecture = architecture
    self.contextLength = contextLength
    self.parameterCount = parameterCount
    self.quantization = quantization
    self.byteCount = byteCount
    self.digest = digest
    self.canThink = canThink
    self.canCallTools = canCallTools
    self.canEmbed = canEmbed
  }
}

/// Texts to make vectors of.
public struct EmbeddingRequest: Hashable, Sendable {
  /// A text, or tokens.
  public enum Input: Hashable, Sendable {
    case text(String)
    case tokens([Int32])
  }
  /// The model's name.
  public var model: String
  /// The inputs, at least one.
  public var inputs: [Input]

  /// Makes a request.
  public init(model: String, inputs: [Input]) {
    self.model = model
    self.inputs = inputs
  }
}

/// Vectors, one an input, of length 1.
public struct EmbeddingResult: Hashable, Sendable {
  /// The vectors in the order of the inputs.
  public var vectors: [[Float]]
  /// Tokens taken in, all inputs together.
  public var tokenCount: Int

  /// Makes a result.
  public init(vectors: [[Float]], tokenCount: Int) {
    self.vectors = vectors
    self.tokenCount = tokenCount
  }
}

/// Figures for monitoring.
public struct ServiceFigures: Hashable, Sendable {
  /// How a figure moves.
  public enum Kind: String, Hashable, Sendable {
    /// Only grows.
    case counter
    /// Goes up and down.
    case gauge
  }

  /// One figure.
  public struct Figure: Hashable, Sendable {
    /// As Prometheus wants it, with unit: `prompt_tokens_total`, `cache_memory_bytes`.
    public var name: String
    /// One line.
    public var help: String
    /// How it moves.
    public var kind: Kind
    /// The value now.
    public var value: Double

    /// Makes a figure.
    public init(name: String, help: String, kind: Kind, value: Double) {
      self.name = name
      self.help = help
      self.kind = kind
      self.value = value
    }
  }

  /// The figures, in a fixed order.
  public var figures: [Figure]

  /// Makes a list.
  public init(_ figures: [Figure] = []) { self.figures = figures }
}
