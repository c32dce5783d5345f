/// The files that the given paths name, before any import is followed.
struct SourceDiscovery {
  /// A file asked for, and the input it lies below.
  struct Found: Hashable {
    let path: String
    /// The directory given, or the file itself.
    let input: String
    /// Whether the file itself was given, or listed in a JSON input.
    let isExplicit: Bool
  }

  private(set) var found: [Found] = []
  private(set) var diagnostics: [ProjectDiagnostic] = []
  /// The inputs as written.
  private(set) var inputs: [DisplayPaths.Input] = []
  /// Layouts that JSON inputs state.
  private(set) var statedLayouts: [ProjectLayout] = []
  /// The file system, with sources carried in JSON inputs added.
  private(set) var fileSystem: any FileSystem

  private let workingDirectory: String

  init(fileSystem: any FileSystem, workingDirectory: String) {
    self.fileSystem = fileSystem
    self.workingDirectory = workingDirectory
  }

  mutating func add(inputs: [String]) throws(ProjectError) {
    for text in inputs { try add(input: text) }
    var seen: Set<String> = []
    // A file given by itself keeps that rank over the same file met below a directory.
    found.sort {
      $0.path == $1.path
        ? ($0.isExplicit && !$1.isExplicit)
        : $0.path.utf8.lexicographicallyPrecedes($1.path.utf8)
    }
    found = found.filter { seen.insert($0.path).inserted }
  }

  private mutating func add(input text: String) throws(ProjectError) {
    let path = SourcePath.joined(workingDirectory, text)
    switch fileSystem.kind(of: path) {
    case nil:
      // Asked again through reading: the answer tells "not there" from "not allowed to look".
      do {
        _ = try fileSystem.list(SourcePath.parent(of: path))
      } catch {
        if case .denied = error { throw .unreadable(.denied(path: text)) }
      }
      throw .unreadable(.missing(path: text))
    case .special:
      throw .unreadable(.notAFile(path: text))
    case .directory:
      inputs.append(.init(path: path, text: Self.trimmed(text), isDirectory: true))
      try walk(path, text: text)
    case .file:
      if path.hasSuffix(".sol") {
        inputs.append(.init(path: path, text: text, isDirectory: false))
        found.append(Found(path: path, input: path, isExplicit: true))
      } else if path.hasSuffix(".json") {
        try add(compilerInput: path, text: text)
      } else {
        throw .notSolidity(path: text)
      }
    }
  }

  private static func trimmed(_ text: String) -> String {
    var text = text[...]
    while text.count > 1, text.last == "/" { text.removeLast() }
    return String(text)
  }

  // MARK: Directories

  private mutating func walk(_ root: String, text: String) throws(ProjectError) {
    var skipped: [String] = []
    var links: [String] = []
    var files: [String] = []
    var linkedFiles: [String] = []
    var visited: Set<String> = []
    var pending = [root]
    var ignored: [ProjectDiagnostic] = []
    while true {
      if pending.isEmpty {
        // Links come last: what they lead to may have been met under its own name meanwhile.
        guard let link = links.popLast() else { break }
        let target = fileSystem.resolvingLinks(link)
        if visited.contains(target) || SourcePath.isWithin(target, fileSystem.resolvingLinks(root))
        {
          continue
        }
        visited.insert(target)
        pending.append(link)
      }
      let directory = pending.removeLast()
      let entries: [DirectoryEntry]
      do {
        entries = try fileSystem.list(directory)
      } catch {
        if directory == root { throw .unreadable(Self.renamed(error, text)) }
        diagnostics.append(.unreadable(error))
        continue
      }
      let layout = ProjectLayout(readingFrom: directory, in: fileSystem, diagnostics: &ignored)
      let closed = Set((layout?.libraryDirectories ?? []) + (layout?.buildDirectories ?? []))
      for entry in entries {
        let path = directory == "/" ? "/" + entry.name : directory + "/" + entry.name
        switch entry.kind {
        case .directory:
          if entry.name.hasPrefix(".") { continue }
          if entry.name == "node_modules" || closed.contains(path) {
            skipped.append(entry.name)
          } else if entry.isLink {
            links.append(path)
          } else {
            pending.append(path)
          }
        case .file where entry.name.hasSuffix(".sol"):
          if entry.isLink { linkedFiles.append(path) } else { files.append(path) }
        case .file, .special:
          continue
        }
      }
    }
    let known = Set(files)
    var targets: Set<String> = []
    for path in linkedFiles.sorted() {
      let target = fileSystem.resolvingLinks(path)
      if known.contains(target) || !targets.insert(target).inserted { continue }
      files.append(path)
    }
    guard !files.isEmpty else {
      throw .noSolidity(directory: text, skipped: Set(skipped).sorted())
    }
    found += files.map { Found(path: $0, input: root, isExplicit: false) }
  }

