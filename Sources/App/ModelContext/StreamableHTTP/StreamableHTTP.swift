import JSON
import Synchronization

/// The streamable HTTP transport, apart from any HTTP server: requests come in as values, replies go out as values.
///
/// A client that begins with `initialize` gets a session, named by `Mcp-Session-Id`; requests of revision 2026-07-28
/// stand for themselves. A reply is plain JSON, unless the call has something to tell before its result or takes
/// long: then it is a stream of events. Requests of the server to the client do not exist, so GET is refused.
/// Authentication and the checks of Host and Origin are the HTTP server's.
public final class StreamableHTTP: Sendable {
  /// A request.
  public struct Request: Sendable {
    /// The method in capitals.
    public var method: String
    /// The header fields; names in lower case, values of repeated fields joined by commas.
    public var headers: [String: String]
    /// The body.
    public var body: [UInt8]
    /// Who asks; a session answers only to the one who began it.
    public var client: String

    /// Makes a request.
    public init(method: String, headers: [String: String], body: [UInt8], client: String) {
      self.method = method
      self.headers = headers
      self.body = body
      self.client = client
    }
  }

  /// A reply.
  public struct Response: Sendable {
    /// The content of a reply.
    public enum Body: Sendable {
      /// All of it.
      case complete([UInt8])
      /// Pieces as they come. A reader that goes away before the end tells so by dropping the stream.
      case stream(AsyncStream<[UInt8]>)
    }

    /// The HTTP status.
    public var status: Int
    /// The header fields in order; names in lower case.
    public var headers: [(name: String, value: String)]
    /// The content.
    public var body: Body
  }

  /// Bounds and times.
  public struct Options: Sendable {
    /// Sessions kept at once; the one unused longest goes.
    public var sessionLimit = 128
    /// A session unused for this long goes.
    public var sessionLifetime = Duration.seconds(3600)
    /// A reply that takes longer becomes a stream, so that the connection is seen to live.
    public var patience = Duration.seconds(5)
    /// How often a silent stream says that it lives.
    public var keepAliveInterval = Duration.seconds(5)

    /// Makes the usual options.
    public init() {}
  }

  private let server: ContextServer
  private let options: Options
  private let sessions: SessionTable

  /// Makes a transport.
  public init(_ server: ContextServer, options: Options = Options()) {
    self.server = server
    self.options = options
    sessions = SessionTable(limit: options.sessionLimit, lifetime: options.sessionLifetime)
  }

  /// Ends all sessions and cancels their calls.
  public func close() { sessions.removeAll() }

  /// The number of sessions.
  public var sessionCount: Int { sessions.count }

  /// Answers a request. When the task is cancelled while a call runs, the call is cancelled.
  public func respond(to request: Request) async -> Response {
    switch request.method {
    case "POST": return await post(request)
    case "DELETE": return delete(request)
    default:
      return failure(
        405, .invalidRequest("this server sends nothing of its own accord; use POST"),
        headers: [("allow", "POST, DELETE")])
    }
  }

  // MARK: DELETE

  private func delete(_ request: Request) -> Response {
    if let refusal = versionRefusal(request) { return refusal }
    switch session(of: request) {
    case .failure(let refusal): return refusal.response
    case .success(let session):
      sessions.remove(session.id)
      return Response(status: 204, headers: [], body: .complete([]))
    }
  }

  // MARK: POST

