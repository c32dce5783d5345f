import ModelContext
import ModelServing
import TerminalText
import Workstation

/// The tools of MCP servers that the user lists, each server a program of this machine.
struct ContextTools: ToolSource {
  private let set: ToolSet
  let tools: [Tool]

  /// The tools of the servers that the options name; nil when they name none.
  ///
  /// - Throws: when a list or the configuration cannot be read, or names no such server.
  static func listed(_ options: ChatOptions) throws -> ContextTools? {
    var servers: [ServerCommand] = []
    if !options.contextServers.isEmpty {
      let known = try Configuration(option: options.configurationPath).contextServers
      for name in options.contextServers {
        guard let server = known.first(where: { $0.name == name }) else {
          let names = known.map(\.name).joined(separator: ", ")
          throw CommandFailure(
            .usage,
            "the configuration has no MCP server '\(name)' (mcp.servers); "
              + (names.isEmpty ? "it has none" : "it has \(names)"))
        }
        servers.append(ServerCommand(server))
      }
    }
    for path in options.contextServerFiles {
      let list = try ServerList(try InputFile.read(path, limit: 1 << 20))
      for refused in list.refused {
        StandardError.write(
          "maslin: \(SafeText.line(refused.name)) is left out: \(SafeText.line(refused.reason))\n")
      }
      servers += list.servers
    }
    return servers.isEmpty ? nil : try ContextTools(servers)
  }

  private init(_ servers: [ServerCommand]) throws {
    let set = try wait { await ToolSet.start(servers, version: Maslin.version) }
    for note in set.notes { StandardError.write("maslin: \(SafeText.line(note))\n") }
    self.set = set
    tools = set.tools.map {
      Tool(
        name: $0.name, description: $0.tool.description, parameters: $0.tool.inputSchema,
        isStrict: false)
    }
  }

  func call(_ call: Call) async -> ToolOutcome {
    do {
      let result = try await set.call(call.name, argumentsText: call.arguments)
      return ToolOutcome(text: result.text, isError: result.isError)
    } catch {
      return ToolOutcome(text: "The call failed: \(error)", isError: true)
    }
  }

  /// Ends the servers.
  func close() { set.close() }
}
