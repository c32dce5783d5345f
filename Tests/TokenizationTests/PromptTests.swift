import Foundation
import JSON
import Testing
import Tokenization

@Suite("Prompts")
struct PromptTests {
  @Test("conversations as the official encoder and templates write them")
  func conversations() throws {
    try check(TokenizerFixtures.json("prompts.json"), atLeast: 50)
  }

  func check(_ fixture: JSONValue, atLeast count: Int) throws {
    let cases = try #require(fixture.arrayValue)
    #expect(cases.count >= count)
    for example in cases {
      let conversation = try Conversation(example)
      let prompt = try conversation.format.prompt(conversation.messages, tools: conversation.tools)
      let label = "\(example["name"]?.stringValue ?? "") \(conversation.format)"
      #expect(prompt.text == conversation.expected, Comment(rawValue: label))
    }
  }

  @Test("a prompt's tokens are those of its text when the content holds no markers")
  func tokens() throws {
    let tokenizer = try TokenizerFixtures.tokenizer(gguf: "deepseek.vocab.gguf")
    let cases = try #require(try TokenizerFixtures.json("prompts.json").arrayValue)
    var compared = 0
    for example in cases where example["format"]?.stringValue == "deepseek" {
      let conversation = try Conversation(example)
      let prompt = try conversation.format.prompt(conversation.messages, tools: conversation.tools)
      // The small vocabulary lacks the markers of reminders and tasks.
      guard let tokens = try? tokenizer.encode(prompt) else { continue }
      #expect(tokens == tokenizer.encode(prompt.text, specialTokens: .parsed))
      compared += 1
    }
    #expect(compared > 10)
  }

  @Test(
    "content cannot forge markers",
    arguments: ["<｜User｜>", "<think>", "｜DSML｜", "<｜end▁of▁sentence｜>"])
  func injection(marker: String) throws {
    let tokenizer = try TokenizerFixtures.tokenizer(gguf: "deepseek.vocab.gguf")
    let token = try #require(tokenizer.vocabulary.addedToken(marker))
    let chat = DeepSeekChat(thinking: .off)
    func count(_ content: String) throws -> Int {
      let prompt = try chat.prompt([
        ChatMessage(role: .system, content: content),
        ChatMessage(role: .user, content: content),
        ChatMessage(role: .assistant, content: content),
        ChatMessage(role: .tool, content: content),
      ])
      let tokens = try tokenizer.encode(prompt)
      #expect(tokenizer.decode(tokens) == Array(prompt.text.utf8))
      return tokens.count { $0 == token }
    }
    #expect(try count("a\(marker)b") == count("ab"))
  }

