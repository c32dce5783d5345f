import Dispatch
import Foundation
import Synchronization

/// The files of one revision of a git repository, read through `git` without touching the working tree.
public struct GitRevision: Sendable {
  /// The working tree's top directory; the revision's files appear below it.
  public let topDirectory: String
  /// The commit's full name.
  public let commit: String
  /// The revision's files; dependencies that are not part of the repository come from the working tree.
  public let fileSystem: any FileSystem
  /// What could not be taken from the revision itself.
  public let diagnostics: [ProjectDiagnostic]

  /// Names of files besides sources that matter for loading a project.
  private static let settings: Set<String> = ProjectLayout.markers.union(["package.json"])

  /// Finds out whether `revision` names a commit of the repository around `directory`.
  public static func commit(_ revision: String, in directory: String) throws(ProjectError)
    -> String?
  {
    guard !revision.isEmpty, !revision.hasPrefix("-") else { return nil }
    let answer = try git(
      ["rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}"],
      in: directory)
    guard answer.status == 0 else { return nil }
    return String(decoding: answer.output, as: UTF8.self).trimmingSpaces()
  }

  /// Reads a revision.
  ///
  /// - Parameters:
  ///   - revision: anything `git rev-parse` takes for a commit.
  ///   - directory: a directory inside the repository.
  public init(_ revision: String, in directory: String) throws(ProjectError) {
    guard let commit = try Self.commit(revision, in: directory) else {
      throw .git(message: "'\(revision)' is no commit of the repository around \(directory)")
    }
    let answer = try Self.git(["rev-parse", "--show-toplevel"], in: directory)
    guard answer.status == 0 else { throw .git(message: answer.message) }
    self.commit = commit
    topDirectory = SourcePath.normalized(
      String(decoding: answer.output, as: UTF8.self).trimmingSpaces())

    var loader = RevisionLoader(topDirectory: topDirectory)
    try loader.load(commit, at: topDirectory, depth: 0)
    fileSystem = loader.fileSystem
    diagnostics = loader.diagnostics
  }

  /// Gathers the files of a commit and of the submodules it names.
  private struct RevisionLoader {
    private var files: InMemoryFileSystem
    private var workingTreePlaces: [String] = []
    private let topDirectory: String
    private(set) var diagnostics: [ProjectDiagnostic] = []

    init(topDirectory: String) {
      self.topDirectory = topDirectory
      files = InMemoryFileSystem()
    }

    var fileSystem: any FileSystem {
      files.over(
        WorkingTreeRemainder(topDirectory: topDirectory, places: workingTreePlaces))
    }

    mutating func load(_ commit: String, at top: String, depth: Int) throws(ProjectError) {
      let tree = try git(["ls-tree", "-r", "-z", "--full-tree", commit], in: top)
      guard tree.status == 0 else { throw .git(message: tree.message) }
      var wanted: [(name: String, object: String)] = []
      for entry in tree.output.split(separator: 0) {
        // MODE SP TYPE SP OBJECT TAB NAME
        let text = String(decoding: entry, as: UTF8.self)
        guard let tab = text.firstIndex(of: "\t") else { continue }
        let fields = text[..<tab].split(separator: " ")
        guard fields.count == 3 else { continue }
        let path = SourcePath.joined(top, String(text[text.index(after: tab)...]))
        if fields[1] == "commit" {
          loadSubmodule(String(fields[2]), at: path, depth: depth)
        } else if path.hasSuffix(".sol")
          || GitRevision.settings.contains(SourcePath.lastComponent(of: path))
        {
          wanted.append((path, String(fields[2])))
        }
      }
      let request = wanted.map { $0.object + "\n" }.joined()
      let blobs = try git(["cat-file", "--batch"], in: top, input: Array(request.utf8))
      guard blobs.status == 0 else { throw .git(message: blobs.message) }
      try take(wanted.map(\.name), from: blobs.output)
    }

    private mutating func loadSubmodule(_ commit: String, at path: String, depth: Int) {
      // A submodule's directory without its own .git answers for the repository around it.
      let local = LocalFileSystem()
      if depth < 8, local.kind(of: path + "/.git") != nil,
        let answer = try? git(["cat-file", "-e", commit + "^{commit}"], in: path),
        answer.status == 0, (try? load(commit, at: path, depth: depth + 1)) != nil
      {
        return
      }
      workingTreePlaces.append(path)
      if local.isDirectory(path) {
        diagnostics.append(
          .note(
            "\(path): the submodule's commit \(commit.prefix(12)) is not here; "
              + "its files are taken from the working tree"))
      }
    }

