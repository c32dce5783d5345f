/// How a project is arranged on disk: what its configuration files say, and the conventions of the tools
/// that read them.
///
/// Sources: Foundry Book, "foundry.toml reference" and "Dependencies"; Hardhat documentation,
/// "Configuration"; Soldeer documentation.
public struct ProjectLayout: Hashable, Sendable {
  /// The directory the configuration lies in.
  public let root: String
  /// Directories of the project's own contracts; the first existing one serves bare import paths.
  public let sourceDirectories: [String]
  /// Directories of tests.
  public let testDirectories: [String]
  /// Directories of deployment scripts.
  public let scriptDirectories: [String]
  /// Directories that hold one dependency per entry (`lib`, `dependencies`, `node_modules`).
  public let libraryDirectories: [String]
  /// Directories of build results; never searched for sources.
  public let buildDirectories: [String]
  /// The rules stated in configuration files, in order; a later one wins among equals.
  public let remappings: [Remapping]
  /// Whether the context of some rule is a single file.
  let hasFileContexts: Bool
  /// The directories of each dependency by name, the least nested first.
  let dependencies: [String: [String]]
  /// Rules stated by the dependencies themselves, targets made absolute, the least nested last.
  let dependencyRemappings: [Remapping]

  /// Names of files that mark a project's root.
  static let markers: Set<String> = [
    "foundry.toml", "remappings.txt", "hardhat.config.ts", "hardhat.config.js",
    "hardhat.config.cjs", "hardhat.config.mjs", "truffle-config.js", "truffle.js",
    "brownie-config.yaml", "soldeer.toml",
  ]

  /// A layout with nothing but a root and rules, as standard-JSON inputs state it.
  init(root: String, remappings: [Remapping]) {
    self.root = root
    self.remappings = remappings
    sourceDirectories = []
    testDirectories = []
    scriptDirectories = []
    libraryDirectories = []
    buildDirectories = []
    hasFileContexts = remappings.hasFileContexts
    dependencies = [:]
    dependencyRemappings = []
  }

  /// Reads the layout of the project at `root`; nil when nothing marks it as one.
  init?(
    readingFrom root: String, in fileSystem: some FileSystem,
    diagnostics: inout [ProjectDiagnostic]
  ) {
    guard let entries = try? fileSystem.list(root) else { return nil }
    let names = Set(entries.map(\.name))
    // A package.json alone marks a project only beside sources: published packages nest them.
    let isPackage =
      names.contains("package.json")
      && !names.isDisjoint(with: ["contracts", "src", "node_modules"])
    guard isPackage || !names.isDisjoint(with: Self.markers) else { return nil }

    self.root = root
    let settings = FoundrySettings(root: root, in: fileSystem, diagnostics: &diagnostics)
    func absolute(_ paths: [String]) -> [String] { paths.map { SourcePath.joined(root, $0) } }
    sourceDirectories = absolute(settings.source.map { [$0] } ?? ["src", "contracts"])
    testDirectories = absolute(settings.test.map { [$0] } ?? ["test", "tests"])
    scriptDirectories = absolute(settings.script.map { [$0] } ?? ["script", "scripts"])
    var libraries = absolute(settings.libraries ?? ["lib"])
    for name in ["dependencies", "node_modules"] where names.contains(name) {
      let path = SourcePath.joined(root, name)
      if !libraries.contains(path) { libraries.append(path) }
    }
    libraryDirectories = libraries
    buildDirectories = absolute(
      ["out", "cache", "artifacts", "broadcast", "typechain-types", "coverage"]
        + settings.buildDirectories)
    remappings = settings.remappings
    hasFileContexts = remappings.hasFileContexts
    (dependencies, dependencyRemappings) = Self.indexDependencies(
      in: libraries.filter { SourcePath.lastComponent(of: $0) != "node_modules" }, fileSystem)
  }

  /// How deep dependencies of dependencies are looked for.
  private static let maximumNesting = 4
  /// How many dependency directories are looked at; trees beyond that are no hand-made projects.
  private static let maximumDependencies = 4096

