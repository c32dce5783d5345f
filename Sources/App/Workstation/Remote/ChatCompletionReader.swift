import JSON
import ModelServing

/// Turns the chunks of a streamed chat completion (OpenAI) into events.
struct ChatCompletionReader {
  private var calls: [Call] = []
  private var reason: String?
  private var usage: JSONValue?
  private var extra: JSONValue?
  /// Whether the stream said that it is complete.
  private(set) var isComplete = false

  /// Takes the data of one event.
  ///
  /// - Throws: `ServiceError.failed` for what is no chunk, and for errors the server reports in the stream.
  mutating func append(_ data: [UInt8]) throws(ServiceError) -> [GenerationEvent] {
    if data.elementsEqual("[DONE]".utf8) {
      isComplete = true
      return finish()
    }
    let chunk: JSONValue
    do {
      chunk = try JSONParser.parse(data)
    } catch {
      throw .failed("the server sent a chunk that is not JSON: \(error)")
    }
    if let error = chunk["error"] {
      throw .failed(
        error["message"]?.stringValue ?? "the server reports a failure without a message")
    }
    if let figures = chunk["usage"], figures != .null { usage = figures }
    if let figures = chunk["maslin"] { extra = figures }
    guard let choice = chunk["choices"]?.arrayValue?.first else { return [] }
    if let text = choice["finish_reason"]?.stringValue { reason = text }
    var events: [GenerationEvent] = []
    let delta = choice["delta"]
    let thought = delta?["reasoning_content"]?.stringValue ?? delta?["reasoning"]?.stringValue
    if let thought, !thought.isEmpty { events.append(.reasoning(thought)) }
    if let text = delta?["content"]?.stringValue, !text.isEmpty {
      events.append(.content(text, []))
    }
    for piece in delta?["tool_calls"]?.arrayValue ?? [] { try take(piece) }
    return events
  }

  private mutating func take(_ piece: JSONValue) throws(ServiceError) {
    let index = piece["index"]?.integerValue ?? calls.count
    guard (0...calls.count).contains(index), index < 1024 else {
      throw .failed("the server sent a piece of call \(index) after \(calls.count) calls")
    }
    if index == calls.count { calls.append(Call(id: "", name: "", arguments: "")) }
    if let id = piece["id"]?.stringValue, !id.isEmpty { calls[index].id = id }
    if let name = piece["function"]?["name"]?.stringValue, !name.isEmpty {
      calls[index].name = name
    }
    calls[index].arguments += piece["function"]?["arguments"]?.stringValue ?? ""
  }

  private func finish() -> [GenerationEvent] {
    let prompt = usage?["prompt_tokens"]?.integerValue ?? 0
    let reused = usage?["prompt_tokens_details"]?["cached_tokens"]?.integerValue ?? 0
    let timings = extra?["timings"]
    func seconds(_ name: String) -> Double {
      switch timings?[name] {
      case .number(let value): value
      case .integer(let value): Double(value)
      default: 0
      }
    }
    let end: Finish.Reason =
      switch extra?["stop_reason"]?.stringValue ?? reason {
      case "tool_calls": .calls
      case "token_limit", "length": .tokenLimit
      case "context_full": .contextFull
      case "loop": .loop(extra?["loop"]?.stringValue ?? "the model repeats itself")
      case "stop_text": .stopText(extra?["stop_text"]?.stringValue ?? "")
      default: calls.isEmpty ? .endOfTurn : .calls
      }
    return calls.enumerated().map { .call(index: $0.offset, $0.element) } + [
      .finished(
        Finish(
          reason: end, promptTokens: prompt, reusedTokens: reused,
          answerTokens: usage?["completion_tokens"]?.integerValue ?? 0,
          reasoningTokens:
            usage?["completion_tokens_details"]?["reasoning_tokens"]?.integerValue ?? 0,
          queueSeconds: seconds("queue_seconds"), promptSeconds: seconds("prompt_seconds"),
          answerSeconds: seconds("answer_seconds")))
    ]
  }
}
