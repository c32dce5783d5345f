import JSON
import ModelServing

/// The pieces of a chat completion as server-sent events, in the order of api.openai.com: for every choice its role, then
/// deltas, then its finish; after all of them the usage, if asked for, and `[DONE]`.
struct ChatEncoder: AnswerEncoder {
  let contentType = "text/event-stream"
  let isStreaming = true

  private struct Choice {
    var figures = AnswerFigures()
    var hasRole = false
    var isFinished = false
    /// `data: {...,"choices":[{"index":N,"delta":{`
    var opening: [UInt8]
  }

  private let head: ReplyHead
  private let includesUsage: Bool
  private let usesFunctions: Bool
  private var choices: [Choice]
  /// What closes a piece that does not finish its choice and has no probabilities.
  private let closing: [UInt8]
  private let usageMember: [UInt8]

  /// Makes an encoder.
  ///
  /// - Parameters:
  ///   - head: what all pieces repeat.
  ///   - count: the number of choices.
  ///   - includesUsage: whether a last piece holds the usage.
  ///   - usesFunctions: whether calls are told in the old form.
  init(head: ReplyHead, count: Int, includesUsage: Bool, usesFunctions: Bool) {
    self.head = head
    self.includesUsage = includesUsage
    self.usesFunctions = usesFunctions
    let opening = head.opening(object: "chat.completion.chunk", hasTier: true)
    choices = (0..<count).map { index in
      Choice(
        opening: Array("data: ".utf8) + opening + Array("{\"index\":\(index),\"delta\":{".utf8))
    }
    usageMember = Array((includesUsage ? ",\"usage\":null" : "").utf8)
    closing =
      Array("},\"logprobs\":null,\"finish_reason\":null}]".utf8) + usageMember + Array("}\n\n".utf8)
  }

  mutating func encode(_ events: [GenerationEvent], choice index: Int) -> [UInt8] {
    guard choices.indices.contains(index), !choices[index].isFinished else { return [] }
    var text = EventText()
    var position = 0
    while position < events.count {
      if !choices[index].hasRole {
        choices[index].hasRole = true
        piece(index, &text) {
          $0.raw("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null")
        }
      }
      switch events[position] {
      case .started(let report):
        choices[index].figures.report = report
        position += 1
      case .reasoning:
        let thoughts = EventRun.reasoning(events, from: &position)
        piece(index, &text) { text in
          text.raw("\"reasoning_content\":")
          text.string(thoughts)
          text.raw(",\"reasoning\":")
          text.string(thoughts)
        }
      case .content, .malformedCall:
        let run = EventRun.content(events, from: &position)
        choices[index].figures.malformedCalls += run.malformedCalls
        content(run, index, &text)
      case .call(let number, let call):
        self.call(number, call, index, &text)
        position += 1
      case .finished(let finish):
        choices[index].figures.finish = finish
        choices[index].isFinished = true
        self.finish(index, &text)
        position = events.count
      }
    }
    return text.bytes
  }

  mutating func end() -> [UInt8] {
    var text = EventText()
    if includesUsage {
      let figures = choices.map(\.figures)
      text.raw("data: ")
      text.raw(head.opening(object: "chat.completion.chunk", hasTier: true))
      text.raw("],\"usage\":")
      text.value(AnswerFigures.usage(figures, choicesPerPrompt: figures.count))
      text.raw(",\"maslin\":")
      text.value(AnswerFigures.json(figures))
      text.raw("}\n\n")
    }
    text.raw("data: [DONE]\n\n")
    return text.bytes
  }

  mutating func fail(_ error: ServiceError) -> [UInt8] {
    ServerSentEvents.event(nil, OpenAIFailure(error, prompt: .messages).json)
  }

  mutating func keepAlive() -> [UInt8] { ServerSentEvents.comment }

  private func piece(_ index: Int, _ text: inout EventText, _ delta: (inout EventText) -> Void) {
    text.raw(choices[index].opening)
    delta(&text)
    text.raw(closing)
  }

