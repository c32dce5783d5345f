import ModelServing

/// What the server does for one request for answers: generate, and pass the events through an encoder.
public struct AnswerPlan: Sendable {
  /// What to generate; several when several choices were asked for. Not empty.
  public var requests: [GenerationRequest]
  /// Makes the bytes of the reply.
  public var encoder: any AnswerEncoder
  /// Further header fields.
  public var headers: [EndpointReply.HeaderField]

  /// Makes a plan.
  public init(
    requests: [GenerationRequest], encoder: any AnswerEncoder,
    headers: [EndpointReply.HeaderField] = []
  ) {
    self.requests = requests
    self.encoder = encoder
    self.headers = headers
  }
}

/// Turns the events of answers into the bytes of a reply.
///
/// A streaming encoder gives bytes as events come; one for a whole reply gives nothing until `end`. The server sends the
/// head of the response with the first bytes, so that an error before them still has its own status (through
/// `Endpoint.failure`).
public protocol AnswerEncoder: Sendable {
  /// The media type: `text/event-stream`, `application/x-ndjson`, `application/json`.
  var contentType: String { get }
  /// Whether bytes come before the end.
  var isStreaming: Bool { get }
  /// Takes events of one of the plan's requests; returns what can be sent now.
  mutating func encode(_ events: [GenerationEvent], choice: Int) -> [UInt8]
  /// All requests have finished; returns the rest.
  mutating func end() -> [UInt8]
  /// An answer failed after bytes were sent; returns how the dialect says so inside the stream.
  mutating func fail(_ error: ServiceError) -> [UInt8]
  /// What may be sent while nothing happens, to keep the connection open; empty for nothing.
  mutating func keepAlive() -> [UInt8]
}