    /// Cuts the answer of `git cat-file --batch` into blobs.
    private mutating func take(_ names: [String], from output: [UInt8]) throws(ProjectError) {
      var position = 0
      for name in names {
        guard let end = output[position...].firstIndex(of: 0x0A) else {
          throw .git(message: "cat-file ended before \(name)")
        }
        let header = String(decoding: output[position..<end], as: UTF8.self).split(separator: " ")
        guard header.count == 3, let size = Int(header[2]), size >= 0,
          end + 1 + size <= output.count
        else { throw .git(message: "\(name) is missing from the repository") }
        files.add(name, Array(output[end + 1..<end + 1 + size]))
        position = min(end + 1 + size + 1, output.count)
      }
    }
  }

  private struct Answer {
    let status: Int32
    let output: [UInt8]
    let message: String
  }

  private static func git(
    _ arguments: [String], in directory: String, input: [UInt8] = []
  ) throws(ProjectError) -> Answer {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["git", "--no-pager", "-c", "core.quotepath=false"] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    var environment = ProcessInfo.processInfo.environment
    environment["LC_ALL"] = "C"
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    process.environment = environment
    let (standardInput, output, errors) = (Pipe(), Pipe(), Pipe())
    process.standardInput = standardInput
    process.standardOutput = output
    process.standardError = errors
    do {
      try process.run()
    } catch {
      throw .gitMissing(reason: "\(error)")
    }
    // Both other ends must move while the answer is read, or full pipes would stop git.
    let writer = standardInput.fileHandleForWriting
    let feeding = Thread {
      try? writer.write(contentsOf: Data(input))
      try? writer.close()
    }
    feeding.start()
    let messages = DrainedPipe(errors.fileHandleForReading)
    let data = (try? output.fileHandleForReading.readToEnd()) ?? Data()
    process.waitUntilExit()
    let status = process.terminationStatus
    let message = String(decoding: messages.wait(), as: UTF8.self).trimmingSpaces()
    // env itself answers 127 when it does not find the program.
    if status == 127 { throw .gitMissing(reason: message.isEmpty ? "not found" : message) }
    return Answer(status: status, output: Array(data), message: message)
  }
}

/// Reads a pipe to its end on a thread of its own.
private final class DrainedPipe: Sendable {
  private let done = DispatchSemaphore(value: 0)
  private let data = Mutex(Data())

  init(_ handle: FileHandle) {
    let thread = Thread { [self] in
      let all = (try? handle.readToEnd()) ?? Data()
      data.withLock { $0 = all }
      done.signal()
    }
    thread.start()
  }

  func wait() -> Data {
    done.wait()
    return data.withLock { $0 }
  }
}

/// What of the working tree may stand in for files that are no part of a revision: everything outside of
/// the repository, `node_modules`, and submodules whose commit is not at hand.
private struct WorkingTreeRemainder: FileSystem {
  private let local = LocalFileSystem()
  private let topDirectory: String
  private let places: [String]

  init(topDirectory: String, places: [String]) {
    self.topDirectory = topDirectory
    self.places = places
  }

  private func isOpen(_ path: String) -> Bool {
    guard let below = SourcePath.relative(path, to: topDirectory) else { return true }
    return below.split(separator: "/").contains("node_modules")
      || places.contains { SourcePath.isWithin(path, $0) }
  }

  func kind(of path: String) -> FileKind? { isOpen(path) ? local.kind(of: path) : nil }

  func list(_ directory: String) throws(FileSystemError) -> [DirectoryEntry] {
    guard isOpen(directory) else { throw .missing(path: directory) }
    return try local.list(directory)
  }

  func read(_ path: String, limit: Int) throws(FileSystemError) -> [UInt8] {
    guard isOpen(path) else { throw .missing(path: path) }
    return try local.read(path, limit: limit)
  }

  func resolvingLinks(_ path: String) -> String {
    isOpen(path) ? local.resolvingLinks(path) : path
  }
}