  private func content(_ run: EventRun.Content, _ index: Int, _ text: inout EventText) {
    guard !run.probabilities.isEmpty else {
      piece(index, &text) { text in
        text.raw("\"content\":")
        text.string(run.text)
      }
      return
    }
    text.raw(choices[index].opening)
    text.raw("\"content\":")
    text.string(run.text)
    text.raw("},\"logprobs\":{\"content\":")
    text.probabilities(run.probabilities)
    text.raw(",\"refusal\":null},\"finish_reason\":null}]")
    text.raw(usageMember)
    text.raw("}\n\n")
  }

  private func call(_ number: Int, _ call: Call, _ index: Int, _ text: inout EventText) {
    if usesFunctions {
      piece(index, &text) { text in
        text.raw("\"function_call\":{\"name\":")
        text.string(call.name)
        text.raw(",\"arguments\":\"\"}")
      }
      piece(index, &text) { text in
        text.raw("\"function_call\":{\"arguments\":")
        text.string(call.arguments)
        text.raw("}")
      }
      return
    }
    piece(index, &text) { text in
      text.raw("\"tool_calls\":[{\"index\":")
      text.number(number)
      text.raw(",\"id\":")
      text.string(call.id)
      text.raw(",\"type\":\"function\",\"function\":{\"name\":")
      text.string(call.name)
      text.raw(",\"arguments\":\"\"}}]")
    }
    piece(index, &text) { text in
      text.raw("\"tool_calls\":[{\"index\":")
      text.number(number)
      text.raw(",\"function\":{\"arguments\":")
      text.string(call.arguments)
      text.raw("}}]")
    }
  }

  private func finish(_ index: Int, _ text: inout EventText) {
    let figures = choices[index].figures
    text.raw(choices[index].opening)
    text.raw("},\"logprobs\":null,\"finish_reason\":")
    text.string(figures.finishReason(calls: usesFunctions ? "function_call" : "tool_calls"))
    text.raw("}]")
    text.raw(usageMember)
    text.raw(",\"maslin\":")
    text.value(figures.json)
    text.raw("}\n\n")
  }
}

/// Events of one kind in a row, which leave as one piece.
enum EventRun {
  /// Text and the probabilities of its tokens.
  struct Content {
    var text = ""
    var probabilities: [TokenProbability] = []
    /// How many of the texts stand where a call should be.
    var malformedCalls = 0
  }

  /// The thoughts from `position` on, which moves behind them.
  static func reasoning(_ events: [GenerationEvent], from position: inout Int) -> String {
    var text = ""
    while position < events.count, case .reasoning(let more) = events[position] {
      text += more
      position += 1
    }
    return text
  }

  /// The content from `position` on, which moves behind it. Text that should have been a call is content, so that
  /// nothing the model said is lost.
  static func content(_ events: [GenerationEvent], from position: inout Int) -> Content {
    var run = Content()
    while position < events.count {
      switch events[position] {
      case .content(let more, let probabilities):
        run.text += more
        run.probabilities += probabilities
      case .malformedCall(let more):
        run.text += more
        run.malformedCalls += 1
      default: return run
      }
      position += 1
    }
    return run
  }
}

extension EventText {
  /// Adds an array of probabilities.
  mutating func probabilities(_ entries: [TokenProbability]) {
    raw("[")
    for (index, entry) in entries.enumerated() {
      if index > 0 { raw(",") }
      choice(entry.chosen)
      raw(",\"top_logprobs\":[")
      for (index, alternative) in entry.alternatives.enumerated() {
        if index > 0 { raw(",") }
        choice(alternative)
        raw("}")
      }
      raw("]}")
    }
    raw("]")
  }

  /// Adds a choice without its closing brace.
  private mutating func choice(_ choice: TokenProbability.Choice) {
    raw("{\"token\":")
    string(choice.text)
    raw(",\"logprob\":")
    number(TokenProbability.logarithm(choice))
    raw(",\"bytes\":[")
    for (index, byte) in choice.bytes.enumerated() {
      if index > 0 { raw(",") }
      number(Int(byte))
    }
    raw("]")
  }
}
