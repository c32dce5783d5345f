import ArgumentParser
import Foundation
import Solidity

/// The command line program.
@main
struct Maslin: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "maslin",
    abstract: "Audits Solidity and runs language models, on this machine alone.",
    discussion: """
      Examples:
        maslin audit contracts/
        maslin audit . --format sarif > maslin.sarif
        maslin layout src/Vault.sol:Vault
        maslin upgrade-check v1/Token.sol v2/Token.sol
        maslin upgrade-check main HEAD
        maslin fit deepseek-v4-flash
        maslin run model.gguf "What does delegatecall do?"
        maslin serve model.gguf

      Results go to standard output, everything else to standard error. Exit codes: 0 done; 1 findings at \
      or above the threshold; 2 wrong usage; 3 bad input; 4 refused; 5 missing or unreadable file; 70 a bug in Maslin.
      """,
    version: version,
    subcommands: [
      AuditCommand.self, LayoutCommand.self, UpgradeCheckCommand.self, RulesCommand.self,
      FactsCommand.self, ParseCommand.self, BytecodeCommand.self, McpCommand.self,
      ChatCommand.self, RunCommand.self, CompleteCommand.self, ModelCommand.self, FitCommand.self,
      BenchCommand.self,
      ServeCommand.self, CacheCommand.self, ConfigCommand.self,
      TokenizeCommand.self, LogitsCommand.self, PerplexityCommand.self,
    ])

  /// The version of the program and of its reports.
  static let version = "0.1.0"

  static func main() {
    // A reader that stops early (`maslin ... | head`) must end the program quietly, not by a signal.
    signal(SIGPIPE, SIG_IGN)
    let arguments = Array(CommandLine.arguments.dropFirst())
    // The main thread's stack is small; deep syntax trees are walked on a large one.
    let status = WorkerPool.onLargeStack { run(arguments) }
    Foundation.exit(status.rawValue)
  }

  private static func run(_ arguments: [String]) -> ExitStatus {
    do {
      var command = try parseAsRoot(arguments)
      try command.run()
      return .done
    } catch {
      return report(error)
    }
  }

  /// Tells the user about an error and gives the exit status that belongs to it.
  private static func report(_ error: any Error) -> ExitStatus {
    if let failure = CommandFailure(error) {
      if let message = failure.message { StandardError.write("maslin: " + message + "\n") }
      return failure.status
    }
    // What is left comes from argument parsing: help and version requests, or wrong usage.
    let message = fullMessage(for: error)
    if exitCode(for: error).isSuccess {
      try? StandardOutput().finish(with: message + "\n")
      return .done
    }
    StandardError.write(message + "\n")
    return .usage
  }
}