  private static func renamed(_ error: FileSystemError, _ text: String) -> FileSystemError {
    switch error {
    case .missing: .missing(path: text)
    case .denied: .denied(path: text)
    case .notAFile: .notAFile(path: text)
    case .tooLarge(_, let size, let limit): .tooLarge(path: text, size: size, limit: limit)
    case .failed(_, let reason): .failed(path: text, reason: reason)
    }
  }

  // MARK: JSON inputs

  private mutating func add(compilerInput path: String, text: String) throws(ProjectError) {
    let bytes: [UInt8]
    do {
      bytes = try fileSystem.read(path, limit: CompilerInput.maximumSize)
    } catch {
      throw .unreadable(Self.renamed(error, text))
    }
    let input = try CompilerInput(path: text, bytes: bytes)
    if !input.sources.isEmpty {
      // The sources lie below the JSON file as if it were a directory: no other file can be there.
      var memory = InMemoryFileSystem(over: fileSystem)
      let own = Self.withoutDependencies(input.sources.map(\.name))
      for source in input.sources {
        let file = SourcePath.normalized(path + "/" + source.name)
        guard SourcePath.isWithin(file, path), file != path else {
          throw .badInput(path: text, message: "the source name '\(source.name)' leads outside")
        }
        memory.add(file, source.bytes)
        inputs.append(.init(path: file, text: source.name, isDirectory: false))
        if own.contains(source.name) {
          found.append(Found(path: file, input: path, isExplicit: true))
        }
      }
      fileSystem = memory
      statedLayouts.append(ProjectLayout(root: path, remappings: input.remappings))
      return
    }
    var missing: [String] = []
    let places = SourcePath.ancestors(of: SourcePath.parent(of: path)) + [workingDirectory]
    let own = Self.withoutDependencies(input.pathsOnly)
    for name in input.pathsOnly where own.contains(name) {
      let candidates =
        SourcePath.isAbsolute(name)
        ? [SourcePath.normalized(name)] : places.map { SourcePath.joined($0, name) }
      if let file = candidates.first(where: { fileSystem.kind(of: $0) == .file }) {
        found.append(Found(path: file, input: file, isExplicit: true))
      } else {
        missing.append(name)
      }
    }
    guard missing.count < own.count else {
      throw .badInput(
        path: text,
        message: "the file holds no source text, and none of its \(missing.count) paths "
          + "(first: \(missing.first ?? "")) was found in the directories above it; "
          + "run from the project's root, or name the source directory instead")
    }
    for name in missing {
      diagnostics.append(.unreadable(.missing(path: name)))
    }
  }

  /// The names in a build's input that are the project's own: not those under which tools list packages. All of them
  /// where no other is left, and without sources in Yul unless there is nothing else.
  private static func withoutDependencies(_ names: [String]) -> Set<String> {
    let own = names.filter { name in
      let parts = name.split(separator: "/")
      let isPackage =
        name.hasPrefix("@") || parts.dropLast().contains("node_modules")
        || ["lib", "npm", "dependencies", "hardhat", "forge-std", "ds-test"].contains(parts.first)
      return !isPackage && !name.hasSuffix(".yul")
    }
    return Set(own.isEmpty ? names : own)
  }
}
