import JSON
import ModelContext
import Testing

@Suite("Messages that were tampered with")
struct HostileMessageTests {
  private static let seeds = [
    Sample.initialize("2025-11-25"), #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":null}}"#,
    Sample.call("echo", #"{"text":"abc"}"#, token: "5"),
    #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"r"}}"#,
    #"{"jsonrpc":"2.0","id":"p","method":"ping"}"#,
    #"{"jsonrpc":"2.0","id":3,"method":"logging/setLevel","params":{"level":"error"}}"#,
    #"{"jsonrpc":"2.0","id":4,"method":"server/discover","params":{\#(Sample.meta)}}"#,
    #"{"jsonrpc":"2.0","id":4,"result":{}}"#,
    #"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]"#,
  ].map { Array($0.utf8) }

  private static func mutated(_ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = seeds[Int.random(in: 0..<seeds.count, using: &generator)]
    for _ in 0..<Int.random(in: 0...6, using: &generator) {
      let place = Int.random(in: 0...bytes.count, using: &generator)
      switch Int.random(in: 0..<6, using: &generator) {
      case 0 where place < bytes.count: bytes[place] = .random(in: 0...255, using: &generator)
      case 1 where place < bytes.count: bytes.remove(at: place)
      case 2: bytes.insert(.random(in: 0...255, using: &generator), at: place)
      case 3: bytes.removeSubrange(place...)
      case 4:
        let other = seeds[Int.random(in: 0..<seeds.count, using: &generator)]
        bytes.insert(contentsOf: other, at: place)
      default:
        let word = ["null", "-1", "1e999", "{}", "[]", "\"\\ud800\"", "9223372036854775808", ","]
        bytes.insert(
          contentsOf: word[Int.random(in: 0..<word.count, using: &generator)].utf8, at: place)
      }
    }
    return bytes
  }

  @Test("20,000 mutated messages end in answers that are well-formed", arguments: [UInt64(1), 2])
  func mutations(seed: UInt64) async {
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    for round in 0..<100 {
      let connection = ServerConnection(.sample([SampleTools.echo]))
      if round % 3 > 0 {
        _ = await connection.answer(
          Sample.initialize(round % 3 == 1 ? "2025-03-26" : "2025-11-25"))
      }
      let collector = OutputCollector()
      for _ in 0..<100 { connection.receive(Self.mutated(&generator), collector.take) }
      // Every message is done with, and every output is one JSON-RPC message or an array of them.
      #expect(await collector.waitForEnds(100))
      #expect(collector.endCount == 100)
      #expect(collector.values.count == collector.texts.count)
      for value in collector.values {
        for message in value.arrayValue ?? [value] {
          #expect(message["jsonrpc"] == "2.0")
          #expect((message["result"] == nil) != (message["error"] == nil))
        }
      }
    }
  }

  @Test("Mutated messages to the client are survived as well")
  func clientMutations() async throws {
    print("seed 3")
    var generator = SeededGenerator(seed: 3)
    let transport = ScriptedTransport()
    let connecting = Task {
      try await ContextClient.connect(name: "hostile", over: transport, version: "1")
    }
    #expect(await eventually { transport.sent.count == 1 })
    transport.deliver(
      #"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"#
        + #""serverInfo":{"name":"s","version":"1"}}}"#)
    let client = try await connecting.value
    let listing = Task { try? await client.tools() }
    #expect(await eventually { transport.sent.count == 3 })
    for _ in 0..<5_000 { transport.deliver(bytes: Self.mutated(&generator)) }
    transport.end("done")
    _ = await listing.value
    await #expect(throws: ClientError.self) { try await client.tools() }
  }
}
