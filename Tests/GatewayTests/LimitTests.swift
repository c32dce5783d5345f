import Dialects
import Gateway
import ModelServing
import Testing

@Suite("Limits")
struct LimitTests {
  @Test("Bodies over the limit are refused, announced or not, and the reply arrives")
  func bodyLimit() async throws {
    var configuration = RunningGateway.configuration()
    configuration.bodyLimit = 1000
    let service = ScriptedService()
    try await RunningGateway.run(service, configuration: configuration) { running in
      let fits = "\"" + String(repeating: "x", count: 998) + "\""
      #expect(try await running.send("POST", "/line/count", body: fits).status == 200)
      let announced = try await running.send("POST", "/line/count", body: fits + " ")
      #expect(announced.status == 413)
      #expect(announced.body == "line error: the body is larger than 1000 bytes\n")
      let client = try await RawClient(port: running.port)
      defer { client.close() }
      try await client.send(
        "POST /line/count HTTP/1.1\r\nhost: localhost\r\nx-api-key: \(RunningGateway.token)\r\n"
          + "transfer-encoding: chunked\r\n\r\n")
      for _ in 0..<3 {
        try await client.send("190\r\n" + String(repeating: "x", count: 400) + "\r\n")
      }
      let reply = try RawReply(await client.readAll())
      #expect(reply.status == 413)
      #expect(reply.header("connection") == "close")
    }
    #expect(service.seen.count == 1)
  }

