import GGUF
import Inference
import JSON
import ModelServing
import Tokenization

/// Writes conversations the way a model file wants them.
///
/// - Instructions (system and developer turns) at the start become one system text. Later ones stand where they were
///   given: as a system turn where the format has such turns in the middle (Qwen 2.5 and 3, Llama 3), else as text of the
///   user.
/// - Calls of this service, known by their ids, go back into the prompt byte for byte as the model wrote them, with the
///   thoughts before them if the client did not keep those.
/// - A last assistant turn that is open is continued; one that is not is followed by a new one.
/// - A form for the answer is told to the model too: in DeepSeek's block for it, else as a sentence at the end of the
///   system text (JSON only; regular expressions and grammars are enforced without being told).
struct ConversationPrompt: Sendable {
  /// A prompt and what is needed to read its answer.
  struct Prepared: Sendable {
    /// The prompt.
    var tokens: [Int32]
    /// Takes the answer apart; nil for plain text.
    var parser: ChatOutputParser?
    /// How the answer may begin.
    var thought: ToolCallGrammar.Thought
    /// What the asker may want to know.
    var notes: [String] = []
  }

  /// The bytes that were written for a call, and the thoughts before it.
  struct Replay: Sendable {
    /// The call as the model wrote it.
    var verbatim: String?
    /// The thoughts of the turn.
    var reasoning: String?
  }

  private let metadata: GGUFMetadata
  private let tokenizer: Tokenizer
  private let modelName: String
  private let thinkingByDefault: GenerationRequest.Thinking
  private let replay: @Sendable (Call) -> Replay?
  /// The largest number of tools.
  static let maximumToolCount = 1024

  /// Makes a writer of prompts for a file.
  ///
  /// - Parameter replay: what is known of a call that comes back.
  init(
    _ metadata: GGUFMetadata, tokenizer: Tokenizer, modelName: String,
    thinkingByDefault: GenerationRequest.Thinking,
    replay: @escaping @Sendable (Call) -> Replay?
  ) {
    self.metadata = metadata
    self.tokenizer = tokenizer
    self.modelName = modelName
    self.thinkingByDefault = thinkingByDefault
    self.replay = replay
  }

  /// Whether the model can think before it answers.
  var canThink: Bool {
    switch ChatFormat.encoding(for: tokenizer.vocabulary, thinks: true) {
    case is DeepSeekChat: true
    case let chat as QwenChat: chat.revision != .qwen25
    default: false
    }
  }

  /// Whether the model's format has tools.
  var canCallTools: Bool {
    guard let chat = ChatFormat.encoding(for: tokenizer.vocabulary, thinks: false) else {
      return false
    }
    return !(chat is LlamaChat)
  }

  /// The tokens that end answers: those the vocabulary names, and those the chat format ends turns with.
  var stopTokens: Set<Int32> {
    let chat = ChatFormat.encoding(for: tokenizer.vocabulary, thinks: false)
    return tokenizer.vocabulary.stopTokens.union(
      chat?.endTokens(in: tokenizer.vocabulary) ?? [])
  }

  /// The prompt of a request.
  ///
  /// - Throws: `ServiceError` for what the conversation or the model's format does not allow.
  func prepare(_ request: GenerationRequest) throws(ServiceError) -> Prepared {
    switch request.prompt {
    case .conversation(let turns): return try prepare(turns, request)
    case .text(let text):
      try refuseConversationParts(request)
      var tokens: [Int32] = []
      let special = tokenizer.vocabulary.special
      if special.addsBeginning, let beginning = special.beginning { tokens.append(beginning) }
      return try plain(tokens + tokenizer.encode(text))
    case .tokens(let tokens):
      try refuseConversationParts(request)
      for (position, token) in tokens.enumerated()
      where token < 0 || token >= tokenizer.vocabulary.count {
        throw .invalid(
          message:
            "token \(token) at position \(position) does not exist; the vocabulary has the tokens 0 to "
            + "\(tokenizer.vocabulary.count - 1)",
          parameter: "prompt")
      }
      return try plain(tokens)
    }
  }

  private func plain(_ tokens: [Int32]) throws(ServiceError) -> Prepared {
    if tokens.isEmpty { throw .invalid(message: "is empty", parameter: "prompt") }
    return Prepared(
      tokens: tokens, parser: nil, thought: .none)
  }

  private func refuseConversationParts(_ request: GenerationRequest) throws(ServiceError) {
    guard request.tools.isEmpty else {
      throw .unsupported(
        message: "tools need a conversation, not a text to continue", parameter: "tools")
    }
    switch request.toolChoice {
    case .automatic, .none: break
    case .required, .named:
      throw .invalid(message: "there are no tools to call", parameter: "tool_choice")
    }
  }

  // MARK: Conversations

