import Dialects
import JSON
import ModelServing
import Synchronization

extension OpenAIDialect.Identifiers {
  /// Names counted from 1: `msg_1`, `rs_2`.
  static func counted() -> Self {
    let counter = Counter()
    return Self { prefix in prefix + String(counter.next()) }
  }

  private final class Counter: Sendable {
    private let count = Mutex(0)
    func next() -> Int {
      count.withLock { count in
        count += 1
        return count
      }
    }
  }
}

/// One server-sent event as a client reads it.
struct ReceivedEvent: Equatable {
  var name: String?
  var data: String

  /// Reads a stream by the rules of WHATWG HTML 9.2; nil for anything that is not a complete event or a comment.
  static func read(_ text: String) -> [ReceivedEvent]? {
    guard text.isEmpty || text.hasSuffix("\n\n") else { return nil }
    var events: [ReceivedEvent] = []
    for block in text.components(separatedByBlankLines: ()) {
      var name: String?
      var data: [String] = []
      for line in block {
        if line.hasPrefix(":") {
          continue
        } else if line.hasPrefix("event: ") {
          name = String(line.dropFirst(7))
        } else if line.hasPrefix("data: ") {
          data.append(String(line.dropFirst(6)))
        } else {
          return nil
        }
      }
      if !data.isEmpty {
        events.append(ReceivedEvent(name: name, data: data.joined(separator: "\n")))
      }
    }
    return events
  }

  /// The data as JSON.
  func value() throws -> JSONValue { try json(data) }
}

extension String {
  /// Groups of lines between blank lines.
  fileprivate func components(separatedByBlankLines: Void) -> [[Substring]] {
    var blocks: [[Substring]] = [[]]
    // Scalars, as "\r\n" is one character.
    for line in unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.isEmpty {
        if blocks[blocks.count - 1].isEmpty == false { blocks.append([]) }
      } else {
        blocks[blocks.count - 1].append(Substring(line))
      }
    }
    return blocks.filter { !$0.isEmpty }
  }
}

extension AnswerPlan {
  /// What leaves for batches of events, in their order, and at the end.
  func run(_ batches: [(choice: Int, events: [GenerationEvent])]) -> String {
    var encoder = encoder
    var bytes: [UInt8] = []
    for batch in batches { bytes += encoder.encode(batch.events, choice: batch.choice) }
    return string(bytes + encoder.end())
  }

  /// What leaves when every event comes alone, for one choice.
  func run(_ events: [GenerationEvent]) -> String { run(events.map { (0, [$0]) }) }
}

extension TokenProbability {
  static func sample(_ text: String, _ logarithm: Double, _ others: [(String, Double)] = []) -> Self
  {
    func choice(_ text: String, _ logarithm: Double) -> Choice {
      Choice(text: text, bytes: Array(text.utf8), logarithm: logarithm)
    }
    return TokenProbability(
      chosen: choice(text, logarithm), alternatives: others.map { choice($0.0, $0.1) })
  }
}

/// Requests of every kind that are in order.
enum OpenAISamples {
  static let report = PromptReport(
    tokens: 10, reused: 4,
    miss: PromptReport.Miss(
      position: 4, known: "then", given: "now",
      reason: "differs at token 4: known \"then\", now \"now\""))

  static let events: [GenerationEvent] = [
    .started(report), .reasoning("Let"), .reasoning(" me see."), .content("It is ", []),
    .content("\"warm\"\n", []),
    .call(index: 0, Call(id: "call_a", name: "weather", arguments: #"{"city":"Oslo"}"#)),
    .call(index: 1, Call(id: "call_b", name: "weather", arguments: #"{"city":"Rome"}"#)),
    .finished(.sample(.calls)),
  ]

  static let tools = """
    "tools":[{"type":"function","function":{"name":"weather","description":"Weather of a city",
    "parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]},"strict":true}}]
    """

  static let chat = """
    {"model":"tiny","messages":[{"role":"system","content":"Be brief."},
    {"role":"user","content":[{"type":"text","text":"Weather in"},{"type":"text","text":"Oslo?"}]},
    {"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"call_1","type":"function",
    "function":{"name":"weather","arguments":"{\\"city\\":\\"Oslo\\"}"}}]},
    {"role":"tool","tool_call_id":"call_1","content":"12 C"},{"role":"user","content":"and Rome?"}],
    \(tools),"tool_choice":"auto","parallel_tool_calls":true,"stream":true,
    "stream_options":{"include_usage":true},"temperature":0.5,"top_p":0.9,"top_k":40,"min_p":0.05,
    "repetition_penalty":1.1,"presence_penalty":0.1,"frequency_penalty":-0.1,"seed":7,"n":2,
    "max_completion_tokens":100,"stop":["END","STOP"],"logit_bias":{"5":-100,"6":1.5},"logprobs":true,
    "top_logprobs":3,"reasoning_effort":"high","response_format":{"type":"json_schema","json_schema":
    {"name":"answer","schema":{"type":"object"},"strict":true}},"user":"someone","service_tier":"flex",
    "chat_template_kwargs":{"enable_thinking":true},"metadata":{"a":"b"}}
    """

  static let completion = """
    {"model":"tiny","prompt":["Once upon","a time"],"n":2,"max_tokens":5,"logprobs":2,"stop":"\\n","seed":3,
    "stream":true,"stream_options":{"include_usage":true},"suffix":null,"best_of":2,"user":"u"}
    """

  static let response = """
    {"model":"tiny","instructions":"Be brief.","input":[{"role":"user","content":"Weather in Oslo?"},
    {"type":"reasoning","id":"rs_0","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]},
    {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Looking.","annotations":[]}]},
    {"type":"function_call","call_id":"call_1","name":"weather","arguments":"{\\"city\\":\\"Oslo\\"}"},
    {"type":"function_call_output","call_id":"call_1","output":"12 C"},
    {"role":"user","content":[{"type":"input_text","text":"and Rome?"}]}],
    "tools":[{"type":"function","name":"weather","parameters":{"type":"object"},"strict":true},
    {"type":"web_search"},{"type":"custom","name":"patch","description":"Apply a patch"},
    {"type":"namespace","name":"mcp__files","description":"Files","tools":[{"type":"function","name":"list"}]}],
    "tool_choice":"auto","stream":true,"store":true,"temperature":0.2,"top_p":1,"max_output_tokens":50,
    "reasoning":{"effort":"low","summary":null},"text":{"format":{"type":"text"},"verbosity":"low"},
    "include":["reasoning.encrypted_content"],"top_logprobs":2,"parallel_tool_calls":false,
    "truncation":"auto","metadata":{"k":"v"},"prompt_cache_key":"session","user":"u"}
    """

  static let embedding = """
    {"model":"tiny","input":["one","two"],"encoding_format":"base64","dimensions":3,"user":"u"}
    """
}
