import JSON
import ModelContext
import Synchronization
import Testing

/// A provider of tools made for a test.
private final class FixedProvider: ToolProvider {
  let name: String
  private let list: [(name: String, schema: JSONValue)]
  private let answer: Result<RemoteResult, ClientError>
  private let log = Mutex([String]())
  private let client: ContextClient

  var calls: [String] { log.withLock { $0 } }

  /// Lists come through a real client, so that they have passed its checks.
  init(
    _ name: String, _ names: [String],
    answer: Result<RemoteResult, ClientError> = .success(RemoteResult(text: "ok", isError: false))
  ) async throws {
    self.name = name
    self.answer = answer
    list = names.map { ($0, .members(["type": "object"])) }
    let tools = list.map { entry in
      ContextTool(
        name: entry.name, title: entry.name, description: "", inputSchema: entry.schema,
        outputSchema: nil,
        annotations: .init(isReadOnly: true, isIdempotent: true, isOpenWorld: false)
      ) { _, _ throws(ToolFailure) in ToolResult(text: "", structured: nil) }
    }
    client = try await ContextClient.connect(
      name: name, over: LocalTransport(.sample(tools)), version: "1")
  }

  func tools() async throws(ClientError) -> RemoteTools { try await client.tools() }

  func call(_ tool: String, _ arguments: JSONValue) async throws(ClientError) -> RemoteResult {
    log.withLock { $0.append(tool) }
    return try answer.get()
  }

  func close() { client.close() }
}

@Suite("Tools of several servers")
struct ToolSetTests {
  @Test("Names stand for one tool each, in characters that every chat format takes")
  func names() async throws {
    let long = String(repeating: "l", count: 100)
    let set = await ToolSet([
      try await FixedProvider("one", ["read", "files/list", "only.here", long]),
      try await FixedProvider("two", ["read", "files_list", "two_read"]),
    ])
    #expect(
      set.tools.map(\.name) == [
        "one_read", "one_files_list", "only_here", String(long.prefix(64)),
        "two_read", "two_files_list", "two_read_2",
      ])
    #expect(set.tools.map(\.server) == ["one", "one", "one", "one", "two", "two", "two"])
    #expect(Set(set.tools.map(\.name)).count == set.tools.count)
  }

  @Test("A call reaches the tool that is meant, under its own name")
  func routing() async throws {
    let (one, two) = (
      try await FixedProvider("one", ["read", "a.b"]), try await FixedProvider("two", ["read"])
    )
    let set = await ToolSet([one, two])
    #expect(try await set.call("two_read", argumentsText: "{}").text == "ok")
    #expect(try await set.call("a_b", argumentsText: "").text == "ok")
    #expect(two.calls == ["read"])
    #expect(one.calls == ["a.b"])
  }

  @Test(
    "Mistakes of the model become results",
    arguments: [
      ("nothing", "{}", "there is no tool nothing; there are: t"), ("t", "{", "not JSON"),
      ("t", "[]", "must be a JSON object"),
    ])
  func mistakes(name: String, arguments: String, part: String) async throws {
    let set = await ToolSet([try await FixedProvider("one", ["t"])])
    let result = try await set.call(name, argumentsText: arguments)
    #expect(result.isError)
    #expect(result.text.contains(part))
  }

  @Test("What a server says against a call is for the model, its end is not")
  func failures() async throws {
    let refused = ClientError.refused(
      server: "one", what: "tools/call", RPCError(code: -32602, message: "wrong path"))
    let refusing = await ToolSet([
      try await FixedProvider("one", ["t"], answer: .failure(refused))
    ])
    let result = try await refusing.call("t", argumentsText: "{}")
    #expect(result == RemoteResult(text: "wrong path", isError: true))
    let gone = ClientError.ended(server: "one", reason: "it ended")
    let ended = await ToolSet([try await FixedProvider("one", ["t"], answer: .failure(gone))])
    await #expect(throws: gone) { try await ended.call("t", argumentsText: "{}") }
  }

  @Test("Servers that cannot be used are left out with a note")
  func starting() async {
    var limits = ContextClient.Limits()
    limits.startSeconds = 5
    let set = await ToolSet.start(
      [
        ServerCommand(name: "missing", command: "/no/such/program"),
        ServerCommand(name: "brief", command: "/bin/sh", arguments: ["-c", "exit 4"]),
        ServerCommand(name: "silent", command: "/bin/sh", arguments: ["-c", "exec sleep 60"]),
      ], version: "1", limits: limits)
    #expect(set.tools.isEmpty)
    #expect(set.notes.count == 3)
    for part in ["could not be started", "gone", "within 5 s"] {
      #expect(set.notes.contains { $0.contains(part) }, "\(set.notes)")
    }
    set.close()
  }
}
