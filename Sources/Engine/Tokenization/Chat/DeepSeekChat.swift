/// The prompt format of DeepSeek V4 (specification, section 9).
///
/// The wording is that of the official encoder, `encoding_dsv4.py`, as published with the models (a public copy with
/// its four golden tests is in the repository supermy/ds4rs, folder encoding), and, for the revision of July 31, of
/// the template that llama.cpp ships (models/templates).
public struct DeepSeekChat: ChatEncoding {
  /// How the model thinks before it answers.
  public enum Thinking: Hashable, Sendable, CaseIterable {
    /// It answers at once.
    case off
    /// It thinks.
    case on
    /// It is asked to think hard. In the first revision the same as `on`.
    case high
    /// It is asked to think as hard as it can; advised only with 393,216 tokens of context or more.
    case maximum
  }

  /// Which of the published formats.
  public enum Revision: Hashable, Sendable, CaseIterable {
    /// V4 as first published.
    case april
    /// V4 Flash of July 31 (0731).
    case july
  }

  /// How the model thinks.
  public var thinking: Thinking
  /// Which format.
  public var revision: Revision
  /// Whether reasoning of answers before the last question is left out. Without effect while tools are offered.
  public var dropsThinking: Bool

  /// Makes a format.
  public init(
    thinking: Thinking = .on, revision: Revision = .april, dropsThinking: Bool = true
  ) {
    self.thinking = thinking
    self.revision = revision
    self.dropsThinking = dropsThinking
  }

  /// The markers that end an answer.
  public var endMarkers: [String] { [Self.end] }

  /// Takes answers apart that continue `prompt`.
  public func outputParser(for prompt: ChatPrompt) -> ChatOutputParser {
    ChatOutputParser(syntax: .dsml, startsThinking: prompt.parts.last?.text == Self.think)
  }

  static let beginning = "<｜begin▁of▁sentence｜>"
  static let end = "<｜end▁of▁sentence｜>"
  static let user = "<｜User｜>"
  static let assistant = "<｜Assistant｜>"
  static let latestReminder = "<｜latest_reminder｜>"
  static let think = "<think>"
  static let endThink = "</think>"
  static let dsml = "｜DSML｜"

  /// The prompt; reasoning, tools, reminders and tasks included.
  ///
  /// - Parameter tools: Offered with the first message if it is a system message, else with an empty one before it.
  /// - Throws: `ChatError` for tools and schemas that are not JSON and for empty developer messages.
  public func prompt(
    _ messages: [ChatMessage], tools: [ToolDefinition] = []
  ) throws(ChatError) -> ChatPrompt {
    if messages.isEmpty { throw .noMessages }
    var turns = try DeepSeekTurn.merged(messages)
    if !tools.isEmpty {
      if turns[0].message.role != .system {
        turns.insert(DeepSeekTurn(message: ChatMessage(role: .system), position: 0), at: 0)
      }
      turns[0].message.tools += tools
    }
    let hasTools = turns.contains { !$0.message.tools.isEmpty }
    let drops = dropsThinking && !hasTools
    if thinking != .off, drops { turns = DeepSeekTurn.withoutPastDevelopers(turns) }

    var prompt = ChatPrompt()
    prompt.marker(Self.beginning)
    prompt.format(effort)
    let lastQuestion = turns.lastIndex { $0.isQuestion } ?? -1
    for index in turns.indices {
      try append(turns, index, lastQuestion, drops, to: &prompt)
      let isBeforeOther =
        index + 1 < turns.count
        && ![.assistant, .latestReminder].contains(turns[index + 1].message.role)
      if !isBeforeOther { handOver(turns[index], index, lastQuestion, drops, to: &prompt) }
    }
    return prompt
  }

  /// Appends what makes the model answer anew although the conversation ends with an answer, which the published
  /// format has no place for.
  public func appendAnswerStart(to prompt: inout ChatPrompt) {
    prompt.marker(Self.assistant)
    prompt.marker(thinking == .off ? Self.endThink : Self.think)
  }

  private func append(
    _ turns: [DeepSeekTurn], _ index: Int, _ lastQuestion: Int, _ drops: Bool,
    to prompt: inout ChatPrompt
  ) throws(ChatError) {
    let turn = turns[index]
    switch turn.message.role {
    case .system:
      prompt.content(turn.message.content)
      try appendExtras(turn, to: &prompt)
    case .developer:
      prompt.marker(Self.user)
      prompt.content(turn.message.content)
      try appendExtras(turn, to: &prompt)
    case .user, .tool:
      prompt.marker(Self.user)
      for (place, block) in turn.blocks.enumerated() {
        if place > 0 { prompt.format("\n\n") }
        switch block {
        case .text(let text): prompt.content(text)
        case .result(_, let text):
          prompt.format("<tool_result>")
          prompt.content(text)
          prompt.format("</tool_result>")
        }
      }
    case .latestReminder:
      prompt.marker(Self.latestReminder)
      prompt.content(turn.message.content)
    case .assistant:
      let answersTask = index > 0 && turns[index - 1].message.task != nil
      if thinking != .off, !answersTask, !drops || index > lastQuestion {
        prompt.content(turn.message.reasoning ?? "")
        prompt.marker(Self.endThink)
      }
      prompt.content(turn.message.content)
      if !turn.message.toolCalls.isEmpty { DSML.append(turn.message.toolCalls, to: &prompt) }
      if !turn.message.isOpen { prompt.marker(Self.end) }
    }
  }

