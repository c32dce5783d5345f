import Foundation
import JSON
import ModelContext
import Testing

@Suite("The client, against servers of every kind")
struct ContextClientTests {
  private func connected(
    _ transport: ScriptedTransport, limits: ContextClient.Limits = .init(), tools: String? = nil
  ) async throws -> ContextClient {
    let connecting = Task {
      try await ContextClient.connect(name: "s", over: transport, version: "1", limits: limits)
    }
    #expect(await eventually { transport.sent.count == 1 })
    transport.deliver(
      #"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"#
        + #""serverInfo":{"name":"s","version":"1"}}}"#)
    return try await connecting.value
  }

  @Test("Lists and calls the tools of a server of our own")
  func ownServer() async throws {
    let client = try await ContextClient.connect(
      name: "own", over: LocalTransport(.sample()), version: "1")
    let list = try await client.tools()
    #expect(list.tools.map(\.name) == ["echo", "count", "large"])
    #expect(!list.tools.contains { !$0.isReadOnly })
    #expect(list.notes.isEmpty)
    let result = try await client.call("echo", .members(["text": "hello"]))
    #expect(result.text == "hello")
    #expect(!result.isError)
    #expect(try await client.call("echo", .object([])).isError)
    await #expect(throws: ClientError.self) { try await client.call("nothing", .object([])) }
  }

  @Test("The messages of the handshake")
  func handshake() async throws {
    let transport = ScriptedTransport()
    _ = try await connected(transport)
    let first = transport.sent.first
    #expect(first?["method"] == "initialize")
    #expect(first?["params"]?["protocolVersion"] == "2025-11-25")
    #expect(transport.sent.last?["method"] == "notifications/initialized")
    #expect(transport.sent.last?["id"] == nil)
  }

  @Test("A server that only serves requests without a handshake")
  func statelessServer() async throws {
    let transport = ScriptedTransport()
    let connecting = Task {
      try await ContextClient.connect(name: "s", over: transport, version: "1")
    }
    #expect(await eventually { transport.sent.count == 1 })
    transport.deliver(
      #"{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}}"#
    )
    #expect(await eventually { transport.sent.count == 2 })
    #expect(transport.sent.last?["method"] == "server/discover")
    transport.deliver(
      #"{"jsonrpc":"2.0","id":2,"result":{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}}"#
    )
    let client = try await connecting.value
    let calling = Task { try await client.call("t", .object([])) }
    #expect(await eventually { transport.sent.count == 3 })
    let meta = transport.sent.last?["params"]?["_meta"]
    #expect(meta?["io.modelcontextprotocol/protocolVersion"] == "2026-07-28")
    transport.deliver(
      #"{"jsonrpc":"2.0","id":3,"result":{"resultType":"complete","content":[{"type":"text","text":"ok"}]}}"#
    )
    #expect(try await calling.value.text == "ok")
  }

  @Test(
    "Handshakes that fail close the connection",
    arguments: [
      #"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"out of order"}}"#,
      #"{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"no","data":{"supported":["3000-01-01"]}}}"#,
      #"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"3000-01-01","capabilities":{"tools":{}}}}"#,
      #"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}"#,
      #"{"jsonrpc":"2.0","id":1,"result":null}"#,
    ])
  func failedHandshake(answer: String) async {
    let transport = ScriptedTransport()
    let connecting = Task {
      try await ContextClient.connect(name: "s", over: transport, version: "1")
    }
    #expect(await eventually { transport.sent.count == 1 })
    transport.deliver(answer)
    await #expect(throws: ClientError.self) { try await connecting.value }
    #expect(transport.isClosed)
  }

  @Test(
    "Lists of tools that are not usable",
    arguments: [
      (#"{"tools":7}"#, nil as Int?, 0),
      (#"{"tools":[{"name":"ok","inputSchema":{"type":"object"}},{"name":"no schema"}]}"#, 1, 1),
      (#"{"tools":[{"name":"bad\u001b[2J","inputSchema":{}},{"inputSchema":{}},7]}"#, 0, 3),
      (
        #"{"tools":[{"name":"a","inputSchema":{}},{"name":"a","inputSchema":{}}]}"#, 1, 1
      ),
      (#"{"tools":[],"nextCursor":"again"}"#, nil, 0),
    ])
  func toolLists(result: String, usable: Int?, notes: Int) async throws {
    let transport = ScriptedTransport()
    let client = try await connected(transport)
    let listing = Task { try await client.tools() }
    #expect(await eventually { transport.sent.count >= 3 })
    transport.deliver(#"{"jsonrpc":"2.0","id":2,"result":\#(result)}"#)
    if result.contains("nextCursor") {
      #expect(await eventually { transport.sent.count >= 4 })
      transport.deliver(#"{"jsonrpc":"2.0","id":3,"result":\#(result)}"#)
    }
    if let usable {
      let list = try await listing.value
      #expect(list.tools.count == usable)
      #expect(list.notes.count == notes)
      #expect(!list.notes.joined().contains("\u{1B}"))
    } else {
      await #expect(throws: ClientError.self) { try await listing.value }
    }
  }

  @Test(
    "Results become text",
    arguments: [
      (#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#, "a\nb"),
      (#"{"content":[],"structuredContent":{"x":1}}"#, #"{"x":1}"#),
      (#"{"structuredContent":[1]}"#, "[1]"),
      (#"{"content":[{"type":"resource","resource":{"uri":"u","text":"t"}}]}"#, "t"),
      (#"{"content":[{"type":"resource_link","uri":"u"}]}"#, "[a link: u]"),
      (
        #"{"content":[{"type":"image","mimeType":"image/png","data":"AAAA"}]}"#,
        "[image/png, 4 bytes, left out: only text is read here]"
      ),
    ])
  func results(result: String, text: String) async throws {
    let transport = ScriptedTransport()
    let client = try await connected(transport)
    let calling = Task { try await client.call("t", .object([])) }
    #expect(await eventually { transport.sent.count == 3 })
    transport.deliver(#"{"jsonrpc":"2.0","id":2,"result":\#(result)}"#)
    #expect(try await calling.value.text == text)
  }

  @Test("Long results are cut, and say so")
  func longResult() async throws {
    let transport = ScriptedTransport()
    let client = try await connected(transport)
    let calling = Task { try await client.call("t", .object([])) }
    #expect(await eventually { transport.sent.count == 3 })
    let long = String(repeating: "ä", count: 300_000)
    transport.deliver(
      #"{"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"\#(long)"}]}}"#)
    let text = try await calling.value.text
    #expect(text.utf8.count < 263_000)
    #expect(text.hasSuffix("[cut here: 600000 bytes in all, 262144 are shown]"))
  }

  @Test("No answer in time: the server is told, the caller too")
  func timeout() async throws {
    var limits = ContextClient.Limits()
    limits.callSeconds = 0
    let transport = ScriptedTransport()
    let client = try await connected(transport, limits: limits)
    await #expect(throws: ClientError.timeout(server: "s", what: "tools/call", seconds: 0)) {
      try await client.call("slow", .object([]))
    }
    #expect(transport.sent.last?["method"] == "notifications/cancelled")
    // The answer that comes too late is passed over.
    transport.deliver(#"{"jsonrpc":"2.0","id":2,"result":{"content":[]}}"#)
  }

  @Test("A cancelled task cancels its call")
  func cancellation() async throws {
    let transport = ScriptedTransport()
    let client = try await connected(transport)
    let calling = Task { try await client.call("slow", .object([])) }
    #expect(await eventually { transport.sent.count == 3 })
    calling.cancel()
    await #expect(throws: ClientError.cancelled) { try await calling.value }
    #expect(transport.sent.last?["params"]?["requestId"] == 2)
  }

  @Test("Requests of the server: ping is answered, others are refused")
  func serverRequests() async throws {
    let transport = ScriptedTransport()
    let client = try await connected(transport)
    transport.deliver(#"{"jsonrpc":"2.0","id":"x","method":"ping"}"#)
    #expect(transport.sent.last?["result"] == .object([]))
    transport.deliver(#"{"jsonrpc":"2.0","id":2,"method":"sampling/createMessage","params":{}}"#)
    #expect(transport.sent.last?["error"]?["code"] == -32601)
    client.close()
  }

  @Test("The end of the server ends what waits for it")
  func end() async throws {
    let transport = ScriptedTransport()
    let client = try await connected(transport)
    let calling = Task { try await client.call("t", .object([])) }
    #expect(await eventually { transport.sent.count == 3 })
    transport.end("it ended with status 3")
    await #expect(throws: ClientError.ended(server: "s", reason: "it ended with status 3")) {
      try await calling.value
    }
    await #expect(throws: ClientError.self) { try await client.call("t", .object([])) }
  }

  @Test("A message above the limit, or a server that takes none, ends the connection")
  func uselessConnection() async throws {
    let transport = ScriptedTransport()
    let client = try await connected(transport)
    transport.event(.tooLong(limit: 10))
    #expect(transport.isClosed)
    await #expect(throws: ClientError.self) { try await client.tools() }
    let deaf = ScriptedTransport()
    let other = try await connected(deaf)
    deaf.refuseMessages()
    await #expect(throws: ClientError.self) { try await other.tools() }
  }
}

@Suite("Lists of servers")
struct ServerListTests {
  @Test("The conventional form")
  func conventional() throws {
    let list = try ServerList(
      Array(
        #"""
        {"mcpServers": {
          "files": {"command": "npx", "args": ["-y", "x"], "env": {"B": "2", "A": "1"}, "type": "stdio"},
          "far": {"url": "https://example.org/mcp"},
          "events": {"type": "sse", "command": "x"},
          "off": {"command": "x", "disabled": true}}}
        """#.utf8))
    #expect(
      list.servers == [
        ServerCommand(
          name: "files", command: "npx", arguments: ["-y", "x"],
          environment: [.init(name: "A", value: "1"), .init(name: "B", value: "2")])
      ])
    #expect(list.refused.map(\.name) == ["far", "events", "off"])
    #expect(list.refused[0].reason.contains("network"))
  }

  @Test(
    "Mistakes are named with their place",
    arguments: [
      ("{", "line 1, column 2"), ("{}", "mcpServers"), (#"{"mcpServers":[]}"#, "mcpServers"),
      (#"{"mcpServers":{"a b":{}}}"#, "mcpServers.a b"),
      (#"{"mcpServers":{"a":{}}}"#, "mcpServers.a.command"),
      (#"{"mcpServers":{"a":{"command":""}}}"#, "mcpServers.a.command"),
      (#"{"mcpServers":{"a":{"command":"x","args":[1]}}}"#, "mcpServers.a.args[0]"),
      (#"{"mcpServers":{"a":{"command":"x","args":["a\u0000"]}}}"#, "mcpServers.a.args[0]"),
      (#"{"mcpServers":{"a":{"command":"x","env":{"A=B":"c"}}}}"#, "mcpServers.a.env"),
      (#"{"mcpServers":{"a":{"command":"x"},"a":{"command":"y"}}}"#, "twice"),
    ])
  func mistakes(text: String, place: String) {
    do {
      _ = try ServerList(Array(text.utf8))
      Issue.record("accepted")
    } catch {
      #expect(error.description.contains(place))
    }
  }
}
