/// Why a request is not answered, in terms that every dialect can express.
public enum ServiceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The request contradicts itself or the interface. `parameter` is the path of the field, as `messages[2].content`.
  case invalid(message: String, parameter: String?)
  /// No model of that name.
  case unknownModel(name: String, known: [String])
  /// The prompt, or prompt and answer together, do not fit into the context.
  case contextExceeded(tokens: Int, limit: Int)
  /// Something the model or this program cannot do, said clearly: images, tools for a model without them.
  case unsupported(message: String, parameter: String?)
  /// There is no room now; trying again can help. `retryAfter` in seconds.
  case overloaded(reason: String, retryAfter: Int)
  /// The program is about to end.
  case shuttingDown
  /// The engine failed; the message is for the user, without prompt text.
  case failed(String)

  /// A sentence for people.
  public var description: String {
    switch self {
    case .invalid(let message, let parameter):
      parameter.map { "\($0): \(message)" } ?? message
    case .unknownModel(let name, let known):
      "there is no model '\(name)'; "
        + (known.isEmpty ? "none is loaded" : "known: " + known.joined(separator: ", "))
    case .contextExceeded(let tokens, let limit):
      "the conversation needs \(tokens) tokens, the context holds \(limit); shorten it, ask for a shorter answer, or "
        + "start the server with a larger --context"
    case .unsupported(let message, let parameter):
      parameter.map { "\($0): \(message)" } ?? message
    case .overloaded(let reason, let retryAfter):
      "\(reason); try again in \(retryAfter) s"
    case .shuttingDown: "the server is shutting down"
    case .failed(let message): message
    }
  }
}
