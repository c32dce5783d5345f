import JSON
import ModelContext
import Synchronization

/// Tools with a simple effect, for servers under test.
enum SampleTools {
  static let echo = ContextTool(
    name: "echo", title: "Echo", description: "Gives the text back.",
    inputSchema: .members([
      "type": "object", "properties": .members(["text": .members(["type": "string"])]),
      "required": ["text"],
    ]),
    outputSchema: .members([
      "type": "object", "properties": .members(["text": .members(["type": "string"])]),
    ]),
    annotations: .init(isReadOnly: true, isIdempotent: true, isOpenWorld: false)
  ) { arguments, call throws(ToolFailure) in
    guard let text = arguments["text"]?.stringValue else { throw .refused("text must be a string") }
    call.log(.info, "echoing")
    return ToolResult(text: text, structured: .members(["text": .string(text)]))
  }

  static let count = ContextTool(
    name: "count", title: "Count", description: "Counts to three.",
    inputSchema: .members(["type": "object"]), outputSchema: nil,
    annotations: .init(isReadOnly: true, isIdempotent: true, isOpenWorld: false)
  ) { _, call throws(ToolFailure) in
    for step in 1...3 {
      try? await Task.sleep(for: .milliseconds(60))
      call.report(Double(step), of: 3, "step \(step)")
    }
    return ToolResult(text: "3", structured: nil)
  }

  static let large = ContextTool(
    name: "large", title: "Large", description: "Gives more than is allowed.",
    inputSchema: .members(["type": "object"]), outputSchema: nil,
    annotations: .init(isReadOnly: true, isIdempotent: true, isOpenWorld: false)
  ) { _, _ throws(ToolFailure) in
    ToolResult(text: String(repeating: "x", count: 3 << 20), structured: nil)
  }

  /// Waits until the gate opens or the call is cancelled.
  static func wait(_ gate: Gate) -> ContextTool {
    ContextTool(
      name: "wait", title: "Wait", description: "Waits.",
      inputSchema: .members(["type": "object"]), outputSchema: nil,
      annotations: .init(isReadOnly: true, isIdempotent: false, isOpenWorld: false)
    ) { _, call throws(ToolFailure) in
      gate.enter()
      while !gate.isOpen {
        if call.isCancelled {
          gate.noteCancellation()
          throw .cancelled
        }
        try? await Task.sleep(for: .milliseconds(1))
      }
      return ToolResult(text: "waited", structured: nil)
    }
  }
}

/// Something calls wait for, and what became of them.
final class Gate: Sendable {
  private struct State {
    var isOpen = false
    var inside = 0
    var most = 0
    var cancelled = 0
  }
  private let state = Mutex(State())

  var isOpen: Bool { state.withLock { $0.isOpen } }
  var entered: Int { state.withLock { $0.inside } }
  var cancelled: Int { state.withLock { $0.cancelled } }
  func open() { state.withLock { $0.isOpen = true } }
  func enter() { state.withLock { $0.inside += 1 } }
  func noteCancellation() { state.withLock { $0.cancelled += 1 } }
}

extension ContextServer {
  static func sample(
    _ tools: [ContextTool] = [SampleTools.echo, SampleTools.count, SampleTools.large],
    limits: Limits = Limits()
  ) -> ContextServer {
    ContextServer(
      name: "sample", title: "Sample", version: "1.0", instructions: "Use it.", tools: tools,
      limits: limits)
  }
}

/// Collects what a connection gives out.
final class OutputCollector: Sendable {
  private struct State {
    var outputs: [ServerConnection.Output] = []
    var ended = 0
  }
  private let state = Mutex(State())

  func take(_ output: ServerConnection.Output) {
    state.withLock { state in
      if case .end = output { state.ended += 1 } else { state.outputs.append(output) }
    }
  }

  var texts: [String] {
    state.withLock { state in
      state.outputs.map { output in
        switch output {
        case .notification(let bytes), .answer(let bytes, _): String(decoding: bytes, as: UTF8.self)
        case .end: ""
        }
      }
    }
  }
  var values: [JSONValue] { texts.compactMap { try? JSONParser.parse(Array($0.utf8)) } }
  var endCount: Int { state.withLock { $0.ended } }

  /// Waits until so many messages are done with; false when that takes more than ten seconds.
  func waitForEnds(_ count: Int = 1) async -> Bool { await eventually { self.endCount >= count } }
}

/// Whether something becomes true within ten seconds.
func eventually(_ condition: @Sendable () -> Bool) async -> Bool {
  for _ in 0..<10_000 {
    if condition() { return true }
    try? await Task.sleep(for: .milliseconds(1))
  }
  return false
}

extension ServerConnection {
  /// Sends a text and collects what comes until it is done with.
  func exchange(_ text: String) async -> OutputCollector {
    let collector = OutputCollector()
    receive(Array(text.utf8), collector.take)
    _ = await collector.waitForEnds()
    return collector
  }

  /// Sends a text and gives the one answer.
  func answer(_ text: String) async -> JSONValue? { await exchange(text).values.last }
}

enum Sample {
  static func initialize(_ version: String, id: String = "0") -> String {
    #"{"jsonrpc":"2.0","id":\#(id),"method":"initialize","params":{"protocolVersion":"\#(version)","#
      + #""capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#
  }

  /// The `_meta` that revision 2026-07-28 wants in every request.
  static let meta =
    #""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#
    + #""io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"#
    + #""io.modelcontextprotocol/clientCapabilities":{}}"#

  static func call(
    _ tool: String, _ arguments: String = "{}", id: String = "1", token: String? = nil
  )
    -> String
  {
    let meta = token.map { #","_meta":{"progressToken":\#($0)}"# } ?? ""
    return #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"\#(tool)","#
      + #""arguments":\#(arguments)\#(meta)}}"#
  }
}

/// Deterministic random numbers (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
