/// A published revision of the Model Context Protocol (modelcontextprotocol.io/specification).
///
/// Up to 2025-11-25 a connection begins with the `initialize` handshake, which settles the revision. From 2026-07-28
/// on there is no handshake: every request carries its revision and the client's capabilities in `params._meta`.
public enum ProtocolVersion: String, CaseIterable, Comparable, Sendable {
  case november2024 = "2024-11-05"
  case march2025 = "2025-03-26"
  case june2025 = "2025-06-18"
  case november2025 = "2025-11-25"
  case july2026 = "2026-07-28"

  /// The newest revision that the handshake can settle on.
  public static let latestWithHandshake = november2025
  /// The revisions without a handshake, oldest first.
  public static let stateless = allCases.filter(\.isStateless)

  /// What a server answers a client that proposes `requested`: the same revision where it is known, else the newest one
  /// with a handshake.
  public static func negotiated(_ requested: String) -> ProtocolVersion {
    guard let version = ProtocolVersion(rawValue: requested), !version.isStateless else {
      return latestWithHandshake
    }
    return version
  }

  /// Whether every request stands for itself, without a handshake or a session.
  public var isStateless: Bool { self >= .july2026 }
  /// Whether messages may come in arrays; only one revision has that.
  public var hasBatches: Bool { self == .march2025 }
  /// Whether tools are described by annotations, and progress can carry a message.
  public var hasAnnotations: Bool { self >= .march2025 }
  /// Whether results can be structured, with a schema, and tools and programs have titles.
  public var hasStructuredContent: Bool { self >= .june2025 }

  private var position: Int { Self.allCases.firstIndex(of: self) ?? 0 }

  /// Earlier revisions come first.
  public static func < (left: ProtocolVersion, right: ProtocolVersion) -> Bool {
    left.position < right.position
  }
}

/// Names in `_meta` that revision 2026-07-28 reserves.
enum MetaKey {
  static let protocolVersion = "io.modelcontextprotocol/protocolVersion"
  static let clientInfo = "io.modelcontextprotocol/clientInfo"
  static let clientCapabilities = "io.modelcontextprotocol/clientCapabilities"
  static let serverInfo = "io.modelcontextprotocol/serverInfo"
  static let logLevel = "io.modelcontextprotocol/logLevel"
}

/// How much a log message matters (RFC 5424).
public enum LogLevel: String, CaseIterable, Comparable, Sendable {
  case debug, info, notice, warning, error, critical, alert, emergency

  private var position: Int { Self.allCases.firstIndex(of: self) ?? 0 }

  /// What matters less comes first.
  public static func < (left: LogLevel, right: LogLevel) -> Bool { left.position < right.position }
}
