import SoliditySyntax
import Synchronization

/// What may be chosen about loading a project.
public struct LoadingOptions: Sendable {
  /// Remappings from the command line; they win over those of the project.
  public var remappings: [Remapping]
  /// The most bytes of one source file.
  public var maximumFileSize: Int
  /// The most bytes of source that are analysed as one program where they can be divided.
  public var groupBudget: Int
  /// Called now and then while files are gathered, with the number of files read so far.
  public var progress: (@Sendable (_ files: Int) -> Void)?

  /// Makes options; 50 MB per file, 4 MB per program.
  public init(
    remappings: [Remapping] = [], maximumFileSize: Int = 50_000_000, groupBudget: Int = 4_000_000,
    progress: (@Sendable (_ files: Int) -> Void)? = nil
  ) {
    self.remappings = remappings
    self.maximumFileSize = maximumFileSize
    self.groupBudget = groupBudget
    self.progress = progress
  }
}

/// Files of a project that are parsed and resolved together.
public struct SourceGroup: Sendable {
  /// The files, in path order; every import that was found leads to one of them.
  public let files: [ProjectFile]
  /// For each file, whether this is the first group that holds it. What is reported about a file is
  /// reported from that group.
  public let isOwned: [Bool]
  /// Bytes of all files.
  public let size: Int
}

/// A parsed group.
public struct LoadedSources: Sendable {
  /// The files in path order.
  public let files: [ProjectFile]
  /// For each file, whether reports about it belong to this group.
  public let isOwned: [Bool]
  /// The trees; the number of each is its place, and that of its file.
  public let units: [SourceUnit]
  /// Where the imports lead.
  public let imports: ImportTable
  /// Why files could not be read, by place; their trees are empty and not understood.
  public let failures: [Int: FileSystemError]
  /// Imports whose file was not found, files that could not be read.
  public let diagnostics: [ProjectDiagnostic]
}

/// A file with its tree.
public struct LoadedFile: Sendable {
  /// The file.
  public let file: ProjectFile
  /// Its tree; nil when the file could not be read.
  public let unit: SourceUnit?
  /// Why it could not be read.
  public let failure: FileSystemError?
}

/// The files of a project, gathered but not parsed.
public final class Project: Sendable {
  /// The files asked for, in path order.
  public let requestedFiles: [ProjectFile]
  /// What was met while gathering.
  public let diagnostics: [ProjectDiagnostic]

  private let fileSystem: any FileSystem
  private let options: LoadingOptions
  private let layouts: ProjectLayouts
  private let resolver: ImportResolver
  private let display: DisplayPaths
  private let cache = ReadCache(budget: 48 << 20)

  /// Finds the files that `inputs` name. Nothing is read yet except configuration and JSON inputs.
  ///
  /// - Parameters:
  ///   - inputs: `.sol` files, directories, standard-JSON or build-info files; relative ones start at
  ///     `workingDirectory`.
  ///   - fileSystem: where to read.
  ///   - workingDirectory: absolute.
  public init(
    inputs: [String], fileSystem: any FileSystem = LocalFileSystem(),
    workingDirectory: String = LocalFileSystem.workingDirectory,
    options: LoadingOptions = LoadingOptions()
  ) throws(ProjectError) {
    var discovery = SourceDiscovery(fileSystem: fileSystem, workingDirectory: workingDirectory)
    try discovery.add(inputs: inputs)
    self.fileSystem = discovery.fileSystem
    self.options = options
    layouts = ProjectLayouts(fileSystem: discovery.fileSystem, stated: discovery.statedLayouts)
    resolver = ImportResolver(
      fileSystem: discovery.fileSystem, layouts: layouts, workingDirectory: workingDirectory,
      commandLine: options.remappings)
    display = DisplayPaths(inputs: discovery.inputs, workingDirectory: workingDirectory)
    let (layouts, display) = (layouts, display)
    requestedFiles = discovery.found.map { found in
      ProjectFile(
        path: found.path, displayPath: display.text(for: found.path),
        role: found.isExplicit ? .source : layouts.role(of: found.path, below: found.input),
        isRequested: true)
    }
    diagnostics = discovery.diagnostics + layouts.diagnostics.map(display.shown)
  }

  /// Reads and parses each requested file by itself, and hands them over in path order.
  public func forEachFile<Result: Sendable>(
    pool: WorkerPool = WorkerPool(), _ body: @escaping @Sendable (LoadedFile) -> Result,
    deliver: (Result) throws -> Void
  ) rethrows {
    try pool.forEachInOrder(
      count: requestedFiles.count, { index in body(self.load(self.requestedFiles[index])) },
      deliver: deliver)
  }

  private func read(_ path: String) throws(FileSystemError) -> [UInt8] {
    try fileSystem.read(path, limit: options.maximumFileSize)
  }

