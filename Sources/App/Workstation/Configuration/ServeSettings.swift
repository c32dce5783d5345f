import ModelServing

/// What `maslin serve` is to do: the settings with their defaults filled in.
public struct ServeSettings: Hashable, Sendable {
  /// The port when none is set. It is not registered with IANA, and none of the programs that agents expect on fixed
  /// ports (model servers, web frameworks, Ethereum nodes) uses it.
  public static let defaultPort = 4114
  /// Disk space for known prefixes when none is set.
  public static let defaultDiskBudget = 8 << 30

  /// The model: a file or a registered name; nil when none is set.
  public var model: String?
  /// The address to listen on; nil for both loopback addresses.
  public var host: String?
  /// The port; 0 for a free one.
  public var port: Int
  /// A socket in the file system to listen on besides.
  public var socket: String?
  /// Names in `Host` that are answered besides this machine's own.
  public var allowedHosts: [String]
  /// Web origins whose pages may use the server.
  public var allowedOrigins: [String]
  /// Compute threads; nil for the engine's choice.
  public var threads: Int?
  /// The longest conversation in tokens; nil for the engine's choice.
  public var context: Int?
  /// How many answers are made at a time; nil for the service's choice.
  public var sequences: Int?
  /// Bytes of memory for known prefixes; nil for the service's choice.
  public var cacheMemory: Int?
  /// Bytes of disk space for known prefixes; 0 for none.
  public var diskBudget: Int
  /// How long to think when a request does not say; nil for the service's choice.
  public var thinking: GenerationRequest.Thinking?
  /// `auto`, `on` or `off`.
  public var constrainsCalls: String
  /// Seconds that running answers get when the server is told to stop.
  public var grace: Int
  /// `auto`, `json` or `text`.
  public var log: String

  /// Fills in the defaults.
  public init(_ configuration: Configuration) {
    model = configuration.text(.model)
    host = configuration.text(.host)
    port = configuration.integer(.port) ?? Self.defaultPort
    socket = configuration.text(.socket)
    allowedHosts = configuration.list(.allowHosts) ?? []
    allowedOrigins = configuration.list(.allowOrigins) ?? []
    threads = configuration.integer(.threads)
    context = configuration.integer(.context)
    sequences = configuration.integer(.sequences)
    cacheMemory = configuration.integer(.cacheMemory)
    diskBudget = configuration.integer(.diskBudget) ?? Self.defaultDiskBudget
    thinking = configuration.text(.thinking).flatMap(GenerationRequest.Thinking.init(rawValue:))
    constrainsCalls = configuration.text(.constrainCalls) ?? "auto"
    grace = configuration.integer(.grace) ?? 30
    log = configuration.text(.log) ?? "auto"
  }

  /// The addresses of the network to listen on, each with the port.
  public var hosts: [String] { host.map { [$0] } ?? ["127.0.0.1", "::1"] }
}
