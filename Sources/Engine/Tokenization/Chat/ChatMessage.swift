/// One message of a conversation.
public struct ChatMessage: Hashable, Sendable {
  /// Who speaks.
  public enum Role: String, Hashable, Sendable, CaseIterable {
    /// Instructions for the whole conversation.
    case system
    /// Instructions of the application in the place of a user's turn (DeepSeek).
    case developer
    /// The user.
    case user
    /// The model.
    case assistant
    /// The result of a tool call.
    case tool
    /// Date, place and the like, just before the last question (DeepSeek).
    case latestReminder = "latest_reminder"
  }

  /// An internal task that a DeepSeek turn asks for instead of an answer (specification, 9.1).
  public enum Task: String, Hashable, Sendable, CaseIterable {
    case action, query, authority, domain, title
    case readURL = "read_url"
  }

  /// Who speaks.
  public var role: Role
  /// What is said.
  public var content: String
  /// What the model thought before it spoke.
  public var reasoning: String?
  /// The tools that the model called.
  public var toolCalls: [ToolCall]
  /// For results: the id of the call that is answered.
  public var toolCallID: String?
  /// Tools that are offered with this message (system and developer messages of DeepSeek).
  public var tools: [ToolDefinition]
  /// A JSON schema that answers must follow (system and developer messages of DeepSeek).
  public var responseFormat: String?
  /// The internal task that this turn ends with.
  public var task: Task?
  /// Whether the turn is left open, for the model to continue it (the last, an assistant's).
  public var isOpen: Bool

  /// Makes a message.
  public init(
    role: Role, content: String = "", reasoning: String? = nil, toolCalls: [ToolCall] = [],
    toolCallID: String? = nil, tools: [ToolDefinition] = [], responseFormat: String? = nil,
    task: Task? = nil, isOpen: Bool = false
  ) {
    self.role = role
    self.content = content
    self.reasoning = reasoning
    self.toolCalls = toolCalls
    self.toolCallID = toolCallID
    self.tools = tools
    self.responseFormat = responseFormat
    self.task = task
    self.isOpen = isOpen
  }
}

/// A tool that the model may call.
public struct ToolDefinition: Hashable, Sendable {
  /// A JSON object with `name`, `description` and `parameters` (a JSON schema): the `function` of an OpenAI tool.
  public var function: String

  /// Makes a definition from the JSON text of its function object.
  public init(function: String) { self.function = function }
}

/// A call of a tool by the model.
public struct ToolCall: Hashable, Sendable {
  /// Ties the result to the call.
  public var id: String?
  /// The tool.
  public var name: String
  /// The arguments: a JSON object.
  public var arguments: String
  /// The call exactly as the model wrote it. Where it is present it is what goes back into the prompt, so that the
  /// prompt begins with the very tokens that were computed before; in Qwen's formats with the line breaks before it.
  /// Only for text of the model's own.
  public var verbatim: String?

  /// Makes a call.
  public init(id: String? = nil, name: String, arguments: String, verbatim: String? = nil) {
    self.id = id
    self.name = name
    self.arguments = arguments
    self.verbatim = verbatim
  }
}

/// Why a conversation has no prompt.
public enum ChatError: Error, Hashable, Sendable, CustomStringConvertible {
  /// There are no messages.
  case noMessages
  /// A message of a role that the format does not know. Positions count from 0.
  case unsupportedRole(position: Int, role: ChatMessage.Role)
  /// Something a message cannot have in this format.
  case unsupported(position: Int, what: String)
  /// A tool definition that is not a JSON object.
  case malformedTool(position: Int)
  /// A response format that is not JSON.
  case malformedResponseFormat(position: Int)
  /// The vocabulary has no token for a marker of the format.
  case missingToken(String)

  /// What is wrong and where.
  public var description: String {
    switch self {
    case .noMessages: "the conversation has no messages"
    case .unsupportedRole(let position, let role):
      "message \(position) has the role \(role.rawValue), which this chat format does not know"
    case .unsupported(let position, let what):
      "message \(position) has \(what), which this chat format does not know"
    case .malformedTool(let position):
      "tool \(position) is not a JSON object"
    case .malformedResponseFormat(let position):
      "the response format of message \(position) is not JSON"
    case .missingToken(let text):
      "the vocabulary has no token \(text.debugDescription); the model was made for another chat format"
    }
  }
}
