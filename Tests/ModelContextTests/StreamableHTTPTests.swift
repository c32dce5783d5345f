import JSON
import ModelContext
import Testing

@Suite("Streamable HTTP")
struct StreamableHTTPTests {
  private static let plain = [
    "content-type": "application/json; charset=utf-8",
    "accept": "application/json, text/event-stream",
  ]

  private func post(
    _ http: StreamableHTTP, _ text: String, _ headers: [String: String] = [:], client: String = "a"
  ) async -> StreamableHTTP.Response {
    await http.respond(
      to: .init(
        method: "POST", headers: Self.plain.merging(headers) { $1 }, body: Array(text.utf8),
        client: client))
  }

  private func value(_ response: StreamableHTTP.Response) -> JSONValue? {
    guard case .complete(let bytes) = response.body else { return nil }
    return try? JSONParser.parse(bytes)
  }

  private func header(_ response: StreamableHTTP.Response, _ name: String) -> String? {
    response.headers.first { $0.name == name }?.value
  }

  private func session(_ http: StreamableHTTP, _ version: String = "2025-11-25") async -> String {
    let response = await post(http, Sample.initialize(version))
    #expect(response.status == 200)
    return header(response, "mcp-session-id") ?? ""
  }

  /// The data of all events of a stream; comments are counted.
  private func events(
    _ response: StreamableHTTP.Response
  ) async -> (messages: [JSONValue], comments: Int) {
    guard case .stream(let stream) = response.body else { return ([], 0) }
    var text = ""
    for await part in stream { text += String(decoding: part, as: UTF8.self) }
    var messages: [JSONValue] = []
    var comments = 0
    for event in text.split(separator: "\n\n") {
      let lines = event.split(separator: "\n")
      if lines.count == 2, lines[0] == "event: message", lines[1].hasPrefix("data: "),
        let value = try? JSONParser.parse(Array(lines[1].dropFirst(6).utf8))
      {
        messages.append(value)
      } else if event.hasPrefix(":") {
        comments += 1
      }
    }
    return (messages, comments)
  }

