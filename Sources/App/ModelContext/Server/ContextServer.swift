import JSON

/// A server of the Model Context Protocol: what it is called and which tools it offers. One value serves any number of
/// connections.
public struct ContextServer: Sendable {
  /// Bounds on what clients can make the server do.
  public struct Limits: Hashable, Sendable {
    /// The longest message in bytes.
    public var messageBytes = 8 << 20
    /// The longest result of a tool in bytes, as JSON.
    public var resultBytes = 1 << 20
    /// Calls that run at once.
    public var runningCalls = 4
    /// Calls that wait for others.
    public var waitingCalls = 64
    /// Messages in one array.
    public var batchCount = 64
    /// Tools on one page of `tools/list`.
    public var pageCount = 50

    /// Makes the usual limits.
    public init() {}
  }

  /// The program's name.
  public let name: String
  /// The name for people.
  public let title: String
  /// The program's version.
  public let version: String
  /// How to use the server, for the model.
  public let instructions: String
  /// The tools, in the order they are listed.
  public let tools: [ContextTool]
  /// Bounds.
  public let limits: Limits
  /// Shared by all connections.
  let slots: CallSlots

  /// Makes a server. Names of tools must differ.
  public init(
    name: String, title: String, version: String, instructions: String, tools: [ContextTool],
    limits: Limits = Limits()
  ) {
    precondition(Set(tools.map(\.name)).count == tools.count, "names of tools differ")
    precondition(limits.pageCount > 0, "a page holds something")
    self.name = name
    self.title = title
    self.version = version
    self.instructions = instructions
    self.tools = tools
    self.limits = limits
    slots = CallSlots(limit: limits.runningCalls, waitingLimit: limits.waitingCalls)
  }

  /// Who the server is, in a revision.
  func identity(in version: ProtocolVersion) -> JSONValue {
    var members = [JSONMember(name: "name", value: .string(name))]
    if version.hasStructuredContent {
      members.append(JSONMember(name: "title", value: .string(title)))
    }
    members.append(JSONMember(name: "version", value: .string(self.version)))
    return .object(members)
  }

  /// The answer to `initialize`.
  func initializeResult(_ version: ProtocolVersion) -> JSONValue {
    .members([
      "protocolVersion": .string(version.rawValue),
      "capabilities": .members([
        "logging": .object([]), "tools": .members(["listChanged": false]),
      ]),
      "serverInfo": identity(in: version),
      "instructions": .string(instructions),
    ])
  }

  /// The answer to `server/discover`.
  func discoverResult() -> JSONValue {
    .members([
      "supportedVersions": .array(ProtocolVersion.stateless.map { .string($0.rawValue) }),
      "capabilities": .members([
        "logging": .object([]), "tools": .members(["listChanged": false]),
      ]),
      "instructions": .string(instructions),
      "ttlMs": .integer(Self.freshMilliseconds),
      "cacheScope": "public",
    ])
  }

  /// The answer to `tools/list`. A cursor is the position of the first tool of its page.
  func listResult(
    _ parameters: JSONValue, in version: ProtocolVersion
  ) throws(RPCError) -> JSONValue {
    var start = 0
    if let cursor = parameters["cursor"], cursor != .null {
      guard let text = cursor.stringValue, let position = Int(text), text == String(position),
        position > 0, position < tools.count, position.isMultiple(of: limits.pageCount)
      else { throw .invalidParameters("this cursor was not given out here") }
      start = position
    }
    let end = min(start + limits.pageCount, tools.count)
    var members = [
      JSONMember(name: "tools", value: .array(tools[start..<end].map { $0.json(in: version) }))
    ]
    if end < tools.count {
      members.append(JSONMember(name: "nextCursor", value: .string(String(end))))
    }
    if version.isStateless {
      members.append(JSONMember(name: "ttlMs", value: .integer(Self.freshMilliseconds)))
      members.append(JSONMember(name: "cacheScope", value: "public"))
    }
    return .object(members)
  }

  /// The tools do not change while the program runs; an hour bounds what a client keeps across an update.
  private static let freshMilliseconds = 3_600_000

  /// A result with what revisions without a handshake want in every one.
  func finished(_ result: JSONValue, in version: ProtocolVersion) -> JSONValue {
    guard version.isStateless else { return result }
    return result.setting("resultType", "complete").setting(
      "_meta", .members([MetaKey.serverInfo: identity(in: version)]))
  }
}
