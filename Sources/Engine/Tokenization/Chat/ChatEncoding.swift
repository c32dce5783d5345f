/// How a family of models wants conversations written.
public protocol ChatEncoding: Sendable {
  /// The text that makes the model continue the conversation.
  ///
  /// - Parameter tools: Tools offered in the whole conversation.
  /// - Throws: `ChatError` for what the format cannot express.
  func prompt(_ messages: [ChatMessage], tools: [ToolDefinition]) throws(ChatError) -> ChatPrompt

  /// The markers that end the model's turn, most usual first.
  var endMarkers: [String] { get }

  /// Takes the model's output apart; `prompt` is what it continues.
  func outputParser(for prompt: ChatPrompt) -> ChatOutputParser
}

/// The text of a prompt, with the parts that come from outside kept apart from the format's own.
public struct ChatPrompt: Hashable, Sendable {
  /// Where a part of the text comes from.
  public enum Origin: Hashable, Sendable {
    /// A marker of the format: exactly one token, which the vocabulary must have.
    case marker
    /// Text of the format, in which added tokens are matched.
    case format
    /// Text from outside, in which nothing but text is ever seen.
    case content
  }

  /// A part of the text.
  public struct Part: Hashable, Sendable {
    /// The text.
    public var text: String
    /// Where it comes from.
    public var origin: Origin
  }

  /// The parts in their order; none is empty.
  public private(set) var parts: [Part] = []

  /// Makes an empty prompt.
  public init() {}

  /// All parts together.
  public var text: String { parts.map(\.text).joined() }

  /// Appends text.
  public mutating func append(_ text: String, _ origin: Origin) {
    if !text.isEmpty { parts.append(Part(text: text, origin: origin)) }
  }

  mutating func marker(_ text: String) { append(text, .marker) }
  mutating func format(_ text: String) { append(text, .format) }
  mutating func content(_ text: String) { append(text, .content) }
}

extension Tokenizer {
  /// The tokens of a prompt. Merging and splitting run across parts as if the text were one, but added tokens are
  /// found only inside parts that belong to the format: content cannot forge them.
  ///
  /// - Throws: `ChatError.missingToken` if a marker is not a token of the vocabulary.
  public func encode(_ prompt: ChatPrompt) throws(ChatError) -> [Int32] {
    var text: [UInt8] = []
    var tokens: [(token: Int32, range: Range<Int>)] = []
    for part in prompt.parts {
      let start = text.count
      text.append(contentsOf: part.text.utf8)
      switch part.origin {
      case .marker:
        guard let token = vocabulary.addedToken(part.text) else { throw .missingToken(part.text) }
        tokens.append((token, start..<text.count))
      case .format:
        tokens.append(contentsOf: addedTokens(in: text, start..<text.count))
      case .content: break
      }
    }
    return encode(text, around: tokens)
  }
}
