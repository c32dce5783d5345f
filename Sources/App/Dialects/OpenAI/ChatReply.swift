import JSON
import ModelServing

/// A chat completion as one JSON document.
struct ChatReply: AnswerEncoder {
  let contentType = "application/json"
  let isStreaming = false

  private let head: ReplyHead
  private let hasProbabilities: Bool
  private let usesFunctions: Bool
  private var choices: [CollectedAnswer]

  /// Makes an encoder.
  init(head: ReplyHead, count: Int, hasProbabilities: Bool, usesFunctions: Bool) {
    self.head = head
    self.hasProbabilities = hasProbabilities
    self.usesFunctions = usesFunctions
    choices = Array(repeating: CollectedAnswer(), count: count)
  }

  mutating func encode(_ events: [GenerationEvent], choice index: Int) -> [UInt8] {
    if choices.indices.contains(index) { choices[index].take(events) }
    return []
  }

  mutating func end() -> [UInt8] {
    let figures = choices.map(\.figures)
    var writer = JSONWriter(style: .compact)
    writer.value(
      .members([
        "id": .string(head.id), "object": "chat.completion", "created": .integer(head.created),
        "model": .string(head.model),
        "choices": .array(choices.indices.map { choice($0) }),
        "usage": AnswerFigures.usage(figures, choicesPerPrompt: figures.count),
        "service_tier": .string(head.tier),
        "system_fingerprint": head.fingerprint.map(JSONValue.string) ?? .null,
        "maslin": AnswerFigures.json(figures),
      ]))
    return writer.takeBytes()
  }

  mutating func fail(_ error: ServiceError) -> [UInt8] {
    var writer = JSONWriter(style: .compact)
    writer.value(OpenAIFailure(error, prompt: .messages).json)
    return writer.takeBytes()
  }

  mutating func keepAlive() -> [UInt8] { [] }

  private func choice(_ index: Int) -> JSONValue {
    let answer = choices[index]
    var message = [
      JSONMember(name: "role", value: "assistant"),
      JSONMember(
        name: "content",
        value: answer.content.isEmpty && !answer.calls.isEmpty ? .null : .string(answer.content)),
      JSONMember(name: "refusal", value: .null),
      JSONMember(name: "annotations", value: []),
    ]
    if !answer.reasoning.isEmpty {
      message.append(JSONMember(name: "reasoning_content", value: .string(answer.reasoning)))
      message.append(JSONMember(name: "reasoning", value: .string(answer.reasoning)))
    }
    if usesFunctions {
      if let call = answer.calls.first {
        message.append(JSONMember(name: "function_call", value: ChatReply.function(call)))
      }
    } else if !answer.calls.isEmpty {
      let calls = answer.calls.map { call -> JSONValue in
        .members([
          "id": .string(call.id), "type": "function", "function": ChatReply.function(call),
        ])
      }
      message.append(JSONMember(name: "tool_calls", value: .array(calls)))
    }
    let logprobs: JSONValue =
      hasProbabilities
      ? .members(["content": .array(answer.probabilities.map(\.json)), "refusal": .null]) : .null
    let reason = answer.figures.finishReason(calls: usesFunctions ? "function_call" : "tool_calls")
    return .members([
      "index": .integer(index), "message": .object(message), "logprobs": logprobs,
      "finish_reason": .string(reason),
    ])
  }

  private static func function(_ call: Call) -> JSONValue {
    .members(["name": .string(call.name), "arguments": .string(call.arguments)])
  }
}

/// An answer put together again from its pieces.
struct CollectedAnswer: Sendable {
  /// What was thought.
  var reasoning = ""
  /// What was said.
  var content = ""
  /// The calls.
  var calls: [Call] = []
  /// The probabilities of the tokens of the content.
  var probabilities: [TokenProbability] = []
  /// How it was made.
  var figures = AnswerFigures()

  /// Takes more events.
  mutating func take(_ events: [GenerationEvent]) {
    for event in events {
      switch event {
      case .started(let report): figures.report = report
      case .reasoning(let text): reasoning += text
      case .content(let text, let entries):
        content += text
        probabilities += entries
      case .call(_, let call): calls.append(call)
      case .malformedCall(let text):
        content += text
        figures.malformedCalls += 1
      case .finished(let finish): figures.finish = finish
      }
    }
  }
}
