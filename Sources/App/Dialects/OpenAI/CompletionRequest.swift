import JSON
import ModelServing

/// A request for the continuation of texts, read.
struct CompletionRequest: Sendable {
  /// What to generate: for every prompt its choices in a row.
  var requests: [GenerationRequest]
  /// How many answers in a row share a prompt.
  var choicesPerPrompt: Int
  /// What every choice's text begins with: the prompt, when it is to be repeated.
  var echoes: [String]
  /// Whether the answer leaves in pieces.
  var isStreaming: Bool
  /// Whether a last piece holds the usage.
  var includesUsage: Bool
  /// Whether probabilities were asked for.
  var hasProbabilities: Bool

  /// More answers in one request than this, all prompts together, are refused.
  static let maximumAnswers = 32

  /// Reads the body of a request.
  ///
  /// - Parameter client: who asks, as the server knows.
  /// - Throws: `ServiceError` with the path of the member that is wrong.
  init(_ value: JSONValue?, client: String) throws(ServiceError) {
    let body = try RequestFields(value)
    let prompts = try TextInputs.read(body, "prompt")
    choicesPerPrompt = try body.integer("n", in: 1...ChatRequest.maximumChoices) ?? 1
    guard prompts.count * choicesPerPrompt <= CompletionRequest.maximumAnswers else {
      throw body.invalid(
        "prompt",
        "asks for \(prompts.count * choicesPerPrompt) answers at once; at most "
          + "\(CompletionRequest.maximumAnswers) can be")
    }
    if let suffix = try body.string("suffix"), !suffix.isEmpty {
      throw .unsupported(
        message: "filling in between two texts is not supported", parameter: "suffix")
    }
    if let count = try body.integer("best_of", in: 1...Int.max), count != choicesPerPrompt {
      throw .unsupported(
        message: "choosing among more answers than are given is not supported",
        parameter: "best_of")
    }
    let alternatives = try body.integer("logprobs", in: 0...GenerationFields.maximumAlternatives)
    hasProbabilities = alternatives != nil
    let echo = try body.bool("echo") ?? false
    if echo, hasProbabilities {
      throw .unsupported(
        message: "probabilities of the prompt's tokens are not supported", parameter: "echo")
    }

    requests = []
    echoes = []
    for prompt in prompts {
      var request = GenerationRequest(model: try GenerationFields.model(body), prompt: prompt)
      try GenerationFields(body: body).apply(to: &request, client: client)
      request.format = try FormatFields.read(
        body, standard: try body.object("response_format"))
      request.alternatives = alternatives
      var start = ""
      if echo {
        guard case .text(let text) = prompt else {
          throw .unsupported(
            message: "a prompt of tokens cannot be repeated as text", parameter: "echo")
        }
        start = text
      }
      requests += ChatRequest.choices(of: request, count: choicesPerPrompt)
      echoes += Array(repeating: start, count: choicesPerPrompt)
    }
    isStreaming = try body.bool("stream") ?? false
    includesUsage = try body.object("stream_options")?.bool("include_usage") ?? false
  }
}

/// Texts or tokens as completions and embeddings take them: a string, an array of strings, tokens, or arrays of tokens.
enum TextInputs {
  /// Reads a member; at least one input.
  static func read(
    _ body: RequestFields, _ name: String
  ) throws(ServiceError) -> [GenerationRequest.Prompt] {
    guard let value = body[name] else { throw body.invalid(name, "is missing") }
    switch value {
    case .string(let text): return [.text(text)]
    case .array(let elements):
      guard let first = elements.first else { throw body.invalid(name, "must not be empty") }
      if case .integer = first { return [.tokens(try tokens(elements, body, name))] }
      var prompts: [GenerationRequest.Prompt] = []
      for (index, element) in elements.enumerated() {
        switch element {
        case .string(let text): prompts.append(.text(text))
        case .array(let inner):
          prompts.append(.tokens(try tokens(inner, body, "\(name)[\(index)]")))
        default:
          throw body.invalid("\(name)[\(index)]", "must be a string or an array of tokens")
        }
      }
      return prompts
    default:
      throw body.invalid(name, "must be a string, tokens, or an array of these")
    }
  }

  private static func tokens(
    _ elements: [JSONValue], _ body: RequestFields, _ name: String
  ) throws(ServiceError) -> [Int32] {
    guard !elements.isEmpty else { throw body.invalid(name, "must not be empty") }
    var tokens: [Int32] = []
    tokens.reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
      guard let number = element.integerValue, let token = Int32(exactly: number), token >= 0
      else { throw body.invalid("\(name)[\(index)]", "must be the number of a token") }
      tokens.append(token)
    }
    return tokens
  }
}
