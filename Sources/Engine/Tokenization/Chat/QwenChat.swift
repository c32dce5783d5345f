import JSON

/// The prompt formats of Qwen (ChatML turns).
///
/// The wording is that of the templates published with the models; llama.cpp ships copies (models/templates:
/// Qwen-Qwen2.5-7B-Instruct, Qwen-Qwen3-0.6B, Qwen3.5-4B).
public struct QwenChat: ChatEncoding {
  /// Which of the published formats.
  public enum Revision: Hashable, Sendable, CaseIterable {
    /// Qwen 2.5 and plain ChatML: no thoughts, a default system text.
    case qwen25
    /// Qwen 3: thoughts, calls as JSON.
    case qwen3
    /// Qwen 3.5: thoughts, calls as `<function=...>`.
    case qwen35
  }

  /// Which format.
  public var revision: Revision
  /// Whether the model may think before it answers. Without effect for Qwen 2.5.
  public var thinks: Bool

  /// Makes a format.
  public init(revision: Revision, thinks: Bool = true) {
    self.revision = revision
    self.thinks = thinks
  }

  static let start = "<|im_start|>"
  static let end = "<|im_end|>"

  /// The markers that end an answer.
  public var endMarkers: [String] { [Self.end, "<|endoftext|>"] }

  /// Takes answers apart that continue `prompt`.
  public func outputParser(for prompt: ChatPrompt) -> ChatOutputParser {
    ChatOutputParser(
      syntax: revision == .qwen35 ? .function : .json,
      startsThinking: prompt.parts.last?.text.hasSuffix("<think>\n") ?? false)
  }

  /// The prompt.
  ///
  /// - Throws: `ChatError` for tools that are not JSON and for what only DeepSeek's format can say.
  public func prompt(
    _ messages: [ChatMessage], tools: [ToolDefinition] = []
  ) throws(ChatError) -> ChatPrompt {
    if messages.isEmpty { throw .noMessages }
    try check(messages)
    var prompt = ChatPrompt()
    try appendSystem(messages, tools, to: &prompt)
    let lastQuestion = self.lastQuestion(messages)
    for (index, message) in messages.enumerated() {
      switch message.role {
      case .system:
        if index > 0 { appendTurn("system", message.content, to: &prompt) }
      case .user: appendTurn("user", trimmed(message.content), to: &prompt)
      case .assistant:
        append(
          message, isRecent: index > lastQuestion, isLast: index == messages.count - 1,
          to: &prompt)
      case .tool: appendResult(messages, index, to: &prompt)
      case .developer, .latestReminder:
        throw .unsupportedRole(position: index, role: message.role)
      }
    }
    if messages.last?.isOpen == true { return prompt }
    prompt.marker(Self.start)
    prompt.format("assistant\n")
    switch (revision, thinks) {
    case (.qwen3, false), (.qwen35, false): prompt.format("<think>\n\n</think>\n\n")
    case (.qwen35, true): prompt.format("<think>\n")
    case (.qwen3, true), (.qwen25, _): break
    }
    return prompt
  }

  private func check(_ messages: [ChatMessage]) throws(ChatError) {
    for (index, message) in messages.enumerated() {
      if message.role == .system, index > 0, revision == .qwen35 {
        throw .unsupported(position: index, what: "a system text that is not the first")
      }
      if message.isOpen, index < messages.count - 1 || message.role != .assistant {
        throw .unsupported(position: index, what: "an open end before the end")
      }
      if message.task != nil { throw .unsupported(position: index, what: "a task") }
      if message.responseFormat != nil {
        throw .unsupported(position: index, what: "a response format")
      }
      if !message.tools.isEmpty {
        throw .unsupported(position: index, what: "tools of its own")
      }
    }
  }

  /// Qwen 3.5 leaves white space at the ends of messages out.
  private func trimmed(_ text: String) -> String {
    guard revision == .qwen35 else { return text }
    var scalars = text.unicodeScalars[...]
    while scalars.first?.properties.isWhitespace == true { scalars.removeFirst() }
    while scalars.last?.properties.isWhitespace == true { scalars.removeLast() }
    return String(scalars)
  }

