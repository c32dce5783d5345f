import ModelContext
import Workstation

extension ServerCommand {
  /// A server of the user's configuration (`mcp.servers`).
  init(_ server: Configuration.ContextServer) {
    self.init(
      name: server.name, command: server.command, arguments: server.arguments,
      environment: server.environment.map { Variable(name: $0.name, value: $0.value) })
  }
}
