import Foundation
import Testing
import Tokenization

@Suite("Answers taken apart")
struct OutputParserTests {
  private static let open = "\n\n<｜DSML｜tool_calls>\n"
  private static let close = "</｜DSML｜tool_calls>"
  private static func parameter(_ name: String, _ kind: String, _ value: String) -> String {
    "<｜DSML｜parameter name=\"\(name)\" string=\"\(kind)\">\(value)</｜DSML｜parameter>\n"
  }
  private static func invoke(_ name: String, _ parameters: String) -> String {
    "<｜DSML｜invoke name=\"\(name)\">\n\(parameters)</｜DSML｜invoke>\n"
  }

  struct Example: Sendable, CustomTestStringConvertible {
    var name: String
    var text: String
    var syntax = ChatOutputParser.Syntax.dsml
    var thinks = true
    var reasoning = ""
    var content = ""
    var calls: [String] = []
    var malformed: [String] = []
    var testDescription: String { name }
  }

  static let examples: [Example] = [
    Example(name: "thought and answer", text: "hm</think>Yes.", reasoning: "hm", content: "Yes."),
    Example(name: "answer only", text: "Yes < no\n\n", thinks: false, content: "Yes < no\n\n"),
    Example(
      name: "thought that the prompt did not open", text: "<think>hm</think>ok", thinks: false,
      reasoning: "hm", content: "ok"),
    Example(name: "cut in a thought", text: "so far\n<", reasoning: "so far\n<"),
    Example(
      name: "a call",
      text: "t</think>Look:" + open
        + invoke(
          "f",
          parameter("a", "true", "x < y")
            + parameter("b", "false", "[1, 2]")) + close, reasoning: "t", content: "Look:",
      calls: ["f{\"a\": \"x < y\", \"b\": [1, 2]}"]),
    Example(
      name: "two calls and text after the block",
      text: "a" + open + invoke("f", "")
        + invoke("g", parameter("q", "true", "</b>\n\"é")) + close + "\nDone", thinks: false,
      content: "a\nDone", calls: ["f{}", "g{\"q\": \"</b>\\n\\\"é\"}"]),
    Example(
      name: "no block closer", text: open + invoke("f", parameter("a", "false", "1")),
      thinks: false, calls: ["f{\"a\": 1}"]),
    Example(
      name: "no call closer",
      text: open + "<｜DSML｜invoke name=\"f\">\n"
        + parameter("a", "false", "1") + invoke("g", "") + close, thinks: false,
      calls: ["f{\"a\": 1}", "g{}"]),
    Example(
      name: "no parameter closer",
      text: open + "<｜DSML｜invoke name=\"f\">\n"
        + "<｜DSML｜parameter name=\"a\" string=\"true\">one\n" + parameter("b", "true", "two")
        + "</｜DSML｜invoke>\n" + close, thinks: false,
      calls: ["f{\"a\": \"one\", \"b\": \"two\"}"]),
    Example(
      name: "repeated parameter",
      text: open
        + invoke("f", parameter("a", "false", "1") + parameter("a", "false", "2")) + close,
      thinks: false, calls: ["f{\"a\": 2}"]),
    Example(
      name: "value that is not JSON",
      text: open + invoke("f", parameter("a", "false", "oops"))
        + close, thinks: false, calls: ["f{\"a\": \"oops\"}"]),
    Example(
      name: "cut in a value",
      text: open + "<｜DSML｜invoke name=\"rm\">\n"
        + "<｜DSML｜parameter name=\"path\" string=\"true\">/home", thinks: false,
      malformed: [
        "<｜DSML｜invoke name=\"rm\">\n<｜DSML｜parameter name=\"path\" string=\"true\">/home"
      ]),
    Example(
      name: "call without a name",
      text: open + "<｜DSML｜invoke>\n</｜DSML｜invoke>\n" + close
        + "on", thinks: false, content: "on", malformed: ["<｜DSML｜invoke>\n"]),
    Example(
      name: "nonsense in a block", text: open + "what?\n" + invoke("f", "") + close,
      thinks: false, calls: ["f{}"], malformed: ["\nwhat?\n"]),
    Example(
      name: "block inside a thought", text: "t" + open + invoke("f", "") + close,
      reasoning: "t", calls: ["f{}"]),
    Example(
      name: "Qwen 3",
      text: "<think>\nhm\n</think>\n\nLet me.\n<tool_call>\n{\"name\": \"f\", \"arguments\": "
        + "{\"a\": 1}}\n</tool_call>\n<tool_call>\n{\"name\": \"g\"}\n</tool_call>", syntax: .json,
      thinks: false, reasoning: "hm", content: "Let me.", calls: ["f{\"a\": 1}", "g{}"]),
    Example(
      name: "Qwen 3, malformed", text: "<tool_call>\n{\"name\": f}\n</tool_call>done",
      syntax: .json,
      thinks: false, content: "done", malformed: ["\n{\"name\": f}\n"]),
    Example(
      name: "Qwen 3.5",
      text: "hm\n</think>\n\n<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n"
        + "<parameter=b>\ntwo\nlines\n</parameter>\n</function>\n</tool_call>", syntax: .function,
      reasoning: "hm", calls: ["f{\"a\": 1, \"b\": \"two\\nlines\"}"]),
  ]

