import Foundation
import Gateway
import JSON
import ModelServing
import Synchronization
import Testing

@Suite("Starting and stopping")
struct LifeTests {
  @Test("While the model is loaded and after the end, health and answers say so")
  func loading() async throws {
    try await RunningGateway.run(nil) { running in
      let health = try await running.send("GET", "/health", headers: [])
      #expect(health.status == 503)
      #expect(health.body == #"{"status":"loading"}"#)
      let reply = try await running.send("POST", "/line/count", body: "{}")
      #expect(reply.status == 429)
      #expect(reply.header("retry-after") == "5")
      running.gateway.open(ScriptedService())
      let open = try await running.send("GET", "/health", headers: [])
      #expect(open.status == 200)
      #expect(open.body == #"{"status":"ok","model":"scripted"}"#)
      #expect(try await running.send("POST", "/line/count", body: "{}").status == 200)
    }
  }

  /// Runs an answer that ends when told, stops the server meanwhile, and gives what the client read.
  private func stop(grace: Duration, finishAfter: Duration?, path: String) async throws -> RawReply
  {
    let hasBegun = Mutex(false)
    let service = ScriptedService { _, channel in
      channel.send([.content("begun", [])])
      hasBegun.withLock { $0 = true }
      guard let finishAfter else { return await ScriptedService.waitForReader(of: channel) }
      try await Task.sleep(for: finishAfter)
      channel.send([.content("done", [])])
      ScriptedService.finish(channel)
    }
    return try await RunningGateway.run(service) { running in
      let client = try await RawClient(port: running.port)
      defer { client.close() }
      let idle = try await RawClient(port: running.port)
      defer { idle.close() }
      try await idle.send(RunningGateway.request("GET", "/health"))
      _ = try await idle.read(until: "}")
      try await client.send(RunningGateway.request("POST", path, body: "{}"))
      #expect(await eventually { hasBegun.withLock { $0 } })
      let stopping = Task { await running.gateway.stop(grace: grace) }
      // Idle connections are closed, new ones refused, and the answer goes on.
      #expect(try await idle.readAll().isEmpty)
      #expect(
        await eventually {
          guard let late = try? await RawClient(port: running.port) else { return true }
          late.close()
          return false
        })
      let reply = try RawReply(await client.readAll())
      await stopping.value
      return reply
    }
  }

  @Test("Running answers may finish within the grace", arguments: ["/line/stream", "/line/whole"])
  func finishing(path: String) async throws {
    let reply = try await stop(grace: .seconds(30), finishAfter: .milliseconds(200), path: path)
    #expect(reply.status == 200)
    #expect(reply.body == "0 begun\n0 done\nend\n")
  }

  @Test("After the grace streams end with an error, whole answers with 503")
  func ending() async throws {
    let stream = try await stop(grace: .milliseconds(50), finishAfter: nil, path: "/line/stream")
    #expect(stream.status == 200)
    #expect(stream.body == "0 begun\nfailed: the server is shutting down\n")
    let whole = try await stop(grace: .milliseconds(50), finishAfter: nil, path: "/line/whole")
    #expect(whole.status == 503)
    #expect(whole.body == "line error: the server is shutting down\n")
  }

  @Test("Stopping twice is stopping once; a stopped gateway does not start")
  func twice() async throws {
    try await RunningGateway.run(ScriptedService()) { running in
      async let first: Void = running.gateway.stop(grace: .zero)
      async let second: Void = running.gateway.stop(grace: .seconds(30))
      _ = await (first, second)
      await #expect(throws: GatewayError.self) { try await running.gateway.run { _ in } }
    }
  }

  @Test("A busy port is explained, with its holder where the system tells")
  func busy() async throws {
    try await RunningGateway.run(ScriptedService()) { running in
      let address = ListenAddress.network(host: "127.0.0.1", port: running.port)
      let other = try Gateway(
        RunningGateway.configuration(addresses: [address]), surfaces: [],
        logger: RunningGateway.logger { _ in })
      let error = await #expect(throws: GatewayError.self) { try await other.run { _ in } }
      guard case .addressInUse(address, let holder)? = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #if os(Linux)
        // A program that another test starts at this moment may have inherited the socket and be found first.
        #expect(holder != nil)
        #expect(error?.description.contains("--port") == true)
      #endif
    }
  }

  @Test("An address that is not this machine's is explained")
  func absent() async throws {
    let address = ListenAddress.network(host: "192.0.2.1", port: 0)
    let gateway = try Gateway(
      RunningGateway.configuration(addresses: [address]), surfaces: [],
      logger: RunningGateway.logger { _ in })
    let error = await #expect(throws: GatewayError.self) { try await gateway.run { _ in } }
    guard case .cannotListen(address, _)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test("Both loopback addresses get the same free port")
  func bothLoopbacks() async throws {
    let configuration = RunningGateway.configuration(
      addresses: [.network(host: "127.0.0.1", port: 0), .network(host: "::1", port: 0)])
    let ports = Mutex<[Int]>([])
    let gateway = try Gateway(
      configuration, surfaces: [LineDialect.surface], logger: RunningGateway.logger { _ in })
    try await gateway.run { addresses in
      for case .network(_, let port) in addresses { ports.withLock { $0.append(port) } }
      Task { await gateway.stop(grace: .zero) }
    }
    let found = ports.withLock { $0 }
    #expect(!found.isEmpty)
    #expect(Set(found).count == 1)
    #expect(found.first != 0)
  }
}

@Suite("Figures and logs")
struct ObservationTests {
  private static let secret = "the user's own words"