  private func appendSystem(
    _ messages: [ChatMessage], _ tools: [ToolDefinition], to prompt: inout ChatPrompt
  ) throws(ChatError) {
    var system = messages[0].role == .system ? trimmed(messages[0].content) : nil
    let standard = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
    if revision == .qwen25, system == nil { system = standard }
    guard !tools.isEmpty else {
      if let system { appendTurn("system", system, to: &prompt) }
      return
    }
    prompt.marker(Self.start)
    prompt.format("system\n")
    if revision != .qwen35, let system {
      prompt.content(system)
      prompt.format("\n\n")
    }
    prompt.format(revision == .qwen35 ? QwenWording.functionHeading : QwenWording.toolHeading)
    for (position, tool) in tools.enumerated() {
      guard let function = PythonJSON.parse(tool.function), case .object = function else {
        throw .malformedTool(position: position)
      }
      prompt.format("\n")
      let value = JSONValue.members(["type": "function", "function": function])
      prompt.content(PythonJSON.text(value))
    }
    prompt.format(revision == .qwen35 ? QwenWording.functionEnd : QwenWording.toolEnd)
    if revision == .qwen35, let system, !system.isEmpty {
      prompt.format("\n\n")
      prompt.content(system)
    }
    prompt.marker(Self.end)
    prompt.format("\n")
  }

  private func appendTurn(_ role: String, _ content: String, to prompt: inout ChatPrompt) {
    prompt.marker(Self.start)
    prompt.format(role + "\n")
    prompt.content(content)
    prompt.marker(Self.end)
    prompt.format("\n")
  }

  /// The last user message that is not a result of a tool in disguise; thoughts after it stay.
  private func lastQuestion(_ messages: [ChatMessage]) -> Int {
    let index = messages.lastIndex { message in
      let content = trimmed(message.content)
      return message.role == .user
        && !(content.hasPrefix("<tool_response>") && content.hasSuffix("</tool_response>"))
    }
    return index ?? messages.count - 1
  }

  private func append(
    _ message: ChatMessage, isRecent: Bool, isLast: Bool, to prompt: inout ChatPrompt
  ) {
    prompt.marker(Self.start)
    prompt.format(revision == .qwen25 && !message.toolCalls.isEmpty ? "assistant" : "assistant\n")
    var (reasoning, content) = thoughtAndContent(message)
    let shows = isRecent && (revision == .qwen35 || isLast || !reasoning.isEmpty)
    if revision != .qwen25, shows {
      prompt.format("<think>\n")
      prompt.content(reasoning)
      prompt.format("\n</think>\n\n")
      if revision == .qwen3 { content = String(content.drop { $0 == "\n" }) }
    }
    if revision == .qwen25, !message.toolCalls.isEmpty, !content.isEmpty { prompt.format("\n") }
    prompt.content(content)
    for (place, call) in message.toolCalls.enumerated() {
      if let verbatim = call.verbatim {
        if revision == .qwen25, place == 0, content.isEmpty { prompt.format("\n") }
        prompt.format(verbatim)
      } else if revision == .qwen35 {
        appendFunction(call, isFirst: place == 0, afterContent: !content.isEmpty, to: &prompt)
      } else {
        if revision == .qwen25 || place > 0 || !content.isEmpty { prompt.format("\n") }
        prompt.format("<tool_call>\n{\"name\": \"")
        prompt.content(call.name)
        prompt.format("\", \"arguments\": ")
        let parsed = revision == .qwen25 ? PythonJSON.parse(call.arguments) : nil
        prompt.content(parsed.map(PythonJSON.text) ?? call.arguments)
        prompt.format("}\n</tool_call>")
      }
    }
    if !message.isOpen {
      prompt.marker(Self.end)
      prompt.format("\n")
    }
  }

