import Dialects
import JSON
import ModelServing
import Testing

/// Random answers in random pieces: the order of what leaves, checked by machines that know only the interface, and that
/// nothing is lost or said twice however the pieces come.
struct OpenAIEventOrderTests {
  /// What a client puts together from the pieces of one choice or response.
  struct Received: Equatable {
    var reasoning = ""
    var content = ""
    var calls: [String] = []
    var reason: String?
  }

  private static func expected(_ events: [GenerationEvent]) -> Received {
    var received = Received()
    for event in events {
      switch event {
      case .reasoning(let text): received.reasoning += text
      case .content(let text, _), .malformedCall(let text): received.content += text
      case .call(_, let call): received.calls.append("\(call.id) \(call.name) \(call.arguments)")
      case .started, .finished: break
      }
    }
    return received
  }

  /// Batches of several choices' events, shuffled between the choices but not within one.
  private static func interleaved(
    _ choices: [[GenerationEvent]], using generator: inout SplitMix64
  ) -> [(choice: Int, events: [GenerationEvent])] {
    var waiting = choices.map { RandomAnswer.batches($0, using: &generator) }
    var result: [(choice: Int, events: [GenerationEvent])] = []
    while let choice = waiting.indices.filter({ !waiting[$0].isEmpty }).randomElement(
      using: &generator)
    {
      result.append((choice, waiting[choice].removeFirst()))
    }
    return result
  }

  /// Follows the chunks of a chat completion; nil where the order is wrong.
  private static func chat(_ text: String, choices count: Int, hasUsage: Bool) throws -> [Received]?
  {
    guard var events = ReceivedEvent.read(text), events.popLast()?.data == "[DONE]" else {
      return nil
    }
    if hasUsage {
      guard let usage = try events.popLast()?.value(), usage["choices"] == [],
        usage["usage"]?["total_tokens"] != nil
      else { return nil }
    }
    var received = [Received](repeating: Received(), count: count)
    var hasRole = [Bool](repeating: false, count: count)
    var open: [[(id: String, name: String, arguments: String)]] = Array(repeating: [], count: count)
    for event in events {
      let value = try event.value()
      guard event.name == nil, value["id"] == "chatcmpl-1",
        value["object"] == "chat.completion.chunk", hasUsage == (value["usage"] == .null),
        let choice = value["choices"]?.arrayValue?.first, value["choices"]?.arrayValue?.count == 1,
        let index = choice["index"]?.integerValue, received.indices.contains(index),
        let delta = choice["delta"], received[index].reason == nil
      else { return nil }
      if !hasRole[index] {
        guard delta["role"] == "assistant", delta["content"] == "" else { return nil }
        hasRole[index] = true
        continue
      }
      guard delta["role"] == nil else { return nil }
      if let reason = choice["finish_reason"]?.stringValue {
        guard delta == .object([]) else { return nil }
        received[index].reason = reason
        received[index].calls = open[index].map { "\($0.id) \($0.name) \($0.arguments)" }
      } else if let thoughts = delta["reasoning_content"]?.stringValue {
        guard delta["reasoning"] == .string(thoughts) else { return nil }
        received[index].reasoning += thoughts
      } else if let content = delta["content"]?.stringValue {
        received[index].content += content
      } else if let call = delta["tool_calls"]?.arrayValue?.first {
        guard let number = call["index"]?.integerValue else { return nil }
        if let id = call["id"]?.stringValue {
          guard number == open[index].count, call["type"] == "function",
            let name = call["function"]?["name"]?.stringValue
          else { return nil }
          open[index].append((id, name, ""))
        } else {
          guard number == open[index].count - 1 else { return nil }
        }
        open[index][number].arguments += call["function"]?["arguments"]?.stringValue ?? ""
      } else {
        return nil
      }
    }
    return received.allSatisfy { $0.reason != nil } ? received : nil
  }

