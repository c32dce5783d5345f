import JSON
import ModelServing

/// Builds the turns of a conversation from `messages`.
///
/// Messages of the same role that follow each other are one turn. Calls must be answered in the user's turn that
/// follows, each once. Results come before the rest of that turn, as the model expects them.
struct AnthropicConversation {
  private(set) var turns: [Turn]
  private var assistant: Turn?
  private var results: [Turn] = []
  private var userTexts: [String] = []
  private var hasUser = false
  /// The calls of the last assistant turn, in order, those of them that wait for their results, and where the message
  /// with the first of them stands.
  private var lastCalls: [Call] = []
  private var openCallIDs: Set<String> = []
  private var openCallsPath = ""
  private var callIDs: Set<String> = []

  /// The turns of a request's messages, after a system turn if there is a system text.
  ///
  /// - Throws: `ServiceError` naming the path of what is wrong.
  static func turns(_ fields: RequestFields) throws(ServiceError) -> [Turn] {
    let system = try AnthropicContent.systemText(fields)
    var conversation = AnthropicConversation(system: system)
    guard let messages = try fields.objects("messages") else {
      throw fields.invalid("messages", "is missing")
    }
    guard !messages.isEmpty else {
      throw fields.invalid("messages", "is empty; at least one message is required")
    }
    let lastUser = messages.lastIndex { $0["role"]?.stringValue == "user" } ?? -1
    for (index, message) in messages.enumerated() {
      try conversation.append(message, isBeforeUser: index < lastUser)
    }
    try conversation.end()
    guard conversation.turns.contains(where: { $0.role != .system }) else {
      throw fields.invalid("messages", "hold nothing to answer")
    }
    return conversation.turns
  }

  private init(system: String) {
    turns = system.isEmpty ? [] : [Turn(role: .system, content: system)]
  }

  private mutating func append(
    _ message: RequestFields, isBeforeUser: Bool
  ) throws(ServiceError) {
    let role = try message.requiredString("role")
    switch role {
    case "user":
      endAssistant()
      try appendUser(message)
    case "assistant":
      try endUser()
      try appendAssistant(message)
    case "system":
      endAssistant()
      try endUser()
      // A note that holds only until the user speaks again is not shown after that.
      if isBeforeUser, try message.string("clear_at") == "next_user_message" { return }
      try appendSystem(message)
    default:
      throw message.invalid("role", "is '\(role)'; it must be user, assistant or system")
    }
  }

  private mutating func appendSystem(_ message: RequestFields) throws(ServiceError) {
    var texts: [String] = []
    for block in try AnthropicContent.blocks(message, "content") {
      let type = try block.requiredString("type")
      guard type == "text" else {
        throw AnthropicContent.unsupported(type, block, where: "system messages")
      }
      let text = try block.requiredString("text")
      if !text.isEmpty { texts.append(text) }
    }
    guard !texts.isEmpty else { return }
    turns.append(
      Turn(role: .system, content: texts.joined(separator: AnthropicContent.separator)))
  }

  private mutating func appendUser(_ message: RequestFields) throws(ServiceError) {
    let blocks = try AnthropicContent.blocks(message, "content")
    var isEmpty = true
    for block in blocks {
      let type = try block.requiredString("type")
      if type == "tool_result" {
        try appendResult(block)
        isEmpty = false
      } else if let text = try AnthropicContent.text(block, type: type) {
        guard !text.isEmpty else { continue }
        userTexts.append(text)
        isEmpty = false
      } else {
        throw AnthropicContent.unsupported(type, block, where: "user messages")
      }
    }
    guard !isEmpty else { throw message.invalid("content", "is empty; a user message must not be") }
    hasUser = true
  }

  private mutating func appendResult(_ block: RequestFields) throws(ServiceError) {
    let toolUseID = try block.requiredString("tool_use_id")
    let callID = AnthropicIdentifiers.callID(toolUseID: toolUseID)
    guard openCallIDs.remove(callID) != nil else {
      throw block.invalid(
        "tool_use_id",
        "'\(toolUseID)' answers no tool_use of the assistant turn before it, or one already answered"
      )
    }
    results.append(
      Turn(role: .tool, content: try AnthropicContent.resultText(block), callID: callID))
  }

  private mutating func appendAssistant(_ message: RequestFields) throws(ServiceError) {
    var turn = assistant ?? Turn(role: .assistant, content: "")
    // Held once only, so that appending does not copy what is there.
    assistant = nil
    for block in try AnthropicContent.blocks(message, "content") {
      let type = try block.requiredString("type")
      switch type {
      case "text": turn.content += try block.requiredString("text")
      case "thinking":
        var thoughts = try block.requiredString("thinking")
        if thoughts.isEmpty, let signature = try block.string("signature") {
          thoughts = AnthropicSignature.hiddenThoughts(in: signature) ?? ""
        }
        if !thoughts.isEmpty { turn.reasoning = (turn.reasoning ?? "") + thoughts }
      // Only its maker can read it.
      case "redacted_thinking": break
      case "tool_use":
        if openCallIDs.isEmpty {
          openCallsPath = message.path
          lastCalls = []
        }
        let call = try call(block)
        turn.calls.append(call)
        lastCalls.append(call)
        openCallIDs.insert(call.id)
      default: throw AnthropicContent.unsupported(type, block, where: "assistant messages")
      }
    }
    assistant = turn
  }

  private mutating func call(_ block: RequestFields) throws(ServiceError) -> Call {
    let toolUseID = try block.requiredString("id")
    let id = AnthropicIdentifiers.callID(toolUseID: toolUseID)
    guard !toolUseID.isEmpty, callIDs.insert(id).inserted else {
      throw block.invalid(
        "id", "'\(toolUseID)' is empty or used twice; the ids of calls are unique")
    }
    let input = block["input"] ?? .object([])
    guard input.objectValue != nil else { throw block.invalid("input", "must be an object") }
    var writer = JSONWriter(style: .compact)
    writer.value(input)
    return Call(id: id, name: try block.requiredString("name"), arguments: writer.text)
  }

  private mutating func endAssistant() {
    guard let turn = assistant else { return }
    assistant = nil
    if !turn.content.isEmpty || turn.reasoning != nil || !turn.calls.isEmpty { turns.append(turn) }
  }

  private mutating func endUser() throws(ServiceError) {
    guard hasUser else { return }
    hasUser = false
    try requireResults()
    turns += results
    if !userTexts.isEmpty {
      let text = userTexts.joined(separator: AnthropicContent.separator)
      turns.append(Turn(role: .user, content: text))
    }
    results = []
    userTexts = []
  }

  private func requireResults() throws(ServiceError) {
    guard let call = lastCalls.first(where: { openCallIDs.contains($0.id) }) else { return }
    throw .invalid(
      message:
        "the tool_use '\(AnthropicIdentifiers.toolUseID(callID: call.id))' has no tool_result in the user "
        + "message that follows",
      parameter: openCallsPath)
  }

  private mutating func end() throws(ServiceError) {
    try endUser()
    try requireResults()
    let count = turns.count
    endAssistant()
    if turns.count > count { turns[count].isOpen = true }
  }
}