  /// A thought may also stand in the content, between its marks.
  private func thoughtAndContent(_ message: ChatMessage) -> (reasoning: String, content: String) {
    var content = trimmed(message.content)
    guard revision != .qwen25 else { return ("", content) }
    var reasoning = message.reasoning ?? ""
    let mark = Array("</think>".utf8)
    if message.reasoning == nil {
      let bytes = Array(content.utf8)
      if let first = DSML.find(mark, in: bytes[...]) {
        var thought = bytes[..<first]
        while let open = DSML.find(Array("<think>".utf8), in: thought) {
          thought = thought[(open + 7)...]
        }
        var rest = bytes[first...]
        while let next = DSML.find(mark, in: rest) { rest = rest[(next + mark.count)...] }
        reasoning = String(decoding: thought, as: UTF8.self)
        content = String(decoding: rest.drop { $0 == 0x0A }, as: UTF8.self)
      }
    }
    if revision == .qwen35 { return (trimmed(reasoning), content) }
    var thought = Array(reasoning.utf8)[...]
    thought = thought.drop { $0 == 0x0A }
    while thought.last == 0x0A { thought.removeLast() }
    return (String(decoding: thought, as: UTF8.self), content)
  }

  private func appendFunction(
    _ call: ToolCall, isFirst: Bool, afterContent: Bool, to prompt: inout ChatPrompt
  ) {
    prompt.format(isFirst ? (afterContent ? "\n\n" : "") : "\n")
    prompt.format("<tool_call>\n<function=")
    prompt.content(call.name)
    prompt.format(">\n")
    for member in PythonJSON.members(call.arguments) ?? [] {
      prompt.format("<parameter=")
      prompt.content(member.name)
      prompt.format(">\n")
      prompt.content(functionValue(member.value))
      prompt.format("\n</parameter>\n")
    }
    prompt.format("</function>\n</tool_call>")
  }

  /// Values that are not text or collections appear as Python writes them.
  private func functionValue(_ value: JSONValue) -> String {
    switch value {
    case .string(let text): text
    case .bool(let value): value ? "True" : "False"
    case .null: "None"
    default: PythonJSON.text(value)
    }
  }

  private func appendResult(
    _ messages: [ChatMessage], _ index: Int, to prompt: inout ChatPrompt
  ) {
    if index == 0 || messages[index - 1].role != .tool {
      prompt.marker(Self.start)
      prompt.format("user")
    }
    prompt.format("\n<tool_response>\n")
    prompt.content(trimmed(messages[index].content))
    prompt.format("\n</tool_response>")
    if index == messages.count - 1 || messages[index + 1].role != .tool {
      prompt.marker(Self.end)
      prompt.format("\n")
    }
  }
}

/// The fixed texts of the Qwen prompt formats, byte for byte; sources at `QwenChat`.
enum QwenWording {
  static let toolHeading = """
    # Tools

    You may call one or more functions to assist with the user query.

    You are provided with function signatures within <tools></tools> XML tags:
    <tools>
    """

  static let toolEnd = """

    </tools>

    For each function call, return a json object with function name and arguments \
    within <tool_call></tool_call> XML tags:
    <tool_call>
    {"name": <function-name>, "arguments": <args-json-object>}
    </tool_call>
    """

  static let functionHeading = """
    # Tools

    You have access to the following functions:

    <tools>
    """

  static let functionEnd = """

    </tools>

    If you choose to call a function ONLY reply in the following format with NO suffix:

    <tool_call>
    <function=example_function_name>
    <parameter=example_parameter_1>
    value_1
    </parameter>
    <parameter=example_parameter_2>
    This is the value for the second parameter
    that can span
    multiple lines
    </parameter>
    </function>
    </tool_call>

    <IMPORTANT>
    Reminder:
    - Function calls MUST follow the specified format: an inner <function=...></function> block \
    must be nested within <tool_call></tool_call> XML tags
    - Required parameters MUST be specified
    - You may provide optional reasoning for your function call in natural language BEFORE the \
    function call, but NOT after
    - If there is no function call available, answer the question like normal with your current \
    knowledge and do not tell the user about function calls
    </IMPORTANT>
    """
}
