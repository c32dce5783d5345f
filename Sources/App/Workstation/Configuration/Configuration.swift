import DurableFiles
import Foundation
import JSON

/// Maslin's settings: what a file and the environment say, and where each value comes from. Options of commands come on
/// top of it. Nothing has to be set.
public struct Configuration: Sendable {
  /// Where a value comes from.
  public enum Origin: Hashable, Sendable, CustomStringConvertible {
    /// A line of the file, from 1.
    case file(path: String, line: Int)
    /// An environment variable.
    case environment(String)
    /// An option of the command.
    case option(String)

    /// `/etc/maslin.yaml:3`, `MASLIN_PORT` or `--port`.
    public var description: String {
      switch self {
      case .file(let path, let line): "\(path):\(line)"
      case .environment(let name), .option(let name): name
      }
    }
  }

  /// A value and its origin.
  public struct Entry: Hashable, Sendable {
    /// The value.
    public var value: ConfigurationValue
    /// Where it comes from.
    public var origin: Origin
  }

  /// A program that offers tools by the Model Context Protocol.
  public struct ContextServer: Hashable, Sendable {
    /// The name the user gave it.
    public var name: String
    /// The program.
    public var command: String
    /// Its arguments.
    public var arguments: [String]
    /// Environment variables it gets besides, sorted by name.
    public var environment: [Variable]
    /// Where it comes from.
    public var origin: Origin

    /// An environment variable.
    public struct Variable: Hashable, Sendable {
      /// Its name.
      public var name: String
      /// Its value.
      public var value: String
    }
  }

  /// The file that was read; nil when there was none.
  public let path: String?
  /// The values that are set.
  public private(set) var entries: [ConfigurationKey: Entry] = [:]
  /// The programs of `mcp.servers` in the order of the file.
  public private(set) var contextServers: [ContextServer] = []
  /// The directories of `mcp.roots`, which clients of the server's own tools may have read.
  public private(set) var contextRoots: [String] = []

