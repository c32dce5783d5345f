import JSON
import ModelServing

/// A request for a chat completion, read.
struct ChatRequest: Sendable {
  /// What to generate, one for each choice.
  var requests: [GenerationRequest]
  /// Whether the answer leaves in pieces.
  var isStreaming: Bool
  /// Whether a last piece holds the usage.
  var includesUsage: Bool
  /// Whether probabilities were asked for.
  var hasProbabilities: Bool
  /// Whether tools were given in the old form, so that calls are told in it.
  var usesFunctions: Bool

  /// More choices than this are refused.
  static let maximumChoices = 8

  /// Reads the body of a request.
  ///
  /// - Parameter client: who asks, as the server knows.
  /// - Throws: `ServiceError` with the path of the member that is wrong.
  init(_ value: JSONValue?, client: String) throws(ServiceError) {
    let body = try RequestFields(value)
    let isOpen = try body.bool("continue_final_message") ?? false
    var request = GenerationRequest(
      model: try GenerationFields.model(body),
      prompt: .conversation(try ChatMessages.read(body, leavesLastOpen: isOpen)))
    try GenerationFields(body: body).apply(to: &request, client: client)
    for (index, modality) in (try body.array("modalities") ?? []).enumerated()
    where modality != "text" {
      throw .unsupported(
        message: "only text can be made", parameter: "modalities[\(index)]")
    }

    usesFunctions = body["tools"] == nil && body["functions"] != nil
    if usesFunctions {
      try ChatRequest.applyFunctions(body, to: &request)
    } else {
      let offered = try OfferedTools(chat: body)
      try ToolChoiceFields.apply(body, offered: offered, to: &request)
    }
    request.format = try FormatFields.read(body, standard: try body.object("response_format"))

    hasProbabilities = try body.bool("logprobs") ?? false
    let alternatives = try body.integer(
      "top_logprobs", in: 0...GenerationFields.maximumAlternatives)
    if hasProbabilities {
      request.alternatives = alternatives ?? 0
    } else if let alternatives, alternatives > 0 {
      throw body.invalid("top_logprobs", "needs logprobs to be true")
    }

    isStreaming = try body.bool("stream") ?? false
    includesUsage = try body.object("stream_options")?.bool("include_usage") ?? false
    let count = try body.integer("n", in: 1...ChatRequest.maximumChoices) ?? 1
    requests = ChatRequest.choices(of: request, count: count)
  }

  /// The same request several times; with a seed, each choice has the next one, so that they differ and can be repeated.
  static func choices(of request: GenerationRequest, count: Int) -> [GenerationRequest] {
    (0..<count).map { index in
      var choice = request
      choice.sampling.seed = request.sampling.seed.map { $0 &+ UInt64(index) }
      return choice
    }
  }

  private static func applyFunctions(
    _ body: RequestFields, to request: inout GenerationRequest
  ) throws(ServiceError) {
    let offered = try OfferedTools(functions: body)
    request.tools = offered.tools
    request.allowsParallelCalls = false
    guard let choice = body["function_call"] else { return }
    switch choice {
    case "auto": break
    case "none": request.toolChoice = .none
    default:
      let fields = try RequestFields(choice, path: "function_call")
      let name = try fields.requiredString("name")
      guard offered.kinds[name] != nil else {
        throw fields.invalid("name", "'\(name)' is none of the functions of this request")
      }
      request.toolChoice = .named(name)
    }
  }
}

/// The messages of a chat completion.
enum ChatMessages {
  /// Reads member `messages`.
  ///
  /// - Parameter leavesLastOpen: whether the last message, an assistant's, is to be continued.
  static func read(
    _ body: RequestFields, leavesLastOpen: Bool
  ) throws(ServiceError) -> [Turn] {
    guard let messages = try body.objects("messages") else {
      throw body.invalid("messages", "is missing")
    }
    guard !messages.isEmpty else {
      throw body.invalid("messages", "must hold at least one message")
    }
    var turns: [Turn] = []
    turns.reserveCapacity(messages.count)
    var reader = Reader()
    for fields in messages { turns.append(try reader.turn(fields)) }
    let last = messages[messages.count - 1]
    let isPrefix = try last.bool("prefix") ?? false
    if leavesLastOpen || isPrefix {
      guard turns[turns.count - 1].role == .assistant else {
        throw last.invalid("role", "only an assistant's message can be continued")
      }
      turns[turns.count - 1].isOpen = true
    }
    return turns
  }

