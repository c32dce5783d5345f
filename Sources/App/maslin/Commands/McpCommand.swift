import ArgumentParser
import ModelContext
import Solidity

/// `maslin mcp`
struct McpCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mcp",
    abstract:
      "Serves audit, layout and upgrade-check to editors and agents (Model Context Protocol).",
    discussion: """
      Speaks the Model Context Protocol over standard input and output: one JSON-RPC message a line. Editors and agents \
      start it themselves; their configuration wants the command 'maslin' with the argument 'mcp'. Ends when standard \
      input does.

      Only files below the working directory are read, or below the directories given with --root; links that lead \
      elsewhere are not followed. Nothing is written and nothing leaves the machine.

      Examples:
        maslin mcp
        maslin mcp --root contracts --root lib
      """)

  @Option(
    help: ArgumentHelp(
      "A directory that may be read (default: the working directory). May be repeated.",
      valueName: "directory"),
    completion: .directory)
  var root: [String] = []

  @Option(help: "How many threads a call uses; one per core (at most 8) unless given.")
  var threads: Int?

  func validate() throws {
    if let threads, !(1...64).contains(threads) {
      throw ValidationError("--threads takes a number from 1 to 64.")
    }
  }

  mutating func run() throws {
    let here = LocalFileSystem.workingDirectory
    let sources = try ToolSources(
      roots: root.isEmpty ? [here] : root, workingDirectory: here,
      pool: WorkerPool(workers: threads))
    do {
      try StandardStreamServer(.maslin(sources)).run()
    } catch {
      throw CommandFailure(.environment, error.description)
    }
  }
}
