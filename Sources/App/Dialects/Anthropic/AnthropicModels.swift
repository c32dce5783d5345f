import JSON
import ModelServing

/// The models as the Models API lists them.
enum AnthropicModels {
  /// `GET /v1/models`: a page of the list; `after_id`, `before_id` and `limit` choose which.
  static func list(_ input: EndpointInput) async throws(ServiceError) -> EndpointReply {
    var models = await input.service.models()
    var limit = 20
    if let text = input.query["limit"] {
      guard let number = Int(text), (1...1000).contains(number) else {
        throw .invalid(message: "must be a whole number, 1 to 1000", parameter: "limit")
      }
      limit = number
    }
    var hasMore = false
    if let id = input.query["before_id"] {
      models = Array(models.prefix { $0.name != id })
      hasMore = models.count > limit
      models = models.suffix(limit)
    } else {
      if let id = input.query["after_id"], let index = models.firstIndex(where: { $0.name == id }) {
        models = Array(models[(index + 1)...])
      }
      hasMore = models.count > limit
      models = Array(models.prefix(limit))
    }
    return reply(
      .members([
        "data": .array(models.map(description)),
        "has_more": .bool(hasMore),
        "first_id": models.first.map { .string($0.name) } ?? .null,
        "last_id": models.last.map { .string($0.name) } ?? .null,
      ]))
  }

  /// `GET /v1/models/NAME`
  static func one(_ input: EndpointInput, name: String) async throws(ServiceError) -> EndpointReply
  {
    let models = await input.service.models()
    guard let model = models.first(where: { $0.name == name }) else {
      throw .unknownModel(name: name, known: models.map(\.name))
    }
    return reply(description(model))
  }

  private static func reply(_ json: JSONValue) -> EndpointReply {
    let requestID = AnthropicIdentifiers.random("req_")
    return EndpointReply(
      headers: [EndpointReply.HeaderField("request-id", requestID)], json: json)
  }

  private static func description(_ model: ModelDescription) -> JSONValue {
    .members([
      "type": "model",
      "id": .string(model.name),
      "display_name": .string(model.name),
      "created_at": .string(Timestamp.text(seconds: model.created)),
      "lifecycle": "active",
      "max_input_tokens": .integer(model.contextLength),
      "max_tokens": .integer(model.contextLength),
      "capabilities": capabilities(model),
    ])
  }

  private static func capabilities(_ model: ModelDescription) -> JSONValue {
    let thinks = model.canThink
    return .members([
      "batch": support(false),
      "citations": support(false),
      "code_execution": support(false),
      "context_management": support(false),
      "effort": support(
        thinks, ["low", "medium", "high", "xhigh", "max"].map { ($0, support(thinks)) }),
      "image_input": support(false),
      "pdf_input": support(false),
      "server_tools": support(
        false, ["code_execution", "web_search"].map { ($0, support(false)) }),
      "structured_outputs": support(true),
      "thinking": support(
        thinks,
        [
          (
            "types",
            .members([
              "adaptive": support(thinks), "between_tools": support(thinks),
              "disabled": support(true), "enabled": support(thinks),
            ])
          )
        ]),
    ])
  }

  private static func support(_ isThere: Bool, _ details: [(String, JSONValue)] = []) -> JSONValue {
    .object(
      [JSONMember(name: "supported", value: .bool(isThere))]
        + details.map { JSONMember(name: $0.0, value: $0.1) })
  }
}
