import Dialects
import JSON
import ModelServing
import Testing

/// Damaged requests: always a plan or an error in the interface's shape, never a crash.
struct OpenAIMutationTests {
  private static let bodies = [
    ("/v1/chat/completions", OpenAISamples.chat), ("/v1/completions", OpenAISamples.completion),
    ("/v1/responses", OpenAISamples.response), ("/v1/embeddings", OpenAISamples.embedding),
  ]

  /// The reply for a body: that of the plan run with a fixed answer, or that of the failure.
  private func answer(
    _ endpoints: [Endpoint], _ path: String, _ body: JSONValue
  ) async throws -> (status: Int, body: [UInt8]) {
    let endpoint = try #require(endpoints.first { $0.method == .post && $0.path == path })
    let input = EndpointInput(body: body, client: "c", now: 1, service: FixedService())
    do {
      switch endpoint.action {
      case .answer(let action):
        let plan = try await action(input)
        var encoder = plan.encoder
        var bytes: [UInt8] = []
        for choice in plan.requests.indices {
          bytes += encoder.encode(OpenAISamples.events, choice: choice)
        }
        return (200, bytes + encoder.end())
      case .reply(let action):
        let reply = try await action(input)
        return (reply.status, reply.body)
      }
    } catch let error as ServiceError {
      let reply = endpoint.failure(.service(error))
      return (reply.status, reply.body)
    } catch let error as EndpointError {
      let reply = endpoint.failure(error)
      return (reply.status, reply.body)
    }
  }

  private func check(_ answer: (status: Int, body: [UInt8]), _ comment: Comment) throws {
    if answer.status == 200 {
      #expect(!answer.body.isEmpty, comment)
      if let events = ReceivedEvent.read(string(answer.body)) {
        for event in events where event.data != "[DONE]" { _ = try event.value() }
      } else {
        _ = try JSONParser.parse(answer.body)
      }
    } else {
      #expect((400..<500).contains(answer.status), comment)
      let error = try JSONParser.parse(answer.body)["error"]
      #expect(error?["message"]?.stringValue?.isEmpty == false, comment)
    }
  }

  @Test(arguments: [(11, 3), (12, 20), (13, 80), (14, 300)] as [(UInt64, Int)])
  func mutatedValues(seed: UInt64, rarity: Int) async throws {
    var mutation = JSONMutation(generator: SplitMix64(seed: seed))
    let endpoints = OpenAIDialect.endpoints(responses: ResponseStore(capacity: 8))
    var statuses: Set<Int> = []
    for (path, sample) in Self.bodies {
      let body = try json(sample)
      for round in 0..<1000 {
        let mutated = mutation.mutate(body, rarity: rarity)
        let answer = try await answer(endpoints, path, mutated)
        statuses.insert(answer.status)
        try check(answer, "seed \(seed), \(path), round \(round): \(text(mutated))")
      }
    }
    // Both ways were taken.
    #expect(statuses.contains(400))
    #expect(rarity < 20 || statuses.contains(200))
  }

  @Test func mutatedBytes() async throws {
    let seed: UInt64 = 15
    var generator = SplitMix64(seed: seed)
    let endpoints = OpenAIDialect.endpoints(responses: ResponseStore(capacity: 8))
    var readable = 0
    for (path, sample) in Self.bodies {
      let bytes = Array(sample.utf8)
      for round in 0..<2000 {
        var mutated = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
          let position = Int.random(in: 0..<mutated.count, using: &generator)
          switch Int.random(in: 0..<4, using: &generator) {
          case 0: mutated[position] = UInt8.random(in: 0...255, using: &generator)
          case 1: mutated.remove(at: position)
          case 2: mutated.insert(mutated[position], at: position)
          default:
            let digits = Array("0123456789{}[]\",:".utf8)
            mutated[position] = digits[Int.random(in: 0..<digits.count, using: &generator)]
          }
        }
        guard let body = try? JSONParser.parse(mutated) else { continue }
        readable += 1
        try check(try await answer(endpoints, path, body), "seed \(seed), \(path), round \(round)")
      }
    }
    #expect(readable > 500)
  }
}
