import Constraints
import Inference
import ModelServing
import Synchronization
import Tokenization

/// Makes the grammars that answers are held to, and keeps them: agents send the same tools with every request.
final class AnswerConstraints: Sendable {
  /// What an answer is held to.
  struct Constraint: Sendable {
    /// The grammar; nil for none.
    var grammar: CompiledGrammar?
    /// What of the schemas is not enforced, one sentence each.
    var notes: [String] = []
  }

  /// All of a request that a grammar depends on.
  private struct Key: Hashable {
    var tools: [Tool]
    var calls: ToolCallGrammar.Calls
    var allowsParallelCalls: Bool
    var format: GenerationRequest.Format
    var thought: ToolCallGrammar.Thought
    var isConversation: Bool
  }

  private struct Kept {
    /// Least recently used first.
    var constraints: [(key: Key, constraint: Constraint)] = []
    var table: TokenTable?
  }

  private let vocabulary: Vocabulary
  private let endTokens: Set<Int32>
  private let policy: ServingOptions.CallConstraint
  private let hasFewBits: Bool
  private let kept = Mutex(Kept())
  /// Held while the table of tokens is made, so that it is made once.
  private let making = Mutex(())

  /// How many grammars are kept.
  private static let limit = 32

  /// Makes a maker of grammars for a vocabulary.
  ///
  /// - Parameters:
  ///   - endTokens: the tokens that end answers.
  ///   - hasFewBits: whether most weights have 2 or 3 bits.
  init(
    _ vocabulary: Vocabulary, endTokens: Set<Int32>, policy: ServingOptions.CallConstraint,
    hasFewBits: Bool
  ) {
    self.vocabulary = vocabulary
    self.endTokens = endTokens
    self.policy = policy
    self.hasFewBits = hasFewBits
  }

  /// What the answer to a request is held to.
  ///
  /// - Throws: `ServiceError` for forms and strict tools that cannot be enforced, naming the place, and for what the
  ///   service's options rule out.
  func constraint(
    for request: GenerationRequest, prepared: ConversationPrompt.Prepared
  ) throws(ServiceError) -> Constraint {
    guard let key = try key(for: request, prepared) else { return Constraint() }
    let known = kept.withLock { kept -> Constraint? in
      guard let index = kept.constraints.firstIndex(where: { $0.key == key }) else { return nil }
      let entry = kept.constraints.remove(at: index)
      kept.constraints.append(entry)
      return entry.constraint
    }
    if let known { return known }
    let made = try make(key, syntax: prepared.parser?.syntax ?? .none)
    kept.withLock { kept in
      if kept.constraints.count >= Self.limit { kept.constraints.removeFirst() }
      kept.constraints.append((key, made))
    }
    return made
  }

  /// What the grammar depends on; nil where an answer is not held to any.
  private func key(
    for request: GenerationRequest, _ prepared: ConversationPrompt.Prepared
  ) throws(ServiceError) -> Key? {
    var key = Key(
      tools: request.tools, calls: .optional, allowsParallelCalls: request.allowsParallelCalls,
      format: request.format, thought: prepared.thought, isConversation: prepared.parser != nil)
    let hasForm = request.format != .text
    guard !request.tools.isEmpty, prepared.parser != nil else {
      key.calls = .none
      key.tools = []
      return hasForm ? key : nil
    }
    switch request.toolChoice {
    case .none:
      key.calls = .none
      key.tools = []
      return hasForm || policy != .never ? key : nil
    case .automatic:
      let isStrict = request.tools.contains(where: \.isStrict)
      try check(isNeeded: isStrict, "strict tools", "tools")
      return policy == .always || isStrict || hasForm || policy == .automatic && hasFewBits
        ? key : nil
    case .required:
      try check(isNeeded: true, "required calls", "tool_choice")
      key.calls = .required
    case .named(let name):
      try check(isNeeded: true, "required calls", "tool_choice")
      key.calls = .required
      key.tools = request.tools.filter { $0.name == name }
      key.allowsParallelCalls = false
    }
    return key
  }

  private func check(
    isNeeded: Bool, _ what: String, _ parameter: String
  ) throws(ServiceError) {
    guard isNeeded, policy == .never else { return }
    throw .unsupported(
      message: "\(what) need constrained decoding, which this server was started without",
      parameter: parameter)
  }

  private func make(
    _ key: Key, syntax: ChatOutputParser.Syntax
  ) throws(ServiceError) -> Constraint {
    let table = self.table()
    let content: Grammar?
    do throws(GrammarError) {
      switch key.format {
      case .text: content = nil
      case .jsonObject: content = .jsonObject
      case .jsonSchema(let schema): content = try .jsonSchema(schema)
      case .regularExpression(let pattern): content = try .regularExpression(pattern)
      case .grammar(let text): content = try .gbnf(text)
      }
    } catch {
      throw Self.refusal(error, "response_format")
    }
    let maker = ToolCallGrammar(syntax: syntax, vocabulary: vocabulary, special: table.special)
    do throws(GrammarError) {
      let (grammar, notes) = try maker.answer(
        thought: key.thought, content: content,
        tools: key.tools.map {
          .init(name: $0.name, parameters: $0.parameters, isStrict: $0.isStrict)
        },
        calls: key.calls, allowsParallelCalls: key.allowsParallelCalls)
      return Constraint(grammar: try CompiledGrammar(grammar, table: table), notes: notes)
    } catch {
      throw Self.refusal(error, key.tools.isEmpty ? "response_format" : "tools")
    }
  }

  private static func refusal(_ error: GrammarError, _ parameter: String) -> ServiceError {
    switch error.kind {
    case .syntax, .unsatisfiable: .invalid(message: error.description, parameter: parameter)
    case .unsupported, .tooLarge:
      .unsupported(message: error.description, parameter: parameter)
    }
  }

  /// The tokens of the vocabulary, arranged when first needed.
  private func table() -> TokenTable {
    making.withLock { _ in
      if let table = kept.withLock({ $0.table }) { return table }
      var tokens: [[UInt8]] = []
      tokens.reserveCapacity(vocabulary.count)
      var special: Set<Int32> = []
      for token in 0..<Int32(vocabulary.count) {
        tokens.append(Array(vocabulary.bytes(of: token)))
        switch vocabulary.type(of: token) {
        case .control, .unknown, .unused, nil: special.insert(token)
        case .normal, .userDefined, .byte: break
        }
      }
      let table = TokenTable(tokens: tokens, special: special, endTokens: endTokens)
      kept.withLock { $0.table = table }
      return table
    }
  }
}
