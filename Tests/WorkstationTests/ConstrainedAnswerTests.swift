import Inference
import JSON
import ModelServing
import Testing
import Workstation

@Suite("Answers held to a form")
struct ConstrainedAnswerTests {
  /// Every family with a syntax of its own for calls: DeepSeek's blocks, Qwen 3's JSON, Qwen 3.5's functions.
  static let callingShapes = ["tiny-deepseek4", "tiny-qwen3", "tiny-qwen35moe"]

  private func json(_ text: String) throws -> JSONValue {
    try JSONParser.parse(Array(text.utf8))
  }

  private func tool(isStrict: Bool = false) throws -> Tool {
    Tool(
      name: "read_slot", description: "Reads a storage slot.",
      parameters: try json(
        """
        {"type": "object", "properties": {
          "address": {"type": "string", "pattern": "^0x[0-9a-f]{4}$"},
          "note": {"type": "string", "maxLength": 6},
          "mode": {"type": "string", "enum": ["raw", "decoded"]},
          "slot": {"type": "integer", "minimum": 0, "maximum": 99},
          "keys": {"type": "array", "maxItems": 2, "items": {"type": "boolean"}}
        }, "required": ["address", "note", "slot"]}
        """), isStrict: isStrict)
  }

  private func check(_ call: Call) throws {
    #expect(call.name == "read_slot")
    let value = try json(call.arguments)
    let names = try #require(value.objectValue).map(\.name)
    let label = Comment(rawValue: call.arguments)
    #expect(Set(names).isSubset(of: ["address", "note", "mode", "slot", "keys"]), label)
    #expect(value["address"]?.stringValue?.wholeMatch(of: /0x[0-9a-f]{4}/) != nil, label)
    #expect((value["note"]?.stringValue?.unicodeScalars.count ?? 99) <= 6, label)
    #expect((0...99).contains(value["slot"]?.integerValue ?? -1), label)
    if let mode = value["mode"] { #expect(mode == "raw" || mode == "decoded", label) }
    if let keys = value["keys"] {
      let list = try #require(keys.arrayValue, label)
      #expect(list.count <= 2, label)
      for key in list { #expect(key.boolValue != nil, label) }
    }
  }

  private func hot(_ request: GenerationRequest, seed: UInt64) -> GenerationRequest {
    var request = request
    request.sampling.temperature = 2
    request.sampling.seed = seed
    return request
  }

  @Test("Random sampling gives documents of the schema", arguments: TinyService.shapes)
  func documents(shape: String) async throws {
    let service = try TinyService.make(shape)
    let schema = try json(
      """
      {"type": "object", "properties": {"title": {"type": "string", "maxLength": 8},
        "severity": {"enum": ["high", "low"]}, "lines": {"type": "array", "maxItems": 3, "items": {"type": "integer"}}},
        "required": ["title", "severity", "lines"], "additionalProperties": false}
      """)
    for seed in 0..<4 {
      var request = TinyService.request([Turn(role: .user, content: "report")], tokens: 600)
      request.format = .jsonSchema(schema)
      let answer = try await service.answer(hot(request, seed: UInt64(seed)))
      #expect(answer.finish?.reason == .endOfTurn)
      let value = try json(answer.content)
      #expect(value.objectValue?.map(\.name) == ["title", "severity", "lines"])
      #expect((value["title"]?.stringValue?.unicodeScalars.count ?? 99) <= 8)
      #expect(value["severity"] == "high" || value["severity"] == "low")
      #expect((value["lines"]?.arrayValue?.count ?? 99) <= 3)
    }
    await service.shutdown(within: .zero)
  }

  @Test("Expressions and grammars hold whole answers")
  func otherForms() async throws {
    let service = try TinyService.make("tiny-llama")
    var request = TinyService.request([Turn(role: .user, content: "which")], tokens: 80)
    for seed in 0..<5 {
      request.format = .regularExpression("0x[0-9a-f]{8}")
      let hex = try await service.answer(hot(request, seed: UInt64(seed))).content
      #expect(hex.wholeMatch(of: /0x[0-9a-f]{8}/) != nil, "\(hex)")
      request.format = .grammar("root ::= \"yes\" | \"no\" \" \" [a-c]")
      let word = try await service.answer(hot(request, seed: UInt64(seed))).content
      #expect(word.wholeMatch(of: /yes|no [a-c]/) != nil, "\(word)")
    }
    request.format = .regularExpression("(a")
    await #expect(throws: ServiceError.self) { try await service.generate(request) }
    request.format = .jsonSchema(.members(["type": "array", "uniqueItems": true]))
    await #expect(throws: ServiceError.self) { try await service.generate(request) }
    await service.shutdown(within: .zero)
  }

  @Test(
    "Required calls are calls of the declared tools, valid against their schemas",
    arguments: callingShapes)
  func requiredCalls(shape: String) async throws {
    let service = try TinyService.make(shape)
    let other = Tool(name: "other", description: nil, parameters: nil, isStrict: false)
    for seed in 0..<4 {
      var request = TinyService.request([Turn(role: .user, content: "read slot 3")], tokens: 900)
      request.tools = [try tool(), other]
      request.toolChoice = .named("read_slot")
      let answer = try await service.answer(hot(request, seed: UInt64(seed)))
      #expect(answer.finish?.reason == .calls, "\(answer)")
      #expect(answer.calls.count == 1)
      #expect(answer.malformed.isEmpty)
      #expect(answer.content.isEmpty)
      for call in answer.calls { try check(call) }
    }
    await service.shutdown(within: .zero)
  }

  @Test("Where calls are ruled out none is made, and where constraint is ruled out it is refused")
  func switches() async throws {
    let service = try TinyService.make("tiny-qwen3")
    var request = TinyService.request([Turn(role: .user, content: "read slot 3")], tokens: 60)
    request.tools = [try tool()]
    request.toolChoice = .none
    let answer = try await service.answer(hot(request, seed: 1))
    #expect(answer.calls.isEmpty && answer.malformed.isEmpty)
    await service.shutdown(within: .zero)
    let free = try TinyService.make("tiny-qwen3", ServingOptions(constrainsCalls: .never))
    for change in [
      { (request: inout GenerationRequest) in request.toolChoice = .required },
      { $0.toolChoice = .named("read_slot") },
      { (request: inout GenerationRequest) in
        request.toolChoice = .automatic
        request.tools[0].isStrict = true
      },
    ] {
      var asked = request
      change(&asked)
      await #expect(throws: ServiceError.self) { try await free.generate(asked) }
    }
    await free.shutdown(within: .zero)
  }

  @Test(
    "An agent's growing conversation is reused although it writes the calls anew",
    arguments: callingShapes)
  func agentLoop(shape: String) async throws {
    let service = try TinyService.make(shape)
    var turns = [
      Turn(role: .system, content: String(repeating: "You audit contracts with care. ", count: 8)),
      Turn(role: .user, content: "Look at the proxy."),
    ]
    // Small, because twenty calls must fit into the tiny models' context.
    let tool = Tool(
      name: "f", description: nil,
      parameters: try json(
        #"{"type":"object","properties":{"b":{"type":"integer","minimum":0,"maximum":9},"a":{"type":"boolean"}},"required":["b","a"]}"#
      ), isStrict: true)
    var (reusable, reused, before) = (0, 0, 0)
    for number in 0..<20 {
      var request = TinyService.request(turns, tokens: 300)
      request.tools = [tool]
      request.toolChoice = .required
      request.allowsParallelCalls = false
      let answer = try await service.answer(hot(request, seed: UInt64(number)))
      let report = try #require(answer.report)
      #expect(answer.calls.count == 1)
      if number > 0 {
        reusable += before
        reused += report.reused
      }
      before = report.tokens
      var turn = answer.turn
      for index in turn.calls.indices {
        let members = try #require(try json(turn.calls[index].arguments).objectValue)
        let pairs = try members.sorted { $0.name < $1.name }.map { member in
          var writer = JSONWriter(style: .compact)
          writer.value(member.value)
          return "\"\(member.name)\" :  \(writer.text)"
        }
        turn.calls[index].arguments = "{ \(pairs.joined(separator: " , ")) }"
      }
      turn.reasoning = nil
      turns.append(turn)
      for call in turn.calls {
        turns.append(
          Turn(
            role: .tool, content: "slot \(number)", callID: call.id))
      }
    }
    let share = Double(reused) / Double(reusable)
    #expect(share > 0.95, "\(reused) of \(reusable)")
    await service.shutdown(within: .zero)
  }

  @Test(
    "A call that comes back in other words is replayed as it was written", arguments: callingShapes)
  func replay(shape: String) async throws {
    let service = try TinyService.make(shape)
    var request = TinyService.request([Turn(role: .user, content: "read")], tokens: 900)
    request.tools = [try tool()]
    request.toolChoice = .named("read_slot")
    let answer = try await service.answer(hot(request, seed: 5))
    let call = try #require(answer.calls.first)
    func count(_ service: LocalModelService, _ arguments: String, id: String) async throws -> Int {
      var next = request
      next.prompt = .conversation([
        Turn(role: .user, content: "read"),
        Turn(
          role: .assistant, content: "",
          calls: [Call(id: id, name: call.name, arguments: arguments)]),
        Turn(role: .tool, content: "1", callID: id),
      ])
      return try await service.countTokens(next)
    }
    let members = try #require(try json(call.arguments).objectValue)
    var writer = JSONWriter(style: .compact)
    writer.value(.object(members.reversed()))
    let spaced = writer.text.replacing("{", with: "{    ")
    let known = try await count(service, call.arguments, id: call.id)
    #expect(try await count(service, spaced, id: call.id) == known)
    #expect(try await count(service, spaced, id: "call_other") == known, "clients that drop ids")
    // Another call of the same tool is not mistaken for it.
    var other = members.filter { $0.name != "slot" }
    other.append(JSONMember(name: "slot", value: 12345))
    writer = JSONWriter(style: .compact)
    writer.value(.object(other))
    let changed = try await count(service, writer.text, id: call.id)
    let fresh = try TinyService.make(shape)
    #expect(try await count(fresh, writer.text, id: call.id) == changed)
    await service.shutdown(within: .zero)
    await fresh.shutdown(within: .zero)
  }

  @Test("The same call made again and again is told, not forbidden")
  func repetition() async throws {
    let service = try TinyService.make("tiny-qwen3")
    var turns = [Turn(role: .user, content: "go")]
    for number in 0..<3 {
      turns.append(
        Turn(
          role: .assistant, content: "",
          calls: [Call(id: "c\(number)", name: "read_slot", arguments: "{\"slot\":1}")]))
      turns.append(Turn(role: .tool, content: "pending", callID: "c\(number)"))
    }
    var request = TinyService.request(turns, tokens: 2)
    request.tools = [try tool()]
    let notes = try await service.answer(request).report?.notes ?? []
    #expect(notes.contains { $0.contains("3 answers") && $0.contains("read_slot") }, "\(notes)")
    await service.shutdown(within: .zero)
  }
}
