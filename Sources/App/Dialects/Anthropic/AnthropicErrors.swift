import JSON
import ModelServing

/// How the Messages API reports errors.
enum AnthropicErrors {
  /// A request that sends only what is new in a conversation and names the answer before it. Clients send the whole
  /// conversation when they get this error.
  static let lostThread = ServiceError.invalid(
    message: "no conversations are kept on this server; send the whole conversation",
    parameter: "thread.previous_message_id")

  /// The reply for an error before the answer began.
  static func reply(_ error: EndpointError) -> EndpointReply {
    let requestID = AnthropicIdentifiers.random("req_")
    var headers = [EndpointReply.HeaderField("request-id", requestID)]
    if case .service(.overloaded(_, let retryAfter)) = error {
      headers.append(EndpointReply.HeaderField("retry-after", String(retryAfter)))
    }
    return EndpointReply(
      status: status(error), headers: headers, json: body(error, requestID: requestID))
  }

  /// `{"type":"error","error":{"type":...,"message":...},"request_id":...}`
  static func body(_ error: EndpointError, requestID: String) -> JSONValue {
    var members = [
      JSONMember(name: "type", value: .string(type(error))),
      JSONMember(name: "message", value: .string(message(error))),
    ]
    if error == .service(lostThread) {
      members.append(
        JSONMember(name: "details", value: .members(["error_code": "thread_not_found"])))
    }
    return .members([
      "type": "error", "error": .object(members), "request_id": .string(requestID),
    ])
  }

  /// The HTTP status; as the interface defines it, 529 for a server that takes no more requests.
  static func status(_ error: EndpointError) -> Int {
    switch error {
    case .service(.shuttingDown): 529
    case .service(lostThread): 404
    default: error.status
    }
  }

  private static func type(_ error: EndpointError) -> String {
    switch error {
    case .service(let error):
      switch error {
      case lostThread: "not_found_error"
      case .invalid, .contextExceeded, .unsupported: "invalid_request_error"
      case .unknownModel: "not_found_error"
      case .overloaded: "rate_limit_error"
      case .shuttingDown: "overloaded_error"
      case .failed: "api_error"
      }
    case .malformedBody, .methodNotAllowed, .timeout: "invalid_request_error"
    case .unauthorized: "authentication_error"
    case .forbidden: "permission_error"
    case .notFound: "not_found_error"
    case .tooLarge: "request_too_large"
    }
  }

  private static func message(_ error: EndpointError) -> String {
    // Coding agents look for these words to know that they must shorten the conversation.
    if case .service(.contextExceeded(let tokens, let limit)) = error {
      return
        "prompt is too long: \(tokens) tokens > \(limit) maximum; shorten the conversation or start the server "
        + "with a larger --context"
    }
    return error.message
  }
}
