import JSON
import ModelServing

/// A request for a response, read.
struct ResponseRequest: Sendable {
  /// What to generate.
  var request: GenerationRequest
  /// Whether the answer leaves in pieces.
  var isStreaming: Bool
  /// Whether the response is kept.
  var isStored: Bool
  /// The tools, and what they are to the client.
  var tools: OfferedTools
  /// The items of this request.
  var inputItems: [JSONValue]
  /// The conversation without instructions.
  var turns: [Turn]
  /// Whether thoughts are given as a summary, where clients that show thoughts look for them.
  var givesSummary: Bool
  /// Whether thoughts are also given in the form that stateless clients send back.
  var sealsReasoning: Bool
  /// The members of the request that the response repeats.
  var echo: [JSONMember]

  /// Reads the body of a request.
  ///
  /// - Parameters:
  ///   - previous: the response that the request continues.
  ///   - client: who asks, as the server knows.
  /// - Throws: `ServiceError` with the path of the member that is wrong.
  init(
    _ value: JSONValue?, previous: ResponseStore.Entry?, store: ResponseStore,
    identifiers: OpenAIDialect.Identifiers, client: String
  ) throws(ServiceError) {
    let body = try RequestFields(value)
    try ResponseRequest.refuseUnsupported(body)
    let input = try ResponseInput(
      body["input"], path: "input", store: store, identifiers: identifiers)
    inputItems = input.items
    turns = (previous?.turns ?? []) + input.turns

    var instructions: [Turn] = []
    switch body["instructions"] {
    case nil: break
    case .string(let text): instructions = [Turn(role: .system, content: text)]
    case let items?:
      instructions = try ResponseInput(
        items, path: "instructions", store: store, identifiers: identifiers
      ).turns
    }
    guard !turns.isEmpty || !instructions.isEmpty else {
      throw body.invalid("input", "is missing")
    }
    request = GenerationRequest(
      model: try GenerationFields.model(body), prompt: .conversation(instructions + turns))
    try GenerationFields(body: body).apply(to: &request, client: client)

    tools = try OfferedTools(response: body)
    try ToolChoiceFields.apply(body, offered: tools, to: &request)
    let text = try body.object("text")
    request.format = try FormatFields.read(body, standard: try text?.object("format"))

    let include = Set((try body.array("include") ?? []).compactMap(\.stringValue))
    let alternatives = try body.integer(
      "top_logprobs", in: 0...GenerationFields.maximumAlternatives)
    if include.contains("message.output_text.logprobs") {
      request.alternatives = alternatives ?? 0
    } else if let alternatives, alternatives > 0 {
      request.alternatives = alternatives
    }
    sealsReasoning = include.contains("reasoning.encrypted_content")
    let reasoning = try body.object("reasoning")
    givesSummary = reasoning?["summary"] != nil || reasoning?["generate_summary"] != nil

    isStreaming = try body.bool("stream") ?? false
    isStored = try body.bool("store") ?? true
    echo = ResponseRequest.echo(body, tools, request, text, reasoning, isStored: isStored)
  }

  private static func refuseUnsupported(_ body: RequestFields) throws(ServiceError) {
    if try body.bool("background") == true {
      throw .unsupported(
        message: "responses are not made in the background; use stream", parameter: "background")
    }
    for name in ["conversation", "prompt"] where body[name] != nil {
      throw .unsupported(
        message: "is not supported; send the conversation in input, or previous_response_id",
        parameter: name)
    }
  }

  private static func echo(
    _ body: RequestFields, _ tools: OfferedTools, _ request: GenerationRequest,
    _ text: RequestFields?, _ reasoning: RequestFields?, isStored: Bool
  ) -> [JSONMember] {
    func member(_ name: String, _ value: JSONValue) -> JSONMember {
      JSONMember(name: name, value: value)
    }
    return [
      member("instructions", body["instructions"] ?? .null),
      member("max_output_tokens", body["max_output_tokens"] ?? .null),
      member("max_tool_calls", body["max_tool_calls"] ?? .null),
      member("parallel_tool_calls", .bool(request.allowsParallelCalls)),
      member("previous_response_id", body["previous_response_id"] ?? .null),
      member("prompt_cache_key", body["prompt_cache_key"] ?? .null),
      member(
        "reasoning",
        .members([
          "effort": reasoning?["effort"] ?? .null, "summary": reasoning?["summary"] ?? .null,
        ])),
      member("safety_identifier", body["safety_identifier"] ?? .null),
      member("service_tier", request.priority == .background ? "flex" : "default"),
      member("store", .bool(isStored)),
      member("temperature", body["temperature"] ?? .null),
      member(
        "text",
        .members([
          "format": text?["format"] ?? .members(["type": "text"]),
          "verbosity": text?["verbosity"] ?? "medium",
        ])),
      member("tool_choice", body["tool_choice"] ?? "auto"),
      member("tools", .array(tools.echo)),
      member("top_logprobs", .integer(request.alternatives ?? 0)),
      member("top_p", body["top_p"] ?? .null),
      member("truncation", "disabled"),
      member("user", body["user"] ?? .null),
      member("metadata", body["metadata"] ?? .object([])),
    ]
  }
}