  /// What stands between a turn and the answer to it.
  private func handOver(
    _ turn: DeepSeekTurn, _ index: Int, _ lastQuestion: Int, _ drops: Bool,
    to prompt: inout ChatPrompt
  ) {
    if let task = turn.message.task {
      if task == .action {
        prompt.marker(Self.assistant)
        prompt.marker(thinking == .off ? Self.endThink : Self.think)
      }
      prompt.marker("<｜\(task.rawValue)｜>")
    } else if turn.isQuestion {
      prompt.marker(Self.assistant)
      let thinks = thinking != .off && (!drops || index >= lastQuestion)
      prompt.marker(thinks ? Self.think : Self.endThink)
    }
  }

  private func appendExtras(
    _ turn: DeepSeekTurn, to prompt: inout ChatPrompt
  ) throws(ChatError) {
    if !turn.message.tools.isEmpty {
      prompt.format("\n\n" + DeepSeekWording.toolsHeading)
      for (position, tool) in turn.message.tools.enumerated() {
        guard let function = PythonJSON.parse(tool.function), case .object = function else {
          throw .malformedTool(position: position)
        }
        prompt.content((position > 0 ? "\n" : "") + PythonJSON.text(function))
      }
      prompt.format(DeepSeekWording.toolsEnd)
    }
    if let format = turn.message.responseFormat {
      guard let schema = PythonJSON.parse(format) else {
        throw .malformedResponseFormat(position: turn.position)
      }
      prompt.format("\n\n" + DeepSeekWording.responseFormat)
      prompt.content(PythonJSON.text(schema))
    }
  }

  private var effort: String {
    switch (revision, thinking) {
    case (.april, .maximum), (.july, .high): DeepSeekWording.hardEffort
    case (.july, .maximum): DeepSeekWording.hardestEffort
    default: ""
    }
  }
}

/// A turn of the format: results of tools are part of the user's turns.
struct DeepSeekTurn {
  /// A part of a user's turn.
  enum Block {
    case text(String)
    case result(id: String?, String)
  }

  var message: ChatMessage
  /// The position of its first message.
  var position: Int
  var blocks: [Block] = []

  /// Whether an answer follows.
  var isQuestion: Bool { message.role == .user || message.role == .developer }

  /// Joins neighbouring user messages and results into turns, and puts results in the order of the calls.
  static func merged(_ messages: [ChatMessage]) throws(ChatError) -> [DeepSeekTurn] {
    var turns: [DeepSeekTurn] = []
    for (position, message) in messages.enumerated() {
      let isInUserTurn = turns.last?.message.role == .user
      switch message.role {
      case .tool:
        if !isInUserTurn {
          turns.append(DeepSeekTurn(message: ChatMessage(role: .user), position: position))
        }
        turns[turns.count - 1].blocks.append(.result(id: message.toolCallID, message.content))
      case .user:
        if !isInUserTurn || turns[turns.count - 1].message.task != nil {
          turns.append(DeepSeekTurn(message: message, position: position))
        }
        turns[turns.count - 1].blocks.append(.text(message.content))
      case .developer where message.content.isEmpty:
        throw .unsupported(position: position, what: "no content")
      default: turns.append(DeepSeekTurn(message: message, position: position))
      }
    }
    sortResults(&turns)
    return turns
  }

  private static func sortResults(_ turns: inout [DeepSeekTurn]) {
    var order: [String: Int] = [:]
    for index in turns.indices {
      if turns[index].message.role == .assistant, !turns[index].message.toolCalls.isEmpty {
        order = [:]
        for (place, call) in turns[index].message.toolCalls.enumerated() {
          if let id = call.id, !id.isEmpty { order[id] = place }
        }
      }
      guard turns[index].message.role == .user, !order.isEmpty else { continue }
      var places: [Int] = []
      var results: [(key: Int, place: Int, block: Block)] = []
      for (place, block) in turns[index].blocks.enumerated() {
        guard case .result(let id, _) = block else { continue }
        places.append(place)
        results.append((id.flatMap { order[$0] } ?? 0, place, block))
      }
      results.sort { ($0.key, $0.place) < ($1.key, $1.place) }
      for (place, result) in zip(places, results) { turns[index].blocks[place] = result.block }
    }
  }

  /// Without developer messages before the last question: where past reasoning is dropped they go with it.
  static func withoutPastDevelopers(_ turns: [DeepSeekTurn]) -> [DeepSeekTurn] {
    let last = turns.lastIndex { $0.isQuestion } ?? -1
    return turns.enumerated().filter { $0.offset >= last || $0.element.message.role != .developer }
      .map(\.element)
  }
}