  /// Reads the file and the environment.
  ///
  /// The file is the one named by `option`, else by `MASLIN_CONFIG`, else the platform's place for it if it exists:
  /// `$XDG_CONFIG_HOME/maslin/config.yaml` or `~/.config/maslin/config.yaml` on Linux (XDG Base Directory
  /// Specification), `~/Library/Application Support/Maslin/config.yaml` on macOS.
  ///
  /// - Parameter option: the value of `--config`, if it was given.
  /// - Throws: `ConfigurationError`.
  public init(
    option: String?, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(ConfigurationError) {
    let named = option ?? environment["MASLIN_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
    if let path = named ?? Self.defaultPath(environment),
      let bytes = try Self.read(path, mustExist: named != nil)
    {
      let file = try Self.parse(bytes, path: path)
      self.path = path
      entries = file.entries
      contextServers = file.contextServers
      contextRoots = file.contextRoots
    } else {
      path = nil
    }
    for key in ConfigurationKey.allCases {
      guard let text = environment[key.variable], !text.isEmpty else { continue }
      do throws(ConfigurationValue.InvalidValue) {
        entries[key] = Entry(
          value: try ConfigurationValue(text, form: key.form), origin: .environment(key.variable))
      } catch {
        throw .variable(name: key.variable, reason: error.reason)
      }
    }
  }

  /// Sets a value from an option of a command; nil leaves what was set.
  ///
  /// - Throws: `ConfigurationError.option`.
  public mutating func set(
    _ key: ConfigurationKey, to text: String?, option: String
  ) throws(ConfigurationError) {
    guard let text else { return }
    do throws(ConfigurationValue.InvalidValue) {
      entries[key] = Entry(
        value: try ConfigurationValue(text, form: key.form), origin: .option(option))
    } catch {
      throw .option(name: option, reason: error.reason)
    }
  }

  /// A file's content; nil when it does not exist and does not have to.
  private static func read(
    _ path: String, mustExist: Bool
  ) throws(ConfigurationError) -> [UInt8]? {
    do throws(FileFailure) {
      return try SystemFiles().read(path, limit: 1 << 20)
    } catch {
      guard !mustExist, error.isMissing else { throw .file(error) }
      return nil
    }
  }

  /// The file's place when none is named; nil when nothing says where home is.
  public static func defaultPath(_ environment: [String: String]) -> String? {
    let home = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 }
    #if os(macOS)
      return home.map { $0 + "/Library/Application Support/Maslin/config.yaml" }
    #else
      if let base = environment["XDG_CONFIG_HOME"], base.hasPrefix("/") {
        return base + "/maslin/config.yaml"
      }
      return home.map { $0 + "/.config/maslin/config.yaml" }
    #endif
  }

  /// A text that is set.
  public func text(_ key: ConfigurationKey) -> String? {
    if case .text(let text)? = entries[key]?.value { text } else { nil }
  }

  /// A number that is set.
  public func integer(_ key: ConfigurationKey) -> Int? {
    if case .integer(let number)? = entries[key]?.value { number } else { nil }
  }

  /// Texts that are set.
  public func list(_ key: ConfigurationKey) -> [String]? {
    if case .list(let texts)? = entries[key]?.value { texts } else { nil }
  }

  /// The settings as lines for people, in the order of the keys: `port: 4114`.
  public func text(withOrigins: Bool) -> String {
    var lines: [String] = []
    for key in ConfigurationKey.allCases {
      guard let entry = entries[key] else { continue }
      lines.append(
        "\(key.rawValue): \(entry.value)" + (withOrigins ? "  # \(entry.origin)" : ""))
    }
    if !contextRoots.isEmpty {
      lines.append("mcp.roots: [" + contextRoots.joined(separator: ", ") + "]")
    }
    for server in contextServers {
      let words = [server.command] + server.arguments
      lines.append(
        "mcp.servers.\(server.name): \(words.joined(separator: " "))"
          + (withOrigins ? "  # \(server.origin)" : ""))
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// The settings as JSON. Values of environment variables for programs are left out, since they may be secrets.
  public func json(withOrigins: Bool) -> JSONValue {
    func member(_ name: String, _ value: JSONValue, _ origin: Origin) -> JSONMember {
      let shown: JSONValue =
        withOrigins
        ? .members(["value": value, "origin": .string(origin.description)]) : value
      return JSONMember(name: name, value: shown)
    }
    var members: [JSONMember] = []
    for key in ConfigurationKey.allCases {
      guard let entry = entries[key] else { continue }
      let value: JSONValue =
        switch entry.value {
        case .text(let text): .string(text)
        case .integer(let number): .integer(number)
        case .list(let texts): .array(texts.map { .string($0) })
        }
      members.append(member(key.rawValue, value, entry.origin))
    }
    var context: [JSONMember] = []
    if !contextRoots.isEmpty {
      context.append(
        JSONMember(name: "roots", value: .array(contextRoots.map { .string($0) })))
    }
    if !contextServers.isEmpty {
      let servers = contextServers.map { server in
        member(
          server.name,
          .members([
            "command": .string(server.command),
            "args": .array(server.arguments.map { .string($0) }),
            "env": .array(server.environment.map { .string($0.name) }),
          ]), server.origin)
      }
      context.append(JSONMember(name: "servers", value: .object(servers)))
    }
    if !context.isEmpty { members.append(JSONMember(name: "mcp", value: .object(context))) }
    return .object(members)
  }
}

/// Why settings cannot be used.
public enum ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file cannot be read.
  case file(FileFailure)
  /// Something in the file is wrong; line and column from 1, column 0 when unknown.
  case content(path: String, line: Int, column: Int, reason: String)
  /// An environment variable is wrong.
  case variable(name: String, reason: String)
  /// An option of the command is wrong.
  case option(name: String, reason: String)

  /// A sentence for people, with the place.
  public var description: String {
    switch self {
    case .file(let failure): "the configuration: \(failure)"
    case .content(let path, let line, let column, let reason):
      "\(path):\(line)\(column > 0 ? ":\(column)" : ""): \(reason)"
    case .variable(let name, let reason): "the environment variable \(name) \(reason)"
    case .option(let name, let reason): "\(name) \(reason)"
    }
  }
}