  private func prepare(
    _ turns: [Turn], _ request: GenerationRequest
  ) throws(ServiceError) -> Prepared {
    try check(turns)
    let encoding = try self.encoding(thinking: request.thinking)
    try checkTools(request, encoding)
    var messages = messages(turns, encoding)
    addFormat(request.format, to: &messages, encoding)
    var prompt: ChatPrompt
    do throws(ChatError) {
      prompt = try encoding.prompt(messages, tools: request.tools.map(Self.definition))
    } catch {
      throw Self.refusal(error, modelName: modelName)
    }
    if let last = turns.last, last.role == .assistant, !last.isOpen,
      let chat = encoding as? DeepSeekChat
    {
      chat.appendAnswerStart(to: &prompt)
    }
    let tokens: [Int32]
    do throws(ChatError) {
      tokens = try tokenizer.encode(prompt)
    } catch {
      throw Self.refusal(error, modelName: modelName)
    }
    var parser = encoding.outputParser(for: prompt)
    for tool in request.tools {
      parser.parameterKinds[tool.name] = ToolParameters.kinds(tool.parameters)
    }
    if request.tools.isEmpty {
      parser.callPlaces = .nowhere
    } else if request.format != .text {
      parser.callPlaces = .beforeContent
    }
    var thought = ToolCallGrammar.Thought.none
    if parser.isReasoning {
      thought = .open
    } else if let chat = encoding as? QwenChat, chat.revision == .qwen3, chat.thinks,
      turns.last?.isOpen != true
    {
      thought = .optional
    }
    return Prepared(
      tokens: tokens, parser: parser, thought: thought,
      notes: Self.repetitions(in: turns) + levels(of: request.thinking, encoding))
  }

  private func check(_ turns: [Turn]) throws(ServiceError) {
    if turns.isEmpty {
      throw .invalid(message: "the conversation has no messages", parameter: "messages")
    }
    for (index, turn) in turns.enumerated() {
      let path = "messages[\(index)]"
      if turn.isOpen, index < turns.count - 1 || turn.role != .assistant {
        throw .invalid(
          message: "only the last message can be left open, and only the assistant's",
          parameter: path)
      }
      if turn.isOpen, !turn.calls.isEmpty {
        throw .unsupported(
          message: "an answer with calls cannot be continued; send their results instead",
          parameter: path)
      }
      if turn.role != .assistant, !turn.calls.isEmpty {
        throw .invalid(message: "only the assistant calls tools", parameter: path)
      }
      guard !canCallTools else { continue }
      if turn.role == .tool || !turn.calls.isEmpty {
        throw .unsupported(
          message:
            "the chat format of '\(modelName)' has no tools, so it has no calls and no results of them",
          parameter: path)
      }
    }
  }

  /// Says when how hard to think, which was asked for, is nothing that the model's format can say.
  private func levels(
    of asked: GenerationRequest.Thinking?, _ encoding: any ChatEncoding
  ) -> [String] {
    guard let asked, asked == .high || asked == .max, encoding is QwenChat else { return [] }
    return ["'\(modelName)' knows no levels of thinking: '\(asked.rawValue)' counts as thinking"]
  }

  private func encoding(
    thinking asked: GenerationRequest.Thinking?
  ) throws(ServiceError) -> any ChatEncoding {
    let canThink = self.canThink
    if let asked, asked != .off, !canThink {
      throw .unsupported(
        message: "'\(modelName)' does not think before it answers", parameter: "thinking")
    }
    var thinking: Thinking =
      switch canThink ? asked ?? thinkingByDefault : .off {
      case .off: .off
      case .on: .on
      case .high: .high
      case .max: .max
      }
    // How hard is something only DeepSeek's format can say.
    if ChatFormat.encoding(for: tokenizer.vocabulary, thinks: true) is QwenChat, thinking != .off {
      thinking = .on
    }
    do {
      return try ModelChat.encoding(
        metadata, vocabulary: tokenizer.vocabulary, thinking: thinking)
    } catch {
      throw .unsupported(
        message:
          "'\(modelName)' is no chat model: its vocabulary has the markers of no known chat format "
          + "(DeepSeek V4, ChatML, Llama 3); ask for the completion of a text instead",
        parameter: "messages")
    }
  }

  private func checkTools(
    _ request: GenerationRequest, _ encoding: any ChatEncoding
  ) throws(ServiceError) {
    let tools = request.tools
    if !tools.isEmpty, encoding is LlamaChat {
      throw .unsupported(
        message: "the chat format of '\(modelName)' has no tools", parameter: "tools")
    }
    if tools.count > Self.maximumToolCount {
      throw .invalid(
        message: "has \(tools.count) entries; at most \(Self.maximumToolCount) are allowed",
        parameter: "tools")
    }
    var names: Set<String> = []
    for (index, tool) in tools.enumerated() {
      guard ToolCallGrammar.isName(tool.name) else {
        throw .invalid(
          message: "is no name for a tool: 1 to 128 characters without spaces, quotes, < and >",
          parameter: "tools[\(index)].name")
      }
      guard names.insert(tool.name).inserted else {
        throw .invalid(
          message: "'\(tool.name)' is the name of two tools", parameter: "tools[\(index)].name")
      }
      if let parameters = tool.parameters, parameters.objectValue == nil {
        throw .invalid(
          message: "must be a JSON schema, an object", parameter: "tools[\(index)].parameters")
      }
    }
    switch request.toolChoice {
    case .automatic, .none: break
    case .required:
      if tools.isEmpty {
        throw .invalid(
          message: "a call is required, but there are no tools", parameter: "tool_choice")
      }
    case .named(let name):
      if !names.contains(name) {
        throw .invalid(message: "there is no tool '\(name)'", parameter: "tool_choice")
      }
    }
  }

