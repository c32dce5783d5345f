import ArgumentParser
import Foundation
import Inference
import ModelServing

/// How long to think, on the command line.
enum ThinkingChoice: String, ExpressibleByArgument, CaseIterable {
  case off, on, high, max

  var thinking: GenerationRequest.Thinking {
    switch self {
    case .off: .off
    case .on: .on
    case .high: .high
    case .max: .max
    }
  }
}

/// How a conversation in the terminal goes.
struct ChatOptions: ParsableArguments {
  @Option(help: "Instructions for the whole conversation.")
  var system: String?

  @Option(help: ArgumentHelp("How long to think first.", valueName: "off|on|high|max"))
  var thinking: ThinkingChoice?

  @Flag(help: "Do not show thoughts.")
  var hideThoughts = false

  @Flag(help: "Do not keep the lines entered in the data directory.")
  var noHistory = false

  @Option(
    name: .customLong("mcp"),
    help: ArgumentHelp(
      "Offer the tools of an MCP server from the configuration (mcp.servers); repeatable.",
      valueName: "name"))
  var contextServers: [String] = []

  @Option(
    name: .customLong("mcp-config"),
    help: ArgumentHelp(
      "Offer the tools of the MCP servers in a file with mcpServers.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var contextServerFiles: [String] = []

  @Option(
    name: .customLong("config"),
    help: "The configuration file (also: MASLIN_CONFIG).", completion: .file())
  var configurationPath: String?

  @Flag(help: "Run the tools the model calls without asking.")
  var allowTools = false

  @Option(help: "Run calls at most so many times in a row for one question.")
  var toolRounds: Int = 16

  func validate() throws {
    guard (1...1000).contains(toolRounds) else {
      throw ValidationError("--tool-rounds is \(toolRounds); it must be 1 to 1000")
    }
  }

  /// The only question, when there is one: the argument, or all of standard input when that is no terminal.
  func singleQuestion(_ argument: String?) throws -> String? {
    if let argument {
      guard isatty(STDIN_FILENO) == 0, argument == "-" else { return argument }
      return try StandardInput.readText(limit: 64 << 20)
    }
    return isatty(STDIN_FILENO) == 0 ? try StandardInput.readText(limit: 64 << 20) : nil
  }
}
