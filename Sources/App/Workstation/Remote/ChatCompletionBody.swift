import JSON
import ModelServing

/// The body of a chat completion (OpenAI) that asks for what a request wants, streamed, with Maslin's extensions where the
/// interface has no word of its own.
enum ChatCompletionBody {
  /// The body of `request`.
  ///
  /// - Throws: `ServiceError.unsupported` for a prompt that is no conversation.
  static func json(_ request: GenerationRequest) throws(ServiceError) -> JSONValue {
    guard case .conversation(let turns) = request.prompt else {
      throw .unsupported(
        message: "only conversations can be continued by a server", parameter: nil)
    }
    var members: [JSONMember] = []
    func add(_ name: String, _ value: JSONValue?) {
      if let value { members.append(JSONMember(name: name, value: value)) }
    }
    add("model", .string(request.model))
    add("messages", .array(turns.map(message)))
    add("stream", true)
    add("stream_options", .members(["include_usage": true]))
    if !request.tools.isEmpty {
      add("tools", .array(request.tools.map(tool)))
      add("tool_choice", choice(request.toolChoice))
      add("parallel_tool_calls", .bool(request.allowsParallelCalls))
    }
    add("response_format", try format(request.format))
    add("reasoning_effort", request.thinking.map(effort))
    add("temperature", request.sampling.temperature.map { .number($0) })
    add("top_k", request.sampling.topK.map { .integer($0) })
    add("top_p", request.sampling.topP.map { .number($0) })
    add("min_p", request.sampling.minP.map { .number($0) })
    add("repetition_penalty", request.sampling.repetitionPenalty.map { .number($0) })
    add("presence_penalty", request.sampling.presencePenalty.map { .number($0) })
    add("frequency_penalty", request.sampling.frequencyPenalty.map { .number($0) })
    // The interface's seeds are signed; the bits are the same.
    add(
      "seed", request.sampling.seed.map { .integer(Int(bitPattern: UInt(truncatingIfNeeded: $0))) })
    if !request.stop.isEmpty { add("stop", .array(request.stop.map { .string($0) })) }
    add("max_completion_tokens", request.maximumTokens.map { .integer($0) })
    if request.priority == .background { add("service_tier", "flex") }
    return .object(members)
  }

  private static func message(_ turn: Turn) -> JSONValue {
    var members = [
      JSONMember(name: "role", value: .string(turn.role.rawValue)),
      JSONMember(name: "content", value: .string(turn.content)),
    ]
    if let reasoning = turn.reasoning {
      members.append(JSONMember(name: "reasoning_content", value: .string(reasoning)))
    }
    if !turn.calls.isEmpty {
      let calls = turn.calls.map { call in
        JSONValue.members([
          "id": .string(call.id), "type": "function",
          "function": .members([
            "name": .string(call.name), "arguments": .string(call.arguments),
          ]),
        ])
      }
      members.append(JSONMember(name: "tool_calls", value: .array(calls)))
    }
    if let id = turn.callID {
      members.append(JSONMember(name: "tool_call_id", value: .string(id)))
    }
    return .object(members)
  }

  private static func tool(_ tool: Tool) -> JSONValue {
    var function = [JSONMember(name: "name", value: .string(tool.name))]
    if let text = tool.description {
      function.append(JSONMember(name: "description", value: .string(text)))
    }
    if let schema = tool.parameters {
      function.append(JSONMember(name: "parameters", value: schema))
    }
    if tool.isStrict { function.append(JSONMember(name: "strict", value: true)) }
    return .members(["type": "function", "function": .object(function)])
  }

  private static func choice(_ choice: GenerationRequest.ToolChoice) -> JSONValue {
    switch choice {
    case .automatic: "auto"
    case .none: "none"
    case .required: "required"
    case .named(let name):
      .members(["type": "function", "function": .members(["name": .string(name)])])
    }
  }

  private static func format(
    _ format: GenerationRequest.Format
  ) throws(ServiceError) -> JSONValue? {
    switch format {
    case .text: return nil
    case .jsonObject: return .members(["type": "json_object"])
    case .jsonSchema(let schema):
      return .members([
        "type": "json_schema",
        "json_schema": .members(["name": "answer", "strict": true, "schema": schema]),
      ])
    case .regularExpression, .grammar:
      throw .unsupported(
        message: "regular expressions and grammars are not passed on to a server", parameter: nil)
    }
  }

  private static func effort(_ thinking: GenerationRequest.Thinking) -> JSONValue {
    switch thinking {
    case .off: "none"
    case .on: "medium"
    case .high: "high"
    case .max: "xhigh"
    }
  }
}
