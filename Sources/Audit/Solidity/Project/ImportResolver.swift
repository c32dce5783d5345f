import Synchronization

/// Where an import leads.
enum ImportResolution: Hashable, Sendable {
  case found(String)
  case missing(tried: [String], hint: String)
}

/// Finds the file that an import path names, the way the usual tools set the compiler up.
///
/// Relative paths start at the importing file. Other paths go through remappings (command line, then
/// project) and then, from the project's root, through its dependency directories, its source directories,
/// `node_modules` upwards, and the directories above the importing file.
final class ImportResolver: Sendable {
  private struct Key: Hashable {
    let directory: String
    let path: String
  }

  private let fileSystem: any FileSystem
  private let layouts: ProjectLayouts
  private let workingDirectory: String
  private let commandLine: [Remapping]
  private let known = Mutex<[Key: ImportResolution]>([:])
  /// How many answers are remembered; files of one project ask for the same few, so more would only take memory.
  private static let maximumKnown = 50_000

  init(
    fileSystem: any FileSystem, layouts: ProjectLayouts, workingDirectory: String,
    commandLine: [Remapping]
  ) {
    self.fileSystem = fileSystem
    self.layouts = layouts
    self.workingDirectory = workingDirectory
    self.commandLine = commandLine
  }

  /// The file that `path` names when the file at `importer` (absolute) imports it.
  func resolve(_ path: String, importedBy importer: String) -> ImportResolution {
    let directory = SourcePath.parent(of: importer)
    // Contexts of remappings may name single files; apart from that the directory decides.
    let key = Key(directory: hasFileContexts(directory) ? importer : directory, path: path)
    if let answer = known.withLock({ $0[key] }) { return answer }
    let answer = search(path, importer: importer, directory: directory)
    known.withLock { known in
      if known.count >= Self.maximumKnown { known.removeAll(keepingCapacity: true) }
      known[key] = answer
    }
    return answer
  }

  private func hasFileContexts(_ directory: String) -> Bool {
    commandLine.hasFileContexts || layouts.enclosing(directory).contains(where: \.hasFileContexts)
  }

  private func search(_ path: String, importer: String, directory: String) -> ImportResolution {
    var attempts = Attempts(fileSystem: fileSystem)
    guard !path.isEmpty else {
      return .missing(tried: [], hint: "write the path of the file to import")
    }
    let projects = layouts.enclosing(directory).inOrderOfAuthority(for: directory)

    if path.hasPrefix("./") || path.hasPrefix("../") {
      let direct = SourcePath.joined(directory, path)
      if attempts.found(direct) { return .found(direct) }
      // The compiler applies remappings to relative imports too, after making them whole.
      for project in projects {
        if let name = SourcePath.relative(direct, to: project.root),
          let target = remapped(name, importer, project), attempts.found(target)
        {
          return .found(target)
        }
      }
      return .missing(
        tried: attempts.tried, hint: "check the path, or add the missing file")
    }

    if SourcePath.isAbsolute(path) {
      let direct = SourcePath.normalized(path)
      if attempts.found(direct) { return .found(direct) }
    }

    for project in projects {
      if let target = remapped(path, importer, project), attempts.found(target) {
        return .found(target)
      }
      if let found = inProject(path, project, &attempts) { return .found(found) }
    }
    if projects.isEmpty,
      let target = commandLine.rewriting(path, importedBy: displayName(importer))
    {
      let file = SourcePath.joined(workingDirectory, target)
      if attempts.found(file) { return .found(file) }
    }
    for ancestor in SourcePath.ancestors(of: directory) {
      let candidate = SourcePath.joined(ancestor, "node_modules/" + path)
      if attempts.found(candidate) { return .found(candidate) }
    }
    // A file named from some directory above: half-finished projects and plain collections of files.
    for ancestor in SourcePath.ancestors(of: directory) where ancestor != "/" {
      let candidate = SourcePath.joined(ancestor, path)
      if attempts.found(candidate) { return .found(candidate) }
      for library in ["lib/", "contracts/", "src/"] {
        let candidate = SourcePath.joined(ancestor, library + path)
        if attempts.found(candidate) { return .found(candidate) }
      }
    }
    let fromWorkingDirectory = SourcePath.joined(workingDirectory, path)
    if attempts.found(fromWorkingDirectory) { return .found(fromWorkingDirectory) }
    return .missing(tried: Array(attempts.tried.prefix(4)), hint: hint(for: path))
  }

  /// The path rewritten by the command line's rules, else the project's, else those of its dependencies.
  private func remapped(
    _ path: String, _ importer: String, _ project: ProjectLayout
  ) -> String? {
    if let target = commandLine.rewriting(path, importedBy: displayName(importer)) {
      let direct = SourcePath.joined(workingDirectory, target)
      if fileSystem.isFile(direct) { return direct }
      return SourcePath.joined(project.root, target)
    }
    let name = SourcePath.relative(importer, to: project.root) ?? importer
    if let target = project.remappings.rewriting(path, importedBy: name) {
      return SourcePath.joined(project.root, target)
    }
    return nil
  }

  private func inProject(
    _ path: String, _ project: ProjectLayout, _ attempts: inout Attempts
  ) -> String? {
    let direct = SourcePath.joined(project.root, path)
    if attempts.found(direct) { return direct }
    // name/rest: Foundry guesses the rule name/=lib/name/src/ and the like.
    if let slash = path.firstIndex(of: "/") {
      let rest = String(path[path.index(after: slash)...])
      for home in project.dependencies[String(path[..<slash])] ?? [] {
        for place in ["src/", "contracts/", "", "lib/"] {
          let candidate = SourcePath.joined(home, place + rest)
          if attempts.found(candidate) { return candidate }
        }
      }
    }
    if let target = project.dependencyRemappings.rewriting(path, importedBy: "") {
      let candidate = SourcePath.normalized(target)
      if attempts.found(candidate) { return candidate }
    }
    for directory in project.libraryDirectories + project.sourceDirectories {
      let candidate = SourcePath.joined(directory, path)
      if attempts.found(candidate) { return candidate }
    }
    return nil
  }

  private func displayName(_ path: String) -> String {
    SourcePath.relative(path, to: workingDirectory) ?? path
  }

  private func hint(for path: String) -> String {
    if path.contains("://") {
      return "nothing is downloaded: fetch the file and add --remap \(path)=LOCAL/FILE.sol"
    }
    guard let slash = path.firstIndex(of: "/") else {
      return "write ./\(path) for a file beside this one, or add --remap \(path)=PATH"
    }
    let package = path[...slash]
    return "install the dependency (forge install, npm install), "
      + "or add --remap \(package)=DIRECTORY/"
  }
}

/// The paths looked at, in order, each once.
private struct Attempts {
  let fileSystem: any FileSystem
  private(set) var tried: [String] = []

  init(fileSystem: any FileSystem) { self.fileSystem = fileSystem }

  mutating func found(_ path: String) -> Bool {
    if fileSystem.isFile(path) { return true }
    if !tried.contains(path) { tried.append(path) }
    return false
  }
}
