/// Where a gateway listens.
public enum ListenAddress: Hashable, Sendable, CustomStringConvertible {
  /// A host name or address, and a port; port 0 for one the system chooses.
  case network(host: String, port: Int)
  /// A socket in the file system, for its owner alone.
  case socket(path: String)

  /// Whether only programs on this machine reach it.
  public var isLocal: Bool {
    switch self {
    case .network(let host, _): HostName(host).isLoopback
    case .socket: true
    }
  }

  /// `127.0.0.1:4114`, `[::1]:4114` or a path.
  public var description: String {
    switch self {
    case .network(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .socket(let path): path
    }
  }
}

/// How a gateway listens, whom it answers, and what it puts up with.
public struct GatewayConfiguration: Sendable {
  /// Where to listen, in order. Not empty.
  public var addresses: [ListenAddress]
  /// What clients must show; nil for nothing, which only local addresses allow.
  public var token: AccessToken?
  /// Names in `Host` that are answered besides those of this machine's loopback, in lower case and without port.
  public var allowedHosts: Set<String>
  /// Web origins (`https://example.org`) that may call besides the gateway's own page.
  public var allowedOrigins: Set<String>
  /// The limits of connections.
  public var limits: ConnectionLimits
  /// The largest body of a request in bytes.
  public var bodyLimit: Int
  /// The largest number of bytes that the bodies of all requests being read may have together.
  public var totalBodyLimit: Int
  /// After so long a silence a client that waits for a streamed answer is told that it is still being made.
  public var keepAliveInterval: Duration

  /// Makes a configuration with the limits at their defaults.
  public init(
    addresses: [ListenAddress], token: AccessToken?, allowedHosts: Set<String> = [],
    allowedOrigins: Set<String> = []
  ) {
    self.addresses = addresses
    self.token = token
    self.allowedHosts = allowedHosts
    self.allowedOrigins = allowedOrigins
    limits = ConnectionLimits()
    bodyLimit = 64 << 20
    totalBodyLimit = 256 << 20
    keepAliveInterval = .seconds(10)
  }

  /// Checks that nobody outside this machine is let in without a token.
  ///
  /// - Throws: `GatewayError.openToOthers`.
  public func validate() throws(GatewayError) {
    guard token == nil, let address = addresses.first(where: { !$0.isLocal }) else { return }
    throw .openToOthers(address)
  }
}

/// What one connection, and all of them, may take.
public struct ConnectionLimits: Hashable, Sendable {
  /// The most connections at a time; more are refused.
  public var connectionCount = 256
  /// The most bytes of one header field and of all of them.
  public var headerByteCount = 32 << 10
  /// The most header fields.
  public var headerFieldCount = 100
  /// The head of the first request must be there after so long.
  public var headTime: Duration = .seconds(10)
  /// A body must be there after so long ...
  public var bodyTime: Duration = .seconds(30)
  /// ... plus a second for so many bytes of it.
  public var bodyBytesPerSecond = 64 << 10
  /// A connection without a request is closed after so long.
  public var idleTime: Duration = .seconds(75)
  /// A client that takes not one byte for so long, although some wait for it, is left.
  public var stallTime: Duration = .seconds(60)
  /// How long the rest of what a client sends is ignored after the last reply on a connection, so that the reply is not
  /// lost to a reset (RFC 9112, 9.6).
  public var lingerTime: Duration = .seconds(2)

  /// Makes the default limits.
  public init() {}
}

/// Why a gateway does not start.
public enum GatewayError: Error, Hashable, Sendable, CustomStringConvertible {
  /// An address that others can reach, and no token.
  case openToOthers(ListenAddress)
  /// Another program listens there.
  case addressInUse(ListenAddress, holder: PortHolder?)
  /// The address cannot be listened on.
  case cannotListen(ListenAddress, reason: String)

  /// A sentence for people, with what to do.
  public var description: String {
    switch self {
    case .openToOthers(let address):
      "\(address) can be reached from other machines, so it needs a token; leave out --no-auth, or listen on 127.0.0.1"
    case .addressInUse(.socket(let path), _):
      "another program already listens on the socket '\(path)'; stop it or choose another path with --socket"
    case .addressInUse(let address, let holder):
      "\(address) is in use"
        + (holder.map { " by \($0.description)" } ?? " by a program that could not be identified")
        + "; stop it or choose another port with --port (0 takes a free one)"
    case .cannotListen(let address, let reason):
      "cannot listen on \(address): \(reason)"
    }
  }
}
