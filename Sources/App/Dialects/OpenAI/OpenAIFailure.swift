import JSON
import ModelServing

/// Errors as api.openai.com reports them: `{"error": {"message", "type", "param", "code"}}`.
struct OpenAIFailure: Sendable {
  /// The HTTP status.
  var status: Int
  /// The family: `invalid_request_error`, `rate_limit_error`, `server_error`.
  var type: String
  /// What programs tell errors apart by.
  var code: String?
  /// The path of the field that is wrong.
  var parameter: String?
  /// A sentence for people.
  var message: String
  /// Seconds after which trying again makes sense.
  var retryAfter: Int?
  /// Whether the reply names the way to authenticate.
  var wantsToken = false

  /// The member of the request that holds the prompt, for an error about its length.
  enum Prompt: String, Sendable {
    case messages, prompt, input, content
  }

  /// Expresses an error.
  init(_ error: EndpointError, prompt: Prompt) {
    status = error.status
    type = "invalid_request_error"
    message = error.message
    switch error {
    case .service(let error):
      let failure = OpenAIFailure(error, prompt: prompt)
      (type, code, parameter) = (failure.type, failure.code, failure.parameter)
      (message, retryAfter) = (failure.message, failure.retryAfter)
    case .malformedBody: code = "invalid_json"
    case .unauthorized:
      code = "invalid_api_key"
      wantsToken = true
    case .forbidden:
      type = "permission_error"
      code = "forbidden"
    case .notFound: code = "not_found"
    case .methodNotAllowed: code = "method_not_allowed"
    case .tooLarge: code = "request_too_large"
    case .timeout: code = "request_timeout"
    }
  }

  /// Expresses an error of the service.
  init(_ error: ServiceError, prompt: Prompt) {
    status = EndpointError.service(error).status
    type = "invalid_request_error"
    message = error.description
    switch error {
    case .invalid(_, let parameter):
      self.parameter = parameter
      code = "invalid_value"
    case .unsupported(_, let parameter):
      self.parameter = parameter
      code = "unsupported_value"
    case .unknownModel:
      parameter = "model"
      code = "model_not_found"
    case .contextExceeded(let tokens, let limit):
      parameter = prompt.rawValue
      code = "context_length_exceeded"
      // Agents recognise these words and shorten the conversation themselves.
      message =
        "This model's maximum context length is \(limit) tokens. However, the request needs \(tokens) tokens: the "
        + "input exceeds the context window of this model. Shorten it, ask for a shorter answer, or start the server "
        + "with a larger --context."
    case .overloaded(_, let seconds):
      type = "rate_limit_error"
      code = "rate_limit_exceeded"
      retryAfter = max(1, seconds)
    case .shuttingDown:
      type = "server_error"
      code = "server_shutting_down"
      retryAfter = 1
    case .failed:
      type = "server_error"
      code = "server_error"
    }
  }

  /// The body.
  var json: JSONValue {
    .members(["error": body])
  }

  /// The value of member `error`.
  var body: JSONValue {
    .members([
      "message": .string(message), "type": .string(type),
      "param": parameter.map(JSONValue.string) ?? .null,
      "code": code.map(JSONValue.string) ?? .null,
    ])
  }

  /// The whole reply.
  var reply: EndpointReply {
    var headers: [EndpointReply.HeaderField] = []
    if let retryAfter { headers.append(.init("retry-after", String(retryAfter))) }
    if wantsToken { headers.append(.init("www-authenticate", "Bearer")) }
    return EndpointReply(status: status, headers: headers, json: json)
  }
}