  private struct Reader {
    /// Calls in the old form, which have no ids, and are still without a result: names and the ids made for them.
    private var openFunctionCalls: [(name: String, id: String)] = []
    private var functionCallCount = 0

    mutating func turn(_ fields: RequestFields) throws(ServiceError) -> Turn {
      let role = try fields.requiredString("role")
      switch role {
      case "system": return Turn(role: .system, content: try content(fields))
      case "developer": return Turn(role: .developer, content: try content(fields))
      case "user": return Turn(role: .user, content: try content(fields))
      case "assistant": return try assistant(fields)
      case "tool":
        // Tools that say nothing are told as null by some clients.
        let result = try MessageContent(fields["content"], path: fields.path(of: "content"))
        return Turn(
          role: .tool, content: result.text, callID: try fields.requiredString("tool_call_id"))
      case "function":
        let name = try fields.requiredString("name")
        guard let index = openFunctionCalls.firstIndex(where: { $0.name == name }) else {
          throw fields.invalid("name", "no call of '\(name)' waits for a result")
        }
        let call = openFunctionCalls.remove(at: index)
        return Turn(role: .tool, content: try content(fields), callID: call.id)
      default:
        throw fields.invalid(
          "role",
          "is '\(role)'; it must be system, developer, user, assistant, tool or function")
      }
    }

    private func content(_ fields: RequestFields) throws(ServiceError) -> String {
      guard let value = fields["content"] else { throw fields.invalid("content", "is missing") }
      return try MessageContent(value, path: fields.path(of: "content")).text
    }

    private mutating func assistant(_ fields: RequestFields) throws(ServiceError) -> Turn {
      let content = try MessageContent(fields["content"], path: fields.path(of: "content"))
      var turn = Turn(role: .assistant, content: content.text, reasoning: content.reasoning)
      if turn.content.isEmpty, let refusal = try fields.string("refusal") { turn.content = refusal }
      for name in ["reasoning_content", "reasoning", "reasoning_text"] {
        if let text = fields[name]?.stringValue, !text.isEmpty {
          turn.reasoning = text
          break
        }
      }
      if let call = try fields.object("function_call") {
        let id = "function_call_\(functionCallCount)"
        functionCallCount += 1
        let name = try call.requiredString("name")
        openFunctionCalls.append((name, id))
        turn.calls.append(Call(id: id, name: name, arguments: try CallArguments.read(call)))
      }
      for call in try fields.objects("tool_calls") ?? [] {
        turn.calls.append(try toolCall(call))
      }
      return turn
    }

    private func toolCall(_ fields: RequestFields) throws(ServiceError) -> Call {
      let type = try fields.string("type") ?? "function"
      guard type == "function" else {
        throw .unsupported(
          message: "calls of type '\(type)' are not supported",
          parameter: fields.path(of: "type"))
      }
      guard let function = try fields.object("function") else {
        throw fields.invalid("function", "is missing")
      }
      return Call(
        id: try fields.requiredString("id"), name: try function.requiredString("name"),
        arguments: try CallArguments.read(function))
    }
  }
}

/// The arguments of a call in the history.
enum CallArguments {
  /// Reads member `arguments`: the text of a JSON object; the object itself, which some clients send, is written as
  /// text; nothing is an empty object.
  static func read(_ fields: RequestFields) throws(ServiceError) -> String {
    switch fields["arguments"] {
    case nil: return "{}"
    case .string(let text): return text.isEmpty ? "{}" : text
    case .object(let members):
      var writer = JSONWriter(style: .compact)
      writer.value(.object(members))
      return writer.text
    default: throw fields.invalid("arguments", "must be the text of a JSON object")
    }
  }
}
