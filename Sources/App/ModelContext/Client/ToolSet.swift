import JSON
import TerminalText

/// Something that has tools: a client of a server, or a stand-in.
public protocol ToolProvider: Sendable {
  /// What the user calls it.
  var name: String { get }
  /// Its tools.
  func tools() async throws(ClientError) -> RemoteTools
  /// Calls one of them with a JSON object. When the task is cancelled, the call is.
  func call(_ tool: String, _ arguments: JSONValue) async throws(ClientError) -> RemoteResult
  /// Ends it. Blocks for a few seconds at most.
  func close()
}

extension ContextClient: ToolProvider {}

/// The tools of several servers under names of which each stands for one tool, as they are offered to a model.
public struct ToolSet: Sendable {
  /// A tool as it is offered.
  public struct Offered: Hashable, Sendable {
    /// The name for the model: letters, digits, `_` and `-`, at most 64. The tool's own where that is possible, with
    /// the server's name before it where several servers have a tool of that name.
    public let name: String
    /// What the user calls the server.
    public let server: String
    /// The tool.
    public let tool: RemoteTool
    fileprivate let provider: Int
  }

  /// The tools, in the order of the servers and of their lists.
  public let tools: [Offered]
  /// What the user should know: servers and tools that cannot be used, and why. Fit for a terminal.
  public let notes: [String]
  private let providers: [any ToolProvider]

  /// The longest name that all chat formats take.
  static let maximumNameLength = 64

  /// Starts servers and asks for their tools. One that fails is left out, with a note.
  ///
  /// - Parameters:
  ///   - servers: what to start, one after the other.
  ///   - version: this program's version.
  public static func start(
    _ servers: [ServerCommand], version: String, limits: ContextClient.Limits = .init()
  ) async -> ToolSet {
    var clients: [any ToolProvider] = []
    var notes: [String] = []
    for server in servers {
      do throws(ChildProcess.StartFailure) {
        let process = try ChildProcess(server)
        do throws(ClientError) {
          clients.append(
            try await ContextClient.connect(
              name: server.name, over: process, version: version, limits: limits))
        } catch {
          notes.append(error.description)
        }
      } catch {
        notes.append("the server \(server.name): \(error.description)")
      }
    }
    let set = await ToolSet(clients)
    return ToolSet(tools: set.tools, notes: notes + set.notes, providers: set.providers)
  }

  /// Asks for the tools of what runs already.
  public init(_ providers: [any ToolProvider]) async {
    var found: [(provider: Int, tool: RemoteTool)] = []
    var notes: [String] = []
    for (index, provider) in providers.enumerated() {
      do throws(ClientError) {
        let list = try await provider.tools()
        found += list.tools.map { (index, $0) }
        notes += list.notes.map { "the server \(provider.name): \(SafeText.line($0))" }
      } catch {
        notes.append(error.description)
      }
    }
    let short = found.map { Self.cleaned($0.tool.name) }
    var counts: [String: Int] = [:]
    for name in short { counts[name, default: 0] += 1 }
    var taken: Set<String> = []
    var tools: [Offered] = []
    for (entry, name) in zip(found, short) {
      let server = providers[entry.provider].name
      let wanted = counts[name] == 1 ? name : Self.cleaned(server + "_" + entry.tool.name)
      let unique = Self.unique(wanted, taken)
      taken.insert(unique)
      tools.append(
        Offered(name: unique, server: server, tool: entry.tool, provider: entry.provider))
    }
    self.init(tools: tools, notes: notes, providers: providers)
  }

  private init(tools: [Offered], notes: [String], providers: [any ToolProvider]) {
    self.tools = tools
    self.notes = notes
    self.providers = providers
  }

  /// A name of the characters that all chat formats take.
  private static func cleaned(_ name: String) -> String {
    let characters = name.unicodeScalars.map { scalar -> Character in
      let isPlain =
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
      return isPlain || scalar == "-" ? Character(scalar) : "_"
    }
    return String(characters.prefix(maximumNameLength))
  }

  private static func unique(_ name: String, _ taken: Set<String>) -> String {
    guard taken.contains(name) else { return name }
    var number = 2
    while true {
      let suffix = "_\(number)"
      let candidate = String(name.prefix(maximumNameLength - suffix.count)) + suffix
      if !taken.contains(candidate) { return candidate }
      number += 1
    }
  }

  /// The tool that a model means by a name.
  public func offered(_ name: String) -> Offered? { tools.first { $0.name == name } }

  /// Calls a tool as a model wrote it. Mistakes of the model become results that tell it so.
  ///
  /// - Parameters:
  ///   - name: the name under which the tool is offered.
  ///   - argumentsText: the text of a JSON object; empty for none.
  /// - Throws: `ClientError` when the server is of no use, and when the task is cancelled.
  public func call(_ name: String, argumentsText: String) async throws(ClientError) -> RemoteResult
  {
    guard let offered = offered(name) else {
      let names = tools.map(\.name).joined(separator: ", ")
      return RemoteResult(
        text: "there is no tool \(String(name.prefix(64))); there are: \(names)", isError: true)
    }
    let arguments: JSONValue
    do {
      arguments =
        argumentsText.isEmpty ? .object([]) : try JSONParser.parse(Array(argumentsText.utf8))
    } catch {
      return RemoteResult(text: "the arguments are not JSON: \(error)", isError: true)
    }
    guard case .object = arguments else {
      return RemoteResult(text: "the arguments must be a JSON object", isError: true)
    }
    do throws(ClientError) {
      return try await providers[offered.provider].call(offered.tool.name, arguments)
    } catch {
      // The server is well and says what is wrong with the call: that is for the model.
      guard case .refused(_, _, let answer) = error else { throw error }
      return RemoteResult(text: answer.message, isError: true)
    }
  }

  /// Ends all servers. Blocks for a few seconds at most for each.
  public func close() { for provider in providers { provider.close() } }
}
