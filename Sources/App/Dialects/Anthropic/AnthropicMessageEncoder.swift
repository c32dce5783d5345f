import JSON
import ModelServing

/// Makes one `message` of a whole answer.
struct AnthropicMessageEncoder: AnswerEncoder {
  private enum Block {
    case thinking(String)
    case text(String)
    case toolUse(Call, input: JSONValue)
  }

  let contentType = "application/json"
  let isStreaming = false
  private let id: String
  private let model: String
  private let requestID: String
  private let hidesThinking: Bool
  private var blocks: [Block] = []
  private var figures = AnswerFigures()

  /// Makes an encoder for the answer of `model`.
  init(id: String, model: String, requestID: String, hidesThinking: Bool) {
    self.id = id
    self.model = model
    self.requestID = requestID
    self.hidesThinking = hidesThinking
  }

  mutating func encode(_ events: [GenerationEvent], choice: Int) -> [UInt8] {
    for event in events where figures.finish == nil {
      switch event {
      case .started(let report): figures.report = report
      case .reasoning(let text): append(text, isThinking: true)
      case .content(let text, _): append(text, isThinking: false)
      case .malformedCall(let text):
        figures.malformedCalls += 1
        append(text, isThinking: false)
      case .call(_, let call):
        if let input = AnthropicCalls.input(call) {
          blocks.append(.toolUse(call, input: input))
        } else {
          figures.malformedCalls += 1
          append(call.arguments, isThinking: false)
        }
      case .finished(let finish): figures.finish = finish
      }
    }
    return []
  }

  mutating func end() -> [UInt8] {
    guard let finish = figures.finish else {
      return fail(.failed("the answer ended without saying why"))
    }
    var writer = JSONWriter(style: .compact)
    writer.object { write(finish, to: &$0) }
    return writer.takeBytes()
  }

  mutating func fail(_ error: ServiceError) -> [UInt8] {
    var writer = JSONWriter(style: .compact)
    writer.value(AnthropicErrors.body(.service(error), requestID: requestID))
    return writer.takeBytes()
  }

  mutating func keepAlive() -> [UInt8] { [] }

  private mutating func append(_ text: String, isThinking: Bool) {
    guard !text.isEmpty else { return }
    switch blocks.popLast() {
    case .thinking(let before)? where isThinking: blocks.append(.thinking(before + text))
    case .text(let before)? where !isThinking: blocks.append(.text(before + text))
    case let last:
      if let last { blocks.append(last) }
      blocks.append(isThinking ? .thinking(text) : .text(text))
    }
  }

  private func write(_ finish: Finish, to writer: inout JSONWriter) {
    var hasCalls = false
    writer.member("id", id)
    writer.member("type", "message")
    writer.member("role", "assistant")
    writer.member("model", model)
    writer.member("content") {
      $0.array(of: blocks) { writer, block in
        if case .toolUse = block { hasCalls = true }
        writer.object { write(block, to: &$0) }
      }
    }
    let stop = AnthropicUsage.stop(finish.reason, hasCalls: hasCalls)
    writer.member("stop_reason", stop.reason)
    writer.member("stop_sequence", stop.sequence)
    writer.member("usage") { AnthropicUsage.write(figures, to: &$0) }
    writer.member("maslin", figures.json)
  }

  private func write(_ block: Block, to writer: inout JSONWriter) {
    switch block {
    case .thinking(let text):
      writer.member("type", "thinking")
      writer.member("thinking", hidesThinking ? "" : text)
      writer.member(
        "signature", hidesThinking ? AnthropicSignature.hidden(text) : AnthropicSignature.shown)
    case .text(let text):
      writer.member("type", "text")
      writer.member("text", text)
    case .toolUse(let call, let input):
      writer.member("type", "tool_use")
      writer.member("id", AnthropicIdentifiers.toolUseID(callID: call.id))
      writer.member("name", call.name)
      writer.member("input", input)
    }
  }
}

/// Calls as the interface wants them.
enum AnthropicCalls {
  /// The arguments of a call as an object; nil when they are none, so that the call cannot be passed on as one.
  static func input(_ call: Call) -> JSONValue? {
    if call.arguments.isEmpty { return .object([]) }
    guard let value = try? JSONParser.parse(Array(call.arguments.utf8)), value.objectValue != nil
    else { return nil }
    return value
  }
}
