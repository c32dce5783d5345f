import Foundation
import ModelServing
import TerminalText

/// A conversation with a model in a terminal: its turns, and answers shown as they are made.
final class Chat {
  /// How a question ended.
  enum End: Hashable {
    case answered(Finish.Reason)
    case stopped
  }

  let source: any ChatSource
  var turns: [Turn] = []
  var system: String?
  var thinking: GenerationRequest.Thinking?
  var showsThoughts: Bool
  var sampling: GenerationRequest.Sampling
  var maximumTokens: Int?
  /// Tokens of the conversation as of the last answer.
  private(set) var contextTokens = 0
  let tools: (any ToolSource)?
  private let consent: ToolConsent
  /// How many times in a row calls are run for one question.
  private let toolRounds: Int

  init(
    _ source: any ChatSource, options: ChatOptions, sampling: SamplingOptions,
    tools: (any ToolSource)?
  ) {
    self.source = source
    self.tools = tools
    system = options.system
    thinking = options.thinking?.thinking
    showsThoughts = !options.hideThoughts
    self.sampling = sampling.requested
    maximumTokens = sampling.maximumTokens
    consent = ToolConsent(policy: options.allowTools ? .allowAll : .ask)
    toolRounds = options.toolRounds
  }

  /// Asks and shows the answer. A question without an answer is taken back.
  func ask(_ question: String) throws -> End {
    let before = turns.count
    turns.append(Turn(role: .user, content: question))
    do {
      let end = try answer()
      if end == .stopped, turns.count == before + 1 { turns.removeSubrange(before...) }
      return end
    } catch {
      turns.removeSubrange(before...)
      throw error
    }
  }

  /// Answers, running the tools the model calls in between.
  private func answer() throws -> End {
    for _ in 0..<toolRounds {
      let end = try oneAnswer()
      guard end == .answered(.calls), tools != nil, let calls = turns.last?.calls else {
        return end
      }
      guard try run(calls) else { return .stopped }
    }
    StandardError.write(
      "maslin: the model called tools \(toolRounds) times in a row and was not asked again; "
        + "--tool-rounds allows more\n")
    return .answered(.calls)
  }

  private func oneAnswer() throws -> End {
    var request = GenerationRequest(model: source.model, prompt: .conversation(allTurns))
    request.thinking = thinking
    request.sampling = sampling
    request.maximumTokens = maximumTokens
    request.tools = tools?.tools ?? []
    let display = AnswerDisplay(showsThoughts: showsThoughts)
    let interruption = Interruption()
    var finish: Finish?
    do {
      let service = source.service
      let sent = request
      finish = try wait {
        var last: Finish?
        for try await events in try await service.generate(sent) {
          display.show(events)
          if case .finished(let finish) = events.last { last = finish }
        }
        return last
      } whileWaiting: {
        interruption.isRequested || display.isClosed
      }
    } catch is CancellationError {
      // What was said until then is kept below.
    }
    try display.finish()
    guard let finish else {
      StandardError.write("stopped\n")
      guard !display.content.isEmpty else { return .stopped }
      append(display)
      return .stopped
    }
    contextTokens = finish.promptTokens + finish.answerTokens
    StandardError.write(AnswerDisplay.dimmed(AnswerFigureLine.text(finish)) + "\n")
    append(display)
    return .answered(finish.reason)
  }

  private var allTurns: [Turn] {
    (system.map { [Turn(role: .system, content: $0)] } ?? []) + turns
  }

  private func append(_ display: AnswerDisplay) {
    turns.append(
      Turn(
        role: .assistant, content: display.content,
        reasoning: display.reasoning.isEmpty ? nil : display.reasoning, calls: display.calls))
  }

  /// Runs calls, each after consent. Returns false when the user stopped them.
  private func run(_ calls: [Call]) throws -> Bool {
    guard let tools else { return false }
    for call in calls {
      var outcome = ToolOutcome(text: "The user did not allow this call.", isError: true)
      if consent.allows(call) {
        let interruption = Interruption()
        do {
          outcome = try wait {
            await tools.call(call)
          } whileWaiting: {
            interruption.isRequested
          }
        } catch is CancellationError {
          outcome = ToolOutcome(text: "The user stopped this call.", isError: true)
        }
        let lines = outcome.text.split(separator: "\n", omittingEmptySubsequences: false)
        let shown = lines.prefix(12).joined(separator: "\n")
        let rest = lines.count > 12 ? "\n... \(lines.count - 12) more lines" : ""
        StandardError.write(AnswerDisplay.dimmed(SafeText.lines(shown) + rest) + "\n")
        if interruption.isRequested { return false }
      }
      turns.append(Turn(role: .tool, content: outcome.text, callID: call.id))
    }
    return true
  }

  /// Removes the last question and what followed, and returns the question.
  func takeBack() -> String? {
    guard let index = turns.lastIndex(where: { $0.role == .user }) else { return nil }
    let question = turns[index].content
    turns.removeSubrange(index...)
    return question
  }

  /// The conversation as Markdown.
  var markdown: String {
    var text = system.map { "# System\n\n\($0)\n\n" } ?? ""
    for turn in turns {
      switch turn.role {
      case .user: text += "# User\n\n"
      case .tool: text += "# Result\n\n"
      default: text += "# Assistant\n\n"
      }
      if let reasoning = turn.reasoning {
        text += "> " + reasoning.replacing("\n", with: "\n> ") + "\n\n"
      }
      if !turn.content.isEmpty { text += turn.content + "\n\n" }
      for call in turn.calls { text += "Call of \(call.name): `\(call.arguments)`\n\n" }
    }
    return text
  }
}

/// The line of figures under an answer.
enum AnswerFigureLine {
  /// `prompt 27 tokens (20 reused), 120.5 a second; answer 84 tokens, 9.7 a second`
  static func text(_ finish: Finish) -> String {
    let computed = finish.promptTokens - finish.reusedTokens
    let reused = finish.reusedTokens > 0 ? " (\(finish.reusedTokens) reused)" : ""
    var text =
      "prompt \(finish.promptTokens) tokens\(reused), "
      + "\(AnswerTiming.rate(computed, finish.promptSeconds)) a second; "
      + "answer \(finish.answerTokens) tokens, "
      + "\(AnswerTiming.rate(finish.answerTokens, finish.answerSeconds)) a second"
    switch finish.reason {
    case .contextFull: text += "; the context is full"
    case .tokenLimit: text += "; ended after the tokens asked for"
    case .loop(let what): text += "; stopped: \(SafeText.line(what))"
    case .endOfTurn, .calls, .stopText: break
    }
    return text
  }
}