  @Test func chunksOfChatCompletions() async throws {
    let seed: UInt64 = 20_260_401
    var generator = SplitMix64(seed: seed)
    for round in 0..<300 {
      let count = Int.random(in: 1...4, using: &generator)
      let hasUsage = Bool.random(using: &generator)
      let plan = try await OpenAIDialect.endpoints(identifiers: .counted()).plan(
        "/v1/chat/completions",
        .sample(
          #"{"messages":[{"role":"user","content":"x"}],"stream":true,"n":\#(count),"stream_options":{"include_usage":\#(hasUsage)}}"#
        ))
      let answers = (0..<count).map { _ in RandomAnswer.events(using: &generator) }
      let text = plan.run(Self.interleaved(answers, using: &generator))
      let received = try #require(
        try Self.chat(text, choices: count, hasUsage: hasUsage), "seed \(seed), round \(round)")
      for (index, events) in answers.enumerated() {
        var expected = Self.expected(events)
        expected.reason = received[index].reason
        #expect(received[index] == expected, "seed \(seed), round \(round), choice \(index)")
      }
    }
  }

  /// Follows the events of a response; nil where the order is wrong.
  private static func response(_ text: String, givesSummary: Bool) throws -> Received? {
    guard let events = ReceivedEvent.read(text), events.count >= 3 else { return nil }
    var received = Received()
    var open: JSONValue?
    var part: String?
    var items: [JSONValue] = []
    let deltas = [
      "response.output_text.delta", "response.reasoning_text.delta",
      "response.reasoning_summary_text.delta", "response.function_call_arguments.delta",
    ]
    for (number, event) in events.enumerated() {
      let value = try event.value()
      guard let name = event.name, value["type"] == .string(name),
        value["sequence_number"] == .integer(number)
      else { return nil }
      if let index = value["output_index"], index != .integer(items.count) { return nil }
      if let id = value["item_id"], id != open?["id"] { return nil }
      switch name {
      case "response.created" where number == 0, "response.in_progress" where number == 1:
        guard value["response"]?["status"] == "in_progress" else { return nil }
      case "response.output_item.added":
        guard open == nil, part == nil, let item = value["item"] else { return nil }
        open = item
        if item["type"] == "function_call" { part = "" }
      case "response.content_part.added", "response.reasoning_summary_part.added":
        let isSummary = givesSummary && open?["type"] == "reasoning"
        guard open != nil, part == nil, value["part"]?["text"] == "",
          isSummary == (name == "response.reasoning_summary_part.added")
        else { return nil }
        part = ""
      case _ where deltas.contains(name):
        guard let text = part, let delta = value["delta"]?.stringValue else { return nil }
        part = text + delta
      case "response.output_text.done", "response.reasoning_text.done",
        "response.reasoning_summary_text.done":
        guard value["text"] == part.map(JSONValue.string) else { return nil }
      case "response.function_call_arguments.done":
        guard value["arguments"] == part.map(JSONValue.string) else { return nil }
      case "response.content_part.done", "response.reasoning_summary_part.done":
        guard value["part"]?["text"] == part.map(JSONValue.string) else { return nil }
      case "response.output_item.done":
        guard let text = part, let item = value["item"], item["id"] == open?["id"] else {
          return nil
        }
        switch item["type"] {
        case "message": received.content += text
        case "reasoning": received.reasoning += text
        default:
          received.calls.append(
            "\(item["call_id"]?.stringValue ?? "") \(item["name"]?.stringValue ?? "") \(text)")
        }
        items.append(item)
        (open, part) = (nil, nil)
      case "response.completed", "response.incomplete":
        guard number == events.count - 1, open == nil, value["response"]?["output"] == .array(items)
        else { return nil }
        received.reason = value["response"]?["status"]?.stringValue
      default: return nil
      }
    }
    return received.reason == nil ? nil : received
  }

  @Test func eventsOfResponses() async throws {
    let seed: UInt64 = 20_260_402
    var generator = SplitMix64(seed: seed)
    let endpoints = OpenAIDialect.endpoints(identifiers: .counted())
    for round in 0..<300 {
      let givesSummary = Bool.random(using: &generator)
      let summary = givesSummary ? #","reasoning":{"summary":"auto"}"# : ""
      let plan = try await endpoints.plan(
        "/v1/responses", .sample(#"{"input":"x","stream":true\#(summary)}"#))
      let answer = RandomAnswer.events(using: &generator)
      let text = plan.run(Self.interleaved([answer], using: &generator))
      let received = try #require(
        try Self.response(text, givesSummary: givesSummary), "seed \(seed), round \(round)")
      var expected = Self.expected(answer)
      expected.reason = received.reason
      #expect(received == expected, "seed \(seed), round \(round)")
      // The same answer given whole holds the same items but for their names.
      let whole = try await endpoints.plan(
        "/v1/responses", .sample(#"{"input":"x"\#(summary)}"#)
      ).run(answer)
      let streamed = try #require(
        try ReceivedEvent.read(text)?.last?.value()["response"]?["output"]?.arrayValue)
      let output = try #require(try json(whole)["output"]?.arrayValue)
      #expect(streamed.map(Self.withoutID) == output.map(Self.withoutID))
    }
  }

  private static func withoutID(_ item: JSONValue) -> JSONValue {
    .object((item.objectValue ?? []).filter { $0.name != "id" })
  }

  @Test func piecesOfCompletions() async throws {
    let seed: UInt64 = 20_260_403
    var generator = SplitMix64(seed: seed)
    for round in 0..<100 {
      let plan = try await OpenAIDialect.endpoints(identifiers: .counted()).plan(
        "/v1/completions", .sample(#"{"prompt":["a","b"],"n":2,"echo":true,"stream":true}"#))
      let answers = (0..<4).map { _ in
        RandomAnswer.events(using: &generator).filter {
          switch $0 {
          case .reasoning, .call: false
          default: true
          }
        }
      }
      let text = plan.run(Self.interleaved(answers, using: &generator))
      var events = try #require(ReceivedEvent.read(text))
      #expect(events.popLast()?.data == "[DONE]")
      var contents = [String](repeating: "", count: 4)
      var isFinished = [Bool](repeating: false, count: 4)
      for event in events {
        let choice = try #require(try event.value()["choices"]?.arrayValue?.first)
        let index = try #require(choice["index"]?.integerValue)
        #expect(!isFinished[index], "seed \(seed), round \(round)")
        contents[index] += choice["text"]?.stringValue ?? ""
        isFinished[index] = choice["finish_reason"] != .null
      }
      #expect(isFinished == [true, true, true, true])
      for (index, answer) in answers.enumerated() {
        #expect(
          contents[index] == (index < 2 ? "a" : "b") + Self.expected(answer).content,
          "seed \(seed), round \(round), choice \(index)")
      }
    }
  }
}
