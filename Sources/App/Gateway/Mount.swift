/// A part of a server that speaks HTTP in its own way, behind the gateway's checks of token, `Host`, `Origin` and size.
public struct Mount: Sendable {
  /// A request to it.
  public struct Request: Sendable {
    /// The method in capitals.
    public var method: String
    /// The header fields, without those that hold secrets; names in lower case, repeated fields joined by commas.
    public var headers: [String: String]
    /// The body.
    public var body: [UInt8]
    /// Who asks.
    public var client: String
  }

  /// Its reply.
  public struct Reply: Sendable {
    /// The content.
    public enum Body: Sendable {
      /// All of it.
      case complete([UInt8])
      /// Pieces as they come. When the client goes, the stream is dropped.
      case stream(AsyncStream<[UInt8]>)
    }

    /// The HTTP status.
    public var status: Int
    /// The header fields in order; names in lower case.
    public var headers: [(name: String, value: String)]
    /// The content.
    public var body: Body

    /// Makes a reply.
    public init(status: Int, headers: [(name: String, value: String)], body: Body) {
      self.status = status
      self.headers = headers
      self.body = body
    }
  }

  /// The name in logs and figures.
  public var name: String
  /// The path, which must be matched exactly: `/mcp`.
  public var path: String
  /// Answers a request. The task is cancelled when the client goes.
  public var respond: @Sendable (Request) async -> Reply

  /// Makes a part.
  public init(
    _ name: String, path: String, respond: @escaping @Sendable (Request) async -> Reply
  ) {
    self.name = name
    self.path = path
    self.respond = respond
  }
}
