/// The prompt format of Llama 3: a header with the role before each turn. No thoughts and no tools.
///
/// As Meta's "Llama 3 model card and prompt formats" describes it: the system text is the application's own, without
/// the dates that the template of Llama 3.1 puts in front.
public struct LlamaChat: ChatEncoding {
  /// Makes a format.
  public init() {}

  /// The markers that end an answer.
  public var endMarkers: [String] { ["<|eot_id|>", "<|end_of_text|>"] }

  /// Takes answers apart that continue `prompt`.
  public func outputParser(for prompt: ChatPrompt) -> ChatOutputParser {
    ChatOutputParser(syntax: .none, startsThinking: false)
  }

  /// The prompt.
  ///
  /// - Throws: `ChatError` for other roles than system, user and assistant, and for tools.
  public func prompt(
    _ messages: [ChatMessage], tools: [ToolDefinition] = []
  ) throws(ChatError) -> ChatPrompt {
    if messages.isEmpty { throw .noMessages }
    if !tools.isEmpty { throw .unsupported(position: 0, what: "tools") }
    var prompt = ChatPrompt()
    prompt.marker("<|begin_of_text|>")
    for (position, message) in messages.enumerated() {
      switch message.role {
      case .system, .user, .assistant: break
      default: throw .unsupportedRole(position: position, role: message.role)
      }
      if !message.toolCalls.isEmpty {
        throw .unsupported(position: position, what: "tool calls")
      }
      appendHeader(message.role.rawValue, to: &prompt)
      prompt.content(message.content)
      if !message.isOpen { prompt.marker("<|eot_id|>") }
    }
    if messages.last?.isOpen != true { appendHeader("assistant", to: &prompt) }
    return prompt
  }

  private func appendHeader(_ role: String, to prompt: inout ChatPrompt) {
    prompt.marker("<|start_header_id|>")
    prompt.format(role)
    prompt.marker("<|end_header_id|>")
    prompt.format("\n\n")
  }
}
