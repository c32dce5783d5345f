import JSON
import ModelServing

/// The continuation of texts, as one document or as server-sent events.
struct CompletionEncoder: AnswerEncoder {
  let contentType: String
  let isStreaming: Bool

  private struct Choice {
    var text = ""
    var probabilities: [TokenProbability] = []
    var figures = AnswerFigures()
    /// What is still to be said of the prompt.
    var echo: String
    /// Characters of the text so far, where the next token begins.
    var offset = 0
  }

  private let head: ReplyHead
  private let plan: CompletionRequest
  private let opening: [UInt8]
  private var choices: [Choice]

  /// Makes an encoder.
  init(head: ReplyHead, plan: CompletionRequest) {
    self.head = head
    self.plan = plan
    isStreaming = plan.isStreaming
    contentType = plan.isStreaming ? "text/event-stream" : "application/json"
    opening = Array("data: ".utf8) + head.opening(object: "text_completion", hasTier: false)
    choices = plan.echoes.map { Choice(echo: $0) }
  }

  mutating func encode(_ events: [GenerationEvent], choice index: Int) -> [UInt8] {
    guard choices.indices.contains(index), choices[index].figures.finish == nil else { return [] }
    var text = EventText()
    var position = 0
    while position < events.count {
      switch events[position] {
      case .started(let report):
        choices[index].figures.report = report
        position += 1
        let echo = choices[index].echo
        choices[index].echo = ""
        if !echo.isEmpty { take(EventRun.Content(text: echo), index, &text) }
      case .reasoning:
        // A plain text has no place to keep thoughts apart.
        take(EventRun.Content(text: EventRun.reasoning(events, from: &position)), index, &text)
      case .content, .malformedCall:
        take(EventRun.content(events, from: &position), index, &text)
      case .call:
        // Without tools there are no calls.
        position += 1
      case .finished(let finish):
        choices[index].figures.finish = finish
        if isStreaming { self.finish(index, &text) }
        position = events.count
      }
    }
    return text.bytes
  }

  mutating func end() -> [UInt8] {
    let figures = choices.map(\.figures)
    let usage = AnswerFigures.usage(figures, choicesPerPrompt: plan.choicesPerPrompt)
    guard isStreaming else {
      var writer = JSONWriter(style: .compact)
      writer.value(
        .members([
          "id": .string(head.id), "object": "text_completion", "created": .integer(head.created),
          "model": .string(head.model),
          "system_fingerprint": head.fingerprint.map(JSONValue.string) ?? .null,
          "choices": .array(choices.indices.map { choice($0) }),
          "usage": usage, "maslin": AnswerFigures.json(figures),
        ]))
      return writer.takeBytes()
    }
    var text = EventText()
    if plan.includesUsage {
      text.raw(opening)
      text.raw("],\"usage\":")
      text.value(usage)
      text.raw(",\"maslin\":")
      text.value(AnswerFigures.json(figures))
      text.raw("}\n\n")
    }
    text.raw("data: [DONE]\n\n")
    return text.bytes
  }

  mutating func fail(_ error: ServiceError) -> [UInt8] {
    let failure = OpenAIFailure(error, prompt: .prompt)
    guard !isStreaming else { return ServerSentEvents.event(nil, failure.json) }
    var writer = JSONWriter(style: .compact)
    writer.value(failure.json)
    return writer.takeBytes()
  }

  mutating func keepAlive() -> [UInt8] { isStreaming ? ServerSentEvents.comment : [] }

  private mutating func take(_ run: EventRun.Content, _ index: Int, _ text: inout EventText) {
    choices[index].figures.malformedCalls += run.malformedCalls
    guard isStreaming else {
      choices[index].text += run.text
      choices[index].probabilities += run.probabilities
      return
    }
    text.raw(opening)
    text.raw("{\"text\":")
    text.string(run.text)
    text.raw(",\"index\":")
    text.number(index)
    text.raw(",\"logprobs\":")
    if plan.hasProbabilities, !run.probabilities.isEmpty {
      text.value(CompletionEncoder.probabilities(run.probabilities, from: choices[index].offset))
    } else {
      text.raw("null")
    }
    text.raw(",\"finish_reason\":null}]")
    text.raw(usageMember)
    text.raw("}\n\n")
    choices[index].offset += run.text.unicodeScalars.count
  }

  private var usageMember: [UInt8] {
    plan.includesUsage ? Array(",\"usage\":null".utf8) : []
  }

  private func finish(_ index: Int, _ text: inout EventText) {
    let figures = choices[index].figures
    text.raw(opening)
    text.raw("{\"text\":\"\",\"index\":")
    text.number(index)
    text.raw(",\"logprobs\":null,\"finish_reason\":")
    text.string(figures.finishReason(calls: "stop"))
    text.raw("}]")
    text.raw(usageMember)
    text.raw(",\"maslin\":")
    text.value(figures.json)
    text.raw("}\n\n")
  }

  private func choice(_ index: Int) -> JSONValue {
    let choice = choices[index]
    return .members([
      "text": .string(choice.text), "index": .integer(index),
      "logprobs": plan.hasProbabilities
        ? CompletionEncoder.probabilities(choice.probabilities, from: 0) : .null,
      "finish_reason": .string(choice.figures.finishReason(calls: "stop")),
    ])
  }

  /// The old form of probabilities: parallel arrays, and where every token begins in the text, in characters.
  private static func probabilities(_ entries: [TokenProbability], from start: Int) -> JSONValue {
    var offset = start
    var offsets: [JSONValue] = []
    var alternatives: [JSONValue] = []
    for entry in entries {
      offsets.append(.integer(offset))
      offset += entry.chosen.text.unicodeScalars.count
      var members: [JSONMember] = []
      for choice in entry.alternatives where !members.contains(where: { $0.name == choice.text }) {
        members.append(
          JSONMember(name: choice.text, value: .number(TokenProbability.logarithm(choice))))
      }
      alternatives.append(.object(members))
    }
    return .members([
      "tokens": .array(entries.map { .string($0.chosen.text) }),
      "token_logprobs": .array(entries.map { .number(TokenProbability.logarithm($0.chosen)) }),
      "top_logprobs": .array(alternatives), "text_offset": .array(offsets),
    ])
  }
}