  @Test("markers that the vocabulary lacks are reported")
  func missingMarker() throws {
    let tokenizer = try TokenizerFixtures.tokenizer(gguf: "qwen2.vocab.gguf")
    let prompt = try DeepSeekChat().prompt([ChatMessage(role: .user, content: "Hi")])
    #expect(throws: ChatError.missingToken("<｜begin▁of▁sentence｜>")) {
      try tokenizer.encode(prompt)
    }
  }

  @Test("the format follows from the vocabulary")
  func detection() throws {
    func format(_ name: String) throws -> (any ChatEncoding)? {
      let vocabulary = try TokenizerFixtures.tokenizer(gguf: name).vocabulary
      return ChatFormat.encoding(for: vocabulary, thinks: true)
    }
    #expect(try format("deepseek.vocab.gguf") is DeepSeekChat)
    #expect((try format("qwen2.vocab.gguf") as? QwenChat)?.revision == .qwen3)
    #expect((try format("qwen35.vocab.gguf") as? QwenChat)?.revision == .qwen35)
    let plain = ChatFormat.encoding(for: try SmallVocabulary.make(), thinks: true)
    #expect(plain.map { "\($0)" } == nil)
    let vocabulary = try TokenizerFixtures.tokenizer(gguf: "qwen2.vocab.gguf").vocabulary
    #expect(QwenChat(revision: .qwen3).endTokens(in: vocabulary) == [1500, 1502])
  }

  @Test("control tokens can be left out of shown text")
  func controlTokens() throws {
    let tokenizer = try TokenizerFixtures.tokenizer(gguf: "qwen2.vocab.gguf")
    let tokens = tokenizer.encode("<think>a<|im_end|>b", specialTokens: .parsed)
    var silent = StreamingDetokenizer(tokenizer.vocabulary, showsControlTokens: false)
    #expect(silent.append(tokens) + silent.finish() == "<think>ab")
    #expect(tokenizer.decodeText(tokens) == "<think>a<|im_end|>b")
  }

  @Test("Llama 3 turns")
  func llama() throws {
    let prompt = try LlamaChat().prompt([
      ChatMessage(role: .system, content: "Be brief."), ChatMessage(role: .user, content: "Hi"),
    ])
    #expect(
      prompt.text
        == "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        + "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
        + "<|start_header_id|>assistant<|end_header_id|>\n\n")
  }

  @Test("what a format cannot express is refused")
  func refusals() {
    #expect(throws: ChatError.noMessages) { try DeepSeekChat().prompt([]) }
    #expect(throws: ChatError.unsupportedRole(position: 0, role: .developer)) {
      try QwenChat(revision: .qwen3).prompt([ChatMessage(role: .developer, content: "x")])
    }
    #expect(throws: ChatError.malformedTool(position: 0)) {
      try DeepSeekChat().prompt(
        [ChatMessage(role: .user, content: "x")], tools: [ToolDefinition(function: "[1")])
    }
  }

  @Test("a call is written back as the model wrote it")
  func verbatim() throws {
    let text =
      "\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"x\" string=\"false\">"
      + "{\"b\":1,  \"a\":2.50}</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>"
    let parsed = ChatOutputParser.parse(text, syntax: .dsml, startsThinking: false)
    let answer = ChatMessage(role: .assistant, toolCalls: parsed.toolCalls)
    let prompt = try DeepSeekChat(thinking: .off).prompt([
      ChatMessage(role: .user, content: "go"), answer,
    ])
    #expect(prompt.text.hasSuffix("</think>" + text + "<｜end▁of▁sentence｜>"))
  }
}

/// A conversation of prompts.json.
struct Conversation {
  var format: any ChatEncoding
  var messages: [ChatMessage]
  var tools: [ToolDefinition]
  var expected: String

  init(_ value: JSONValue) throws {
    let options = try #require(value["options"])
    switch value["format"]?.stringValue {
    case "deepseek":
      let thinking: DeepSeekChat.Thinking =
        switch options["thinking"]?.stringValue {
        case "off": .off
        case "on": .on
        case "high": .high
        default: .maximum
        }
      format = DeepSeekChat(
        thinking: thinking, revision: options["revision"]?.stringValue == "july" ? .july : .april,
        dropsThinking: options["drops"]?.boolValue ?? true)
    case "qwen25": format = QwenChat(revision: .qwen25)
    case "qwen3": format = QwenChat(revision: .qwen3, thinks: options["thinks"]?.boolValue ?? true)
    default: format = QwenChat(revision: .qwen35, thinks: options["thinks"]?.boolValue ?? true)
    }
    expected = try #require(value["text"]?.stringValue)
    tools = Self.tools(value["tools"])
    messages = try #require(value["messages"]?.arrayValue).map { message in
      ChatMessage(
        role: try #require(ChatMessage.Role(rawValue: message["role"]?.stringValue ?? "")),
        content: message["content"]?.stringValue ?? "",
        reasoning: message["reasoning"]?.stringValue,
        toolCalls: (message["tool_calls"]?.arrayValue ?? []).map { call in
          ToolCall(
            id: call["id"]?.stringValue, name: call["name"]?.stringValue ?? "",
            arguments: call["arguments"]?.stringValue ?? "")
        },
        toolCallID: message["tool_call_id"]?.stringValue, tools: Self.tools(message["tools"]),
        responseFormat: message["response_format"].map(Self.text),
        task: message["task"]?.stringValue.flatMap(ChatMessage.Task.init))
    }
  }

  private static func tools(_ value: JSONValue?) -> [ToolDefinition] {
    (value?.arrayValue ?? []).compactMap(\.stringValue).map { ToolDefinition(function: $0) }
  }

  private static func text(_ value: JSONValue) -> String {
    var writer = JSONWriter(style: .compact)
    writer.value(value)
    return writer.text
  }
}
