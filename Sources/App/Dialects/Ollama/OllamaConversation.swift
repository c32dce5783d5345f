import JSON
import ModelServing

/// Builds the turns of a conversation from `messages`.
///
/// Ollama ties a tool's result to its call by id where both have one, else by the tool's name, else by order. Calls
/// without an id get one that depends only on their place in the conversation.
struct OllamaConversation {
  private(set) var turns: [Turn] = []
  private var open = OpenCalls()
  private var callCount = 0

  /// The turns of a request's messages; a last message of the assistant is left open.
  ///
  /// - Throws: `ServiceError` naming the path of what is wrong.
  static func turns(_ messages: [RequestFields]) throws(ServiceError) -> [Turn] {
    var conversation = OllamaConversation()
    for message in messages { try conversation.append(message) }
    if let last = conversation.turns.indices.last,
      conversation.turns[last].role == .assistant, conversation.turns[last].calls.isEmpty
    {
      conversation.turns[last].isOpen = true
    }
    return conversation.turns
  }

  /// Refuses images.
  static func refuseImages(_ fields: RequestFields) throws(ServiceError) {
    guard let images = try fields.array("images"), !images.isEmpty else { return }
    throw .unsupported(
      message:
        "images are not supported: the models of this server read text only; remove the images or describe "
        + "them in words",
      parameter: fields.path(of: "images"))
  }

  private mutating func append(_ message: RequestFields) throws(ServiceError) {
    try Self.refuseImages(message)
    let role = try message.requiredString("role")
    let content = try message.string("content") ?? ""
    switch role {
    case "system": turns.append(Turn(role: .system, content: content))
    case "user": turns.append(Turn(role: .user, content: content))
    case "assistant":
      let calls = try calls(message)
      open = OpenCalls(calls)
      let thoughts = try message.string("thinking") ?? ""
      turns.append(
        Turn(
          role: .assistant, content: content, reasoning: thoughts.isEmpty ? nil : thoughts,
          calls: calls))
    case "tool":
      let id = try message.string("tool_call_id")
      // `name` is what OpenAI's clients call it.
      let name = try message.string(message["tool_name"] == nil ? "name" : "tool_name")
      guard let call = open.take(id: id, name: name) else {
        throw message.invalid("role", "is 'tool', but no call of the assistant waits for a result")
      }
      turns.append(Turn(role: .tool, content: content, callID: call.id))
    default:
      throw message.invalid("role", "is '\(role)'; it must be system, user, assistant or tool")
    }
  }

  private mutating func calls(_ message: RequestFields) throws(ServiceError) -> [Call] {
    var calls: [Call] = []
    for entry in try message.objects("tool_calls") ?? [] {
      guard let function = try entry.object("function") else {
        throw entry.invalid("function", "is missing")
      }
      let arguments = function["arguments"] ?? .object([])
      guard arguments.objectValue != nil else {
        throw function.invalid("arguments", "must be an object")
      }
      var writer = JSONWriter(style: .compact)
      writer.value(arguments)
      let id = try entry.string("id") ?? ""
      calls.append(
        Call(
          id: id.isEmpty ? "call_ollama_\(callCount)" : id,
          name: try function.requiredString("name"), arguments: writer.text))
      callCount += 1
    }
    return calls
  }
}

/// Calls that wait for their results. Each take is O(1) on average.
private struct OpenCalls {
  private var calls: [Call] = []
  private var isTaken: [Bool] = []
  private var first = 0
  private var indexOfID: [String: Int] = [:]
  private var indicesOfName: [String: [Int]] = [:]

  init() {}

  init(_ calls: [Call]) {
    self.calls = calls
    isTaken = Array(repeating: false, count: calls.count)
    for (index, call) in calls.enumerated() {
      if indexOfID[call.id] == nil { indexOfID[call.id] = index }
    }
    // Last first, so that the next of a name is the last element.
    for (index, call) in calls.enumerated().reversed() {
      indicesOfName[call.name, default: []].append(index)
    }
  }

  mutating func take(id: String?, name: String?) -> Call? {
    if let id, let index = indexOfID[id], !isTaken[index] { return take(index) }
    if let name {
      while let index = indicesOfName[name]?.popLast() {
        if !isTaken[index] { return take(index) }
      }
    }
    while first < calls.count, isTaken[first] { first += 1 }
    return first < calls.count ? take(first) : nil
  }

  private mutating func take(_ index: Int) -> Call {
    isTaken[index] = true
    return calls[index]
  }
}
