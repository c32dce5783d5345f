import JSON
import TerminalText

/// A server that runs as a program of its own and speaks over its standard streams.
public struct ServerCommand: Hashable, Sendable {
  /// What the user calls it.
  public var name: String
  /// The program: a path, or a name to look for in PATH.
  public var command: String
  /// Its arguments.
  public var arguments: [String]
  /// Environment variables it gets besides the few that every server gets, sorted by name.
  public var environment: [Variable]

  /// An environment variable.
  public struct Variable: Hashable, Sendable {
    /// The name.
    public var name: String
    /// The value.
    public var value: String

    /// Makes a variable.
    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// Makes a command.
  public init(name: String, command: String, arguments: [String] = [], environment: [Variable] = [])
  {
    self.name = name
    self.command = command
    self.arguments = arguments
    self.environment = environment
  }
}

/// Servers as configuration files of many programs list them:
/// `{"mcpServers": {"NAME": {"command": "PROGRAM", "args": [...], "env": {...}}}}`.
public struct ServerList: Hashable, Sendable {
  /// An entry that is not used, and why.
  public struct Refused: Hashable, Sendable {
    /// Its name.
    public let name: String
    /// Why, as a sentence part.
    public let reason: String
  }

  /// The servers that can be started, in the order of the file.
  public let servers: [ServerCommand]
  /// Entries that cannot be used here.
  public let refused: [Refused]

  /// The most entries a list may have.
  static let maximumCount = 64

  /// Reads a list.
  ///
  /// - Throws: `ServerListError` with the place of the mistake.
  public init(_ bytes: [UInt8]) throws(ServerListError) {
    let document: JSONValue
    do {
      document = try JSONParser.parse(bytes)
    } catch {
      throw .notJSON("\(error)")
    }
    guard let entries = document["mcpServers"]?.objectValue else {
      throw .wrong(path: "mcpServers", expectation: "must be an object of servers by name")
    }
    guard entries.count <= Self.maximumCount else {
      throw .wrong(path: "mcpServers", expectation: "has more than \(Self.maximumCount) entries")
    }
    var servers: [ServerCommand] = []
    var refused: [Refused] = []
    var names: Set<String> = []
    for entry in entries {
      let path = "mcpServers." + entry.name
      guard Self.isName(entry.name) else {
        throw .wrong(
          path: path, expectation: "has a name other than 1 to 64 letters, digits, _ and -")
      }
      guard names.insert(entry.name).inserted else {
        throw .wrong(path: path, expectation: "stands there twice")
      }
      guard case .object = entry.value else {
        throw .wrong(path: path, expectation: "must be an object")
      }
      if entry.value["disabled"] == true {
        refused.append(Refused(name: entry.name, reason: "it is disabled in the list"))
      } else if let reason = Self.refusal(of: entry.value) {
        refused.append(Refused(name: entry.name, reason: reason))
      } else {
        servers.append(try Self.command(entry.name, entry.value, path: path))
      }
    }
    self.servers = servers
    self.refused = refused
  }

  /// Whether a text can name a server.
  static func isName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }

  private static func refusal(of entry: JSONValue) -> String? {
    let type = entry["type"]?.stringValue ?? entry["transport"]?.stringValue
    guard entry["url"] != nil || entry["serverUrl"] != nil || (type ?? "stdio") != "stdio" else {
      return nil
    }
    return
      "it is reached over the network, and this program opens no connections to other machines here; "
      + "only servers started as programs can be used"
  }

  private static func command(
    _ name: String, _ entry: JSONValue, path: String
  ) throws(ServerListError) -> ServerCommand {
    guard let command = entry["command"]?.stringValue, isArgument(command), !command.isEmpty else {
      throw .wrong(path: path + ".command", expectation: "must be the name or path of a program")
    }
    var server = ServerCommand(name: name, command: command)
    switch entry["args"] {
    case nil, .null?: break
    case .array(let elements)?:
      for (index, element) in elements.enumerated() {
        guard let text = element.stringValue, isArgument(text) else {
          throw .wrong(path: "\(path).args[\(index)]", expectation: "must be a string without NUL")
        }
        server.arguments.append(text)
      }
    default: throw .wrong(path: path + ".args", expectation: "must be an array of strings")
    }
    switch entry["env"] {
    case nil, .null?: break
    case .object(let members)?:
      for member in members.sorted(by: { $0.name < $1.name }) {
        guard let value = member.value.stringValue, isArgument(value), isArgument(member.name),
          !member.name.isEmpty, !member.name.contains("=")
        else { throw .wrong(path: "\(path).env.\(member.name)", expectation: "must be a string") }
        server.environment.append(ServerCommand.Variable(name: member.name, value: value))
      }
    default: throw .wrong(path: path + ".env", expectation: "must be an object of strings")
    }
    return server
  }

  /// The system's calls end texts at NUL.
  private static func isArgument(_ text: String) -> Bool { !text.utf8.contains(0) }
}

/// What is wrong with a list of servers.
public enum ServerListError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The text is no JSON.
  case notJSON(String)
  /// A member is wrong.
  case wrong(path: String, expectation: String)

  /// What and where.
  public var description: String {
    switch self {
    case .notJSON(let reason): "not JSON: \(reason)"
    case .wrong(let path, let expectation): "\(SafeText.line(path)) \(expectation)"
    }
  }
}
