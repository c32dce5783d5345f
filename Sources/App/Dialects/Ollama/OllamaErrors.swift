import JSON
import ModelServing

/// How Ollama's API reports errors: `{"error":"..."}`.
enum OllamaErrors {
  /// The reply for an error before the answer began.
  static func reply(_ error: EndpointError) -> EndpointReply {
    var headers: [EndpointReply.HeaderField] = []
    if case .service(.overloaded(_, let retryAfter)) = error {
      headers.append(EndpointReply.HeaderField("retry-after", String(retryAfter)))
    }
    return EndpointReply(status: error.status, headers: headers, json: body(message(error)))
  }

  /// The body of an error, also a line of a stream.
  static func body(_ message: String) -> JSONValue { .members(["error": .string(message)]) }

  /// What is said about an error. Clients look for `not found` after the model's name.
  static func message(_ error: EndpointError) -> String {
    guard case .service(.unknownModel(let name, let known)) = error else { return error.message }
    let list = known.isEmpty ? "none is loaded" : "known: " + known.joined(separator: ", ")
    return "model '\(name)' not found; \(list)"
  }
}