  @Test("Large bodies together are bounded")
  func totalBodies() async throws {
    var configuration = RunningGateway.configuration()
    configuration.bodyLimit = 1000
    configuration.totalBodyLimit = 1500
    try await RunningGateway.run(ScriptedService(), configuration: configuration) { running in
      let head =
        "POST /line/count HTTP/1.1\r\nhost: localhost\r\nx-api-key: \(RunningGateway.token)\r\n"
        + "connection: close\r\ncontent-length: 1000\r\n\r\n"
      let first = try await RawClient(port: running.port)
      defer { first.close() }
      try await first.send(head + "\"" + String(repeating: "x", count: 900))
      // The second must wait until the first is known to be held.
      #expect(
        await eventually {
          let second = try await RawClient(port: running.port)
          defer { second.close() }
          try await second.send(head + "\"" + String(repeating: "x", count: 998) + "\"")
          let reply = try RawReply(await second.readAll())
          return reply.status == 429 && reply.header("retry-after") == "1"
        })
      try await first.send(String(repeating: "x", count: 98) + "\"")
      #expect(try RawReply(await first.readAll()).status == 200)
      #expect(
        try await running.send(
          "POST", "/line/count", body: "\"" + String(repeating: "x", count: 998) + "\""
        )
        .status == 200)
    }
  }

  @Test(
    "What is no JSON is told so, with its place",
    arguments: [
      ("{", "line 1, column 2"), ("[1,\n2,]", "line 2, column 3"), ("nul", "line 1"),
      ("\u{0}", "line 1"),
    ])
  func malformedBody(body: String, place: String) async throws {
    try await RunningGateway.run(ScriptedService()) { running in
      let reply = try await running.send("POST", "/line/count", body: body)
      #expect(reply.status == 400)
      #expect(reply.body.contains(place), "\(reply.body)")
    }
  }

  @Test("Compressed bodies are refused clearly")
  func compressed() async throws {
    try await RunningGateway.run(ScriptedService()) { running in
      let reply = try await running.send(
        "POST", "/line/count",
        headers: ["x-api-key: " + RunningGateway.token, "content-encoding: gzip"], body: "{}")
      #expect(reply.status == 400)
      #expect(reply.body.contains("compressed"))
    }
  }

  @Test("A head that never ends, or comes too slowly, ends the connection")
  func slowHead() async throws {
    var configuration = RunningGateway.configuration()
    configuration.limits.headTime = .seconds(1)
    try await RunningGateway.run(ScriptedService(), configuration: configuration) { running in
      let silent = try await RawClient(port: running.port)
      defer { silent.close() }
      #expect(try await silent.readAll().isEmpty)
      let slow = try await RawClient(port: running.port)
      defer { slow.close() }
      try await slow.send("GET / HTTP/1.1\r\nhost: localhost\r\n")
      let dripping = Task {
        for index in 0..<400 {
          try await slow.send("x-\(index): 1\r\n")
          try await Task.sleep(for: .milliseconds(10))
        }
      }
      #expect(try await slow.readAll().isEmpty)
      dripping.cancel()
      _ = try? await dripping.value
      // Others are not disturbed.
      #expect(try await running.send("POST", "/line/count", body: "{}").status == 200)
    }
  }

  @Test("A body that comes too slowly is told 408 in the dialect")
  func slowBody() async throws {
    var configuration = RunningGateway.configuration()
    configuration.limits.bodyTime = .milliseconds(120)
    configuration.limits.bodyBytesPerSecond = 1 << 20
    let service = ScriptedService()
    try await RunningGateway.run(service, configuration: configuration) { running in
      let client = try await RawClient(port: running.port)
      defer { client.close() }
      try await client.send(
        "POST /line/count HTTP/1.1\r\nhost: localhost\r\nx-api-key: \(RunningGateway.token)\r\n"
          + "content-length: 100\r\n\r\n{")
      let reply = try RawReply(await client.readAll())
      #expect(reply.status == 408)
      #expect(reply.body == "line error: the body took too long to arrive\n")
    }
    #expect(service.seen.total == 0)
  }

  @Test("An idle connection is closed; one whose answer takes its time is not")
  func idle() async throws {
    var configuration = RunningGateway.configuration()
    configuration.limits.headTime = .seconds(1)
    configuration.limits.idleTime = .seconds(1)
    let service = ScriptedService { _, channel in
      try await Task.sleep(for: .milliseconds(2500))
      ScriptedService.say("late", on: channel)
    }
    try await RunningGateway.run(service, configuration: configuration) { running in
      let client = try await RawClient(port: running.port)
      defer { client.close() }
      try await client.send(RunningGateway.request("POST", "/line/whole", body: "{}"))
      let reply = try RawReply(await client.readAll())
      #expect(reply.body == "0 late\nend\n")
    }
  }

  @Test(
    "What is no HTTP is refused",
    arguments: [
      ("GET\r\n\r\n", 400), ("\u{1}\u{2}\u{3}\r\n\r\n", 400), ("GET / HTTP/9.9\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n", 400),
      ("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
      (
        "GET / HTTP/1.1\r\nhost: localhost\r\nx: " + String(repeating: "y", count: 40_000)
          + "\r\n\r\n", 431
      ),
      (
        "GET / HTTP/1.1\r\nhost: localhost\r\n"
          + (0..<200).map { "x-\($0): 1\r\n" }.joined() + "\r\n", 431
      ),
    ])
  func notHTTP(bytes: String, status: Int) async throws {
    try await RunningGateway.run(ScriptedService()) { running in
      let client = try await RawClient(port: running.port)
      defer { client.close() }
      try await client.send(bytes)
      let reply = try RawReply(await client.readAll())
      #expect(reply.status == status)
      #expect(reply.header("connection") == "close")
      #expect(reply.body.contains("error"))
    }
  }

  @Test("Chunks that are none are told 400 in the dialect")
  func malformedChunks() async throws {
    let service = ScriptedService()
    try await RunningGateway.run(service) { running in
      let client = try await RawClient(port: running.port)
      defer { client.close() }
      try await client.send(
        "POST /line/count HTTP/1.1\r\nhost: localhost\r\nx-api-key: \(RunningGateway.token)\r\n"
          + "transfer-encoding: chunked\r\n\r\nzz\r\n")
      let reply = try RawReply(await client.readAll())
      #expect(reply.status == 400)
      #expect(reply.body.hasPrefix("line error: "))
    }
    #expect(service.seen.total == 0)
  }

  @Test("More connections than allowed are told so; room is made by those that go")
  func connections() async throws {
    var configuration = RunningGateway.configuration()
    configuration.limits.connectionCount = 3
    try await RunningGateway.run(ScriptedService(), configuration: configuration) { running in
      var clients: [RawClient] = []
      for _ in 0..<3 {
        let client = try await RawClient(port: running.port)
        try await client.send(RunningGateway.request("POST", "/line/count", body: "{}"))
        _ = try await client.read(until: "\r\n\r\n7")
        clients.append(client)
      }
      #expect(try await running.send("POST", "/line/count", body: "{}").status == 503)
      clients[0].close()
      #expect(
        await eventually {
          try await running.send("POST", "/line/count", body: "{}").status == 200
        })
      clients[1].close()
      clients[2].close()
    }
  }

  @Test("Requests sent ahead are answered in order; those after the last one are not")
  func pipelining() async throws {
    let service = ScriptedService()
    try await RunningGateway.run(service) { running in
      let client = try await RawClient(port: running.port)
      defer { client.close() }
      let close = ["x-api-key: " + RunningGateway.token, "connection: close"]
      try await client.send(
        RunningGateway.request("GET", "/line/things/one")
          + RunningGateway.request("POST", "/line/count", body: "{}")
          + RunningGateway.request("GET", "/line/things/two", headers: close)
          + RunningGateway.request("POST", "/line/count", body: "{}"))
      let text = String(decoding: try await client.readAll(), as: UTF8.self)
      #expect(text.components(separatedBy: "HTTP/1.1 200").count == 4)
      #expect(text.hasSuffix("two "))
    }
    #expect(service.seen.count == 1)
  }

  @Test("A client that asks before it sends its body is let go on, or not")
  func expectation() async throws {
    let service = ScriptedService()
    try await RunningGateway.run(service) { running in
      for (token, last) in [(RunningGateway.token, "200 OK"), ("wrong", "401 Unauthorized")] {
        let client = try await RawClient(port: running.port)
        defer { client.close() }
        try await client.send(
          "POST /line/count HTTP/1.1\r\nhost: localhost\r\nx-api-key: \(token)\r\n"
            + "connection: close\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        let first = try await client.read(until: "\r\n\r\n")
        if last.hasPrefix("200") {
          #expect(first == "HTTP/1.1 100 Continue\r\n\r\n")
          try await client.send("{}")
          #expect(try RawReply(await client.readAll()).status == 200)
        } else {
          #expect(first.hasPrefix("HTTP/1.1 401"))
        }
      }
    }
    #expect(service.seen.count == 1)
  }
}