  static func definition(_ tool: Tool) -> ToolDefinition {
    var members = [JSONMember(name: "name", value: .string(tool.name))]
    if let description = tool.description {
      members.append(JSONMember(name: "description", value: .string(description)))
    }
    members.append(
      JSONMember(
        name: "parameters",
        value: tool.parameters ?? .members(["type": "object", "properties": .object([])])))
    return ToolDefinition(function: Self.text(.object(members)))
  }

  static func text(_ value: JSONValue) -> String {
    var writer = JSONWriter(style: .compact)
    writer.value(value)
    return String(decoding: writer.takeBytes(), as: UTF8.self)
  }

  private func messages(_ turns: [Turn], _ encoding: any ChatEncoding) -> [ChatMessage] {
    var messages: [ChatMessage] = []
    let hasSystemTurns =
      !(encoding is DeepSeekChat) && (encoding as? QwenChat)?.revision != .qwen35
    for turn in turns {
      switch turn.role {
      case .system, .developer:
        if messages.isEmpty {
          messages.append(ChatMessage(role: .system, content: turn.content))
        } else if messages.count == 1, messages[0].role == .system {
          messages[0].content += "\n\n" + turn.content
        } else {
          messages.append(
            ChatMessage(role: hasSystemTurns ? .system : .user, content: turn.content))
        }
      case .user: messages.append(ChatMessage(role: .user, content: turn.content))
      case .tool:
        messages.append(
          ChatMessage(role: .tool, content: turn.content, toolCallID: turn.callID))
      case .assistant: messages.append(message(turn))
      }
    }
    return messages
  }

  private func message(_ turn: Turn) -> ChatMessage {
    var reasoning = turn.reasoning
    var calls: [ToolCall] = []
    for call in turn.calls {
      let known = replay(call)
      if reasoning == nil { reasoning = known?.reasoning }
      calls.append(
        ToolCall(
          id: call.id, name: call.name, arguments: call.arguments, verbatim: known?.verbatim))
    }
    return ChatMessage(
      role: .assistant, content: turn.content, reasoning: reasoning, toolCalls: calls,
      isOpen: turn.isOpen)
  }

  /// Tells the model about the form of its answer.
  private func addFormat(
    _ format: GenerationRequest.Format, to messages: inout [ChatMessage],
    _ encoding: any ChatEncoding
  ) {
    let schema: JSONValue
    switch format {
    case .text, .regularExpression, .grammar: return
    case .jsonObject: schema = .members(["type": "object"])
    case .jsonSchema(let value): schema = value
    }
    if messages.first?.role != .system {
      messages.insert(ChatMessage(role: .system), at: 0)
    }
    if encoding is DeepSeekChat {
      messages[0].responseFormat = Self.text(schema)
      return
    }
    let sentence: String
    if case .jsonObject = format {
      sentence = "Answer with one JSON object and nothing else."
    } else {
      sentence =
        "Answer with JSON and nothing else. The JSON must follow this schema:\n"
        + Self.text(schema)
    }
    messages[0].content += (messages[0].content.isEmpty ? "" : "\n\n") + sentence
  }

  private static func refusal(_ error: ChatError, modelName: String) -> ServiceError {
    switch error {
    case .noMessages: .invalid(message: error.description, parameter: "messages")
    case .malformedTool(let position):
      .invalid(message: "is not a JSON object", parameter: "tools[\(position)]")
    case .malformedResponseFormat:
      .invalid(message: "is not JSON", parameter: "response_format")
    case .unsupportedRole, .unsupported:
      .unsupported(message: "'\(modelName)': \(error.description)", parameter: "messages")
    case .missingToken: .failed("'\(modelName)': \(error.description)")
    }
  }

  /// From how many equal calls in a row on the asker is told.
  static let repetitionsWorthTelling = 3

  /// A sentence when the last answers all made the same call. The model is not stopped for it: polling is legitimate.
  private static func repetitions(in turns: [Turn]) -> [String] {
    var count = 0
    var repeated: Turn?
    for turn in turns.reversed() where turn.role == .assistant {
      guard !turn.calls.isEmpty else { break }
      if let repeated {
        guard repeated.calls.count == turn.calls.count,
          zip(repeated.calls, turn.calls).allSatisfy({
            $0.name == $1.name && $0.arguments == $1.arguments
          })
        else { break }
      }
      repeated = turn
      count += 1
    }
    guard count >= repetitionsWorthTelling, let name = repeated?.calls.first?.name else {
      return []
    }
    return ["the last \(count) answers all made the same call of '\(name)' with the same arguments"]
  }
}
