import SoliditySyntax

/// Something met while gathering a project's files that did not stop the work but belongs before a reader.
public enum ProjectDiagnostic: Hashable, Sendable, CustomStringConvertible {
  /// The file of an import was not found. `tried` lists the paths looked at, `hint` is the next step.
  case missingImport(
    path: String, position: SourcePosition, importPath: String, tried: [String], hint: String)
  /// A file or directory could not be read and was left out.
  case unreadable(FileSystemError)
  /// A line of a configuration file could not be used.
  case configuration(path: String, line: Int, message: String)
  /// Anything else worth knowing.
  case note(String)

  /// Whether files that were asked for are missing from the result.
  public var leavesOutFiles: Bool {
    if case .unreadable = self { true } else { false }
  }

  /// What happened, where, and what to do.
  public var description: String {
    switch self {
    case .missingImport(let path, let position, let importPath, let tried, let hint):
      "\(path):\(position.line):\(position.column): the import \"\(importPath)\" was not found"
        + (tried.isEmpty ? "" : " (looked at \(tried.joined(separator: ", ")))") + "; \(hint)"
    case .unreadable(let error): "\(error)"
    case .configuration(let path, let line, let message): "\(path):\(line): \(message)"
    case .note(let text): text
    }
  }
}

/// Why no project could be gathered from the given paths.
public enum ProjectError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A path could not be read at all.
  case unreadable(FileSystemError)
  /// A directory without any Solidity file below it.
  case noSolidity(directory: String, skipped: [String])
  /// A file that is neither Solidity nor a JSON input.
  case notSolidity(path: String)
  /// A JSON file from which no sources could be taken.
  case badInput(path: String, message: String)
  /// A contract was named that the file does not have.
  case noSuchContract(path: String, name: String, present: [String])
  /// `git` could not be started.
  case gitMissing(reason: String)
  /// The repository or revision could not be read.
  case git(message: String)

  /// Whether the machine or its files are the cause, rather than the content of a file.
  public var isEnvironment: Bool {
    switch self {
    case .unreadable(.tooLarge): false
    case .unreadable, .gitMissing, .git: true
    case .noSolidity, .notSolidity, .badInput, .noSuchContract: false
    }
  }

  /// What happened, where, and what to do.
  public var description: String {
    switch self {
    case .unreadable(let error):
      return "\(error)"
    case .noSolidity(let directory, let skipped):
      let hint =
        skipped.isEmpty
        ? "name a directory that holds .sol files"
        : "skipped on the way: \(skipped.joined(separator: ", ")); name one of them to read it"
      return "\(directory): no Solidity files below this directory; \(hint)"
    case .notSolidity(let path):
      return "\(path): neither a .sol nor a .json file; name a Solidity file, a directory, "
        + "or a standard-JSON or build-info file"
    case .badInput(let path, let message):
      return "\(path): \(message)"
    case .noSuchContract(let path, let name, let present):
      let names = present.isEmpty ? "none" : present.joined(separator: ", ")
      return "\(path): no contract '\(name)'; contracts here: \(names)"
    case .gitMissing(let reason):
      return "git could not be started (\(reason)); install git, or name two directories instead"
    case .git(let message):
      return "git: \(message)"
    }
  }
}
