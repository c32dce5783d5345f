import Models

/// A model as a scheduler runs it, with what belongs to it. Made on the scheduler's thread and never leaves it.
public struct ScheduledModel {
  /// The model.
  public var model: any LanguageModel
  /// The longest sequence.
  public var contextLength: Int
  /// Tokens per pass at most, those of all sequences together.
  public var chunk: Int
  /// What finished sequences leave for those that begin alike; nil for nothing.
  public var prefixes: PrefixStore?

  /// Describes a model.
  ///
  /// - Parameters:
  ///   - contextLength: the longest sequence; at most what the model was made for.
  ///   - chunk: tokens per pass; at most `model.maximumBatch`, which is also the default.
  public init(
    model: any LanguageModel, contextLength: Int? = nil, chunk: Int? = nil,
    prefixes: PrefixStore? = nil
  ) {
    self.model = model
    self.prefixes = prefixes
    self.contextLength = min(contextLength ?? .max, model.shape.contextLength)
    self.chunk = max(1, min(chunk ?? .max, model.maximumBatch))
  }

  /// Describes a model opened from a file.
  public init(_ local: LocalModel, prefixes: PrefixStore? = nil) {
    self.init(
      model: local.model, contextLength: local.contextLength, chunk: local.chunk,
      prefixes: prefixes)
  }
}

/// What a request is checked against before it is taken; known to all threads.
struct AdmissionRules: Sendable {
  let vocabularyCount: Int
  /// The longest sequence that the context and the memory for state allow.
  let longest: Int
  /// The longest sequence that the context allows.
  let contextLength: Int
  let sizes: StateSizes
  let memoryLimit: Int

  init(_ scheduled: ScheduledModel, memoryLimit: Int) throws(InferenceError) {
    vocabularyCount = scheduled.model.shape.vocabularyCount
    contextLength = scheduled.contextLength
    sizes = StateSizes(scheduled.model, contextLength: contextLength)
    self.memoryLimit = memoryLimit
    longest = min(contextLength, sizes.longest(within: memoryLimit))
    guard longest > 0 else {
      throw .memory(
        "the state of the shortest conversation takes \(ByteText.gibibytes(sizes.bytes(1))), "
          + "the limit for all conversations is \(ByteText.gibibytes(memoryLimit))")
    }
  }

  /// Refuses what can never be computed.
  func check(_ request: SequenceRequest) throws(AdmissionError) -> Sampler {
    guard !request.prompt.isEmpty else {
      throw .invalid(field: "prompt", problem: "it is empty; at least one token is needed")
    }
    let tokens = 0..<Int32(clamping: vocabularyCount)
    if let wrong = request.prompt.first(where: { !tokens.contains($0) }) {
      throw .invalid(
        field: "prompt", problem: "token \(wrong) is not in 0 to \(vocabularyCount - 1)")
    }
    for (token, bias) in request.biases.sorted(by: { $0.key < $1.key }) {
      guard tokens.contains(token), (-100...100).contains(bias) else {
        throw .invalid(
          field: "biases",
          problem: "\(bias) for token \(token); tokens are 0 to \(vocabularyCount - 1), biases "
            + "-100 to 100")
      }
    }
    guard request.tokenLimit >= 0 else {
      throw .invalid(field: "token limit", problem: "\(request.tokenLimit) is below 0")
    }
    if let count = request.alternatives {
      guard (0...SequenceRequest.maximumAlternatives).contains(count) else {
        throw .invalid(
          field: "alternatives",
          problem: "\(count) is not in 0 to \(SequenceRequest.maximumAlternatives)")
      }
    }
    let least = request.prompt.count + min(1, request.tokenLimit)
    guard least <= contextLength else {
      throw .contextExceeded(tokens: least, limit: contextLength)
    }
    guard least <= longest else {
      throw .memoryExceeded(
        bytes: sizes.bytes(least), limit: memoryLimit, tokens: least, longest: longest)
    }
    do {
      return try Sampler(request.sampling)
    } catch {
      guard case .setting(let name, let value, let allowed) = error else {
        throw .invalid(field: "sampling", problem: error.description)
      }
      throw .invalid(field: name, problem: "it is \(value); it must be \(allowed)")
    }
  }
}

/// The bytes of state by the number of tokens, as the model states them, page by page.
struct StateSizes: Sendable {
  private let byPages: [Int]
  /// What a page more adds in a long sequence.
  let page: Int

  init(_ model: any LanguageModel, contextLength: Int) {
    let pages = (contextLength + tokensPerPage - 1) / tokensPerPage
    byPages = (0...pages).map { model.stateByteCount(tokens: $0 * tokensPerPage) }
    page = pages < 2 ? 0 : max(0, byPages[pages] - byPages[pages - 1])
  }

  /// Those of a sequence of `tokens` tokens, its last page counted as a whole.
  func bytes(_ tokens: Int) -> Int {
    byPages[min(byPages.count - 1, (max(0, tokens) + tokensPerPage - 1) / tokensPerPage)]
  }

  /// The most tokens, a multiple of a page, whose state takes at most `bytes`; 0 when none does.
  func longest(within bytes: Int) -> Int {
    let pages = byPages.prefix { $0 <= bytes }.count - 1
    return max(0, pages) * tokensPerPage
  }
}
