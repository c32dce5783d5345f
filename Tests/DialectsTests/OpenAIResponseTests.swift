import Dialects
import JSON
import ModelServing
import Testing

/// Responses: what they ask for, their events, and how they are kept.
struct OpenAIResponseTests {
  private let endpoints = OpenAIDialect.endpoints(identifiers: .counted())

  private func plan(_ members: String) async throws -> AnswerPlan {
    try await endpoints.plan("/v1/responses", .sample("{" + members + "}"))
  }

  private func turns(_ input: String) async throws -> [Turn] {
    guard
      case .conversation(let turns) = try await plan(#""input":\#(input)"#).requests[0].prompt
    else { return [] }
    return turns
  }

  // MARK: Requests

  @Test func everythingIsTaken() async throws {
    let plan = try await endpoints.plan("/v1/responses", .sample(OpenAISamples.response))
    let request = try #require(plan.requests.first)
    #expect(plan.requests.count == 1)
    #expect(
      request.prompt
        == .conversation([
          Turn(role: .system, content: "Be brief."),
          Turn(role: .user, content: "Weather in Oslo?"),
          Turn(
            role: .assistant, content: "Looking.", reasoning: "hm",
            calls: [Call(id: "call_1", name: "weather", arguments: #"{"city":"Oslo"}"#)]),
          Turn(role: .tool, content: "12 C", callID: "call_1"),
          Turn(role: .user, content: "and Rome?"),
        ]))
    #expect(request.tools.map(\.name) == ["weather", "patch", "mcp__files__list"])
    #expect(request.tools[1].parameters?["required"] == ["input"])
    #expect(!request.allowsParallelCalls)
    #expect(request.thinking == .on)
    #expect(request.maximumTokens == 50)
    #expect(request.alternatives == 2)
    #expect(request.client == "key/session")
    #expect(plan.headers == [.init("x-maslin-omitted-tools", "web_search")])
  }

  @Test func itemsBecomeTurns() async throws {
    #expect(try await turns(#""hi""#) == [Turn(role: .user, content: "hi")])
    let items = try await turns(
      #"""
      [{"type":"message","role":"developer","content":"d"},
      {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"s1"},{"type":"summary_text","text":"s2"}]},
      {"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{}","status":"completed"},
      {"type":"function_call","call_id":"c2","name":"f","namespace":"ns","arguments":"{\"a\":1}"},
      {"type":"function_call_output","call_id":"c1","output":"1"},
      {"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"2"}]},
      {"type":"custom_tool_call","call_id":"c3","name":"patch","input":"a\nb"},
      {"type":"custom_tool_call_output","call_id":"c3","output":"done"},
      {"role":"assistant","content":[{"type":"output_text","text":"one"}]},
      {"role":"assistant","content":"two"},
      {"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"foreign"}]
      """#)
    #expect(
      items == [
        Turn(role: .developer, content: "d"),
        Turn(
          role: .assistant, content: "", reasoning: "s1\ns2",
          calls: [
            Call(id: "c1", name: "f", arguments: "{}"),
            Call(id: "c2", name: "ns__f", arguments: #"{"a":1}"#),
          ]),
        Turn(role: .tool, content: "1", callID: "c1"),
        Turn(role: .tool, content: "2", callID: "c2"),
        Turn(
          role: .assistant, content: "",
          calls: [Call(id: "c3", name: "patch", arguments: #"{"input":"a\nb"}"#)]),
        Turn(role: .tool, content: "done", callID: "c3"),
        Turn(role: .assistant, content: "one"), Turn(role: .assistant, content: "two"),
      ])
  }

  @Test(arguments: [
    (#""model":"x""#, "input"), (#""input":5"#, "input"), (#""input":[]"#, "input"),
    (#""input":[{"role":"tool","content":"x"}]"#, "input[0].role"),
    (#""input":[{"role":"user"}]"#, "input[0].content"),
    (
      #""input":[{"role":"user","content":[{"type":"input_image","image_url":"x"}]}]"#,
      "input[0].content[0]"
    ),
    (
      #""input":[{"type":"function_call_output","call_id":"c","output":[{"type":"input_file"}]}]"#,
      "input[0].output[0]"
    ),
    (#""input":[{"type":"function_call","name":"f"}]"#, "input[0].call_id"),
    (#""input":[{"type":"web_search_call","id":"x"}]"#, "input[0].type"),
    (#""input":[{"type":"item_reference","id":"msg_0"}]"#, "input[0].id"),
    (#""input":"x","background":true"#, "background"),
    (#""input":"x","conversation":"conv_1""#, "conversation"),
    (#""input":"x","prompt":{"id":"p"}"#, "prompt"),
    (#""input":"x","tools":[{"type":"odd"}]"#, "tools[0].type"),
    (#""input":"x","tools":[{"type":"web_search"}],"tool_choice":"required""#, "tool_choice"),
    (#""input":"x","tool_choice":{"type":"web_search"}"#, "tool_choice.type"),
    (#""input":"x","text":{"format":{"type":"json_schema","name":"n"}}"#, "text.format.schema"),
    (#""input":"x","reasoning":{"effort":"x"}"#, "reasoning.effort"),
  ])
  func wrongMembersNameThePlace(members: String, parameter: String) async throws {
    let refusal = try await refusal { _ = try await plan(members) }
    #expect(refusal.parameter == parameter)
  }

  @Test func formats() async throws {
    let format = #""text":{"format":{"type":"json_schema","name":"n","schema":{"type":"null"}}}"#
    #expect(
      try await plan(#""input":"x","# + format).requests[0].format
        == .jsonSchema(.members(["type": "null"])))
    #expect(
      try await plan(#""input":"x","text":{"format":{"type":"json_object"}}"#).requests[0].format
        == .jsonObject)
  }

  // MARK: Events

  /// The data of an event without its type and number, which are checked apart.
  private func body(_ event: ReceivedEvent) throws -> String {
    guard case .object(let members) = try event.value() else { return event.data }
    return text(.object(Array(members.dropFirst(2))))
  }

  @Test func aStreamIsWrittenAsTheOriginalWritesIt() async throws {
    let plan = try await plan(#""model":"tiny","input":"hi","stream":true"#)
    let events = try #require(ReceivedEvent.read(plan.run(OpenAISamples.events)))
    #expect(
      events.map(\.name) == [
        "response.created", "response.in_progress",
        "response.output_item.added", "response.content_part.added",
        "response.reasoning_text.delta", "response.reasoning_text.delta",
        "response.reasoning_text.done", "response.content_part.done", "response.output_item.done",
        "response.output_item.added", "response.content_part.added",
        "response.output_text.delta", "response.output_text.delta", "response.output_text.done",
        "response.content_part.done", "response.output_item.done",
        "response.output_item.added", "response.function_call_arguments.delta",
        "response.function_call_arguments.done", "response.output_item.done",
        "response.output_item.added", "response.function_call_arguments.delta",
        "response.function_call_arguments.done", "response.output_item.done",
        "response.completed",
      ])
    for (index, event) in events.enumerated() {
      let value = try event.value()
      #expect(value["type"] == event.name.map(JSONValue.string))
      #expect(value["sequence_number"] == .integer(index))
    }
    let reasoning = #"{"type":"reasoning_text","text":"Let me see."}"#
    let said = #"{"type":"output_text","text":"It is \"warm\"\n","annotations":[],"logprobs":[]}"#
    let expected = [
      #"{"output_index":0,"item":{"id":"rs_3","type":"reasoning","status":"in_progress","summary":[],"content":[]}}"#,
      #"{"item_id":"rs_3","output_index":0,"content_index":0,"part":{"type":"reasoning_text","text":""}}"#,
      #"{"item_id":"rs_3","output_index":0,"content_index":0,"delta":"Let"}"#,
      #"{"item_id":"rs_3","output_index":0,"content_index":0,"delta":" me see."}"#,
      #"{"item_id":"rs_3","output_index":0,"content_index":0,"text":"Let me see."}"#,
      #"{"item_id":"rs_3","output_index":0,"content_index":0,"part":\#(reasoning)}"#,
      #"{"output_index":0,"item":{"id":"rs_3","type":"reasoning","status":"completed","summary":[],"content":[\#(reasoning)]}}"#,
      #"{"output_index":1,"item":{"id":"msg_4","type":"message","status":"in_progress","role":"assistant","content":[]}}"#,
      #"{"item_id":"msg_4","output_index":1,"content_index":0,"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]}}"#,
      #"{"item_id":"msg_4","output_index":1,"content_index":0,"delta":"It is ","logprobs":[]}"#,
      #"{"item_id":"msg_4","output_index":1,"content_index":0,"delta":"\"warm\"\n","logprobs":[]}"#,
      #"{"item_id":"msg_4","output_index":1,"content_index":0,"text":"It is \"warm\"\n","logprobs":[]}"#,
      #"{"item_id":"msg_4","output_index":1,"content_index":0,"part":\#(said)}"#,
      #"{"output_index":1,"item":{"id":"msg_4","type":"message","status":"completed","role":"assistant","content":[\#(said)]}}"#,
      #"{"output_index":2,"item":{"id":"fc_5","type":"function_call","status":"in_progress","arguments":"","call_id":"call_a","name":"weather"}}"#,
      #"{"item_id":"fc_5","output_index":2,"delta":"{\"city\":\"Oslo\"}"}"#,
      #"{"item_id":"fc_5","output_index":2,"name":"weather","arguments":"{\"city\":\"Oslo\"}"}"#,
      #"{"output_index":2,"item":{"id":"fc_5","type":"function_call","status":"completed","arguments":"{\"city\":\"Oslo\"}","call_id":"call_a","name":"weather"}}"#,
    ]
    #expect(try events[2..<20].map { try body($0) } == expected)

    let created = try #require(try events[0].value()["response"])
    #expect(created["id"] == "resp_2" && created["status"] == "in_progress")
    #expect(created["output"] == [] && created["usage"] == .null)
    let completed = try #require(try events[24].value()["response"])
    #expect(completed["id"] == "resp_2" && completed["status"] == "completed")
    #expect(completed["completed_at"] == 1_700_000_002)
    #expect(completed["output"]?.arrayValue?.count == 4)
    #expect(
      completed["usage"]
        == .members([
          "input_tokens": 10,
          "input_tokens_details": .members(["cached_tokens": 4, "cache_write_tokens": 6]),
          "output_tokens": 6, "output_tokens_details": .members(["reasoning_tokens": 2]),
          "total_tokens": 16,
        ]))
    #expect(completed["maslin"]?["reused_tokens"] == 4)
    #expect(completed["maslin"]?["prefix_miss"]?["known"] == "then")
  }

  @Test func thoughtsAsSummary() async throws {
    let plan = try await plan(
      #""input":"hi","stream":true,"reasoning":{"summary":"auto"},"include":["reasoning.encrypted_content"]"#
    )
    let events = try #require(ReceivedEvent.read(plan.run(Array(OpenAISamples.events.prefix(4)))))
    #expect(
      events.compactMap(\.name).dropFirst(2).prefix(7) == [
        "response.output_item.added", "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta", "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done", "response.reasoning_summary_part.done",
        "response.output_item.done",
      ])
    let item = try #require(try events[8].value()["item"])
    #expect(item["summary"] == [.members(["type": "summary_text", "text": "Let me see."])])
    #expect(item["content"] == [])
    // What stateless clients send back is understood, even alone.
    let sealed = try #require(item["encrypted_content"]?.stringValue)
    let back = try await turns(
      #"[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"\#(sealed)"}]"#)
    #expect(back == [Turn(role: .assistant, content: "", reasoning: "Let me see.")])
  }

  @Test func toolsOfTheClientsOwn() async throws {
    let plan = try await plan(
      #""input":"x","stream":true,"tools":[{"type":"custom","name":"patch"},{"type":"namespace","name":"ns","tools":[{"type":"function","name":"f"}]}]"#
    )
    let events = try #require(
      ReceivedEvent.read(
        plan.run([
          .started(OpenAISamples.report),
          .call(index: 0, Call(id: "c1", name: "patch", arguments: #"{"input":"a\nb"}"#)),
          .call(index: 1, Call(id: "c2", name: "ns__f", arguments: "{}")),
          .finished(.sample(.calls)),
        ])))
    #expect(
      events.dropFirst(2).dropLast().map(\.name) == [
        "response.output_item.added", "response.custom_tool_call_input.delta",
        "response.custom_tool_call_input.done", "response.output_item.done",
        "response.output_item.added", "response.function_call_arguments.delta",
        "response.function_call_arguments.done", "response.output_item.done",
      ])
    let output = try events[events.count - 1].value()["response"]?["output"]
    #expect(
      output
        == [
          .members([
            "id": "ctc_3", "type": "custom_tool_call", "status": "completed", "call_id": "c1",
            "name": "patch", "input": "a\nb",
          ]),
          .members([
            "id": "fc_4", "type": "function_call", "status": "completed", "arguments": "{}",
            "call_id": "c2", "name": "f", "namespace": "ns",
          ]),
        ])
  }

  @Test(arguments: [Finish.Reason.tokenLimit, .contextFull, .loop("x x")])
  func cutOff(reason: Finish.Reason) async throws {
    for stream in ["false", "true"] {
      let text = try await plan(#""input":"x","stream":\#(stream)"#).run([
        .started(OpenAISamples.report), .content("half", []), .finished(.sample(reason)),
      ])
      let response =
        stream == "true"
        ? try #require(try ReceivedEvent.read(text)?.last?.value()["response"]) : try json(text)
      #expect(response["status"] == "incomplete")
      #expect(response["incomplete_details"] == .members(["reason": "max_output_tokens"]))
      #expect(response["output"]?.arrayValue?.first?["status"] == "incomplete")
      if stream == "true" {
        #expect(ReceivedEvent.read(text)?.last?.name == "response.incomplete")
      }
    }
  }

  @Test(arguments: [
    (ServiceError.failed("broken"), "server_error"),
    (.overloaded(reason: "full", retryAfter: 1), "rate_limit_exceeded"),
    (.invalid(message: "m", parameter: nil), "invalid_prompt"),
  ])
  func failuresInsideAStream(error: ServiceError, code: String) async throws {
    var plan = try await plan(#""input":"x","stream":true"#)
    let bytes =
      plan.encoder.encode(Array(OpenAISamples.events.prefix(3)), choice: 0)
      + plan.encoder.fail(error)
    let events = try #require(ReceivedEvent.read(string(bytes)))
    let last = try #require(events.last)
    #expect(last.name == "response.failed")
    let response = try #require(try last.value()["response"])
    #expect(response["status"] == "failed")
    #expect(response["error"]?["code"] == .string(code))
    #expect(try last.value()["sequence_number"] == .integer(events.count - 1))
    // A response that failed is not kept.
    let id = try #require(response["id"]?.stringValue)
    let kept = try await reply(.get, "/v1/responses/:id", id: id)
    #expect(kept.status == 404)
  }

  // MARK: Keeping

  private func reply(
    _ method: Endpoint.Method, _ path: String, id: String, query: [String: String] = [:]
  ) async throws -> EndpointReply {
    let endpoint = try #require(endpoints.first { $0.method == method && $0.path == path })
    guard case .reply(let action) = endpoint.action else { throw NoSuchEndpoint() }
    do {
      return try await action(.sample(parameters: ["id": id], query: query))
    } catch let error as EndpointError {
      return endpoint.failure(error)
    } catch let error as ServiceError {
      return endpoint.failure(.service(error))
    }
  }

  @Test func conversationsGoOn() async throws {
    let tools = #""tools":[{"type":"function","name":"weather"}]"#
    let first = try json(
      try await plan(#""instructions":"A","input":"Weather?",\#(tools)"#).run(OpenAISamples.events))
    let id = try #require(first["id"]?.stringValue)
    let next = try await plan(
      #""instructions":"B","previous_response_id":"\#(id)","input":[{"type":"function_call_output","call_id":"call_a","output":"12 C"}]"#
    )
    #expect(
      next.requests[0].prompt
        == .conversation([
          Turn(role: .system, content: "B"), Turn(role: .user, content: "Weather?"),
          Turn(
            role: .assistant, content: "It is \"warm\"\n", reasoning: "Let me see.",
            calls: [
              Call(id: "call_a", name: "weather", arguments: #"{"city":"Oslo"}"#),
              Call(id: "call_b", name: "weather", arguments: #"{"city":"Rome"}"#),
            ]),
          Turn(role: .tool, content: "12 C", callID: "call_a"),
        ]))

    #expect(try await reply(.get, "/v1/responses/:id", id: id).json == first)
    let output = try #require(first["output"]?.arrayValue)
    let message = try #require(output[1]["id"]?.stringValue)
    let referred = try await turns(#"[{"type":"item_reference","id":"\#(message)"}]"#)
    #expect(referred == [Turn(role: .assistant, content: "It is \"warm\"\n")])

    let deleted = try await reply(.delete, "/v1/responses/:id", id: id)
    #expect(deleted.json?["deleted"] == true)
    for method in [Endpoint.Method.get, .delete] {
      let gone = try await reply(method, "/v1/responses/:id", id: id)
      #expect(gone.status == 404)
      #expect(
        gone.json?["error"]?["message"]?.stringValue?.hasPrefix(
          "Response with id '\(id)' not found")
          == true)
    }
    let refused = try await endpoints.refused(
      "/v1/responses", #"{"input":"x","previous_response_id":"\#(id)"}"#)
    #expect(refused.status == 400)
    #expect(refused.json?["error"]?["code"] == "previous_response_not_found")
    #expect(refused.json?["error"]?["param"] == "previous_response_id")
  }

  @Test func whatShallNotBeKeptIsNot() async throws {
    let response = try json(
      try await plan(#""input":"x","store":false"#).run(OpenAISamples.events))
    #expect(response["store"] == false)
    let id = try #require(response["id"]?.stringValue)
    #expect(try await reply(.get, "/v1/responses/:id", id: id).status == 404)
  }

  @Test func pagesOfItems() async throws {
    let response = try json(
      try await plan(
        #""input":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]"#
      ).run(OpenAISamples.events))
    let id = try #require(response["id"]?.stringValue)
    func page(_ query: [String: String]) async throws -> EndpointReply {
      try await reply(.get, "/v1/responses/:id/input_items", id: id, query: query)
    }
    func texts(_ reply: EndpointReply) -> [String?]? {
      reply.json?["data"]?.arrayValue?.map {
        $0["content"]?.arrayValue?.first?["text"]?.stringValue
      }
    }
    let all = try await page([:])
    #expect(texts(all) == ["c", "b", "a"])
    #expect(all.json?["has_more"] == false)
    let first = try await page(["order": "asc", "limit": "2"])
    #expect(texts(first) == ["a", "b"])
    #expect(first.json?["has_more"] == true)
    let last = try #require(first.json?["last_id"]?.stringValue)
    #expect(texts(try await page(["order": "asc", "after": last])) == ["c"])
    #expect(try await page(["limit": "0"]).status == 400)
    #expect(try await page(["after": "msg_x"]).json?["error"]?["param"] == "after")
    #expect(try await reply(.post, "/v1/responses/:id/cancel", id: id).status == 400)
  }

  @Test func theStoreIsBounded() async throws {
    let store = ResponseStore(capacity: 3, byteLimit: 1 << 20)
    let endpoints = OpenAIDialect.endpoints(responses: store, identifiers: .counted())
    func respond(_ members: String) async throws -> String {
      let plan = try await endpoints.plan("/v1/responses", .sample("{" + members + "}"))
      return try json(plan.run(OpenAISamples.events))["id"]?.stringValue ?? ""
    }
    var ids: [String] = []
    for _ in 0..<3 { ids.append(try await respond(#""input":"x""#)) }
    // The first is named, so that the second is the one not used for longest.
    ids.append(try await respond(#""input":"y","previous_response_id":"\#(ids[0])""#))
    func isKnown(_ id: String) async throws -> Bool {
      let endpoint = try #require(endpoints.first { $0.path == "/v1/responses/:id" })
      guard case .reply(let action) = endpoint.action else { throw NoSuchEndpoint() }
      return (try? await action(.sample(parameters: ["id": id]))) != nil
    }
    #expect(try await isKnown(ids[0]))
    #expect(try await !isKnown(ids[1]))
    #expect(try await isKnown(ids[2]))
    #expect(try await isKnown(ids[3]))

    let text = String(repeating: "x", count: 300_000)
    for _ in 0..<5 { _ = try await respond(#""input":"\#(text)""#) }
    #expect(store.size.count == 1)
    #expect(store.size.byteCount <= 1 << 20)
    _ = try await respond(#""input":"\#(String(repeating: "x", count: 1_100_000))""#)
    #expect(store.size.count == 1)
  }

  @Test func tokensOfTheInput() async throws {
    let reply = try await endpoints.reply(
      .post, "/v1/responses/input_tokens", .sample(#"{"model":"tiny","input":"hi"}"#))
    #expect(string(reply.body) == #"{"object":"response.input_tokens","input_tokens":7}"#)
  }
}
