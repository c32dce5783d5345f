import Foundation
import JSON
import ModelContext
import Solidity
import TerminalText

/// Which sources tools may read: files below some directories, and texts that come with a call.
struct ToolSources: Sendable {
  private let roots: [String]
  private let workingDirectory: String
  private let files: RootedFileSystem
  /// Threads for one call.
  private let pool: WorkerPool

  /// Makes the rules.
  ///
  /// - Parameters:
  ///   - roots: directories; none for texts alone.
  ///   - workingDirectory: where relative paths start; nil for the first root.
  /// - Throws: `CommandFailure` for a root that is no directory.
  init(roots: [String], workingDirectory: String?, pool: WorkerPool) throws {
    let here = LocalFileSystem.workingDirectory
    var resolved: [String] = []
    for root in roots {
      guard let path = RootedFileSystem.resolved(SourcePath.joined(here, root)),
        LocalFileSystem().kind(of: path) == .directory
      else {
        throw CommandFailure(.environment, "\(SafeText.line(root)): no such directory")
      }
      resolved.append(path)
    }
    self.roots = resolved
    self.workingDirectory = workingDirectory ?? resolved.first ?? "/"
    files = RootedFileSystem(roots: resolved)
    self.pool = pool
  }

  /// The sources of one call.
  struct Chosen {
    /// What was asked for.
    let selection: ContractSelection
    /// What it is called in results.
    let name: String
    /// Where it is read.
    let access: SourceAccess
  }

  /// A path within the roots.
  func path(_ text: String, for call: ToolCall) throws(ToolFailure) -> Chosen {
    guard !roots.isEmpty else {
      throw .refused(
        "this server reads no files; give the text itself as source, or start the server with a root directory"
      )
    }
    guard !text.isEmpty, text.utf8.count <= 4096, !text.utf8.contains(0) else {
      throw .refused("a path must have 1 to 4096 bytes and no NUL")
    }
    let selection = ContractSelection(text, in: files, workingDirectory: workingDirectory)
    let path = SourcePath.joined(workingDirectory, selection.path)
    guard !files.isOutside(path) else {
      throw .refused(
        "\(SafeText.line(text)) lies outside of what this server may read: "
          + roots.map(SafeText.line).joined(separator: ", ")
          + "; the user can allow more with --root")
    }
    return Chosen(selection: selection, name: text, access: access(files, workingDirectory, call))
  }

  /// The most files that a call can bring along.
  private static let maximumFiles = 256

  /// Texts that come with the call.
  ///
  /// - Parameters:
  ///   - texts: names and contents.
  ///   - contract: the contract to look at; nil for all.
  func texts(
    _ texts: [(name: String, text: String)], contract: String?, for call: ToolCall
  ) throws(ToolFailure) -> Chosen {
    guard (1...Self.maximumFiles).contains(texts.count) else {
      throw .refused("a call brings 1 to \(Self.maximumFiles) files along")
    }
    var memory = InMemoryFileSystem()
    var paths: Set<String> = []
    for (name, text) in texts {
      let path = SourcePath.normalized("/" + name)
      guard !name.hasPrefix("/"), name.utf8.count <= 256, path == "/" + name,
        name.hasSuffix(".sol"), SafeText.line(name) == name
      else {
        throw .refused(
          "'\(SafeText.line(String(name.prefix(64))))' is no name for a source: it must be a relative path "
            + "that ends in .sol, of at most 256 bytes")
      }
      guard paths.insert(path).inserted else { throw .refused("'\(name)' stands there twice") }
      memory.add(path, Array(text.utf8))
    }
    let selection = ContractSelection(
      path: texts.count == 1 ? texts[0].name : ".", contract: contract)
    return Chosen(
      selection: selection, name: texts.count == 1 ? texts[0].name : "the files given",
      access: access(memory, "/", call))
  }

  private func access(
    _ fileSystem: any FileSystem, _ workingDirectory: String, _ call: ToolCall
  ) -> SourceAccess {
    SourceAccess(
      fileSystem: fileSystem, workingDirectory: workingDirectory, pool: pool,
      observe: { done, total in
        if call.isCancelled { throw ToolFailure.cancelled }
        call.report(Double(done), of: Double(total), "\(done) of \(total) files")
      })
  }

  // MARK: Arguments

  /// The names of the arguments that `chosen` reads.
  static let names = ["path", "source", "name", "files", "contract"]

  /// What `path`, `source` and `files` ask for.
  func chosen(_ arguments: ToolArguments, for call: ToolCall) throws(ToolFailure) -> Chosen {
    let (path, source) = (try arguments.string("path"), try arguments.string("source"))
    let (files, contract) = (arguments["files"], try arguments.string("contract"))
    switch (path, source, files) {
    case (let path?, nil, nil):
      return try self.path(contract.map { path + ":" + $0 } ?? path, for: call)
    case (nil, let source?, nil):
      let name = try arguments.string("name") ?? "Contract.sol"
      return try texts([(name, source)], contract: contract, for: call)
    case (nil, nil, .object(let members)?):
      var texts: [(name: String, text: String)] = []
      for member in members {
        guard let text = member.value.stringValue else {
          throw .refused("'files' must hold texts by name")
        }
        texts.append((member.name, text))
      }
      return try self.texts(texts, contract: contract, for: call)
    default:
      throw .refused(
        "give exactly one of 'path' (a file or directory), 'source' (the text of one file) and 'files' "
          + "(texts by name)")
    }
  }

  /// The schema of those arguments.
  static let schema: KeyValuePairs<String, JSONValue> = [
    "path": ToolSchema.value(
      "string",
      "A Solidity file or a directory, as PATH or PATH:Contract. Give this, source or files."),
    "source": ToolSchema.value("string", "The text of one Solidity file."),
    "name": ToolSchema.value("string", "What to call that file in the result; ends in .sol."),
    "files": .members([
      "type": "object", "additionalProperties": ToolSchema.strings,
      "description":
        "The texts of several Solidity files by relative path, which can import each other.",
    ]),
    "contract": ToolSchema.value("string", "Look at this contract alone."),
  ]
}

/// Runs the work of a tool on a thread of its own, whose stack has room for deep syntax trees.
enum ToolWork {
  static func run(
    _ body: @escaping @Sendable () throws -> ToolResult
  ) async throws(ToolFailure) -> ToolResult {
    let outcome = await withCheckedContinuation {
      (continuation: CheckedContinuation<Result<ToolResult, any Error>, Never>) in
      let thread = Thread { continuation.resume(returning: Result { try body() }) }
      thread.stackSize = WorkerPool.stackSize
      thread.start()
    }
    switch outcome {
    case .success(let result): return result
    case .failure(let failure as ToolFailure): throw failure
    case .failure(let error):
      throw .refused(CommandFailure(error)?.message ?? "\(error)")
    }
  }
}
