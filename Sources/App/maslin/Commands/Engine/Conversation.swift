import Foundation
import Inference
import TerminalText
import Tokenization

/// A conversation with a model in a terminal: messages, answers as they are made, and the commands that start with `/`.
final class Conversation {
  private let local: LocalModel
  private let session: InferenceSession
  private var messages: [ChatMessage] = []
  private var system: String?
  private var thinking: Thinking
  private var showsThoughts: Bool
  private var sampling: SamplingOptions
  private var settings: SamplingSettings
  private var chat: any ChatEncoding

  init(
    _ local: LocalModel, system: String?, thinking: Thinking, showsThoughts: Bool,
    sampling: SamplingOptions
  ) throws {
    self.local = local
    self.system = system
    self.thinking = thinking
    self.showsThoughts = showsThoughts
    self.sampling = sampling
    settings = sampling.settings(seed: .random(in: 0...(.max)))
    chat = try ModelChat.encoding(
      local.file.metadata, vocabulary: local.tokenizer.vocabulary, thinking: thinking)
    session = local.makeSession()
  }

  /// Asks and shows the answer. A question whose answer fails or is stopped in the prompt is taken back.
  func ask(_ question: String) throws -> Generation.End {
    messages.append(ChatMessage(role: .user, content: question))
    do {
      return try answer()
    } catch {
      messages.removeLast()
      throw error
    }
  }

  private func answer() throws -> Generation.End {
    var all = messages
    if let system { all.insert(ChatMessage(role: .system, content: system), at: 0) }
    let prompt = try chat.prompt(all, tools: [])
    let tokens = try local.tokenizer.encode(prompt)
    let interruption = Interruption()
    let known = sharedPrefix(tokens)
    var timing = AnswerTiming(promptTokens: tokens.count - known)
    guard try take(tokens, after: known, interruption) else {
      messages.removeLast()
      StandardError.write("\nstopped\n")
      return .cancelled
    }
    timing.promptDone()

    let vocabulary = local.tokenizer.vocabulary
    let generation = Generation(
      sampler: try Sampler(settings),
      stopTokens: Set(chat.endTokens(in: vocabulary)),
      tokenLimit: sampling.maximumTokens ?? .max,
      drafter: try sampling.drafter(for: session),
      draftLength: sampling.speculate)
    var detokenizer = StreamingDetokenizer(vocabulary)
    var parser = chat.outputParser(for: prompt)
    let display = AnswerDisplay(showsThoughts: showsThoughts)
    let outcome = try generation.run(session) { token in
      display.show(parser.append(detokenizer.append(token)))
      return !interruption.isRequested && !display.isClosed
    }
    display.show(parser.append(detokenizer.finish()) + parser.finish())
    timing.answerDone(tokens: outcome.tokens.count)
    try display.finish()
    StandardError.write(dimmed(timing.line(outcome)) + "\n")
    messages.append(
      ChatMessage(
        role: .assistant, content: display.content,
        reasoning: display.reasoning.isEmpty ? nil : display.reasoning,
        toolCalls: display.toolCalls))
    return outcome.end
  }

  /// How many tokens the session has taken in already; the last one is taken in again, for its logits.
  private func sharedPrefix(_ tokens: [Int32]) -> Int {
    var common = 0
    while common < min(session.tokens.count, tokens.count - 1),
      session.tokens[common] == tokens[common]
    { common += 1 }
    return common
  }

  /// Brings the session to exactly these tokens, keeping the first `common`. Returns false when stopped.
  private func take(
    _ tokens: [Int32], after common: Int, _ interruption: Interruption
  ) throws -> Bool {
    try session.rollBack(to: common)
    let meter = ProgressMeter("reading", unit: "tokens", total: tokens.count - common)
    defer { meter.finish() }
    try session.append(Array(tokens[common...])) { done in
      meter.update(done)
      return !interruption.isRequested
    }
    return session.logits != nil
  }

  private func dimmed(_ text: String) -> String {
    AnswerDisplay.colorsErrors ? "\u{1B}[2m\(text)\u{1B}[0m" : text
  }

  // MARK: Commands

  private static let help = """
    /help                 this list
    /reset                forget the conversation
    /retry                answer the last question again
    /undo                 take back the last question and its answer
    /system TEXT          instructions for the whole conversation; without TEXT none
    /think off|on|high|max  how long to think first
    /thoughts on|off      show or hide thoughts
    /temperature X        0 always takes the most likely token
    /seed N               the same seed gives the same answer
    /attach FILE          put a file into the conversation
    /tokens               how much of the context is used
    /save FILE            write the conversation as Markdown
    /exit                 end (also Ctrl-D)

    """

