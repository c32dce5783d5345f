import JSON
import ModelServing

/// Makes the server-sent events of a streamed answer: `message_start`, for each block `content_block_start`,
/// `content_block_delta` and `content_block_stop`, then `message_delta` and `message_stop`.
struct AnthropicEventEncoder: AnswerEncoder {
  private enum Block {
    case thinking
    case text
  }

  private enum Phase {
    case beforeStart
    case running
    case finished
  }

  let contentType = "text/event-stream"
  let isStreaming = true
  private let id: String
  private let model: String
  private let requestID: String
  private let hidesThinking: Bool
  private var phase = Phase.beforeStart
  private var figures = AnswerFigures()
  /// The block that is open; its index is `blockCount - 1`.
  private var block: Block?
  private var blockCount = 0
  private var hasCalls = false
  private var hiddenThoughts = ""

  /// Makes an encoder for the answer of `model`.
  init(id: String, model: String, requestID: String, hidesThinking: Bool) {
    self.id = id
    self.model = model
    self.requestID = requestID
    self.hidesThinking = hidesThinking
  }

  mutating func encode(_ events: [GenerationEvent], choice: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    // Pieces of one kind that come together are sent together.
    var text = ""
    var textBlock = Block.text
    for event in events {
      switch event {
      case .reasoning(let piece): take(piece, .thinking)
      case .content(let piece, _): take(piece, .text)
      case .malformedCall(let piece):
        figures.malformedCalls += 1
        take(piece, .text)
      case .started, .call, .finished:
        flush()
        encode(event, into: &bytes)
      }
    }
    flush()
    return bytes

    func take(_ piece: String, _ kind: Block) {
      if kind != textBlock { flush() }
      textBlock = kind
      text += piece
    }
    func flush() {
      if !text.isEmpty { delta(text, textBlock, into: &bytes) }
      text = ""
    }
  }

  mutating func end() -> [UInt8] {
    phase == .finished ? [] : fail(.failed("the answer ended without saying why"))
  }

  mutating func fail(_ error: ServiceError) -> [UInt8] {
    phase = .finished
    return ServerSentEvents.event(
      "error", AnthropicErrors.body(.service(error), requestID: requestID))
  }

  mutating func keepAlive() -> [UInt8] {
    phase == .finished ? [] : ServerSentEvents.event("ping", data: Array(#"{"type":"ping"}"#.utf8))
  }

  private mutating func encode(_ event: GenerationEvent, into bytes: inout [UInt8]) {
    guard phase != .finished else { return }
    switch event {
    case .started(let report):
      figures.report = report
      start(into: &bytes)
    case .call(_, let call): encode(call, into: &bytes)
    case .finished(let finish): encode(finish, into: &bytes)
    case .reasoning, .content, .malformedCall: break
    }
  }

  private mutating func start(into bytes: inout [UInt8]) {
    guard phase == .beforeStart else { return }
    phase = .running
    append("message_start", to: &bytes) { writer in
      writer.member("message") {
        $0.object {
          $0.member("id", id)
          $0.member("type", "message")
          $0.member("role", "assistant")
          $0.member("model", model)
          $0.member("content") { $0.array { _ in } }
          $0.member("stop_reason") { $0.null() }
          $0.member("stop_sequence") { $0.null() }
          $0.member("usage") { AnthropicUsage.write(figures, to: &$0) }
          $0.member("maslin", figures.json)
        }
      }
    }
  }

  private mutating func delta(_ text: String, _ kind: Block, into bytes: inout [UInt8]) {
    guard phase != .finished else { return }
    start(into: &bytes)
    if block != kind {
      closeBlock(into: &bytes)
      block = kind
      startBlock(into: &bytes) {
        $0.member("type", kind == .text ? "text" : "thinking")
        $0.member(kind == .text ? "text" : "thinking", "")
        if kind == .thinking { $0.member("signature", "") }
      }
    }
    if kind == .thinking, hidesThinking {
      hiddenThoughts += text
      return
    }
    appendDelta(to: &bytes) {
      $0.member("type", kind == .text ? "text_delta" : "thinking_delta")
      $0.member(kind == .text ? "text" : "thinking", text)
    }
  }

  private mutating func encode(_ call: Call, into bytes: inout [UInt8]) {
    guard AnthropicCalls.input(call) != nil else {
      figures.malformedCalls += 1
      return delta(call.arguments, .text, into: &bytes)
    }
    start(into: &bytes)
    closeBlock(into: &bytes)
    hasCalls = true
    startBlock(into: &bytes) {
      $0.member("type", "tool_use")
      $0.member("id", AnthropicIdentifiers.toolUseID(callID: call.id))
      $0.member("name", call.name)
      $0.member("input") { $0.object { _ in } }
    }
    appendDelta(to: &bytes) {
      $0.member("type", "input_json_delta")
      $0.member("partial_json", call.arguments.isEmpty ? "{}" : call.arguments)
    }
    stopBlock(into: &bytes)
  }

  private mutating func encode(_ finish: Finish, into bytes: inout [UInt8]) {
    start(into: &bytes)
    closeBlock(into: &bytes)
    figures.finish = finish
    let stop = AnthropicUsage.stop(finish.reason, hasCalls: hasCalls)
    append("message_delta", to: &bytes) {
      $0.member("delta") {
        $0.object {
          $0.member("stop_reason", stop.reason)
          $0.member("stop_sequence", stop.sequence)
        }
      }
      $0.member("usage") { AnthropicUsage.write(figures, to: &$0) }
      $0.member("maslin", figures.json)
    }
    append("message_stop", to: &bytes) { _ in }
    phase = .finished
  }

  private mutating func closeBlock(into bytes: inout [UInt8]) {
    guard let open = block else { return }
    if open == .thinking {
      let signature =
        hidesThinking ? AnthropicSignature.hidden(hiddenThoughts) : AnthropicSignature.shown
      appendDelta(to: &bytes) {
        $0.member("type", "signature_delta")
        $0.member("signature", signature)
      }
      hiddenThoughts = ""
    }
    block = nil
    stopBlock(into: &bytes)
  }

  private mutating func startBlock(
    into bytes: inout [UInt8], _ members: (inout JSONWriter) -> Void
  ) {
    blockCount += 1
    append("content_block_start", to: &bytes) {
      $0.member("index", blockCount - 1)
      $0.member("content_block") { $0.object(members) }
    }
  }

  private func stopBlock(into bytes: inout [UInt8]) {
    append("content_block_stop", to: &bytes) { $0.member("index", blockCount - 1) }
  }

  private func appendDelta(to bytes: inout [UInt8], _ members: (inout JSONWriter) -> Void) {
    append("content_block_delta", to: &bytes) {
      $0.member("index", blockCount - 1)
      $0.member("delta") { $0.object(members) }
    }
  }

  private func append(
    _ type: String, to bytes: inout [UInt8], _ members: (inout JSONWriter) -> Void
  ) {
    var writer = JSONWriter(style: .compact)
    writer.object {
      $0.member("type", type)
      members(&$0)
    }
    bytes += ServerSentEvents.event(type, data: writer.takeBytes())
  }
}
