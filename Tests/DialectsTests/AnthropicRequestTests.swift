import Dialects
import JSON
import ModelServing
import Testing

@Suite("Anthropic: requests")
struct AnthropicRequestTests {
  private func plan(_ body: String) async throws -> AnswerPlan {
    try await AnthropicDialect.endpoints().plan("/v1/messages", .sample(body))
  }

  private func request(_ members: String) async throws -> GenerationRequest {
    try await plan("{\"model\":\"tiny\",\"max_tokens\":100,\(members)}").requests[0]
  }

  private func turns(_ members: String) async throws -> [Turn] {
    guard case .conversation(let turns) = try await request(members).prompt else { return [] }
    return turns
  }

  @Test func everySettingArrives() async throws {
    let request = try await request(
      #"""
      "messages":[{"role":"user","content":"hi"}],"temperature":0.5,"top_p":0.9,"top_k":40,
      "stop_sequences":["END","\n\n"],"metadata":{"user_id":"u1"},"service_tier":"auto",
      "tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"strict":true,
        "cache_control":{"type":"ephemeral"},"eager_input_streaming":true},
        {"type":"custom","name":"g","input_schema":{}}],
      "tool_choice":{"type":"tool","name":"g","disable_parallel_tool_use":true},
      "thinking":{"type":"enabled","budget_tokens":2048},"stream":true
      """#)
    #expect(request.model == "tiny")
    #expect(request.maximumTokens == 100)
    #expect(request.sampling.temperature == 0.5)
    #expect(request.sampling.topP == 0.9)
    #expect(request.sampling.topK == 40)
    #expect(request.stop == ["END", "\n\n"])
    #expect(request.client == "key/u1")
    #expect(
      request.tools == [
        Tool(
          name: "f", description: "d", parameters: try json(#"{"type":"object"}"#), isStrict: true),
        Tool(name: "g", description: nil, parameters: .object([]), isStrict: false),
      ])
    #expect(request.toolChoice == .named("g"))
    #expect(!request.allowsParallelCalls)
    #expect(request.thinking == .on)
    #expect(request.prompt == .conversation([Turn(role: .user, content: "hi")]))
  }

  @Test func defaultsAreTheInterfaces() async throws {
    let request = try await request(#""messages":[{"role":"user","content":"hi"}]"#)
    #expect(request.thinking == .off)
    #expect(request.toolChoice == .automatic)
    #expect(request.allowsParallelCalls)
    #expect(request.format == .text)
    #expect(request.sampling == GenerationRequest.Sampling())
    #expect(request.client == "key")
  }

  @Test func systemIsTextOrBlocks() async throws {
    let user = #""messages":[{"role":"user","content":"hi"}]"#
    #expect(try await turns(#""system":"S","# + user)[0] == Turn(role: .system, content: "S"))
    let blocks = #"""
      "system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1; cch=abc;"},
        {"type":"text","text":"A","cache_control":{"type":"ephemeral","ttl":"1h"}},
        {"type":"text","text":"B"}],
      """#
    #expect(try await turns(blocks + user)[0] == Turn(role: .system, content: "A\n\nB"))
    #expect(try await turns(#""system":[],"# + user).count == 1)
  }

  @Test func consecutiveMessagesOfARoleAreOneTurn() async throws {
    let turns = try await turns(
      #"""
      "messages":[{"role":"user","content":"a"},{"role":"user","content":[
        {"type":"text","text":"b"},{"type":"text","text":"c"}]},
        {"role":"assistant","content":"x"},{"role":"assistant","content":[{"type":"text","text":"y"}]},
        {"role":"user","content":"d"}]
      """#)
    #expect(
      turns == [
        Turn(role: .user, content: "a\n\nb\n\nc"), Turn(role: .assistant, content: "xy"),
        Turn(role: .user, content: "d"),
      ])
  }

  @Test func callsAndResultsBecomeTurns() async throws {
    let turns = try await turns(
      #"""
      "messages":[{"role":"user","content":"weather?"},
      {"role":"assistant","content":[
        {"type":"thinking","thinking":"let me see","signature":"made-elsewhere"},
        {"type":"redacted_thinking","data":"xyz"},
        {"type":"text","text":"I look."},
        {"type":"tool_use","id":"toolu_A","name":"get","input":{"city":"Köln","n":[1,2.5]}},
        {"type":"tool_use","id":"foreign-1","name":"get","input":{}}]},
      {"role":"user","content":[
        {"type":"text","text":"and quickly"},
        {"type":"tool_result","tool_use_id":"foreign-1","content":"no","is_error":true},
        {"type":"tool_result","tool_use_id":"toolu_A","content":[
          {"type":"text","text":"sunny"},{"type":"text","text":"20 C"}]}]}]
      """#)
    #expect(
      turns == [
        Turn(role: .user, content: "weather?"),
        Turn(
          role: .assistant, content: "I look.", reasoning: "let me see",
          calls: [
            Call(id: "call_A", name: "get", arguments: #"{"city":"Köln","n":[1,2.5]}"#),
            Call(id: "foreign-1", name: "get", arguments: "{}"),
          ]),
        Turn(role: .tool, content: "Error: no", callID: "foreign-1"),
        Turn(role: .tool, content: "sunny\n\n20 C", callID: "call_A"),
        Turn(role: .user, content: "and quickly"),
      ])
  }

  @Test func resultsMayBeEmptyAndSpreadOverMessages() async throws {
    let turns = try await turns(
      #"""
      "messages":[{"role":"assistant","content":[
        {"type":"tool_use","id":"toolu_1","name":"f","input":{}},
        {"type":"tool_use","id":"toolu_2","name":"f"}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1"}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_2","content":[]}]}]
      """#)
    #expect(turns.map(\.role) == [.assistant, .tool, .tool])
    #expect(turns.map(\.content) == ["", "", ""])
  }

  @Test func documentsOfTextAndReferencesAreText() async throws {
    let turns = try await turns(
      #"""
      "messages":[{"role":"user","content":[
        {"type":"document","title":"T","source":{"type":"text","media_type":"text/plain","data":"D"}},
        {"type":"document","source":{"type":"content","content":"E"}},
        {"type":"search_result","title":"S","source":"u","content":[{"type":"text","text":"F"}]}]}]
      """#)
    #expect(turns == [Turn(role: .user, content: "T\nD\n\nE\n\nS\nu\nF")])
  }

  @Test func aLastAssistantMessageIsLeftOpen() async throws {
    let user = #"{"role":"user","content":"q"}"#
    let open = try await turns(
      "\"messages\":[\(user),{\"role\":\"assistant\",\"content\":\"The answer is (\"}]")
    #expect(open.last == Turn(role: .assistant, content: "The answer is (", isOpen: true))
    let empty = try await turns("\"messages\":[\(user),{\"role\":\"assistant\",\"content\":\"\"}]")
    #expect(empty == [Turn(role: .user, content: "q")])
    let closed = try await turns(
      "\"messages\":[\(user),{\"role\":\"assistant\",\"content\":\"x\"},\(user)]")
    #expect(closed.allSatisfy { !$0.isOpen })
  }

  @Test func hiddenThoughtsComeBackFromTheirSignature() async throws {
    let thoughts = "Grüße\nthought \u{1F914}"
    let signature = AnthropicSignature.hidden(thoughts)
    let turns = try await turns(
      #"""
      "messages":[{"role":"user","content":"q"},{"role":"assistant","content":[
        {"type":"thinking","thinking":"","signature":"\#(signature)"},
        {"type":"text","text":"a"}]},{"role":"user","content":"r"}]
      """#)
    #expect(turns[1].reasoning == thoughts)
  }

  @Test func systemNotesInTheMiddleStayUnlessTheyExpired() async throws {
    let turns = try await turns(
      #"""
      "messages":[{"role":"user","content":"a"},{"role":"system","content":"gone",
        "clear_at":"next_user_message"},{"role":"assistant","content":"b"},
        {"role":"user","content":"c"},{"role":"system","content":"kept","clear_at":"never"}]
      """#)
    #expect(turns.map(\.content) == ["a", "b", "c", "kept"])
    #expect(turns.last?.role == .system)
  }

  @Test(arguments: [
    (#"{"type":"disabled"}"#, nil, GenerationRequest.Thinking.off),
    (#"{"type":"between_tools"}"#, nil, .off),
    (#"{"type":"enabled","budget_tokens":31999}"#, nil, .on),
    (#"{"type":"adaptive"}"#, nil, .on), (#"{"type":"adaptive"}"#, "low", .on),
    (#"{"type":"adaptive"}"#, "high", .high), (#"{"type":"adaptive"}"#, "xhigh", .max),
    (#"{"type":"adaptive"}"#, "max", .max), (#"{"type":"disabled"}"#, "max", .off),
  ])
  func thinkingHasLevels(
    thinking: String, effort: String?, level: GenerationRequest.Thinking
  ) async throws {
    let effort = effort.map { "\"output_config\":{\"effort\":\"\($0)\"}," } ?? ""
    let request = try await request(
      effort + "\"thinking\":\(thinking),\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]")
    #expect(request.thinking == level)
  }

  @Test(arguments: [
    #""output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}"#,
    #""output_format":{"type":"json_schema","schema":{"type":"object"}}"#,
  ])
  func answersCanFollowASchema(member: String) async throws {
    let request = try await request(member + #","messages":[{"role":"user","content":"q"}]"#)
    #expect(request.format == .jsonSchema(try json(#"{"type":"object"}"#)))
  }

  @Test(arguments: [
    (#"{"max_tokens":1,"messages":[{"role":"user","content":"q"}]}"#, "model"),
    (#"{"model":"m","messages":[{"role":"user","content":"q"}]}"#, "max_tokens"),
    (#"{"model":"m","max_tokens":-1,"messages":[{"role":"user","content":"q"}]}"#, "max_tokens"),
    (#"{"model":"m","max_tokens":1}"#, "messages"),
    (#"{"model":"m","max_tokens":1,"messages":[]}"#, "messages"),
    (#"{"model":"m","max_tokens":1,"messages":{}}"#, "messages"),
    (
      #"{"model":"m","max_tokens":1,"messages":[{"role":"robot","content":"q"}]}"#,
      "messages[0].role"
    ),
    (
      #"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":""}]}"#,
      "messages[0].content"
    ),
    (
      #"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":7}]}"#,
      "messages[0].content"
    ),
    (
      #"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"image","source":{}}]}]}"#,
      "messages[0].content[0].type"
    ),
    (
      #"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64"}}]}]}"#,
      "messages[0].content[0].type"
    ),
    (
      #"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text"}]}]}"#,
      "messages[0].content[0].text"
    ),
    (
      #"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_9"}]}]}"#,
      "messages[0].content[0].tool_use_id"
    ),
    (
      #"{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":{}}]},{"role":"user","content":"q"}]}"#,
      "messages[0]"
    ),
    (
      #"{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":{}}]}]}"#,
      "messages[0]"
    ),
    (
      #"{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":[]}]}]}"#,
      "messages[0].content[0].input"
    ),
    (
      #"{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"server_tool_use","id":"s","name":"web_search","input":{}}]}]}"#,
      "messages[0].content[0].type"
    ),
    (
      #"{"model":"m","max_tokens":1,"system":[{"type":"image"}],"messages":[{"role":"user","content":"q"}]}"#,
      "system[0].type"
    ),
    (
      #"{"model":"m","max_tokens":1,"tools":[{"type":"web_search_20250305","name":"web_search"}],"messages":[{"role":"user","content":"q"}]}"#,
      "tools[0].type"
    ),
    (
      #"{"model":"m","max_tokens":1,"tools":[{"name":"f"}],"messages":[{"role":"user","content":"q"}]}"#,
      "tools[0].input_schema"
    ),
    (
      #"{"model":"m","max_tokens":1,"tools":[{"name":"f","input_schema":{}},{"name":"f","input_schema":{}}],"messages":[{"role":"user","content":"q"}]}"#,
      "tools[1].name"
    ),
    (
      #"{"model":"m","max_tokens":1,"tools":[{"name":"a b","input_schema":{}}],"messages":[{"role":"user","content":"q"}]}"#,
      "tools[0].name"
    ),
    (
      #"{"model":"m","max_tokens":1,"tool_choice":{"type":"any"},"messages":[{"role":"user","content":"q"}]}"#,
      "tool_choice.type"
    ),
    (
      #"{"model":"m","max_tokens":1,"tool_choice":{"type":"tool","name":"x"},"messages":[{"role":"user","content":"q"}]}"#,
      "tool_choice.name"
    ),
    (
      #"{"model":"m","max_tokens":1,"temperature":3,"messages":[{"role":"user","content":"q"}]}"#,
      "temperature"
    ),
    (
      #"{"model":"m","max_tokens":1,"stop_sequences":["a",""],"messages":[{"role":"user","content":"q"}]}"#,
      "stop_sequences[1]"
    ),
    (
      #"{"model":"m","max_tokens":1,"thinking":{"type":"enabled"},"messages":[{"role":"user","content":"q"}]}"#,
      "thinking.budget_tokens"
    ),
    (
      #"{"model":"m","max_tokens":1,"thinking":{"type":"adaptive"},"messages":[{"role":"assistant","content":"q"}]}"#,
      "thinking.type"
    ),
    (
      #"{"model":"m","max_tokens":1,"output_config":{"format":{"type":"regex"}},"messages":[{"role":"user","content":"q"}]}"#,
      "output_config.format.type"
    ),
    (
      #"{"model":"m","max_tokens":1,"output_config":{"effort":"huge"},"messages":[{"role":"user","content":"q"}]}"#,
      "output_config.effort"
    ),
    (
      #"{"model":"m","max_tokens":1,"mcp_servers":[{"type":"url"}],"messages":[{"role":"user","content":"q"}]}"#,
      "mcp_servers"
    ),
    (
      #"{"model":"m","max_tokens":1,"stream":"yes","messages":[{"role":"user","content":"q"}]}"#,
      "stream"
    ),
  ])
  func mistakesAreNamed(body: String, parameter: String) async throws {
    let refusal = try await refusal { _ = try await plan(body) }
    #expect(refusal.parameter == parameter)
    #expect(!refusal.message.isEmpty)
  }

  @Test func membersWithoutMeaningHereAreAccepted() async throws {
    let request = try await request(
      #"""
      "messages":[{"role":"user","content":[{"type":"text","text":"q","citations":null}]}],
      "betas":["x-2025"],"cache_control":{"type":"ephemeral"},"speed":"standard",
      "context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},
      "inference_geo":"eu","diagnostics":{"previous_message_id":null},"container":null,
      "mcp_servers":[],"never_heard_of":{"a":1}
      """#)
    #expect(request.prompt == .conversation([Turn(role: .user, content: "q")]))
  }

  @Test func tokensAreCountedWithoutALimit() async throws {
    let endpoints = AnthropicDialect.endpoints()
    let body = #"{"model":"tiny","messages":[{"role":"user","content":"q"}]}"#
    let reply = try await endpoints.reply(
      .post, "/v1/messages/count_tokens", .sample(body, service: FixedService(tokenCount: 42)))
    #expect(reply.status == 200)
    #expect(string(reply.body) == #"{"input_tokens":42}"#)
    #expect(reply.header("request-id")?.hasPrefix("req_") == true)
  }

  @Test(arguments: [1, 2, 3, 4])
  func mutatedRequestsAreReadOrRefused(seed: UInt64) async throws {
    let bodies = try [Self.long, Self.short].map(json)
    var mutation = JSONMutation(generator: SplitMix64(seed: seed))
    let endpoints = AnthropicDialect.endpoints()
    var accepted = 0
    for round in 0..<5000 {
      let body = mutation.mutate(bodies[round % bodies.count], rarity: 10 + round % 90)
      let input = EndpointInput(body: body, now: 0, service: FixedService())
      do {
        let plan = try await endpoints.plan("/v1/messages", input)
        guard case .conversation(let turns) = plan.requests[0].prompt else {
          Issue.record("no conversation for seed \(seed), round \(round)")
          continue
        }
        accepted += 1
        // Every result answers a call before it, once.
        var open: Set<String> = []
        for turn in turns {
          for call in turn.calls { #expect(open.insert(call.id).inserted) }
          if let id = turn.callID { #expect(open.remove(id) != nil) }
        }
        #expect(open.isEmpty && !turns.isEmpty, "seed \(seed), round \(round)")
        #expect(turns.dropLast().allSatisfy { !$0.isOpen })
      } catch let error as ServiceError {
        #expect(!error.description.isEmpty)
      }
    }
    #expect(accepted > 500)
  }

  private static let short =
    #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"q"}]}"#
  private static let long = #"""
    {"model":"m","max_tokens":9,"system":[{"type":"text","text":"S"}],"stream":true,
    "tools":[{"name":"f","description":"d","input_schema":{"type":"object"}}],
    "tool_choice":{"type":"auto","disable_parallel_tool_use":true},
    "thinking":{"type":"enabled","budget_tokens":1024,"display":"omitted"},
    "output_config":{"effort":"low","format":{"type":"json_schema","schema":{}}},
    "stop_sequences":["a"],"temperature":1,"top_k":3,"top_p":0.5,"metadata":{"user_id":"u"},
    "messages":[{"role":"user","content":[{"type":"text","text":"a"}]},
    {"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},
      {"type":"text","text":"b"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"x":1}},
      {"type":"tool_use","id":"toolu_2","name":"f","input":{}}]},
    {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"r"},
      {"type":"tool_result","tool_use_id":"toolu_2","is_error":true,
        "content":[{"type":"text","text":"r"}]},{"type":"text","text":"c"}]},
    {"role":"system","content":"n"},{"role":"assistant","content":"d"},
    {"role":"user","content":"e"}]}
    """#
}
