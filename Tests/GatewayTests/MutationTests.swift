import Foundation
import Gateway
import Testing

@Suite("Hostile bytes")
struct MutationTests {
  /// SplitMix64 (Steele, Lea, Flood 2014).
  private struct Random {
    var state: UInt64
    mutating func next(_ bound: Int) -> Int {
      state &+= 0x9E37_79B9_7F4A_7C15
      var value = state
      value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
      value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
      return Int((value ^ (value >> 31)) % UInt64(bound))
    }
  }

  private static let seeds: [String] = [
    RunningGateway.request("POST", "/line/stream", body: #"{"text":"hello","n":2}"#),
    RunningGateway.request("POST", "/line/whole", body: #"{"text":"h\u00e9llo"}"#),
    RunningGateway.request("GET", "/line/things/a%20b?x=1&y=2"),
    RunningGateway.request("POST", "/line/count", headers: [], body: "{}"),
    "POST /line/count HTTP/1.1\r\nhost: localhost\r\nx-api-key: \(RunningGateway.token)\r\n"
      + "transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "OPTIONS /line/count HTTP/1.1\r\nhost: localhost\r\norigin: http://x\r\n"
      + "access-control-request-method: POST\r\n\r\n",
    RunningGateway.request("GET", "/health", headers: []),
  ]

  private static func mutated(_ random: inout Random) -> [UInt8] {
    var bytes = Array(seeds[random.next(seeds.count)].utf8)
    // Some stay as they are: they must be answered among the others.
    for _ in 0..<[0, 1, 1, 2, 4][random.next(5)] {
      guard !bytes.isEmpty else { break }
      let place = random.next(bytes.count)
      switch random.next(8) {
      case 0: bytes[place] = UInt8(random.next(256))
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(UInt8(random.next(256)), at: place)
      case 3: bytes.removeSubrange(place...)
      case 4: bytes[place] ^= 1 << UInt8(random.next(8))
      case 5:
        bytes.insert(
          contentsOf: [[0x0D, 0x0A], [0x0A], [0x0D], [0x00]][random.next(4)], at: place)
      case 6:
        let end = min(bytes.count, place + random.next(40))
        bytes.insert(contentsOf: Array(bytes[place..<end]), at: random.next(bytes.count))
      default:
        let numbers = ["-1", "99999999999999999999", "0x10", "1e9", "4294967296", "+2", "\u{FF11}"]
        bytes.insert(contentsOf: Array(numbers[random.next(numbers.count)].utf8), at: place)
      }
    }
    return bytes
  }

  /// The number is larger when the environment asks for it: MASLIN_MUTATIONS=50000.
  private static var count: Int {
    ProcessInfo.processInfo.environment["MASLIN_MUTATIONS"].flatMap { Int($0) } ?? 3000
  }

  @Test("Mutated requests never crash or hang the server")
  func mutations() async throws {
    let seed: UInt64 = 20_261_123
    let count = Self.count
    let workers = 32
    var configuration = RunningGateway.configuration()
    configuration.limits.headTime = .milliseconds(100)
    configuration.limits.bodyTime = .milliseconds(100)
    configuration.limits.idleTime = .milliseconds(100)
    configuration.limits.lingerTime = .milliseconds(5)
    let service = ScriptedService()
    let statuses = try await RunningGateway.run(service, configuration: configuration) { running in
      let totals = try await withThrowingTaskGroup(of: [Int: Int].self) { group in
        for worker in 0..<workers {
          group.addTask {
            var random = Random(state: seed &+ UInt64(worker))
            var statuses: [Int: Int] = [:]
            var sent = worker
            while sent < count {
              let client = try await RawClient(port: running.port)
              defer { client.close() }
              // Several on one connection, and sometimes its end before the replies.
              for _ in 0...random.next(4) where sent < count {
                sent += workers
                // The server may have closed already; that is its right.
                guard (try? await client.send(Self.mutated(&random))) != nil else { break }
              }
              if random.next(8) == 0 { client.closeSending() }
              let text = String(
                decoding: (try? await client.readAll()) ?? [], as: UTF8.self)
              for part in text.components(separatedBy: "HTTP/1.1 ").dropFirst() {
                statuses[Int(part.prefix(3)) ?? 0, default: 0] += 1
              }
            }
            return statuses
          }
        }
        return try await group.reduce(into: [Int: Int]()) { $0.merge($1) { $0 + $1 } }
      }
      // The server is as it was.
      let reply = try await running.send("POST", "/line/whole", body: "{}")
      #expect(reply.body == "0 hello\nend\n")
      return totals
    }
    let known: Set<Int> = [
      100, 200, 204, 400, 401, 403, 404, 405, 408, 413, 429, 431, 500, 501, 503,
    ]
    print("seed \(seed), \(count) requests: \(statuses.sorted { $0.key < $1.key })")
    #expect(Set(statuses.keys).isSubset(of: known), "seed \(seed): \(statuses)")
    #expect((statuses[200] ?? 0) > count / 50)
    #expect((statuses[400] ?? 0) > count / 50)
    #expect((statuses[401] ?? 0) > 0)
  }
}