  @Test("A session from beginning to end")
  func session() async {
    let http = StreamableHTTP(.sample())
    let id = await session(http)
    #expect(id.utf8.count == 64)
    #expect(http.sessionCount == 1)
    let headers = ["mcp-session-id": id, "mcp-protocol-version": "2025-11-25"]
    let noted = await post(
      http, #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, headers)
    #expect(noted.status == 202)
    let called = await post(http, Sample.call("echo", #"{"text":"hello"}"#), headers)
    #expect(called.status == 200)
    #expect(header(called, "content-type") == "application/json")
    #expect(value(called)?["result"]?["structuredContent"]?["text"] == "hello")
    // Somebody else's requests do not reach it.
    let foreign = await post(http, Sample.call("echo"), headers, client: "b")
    #expect(foreign.status == 404)
    let ended = await http.respond(
      to: .init(method: "DELETE", headers: headers, body: [], client: "a"))
    #expect(ended.status == 204)
    let late = await post(http, Sample.call("echo"), headers)
    #expect(late.status == 404)
    #expect(http.sessionCount == 0)
  }

  @Test("A call with progress becomes a stream of events")
  func progressStream() async {
    let http = StreamableHTTP(.sample())
    let headers = ["mcp-session-id": await session(http)]
    let response = await post(http, Sample.call("count", token: "4"), headers)
    #expect(header(response, "content-type") == "text/event-stream")
    let messages = await events(response).messages
    #expect(
      messages.dropLast().map { $0["params"]?["progress"] } == [.number(1), .number(2), .number(3)])
    #expect(messages.last?["result"]?["isError"] == false)
    // Who takes no events gets the answer alone.
    let alone = await post(
      http, Sample.call("count", token: "4"), headers.merging(["accept": "application/json"]) { $1 }
    )
    #expect(value(alone)?["result"]?["isError"] == false)
    // Who takes only events gets the answer as one.
    let only = await post(
      http, #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
      headers.merging(["accept": "text/event-stream"]) { $1 })
    #expect(header(only, "content-type") == "text/event-stream")
  }

  @Test("A silent call becomes a stream that shows life")
  func keepAlive() async {
    let gate = Gate()
    var options = StreamableHTTP.Options()
    options.patience = .milliseconds(10)
    options.keepAliveInterval = .milliseconds(10)
    let http = StreamableHTTP(.sample([SampleTools.wait(gate)]), options: options)
    let headers = ["mcp-session-id": await session(http)]
    let response = await post(http, Sample.call("wait"), headers)
    #expect(header(response, "content-type") == "text/event-stream")
    Task {
      try? await Task.sleep(for: .milliseconds(50))
      gate.open()
    }
    let (messages, comments) = await events(response)
    #expect(messages.last?["result"]?["isError"] == false)
    #expect(comments >= 1)
  }

  @Test(
    "What is wrong with a request decides its status",
    arguments: [
      (["content-type": "text/plain"], "{}", 415, -32600),
      (["accept": "text/html"], "{}", 406, -32600),
      (["accept": "application/json;q=0"], "{}", 406, -32600),
      (["mcp-protocol-version": "1900-01-01"], "{}", 400, -32022),
      ([:], "{", 400, -32700),
      ([:], #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, 400, -32600),
      (
        ["mcp-session-id": "no such one"], #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, 404,
        -32001
      ),
      (
        ["mcp-protocol-version": "2026-07-28"],
        #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#, 400, -32602
      ),
      (
        ["mcp-protocol-version": "2026-07-28"],
        #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{\#(Sample.meta)}}"#, 400, -32020
      ),
      (
        ["mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "count"],
        #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo",\#(Sample.meta)}}"#,
        400, -32020
      ),
      (
        ["mcp-protocol-version": "2026-07-28", "mcp-method": "ping"],
        #"{"jsonrpc":"2.0","id":1,"method":"ping","params":{\#(Sample.meta)}}"#, 404, -32601
      ),
      (
        ["mcp-protocol-version": "2026-07-28", "mcp-method": "initialize"],
        #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{\#(Sample.meta)}}"#, 404, -32601
      ),
      (["mcp-protocol-version": "2026-07-28"], "[]", 400, -32600),
    ])
  func refusals(headers: [String: String], body: String, status: Int, code: Int) async {
    let response = await post(StreamableHTTP(.sample()), body, headers)
    #expect(response.status == status)
    #expect(value(response)?["error"]?["code"]?.integerValue == code)
  }

  @Test("Other methods are not allowed", arguments: ["GET", "PUT", "HEAD"])
  func methods(method: String) async {
    let response = await StreamableHTTP(.sample()).respond(
      to: .init(method: method, headers: [:], body: [], client: "a"))
    #expect(response.status == 405)
    #expect(header(response, "allow") == "POST, DELETE")
  }

  @Test("A session keeps to its revision")
  func revision() async {
    let http = StreamableHTTP(.sample())
    let id = await session(http, "2025-06-18")
    let ping = #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#
    for (version, status) in [("2025-06-18", 200), ("2025-03-26", 400)] {
      let response = await post(
        http, ping, ["mcp-session-id": id, "mcp-protocol-version": version])
      #expect(response.status == status)
    }
  }

  @Test("Requests that carry their revision need no session; names may be encoded")
  func stateless() async {
    let http = StreamableHTTP(.sample())
    for name in ["echo", "=?base64?ZWNobw==?="] {
      let response = await post(
        http,
        #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"},\#(Sample.meta)}}"#,
        ["mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": name])
      #expect(response.status == 200)
      #expect(header(response, "mcp-session-id") == nil)
      #expect(value(response)?["result"]?["resultType"] == "complete")
    }
    #expect(http.sessionCount == 0)
  }

  @Test("A client of the newest revision cancels by leaving")
  func leaving() async {
    let gate = Gate()
    var options = StreamableHTTP.Options()
    options.patience = .milliseconds(1)
    let http = StreamableHTTP(.sample([SampleTools.wait(gate)]), options: options)
    let headers = [
      "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "wait",
    ]
    let body =
      #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"wait",\#(Sample.meta)}}"#
    var response: StreamableHTTP.Response? = await post(http, body, headers)
    #expect(await eventually { gate.entered == 1 })
    guard case .stream? = response?.body else {
      Issue.record("not a stream")
      return
    }
    response = nil
    #expect(await eventually { gate.cancelled == 1 })
  }

  @Test("Ending a session or cancelling a call ends the waiting for it", arguments: [true, false])
  func ending(byDelete: Bool) async {
    let gate = Gate()
    let http = StreamableHTTP(.sample([SampleTools.wait(gate)]))
    let headers = ["mcp-session-id": await session(http)]
    async let response = post(http, Sample.call("wait", id: "5"), headers)
    #expect(await eventually { gate.entered == 1 })
    if byDelete {
      _ = await http.respond(to: .init(method: "DELETE", headers: headers, body: [], client: "a"))
    } else {
      let noted = await post(
        http,
        #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}"#, headers)
      #expect(noted.status == 202)
    }
    #expect(value(await response)?["error"]?["code"] == -32800)
    #expect(gate.cancelled == 1)
  }

  @Test("Sessions are bounded, the one unused longest goes; old ones go by themselves")
  func sessionBounds() async {
    var options = StreamableHTTP.Options()
    options.sessionLimit = 2
    let http = StreamableHTTP(.sample(), options: options)
    let ids = [await session(http), await session(http)]
    let ping = #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#
    #expect(await post(http, ping, ["mcp-session-id": ids[0]]).status == 200)
    _ = await session(http)
    #expect(http.sessionCount == 2)
    #expect(await post(http, ping, ["mcp-session-id": ids[0]]).status == 200)
    #expect(await post(http, ping, ["mcp-session-id": ids[1]]).status == 404)

    options.sessionLifetime = .milliseconds(1)
    let brief = StreamableHTTP(.sample(), options: options)
    let id = await session(brief)
    try? await Task.sleep(for: .milliseconds(10))
    #expect(await post(brief, ping, ["mcp-session-id": id]).status == 404)
  }
}
