import JSON
import ModelContext
import Testing

@Suite("A client's conversation with a server")
struct ServerConnectionTests {
  @Test(
    "The handshake settles the revision",
    arguments: [
      ("2024-11-05", "2024-11-05"), ("2025-03-26", "2025-03-26"), ("2025-06-18", "2025-06-18"),
      ("2025-11-25", "2025-11-25"), ("2026-07-28", "2025-11-25"), ("1999-01-01", "2025-11-25"),
    ])
  func handshake(proposed: String, settled: String) async {
    let connection = ServerConnection(.sample())
    let answer = await connection.answer(Sample.initialize(proposed))
    #expect(answer?["result"]?["protocolVersion"]?.stringValue == settled)
    #expect(answer?["result"]?["serverInfo"]?["name"] == "sample")
    let knowsTitles = settled >= "2025-06-18"
    #expect((answer?["result"]?["serverInfo"]?["title"] != nil) == knowsTitles)
  }

  @Test("A whole conversation, byte by byte")
  func goldenExchange() async {
    let connection = ServerConnection(.sample([SampleTools.echo]))
    let steps: [(String, [String])] = [
      (
        Sample.initialize("2025-11-25", id: #""a""#),
        [
          #"{"jsonrpc":"2.0","id":"a","result":{"protocolVersion":"2025-11-25","capabilities":{"logging":{},"#
            + #""tools":{"listChanged":false}},"serverInfo":{"name":"sample","title":"Sample","version":"1.0"},"#
            + #""instructions":"Use it."}}"#
        ]
      ),
      (#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, []),
      (#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, [#"{"jsonrpc":"2.0","id":1,"result":{}}"#]),
      (
        #"{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}"#,
        [
          #"{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"echo","title":"Echo","description":"#
            + #""Gives the text back.","inputSchema":{"type":"object","properties":{"text":{"type":"string"}},"#
            + #""required":["text"]},"outputSchema":{"type":"object","properties":{"text":{"type":"string"}}},"#
            + #""annotations":{"title":"Echo","readOnlyHint":true,"destructiveHint":false,"idempotentHint":true,"#
            + #""openWorldHint":false}}]}}"#
        ]
      ),
      (
        Sample.call("echo", #"{"text":"ä\u0007"}"#, id: "3"),
        [
          #"{"jsonrpc":"2.0","id":3,"result":{"content":[{"type":"text","text":"ä\u0007"}],"#
            + #""structuredContent":{"text":"ä\u0007"},"isError":false}}"#
        ]
      ),
      (
        Sample.call("echo", id: "4"),
        [
          #"{"jsonrpc":"2.0","id":4,"result":{"content":[{"type":"text","text":"text must be a string"}],"#
            + #""isError":true}}"#
        ]
      ),
    ]
    for (question, answers) in steps {
      #expect(await connection.exchange(question).texts == answers)
    }
  }

  @Test("Requests that carry their revision need no handshake")
  func stateless() async {
    let connection = ServerConnection(.sample([SampleTools.echo]))
    let discovered = await connection.answer(
      #"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{\#(Sample.meta)}}"#)
    #expect(discovered?["result"]?["supportedVersions"] == ["2026-07-28"])
    #expect(discovered?["result"]?["resultType"] == "complete")
    #expect(discovered?["result"]?["cacheScope"] == "public")
    let listed = await connection.answer(
      #"{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{\#(Sample.meta)}}"#)
    #expect(listed?["result"]?["ttlMs"]?.integerValue != nil)
    let called = await connection.answer(
      #"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"},\#(Sample.meta)}}"#
    )
    #expect(called?["result"]?["structuredContent"]?["text"] == "x")
    #expect(
      called?["result"]?["_meta"]?["io.modelcontextprotocol/serverInfo"]?["name"] == "sample")
    // What the revision took out is not there.
    let ping = await connection.answer(
      #"{"jsonrpc":"2.0","id":4,"method":"ping","params":{\#(Sample.meta)}}"#)
    #expect(ping?["error"]?["code"] == -32601)
  }

  @Test(
    "Requests that state a revision wrongly are refused",
    arguments: [
      (#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#, -32602),
      (
        #""io.modelcontextprotocol/protocolVersion":7,"io.modelcontextprotocol/clientCapabilities":{}"#,
        -32602
      ),
      (
        #""io.modelcontextprotocol/protocolVersion":"2999-01-01","io.modelcontextprotocol/clientCapabilities":{}"#,
        -32022
      ),
      (
        #""io.modelcontextprotocol/protocolVersion":"2025-06-18","io.modelcontextprotocol/clientCapabilities":{}"#,
        -32022
      ),
    ])
  func statelessRefusals(meta: String, code: Int) async {
    let answer = await ServerConnection(.sample()).answer(
      #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{\#(meta)}}}"#)
    #expect(answer?["error"]?["code"]?.integerValue == code)
    #expect(answer?["id"] == 1)
  }

  @Test(
    "Errors have the codes of JSON-RPC",
    arguments: [
      ("{", -32700, JSONValue.null),
      ("", -32700, .null),
      ("7", -32600, .null),
      (#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600, 1),
      (#"{"jsonrpc":"2.0","id":1}"#, -32600, 1),
      (#"{"jsonrpc":"2.0","id":1,"method":5}"#, -32600, 1),
      (#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600, .null),
      (#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600, .null),
      (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#, -32602, 1),
      (#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#, -32601, 1),
      (#"{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{}}"#, -32602, "x"),
      (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"nothing"}}"#, -32602, 1),
      (
        #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":[]}}"#,
        -32602, 1
      ),
      (
        #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","_meta":{"progressToken":{}}}}"#,
        -32602, 1
      ),
      (#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"1"}}"#, -32602, 1),
      (#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":7}}"#, -32602, 1),
      (
        #"{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"loud"}}"#, -32602,
        1
      ),
      (Sample.initialize("2025-11-25", id: "9"), -32600, 9),
      (#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600, .null),
    ])
  func errors(message: String, code: Int, id: JSONValue) async {
    let connection = ServerConnection(.sample())
    _ = await connection.answer(Sample.initialize("2025-11-25"))
    let answer = await connection.answer(message)
    #expect(answer?["error"]?["code"]?.integerValue == code)
    #expect(answer?["id"] == id)
    #expect(answer?["error"]?["message"]?.stringValue?.isEmpty == false)
  }

  @Test("Before the handshake only ping is answered")
  func beforeHandshake() async {
    let connection = ServerConnection(.sample())
    let list = await connection.answer(#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
    #expect(list?["error"]?["code"] == -32600)
    let ping = await connection.answer(#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#)
    #expect(ping?["result"] == .object([]))
    // A wrong handshake does not count as one.
    let wrong = await connection.answer(
      #"{"jsonrpc":"2.0","id":3,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#)
    #expect(wrong?["error"]?["code"] == -32602)
    let right = await connection.answer(Sample.initialize("2025-11-25", id: "4"))
    #expect(right?["result"] != nil)
  }

  @Test("Arrays of messages in the one revision that has them")
  func batches() async {
    let connection = ServerConnection(.sample([SampleTools.echo]))
    _ = await connection.answer(Sample.initialize("2025-03-26"))
    let mixed =
      #"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/initialized"},"#
      + Sample.call("echo", #"{"text":"in an array"}"#, id: "2") + ",3]"
    let answers = await connection.exchange(mixed)
    #expect(answers.endCount == 1)
    let elements = answers.values.first?.arrayValue ?? []
    #expect(elements.count == 3)
    #expect(Set(elements.map { $0["id"] ?? .null }) == [1, 2, .null])
    let silent = await connection.exchange(
      #"[{"jsonrpc":"2.0","method":"notifications/initialized"}]"#)
    #expect(silent.texts.isEmpty)
    let empty = await connection.answer("[]")
    #expect(empty?["error"]?["code"] == -32600)
  }

  @Test("Lists come in pages")
  func pages() async {
    var limits = ContextServer.Limits()
    limits.pageCount = 1
    let connection = ServerConnection(.sample(limits: limits))
    _ = await connection.answer(Sample.initialize("2025-11-25"))
    var names: [String] = []
    var parameters = "{}"
    for _ in 0..<3 {
      let page = await connection.answer(
        #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":\#(parameters)}"#)
      names += page?["result"]?["tools"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
      guard let cursor = page?["result"]?["nextCursor"]?.stringValue else { break }
      parameters = #"{"cursor":"\#(cursor)"}"#
    }
    #expect(names == ["echo", "count", "large"])
  }

  @Test("Progress comes before the answer, grows, and only for those who ask")
  func progress() async {
    let connection = ServerConnection(.sample())
    _ = await connection.answer(Sample.initialize("2025-11-25"))
    let watched = await connection.exchange(Sample.call("count", token: #""p""#)).values
    #expect(watched.count == 4)
    let steps = watched.dropLast().compactMap { $0["params"]?["progress"] }
    #expect(steps == [.number(1), .number(2), .number(3)])
    #expect(watched.dropLast().allSatisfy { $0["params"]?["progressToken"] == "p" })
    #expect(watched.last?["result"]?["isError"] == false)
    let unwatched = await connection.exchange(Sample.call("count", id: "2")).values
    #expect(unwatched.count == 1)
  }

  @Test("Log messages come for those who ask, from the level they ask for")
  func logging() async {
    let connection = ServerConnection(.sample([SampleTools.echo]))
    _ = await connection.answer(Sample.initialize("2025-11-25"))
    let call = Sample.call("echo", #"{"text":"x"}"#)
    #expect(await connection.exchange(call).values.count == 1)
    for (level, count) in [("info", 2), ("warning", 1), ("debug", 2)] {
      _ = await connection.answer(
        #"{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"\#(level)"}}"#)
      #expect(await connection.exchange(call).values.count == count)
    }
  }

  @Test("A cancelled call is told so and not answered")
  func cancellation() async {
    let gate = Gate()
    let connection = ServerConnection(.sample([SampleTools.wait(gate)]))
    _ = await connection.answer(Sample.initialize("2025-11-25"))
    let collector = OutputCollector()
    connection.receive(Array(Sample.call("wait", id: #""w""#).utf8), collector.take)
    #expect(await eventually { gate.entered == 1 })
    // Another id, and the number of the same digits, change nothing.
    _ = await connection.exchange(
      #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#)
    _ = await connection.exchange(
      #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"w","reason":"enough"}}"#
    )
    #expect(await collector.waitForEnds())
    #expect(collector.texts.isEmpty)
    #expect(gate.cancelled == 1)
  }

  @Test("Calls run side by side, no more than allowed, and one id only once")
  func concurrency() async {
    let gate = Gate()
    var limits = ContextServer.Limits()
    limits.runningCalls = 2
    limits.waitingCalls = 2
    let connection = ServerConnection(.sample([SampleTools.wait(gate)], limits: limits))
    _ = await connection.answer(Sample.initialize("2025-11-25"))
    let collectors = (0..<5).map { _ in OutputCollector() }
    for (number, collector) in collectors.enumerated() {
      connection.receive(Array(Sample.call("wait", id: "\(number)").utf8), collector.take)
      // Slots are taken in the order of asking.
      if number < 2 { #expect(await eventually { gate.entered == number + 1 }) }
    }
    let twice = await connection.answer(Sample.call("wait", id: "0"))
    #expect(twice?["error"]?["code"] == -32600)
    // Two run, two wait, one is too many.
    #expect(await eventually { collectors.count { $0.endCount == 1 } == 1 })
    let refused = collectors.compactMap { $0.values.first }.first
    #expect(refused?["error"]?["code"] == -32000)
    #expect(gate.entered == 2)
    gate.open()
    for collector in collectors { #expect(await collector.waitForEnds()) }
    #expect(gate.entered == 4)
    #expect(collectors.count { $0.values.last?["result"]?["isError"] == false } == 4)
  }

  @Test("A call that waits for its turn can be cancelled")
  func cancellationWhileWaiting() async {
    let gate = Gate()
    var limits = ContextServer.Limits()
    limits.runningCalls = 1
    let connection = ServerConnection(.sample([SampleTools.wait(gate)], limits: limits))
    _ = await connection.answer(Sample.initialize("2025-11-25"))
    let (first, second) = (OutputCollector(), OutputCollector())
    connection.receive(Array(Sample.call("wait", id: "1").utf8), first.take)
    #expect(await eventually { gate.entered == 1 })
    connection.receive(Array(Sample.call("wait", id: "2").utf8), second.take)
    _ = await connection.exchange(
      #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}"#)
    #expect(await second.waitForEnds())
    #expect(second.texts.isEmpty)
    gate.open()
    #expect(await first.waitForEnds())
    #expect(first.values.last?["result"] != nil)
    // The slot is free again.
    let third = await connection.answer(Sample.call("wait", id: "3"))
    #expect(third?["result"] != nil)
  }

  @Test("Closing a connection cancels its calls")
  func closing() async {
    let gate = Gate()
    let connection = ServerConnection(.sample([SampleTools.wait(gate)]))
    _ = await connection.answer(Sample.initialize("2025-11-25"))
    let collector = OutputCollector()
    connection.receive(Array(Sample.call("wait").utf8), collector.take)
    #expect(await eventually { gate.entered == 1 })
    connection.close()
    #expect(await collector.waitForEnds())
    #expect(collector.texts.isEmpty)
  }

  @Test("Results and messages have bounds")
  func bounds() async {
    var limits = ContextServer.Limits()
    limits.messageBytes = 1000
    let connection = ServerConnection(.sample(limits: limits))
    _ = await connection.answer(Sample.initialize("2025-11-25"))
    let large = await connection.answer(Sample.call("large"))
    #expect(large?["result"]?["isError"] == true)
    let text = large?["result"]?["content"]?.arrayValue?.first?["text"]?.stringValue
    #expect(text?.contains("above the limit") == true)
    let long = Sample.call("echo", #"{"text":"\#(String(repeating: "y", count: 1000))"}"#)
    #expect(await connection.answer(long)?["error"]?["code"] == -32600)
    let deep = String(repeating: "[", count: 900)
    #expect(await connection.answer(deep)?["error"]?["code"] == -32700)
  }
}
