import Dialects
import JSON
import ModelServing
import Testing

@Suite("Ollama: answers")
struct OllamaAnswerTests {
  private static let endpoints = OllamaDialect.endpoints()

  private func encoder(_ path: String, stream: Bool) async throws -> any AnswerEncoder {
    let body =
      #"{"model":"tiny","stream":\#(stream),"prompt":"q","messages":[{"role":"user","content":"q"}]}"#
    return try await Self.endpoints.plan(path, .sample(body)).encoder
  }

  /// The text without the time and what is beside the interface.
  private func normalized(_ bytes: [UInt8]) -> String {
    string(bytes)
      .replacing(/"created_at":"2023-11-14T22:13:2\d\.\d{9}Z"/, with: #""created_at":"T""#)
      .replacing(/,"maslin":\{(?:[^{}]|\{[^{}]*\})*\}/, with: "")
  }

  private static let events: [GenerationEvent] = [
    .started(PromptReport(tokens: 10, reused: 4, miss: nil)), .reasoning("Let "), .reasoning("me"),
    .content("Hi", []), .content(" you", []),
    .call(index: 0, Call(id: "call_A", name: "f", arguments: #"{"x": 1}"#)),
    .call(index: 1, Call(id: "call_B", name: "g", arguments: "")), .finished(.sample(.calls)),
  ]

  @Test func aChatStreamsLines() async throws {
    var encoder = try await encoder("/api/chat", stream: true)
    #expect(encoder.contentType == "application/x-ndjson")
    var bytes: [UInt8] = []
    for batch in [Self.events[0...2], Self.events[3...3], Self.events[4...]] {
      bytes += encoder.encode(Array(batch), choice: 0)
    }
    bytes += encoder.end()
    #expect(normalized(bytes) == Self.goldenStream)
  }

  @Test func aWholeChatIsOneObject() async throws {
    var encoder = try await encoder("/api/chat", stream: false)
    #expect(encoder.contentType == "application/json")
    for event in Self.events { #expect(encoder.encode([event], choice: 0).isEmpty) }
    #expect(encoder.keepAlive().isEmpty)
    #expect(normalized(encoder.end()) == Self.goldenWhole)
  }

  @Test func generatedTextStandsInResponse() async throws {
    var encoder = try await encoder("/api/generate", stream: true)
    let lines = normalized(encoder.encode(Array(Self.events.prefix(5)), choice: 0))
    #expect(
      lines == """
        {"model":"tiny","created_at":"T","response":"","thinking":"Let me","done":false}
        {"model":"tiny","created_at":"T","response":"Hi you","done":false}

        """)
  }

  @Test(arguments: [
    (Finish.Reason.endOfTurn, "stop"), (.calls, "stop"), (.stopText("x"), "stop"),
    (.tokenLimit, "length"), (.contextFull, "length"), (.loop("x x"), "loop"),
  ])
  func reasonsToStop(reason: Finish.Reason, word: String) async throws {
    for stream in [true, false] {
      var encoder = try await encoder("/api/generate", stream: stream)
      let bytes = encoder.encode([.finished(.sample(reason))], choice: 0) + encoder.end()
      let reply = try JSONParser.parse(bytes)
      #expect(reply["done_reason"] == .string(word))
      #expect(reply["done"] == true)
    }
  }

  @Test func probabilitiesAreListed() async throws {
    let chosen = TokenProbability.Choice(text: "H", bytes: [72], logarithm: -0.5)
    let rare = TokenProbability.Choice(text: "\u{FFFD}", bytes: [0xC3], logarithm: -.infinity)
    var encoder = try await encoder("/api/chat", stream: true)
    let line = encoder.encode(
      [.content("H", [TokenProbability(chosen: chosen, alternatives: [chosen, rare])])], choice: 0)
    let list = try #require(try JSONParser.parse(line)["logprobs"])
    #expect(
      list
        == (try json(
          #"""
          [{"token":"H","logprob":-0.5,"bytes":[72],"top_logprobs":[
            {"token":"H","logprob":-0.5,"bytes":[72]},
            {"token":"\uFFFD","logprob":-9999.0,"bytes":[195]}]}]
          """#)))
  }

  @Test func errorsInAStreamAreLines() async throws {
    var encoder = try await encoder("/api/chat", stream: true)
    _ = encoder.encode(Array(Self.events.prefix(2)), choice: 0)
    #expect(string(encoder.fail(.failed("no memory"))) == "{\"error\":\"no memory\"}\n")
    #expect(encoder.end().isEmpty)
    #expect(encoder.encode([.content("late", [])], choice: 0).isEmpty)
    #expect(encoder.keepAlive().isEmpty)
  }

  @Test func anEmptyPieceKeepsTheConnectionOpen() async throws {
    var encoder = try await encoder("/api/chat", stream: true)
    #expect(
      normalized(encoder.keepAlive())
        == #"{"model":"tiny","created_at":"T","message":{"role":"assistant","content":""},"done":false}"#
        + "\n")
  }

  @Test(arguments: ["/api/chat", "/api/generate"], 1...20)
  func randomAnswersAreWholeInAnyBatches(path: String, seed: UInt64) async throws {
    var generator = SplitMix64(seed: seed)
    for round in 0..<20 {
      let events = RandomAnswer.events(using: &generator)
      var streamed = try await encoder(path, stream: true)
      var bytes: [UInt8] = []
      for batch in RandomAnswer.batches(events, using: &generator) {
        if Int.random(in: 0..<5, using: &generator) == 0 { bytes += streamed.keepAlive() }
        bytes += streamed.encode(batch, choice: 0)
      }
      bytes += streamed.end()
      let lines = string(bytes).split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.last?.isEmpty == true)
      var content = ""
      var thinking = ""
      var calls: [JSONValue] = []
      var done: [Bool] = []
      for line in lines.dropLast() {
        let value = try json(String(line))
        let message = path == "/api/chat" ? try #require(value["message"]) : value
        content += message[path == "/api/chat" ? "content" : "response"]?.stringValue ?? "?"
        thinking += message["thinking"]?.stringValue ?? ""
        calls += message["tool_calls"]?.arrayValue ?? []
        done.append(value["done"] == true)
      }
      #expect(done.last == true && done.filter { $0 }.count == 1, "seed \(seed), round \(round)")
      var whole = try await encoder(path, stream: false)
      _ = whole.encode(events, choice: 0)
      let reply = try JSONParser.parse(whole.end())
      let message = path == "/api/chat" ? try #require(reply["message"]) : reply
      #expect(message[path == "/api/chat" ? "content" : "response"] == .string(content))
      #expect((message["thinking"]?.stringValue ?? "") == thinking)
      #expect((message["tool_calls"]?.arrayValue ?? []) == calls)
    }
  }

  private static let figures =
    #""total_duration":2250000000,"load_duration":0,"prompt_eval_count":10,"#
    + #""prompt_eval_duration":500000000,"eval_count":6,"eval_duration":1500000000}"#
    + "\n"
  private static let calls =
    #""tool_calls":[{"id":"call_A","function":{"index":0,"name":"f","arguments":{"x":1}}},"#
    + #"{"id":"call_B","function":{"index":1,"name":"g","arguments":{}}}]"#
  private static let goldenStream =
    #"""
    {"model":"tiny","created_at":"T","message":{"role":"assistant","content":"","thinking":"Let me"},"done":false}
    {"model":"tiny","created_at":"T","message":{"role":"assistant","content":"Hi"},"done":false}
    {"model":"tiny","created_at":"T","message":{"role":"assistant","content":" you"},"done":false}
    {"model":"tiny","created_at":"T","message":{"role":"assistant","content":"",\#(calls)},"done":false}
    {"model":"tiny","created_at":"T","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop",\#(figures)
    """#
  private static let goldenWhole =
    #"{"model":"tiny","created_at":"T","message":{"role":"assistant","content":"Hi you","#
    + #""thinking":"Let me",\#(calls)},"done":true,"done_reason":"stop",\#(figures)"#
}
