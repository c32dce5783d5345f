import Dialects
import Gateway
import JSON
import ModelServing

/// A dialect for tests: every event is a line.
enum LineDialect {
  static let failure: @Sendable (EndpointError) -> EndpointReply = { error in
    EndpointReply(
      status: error.status, contentType: "text/plain",
      body: Array("line error: \(error.message)\n".utf8))
  }

  private struct Encoder: AnswerEncoder {
    let contentType = "text/plain"
    let isStreaming: Bool
    var held: [UInt8] = []

    mutating func encode(_ events: [GenerationEvent], choice: Int) -> [UInt8] {
      var bytes: [UInt8] = []
      for event in events {
        if case .content(let text, _) = event { bytes += Array("\(choice) \(text)\n".utf8) }
      }
      guard !isStreaming else { return bytes }
      held += bytes
      return []
    }
    mutating func end() -> [UInt8] { held + Array("end\n".utf8) }
    mutating func fail(_ error: ServiceError) -> [UInt8] {
      Array("failed: \(error.description)\n".utf8)
    }
    mutating func keepAlive() -> [UInt8] { isStreaming ? Array("wait\n".utf8) : [] }
  }

  private static func plan(_ input: EndpointInput, streams: Bool) throws -> AnswerPlan {
    let count = input.body?["n"]?.integerValue ?? 1
    guard (0...8).contains(count) else {
      throw ServiceError.invalid(message: "must be 0 to 8", parameter: "n")
    }
    let request = GenerationRequest(
      model: "", prompt: .text(input.body?["text"]?.stringValue ?? ""))
    return AnswerPlan(
      requests: Array(repeating: request, count: count), encoder: Encoder(isStreaming: streams))
  }

  static let endpoints: [Endpoint] = [
    Endpoint(
      .post, "/line/stream", failure: failure, action: .answer { try plan($0, streams: true) }),
    Endpoint(
      .post, "/line/whole", failure: failure, action: .answer { try plan($0, streams: false) }),
    Endpoint(
      .get, "/line/things/:name", failure: failure,
      action: .reply { input in
        let query = input.query.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }
        return EndpointReply(
          contentType: "text/plain",
          body: Array("\(input.parameters["name"] ?? "") \(query.joined(separator: "&"))".utf8))
      }),
    Endpoint(
      .get, "/line/rest/**", failure: failure,
      action: .reply { input in
        EndpointReply(contentType: "text/plain", body: Array((input.parameters["**"] ?? "").utf8))
      }),
    Endpoint(
      .get, "/line/fields", failure: failure,
      action: .reply { input in
        let names = input.headers.keys.sorted()
        return EndpointReply(
          contentType: "text/plain", body: Array(names.joined(separator: " ").utf8))
      }),
    Endpoint(
      .post, "/line/count", failure: failure,
      action: .reply { input in
        let count = try await input.service.countTokens(
          GenerationRequest(model: "", prompt: .text("")))
        return EndpointReply(json: .integer(count))
      }),
    Endpoint(
      .delete, "/line/things/:name", failure: failure,
      action: .reply { _ in EndpointReply(status: 204, contentType: "", body: []) }),
  ]

  static let surface = Surface("line", endpoints: endpoints)
}