  private func observe(_ body: @Sendable @escaping (RunningGateway) async throws -> Void)
    async throws
    -> (metrics: String, log: [String])
  {
    let service = ScriptedService { _, channel in
      channel.send([
        .started(
          PromptReport(
            tokens: 100, reused: 60,
            miss: .init(
              kind: .differs, position: 60, known: Self.secret, given: Self.secret,
              reason: "differs at token 60: known \"\(Self.secret)\""))),
        .content(Self.secret, []),
      ])
      ScriptedService.finish(channel, tokens: 20)
    }
    return try await RunningGateway.run(service) { running in
      try await body(running)
      let count = running.log.lines.count
      let metrics = try await running.send("GET", "/metrics")
      #expect(metrics.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
      #expect(await eventually { running.log.lines.count > count })
      return (metrics.body, running.log.lines)
    }
  }

  @Test("A request leaves one line with figures and without any text of the conversation")
  func line() async throws {
    let (_, log) = try await observe { running in
      _ = try await running.send(
        "POST", "/line/stream?secret=\(Self.secret.replacing(" ", with: "%20"))",
        headers: [
          "authorization: Bearer " + RunningGateway.token, "user-agent: OpenAI/Python 3.54",
          "x-request-id: mine",
        ], body: #"{"text":"\#(Self.secret)"}"#)
    }
    let lines = try log.map { try JSONParser.parse(Array($0.utf8)) }
    let line = try #require(lines.first { $0["request"]?.stringValue == "mine" })
    #expect(line["client"]?.stringValue == "openai-python")
    #expect(line["dialect"]?.stringValue == "line")
    #expect(line["endpoint"]?.stringValue == "POST /line/stream")
    #expect(line["status"]?.integerValue == 200)
    #expect(line["prompt_tokens"]?.integerValue == 100)
    #expect(line["reused_tokens"]?.integerValue == 60)
    #expect(line["answer_tokens"]?.integerValue == 20)
    #expect(line["finish"]?.stringValue == "end-of-turn")
    #expect(line["miss"]?.stringValue == "differs")
    #expect(line["miss_position"]?.integerValue == 60)
    #expect(line["queue_seconds"] == .number(0.25))
    #expect(line["bytes"]?.integerValue == Self.secret.utf8.count + 3 + 4)
    #expect(line["time"]?.stringValue?.hasSuffix("Z") == true)
    for line in log {
      #expect(!line.contains("own words") && !line.contains("own%20words"))
      #expect(!line.contains(RunningGateway.token))
      #expect(line.last == "\n" && line.dropLast().allSatisfy { !$0.isNewline })
    }
  }

  @Test("Figures follow the format, and their number does not grow with paths or clients")
  func metrics() async throws {
    let (text, _) = try await observe { running in
      for index in 0..<20 {
        _ = try await running.send("GET", "/line/things/\(index)")
        _ = try await running.send("GET", "/none/\(index)")
        _ = try await running.send("PUT", "/line/things/\(index)")
      }
      _ = try await running.send("POST", "/line/whole", body: "{}")
      _ = try await running.send("POST", "/line/whole", headers: [], body: "{}")
    }
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines.count < 150)
    let sample = /^[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? [-+0-9.eInfNa]+$/
    var seen: Set<String> = []
    for line in lines where !line.hasPrefix("#") {
      #expect(line.wholeMatch(of: sample) != nil, "\(line)")
      let end = try #require(line.lastIndex(of: " "))
      #expect(seen.insert(String(line[..<end])).inserted, "\(line)")
    }
    func value(_ name: String) -> String? {
      lines.first { $0.hasPrefix(name + " ") }.map { String($0.dropFirst(name.count + 1)) }
    }
    let request = #"maslin_requests_total{dialect="line",endpoint="#
    #expect(value(request + #""GET /line/things/:name",status="200"}"#) == "20")
    #expect(value(request + #""POST /line/whole",status="200"}"#) == "1")
    #expect(value(request + #""POST /line/whole",status="401"}"#) == "1")
    #expect(value("maslin_prompt_tokens_total") == "100")
    #expect(value("maslin_reused_tokens_total") == "60")
    #expect(value("maslin_answer_tokens_total") == "20")
    #expect(value("maslin_time_to_first_token_seconds_count") == "1")
    #expect(value("maslin_queue_seconds_sum") == "0.25")
    #expect(value(#"maslin_prefix_reuse_ratio_bucket{le="0.5"}"#) == "0")
    #expect(value(#"maslin_prefix_reuse_ratio_bucket{le="0.75"}"#) == "1")
    #expect(value(#"maslin_prefix_reuse_ratio_bucket{le="+Inf"}"#) == "1")
    #expect(value("maslin_cache_memory_bytes") == "17")
    #expect(value("maslin_running_answers") == "0")
    #expect(value("maslin_answer_tokens_per_second_sum") == "20")
  }

  @Test(
    "Times are RFC 3339 in UTC",
    arguments: [
      (0.0, "1970-01-01T00:00:00.000Z"), (951_782_400.5, "2000-02-29T00:00:00.500Z"),
      (1_767_225_599.999, "2025-12-31T23:59:59.999Z"), (4_107_542_400, "2100-03-01T00:00:00.000Z"),
    ])
  func timestamp(seconds: Double, text: String) {
    let lines = RunningGateway.Log()
    let handler = LineLogHandler(form: .json, clock: { seconds }) { lines.add($0) }
    RunningGateway.logger(handler).info("x")
    #expect(lines.lines == ["{\"time\":\"\(text)\",\"level\":\"info\",\"message\":\"x\"}\n"])
  }
}