  /// Finds each dependency's directory and the rules it states, breadth first so that the least nested
  /// of two with one name comes first.
  private static func indexDependencies(
    in directories: [String], _ fileSystem: some FileSystem
  ) -> ([String: [String]], [Remapping]) {
    var dependencies: [String: [String]] = [:]
    var levels: [[Remapping]] = []
    var current = directories
    var visited: Set<String> = []
    for _ in 0..<maximumNesting {
      var next: [String] = []
      var rules: [Remapping] = []
      for directory in current {
        for entry in (try? fileSystem.list(directory)) ?? []
        where entry.kind == .directory && !entry.name.hasPrefix(".") {
          let path = directory + "/" + entry.name
          guard visited.count < maximumDependencies,
            visited.insert(fileSystem.resolvingLinks(path)).inserted
          else { continue }
          dependencies[entry.name, default: []].append(path)
          // Soldeer puts versions behind the name: dependencies/@openzeppelin-contracts-5.0.2.
          if let dash = entry.name.lastIndex(of: "-"),
            entry.name[dash...].dropFirst().first?.isNumber == true
          {
            dependencies[String(entry.name[..<dash]), default: []].append(path)
          }
          var ignored: [ProjectDiagnostic] = []
          let settings = FoundrySettings(root: path, in: fileSystem, diagnostics: &ignored)
          rules += settings.remappings.map {
            Remapping(prefix: $0.prefix, target: SourcePath.slashed(path, $0.target))
          }
          for library in settings.libraries ?? ["lib"] {
            next.append(SourcePath.joined(path, library))
          }
        }
      }
      levels.append(rules)
      current = next
      if current.isEmpty { break }
    }
    return (dependencies, levels.reversed().flatMap { $0 })
  }
}

extension SourcePath {
  /// Joins like `joined`, keeping a slash at the end: in rules it carries meaning.
  static func slashed(_ base: String, _ path: String) -> String {
    let joined = joined(base, path)
    return path.hasSuffix("/") || path.isEmpty ? joined + "/" : joined
  }
}

/// What `foundry.toml` and `remappings.txt` of one directory say.
struct FoundrySettings {
  var source: String?
  var test: String?
  var script: String?
  var libraries: [String]?
  var buildDirectories: [String] = []
  var remappings: [Remapping] = []

  init(root: String, in fileSystem: some FileSystem, diagnostics: inout [ProjectDiagnostic]) {
    let limit = 4 << 20
    let listPath = SourcePath.joined(root, "remappings.txt")
    if let bytes = try? fileSystem.read(listPath, limit: limit) {
      let list = Remapping.parseList(String(decoding: bytes, as: UTF8.self))
      remappings = list.remappings
      for line in list.badLines {
        diagnostics.append(
          .configuration(
            path: listPath, line: line,
            message: "no 'prefix=target' rule; the line is passed over"))
      }
    }
    let path = SourcePath.joined(root, "foundry.toml")
    guard let bytes = try? fileSystem.read(path, limit: limit) else { return }
    do {
      let document = try TOMLDocument(String(decoding: bytes, as: UTF8.self))
      // Before profiles existed the settings stood in [default].
      func setting(_ key: String) -> TOMLValue? {
        document["profile", "default", key] ?? document["default", key] ?? document[key]
      }
      source = setting("src")?.string
      test = setting("test")?.string
      script = setting("script")?.string
      libraries = setting("libs")?.strings
      buildDirectories = ["out", "cache_path", "broadcast"].compactMap { setting($0)?.string }
      for text in setting("remappings")?.strings ?? [] {
        if let rule = Remapping(parsing: text) {
          remappings.append(rule)
        } else {
          diagnostics.append(
            .configuration(
              path: path, line: 1, message: "the remapping '\(text)' has no 'prefix=target' form"))
        }
      }
    } catch {
      diagnostics.append(
        .configuration(
          path: path, line: error.line,
          message: "\(error.message); default settings are used for this project"))
    }
  }
}
