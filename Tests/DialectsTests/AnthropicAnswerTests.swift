import Dialects
import JSON
import ModelServing
import Testing

@Suite("Anthropic: answers")
struct AnthropicAnswerTests {
  private func encoder(
    stream: Bool, members: String = ""
  ) async throws -> any AnswerEncoder {
    let body =
      #"{"model":"tiny","max_tokens":9,"stream":\#(stream),\#(members)"#
      + #""messages":[{"role":"user","content":"q"}]}"#
    return try await AnthropicDialect.endpoints().plan("/v1/messages", .sample(body)).encoder
  }

  /// The text without what is random or beside the interface.
  private func normalized(_ bytes: [UInt8]) -> String {
    string(bytes)
      .replacing(/"(msg|req)_[0-9A-Za-z]{24}"/) { "\"\($0.output.1)\"" }
      .replacing(/,"maslin":\{(?:[^{}]|\{[^{}]*\})*\}/, with: "")
  }

  private static let events: [GenerationEvent] = [
    .started(PromptReport(tokens: 10, reused: 4, miss: nil)), .reasoning("Let "), .reasoning("me"),
    .content("Hi", []), .content(" you", []),
    .call(index: 0, Call(id: "call_A", name: "f", arguments: #"{"x": 1}"#)),
    .call(index: 1, Call(id: "odd id", name: "g", arguments: "")), .finished(.sample(.calls)),
  ]

  @Test func aStreamHasTheInterfacesEvents() async throws {
    var encoder = try await encoder(stream: true)
    #expect(encoder.contentType == "text/event-stream")
    #expect(encoder.isStreaming)
    var bytes: [UInt8] = []
    for event in Self.events { bytes += encoder.encode([event], choice: 0) }
    bytes += encoder.end()
    #expect(normalized(bytes) == Self.goldenStream)
  }

  @Test func eventsThatComeTogetherAreMerged() async throws {
    var encoder = try await encoder(stream: true)
    let text = normalized(encoder.encode(Self.events, choice: 0) + encoder.end())
    #expect(text.contains(#""thinking":"Let me""#))
    #expect(text.contains(#""text":"Hi you""#))
    #expect(text.matches(of: /event: content_block_delta/).count == 5)
  }

  @Test func aWholeAnswerIsAMessage() async throws {
    var encoder = try await encoder(stream: false)
    #expect(encoder.contentType == "application/json")
    for event in Self.events { #expect(encoder.encode([event], choice: 0).isEmpty) }
    #expect(encoder.keepAlive().isEmpty)
    #expect(normalized(encoder.end()) == Self.goldenMessage)
  }

  @Test(arguments: [
    (Finish.Reason.endOfTurn, #""stop_reason":"end_turn","stop_sequence":null"#),
    (.calls, #""stop_reason":"end_turn","stop_sequence":null"#),
    (.stopText("EN\"D"), #""stop_reason":"stop_sequence","stop_sequence":"EN\"D""#),
    (.tokenLimit, #""stop_reason":"max_tokens","stop_sequence":null"#),
    (.contextFull, #""stop_reason":"model_context_window_exceeded","stop_sequence":null"#),
    (.loop("x x x"), #""stop_reason":"max_tokens","stop_sequence":null"#),
  ])
  func reasonsToStop(reason: Finish.Reason, members: String) async throws {
    let events: [GenerationEvent] = [.content("a", []), .finished(.sample(reason))]
    for stream in [true, false] {
      var encoder = try await encoder(stream: stream)
      let text = string(encoder.encode(events, choice: 0) + encoder.end())
      #expect(text.contains(members))
      if case .loop(let seen) = reason { #expect(text.contains("\"loop\":\"\(seen)\"")) }
    }
  }

  @Test func callsThatAreNoneBecomeText() async throws {
    let events: [GenerationEvent] = [
      .call(index: 0, Call(id: "call_1", name: "f", arguments: "{broken")),
      .malformedCall("<call>"), .finished(.sample(.calls)),
    ]
    for stream in [true, false] {
      var encoder = try await encoder(stream: stream)
      let text = string(encoder.encode(events, choice: 0) + encoder.end())
      let parts =
        stream ? [#""text":"{broken""#, #""text":"<call>""#] : [#""text":"{broken<call>""#]
      for part in parts { #expect(text.contains(part)) }
      #expect(text.contains(#""malformed_tool_calls":2"#))
      #expect(!text.contains("tool_use"))
      #expect(text.contains(#""stop_reason":"end_turn""#))
    }
  }

  @Test func thoughtsCanBeLeftOut() async throws {
    let members = #""thinking":{"type":"adaptive","display":"omitted"},"#
    let signature = AnthropicSignature.hidden("Let me")
    for stream in [true, false] {
      var encoder = try await encoder(stream: stream, members: members)
      let text = string(encoder.encode(Self.events, choice: 0) + encoder.end())
      #expect(!text.contains("Let"))
      #expect(text.contains(signature))
      #expect(!text.contains("thinking_delta"))
    }
  }

  @Test func whatHappenedToThePromptIsSaid() async throws {
    let miss = PromptReport.Miss(position: 4, known: "old", given: "new", reason: "differs")
    let events: [GenerationEvent] = [
      .started(PromptReport(tokens: 10, reused: 4, miss: miss)), .content("a", []),
      .finished(.sample(.endOfTurn)),
    ]
    for stream in [true, false] {
      var encoder = try await encoder(stream: stream)
      let text = string(encoder.encode(events, choice: 0) + encoder.end())
      for part in ["\"maslin\":", #""known":"old""#, #""given":"new""#, #""position":4"#] {
        #expect(text.contains(part))
      }
    }
  }

  @Test func errorsInAStreamAreEvents() async throws {
    var encoder = try await encoder(stream: true)
    _ = encoder.encode(Array(Self.events.prefix(3)), choice: 0)
    let text = normalized(encoder.fail(.failed("no memory")))
    #expect(
      text == """
        event: error
        data: {"type":"error","error":{"type":"api_error","message":"no memory"},"request_id":"req"}


        """)
    #expect(encoder.end().isEmpty)
    #expect(encoder.encode([.content("late", [])], choice: 0).isEmpty)
    #expect(encoder.keepAlive().isEmpty)
  }

  @Test func aStreamThatEndsWithoutAReasonIsAnError() async throws {
    var streamed = try await encoder(stream: true)
    _ = streamed.encode([.content("a", [])], choice: 0)
    #expect(string(streamed.end()).hasPrefix("event: error\n"))
    var whole = try await encoder(stream: false)
    #expect(string(whole.end()).hasPrefix(#"{"type":"error""#))
  }

  @Test func pingsKeepAConnectionOpen() async throws {
    var encoder = try await encoder(stream: true)
    #expect(string(encoder.keepAlive()) == "event: ping\ndata: {\"type\":\"ping\"}\n\n")
  }

  @Test func theRequestIDIsTheSameInHeadAndStream() async throws {
    let body =
      #"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"q"}]}"#
    var plan = try await AnthropicDialect.endpoints().plan("/v1/messages", .sample(body))
    let header = try #require(plan.headers.first { $0.name == "request-id" })
    #expect(string(plan.encoder.fail(.shuttingDown)).contains(header.value))
  }

  @Test(arguments: 1...40)
  func randomAnswersKeepTheOrderOfEvents(seed: UInt64) async throws {
    var generator = SplitMix64(seed: seed)
    for round in 0..<25 {
      let events = RandomAnswer.events(using: &generator)
      var streamed = try await encoder(stream: true)
      var bytes: [UInt8] = []
      for batch in RandomAnswer.batches(events, using: &generator) {
        if Int.random(in: 0..<5, using: &generator) == 0 { bytes += streamed.keepAlive() }
        bytes += streamed.encode(batch, choice: 0)
      }
      bytes += streamed.end()
      var reader = StreamReader()
      try reader.read(bytes)
      #expect(reader.isStopped, "seed \(seed), round \(round)")
      var whole = try await encoder(stream: false)
      _ = whole.encode(events, choice: 0)
      let message = try JSONParser.parse(whole.end())
      #expect(
        .array(reader.blocks) == message["content"], "seed \(seed), round \(round)")
      #expect(reader.stopReason == message["stop_reason"])
      let usage = try #require(message["usage"])
      let counts = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"]
      let total = counts.reduce(0) { $0 + (usage[$1]?.integerValue ?? -1) }
      guard case .finished(let finish)? = events.last else { continue }
      #expect(total == finish.promptTokens)
      #expect(reader.usage == usage)
    }
  }

  private static let goldenMessage =
    #"{"id":"msg","type":"message","role":"assistant","model":"tiny","content":["#
    + #"{"type":"thinking","thinking":"Let me","signature":"maslin-shown"},"#
    + #"{"type":"text","text":"Hi you"},"#
    + #"{"type":"tool_use","id":"toolu_A","name":"f","input":{"x":1}},"#
    + #"{"type":"tool_use","id":"toolu_x-6f6464206964","name":"g","input":{}}],"#
    + #""stop_reason":"tool_use","stop_sequence":null,"#
    + #""usage":{"input_tokens":6,"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"#
    + #""output_tokens":6,"output_tokens_details":{"thinking_tokens":2}}}"#

  private static let goldenStream = #"""
    event: message_start
    data: {"type":"message_start","message":{"id":"msg","type":"message","role":"assistant","model":"tiny","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":6,"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":0}}}

    event: content_block_start
    data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

    event: content_block_delta
    data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let "}}

    event: content_block_delta
    data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"me"}}

    event: content_block_delta
    data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"maslin-shown"}}

    event: content_block_stop
    data: {"type":"content_block_stop","index":0}

    event: content_block_start
    data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

    event: content_block_delta
    data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hi"}}

    event: content_block_delta
    data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":" you"}}

    event: content_block_stop
    data: {"type":"content_block_stop","index":1}

    event: content_block_start
    data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_A","name":"f","input":{}}}

    event: content_block_delta
    data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"x\": 1}"}}

    event: content_block_stop
    data: {"type":"content_block_stop","index":2}

    event: content_block_start
    data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_x-6f6464206964","name":"g","input":{}}}

    event: content_block_delta
    data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{}"}}

    event: content_block_stop
    data: {"type":"content_block_stop","index":3}

    event: message_delta
    data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":6,"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":6,"output_tokens_details":{"thinking_tokens":2}}}

    event: message_stop
    data: {"type":"message_stop"}


    """#
}

/// Reads a stream as a strict client would: any event out of order is an error.
private struct StreamReader {
  private enum State { case beforeStart, between, inBlock(String), afterDelta, stopped }
  private var state = State.beforeStart
  private(set) var blocks: [JSONValue] = []
  private(set) var stopReason: JSONValue?
  private(set) var usage: JSONValue?
  private var block: [String: String] = [:]
  private var pieces = ""
  private var signature = ""

  var isStopped: Bool { if case .stopped = state { true } else { false } }

  struct OutOfOrder: Error {
    var type: String
    var state: String
  }

  mutating func read(_ bytes: [UInt8]) throws {
    for event in string(bytes).components(separatedByBlankLine: ()) {
      let lines = event.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.count == 2 && lines[0].hasPrefix("event: ") && lines[1].hasPrefix("data: "))
      let type = String(lines[0].dropFirst(7))
      let data = try json(String(lines[1].dropFirst(6)))
      #expect(data["type"]?.stringValue == type)
      if type != "ping" { try read(type, data) }
    }
  }

  private mutating func read(_ type: String, _ data: JSONValue) throws {
    switch (state, type) {
    case (.beforeStart, "message_start"): state = .between
    case (.between, "content_block_start"):
      #expect(data["index"]?.integerValue == blocks.count)
      let start = try #require(data["content_block"])
      let kind = try #require(start["type"]?.stringValue)
      block = ["id": start["id"]?.stringValue ?? "", "name": start["name"]?.stringValue ?? ""]
      pieces = ""
      signature = ""
      state = .inBlock(kind)
    case (.inBlock(let kind), "content_block_delta"):
      #expect(data["index"]?.integerValue == blocks.count)
      let delta = try #require(data["delta"])
      let name = try #require(delta["type"]?.stringValue)
      #expect(signature.isEmpty)
      switch (kind, name) {
      case ("text", "text_delta"): pieces += delta["text"]?.stringValue ?? ""
      case ("thinking", "thinking_delta"): pieces += delta["thinking"]?.stringValue ?? ""
      case ("thinking", "signature_delta"): signature = delta["signature"]?.stringValue ?? ""
      case ("tool_use", "input_json_delta"): pieces += delta["partial_json"]?.stringValue ?? ""
      default: throw OutOfOrder(type: name, state: kind)
      }
    case (.inBlock(let kind), "content_block_stop"):
      #expect(data["index"]?.integerValue == blocks.count)
      blocks.append(try finishedBlock(kind))
      state = .between
    case (.between, "message_delta"):
      stopReason = data["delta"]?["stop_reason"]
      usage = data["usage"]
      state = .afterDelta
    case (.afterDelta, "message_stop"): state = .stopped
    default: throw OutOfOrder(type: type, state: "\(state)")
    }
  }

  private func finishedBlock(_ kind: String) throws -> JSONValue {
    switch kind {
    case "text":
      #expect(!pieces.isEmpty)
      return .members(["type": "text", "text": .string(pieces)])
    case "thinking":
      #expect(!pieces.isEmpty && !signature.isEmpty)
      return .members([
        "type": "thinking", "thinking": .string(pieces), "signature": .string(signature),
      ])
    default:
      return .members([
        "type": .string(kind), "id": .string(block["id"] ?? ""),
        "name": .string(block["name"] ?? ""), "input": try json(pieces),
      ])
    }
  }
}

extension String {
  /// The parts between blank lines; the last must end with one.
  fileprivate func components(separatedByBlankLine: Void) -> [String] {
    var parts: [String] = []
    var lines: [Substring] = []
    for line in split(separator: "\n", omittingEmptySubsequences: false) {
      if line.isEmpty {
        if !lines.isEmpty { parts.append(lines.joined(separator: "\n")) }
        lines = []
      } else {
        lines.append(line)
      }
    }
    #expect(lines.isEmpty)
    return parts
  }
}