  @Test("markers inside JSON strings of a call are part of the call")
  func markersInStrings() {
    let json =
      "<tool_call>\n{\"name\": \"w\", \"arguments\": {\"t\": \"a</tool_call>\\\"<tool_call>\"}}\n</tool_call>!"
    let function =
      "<tool_call>\n<function=w>\n<parameter=t>\n[\"</tool_call></parameter>\"]\n</parameter>\n"
      + "<parameter=u>\n12\n</parameter>\n</function>\n</tool_call>!"
    for length in [1, 2, 5, 1000] {
      for (syntax, text) in [(ChatOutputParser.Syntax.json, json), (.function, function)] {
        var parser = ChatOutputParser(syntax: syntax, startsThinking: false)
        parser.parameterKinds = ["w": ["u": .string, "t": .array]]
        var events: [ChatOutputParser.LocatedEvent] = []
        var rest = text[...]
        while !rest.isEmpty {
          events += parser.appendLocated(String(rest.prefix(length)))
          rest = rest.dropFirst(length)
        }
        events += parser.finishLocated()
        #expect(events.count == 2)
        guard case .toolCall(let call)? = events.first?.event else {
          Issue.record("no call in \(events)")
          continue
        }
        #expect(
          call.arguments
            == (syntax == .json
              ? "{\"t\": \"a</tool_call>\\\"<tool_call>\"}"
              : "{\"t\": [\"</tool_call></parameter>\"], \"u\": \"12\"}"))
        #expect(call.verbatim == String(text.dropLast()))
        #expect(events.last?.event == .content("!"))
        #expect(events.last?.offset == text.utf8.count - 1)
      }
    }
  }

  @Test(
    "a call that was written goes back into the prompt byte for byte",
    arguments: QwenChat.Revision.allCases)
  func replay(revision: QwenChat.Revision) throws {
    let chat = QwenChat(revision: revision, thinks: true)
    let question = [ChatMessage(role: .user, content: "now")]
    let prompt = try chat.prompt(question)
    let call =
      revision == .qwen35
      ? "<tool_call>\n<function=f>\n<parameter=a>\n  1.50\n</parameter>\n</function>\n</tool_call>"
      : "<tool_call>\n{\"name\":\"f\" , \"arguments\":{\"a\":1.50}}\n</tool_call>"
    for lead in ["", "Look."] {
      for gap in ["\n", "\n\n"] {
        let answer = lead + (lead.isEmpty ? "" : gap) + call + gap + call
        var parser = chat.outputParser(for: prompt)
        let opening =
          revision == .qwen35
          ? "hm\n</think>\n\n" : revision == .qwen3 ? "<think>\nhm\n</think>\n\n" : ""
        var message = ChatMessage(role: .assistant)
        for event in parser.append(opening + answer) + parser.finish() {
          switch event {
          case .reasoning(let text): message.reasoning = (message.reasoning ?? "") + text
          case .content(let text): message.content += text
          case .toolCall(let call): message.toolCalls.append(call)
          case .malformed(let text): Issue.record("malformed: \(text)")
          }
        }
        #expect(message.toolCalls.count == 2)
        let next = try chat.prompt(
          question + [message, ChatMessage(role: .tool, content: "done")])
        #expect(
          next.text.hasPrefix(prompt.text + opening + answer), "\(next.text.debugDescription)")
      }
    }
  }

  @Test("answers, whole and in pieces of every length", arguments: examples)
  func answers(_ example: Example) {
    for length in [1, 2, 3, 7, 1000] {
      var parser = ChatOutputParser(syntax: example.syntax, startsThinking: example.thinks)
      var events: [ChatOutputParser.Event] = []
      var rest = example.text[...]
      while !rest.isEmpty {
        events += parser.append(String(rest.prefix(length)))
        rest = rest.dropFirst(length)
      }
      events += parser.finish()
      var (reasoning, content) = ("", "")
      var (calls, malformed): ([String], [String]) = ([], [])
      for event in events {
        switch event {
        case .reasoning(let text): reasoning += text
        case .content(let text): content += text
        case .toolCall(let call): calls.append(call.name + call.arguments)
        case .malformed(let text): malformed.append(text)
        }
      }
      #expect(reasoning == example.reasoning)
      #expect(content == example.content)
      #expect(calls == example.calls)
      #expect(malformed == example.malformed)
    }
  }

  @Test(
    "random splices of markers never stop the parser, and pieces do not matter", arguments: 0..<20)
  func splices(seed: Int) {
    let atoms = [
      "<think>", "</think>", "\n", "\n\n", "<", ">", "a", "é", "<｜DSML｜tool_calls>",
      "</｜DSML｜tool_calls>", "<｜DSML｜invoke name=\"f\">", "</｜DSML｜invoke>", "<tool_call>",
      "<｜DSML｜parameter name=\"p\" string=\"true\">", "</｜DSML｜parameter>", "</tool_call>",
      "{\"name\":\"f\"}", "<function=f>", "<parameter=q>", "</parameter>", "｜DSML｜", "\"",
    ]
    var random = SeededGenerator(seed: UInt64(seed))
    for _ in 0..<100 {
      let text = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
        atoms[Int.random(in: 0..<atoms.count, using: &random)]
      }.joined()
      for syntax in [ChatOutputParser.Syntax.dsml, .json, .function, .none] {
        let whole = ChatOutputParser.parse(text, syntax: syntax, startsThinking: true)
        var parser = ChatOutputParser(syntax: syntax, startsThinking: true)
        var events: [ChatOutputParser.Event] = []
        for scalar in text.unicodeScalars { events += parser.append(String(scalar)) }
        events += parser.finish()
        var (reasoning, content) = ("", "")
        var calls: [ToolCall] = []
        for event in events {
          if case .reasoning(let text) = event { reasoning += text }
          if case .content(let text) = event { content += text }
          if case .toolCall(let call) = event { calls.append(call) }
        }
        #expect(reasoning == whole.reasoning, "seed \(seed): \(text.debugDescription)")
        #expect(content == whole.content, "seed \(seed): \(text.debugDescription)")
        #expect(calls == whole.toolCalls, "seed \(seed): \(text.debugDescription)")
      }
    }
  }

  @Test("An answer cut off at any place holds only calls that were complete")
  func cutOff() {
    let dsml =
      "said\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n"
      + "<｜DSML｜parameter name=\"p\" string=\"true\">x</｜DSML｜parameter>\n"
      + "<｜DSML｜parameter name=\"q\" string=\"false\">12</｜DSML｜parameter>\n</｜DSML｜invoke>"
    let json = "said\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"p\": 1}}\n</tool_call>"
    let function =
      "said\n<tool_call>\n<function=f>\n<parameter=p>\nx\n</parameter>\n</function>\n</tool_call>"
    for (text, syntax) in [
      (dsml, ChatOutputParser.Syntax.dsml), (json, .json), (function, .function),
    ] {
      for count in 0...text.count {
        var parser = ChatOutputParser(syntax: syntax, startsThinking: false)
        let events =
          parser.append(String(text.prefix(count)))
          + parser.finishLocated(isCutOff: true).map(\.event)
        let calls = events.count { if case .toolCall = $0 { true } else { false } }
        #expect(calls == (count == text.count ? 1 : 0), "\(text.prefix(count))")
      }
    }
  }
}

/// Random numbers that a seed repeats (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
