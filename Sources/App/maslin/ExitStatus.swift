import ArgumentParser
import Auditing
import DurableFiles
import Solidity

/// The exit codes of every command.
enum ExitStatus: Int32 {
  /// Done.
  case done = 0
  /// Findings at or above the threshold.
  case findings = 1
  /// The command line is wrong.
  case usage = 2
  /// The content of a file is wrong.
  case badInput = 3
  /// Refused by policy.
  case refused = 4
  /// A file, permission or program of the machine is missing.
  case environment = 5
  /// A bug in Maslin.
  case bug = 70
}

/// The end of a command that did not go well, with the status to leave with.
struct CommandFailure: Error {
  let status: ExitStatus
  /// What to tell the user; nil when everything was told already.
  let message: String?

  init(_ status: ExitStatus, _ message: String? = nil) {
    self.status = status
    self.message = message
  }

  /// The one place where errors become exit codes; nil for those of argument parsing.
  init?(_ error: any Error) {
    switch error {
    case let failure as CommandFailure:
      self = failure
    case is OutputClosed:
      self.init(.done)
    case let error as OutputError:
      self.init(.environment, error.description)
    case let error as ProjectError:
      self.init(error.isEnvironment ? .environment : .badInput, error.description)
    case let error as FileSystemError:
      self.init(.environment, error.description)
    case let error as RuleSelectionError:
      self.init(.usage, error.description)
    case .file(let failure) as BaselineError:
      self.init(.environment, BaselineError.file(failure).description)
    case let error as BaselineError:
      self.init(.badInput, error.description)
    case let error as FileFailure:
      self.init(.environment, error.description)
    case let error as any EngineFailure:
      self.init(error.exitStatus, error.message)
    default:
      // Argument parsing knows its own errors; anything else it would call a failure without usage.
      guard Maslin.exitCode(for: error) == .failure else { return nil }
      self.init(
        .bug, "\(error)\nThis is a bug in Maslin. Please report it with the command and its input.")
    }
  }
}
