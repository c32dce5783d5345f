/// A way to exchange HTTP messages with a server. Whoever needs one gets it handed in; only this module opens sockets.
public protocol HTTPTransport: Sendable {
  /// Sends a request and returns when the head of the reply has arrived; the body follows as it comes.
  ///
  /// Redirections are not followed. Cancelling the task, or dropping the reply, ends the exchange.
  ///
  /// - Throws: `EgressError` before the head of the reply; the body's own errors come while it is read.
  func send(_ request: HTTPRequestMessage) async throws -> HTTPReply
}

/// A request.
public struct HTTPRequestMessage: Hashable, Sendable {
  /// A header field.
  public struct Field: Hashable, Sendable {
    /// The name.
    public var name: String
    /// The value.
    public var value: String

    /// Makes a field.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// The method: `GET`, `POST`.
  public var method: String
  /// Path and query, from the slash on.
  public var path: String
  /// Header fields, in order.
  public var headers: [Field]
  /// The body; empty for none.
  public var body: [UInt8]

  /// Makes a request.
  public init(method: String, path: String, headers: [Field] = [], body: [UInt8] = []) {
    self.method = method
    self.path = path
    self.headers = headers
    self.body = body
  }
}

/// The head of a reply, and its body as it comes.
public struct HTTPReply: Sendable {
  /// The status.
  public var status: Int
  /// The body, in pieces of any length.
  public var body: any AsyncSequence<[UInt8], any Error> & Sendable

  /// Makes a reply.
  public init(status: Int, body: any AsyncSequence<[UInt8], any Error> & Sendable) {
    self.status = status
    self.body = body
  }

  /// The whole body, refused when it is longer than `limit` bytes.
  ///
  /// - Throws: `EgressError.replyTooLarge`; what went wrong on the way.
  public func bytes(limit: Int) async throws -> [UInt8] {
    var all: [UInt8] = []
    for try await piece in body {
      guard all.count + piece.count <= limit else { throw EgressError.replyTooLarge(limit: limit) }
      all += piece
    }
    return all
  }
}

/// Why an exchange did not happen.
public enum EgressError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The address is none that may be asked; the text says why and what to do.
  case refused(String)
  /// Nobody answers at the address.
  case unreachable(address: String, reason: String)
  /// The reply is longer than allowed.
  case replyTooLarge(limit: Int)

  /// A sentence for people.
  public var description: String {
    switch self {
    case .refused(let text): text
    case .unreachable(let address, let reason): "\(address) does not answer: \(reason)"
    case .replyTooLarge(let limit): "the reply is longer than \(limit) bytes"
    }
  }
}
