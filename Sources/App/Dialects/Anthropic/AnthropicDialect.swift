import JSON
import ModelServing

/// Anthropic's Messages API.
///
/// Source of the wire format: the published API reference and the official Python client, version 2.12.
public enum AnthropicDialect {
  /// The header field that every client of the API sends and clients of other interfaces do not, in lower case: tells
  /// apart who asks for the paths that OpenAI's interface has too.
  public static let marker = "anthropic-version"

  /// `POST /v1/messages` and `POST /v1/messages/count_tokens`; `GET /v1/models` and `GET /v1/models/NAME`, which are for
  /// requests with the `marker` only.
  public static func endpoints() -> [Endpoint] {
    [
      Endpoint(.post, "/v1/messages", failure: AnthropicErrors.reply, action: .answer(answer)),
      Endpoint(
        .post, "/v1/messages/count_tokens", failure: AnthropicErrors.reply,
        action: .reply(countTokens)),
      Endpoint(
        .get, "/v1/models", failure: AnthropicErrors.reply,
        action: .reply { try await AnthropicModels.list($0) }),
      Endpoint(
        .get, "/v1/models/**", failure: AnthropicErrors.reply,
        action: .reply { try await AnthropicModels.one($0, name: $0.parameters["**"] ?? "") }),
    ]
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