  private func load(_ file: ProjectFile) -> LoadedFile {
    do throws(FileSystemError) {
      let bytes = try read(file.path)
      let source = SourceFile(path: file.displayPath, bytes: bytes)
      return LoadedFile(file: file, unit: Parser.parse(source), failure: nil)
    } catch {
      return LoadedFile(file: file, unit: nil, failure: display.shown(error))
    }
  }

  /// Reads one file of the project again; nil when that fails.
  ///
  /// - Parameters:
  ///   - path: as `ProjectFile.path`.
  ///   - name: the path for people.
  public func source(at path: String, shownAs name: String) -> SourceFile? {
    guard let bytes = try? read(path) else { return nil }
    return SourceFile(path: name, bytes: bytes)
  }

  // MARK: Groups

  /// Follows the imports of the requested files and divides all files into groups that can be analysed one
  /// after the other, in path order of their first requested file.
  public func groups(pool: WorkerPool = WorkerPool()) -> [SourceGroup] {
    var files = requestedFiles
    var number: [String: Int] = [:]
    for (index, file) in files.enumerated() { number[file.path] = index }
    var scans: [ScannedFile] = []
    var edges: [[Int]] = []
    while scans.count < files.count {
      let new = Array(files[scans.count...])
      pool.forEachInOrder(count: new.count, { self.scan(new[$0]) }) { scan in
        scans.append(scan)
        if scans.count % 1000 == 0 { options.progress?(scans.count) }
      }
      for index in edges.count..<scans.count {
        var targets: Set<Int> = []
        let importer = files[index]
        for path in scans[index].imports {
          guard case .found(let target) = resolver.resolve(path, importedBy: importer.path) else {
            continue
          }
          if let known = number[target] {
            targets.insert(known)
          } else {
            number[target] = files.count
            targets.insert(files.count)
            files.append(importedFile(target))
          }
        }
        scans[index].imports = []
        edges.append(targets.sorted())
      }
    }
    return divide(files, scans, edges)
  }

  private struct ScannedFile: Sendable {
    var imports: [String]
    let contracts: [String]
    let size: Int
  }

  private func scan(_ file: ProjectFile) -> ScannedFile {
    guard let bytes = try? read(file.path) else {
      return ScannedFile(imports: [], contracts: [], size: 0)
    }
    let scan = ImportScanner(bytes)
    cache.keep(bytes, of: file.path)
    return ScannedFile(imports: scan.imports, contracts: scan.contracts, size: bytes.count)
  }

  private func importedFile(_ path: String) -> ProjectFile {
    ProjectFile(
      path: path, displayPath: display.text(for: path), role: layouts.role(of: path, below: nil),
      isRequested: false)
  }

  private func divide(
    _ files: [ProjectFile], _ scans: [ScannedFile], _ edges: [[Int]]
  ) -> [SourceGroup] {
    // Path order makes both the groups and the numbers of units independent of who imported what first.
    let order = files.indices.sorted {
      files[$0].path.utf8.lexicographicallyPrecedes(files[$1].path.utf8)
    }
    var place = [Int](repeating: 0, count: files.count)
    for (new, old) in order.enumerated() { place[old] = new }
    let nodes = order.map { old in
      ImportGraph.Node(
        path: files[old].path, size: scans[old].size, contracts: scans[old].contracts,
        imports: edges[old].map { place[$0] }.sorted(),
        project: layouts.enclosing(SourcePath.parent(of: files[old].path)).first?.root,
        isRequested: files[old].isRequested)
    }
    let groups = ImportGraph(nodes: nodes).groups(budget: options.groupBudget)
    let requested = groups.map { group in
      group.owned.first { nodes[$0].isRequested } ?? group.owned.first ?? 0
    }
    return groups.indices.sorted { requested[$0] < requested[$1] }.map { index in
      let owned = Set(groups[index].owned)
      return SourceGroup(
        files: groups[index].members.map { files[order[$0]] },
        isOwned: groups[index].members.map { owned.contains($0) },
        size: groups[index].members.reduce(0) { $0 + nodes[$1].size })
    }
  }

