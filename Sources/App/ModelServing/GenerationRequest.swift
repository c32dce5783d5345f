import JSON

/// A request for an answer or for the continuation of a text.
public struct GenerationRequest: Hashable, Sendable {
  /// What is continued.
  public enum Prompt: Hashable, Sendable {
    /// A conversation, oldest turn first.
    case conversation([Turn])
    /// A text as it is, without a chat format.
    case text(String)
    /// Tokens as they are.
    case tokens([Int32])
  }

  /// Which tools the model may or must call.
  public enum ToolChoice: Hashable, Sendable {
    /// The model decides.
    case automatic
    /// No tool is called.
    case none
    /// At least one tool is called.
    case required
    /// This tool is called.
    case named(String)
  }

  /// The form an answer must have.
  public enum Format: Hashable, Sendable {
    /// Any text.
    case text
    /// Any JSON object.
    case jsonObject
    /// JSON that follows a schema.
    case jsonSchema(JSONValue)
    /// Text that a regular expression matches as a whole.
    case regularExpression(String)
    /// Text that a GBNF grammar derives.
    case grammar(String)
  }

  /// How much the model thinks before it answers.
  public enum Thinking: String, Hashable, Sendable, CaseIterable {
    case off, on, high, max
  }

  /// Who waits for the answer.
  public enum Priority: Int, Hashable, Sendable, Comparable {
    /// Work that can wait.
    case background = 0
    /// Someone is waiting.
    case interactive = 1

    /// Background comes before interactive.
    public static func < (left: Priority, right: Priority) -> Bool {
      left.rawValue < right.rawValue
    }
  }

  /// How tokens are chosen; nil everywhere means the model's own advice.
  public struct Sampling: Hashable, Sendable {
    /// 0 always takes the most likely token.
    public var temperature: Double?
    /// The so many most likely tokens stay.
    public var topK: Int?
    /// The most likely tokens that reach this probability together stay.
    public var topP: Double?
    /// Tokens less likely than this share of the most likely one go.
    public var minP: Double?
    /// As in `SamplingSettings` of the engine.
    public var repetitionPenalty: Double?
    /// As OpenAI defines it.
    public var presencePenalty: Double?
    /// As OpenAI defines it.
    public var frequencyPenalty: Double?
    /// How many of the last tokens the penalties look at; 0 for all.
    public var penaltyWindow: Int?
    /// The same seed gives the same answer; nil for a new one.
    public var seed: UInt64?
    /// Added to the logits of tokens.
    public var biases: [Int32: Double]

    /// Makes settings that leave everything to the model's own advice.
    public init() { biases = [:] }
  }

  /// The model's name; empty for the default one.
  public var model: String
  /// What is continued.
  public var prompt: Prompt
  /// The tools offered.
  public var tools: [Tool]
  /// Which of them may or must be called.
  public var toolChoice: ToolChoice
  /// Whether one answer may hold several calls.
  public var allowsParallelCalls: Bool
  /// The form the answer must have.
  public var format: Format
  /// How much to think; nil for the service's default.
  public var thinking: Thinking?
  /// How tokens are chosen.
  public var sampling: Sampling
  /// Texts that end the answer; they are not part of it.
  public var stop: [String]
  /// The longest answer in tokens, thoughts included; nil for as long as the context allows.
  public var maximumTokens: Int?
  /// How many alternatives of every token of the content are reported with their probabilities; nil for no probabilities
  /// at all.
  public var alternatives: Int?
  /// Who waits.
  public var priority: Priority
  /// Requests with the same value share one turn in the queue.
  public var client: String

  /// Makes a request with everything but the prompt left at its default.
  public init(model: String, prompt: Prompt) {
    self.model = model
    self.prompt = prompt
    tools = []
    toolChoice = .automatic
    allowsParallelCalls = true
    format = .text
    thinking = nil
    sampling = Sampling()
    stop = []
    maximumTokens = nil
    alternatives = nil
    priority = .interactive
    client = ""
  }
}

/// One turn of a conversation.
public struct Turn: Hashable, Sendable {
  /// Who speaks.
  public enum Role: String, Hashable, Sendable {
    case system, developer, user, assistant, tool
  }

  /// Who speaks.
  public var role: Role
  /// What is said.
  public var content: String
  /// What the model thought before it spoke.
  public var reasoning: String?
  /// The tools it called.
  public var calls: [Call]
  /// For results: the call that is answered.
  public var callID: String?
  /// Whether the turn is left open for the model to continue (the last, an assistant's).
  public var isOpen: Bool

  /// Makes a turn.
  public init(
    role: Role, content: String, reasoning: String? = nil, calls: [Call] = [],
    callID: String? = nil, isOpen: Bool = false
  ) {
    self.role = role
    self.content = content
    self.reasoning = reasoning
    self.calls = calls
    self.callID = callID
    self.isOpen = isOpen
  }
}

/// A tool that the model may call.
public struct Tool: Hashable, Sendable {
  /// Its name.
  public var name: String
  /// What it is for.
  public var description: String?
  /// The JSON schema of its arguments; nil for none stated.
  public var parameters: JSONValue?
  /// Whether calls must follow the schema whatever the service's default is.
  public var isStrict: Bool

  /// Makes a tool.
  public init(name: String, description: String?, parameters: JSONValue?, isStrict: Bool) {
    self.name = name
    self.description = description
    self.parameters = parameters
    self.isStrict = isStrict
  }
}

/// A call of a tool by the model.
public struct Call: Hashable, Sendable {
  /// Ties the result to the call. Unique; the service recognises its own ids when they come back.
  public var id: String
  /// The tool.
  public var name: String
  /// The arguments: the text of a JSON object.
  public var arguments: String

  /// Makes a call.
  public init(id: String, name: String, arguments: String) {
    self.id = id
    self.name = name
    self.arguments = arguments
  }
}
