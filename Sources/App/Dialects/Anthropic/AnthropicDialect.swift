import JSON
import ModelServing

/// Anthropic's Messages API.
///
/// Source of the wire format: the published API reference and the official Python client, version 2.12.
public enum AnthropicDialect {
  /// `POST /v1/messages` and `POST /v1/messages/count_tokens`. The list of models shares its path with OpenAI's; see
  /// `sharingModels(of:)`.
  public static func endpoints() -> [Endpoint] {
    [
      Endpoint(.post, "/v1/messages", failure: AnthropicErrors.reply, action: .answer(answer)),
      Endpoint(
        .post, "/v1/messages/count_tokens", failure: AnthropicErrors.reply,
        action: .reply(countTokens)),
    ]
  }

  /// The endpoints of another dialect, changed so that those for `GET /v1/models` and for one model below that path
  /// answer in Anthropic's shape when the request carries the header field `anthropic-version`, which every client of
  /// the Messages API sends. All else stays as it is.
  public static func sharingModels(of endpoints: [Endpoint]) -> [Endpoint] {
    endpoints.map { endpoint in
      guard endpoint.method == .get, case .reply(let other) = endpoint.action,
        endpoint.path == "/v1/models" || endpoint.path.hasPrefix("/v1/models/")
      else { return endpoint }
      var shared = endpoint
      shared.action = .reply { input in
        guard isSpoken(in: input.headers) else { return try await other(input) }
        return await models(input)
      }
      return shared
    }
  }

  /// Whether a request comes from a client of the Messages API.
  ///
  /// - Parameter headers: header fields, names in lower case.
  public static func isSpoken(in headers: [String: String]) -> Bool {
    headers["anthropic-version"] != nil
  }

  /// The list of models, or one of them when the path has a parameter, or the error that says why not, in Anthropic's
  /// shape.
  public static func models(_ input: EndpointInput) async -> EndpointReply {
    do {
      // The path has at most one parameter, whatever it is called there.
      guard let name = input.parameters.values.first else {
        return try await AnthropicModels.list(input)
      }
      return try await AnthropicModels.one(input, name: name)
    } catch {
      return AnthropicErrors.reply(.service(error))
    }
  }

  private static func answer(_ input: EndpointInput) async throws -> AnswerPlan {
    let request = try AnthropicRequest(input.body, client: input.client)
    let id = AnthropicIdentifiers.random("msg_")
    let requestID = AnthropicIdentifiers.random("req_")
    let model = request.generation.model
    let encoder: any AnswerEncoder =
      if request.isStreaming {
        AnthropicEventEncoder(
          id: id, model: model, requestID: requestID, hidesThinking: request.hidesThinking)
      } else {
        AnthropicMessageEncoder(
          id: id, model: model, requestID: requestID, hidesThinking: request.hidesThinking)
      }
    return AnswerPlan(
      requests: [request.generation], encoder: encoder,
      headers: [EndpointReply.HeaderField("request-id", requestID)])
  }

  private static func countTokens(_ input: EndpointInput) async throws -> EndpointReply {
    let request = try AnthropicRequest(input.body, client: input.client, isCount: true)
    let count = try await input.service.countTokens(request.generation)
    return EndpointReply(
      headers: [EndpointReply.HeaderField("request-id", AnthropicIdentifiers.random("req_"))],
      json: .members(["input_tokens": .integer(count)]))
  }
}