  private func post(_ request: Request) async -> Response {
    let type = request.headers["content-type"].map(HeaderText.mediaType)
    guard type == "application/json" else {
      return failure(415, .invalidRequest("content-type must be application/json"))
    }
    let accept = AcceptedTypes(request.headers["accept"])
    guard accept.json || accept.events else {
      return failure(
        406, .invalidRequest("accept must name application/json and text/event-stream"))
    }
    guard request.body.count <= server.limits.messageBytes else {
      return failure(
        413, .invalidRequest("the message is longer than \(server.limits.messageBytes) bytes"))
    }
    if let refusal = versionRefusal(request) { return refusal }
    let message: JSONValue
    do {
      message = try JSONParser.parse(request.body)
    } catch {
      return failure(
        400, RPCError(code: RPCError.parseErrorCode, message: "the body is not JSON: \(error)"))
    }
    if let version = statedVersion(request), version.isStateless {
      return await postStateless(message, request, accept)
    }
    if message["method"] == "initialize" {
      return await initialize(message, request, accept)
    }
    switch session(of: request) {
    case .failure(let refusal): return refusal.response
    case .success(let session):
      if let header = statedVersion(request), let settled = session.connection.version,
        header != settled
      {
        return failure(
          400,
          .invalidRequest(
            "this session speaks \(settled.rawValue), mcp-protocol-version says \(header.rawValue)")
        )
      }
      return await exchange(message, session.connection, accept, cancelsWhenDropped: false)
    }
  }

  private func initialize(
    _ message: JSONValue, _ request: Request, _ accept: AcceptedTypes
  ) async -> Response {
    let connection = ServerConnection(server, answersCancelled: true)
    var response = await exchange(message, connection, accept, cancelsWhenDropped: false)
    if connection.version != nil {
      let id = sessions.add(connection, client: request.client)
      response.headers.append(("mcp-session-id", id))
    }
    return response
  }

  private func postStateless(
    _ message: JSONValue, _ request: Request, _ accept: AcceptedTypes
  ) async -> Response {
    if let refusal = StatelessHeaders.refusal(of: message, request.headers) {
      return failure(400, refusal, id: MessageID(message["id"]))
    }
    guard message["method"] != "initialize" else {
      return failure(
        404,
        RPCError(
          code: RPCError.methodNotFoundCode,
          message: "initialize belongs to protocol versions before 2026-07-28"),
        id: MessageID(message["id"]))
    }
    let connection = ServerConnection(server, answersCancelled: true)
    return await exchange(message, connection, accept, cancelsWhenDropped: true)
  }

  /// Hands a message to a connection and makes a reply of what comes back.
  private func exchange(
    _ message: JSONValue, _ connection: ServerConnection, _ accept: AcceptedTypes,
    cancelsWhenDropped: Bool
  ) async -> Response {
    let drop: @Sendable () -> Void = { if cancelsWhenDropped { connection.close() } }
    let exchange = HTTPExchange(
      accept: accept, patience: options.patience, keepAliveInterval: options.keepAliveInterval,
      onDrop: drop)
    connection.receive(message, exchange.take)
    return await withTaskCancellationHandler {
      await exchange.response()
    } onCancel: {
      drop()
    }
  }

  // MARK: Header fields

  private func statedVersion(_ request: Request) -> ProtocolVersion? {
    request.headers["mcp-protocol-version"].flatMap(ProtocolVersion.init(rawValue:))
  }

  private func versionRefusal(_ request: Request) -> Response? {
    guard let text = request.headers["mcp-protocol-version"], statedVersion(request) == nil else {
      return nil
    }
    return failure(400, .unsupportedVersion(String(text.prefix(64))))
  }

  private struct Refusal: Error { let response: Response }

  private func session(of request: Request) -> Result<SessionTable.Session, Refusal> {
    guard let id = request.headers["mcp-session-id"] else {
      return .failure(
        Refusal(
          response: failure(
            400, .invalidRequest("mcp-session-id is missing; initialize begins a session"))))
    }
    guard let session = sessions.find(id, client: request.client) else {
      return .failure(
        Refusal(
          response: failure(
            404,
            RPCError(
              code: RPCError.unknownSessionCode,
              message: "there is no such session (any more); initialize begins a new one"))))
    }
    return .success(session)
  }

  private func failure(
    _ status: Int, _ error: RPCError, id: MessageID? = nil,
    headers: [(name: String, value: String)] = []
  ) -> Response {
    Response(
      status: status, headers: [("content-type", "application/json")] + headers,
      body: .complete(RPCMessage.failure(id: id, error).bytes))
  }
}
