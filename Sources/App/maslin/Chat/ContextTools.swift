import JSON
import ModelContext
import ModelServing
import TerminalText

/// The tools of MCP servers that the user lists, each server a program of this machine.
///
/// A tool keeps its name unless two servers offer the same; then all of that name are called `SERVER_TOOL`.
final class ContextTools: ToolSource {
  private struct Entry: Sendable {
    let client: ContextClient
    let name: String
  }

  let tools: [Tool]
  private let entries: [String: Entry]
  private let clients: [ContextClient]

  /// Starts the servers and asks for their tools.
  ///
  /// - Throws: when a server cannot be started or does not answer; none is left running then.
  init(_ servers: [ServerCommand], version: String) throws {
    let lists = try wait {
      var lists: [(client: ContextClient, tools: RemoteTools)] = []
      do {
        for server in servers {
          let client = try await ContextClient.connect(
            name: server.name, over: try ChildProcess(server), version: version)
          do {
            lists.append((client, try await client.tools()))
          } catch {
            client.close()
            throw error
          }
        }
      } catch {
        for (client, _) in lists { client.close() }
        throw error
      }
      return lists
    }
    clients = lists.map(\.client)
    var counts: [String: Int] = [:]
    for (_, list) in lists { for tool in list.tools { counts[tool.name, default: 0] += 1 } }
    var tools: [Tool] = []
    var entries: [String: Entry] = [:]
    for (client, list) in lists {
      for note in list.notes { StandardError.write("maslin: \(client.name): \(note)\n") }
      for tool in list.tools {
        let name = counts[tool.name] == 1 ? tool.name : "\(client.name)_\(tool.name)"
        guard entries[name] == nil else {
          StandardError.write(
            "maslin: \(client.name) offers '\(tool.name)' twice; one is left out\n")
          continue
        }
        entries[name] = Entry(client: client, name: tool.name)
        tools.append(
          Tool(
            name: name, description: tool.description, parameters: tool.inputSchema,
            isStrict: false))
      }
    }
    self.tools = tools
    self.entries = entries
  }

  /// The tools of the servers that the options list; nil when they list none.
  static func listed(_ options: ChatOptions) throws -> ContextTools? {
    var servers: [ServerCommand] = []
    for path in options.contextServerFiles {
      let list = try ServerList(try InputFile.read(path, limit: 1 << 20))
      for refused in list.refused {
        StandardError.write(
          "maslin: \(SafeText.line(refused.name)) is left out: \(refused.reason)\n")
      }
      servers += list.servers
    }
    return servers.isEmpty ? nil : try ContextTools(servers, version: Maslin.version)
  }

  func call(_ name: String, arguments: JSONValue) async -> ToolOutcome {
    guard let entry = entries[name] else {
      return ToolOutcome(text: "There is no tool '\(name)'.", isError: true)
    }
    do {
      let result = try await entry.client.call(entry.name, arguments)
      return ToolOutcome(text: result.text, isError: result.isError)
    } catch {
      return ToolOutcome(text: "The call failed: \(error)", isError: true)
    }
  }

  /// Ends the servers.
  func close() { for client in clients { client.close() } }
}