  /// Carries out a line that starts with `/`. Returns false when the conversation is over.
  func perform(_ line: String) throws -> Bool {
    let parts = line.split(separator: " ", maxSplits: 1)
    let command = parts.first.map(String.init) ?? line
    let argument = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
    switch command {
    case "/exit", "/quit", "/bye": return false
    case "/help", "/?": StandardError.write(Self.help)
    case "/reset", "/clear":
      messages = []
      StandardError.write("the conversation is forgotten\n")
    case "/retry": try retry()
    case "/undo":
      StandardError.write(takeBack() == nil ? "there is nothing to take back\n" : "taken back\n")
    case "/system":
      system = argument.isEmpty ? nil : argument
      StandardError.write(system == nil ? "no instructions\n" : "instructions set\n")
    case "/think": setThinking(argument)
    case "/thoughts":
      showsThoughts = argument != "off"
      StandardError.write("thoughts are \(showsThoughts ? "shown" : "hidden")\n")
    case "/temperature": set(argument, "a number from 0 to 100") { $0.temperature = $1 }
    case "/seed":
      if let seed = UInt64(argument) {
        settings.seed = seed
        StandardError.write("seed \(seed)\n")
      } else {
        StandardError.write("/seed takes a whole number\n")
      }
    case "/attach": attach(argument)
    case "/tokens":
      StandardError.write(
        "\(session.tokens.count) of \(local.contextLength) tokens, cache "
          + "\(ByteText.gibibytes(session.cacheByteCount))\n")
    case "/save": save(argument)
    default: StandardError.write("\(SafeText.line(command)) is no command; /help lists them\n")
    }
    return true
  }

  private func retry() throws {
    guard let question = takeBack() else {
      StandardError.write("there is no question to answer again\n")
      return
    }
    settings.seed &+= 1
    _ = try ask(question)
  }

  /// Removes the last question and what followed, and returns the question.
  private func takeBack() -> String? {
    guard let index = messages.lastIndex(where: { $0.role == .user }) else { return nil }
    let question = messages[index].content
    messages.removeSubrange(index...)
    return question
  }

  private func setThinking(_ argument: String) {
    guard let choice = Thinking(rawValue: argument) else {
      StandardError.write("/think takes off, on, high or max; now \(thinking.rawValue)\n")
      return
    }
    do {
      chat = try ModelChat.encoding(
        local.file.metadata, vocabulary: local.tokenizer.vocabulary, thinking: choice)
      thinking = choice
      StandardError.write("thinking \(choice.rawValue)\n")
    } catch {
      StandardError.write("\(error)\n")
    }
  }

  private func set(
    _ argument: String, _ expectation: String, _ change: (inout SamplingSettings, Float) -> Void
  ) {
    var changed = settings
    guard let value = Float(argument) else {
      StandardError.write("this takes \(expectation)\n")
      return
    }
    change(&changed, value)
    do {
      try changed.validate()
      settings = changed
      StandardError.write("set\n")
    } catch {
      StandardError.write("\(error)\n")
    }
  }

  private func attach(_ path: String) {
    do {
      let bytes = try InputFile.read(path, limit: 16 << 20)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        StandardError.write("\(SafeText.line(path)) is no UTF-8 text\n")
        return
      }
      let name = URL(fileURLWithPath: path).lastPathComponent
      messages.append(ChatMessage(role: .user, content: "File \(name):\n\n\(text)"))
      StandardError.write("attached \(bytes.count) bytes; ask about them now\n")
    } catch {
      StandardError.write("\(error)\n")
    }
  }

  private func save(_ path: String) {
    guard !path.isEmpty else {
      StandardError.write("/save takes a file name\n")
      return
    }
    var text = system.map { "# System\n\n\($0)\n\n" } ?? ""
    for message in messages {
      text += message.role == .user ? "# User\n\n" : "# Assistant\n\n"
      if let reasoning = message.reasoning {
        text += "> " + reasoning.replacing("\n", with: "\n> ") + "\n\n"
      }
      text += message.content + "\n\n"
    }
    do {
      let sink = try ByteSink(path: path)
      try sink.append(Array(text.utf8))
      try sink.finish()
      StandardError.write("saved\n")
    } catch {
      StandardError.write("\(error)\n")
    }
  }
}
