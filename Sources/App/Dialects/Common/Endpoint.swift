import JSON
import ModelServing

/// One method and path of a dialect, apart from any HTTP server.
public struct Endpoint: Sendable {
  /// An HTTP method.
  public enum Method: String, Hashable, Sendable {
    case get = "GET"
    case post = "POST"
    case delete = "DELETE"
    case head = "HEAD"
  }

  /// What it does.
  public enum Action: Sendable {
    /// Plans answers of the model, streamed or whole.
    case answer(@Sendable (EndpointInput) async throws -> AnswerPlan)
    /// Replies at once.
    case reply(@Sendable (EndpointInput) async throws -> EndpointReply)
  }

  /// The method.
  public var method: Method
  /// The path; a component that begins with a colon is a parameter: `/v1/models/:model`. `**` as the last component takes
  /// all that is left.
  public var path: String
  /// What it does.
  public var action: Action
  /// The dialect's way to report an error.
  public var failure: @Sendable (EndpointError) -> EndpointReply

  /// Makes an endpoint.
  public init(
    _ method: Method, _ path: String, failure: @escaping @Sendable (EndpointError) -> EndpointReply,
    action: Action
  ) {
    self.method = method
    self.path = path
    self.failure = failure
    self.action = action
  }
}

/// What an endpoint gets to see of a request.
public struct EndpointInput: Sendable {
  /// The body read as JSON; nil when there was none.
  public var body: JSONValue?
  /// The values of the path's parameters, without their colon.
  public var parameters: [String: String]
  /// The values of the query, percent-decoded.
  public var query: [String: String]
  /// The values of header fields; names in lower case.
  public var headers: [String: String]
  /// Who asks: a stable name for one user's or agent's requests.
  public var client: String
  /// Seconds since 1970.
  public var now: Int
  /// Where answers come from.
  public var service: any ModelService

  /// Makes an input.
  public init(
    body: JSONValue?, parameters: [String: String] = [:], query: [String: String] = [:],
    headers: [String: String] = [:], client: String = "", now: Int, service: any ModelService
  ) {
    self.body = body
    self.parameters = parameters
    self.query = query
    self.headers = headers
    self.client = client
    self.now = now
    self.service = service
  }
}

/// A complete reply.
public struct EndpointReply: Hashable, Sendable {
  /// The HTTP status.
  public var status: Int
  /// The media type of the body.
  public var contentType: String
  /// Further header fields, in order.
  public var headers: [HeaderField]
  /// The body.
  public var body: [UInt8]

  /// A header field.
  public struct HeaderField: Hashable, Sendable {
    /// The name in lower case.
    public var name: String
    /// The value.
    public var value: String

    /// Makes a field.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// Makes a reply.
  public init(
    status: Int = 200, contentType: String = "application/json", headers: [HeaderField] = [],
    body: [UInt8]
  ) {
    self.status = status
    self.contentType = contentType
    self.headers = headers
    self.body = body
  }

  /// A reply with a JSON body.
  public init(status: Int = 200, headers: [HeaderField] = [], json: JSONValue) {
    var writer = JSONWriter(style: .compact)
    writer.value(json)
    self.init(status: status, headers: headers, body: writer.takeBytes())
  }
}

/// What can go wrong with a request to an endpoint.
public enum EndpointError: Error, Hashable, Sendable {
  /// The service refuses or fails.
  case service(ServiceError)
  /// The body is not JSON; the message names line and column.
  case malformedBody(String)
  /// The token is missing or wrong.
  case unauthorized(String)
  /// The Host or Origin is not one the server answers to.
  case forbidden(String)
  /// No such path.
  case notFound(String)
  /// The path does not know the method.
  case methodNotAllowed(String)
  /// The body is larger than allowed.
  case tooLarge(limit: Int)
  /// The body took too long to arrive.
  case timeout(String)

  /// The HTTP status that fits, for dialects that do not say otherwise.
  public var status: Int {
    switch self {
    case .service(let error):
      switch error {
      case .invalid, .contextExceeded, .unsupported: 400
      case .unknownModel: 404
      case .overloaded: 429
      case .shuttingDown: 503
      case .failed: 500
      }
    case .malformedBody: 400
    case .unauthorized: 401
    case .forbidden: 403
    case .notFound: 404
    case .methodNotAllowed: 405
    case .tooLarge: 413
    case .timeout: 408
    }
  }

  /// A sentence for people.
  public var message: String {
    switch self {
    case .service(let error): error.description
    case .malformedBody(let text): "the body is not JSON: \(text)"
    case .unauthorized(let text), .forbidden(let text), .notFound(let text),
      .methodNotAllowed(let text), .timeout(let text):
      text
    case .tooLarge(let limit): "the body is larger than \(limit) bytes"
    }
  }
}
