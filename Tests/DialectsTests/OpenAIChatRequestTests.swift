import Dialects
import JSON
import ModelServing
import Testing

/// What chat completions ask for, read.
struct OpenAIChatRequestTests {
  private func requests(_ body: String) async throws -> [GenerationRequest] {
    try await OpenAIDialect.endpoints().plan("/v1/chat/completions", .sample(body)).requests
  }

  /// A request with one message and further members.
  private func request(_ members: String) async throws -> GenerationRequest {
    let comma = members.isEmpty ? "" : ","
    return try #require(
      try await requests(
        #"{"model":"tiny","messages":[{"role":"user","content":"hi"}]\#(comma)\#(members)}"#
      ).first)
  }

  private func turns(_ messages: String) async throws -> [Turn] {
    let request = try #require(try await requests(#"{"messages":[\#(messages)]}"#).first)
    guard case .conversation(let turns) = request.prompt else { return [] }
    return turns
  }

  @Test func everythingIsTaken() async throws {
    let requests = try await requests(OpenAISamples.chat)
    #expect(requests.count == 2)
    #expect(requests.map(\.sampling.seed) == [7, 8])
    let request = requests[0]
    #expect(request.model == "tiny")
    #expect(
      request.prompt
        == .conversation([
          Turn(role: .system, content: "Be brief."),
          Turn(role: .user, content: "Weather in\nOslo?"),
          Turn(
            role: .assistant, content: "", reasoning: "hm",
            calls: [Call(id: "call_1", name: "weather", arguments: #"{"city":"Oslo"}"#)]),
          Turn(role: .tool, content: "12 C", callID: "call_1"),
          Turn(role: .user, content: "and Rome?"),
        ]))
    #expect(request.tools.map(\.name) == ["weather"])
    #expect(request.tools[0].isStrict)
    #expect(request.tools[0].parameters?["required"] == ["city"])
    #expect(request.format == .jsonSchema(.members(["type": "object"])))
    #expect(request.thinking == .high)
    #expect(request.stop == ["END", "STOP"])
    #expect(request.maximumTokens == 100)
    #expect(request.alternatives == 3)
    #expect(request.priority == .background)
    #expect(request.client == "key/someone")
    let sampling = request.sampling
    #expect(sampling.temperature == 0.5 && sampling.topP == 0.9 && sampling.topK == 40)
    #expect(sampling.minP == 0.05 && sampling.repetitionPenalty == 1.1)
    #expect(sampling.presencePenalty == 0.1 && sampling.frequencyPenalty == -0.1)
    #expect(sampling.biases == [5: -100, 6: 1.5])
  }

  @Test func nothingSaidLeavesEverythingToTheService() async throws {
    var expected = GenerationRequest(
      model: "tiny", prompt: .conversation([Turn(role: .user, content: "hi")]))
    expected.client = "key"
    #expect(try await request("") == expected)
    let nulls =
      #""tools":null,"tool_choice":null,"stop":null,"seed":null,"n":null,"max_tokens":null,"logit_bias":null"#
    #expect(
      try await request(nulls + #","response_format":null,"stream_options":null"#) == expected)
  }

  @Test(arguments: [
    (#""reasoning_effort":"none""#, GenerationRequest.Thinking.off),
    (#""reasoning_effort":"minimal""#, .off), (#""reasoning_effort":"low""#, .on),
    (#""reasoning_effort":"medium""#, .on), (#""reasoning_effort":"high""#, .high),
    (#""reasoning_effort":"xhigh""#, .max), (#""reasoning_effort":"max""#, .max),
    (#""reasoning_effort":"auto""#, nil), (#""reasoning":{"effort":"high"}"#, .high),
    (#""reasoning":{"enabled":true}"#, .on), (#""reasoning":{"enabled":false}"#, .off),
    (#""enable_thinking":false"#, .off), (#""thinking":{"type":"enabled"}"#, .on),
    (#""thinking":{"type":"disabled"}"#, .off),
    (#""chat_template_kwargs":{"enable_thinking":true}"#, .on),
    (#""chat_template_kwargs":{"thinking":false}"#, .off),
    (#""reasoning_effort":"high","chat_template_kwargs":{"enable_thinking":false}"#, .off),
    (#""reasoning_effort":"high","enable_thinking":true"#, .high),
  ])
  func thinking(members: String, level: GenerationRequest.Thinking?) async throws {
    #expect(try await request(members).thinking == level)
  }

  @Test(arguments: [
    (#""response_format":{"type":"text"}"#, GenerationRequest.Format.text),
    (#""response_format":{"type":"json_object"}"#, .jsonObject),
    (#""response_format":{"type":"json_object","schema":{}}"#, .jsonSchema(.object([]))),
    (#""response_format":{"type":"regex","pattern":"a+"}"#, .regularExpression("a+")),
    (#""json_schema":{}"#, .jsonSchema(.object([]))),
    (#""grammar":"root ::= \"a\"""#, .grammar(#"root ::= "a""#)),
    (#""guided_grammar":"root ::= \"a\"""#, .grammar(#"root ::= "a""#)),
    (#""guided_regex":"[0-9]""#, .regularExpression("[0-9]")),
    (#""guided_json":"{\"type\":\"null\"}""#, .jsonSchema(.members(["type": "null"]))),
    (#""guided_json":{"type":"null"}"#, .jsonSchema(.members(["type": "null"]))),
    (
      #""guided_choice":["yes","\"no\"\n\\"]"#,
      .grammar(#"root ::= "yes" | "\"no\"\n\\""#)
    ),
    (#""structured_outputs":{"choice":["a\u0001"]}"#, .grammar(#"root ::= "a\x01""#)),
    (#""structured_outputs":{"json":{}}"#, .jsonSchema(.object([]))),
    (#""structured_outputs":{"regex":"x"}"#, .regularExpression("x")),
    (#""structured_outputs":{"json_object":true}"#, .jsonObject),
  ])
  func formats(members: String, format: GenerationRequest.Format) async throws {
    #expect(try await request(members).format == format)
  }

  @Test(arguments: [
    (#""none""#, GenerationRequest.ToolChoice.none, ["weather", "time"]),
    (#""auto""#, .automatic, ["weather", "time"]),
    (#""required""#, .required, ["weather", "time"]),
    (#"{"type":"function","function":{"name":"time"}}"#, .named("time"), ["weather", "time"]),
    (#"{"type":"function","name":"time"}"#, .named("time"), ["weather", "time"]),
    (
      #"{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"time"}}]}}"#,
      .required, ["time"]
    ),
  ])
  func toolChoices(
    choice: String, expected: GenerationRequest.ToolChoice, names: [String]
  ) async throws {
    let tools =
      #"[{"type":"function","function":{"name":"weather"}},{"type":"function","function":{"name":"time"}}]"#
    let request = try await request(
      #""tools":\#(tools),"tool_choice":\#(choice),"parallel_tool_calls":false"#)
    #expect(request.toolChoice == expected)
    #expect(request.tools.map(\.name) == names)
    #expect(!request.allowsParallelCalls)
  }

  @Test func lengthsSeedsAndKeys() async throws {
    #expect(try await request(#""max_tokens":5"#).maximumTokens == 5)
    #expect(try await request(#""max_tokens":5,"max_completion_tokens":6"#).maximumTokens == 6)
    #expect(try await request(#""max_tokens":-1"#).maximumTokens == nil)
    #expect(try await request(#""seed":-1"#).sampling.seed == UInt64.max)
    #expect(try await request(#""top_k":-1"#).sampling.topK == 0)
    #expect(try await request(#""stop":"X""#).stop == ["X"])
    #expect(try await request(#""stop":["","X"]"#).stop == ["X"])
    #expect(try await request(#""prompt_cache_key":"p","user":"u""#).client == "key/p")
    #expect(try await request(#""safety_identifier":"s","user":"u""#).client == "key/s")
    #expect(try await request(#""logprobs":true"#).alternatives == 0)
    #expect(try await request(#""logprobs":false,"top_logprobs":0"#).alternatives == nil)
  }

  @Test func messagesOfManyClients() async throws {
    let history = try await turns(
      #"""
      {"role":"developer","content":[{"type":"input_text","text":"a"}]},
      {"role":"assistant","content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"b"}]},
      {"role":"assistant","content":"c","reasoning":"r","name":"x","audio":null,"function_call":null},
      {"role":"assistant","refusal":"no"},
      {"role":"assistant","content":"","tool_calls":[{"id":"1","function":{"name":"f","arguments":{"a": 1}}},
        {"id":"2","type":"function","function":{"name":"g","arguments":""}}]},
      {"role":"tool","tool_call_id":"1","name":"f","content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]},
      {"role":"tool","tool_call_id":"2","content":null},
      {"role":"assistant","content":"d","prefix":true}
      """#)
    #expect(
      history == [
        Turn(role: .developer, content: "a"),
        Turn(role: .assistant, content: "b", reasoning: "t"),
        Turn(role: .assistant, content: "c", reasoning: "r"),
        Turn(role: .assistant, content: "no"),
        Turn(
          role: .assistant, content: "",
          calls: [
            Call(id: "1", name: "f", arguments: #"{"a":1}"#),
            Call(id: "2", name: "g", arguments: "{}"),
          ]),
        Turn(role: .tool, content: "x\ny", callID: "1"),
        Turn(role: .tool, content: "", callID: "2"),
        Turn(role: .assistant, content: "d", isOpen: true),
      ])
  }

  @Test func functionsInTheOldForm() async throws {
    let plan = try await OpenAIDialect.endpoints(identifiers: .counted()).plan(
      "/v1/chat/completions",
      .sample(
        #"""
        {"messages":[{"role":"user","content":"hi"},
        {"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},
        {"role":"function","name":"f","content":"1"}],
        "functions":[{"name":"f","parameters":{"type":"object"}}],"function_call":{"name":"f"}}
        """#))
    let request = plan.requests[0]
    #expect(request.toolChoice == .named("f"))
    #expect(!request.allowsParallelCalls)
    guard case .conversation(let turns) = request.prompt else { return }
    #expect(turns[1].calls.map(\.id) == [turns[2].callID])
    let reply = try json(
      plan.run([
        .started(OpenAISamples.report), .call(index: 0, Call(id: "c", name: "f", arguments: "{}")),
        .finished(.sample(.calls)),
      ]))
    let choice = try #require(reply["choices"]?.arrayValue?.first)
    #expect(choice["finish_reason"] == "function_call")
    #expect(choice["message"]?["function_call"] == .members(["name": "f", "arguments": "{}"]))
    #expect(choice["message"]?["tool_calls"] == nil)
  }

  @Test(
    arguments: [
      ("[]", nil), ("{}", "messages"), (#"{"messages":[]}"#, "messages"),
      (#"{"messages":"hi"}"#, "messages"), (#"{"messages":[1]}"#, "messages[0]"),
      (#"{"messages":[{"content":"x"}]}"#, "messages[0].role"),
      (#"{"messages":[{"role":"bot","content":"x"}]}"#, "messages[0].role"),
      (#"{"messages":[{"role":"user"}]}"#, "messages[0].content"),
      (#"{"messages":[{"role":"user","content":5}]}"#, "messages[0].content"),
      (#"{"messages":[{"role":"user","content":[{"text":"x"}]}]}"#, "messages[0].content[0].type"),
      (
        #"{"messages":[{"role":"user","content":[{"type":"text"}]}]}"#,
        "messages[0].content[0].text"
      ),
      (
        #"{"messages":[{"role":"user","content":[{"type":"odd"}]}]}"#, "messages[0].content[0].type"
      ),
      (#"{"messages":[{"role":"tool","content":"x"}]}"#, "messages[0].tool_call_id"),
      (#"{"messages":[{"role":"function","name":"f","content":"x"}]}"#, "messages[0].name"),
      (
        #"{"messages":[{"role":"assistant","tool_calls":[{"id":"1","function":{}}]}]}"#,
        "messages[0].tool_calls[0].function.name"
      ),
      (
        #"{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]}]}"#,
        "messages[0].tool_calls[0].id"
      ),
      (
        #"{"messages":[{"role":"assistant","tool_calls":[{"id":"1","type":"custom"}]}]}"#,
        "messages[0].tool_calls[0].type"
      ),
      (
        #"{"messages":[{"role":"user","content":"x"}],"continue_final_message":true}"#,
        "messages[0].role"
      ),
    ] as [(String, String?)])
  func wrongBodiesNameThePlace(body: String, parameter: String?) async throws {
    let refusal = try await refusal { _ = try await requests(body) }
    #expect(refusal.parameter == parameter)
  }

  @Test(arguments: [
    (#""temperature":3"#, "temperature"), (#""temperature":"1""#, "temperature"),
    (#""top_p":1.5"#, "top_p"), (#""n":0"#, "n"), (#""n":9"#, "n"), (#""seed":1.5"#, "seed"),
    (#""max_tokens":0"#, "max_tokens"), (#""stream":"yes""#, "stream"),
    (#""stop":[1]"#, "stop[0]"), (#""stop":5"#, "stop"), (#""logit_bias":{"x":1}"#, "logit_bias.x"),
    (#""logit_bias":{"1":101}"#, "logit_bias.1"), (#""top_logprobs":2"#, "top_logprobs"),
    (#""logprobs":true,"top_logprobs":21"#, "top_logprobs"),
    (#""reasoning_effort":"huge""#, "reasoning_effort"),
    (#""reasoning":{"effort":"huge"}"#, "reasoning.effort"),
    (#""tools":[{"type":"custom","custom":{"name":"x"}}]"#, "tools[0].type"),
    (#""tools":[{"type":"function"}]"#, "tools[0].function"),
    (#""tools":[{"type":"function","function":{}}]"#, "tools[0].function.name"),
    (
      #""tools":[{"type":"function","function":{"name":"f","parameters":1}}]"#,
      "tools[0].function.parameters"
    ),
    (
      #""tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}}]"#,
      "tools[1].function.name"
    ),
    (#""tool_choice":"required""#, "tool_choice"), (#""tool_choice":"maybe""#, "tool_choice"),
    (#""tool_choice":{"type":"function","function":{"name":"g"}}"#, "tool_choice.function.name"),
    (#""response_format":{"type":"xml"}"#, "response_format.type"),
    (#""response_format":{"type":"json_schema"}"#, "response_format.json_schema"),
    (
      #""response_format":{"type":"json_schema","json_schema":{"name":"x"}}"#,
      "response_format.json_schema.schema"
    ),
    (#""response_format":{"type":"json_object"},"grammar":"root ::= \"a\"""#, "grammar"),
    (#""guided_json":"{""#, "guided_json"), (#""guided_choice":[]"#, "guided_choice"),
    (#""modalities":["text","audio"]"#, "modalities[1]"), (#""audio":{"voice":"x"}"#, "audio"),
    (#""web_search_options":{}"#, "web_search_options"), (#""ignore_eos":true"#, "ignore_eos"),
    (#""min_tokens":3"#, "min_tokens"),
  ])
  func wrongMembersNameThePlace(members: String, parameter: String) async throws {
    let refusal = try await refusal { _ = try await request(members) }
    #expect(refusal.parameter == parameter)
  }

  @Test(arguments: [
    #"{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}"#,
    #"{"type":"input_image","image_url":"x"}"#, #"{"type":"input_audio","input_audio":{}}"#,
    #"{"type":"file","file":{}}"#, #"{"type":"video_url","video_url":{}}"#,
  ])
  func onlyTextIsTakenIn(part: String) async throws {
    let body =
      #"{"messages":[{"role":"user","content":[{"type":"text","text":"see"},\#(part)]}]}"#
    let reply = try await OpenAIDialect.endpoints().refused("/v1/chat/completions", body)
    #expect(reply.status == 400)
    let error = try #require(reply.json?["error"])
    #expect(error["type"] == "invalid_request_error")
    #expect(error["param"] == "messages[0].content[1]")
    #expect(error["message"]?.stringValue?.contains("not supported") == true)
  }
}

extension [Endpoint] {
  /// How the endpoint at a path reports the error of its action.
  func refused(_ path: String, _ body: String) async throws -> EndpointReply {
    let endpoint = try #require(first { $0.method == .post && $0.path == path })
    do {
      _ = try await plan(path, .sample(body))
    } catch let error as ServiceError {
      return endpoint.failure(.service(error))
    } catch let error as EndpointError {
      return endpoint.failure(error)
    }
    throw NotRefused()
  }
}
