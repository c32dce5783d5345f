import JSON
import ModelServing

/// What is known about the making of one answer, as replies report it.
struct AnswerFigures: Sendable {
  /// What became of the prompt.
  var report: PromptReport?
  /// How the answer ended.
  var finish: Finish?
  /// Texts that stood where a call should be; the reply holds them as content.
  var malformedCalls = 0

  /// Tokens of the prompt.
  var promptTokens: Int { finish?.promptTokens ?? report?.tokens ?? 0 }
  /// Those of them that were not computed again.
  var reusedTokens: Int { finish?.reusedTokens ?? report?.reused ?? 0 }
  /// Tokens of the answer.
  var answerTokens: Int { finish?.answerTokens ?? 0 }
  /// Those of them that are thoughts.
  var reasoningTokens: Int { finish?.reasoningTokens ?? 0 }

  /// The name of the reason for which the answer ended; nil while it has not.
  var stopReason: String? {
    switch finish?.reason {
    case .endOfTurn: "end_of_turn"
    case .calls: "tool_calls"
    case .stopText: "stop_text"
    case .tokenLimit: "token_limit"
    case .contextFull: "context_full"
    case .loop: "loop"
    case nil: nil
    }
  }

  /// Whether the answer was cut off.
  var isCutOff: Bool {
    switch finish?.reason {
    case .tokenLimit, .contextFull, .loop: true
    case .endOfTurn, .calls, .stopText, nil: false
    }
  }

  /// `finish_reason` of chat completions and completions.
  ///
  /// - Parameter calls: the word for calls of tools.
  func finishReason(calls: String = "tool_calls") -> String {
    switch finish?.reason {
    case .calls: calls
    case .tokenLimit, .contextFull, .loop: "length"
    case .endOfTurn, .stopText, nil: "stop"
    }
  }

  /// Member `maslin`: what the interface has no place for.
  var json: JSONValue {
    var members = [
      JSONMember(name: "stop_reason", value: stopReason.map(JSONValue.string) ?? .null)
    ]
    switch finish?.reason {
    case .stopText(let text): members.append(JSONMember(name: "stop_text", value: .string(text)))
    case .loop(let text): members.append(JSONMember(name: "loop", value: .string(text)))
    default: break
    }
    if malformedCalls > 0 {
      members.append(JSONMember(name: "malformed_tool_calls", value: .integer(malformedCalls)))
    }
    members.append(JSONMember(name: "prompt_tokens", value: .integer(promptTokens)))
    members.append(JSONMember(name: "reused_tokens", value: .integer(reusedTokens)))
    members.append(JSONMember(name: "prefix_miss", value: missJSON))
    if let notes = report?.notes, !notes.isEmpty {
      members.append(JSONMember(name: "notes", value: .array(notes.map(JSONValue.string))))
    }
    if let finish {
      members.append(
        JSONMember(
          name: "timings",
          value: .members([
            "queue_seconds": .number(finish.queueSeconds),
            "prompt_seconds": .number(finish.promptSeconds),
            "answer_seconds": .number(finish.answerSeconds),
            "prompt_tokens_per_second": AnswerFigures.rate(
              finish.promptTokens - finish.reusedTokens, finish.promptSeconds),
            "answer_tokens_per_second": AnswerFigures.rate(
              finish.answerTokens, finish.answerSeconds),
          ])))
    }
    return .object(members)
  }

  /// `json` for several choices: that of the first, and all of them in member `choices`.
  static func json(_ choices: [AnswerFigures]) -> JSONValue {
    guard let first = choices.first else { return .object([]) }
    guard choices.count > 1, case .object(let members) = first.json else { return first.json }
    return .object(members + [JSONMember(name: "choices", value: .array(choices.map(\.json)))])
  }

  private var missJSON: JSONValue {
    guard let miss = report?.miss else { return .null }
    return .members([
      "position": .integer(miss.position), "known": .string(miss.known),
      "given": .string(miss.given), "reason": .string(miss.reason),
    ])
  }

  private static func rate(_ tokens: Int, _ seconds: Double) -> JSONValue {
    guard seconds > 0, tokens >= 0 else { return .null }
    return .number((Double(tokens) / seconds * 100).rounded() / 100)
  }

  /// `usage` of chat completions and completions.
  ///
  /// - Parameters:
  ///   - choices: the figures of all choices.
  ///   - choicesPerPrompt: how many answers in a row share a prompt, which counts once.
  static func usage(_ choices: [AnswerFigures], choicesPerPrompt: Int) -> JSONValue {
    var prompt = 0
    var reused = 0
    for index in stride(from: 0, to: choices.count, by: max(1, choicesPerPrompt)) {
      prompt += choices[index].promptTokens
      reused += choices[index].reusedTokens
    }
    let answer = choices.reduce(0) { $0 + $1.answerTokens }
    let reasoning = choices.reduce(0) { $0 + $1.reasoningTokens }
    return .members([
      "prompt_tokens": .integer(prompt),
      "completion_tokens": .integer(answer),
      "total_tokens": .integer(prompt + answer),
      "prompt_tokens_details": .members([
        "cached_tokens": .integer(reused), "audio_tokens": 0,
      ]),
      "completion_tokens_details": .members([
        "reasoning_tokens": .integer(reasoning), "audio_tokens": 0,
        "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
      ]),
    ])
  }

  /// `usage` of responses.
  var responseUsage: JSONValue {
    .members([
      "input_tokens": .integer(promptTokens),
      "input_tokens_details": .members([
        "cached_tokens": .integer(reusedTokens),
        "cache_write_tokens": .integer(max(0, promptTokens - reusedTokens)),
      ]),
      "output_tokens": .integer(answerTokens),
      "output_tokens_details": .members(["reasoning_tokens": .integer(reasoningTokens)]),
      "total_tokens": .integer(promptTokens + answerTokens),
    ])
  }
}

extension TokenProbability {
  /// An entry of `logprobs.content`.
  var json: JSONValue {
    guard case .object(let members) = TokenProbability.json(chosen) else { return .null }
    return .object(
      members + [
        JSONMember(
          name: "top_logprobs", value: .array(alternatives.map { TokenProbability.json($0) }))
      ])
  }

  /// The logarithm as the interface gives it: -9999 stands for impossible.
  static func logarithm(_ choice: Choice) -> Double {
    choice.logarithm > -9999 ? choice.logarithm : -9999
  }

  private static func json(_ choice: Choice) -> JSONValue {
    .members([
      "token": .string(choice.text), "logprob": .number(logarithm(choice)),
      "bytes": .array(choice.bytes.map { .integer(Int($0)) }),
    ])
  }
}
