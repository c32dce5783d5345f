import JSON
import ModelServing

/// Makes the reply of `/api/chat` or `/api/generate`: one JSON object a line as the answer comes, or one object.
struct OllamaEncoder: AnswerEncoder {
  /// Where the texts of a reply stand.
  enum Shape: Sendable {
    /// In `message`.
    case chat
    /// In `response` and `thinking`.
    case generate
  }

  /// Parts of the answer not sent yet.
  private struct Parts {
    var thinking = ""
    var content = ""
    var probabilities: [TokenProbability] = []
    var calls: [(call: Call, index: Int, arguments: JSONValue)] = []
    var isEmpty: Bool { thinking.isEmpty && content.isEmpty && calls.isEmpty }
  }

  let isStreaming: Bool
  private let shape: Shape
  private let model: String
  private let clock: OllamaClock
  /// For requests that generate nothing: why the reply is done.
  private let emptyReason: String?
  private var parts = Parts()
  private var callCount = 0
  private var figures = AnswerFigures()
  /// Whether nothing may come any more: the last line is sent, or an error.
  private var isComplete = false

  /// Makes an encoder.
  ///
  /// - Parameters:
  ///   - model: the name that the reply carries.
  ///   - emptyReason: `load` or `unload` for a request that generates nothing, else nil.
  init(
    shape: Shape, model: String, isStreaming: Bool, clock: OllamaClock, emptyReason: String? = nil
  ) {
    self.shape = shape
    self.model = model
    self.isStreaming = isStreaming && emptyReason == nil
    self.clock = clock
    self.emptyReason = emptyReason
  }

  var contentType: String { isStreaming ? "application/x-ndjson" : "application/json" }

  mutating func encode(_ events: [GenerationEvent], choice: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    for event in events where figures.finish == nil && !isComplete {
      switch event {
      case .started(let report): figures.report = report
      case .reasoning(let text):
        if !parts.content.isEmpty || !parts.calls.isEmpty { flush(into: &bytes) }
        parts.thinking += text
      case .content(let text, let probabilities):
        beginContent(into: &bytes)
        parts.content += text
        parts.probabilities += probabilities
      case .malformedCall(let text):
        figures.malformedCalls += 1
        beginContent(into: &bytes)
        parts.content += text
      case .call(_, let call):
        guard let arguments = Self.arguments(call) else {
          figures.malformedCalls += 1
          beginContent(into: &bytes)
          parts.content += call.arguments
          break
        }
        if parts.calls.isEmpty { flush(into: &bytes) }
        parts.calls.append((call, callCount, arguments))
        callCount += 1
      case .finished(let finish):
        flush(into: &bytes)
        figures.finish = finish
      }
    }
    flush(into: &bytes)
    if figures.finish != nil, isStreaming, !isComplete {
      bytes += line(isLast: true)
      isComplete = true
    }
    return bytes
  }

  mutating func end() -> [UInt8] {
    if isStreaming {
      return isComplete ? [] : fail(.failed("the answer ended without saying why"))
    }
    if emptyReason == nil, figures.finish == nil {
      return fail(.failed("the answer ended without saying why"))
    }
    return line(isLast: true)
  }

  mutating func fail(_ error: ServiceError) -> [UInt8] {
    isComplete = true
    var writer = JSONWriter(style: .compact)
    writer.value(OllamaErrors.body(OllamaErrors.message(.service(error))))
    return writer.takeBytes() + [0x0A]
  }

  /// An empty piece: clients read every line as JSON.
  mutating func keepAlive() -> [UInt8] { isStreaming && !isComplete ? line(isLast: false) : [] }

  /// Pieces of a stream follow the order in which they came; a whole reply has a member for each kind.
  private mutating func beginContent(into bytes: inout [UInt8]) {
    if !parts.thinking.isEmpty || !parts.calls.isEmpty { flush(into: &bytes) }
  }

  private mutating func flush(into bytes: inout [UInt8]) {
    guard isStreaming, !parts.isEmpty else { return }
    bytes += line(isLast: false)
    parts = Parts()
  }

  private func line(isLast: Bool) -> [UInt8] {
    var writer = JSONWriter(style: .compact)
    writer.object { writer in
      writer.member("model", model)
      writer.member("created_at", clock.timestamp)
      switch shape {
      case .chat:
        writer.member("message") {
          $0.object {
            $0.member("role", "assistant")
            $0.member("content", parts.content)
            writeThinkingAndCalls(to: &$0)
          }
        }
      case .generate:
        writer.member("response", parts.content)
        writeThinkingAndCalls(to: &writer)
      }
      if !parts.probabilities.isEmpty {
        writer.member("logprobs") { $0.array(of: parts.probabilities, Self.write) }
      }
      writer.member("done", isLast)
      guard isLast else { return }
      if let finish = figures.finish { write(finish, to: &writer) }
      if let emptyReason { writer.member("done_reason", emptyReason) }
    }
    return writer.takeBytes() + [0x0A]
  }

  private func writeThinkingAndCalls(to writer: inout JSONWriter) {
    if !parts.thinking.isEmpty { writer.member("thinking", parts.thinking) }
    guard !parts.calls.isEmpty else { return }
    writer.member("tool_calls") {
      $0.array(of: parts.calls) { writer, entry in
        writer.object {
          $0.member("id", entry.call.id)
          $0.member("function") {
            $0.object {
              $0.member("index", entry.index)
              $0.member("name", entry.call.name)
              $0.member("arguments", entry.arguments)
            }
          }
        }
      }
    }
  }

  private func write(_ finish: Finish, to writer: inout JSONWriter) {
    let total = finish.queueSeconds + finish.promptSeconds + finish.answerSeconds
    writer.member("done_reason", Self.reason(finish.reason))
    writer.member("total_duration", Self.nanoseconds(total))
    // The model is loaded before the server answers at all.
    writer.member("load_duration", 0)
    writer.member("prompt_eval_count", finish.promptTokens)
    writer.member("prompt_eval_duration", Self.nanoseconds(finish.promptSeconds))
    writer.member("eval_count", finish.answerTokens)
    writer.member("eval_duration", Self.nanoseconds(finish.answerSeconds))
    writer.member("maslin", figures.json)
  }

  private static func write(_ writer: inout JSONWriter, _ probability: TokenProbability) {
    writer.object {
      write(probability.chosen, to: &$0)
      if !probability.alternatives.isEmpty {
        $0.member("top_logprobs") {
          $0.array(of: probability.alternatives) { writer, choice in
            writer.object { write(choice, to: &$0) }
          }
        }
      }
    }
  }

  private static func write(_ choice: TokenProbability.Choice, to writer: inout JSONWriter) {
    writer.member("token", choice.text)
    writer.member("logprob") { $0.value(TokenProbability.logarithm(choice)) }
    writer.member("bytes") { $0.array(of: choice.bytes) { $0.value(Int($1)) } }
  }

  private static func reason(_ reason: Finish.Reason) -> String {
    switch reason {
    case .endOfTurn, .calls, .stopText: "stop"
    case .tokenLimit, .contextFull: "length"
    case .loop: "loop"
    }
  }

  private static func nanoseconds(_ seconds: Double) -> Int {
    Int(min(max(seconds, 0), 1e9) * 1e9)
  }

  private static func arguments(_ call: Call) -> JSONValue? {
    if call.arguments.isEmpty { return .object([]) }
    guard let value = try? JSONParser.parse(Array(call.arguments.utf8)), value.objectValue != nil
    else { return nil }
    return value
  }
}
