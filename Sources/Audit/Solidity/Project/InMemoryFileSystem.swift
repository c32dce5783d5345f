/// A file tree held in memory, optionally on top of another one.
///
/// Carries the sources of standard-JSON inputs and the trees of tests.
public struct InMemoryFileSystem: FileSystem {
  private var files: [String: [UInt8]] = [:]
  private var directories: [String: [String: FileKind]] = [:]
  private var base: (any FileSystem)?

  /// Makes an empty tree; what it does not hold is looked up in `base`.
  public init(over base: (any FileSystem)? = nil) { self.base = base }

  /// Makes a tree from absolute paths and texts.
  public init(_ texts: [String: String]) {
    base = nil
    for (path, text) in texts { add(path, Array(text.utf8)) }
  }

  /// The same tree with `base` behind it.
  func over(_ base: any FileSystem) -> InMemoryFileSystem {
    var copy = self
    copy.base = base
    return copy
  }

  /// Adds or replaces a file and the directories above it.
  public mutating func add(_ path: String, _ bytes: [UInt8]) {
    let path = SourcePath.normalized(path)
    files[path] = bytes
    var child = path
    var kind = FileKind.file
    while child != "/", child != "." {
      let parent = SourcePath.parent(of: child)
      directories[parent, default: [:]][SourcePath.lastComponent(of: child)] = kind
      child = parent
      kind = .directory
    }
  }

  /// What stands at a path.
  public func kind(of path: String) -> FileKind? {
    if files[path] != nil { return .file }
    if let kind = base?.kind(of: path) { return kind }
    return directories[path] != nil ? .directory : nil
  }

  /// The names in a directory in byte order.
  public func list(_ directory: String) throws(FileSystemError) -> [DirectoryEntry] {
    guard let names = directories[directory] else {
      guard let base else { throw .missing(path: directory) }
      return try base.list(directory)
    }
    var kinds = names
    if let below = try? base?.list(directory) {
      for entry in below where kinds[entry.name] == nil { kinds[entry.name] = entry.kind }
    }
    return kinds.map { DirectoryEntry(name: $0.key, kind: $0.value) }
      .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// The bytes of a file of at most `limit` bytes.
  public func read(_ path: String, limit: Int) throws(FileSystemError) -> [UInt8] {
    guard let bytes = files[path] else {
      guard let base else {
        throw directories[path] == nil ? .missing(path: path) : .notAFile(path: path)
      }
      return try base.read(path, limit: limit)
    }
    guard bytes.count <= limit else {
      throw .tooLarge(path: path, size: bytes.count, limit: limit)
    }
    return bytes
  }

  /// The path with all links resolved; memory holds none.
  public func resolvingLinks(_ path: String) -> String {
    files[path] != nil ? path : base?.resolvingLinks(path) ?? path
  }
}
