import Dialects
import JSON
import ModelServing
import Testing

/// The bytes of chat completions and completions.
struct OpenAIAnswerTests {
  private static let user = #""model":"tiny","messages":[{"role":"user","content":"hi"}]"#

  private func plan(
    _ members: String = "", path: String = "/v1/chat/completions", start: String = user
  ) async throws -> AnswerPlan {
    try await OpenAIDialect.endpoints(identifiers: .counted()).plan(
      path, .sample("{" + start + members + "}"))
  }

  /// `data: ` and the members that all pieces share, up to the choices.
  private static let opening =
    #"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"tiny","#
    + #""service_tier":"default","system_fingerprint":"fp_0123456789ab","choices":["#

  private static let miss =
    #""prefix_miss":{"position":4,"known":"then","given":"now","reason":"differs at token 4: known \"then\", now \"now\""}"#
  private static let timings =
    #""timings":{"queue_seconds":0.25,"prompt_seconds":0.5,"answer_seconds":1.5,"prompt_tokens_per_second":12.0,"answer_tokens_per_second":4.0}"#

  @Test func aStreamIsWrittenAsTheOriginalWritesIt() async throws {
    let plan = try await plan(#","stream":true,"stream_options":{"include_usage":true}"#)
    #expect(plan.encoder.contentType == "text/event-stream")
    #expect(plan.encoder.isStreaming)
    let extra =
      #""maslin":{"stop_reason":"tool_calls","prompt_tokens":10,"reused_tokens":4,\#(Self.miss),\#(Self.timings)}"#
    let deltas = [
      #"{"role":"assistant","content":"","refusal":null}"#,
      #"{"reasoning_content":"Let","reasoning":"Let"}"#,
      #"{"reasoning_content":" me see.","reasoning":" me see."}"#,
      #"{"content":"It is "}"#,
      #"{"content":"\"warm\"\n"}"#,
      #"{"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"weather","arguments":""}}]}"#,
      #"{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":\"Oslo\"}"}}]}"#,
      #"{"tool_calls":[{"index":1,"id":"call_b","type":"function","function":{"name":"weather","arguments":""}}]}"#,
      #"{"tool_calls":[{"index":1,"function":{"arguments":"{\"city\":\"Rome\"}"}}]}"#,
    ]
    var expected = deltas.map {
      Self.opening + #"{"index":0,"delta":"# + $0
        + #","logprobs":null,"finish_reason":null}],"usage":null}"#
    }
    expected.append(
      Self.opening
        + #"{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}],"usage":null,\#(extra)}"#
    )
    expected.append(
      Self.opening
        + #"],"usage":{"prompt_tokens":10,"completion_tokens":6,"total_tokens":16,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},"#
        + #""completion_tokens_details":{"reasoning_tokens":2,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},\#(extra)}"#
    )
    expected.append("data: [DONE]")
    #expect(plan.run(OpenAISamples.events) == expected.joined(separator: "\n\n") + "\n\n")
  }

  @Test func withoutUsageNothingSpeaksOfIt() async throws {
    let text = try await plan(#","stream":true"#).run(OpenAISamples.events)
    #expect(!text.contains("usage"))
    #expect(text.hasSuffix("data: [DONE]\n\n"))
    // Every reply says what was reused, also this one.
    #expect(text.contains(#""reused_tokens":4"#))
  }

  @Test func aSlowReaderGetsFewerPieces() async throws {
    let plan = try await plan(#","stream":true"#)
    let text = plan.run([(0, OpenAISamples.events)])
    let events = try #require(ReceivedEvent.read(text))
    let contents = try events.dropLast().compactMap {
      try $0.value()["choices"]?.arrayValue?.first?["delta"]?["content"]?.stringValue
    }
    #expect(contents == ["", "It is \"warm\"\n"])
    #expect(events.count == 9)
  }

  @Test func aWholeAnswer() async throws {
    let plan = try await plan()
    #expect(plan.encoder.contentType == "application/json")
    #expect(!plan.encoder.isStreaming)
    let reply = plan.run(OpenAISamples.events)
    let expected =
      #"{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"tiny","choices":[{"index":0,"message":"#
      + #"{"role":"assistant","content":"It is \"warm\"\n","refusal":null,"annotations":[],"reasoning_content":"Let me see.","reasoning":"Let me see.","#
      + #""tool_calls":[{"id":"call_a","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}},"#
      + #"{"id":"call_b","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Rome\"}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],"#
      + #""usage":{"prompt_tokens":10,"completion_tokens":6,"total_tokens":16,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},"#
      + #""completion_tokens_details":{"reasoning_tokens":2,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"#
      + #""service_tier":"default","system_fingerprint":"fp_0123456789ab","maslin":{"stop_reason":"tool_calls","prompt_tokens":10,"reused_tokens":4,\#(Self.miss),\#(Self.timings)}}"#
    #expect(reply == expected)
  }

  @Test func contentIsNullOnlyWhenCallsStandForIt() async throws {
    let call = GenerationEvent.call(index: 0, Call(id: "c", name: "f", arguments: "{}"))
    let withCall = try json(
      try await plan().run([.started(OpenAISamples.report), call, .finished(.sample(.calls))]))
    let message = try #require(withCall["choices"]?.arrayValue?.first?["message"])
    #expect(message["content"] == .null)
    let empty = try json(
      try await plan().run([.started(OpenAISamples.report), .finished(.sample(.endOfTurn))]))
    #expect(empty["choices"]?.arrayValue?.first?["message"]?["content"] == "")
  }

  @Test(arguments: [
    (Finish.Reason.endOfTurn, "stop", "end_of_turn"), (.calls, "tool_calls", "tool_calls"),
    (.stopText("END"), "stop", "stop_text"), (.tokenLimit, "length", "token_limit"),
    (.contextFull, "length", "context_full"), (.loop("a a a"), "length", "loop"),
  ])
  func reasonsToEnd(reason: Finish.Reason, word: String, own: String) async throws {
    for stream in ["", #","stream":true"#] {
      let text = try await plan(stream).run([
        .started(OpenAISamples.report), .content("x", []), .finished(.sample(reason)),
      ])
      #expect(text.contains(#""finish_reason":"\#(word)""#))
      #expect(text.contains(#""stop_reason":"\#(own)""#))
      if case .loop = reason { #expect(text.contains(#""loop":"a a a""#)) }
    }
  }

  @Test func probabilities() async throws {
    let events: [GenerationEvent] = [
      .started(PromptReport(tokens: 1, reused: 0, miss: nil)),
      .content("Hé", [.sample("Hé", -0.5, [("Hé", -0.5), ("Ho", -1.25)])]),
      .content("!", [.sample("!", -.infinity)]), .finished(.sample(.endOfTurn)),
    ]
    let first =
      #"{"token":"Hé","logprob":-0.5,"bytes":[72,195,169],"top_logprobs":["#
      + #"{"token":"Hé","logprob":-0.5,"bytes":[72,195,169]},{"token":"Ho","logprob":-1.25,"bytes":[72,111]}]}"#
    let second = #"{"token":"!","logprob":-9999.0,"bytes":[33],"top_logprobs":[]}"#
    let streamed = try await plan(#","stream":true,"logprobs":true,"top_logprobs":2"#).run(events)
    #expect(
      streamed.contains(
        #""delta":{"content":"Hé"},"logprobs":{"content":[\#(first)],"refusal":null},"finish_reason":null"#
      ))
    let merged = try await plan(#","stream":true,"logprobs":true,"top_logprobs":2"#).run([
      (0, events)
    ])
    #expect(merged.contains(#""content":[\#(first),\#(second)],"refusal":null"#))
    let whole = try await plan(#","logprobs":true,"top_logprobs":2"#).run(events)
    #expect(whole.contains(#""logprobs":{"content":[\#(first),\#(second)],"refusal":null}"#))
  }

  @Test func choicesInterleaved() async throws {
    let plan = try await plan(#","n":3,"stream":true,"stream_options":{"include_usage":true}"#)
    let text = plan.run([
      (1, [.started(OpenAISamples.report), .content("b", [])]),
      (0, [.started(OpenAISamples.report)]), (1, [.content("B", [])]), (0, [.content("a", [])]),
      (1, [.finished(.sample(.endOfTurn))]),
      (2, [.started(OpenAISamples.report), .content("c", []), .finished(.sample(.tokenLimit))]),
      (0, [.finished(.sample(.endOfTurn))]),
    ])
    let events = try #require(ReceivedEvent.read(text))
    var contents = ["", "", ""]
    var reasons: [String?] = [nil, nil, nil]
    for event in events.dropLast(2) {
      let choice = try #require(try event.value()["choices"]?.arrayValue?.first)
      let index = try #require(choice["index"]?.integerValue)
      contents[index] += choice["delta"]?["content"]?.stringValue ?? ""
      if let reason = choice["finish_reason"]?.stringValue { reasons[index] = reason }
    }
    #expect(contents == ["a", "bB", "c"])
    #expect(reasons == ["stop", "stop", "length"])
    let last = try events[events.count - 2].value()
    // The prompt counts once, the answers each.
    #expect(last["usage"]?["prompt_tokens"] == 10)
    #expect(last["usage"]?["completion_tokens"] == 18)
    #expect(last["maslin"]?["choices"]?.arrayValue?.count == 3)
    #expect(events.last?.data == "[DONE]")
  }

  @Test func whatShouldHaveBeenACallIsNotLost() async throws {
    let events: [GenerationEvent] = [
      .started(OpenAISamples.report), .malformedCall("<call>{"), .finished(.sample(.endOfTurn)),
    ]
    let reply = try json(try await plan().run(events))
    #expect(reply["choices"]?.arrayValue?.first?["message"]?["content"] == "<call>{")
    #expect(reply["maslin"]?["malformed_tool_calls"] == 1)
  }

  @Test func failuresInsideAStream() async throws {
    var plan = try await plan(#","stream":true"#)
    _ = plan.encoder.encode([.started(OpenAISamples.report)], choice: 0)
    #expect(
      string(plan.encoder.fail(.failed("the disk is gone")))
        == "data: {\"error\":{\"message\":\"the disk is gone\",\"type\":\"server_error\",\"param\":null,\"code\":\"server_error\"}}\n\n"
    )
    #expect(string(plan.encoder.keepAlive()).hasPrefix(":"))
  }

  @Test func flexIsSaid() async throws {
    let text = try await plan(#","service_tier":"flex""#).run(OpenAISamples.events)
    #expect(text.contains(#""service_tier":"flex""#))
  }

  // MARK: Completions

  private static let prompt = #""model":"tiny","prompt":"Once""#

  private func completion(_ members: String = "", start: String = prompt) async throws
    -> AnswerPlan
  {
    try await plan(members, path: "/v1/completions", start: start)
  }

  @Test func completionRequests() async throws {
    let plan = try await completion(
      #","n":2,"seed":5,"logprobs":1"#, start: #""prompt":["a","b"]"#)
    #expect(plan.requests.map(\.prompt) == [.text("a"), .text("a"), .text("b"), .text("b")])
    #expect(plan.requests.map(\.sampling.seed) == [5, 6, 5, 6])
    #expect(plan.requests.allSatisfy { $0.alternatives == 1 && $0.tools.isEmpty })
    #expect(
      try await completion(start: #""prompt":[1,2]"#).requests.map(\.prompt) == [.tokens([1, 2])])
    #expect(
      try await completion(start: #""prompt":[[1],[2]]"#).requests.map(\.prompt)
        == [.tokens([1]), .tokens([2])])
  }

  @Test(arguments: [
    (#""prompt":[]"#, "prompt"), (#""prompt":5"#, "prompt"), (#""model":"x""#, "prompt"),
    (#""prompt":["a",{}]"#, "prompt[1]"), (#""prompt":[-1]"#, "prompt[0]"),
    (#""prompt":[[1],[]]"#, "prompt[1]"), (#""prompt":"x","suffix":"y""#, "suffix"),
    (#""prompt":"x","best_of":3"#, "best_of"), (#""prompt":"x","logprobs":true"#, "logprobs"),
    (#""prompt":[1],"echo":true"#, "echo"), (#""prompt":"x","echo":true,"logprobs":1"#, "echo"),
    (#""prompt":["1","2","3","4","5"],"n":8"#, "prompt"),
  ])
  func wrongCompletionsNameThePlace(body: String, parameter: String) async throws {
    let refusal = try await refusal { _ = try await completion(start: body) }
    #expect(refusal.parameter == parameter)
  }

  private static let continuation: [GenerationEvent] = [
    .started(PromptReport(tokens: 3, reused: 1, miss: nil)),
    .content("é ", [.sample("é", -0.25, [("é", -0.25), ("a", -2)]), .sample(" ", -1)]),
    .content("x", [.sample("x", -3)]), .finished(.sample(.tokenLimit)),
  ]

  @Test func aWholeCompletion() async throws {
    let reply = try json(
      try await completion(#","logprobs":2,"max_tokens":3"#).run(Self.continuation))
    #expect(reply["object"] == "text_completion")
    #expect(reply["id"] == "cmpl-1")
    let choice = try #require(reply["choices"]?.arrayValue?.first)
    #expect(
      text(choice)
        == #"{"text":"é x","index":0,"logprobs":{"tokens":["é"," ","x"],"token_logprobs":[-0.25,-1.0,-3.0],"#
        + #""top_logprobs":[{"é":-0.25,"a":-2.0},{},{}],"text_offset":[0,1,2]},"finish_reason":"length"}"#
    )
    #expect(reply["usage"]?["total_tokens"] == 16)
    #expect(reply["maslin"]?["prefix_miss"] == .null)
  }

  @Test func aStreamedCompletion() async throws {
    let plan = try await completion(#","echo":true,"stream":true"#)
    let opening =
      #"data: {"id":"cmpl-1","object":"text_completion","created":1700000000,"model":"tiny","system_fingerprint":"fp_0123456789ab","choices":["#
    let expected = [
      opening + #"{"text":"Once","index":0,"logprobs":null,"finish_reason":null}]}"#,
      opening + #"{"text":"é ","index":0,"logprobs":null,"finish_reason":null}]}"#,
      opening + #"{"text":"x","index":0,"logprobs":null,"finish_reason":null}]}"#,
      opening
        + #"{"text":"","index":0,"logprobs":null,"finish_reason":"length"}],"maslin":{"stop_reason":"token_limit","#
        + #""prompt_tokens":10,"reused_tokens":4,"prefix_miss":null,\#(Self.timings)}}"#,
      "data: [DONE]",
    ]
    var events = Self.continuation
    events[1] = .content("é ", [])
    #expect(plan.run(events) == expected.joined(separator: "\n\n") + "\n\n")
  }

  @Test func placesInAStreamedTextGoOn() async throws {
    let stream = try await completion(#","logprobs":2,"stream":true"#).run(Self.continuation)
    let events = try #require(ReceivedEvent.read(stream))
    let offsets = try events.dropLast().compactMap {
      try $0.value()["choices"]?.arrayValue?.first?["logprobs"]?["text_offset"]
    }
    #expect(offsets == [[0, 1], [2]])
  }
}
