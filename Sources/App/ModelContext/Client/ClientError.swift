import TerminalText

/// Why a server of the user's list cannot be used, or a call of one of its tools has no result.
public enum ClientError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The connection has ended.
  case ended(server: String, reason: String)
  /// No answer within so many seconds.
  case timeout(server: String, what: String, seconds: Int)
  /// The server answered with an error.
  case refused(server: String, what: String, RPCError)
  /// The server's answer does not follow the protocol.
  case malformed(server: String, what: String, reason: String)
  /// The server speaks no revision that is spoken here.
  case version(server: String, offered: String)
  /// The caller does not want the result any more.
  case cancelled

  /// What happened and what to do.
  public var description: String {
    switch self {
    case .ended(let server, let reason):
      "the server \(server) is gone: \(SafeText.line(reason)); start the program again to use it"
    case .timeout(let server, let what, let seconds):
      "the server \(server) did not answer \(what) within \(seconds) s"
    case .refused(let server, let what, let error):
      "the server \(server) answered \(what) with an error: \(SafeText.line(error.description))"
    case .malformed(let server, let what, let reason):
      "the server \(server) answered \(what) in a way that cannot be read: \(SafeText.line(reason))"
    case .version(let server, let offered):
      "the server \(server) speaks \(SafeText.line(offered)), which is not known here; known: "
        + ProtocolVersion.allCases.map(\.rawValue).joined(separator: ", ")
    case .cancelled: "cancelled"
    }
  }
}
