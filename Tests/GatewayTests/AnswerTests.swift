import Gateway
import ModelServing
import Synchronization
import Testing

@Suite("Answers over the wire")
struct AnswerTests {
  @Test("A whole answer has its length, and says what was reused")
  func whole() async throws {
    try await RunningGateway.run(ScriptedService()) { running in
      let reply = try await running.send("POST", "/line/whole", body: #"{"text":"x"}"#)
      #expect(reply.status == 200)
      #expect(reply.body == "0 hello\nend\n")
      #expect(reply.header("content-length") == "12")
      #expect(reply.header("x-maslin-reused-tokens") == "3")
      #expect(reply.header("x-request-id")?.hasPrefix("req_") == true)
      #expect(reply.header("cache-control") == "no-store")
    }
  }

  @Test("A streamed answer comes in pieces, on a connection that stays usable")
  func streamed() async throws {
    try await RunningGateway.run(ScriptedService()) { running in
      let client = try await RawClient(port: running.port)
      defer { client.close() }
      for _ in 0..<3 {
        try await client.send(RunningGateway.request("POST", "/line/stream", body: "{}"))
        let reply = try RawReply(Array(try await client.read(until: "\r\n0\r\n\r\n").utf8))
        #expect(reply.status == 200)
        #expect(reply.header("transfer-encoding") == "chunked")
        #expect(reply.body == "0 hello\nend\n")
      }
    }
  }

  @Test("Pieces arrive as they are made, not at the end")
  func pieces() async throws {
    let (steps, step) = AsyncStream<Void>.makeStream()
    let service = ScriptedService { _, channel in
      channel.send([.content("one", [])])
      for await _ in steps { break }
      channel.send([.content("two", [])])
      ScriptedService.finish(channel)
    }
    try await RunningGateway.run(service) { running in
      let client = try await RawClient(port: running.port)
      defer { client.close() }
      try await client.send(RunningGateway.request("POST", "/line/stream", body: "{}"))
      let first = try await client.read(until: "0 one\n")
      #expect(!first.contains("two"))
      step.yield()
      #expect(try await client.read(until: "0\r\n\r\n").contains("0 two\n"))
    }
  }

  @Test("Several choices are merged, each complete and in its own order", arguments: [2, 5])
  func choices(count: Int) async throws {
    let service = ScriptedService { _, channel in
      for index in 0..<50 {
        channel.send([.content("\(index)", [])])
        if index % 7 == 0 { await Task.yield() }
      }
      ScriptedService.finish(channel)
    }
    try await RunningGateway.run(service) { running in
      let reply = try await running.send("POST", "/line/stream", body: #"{"n":\#(count)}"#)
      let lines = reply.body.split(separator: "\n")
      #expect(lines.last == "end")
      for choice in 0..<count {
        let own = lines.filter { $0.hasPrefix("\(choice) ") }.compactMap { Int($0.dropFirst(2)) }
        #expect(own == Array(0..<50))
      }
      #expect(lines.count == count * 50 + 1)
    }
  }

  @Test("Nothing to generate is an answer too")
  func empty() async throws {
    try await RunningGateway.run(ScriptedService()) { running in
      let reply = try await running.send("POST", "/line/stream", body: #"{"n":0}"#)
      #expect(reply.status == 200)
      #expect(reply.body == "end\n")
    }
  }

  @Test(
    "An error before the first bytes keeps its status",
    arguments: [
      (ServiceError.invalid(message: "no", parameter: "text"), 400),
      (.overloaded(reason: "full", retryAfter: 9), 429), (.failed("broken"), 500),
      (.unknownModel(name: "x", known: []), 404), (.contextExceeded(tokens: 9, limit: 8), 400),
    ])
  func earlyErrors(error: ServiceError, status: Int) async throws {
    let refusing = ScriptedService(admission: { _ throws(ServiceError) in throw error })
    let failing = ScriptedService { _, channel in
      channel.send([.started(PromptReport(tokens: 1, reused: 0, miss: nil))])
      channel.fail(error)
    }
    for service in [refusing, failing] {
      for path in ["/line/stream", "/line/whole"] {
        let reply = try await RunningGateway.run(service) { running in
          try await running.send("POST", path, body: "{}")
        }
        #expect(reply.status == status)
        #expect(reply.body == "line error: \(error.description)\n")
        #expect((reply.header("retry-after") == "9") == (status == 429))
      }
    }
  }

  @Test("An error after the first bytes is told inside the stream")
  func lateError() async throws {
    let service = ScriptedService { _, channel in
      channel.send([.content("begun", [])])
      try await Task.sleep(for: .milliseconds(20))
      channel.fail(.failed("broken"))
    }
    try await RunningGateway.run(service) { running in
      let reply = try await running.send("POST", "/line/stream", body: "{}")
      #expect(reply.status == 200)
      #expect(reply.body == "0 begun\nfailed: broken\n")
    }
  }

  @Test("One failing choice ends the others")
  func failingChoice() async throws {
    let number = Mutex(0)
    let service = ScriptedService { _, channel in
      let isFirst = number.withLock { number in
        number += 1
        return number == 1
      }
      channel.send([.content("begun", [])])
      if isFirst {
        try await Task.sleep(for: .milliseconds(30))
        channel.fail(.failed("broken"))
      } else {
        await ScriptedService.waitForReader(of: channel)
      }
    }
    try await RunningGateway.run(service) { running in
      let reply = try await running.send("POST", "/line/stream", body: #"{"n":3}"#)
      #expect(reply.body.hasSuffix("failed: broken\n"))
      #expect(await eventually { service.seen.cancelled == 2 })
    }
  }

  @Test("Silence is broken, before the first event and after, and does not disturb the answer")
  func silence() async throws {
    var configuration = RunningGateway.configuration()
    configuration.keepAliveInterval = .milliseconds(40)
    let service = ScriptedService { _, channel in
      try await Task.sleep(for: .milliseconds(800))
      channel.send([.content("one", [])])
      try await Task.sleep(for: .milliseconds(800))
      channel.send([.content("two", [])])
      ScriptedService.finish(channel)
    }
    for count in [1, 2] {
      let reply = try await RunningGateway.run(service, configuration: configuration) { running in
        try await running.send("POST", "/line/stream", body: #"{"n":\#(count)}"#)
      }
      let lines = reply.body.split(separator: "\n").map(String.init)
      #expect(lines.first == "wait")
      #expect(lines.filter { $0 != "wait" }.count == 2 * count + 1)
      #expect(lines.count { $0 == "wait" } >= 1)
    }
  }

  @Test(
    "The client's going ends the work: while waiting in the queue, for the first token, in the middle",
    arguments: ["admission", "first", "middle"], ["close", "reset", "half"])
  func departure(when: String, how: String) async throws {
    let isAdmitted = Mutex(false)
    let service = ScriptedService(
      admission: { _ throws(ServiceError) in
        guard when == "admission" else { return }
        isAdmitted.withLock { $0 = true }
        do {
          try await Task.sleep(for: .seconds(60))
        } catch {
          throw .failed("cancelled")
        }
      },
      script: { _, channel in
        if when == "middle" { channel.send([.content("begun", [])]) }
        isAdmitted.withLock { $0 = true }
        await ScriptedService.waitForReader(of: channel)
      })
    try await RunningGateway.run(service) { running in
      for path in ["/line/stream", "/line/whole"] {
        let before = service.seen.cancelled
        isAdmitted.withLock { $0 = false }
        let client = try await RawClient(port: running.port)
        try await client.send(RunningGateway.request("POST", path, body: "{}"))
        if when == "middle", path == "/line/stream" { _ = try await client.read(until: "begun") }
        #expect(await eventually { isAdmitted.withLock { $0 } })
        switch how {
        case "close": client.close()
        case "reset": client.reset()
        default: client.closeSending()
        }
        #expect(await eventually { service.seen.cancelled == before + 1 }, "\(path)")
        if how == "half" { client.close() }
      }
      #expect(
        await eventually { running.log.lines.filter { $0.contains("client-left") }.count == 2 })
    }
  }

  @Test("A slow reader slows the service, and gets everything")
  func slowReader() async throws {
    let piece = String(repeating: "x", count: 1000)
    let sent = Mutex(0)
    let service = ScriptedService { _, channel in
      for _ in 0..<8000 {
        while channel.isFull, !channel.isCancelled {
          await withCheckedContinuation { continuation in
            channel.whenTaken { continuation.resume() }
          }
        }
        channel.send([.content(piece, [])])
        sent.withLock { $0 += 1 }
      }
      ScriptedService.finish(channel)
    }
    try await RunningGateway.run(service) { running in
      let client = try await RawClient(port: running.port, receiveBuffer: 4096)
      defer { client.close() }
      try await client.send(
        RunningGateway.request(
          "POST", "/line/stream",
          headers: ["authorization: Bearer " + RunningGateway.token, "connection: close"],
          body: "{}"))
      _ = try await client.read(upTo: 1000)
      // The service comes to rest long before its end.
      #expect(
        await eventually {
          let before = sent.withLock { $0 }
          try? await Task.sleep(for: .milliseconds(100))
          return sent.withLock { $0 } == before && before > 0
        })
      #expect(sent.withLock { $0 } < 8000)
      let rest = try await client.readAll()
      #expect(rest.count > 8_000_000)
      #expect(String(decoding: rest.suffix(16), as: UTF8.self).contains("end\n"))
    }
  }

  @Test("A client that reads nothing is left after the stall limit")
  func stalledReader() async throws {
    let piece = String(repeating: "x", count: 100_000)
    let service = ScriptedService { _, channel in
      while !channel.isCancelled {
        if channel.isFull {
          await withCheckedContinuation { continuation in
            channel.whenTaken { continuation.resume() }
          }
        }
        channel.send([.content(piece, [])])
      }
    }
    var configuration = RunningGateway.configuration()
    configuration.limits.stallTime = .milliseconds(150)
    try await RunningGateway.run(service, configuration: configuration) { running in
      let client = try await RawClient(port: running.port, receiveBuffer: 4096)
      defer { client.close() }
      try await client.send(RunningGateway.request("POST", "/line/stream", body: "{}"))
      #expect(await eventually { service.seen.cancelled == 1 })
    }
  }
}
