import Dialects
import JSON
import ModelServing
import Testing

@Suite("Ollama: requests")
struct OllamaRequestTests {
  private static let endpoints = OllamaDialect.endpoints()

  private func request(_ path: String, _ members: String) async throws -> GenerationRequest {
    let plan = try await Self.endpoints.plan(path, .sample("{\"model\":\"tiny\",\(members)}"))
    return try #require(plan.requests.first)
  }

  private func turns(_ messages: String) async throws -> [Turn] {
    let request = try await request("/api/chat", "\"messages\":[\(messages)]")
    guard case .conversation(let turns) = request.prompt else { return [] }
    return turns
  }

  @Test func everyOptionArrives() async throws {
    let request = try await request(
      "/api/chat",
      #"""
      "messages":[{"role":"user","content":"q"}],"format":{"type":"object"},"think":"high",
      "logprobs":true,"top_logprobs":3,"keep_alive":"5m",
      "tools":[{"type":"function","function":{"name":"f","description":"d",
        "parameters":{"type":"object","properties":{}}}}],
      "options":{"num_predict":9,"temperature":0,"top_k":5,"top_p":0.5,"min_p":0.1,"seed":7,
        "stop":["a","b"],"repeat_penalty":1.1,"repeat_last_n":64,"presence_penalty":0.2,
        "frequency_penalty":-0.3,"num_ctx":4096,"num_gpu":99,"num_thread":4,"mirostat":0,
        "typical_p":1.0,"tfs_z":1,"unheard_of":1}
      """#)
    #expect(request.model == "tiny")
    #expect(request.client == "key")
    #expect(request.format == .jsonSchema(try json(#"{"type":"object"}"#)))
    #expect(request.thinking == .high)
    #expect(request.alternatives == 3)
    #expect(request.maximumTokens == 9)
    #expect(request.stop == ["a", "b"])
    var sampling = GenerationRequest.Sampling()
    sampling.temperature = 0
    sampling.topK = 5
    sampling.topP = 0.5
    sampling.minP = 0.1
    sampling.seed = 7
    sampling.repetitionPenalty = 1.1
    sampling.presencePenalty = 0.2
    sampling.frequencyPenalty = -0.3
    sampling.penaltyWindow = 64
    #expect(request.sampling == sampling)
    #expect(request.tools.map(\.name) == ["f"])
    #expect(
      request.tools[0].parameters == (try json(#"{"type":"object","properties":{}}"#)))
  }

  @Test func whatIsNotSaidIsLeftToTheModel() async throws {
    let request = try await request(
      "/api/chat",
      #""messages":[{"role":"user","content":"q"}],"format":"","think":null,"options":{"num_predict":-1,"seed":-1}"#
    )
    #expect(request.sampling == GenerationRequest.Sampling())
    #expect(request.thinking == nil)
    #expect(request.format == .text)
    #expect(request.maximumTokens == nil)
    #expect(request.alternatives == nil)
  }

  @Test(arguments: [
    ("true", GenerationRequest.Thinking.on), ("false", .off), ("\"low\"", .on), ("\"medium\"", .on),
    ("\"high\"", .high), ("\"max\"", .max),
  ])
  func thinkingHasLevels(think: String, level: GenerationRequest.Thinking) async throws {
    let request = try await request("/api/generate", "\"prompt\":\"q\",\"think\":\(think)")
    #expect(request.thinking == level)
  }

  @Test func penaltiesOverNoTokensAreNone() async throws {
    let request = try await request(
      "/api/generate", #""prompt":"q","options":{"repeat_last_n":0,"repeat_penalty":1.5}"#)
    #expect(request.sampling.repetitionPenalty == 1)
    #expect(request.sampling.presencePenalty == 0)
    #expect(request.sampling.penaltyWindow == nil)
  }

  @Test(arguments: [(-1, 0), (64, 64), (1000, 1000)])
  func penaltiesLookBack(last: Int, window: Int) async throws {
    let request = try await request(
      "/api/generate", "\"prompt\":\"q\",\"options\":{\"repeat_last_n\":\(last)}")
    #expect(request.sampling.penaltyWindow == window)
  }

  @Test func resultsFindTheirCalls() async throws {
    let turns = try await turns(
      #"""
      {"role":"system","content":"s"},{"role":"user","content":"q"},
      {"role":"assistant","thinking":"t","content":"","tool_calls":[
        {"function":{"name":"f","arguments":{"a":1}}},{"function":{"name":"g","arguments":{}}},
        {"id":"call_9","function":{"name":"f","arguments":{}}}]},
      {"role":"tool","tool_name":"g","content":"G"},
      {"role":"tool","tool_call_id":"call_9","content":"F2"},
      {"role":"tool","content":"F1"},
      {"role":"assistant","tool_calls":[{"function":{"name":"h"}}]},
      {"role":"tool","name":"h","content":"H"}
      """#)
    #expect(
      turns == [
        Turn(role: .system, content: "s"), Turn(role: .user, content: "q"),
        Turn(
          role: .assistant, content: "", reasoning: "t",
          calls: [
            Call(id: "call_ollama_0", name: "f", arguments: #"{"a":1}"#),
            Call(id: "call_ollama_1", name: "g", arguments: "{}"),
            Call(id: "call_9", name: "f", arguments: "{}"),
          ]),
        Turn(role: .tool, content: "G", callID: "call_ollama_1"),
        Turn(role: .tool, content: "F2", callID: "call_9"),
        Turn(role: .tool, content: "F1", callID: "call_ollama_0"),
        Turn(
          role: .assistant, content: "",
          calls: [Call(id: "call_ollama_3", name: "h", arguments: "{}")]),
        Turn(role: .tool, content: "H", callID: "call_ollama_3"),
      ])
  }

  @Test func aLastAssistantMessageIsLeftOpen() async throws {
    let turns = try await turns(
      #"{"role":"user","content":"q"},{"role":"assistant","content":"Y"}"#)
    #expect(turns.last == Turn(role: .assistant, content: "Y", isOpen: true))
  }

  @Test func promptsAreATurnOrRaw() async throws {
    let chat = try await request("/api/generate", #""prompt":"p","system":"s""#)
    #expect(
      chat.prompt
        == .conversation([Turn(role: .system, content: "s"), Turn(role: .user, content: "p")]))
    let raw = try await request("/api/generate", #""prompt":"p","raw":true,"context":[]"#)
    #expect(raw.prompt == .text("p"))
  }

  @Test func namesMayEndInLatest() async throws {
    let body = #"{"model":"tiny:latest","messages":[{"role":"user","content":"q"}]}"#
    var plan = try await Self.endpoints.plan("/api/chat", .sample(body))
    #expect(plan.requests[0].model == "tiny")
    #expect(string(plan.encoder.keepAlive()).contains("tiny:latest"))
  }

  @Test(arguments: [
    ("/api/chat", #"{"model":"tiny"}"#, "load"),
    ("/api/chat", #"{"model":"tiny","messages":[],"keep_alive":0}"#, "unload"),
    ("/api/generate", #"{"model":"tiny"}"#, "load"),
    ("/api/generate", #"{"model":"tiny","prompt":"","keep_alive":"0s"}"#, "unload"),
    ("/api/generate", #"{"model":"tiny","keep_alive":"10m"}"#, "load"),
  ])
  func nothingToAnswerLoadsTheModel(path: String, body: String, reason: String) async throws {
    var plan = try await Self.endpoints.plan(path, .sample(body))
    #expect(plan.requests.isEmpty)
    let reply = try JSONParser.parse(plan.encoder.end())
    #expect(reply["done"] == true)
    #expect(reply["done_reason"] == .string(reason))
    #expect((reply["message"] != nil) == (path == "/api/chat"))
  }

  @Test(arguments: [
    ("/api/chat", #"{"messages":[{"role":"user","content":"q"}]}"#, "model"),
    (
      "/api/chat", #"{"model":"tiny","messages":[{"role":"robot","content":"q"}]}"#,
      "messages[0].role"
    ),
    (
      "/api/chat", #"{"model":"tiny","messages":[{"role":"tool","content":"q"}]}"#,
      "messages[0].role"
    ),
    (
      "/api/chat", #"{"model":"tiny","messages":[{"role":"user","content":[]}]}"#,
      "messages[0].content"
    ),
    (
      "/api/chat",
      #"{"model":"tiny","messages":[{"role":"user","content":"q","images":["aGk="]}]}"#,
      "messages[0].images"
    ),
    (
      "/api/chat",
      #"{"model":"tiny","messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}]}"#,
      "messages[0].tool_calls[0].function.arguments"
    ),
    (
      "/api/chat",
      #"{"model":"tiny","messages":[{"role":"user","content":"q"}],"tools":[{"type":"function"}]}"#,
      "tools[0].function"
    ),
    (
      "/api/chat",
      #"{"model":"tiny","messages":[{"role":"user","content":"q"}],"options":{"num_ctx":8192}}"#,
      "options.num_ctx"
    ),
    (
      "/api/chat",
      #"{"model":"tiny","messages":[{"role":"user","content":"q"}],"options":{"mirostat":2}}"#,
      "options.mirostat"
    ),
    (
      "/api/chat",
      #"{"model":"tiny","messages":[{"role":"user","content":"q"}],"options":{"typical_p":0.5}}"#,
      "options.typical_p"
    ),
    (
      "/api/chat",
      #"{"model":"tiny","messages":[{"role":"user","content":"q"}],"options":{"stop":["a",3]}}"#,
      "options.stop[1]"
    ),
    (
      "/api/chat", #"{"model":"tiny","messages":[{"role":"user","content":"q"}],"format":"xml"}"#,
      "format"
    ),
    (
      "/api/chat", #"{"model":"tiny","messages":[{"role":"user","content":"q"}],"think":"deep"}"#,
      "think"
    ),
    (
      "/api/chat", #"{"model":"tiny","messages":[{"role":"user","content":"q"}],"keep_alive":"x"}"#,
      "keep_alive"
    ),
    ("/api/generate", #"{"model":"tiny","prompt":"q","template":"{{.}}"}"#, "template"),
    ("/api/generate", #"{"model":"tiny","prompt":"q","suffix":"s"}"#, "suffix"),
    ("/api/generate", #"{"model":"tiny","prompt":"q","context":[1,2]}"#, "context"),
    ("/api/generate", #"{"model":"tiny","prompt":"q","images":["aGk="]}"#, "images"),
    ("/api/generate", #"{"model":"tiny","prompt":"q","raw":true,"system":"s"}"#, "system"),
    ("/api/generate", #"{"model":"tiny","prompt":"q","options":[]}"#, "options"),
  ])
  func mistakesAreNamed(path: String, body: String, parameter: String) async throws {
    let refusal = try await refusal { _ = try await Self.endpoints.plan(path, .sample(body)) }
    #expect(refusal.parameter == parameter)
    #expect(!refusal.message.isEmpty)
  }

  @Test(arguments: [1, 2, 3, 4])
  func mutatedRequestsAreReadOrRefused(seed: UInt64) async throws {
    let bodies = try [("/api/chat", Self.chat), ("/api/generate", Self.generate)].map {
      ($0.0, try json($0.1))
    }
    var mutation = JSONMutation(generator: SplitMix64(seed: seed))
    var accepted = 0
    for round in 0..<5000 {
      let (path, original) = bodies[round % 2]
      let body = mutation.mutate(original, rarity: 10 + round % 90)
      let input = EndpointInput(body: body, now: 0, service: FixedService())
      do {
        let plan = try await Self.endpoints.plan(path, input)
        accepted += 1
        guard case .conversation(let turns)? = plan.requests.first?.prompt else { continue }
        let ids = Set(turns.flatMap(\.calls).map(\.id))
        #expect(turns.allSatisfy { $0.callID.map(ids.contains) ?? true })
        #expect(turns.dropLast().allSatisfy { !$0.isOpen }, "seed \(seed), round \(round)")
      } catch let error as ServiceError {
        #expect(!error.description.isEmpty)
      }
    }
    #expect(accepted > 500)
  }

  private static let chat = #"""
    {"model":"tiny","stream":true,"format":"json","think":true,"keep_alive":"5m",
    "options":{"temperature":1,"num_predict":5,"stop":["a"],"seed":3,"repeat_last_n":64},
    "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],
    "messages":[{"role":"system","content":"s"},{"role":"user","content":"q"},
    {"role":"assistant","content":"a","thinking":"t","tool_calls":[
      {"id":"call_1","function":{"name":"f","arguments":{"x":1}}},
      {"function":{"name":"f","arguments":{}}}]},
    {"role":"tool","tool_call_id":"call_1","content":"r"},
    {"role":"tool","tool_name":"f","content":"r"},{"role":"user","content":"more"}]}
    """#
  private static let generate = #"""
    {"model":"tiny","prompt":"p","system":"s","raw":false,"stream":false,"format":{"type":"object"},
    "think":"low","logprobs":true,"top_logprobs":2,"context":[],"images":[],"keep_alive":300,
    "options":{"top_k":1,"top_p":0.9,"min_p":0,"num_ctx":100,"repeat_penalty":1}}
    """#
}
