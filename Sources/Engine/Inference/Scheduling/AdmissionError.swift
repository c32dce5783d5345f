/// Why a scheduler does not take a request.
public enum AdmissionError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A part of the request that is impossible whatever else runs.
  case invalid(field: String, problem: String)
  /// The prompt and one token of an answer are more than the context holds.
  case contextExceeded(tokens: Int, limit: Int)
  /// The state of the prompt alone is larger than all memory for state.
  case memoryExceeded(bytes: Int, limit: Int, tokens: Int, longest: Int)
  /// The queue is full; trying again after `retryAfter` seconds can help.
  case overloaded(reason: String, retryAfter: Int)
  /// The scheduler is being stopped.
  case stopping
  /// The model cannot be used any more: its file changed or was removed.
  case broken(InferenceError)

  /// A sentence for people.
  public var description: String {
    switch self {
    case .invalid(let field, let problem): "\(field): \(problem)"
    case .contextExceeded(let tokens, let limit):
      "the conversation has \(tokens) tokens, the context holds \(limit), the answer included; shorten it or start "
        + "with a larger context"
    case .memoryExceeded(let bytes, let limit, let tokens, let longest):
      "\(tokens) tokens need \(ByteText.gibibytes(bytes)) of state, there are \(ByteText.gibibytes(limit)) for all "
        + "conversations together; the longest that fits has \(longest) tokens"
    case .overloaded(let reason, let retryAfter): "\(reason); try again in \(retryAfter) s"
    case .stopping: "the server is shutting down"
    case .broken(let error): error.description
    }
  }
}