  /// Reads and parses the files of a group.
  public func load(_ group: SourceGroup, pool: WorkerPool = WorkerPool(workers: 1))
    -> LoadedSources
  {
    var files = group.files
    var isOwned = group.isOwned
    var number: [String: Int32] = [:]
    for (index, file) in files.enumerated() { number[file.path] = Int32(clamping: index) }
    var units: [SourceUnit] = []
    var imports = ImportTable()
    var failures: [Int: FileSystemError] = [:]
    var diagnostics: [ProjectDiagnostic] = []
    var resolved = 0
    while units.count < files.count {
      let (start, new) = (units.count, Array(files[units.count...]))
      let parsed: [Parsed] =
        pool.workers == 1
        ? new.indices.map { parse(new[$0], number: start + $0) }
        : pool.map(count: new.count) { self.parse(new[$0], number: start + $0) }
      for item in parsed {
        units.append(item.unit)
        if let failure = item.failure {
          failures[units.count - 1] = failure
          diagnostics.append(.unreadable(failure))
        }
      }
      while resolved < units.count {
        let (unit, file) = (units[resolved], files[resolved])
        for case .import(let directive) in unit.items {
          switch resolver.resolve(directive.path, importedBy: file.path) {
          case .found(let path):
            if let target = number[path] {
              imports[directive] = target
            } else {
              // The scan that drew the graph did not see this import; the parser's word counts.
              let target = Int32(clamping: files.count)
              number[path] = target
              imports[directive] = target
              files.append(importedFile(path))
              isOwned.append(true)
            }
          case .missing(let tried, let hint):
            guard isOwned[resolved] else { continue }
            diagnostics.append(
              .missingImport(
                path: file.displayPath,
                position: unit.source.position(at: Int(directive.pathRange.start)),
                importPath: directive.path, tried: tried.map { display.text(for: $0) },
                hint: hint))
          }
        }
        resolved += 1
      }
    }
    return LoadedSources(
      files: files, isOwned: isOwned, units: units, imports: imports, failures: failures,
      diagnostics: diagnostics)
  }

  private struct Parsed: Sendable {
    let unit: SourceUnit
    let failure: FileSystemError?
  }

  private func parse(_ file: ProjectFile, number: Int) -> Parsed {
    do throws(FileSystemError) {
      let bytes: [UInt8]
      if let kept = cache.take(file.path) {
        bytes = kept
      } else {
        bytes = try read(file.path)
      }
      let source = SourceFile(path: file.displayPath, bytes: bytes)
      return Parsed(unit: Parser.parse(source, unit: Int32(clamping: number)), failure: nil)
    } catch {
      let failure = display.shown(error)
      let unit = SourceUnit(
        number: Int32(clamping: number), source: SourceFile(path: file.displayPath, bytes: []),
        language: LanguageVersion(dialect: .newest, oldest: .oldest, isPinned: false), items: [],
        diagnostics: [
          SyntaxDiagnostic(message: "\(failure)", range: SourceRange(start: 0, end: 0))
        ],
        licence: nil, nodeCount: 0)
      return Parsed(unit: unit, failure: failure)
    }
  }

  /// Groups up to this many bytes are worked on side by side; larger ones one at a time, so that memory
  /// stays within one large group.
  private static let smallGroup = 256 << 10

  /// Loads every group, computes `body` on it, and hands the results over in path order. A group's trees
  /// live no longer than its computation.
  public func forEachGroup<Result: Sendable>(
    pool: WorkerPool = WorkerPool(),
    _ body: @escaping @Sendable (LoadedSources) -> Result,
    deliver: (Result) throws -> Void
  ) rethrows {
    let groups = groups(pool: pool)
    var start = 0
    while start < groups.count {
      var end = start
      while end < groups.count, groups[end].size <= Self.smallGroup { end += 1 }
      if end > start {
        let run = Array(groups[start..<end])
        try pool.forEachInOrder(
          count: run.count, { body(self.load(run[$0])) }, deliver: deliver)
      } else {
        end = start + 1
        let group = groups[start]
        let sources = load(group, pool: pool)
        try deliver(WorkerPool.onLargeStack { body(sources) })
      }
      start = end
    }
  }
}

/// Bytes of files that were read while drawing the graph, kept for parsing as far as a budget goes.
private final class ReadCache: Sendable {
  private struct State {
    var bytes: [String: [UInt8]] = [:]
    var room: Int
  }
  private let state: Mutex<State>

  init(budget: Int) { state = Mutex(State(room: budget)) }

  func keep(_ bytes: [UInt8], of path: String) {
    state.withLock { state in
      guard bytes.count <= state.room, state.bytes[path] == nil else { return }
      state.room -= bytes.count
      state.bytes[path] = bytes
    }
  }

  func take(_ path: String) -> [UInt8]? {
    state.withLock { state in
      let bytes = state.bytes.removeValue(forKey: path)
      state.room += bytes?.count ?? 0
      return bytes
    }
  }
}

extension DisplayPaths {
  fileprivate func shown(_ error: FileSystemError) -> FileSystemError {
    switch error {
    case .missing(let path): .missing(path: text(for: path))
    case .denied(let path): .denied(path: text(for: path))
    case .notAFile(let path): .notAFile(path: text(for: path))
    case .tooLarge(let path, let size, let limit):
      .tooLarge(path: text(for: path), size: size, limit: limit)
    case .failed(let path, let reason): .failed(path: text(for: path), reason: reason)
    }
  }

  fileprivate func shown(_ diagnostic: ProjectDiagnostic) -> ProjectDiagnostic {
    switch diagnostic {
    case .configuration(let path, let line, let message):
      .configuration(path: text(for: path), line: line, message: message)
    case .unreadable(let error): .unreadable(shown(error))
    case .missingImport, .note: diagnostic
    }
  }
}
