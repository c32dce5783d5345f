import DurableFiles
import GGUF
import JSON

/// The list of models kept in the data directory: where their files are, and what they were when they were added.
public struct ModelRegistry: Hashable, Sendable {
  /// A file of a model.
  public struct File: Hashable, Sendable {
    /// The absolute path.
    public let path: String
    /// The size in bytes.
    public let byteCount: Int
    /// The time of the last change, in nanoseconds since 1970.
    public let modifiedNanoseconds: Int
    /// SHA-256 in hexadecimal.
    public let sha256: String
  }

  /// A model.
  public struct Entry: Hashable, Sendable {
    /// The name it is called by; no two models have the same.
    public let name: String
    /// Its files in their order; one for most models.
    public let files: [File]
    /// When it was added, in seconds since 1970.
    public let added: Int

    /// The path to open.
    public var path: String { files.first?.path ?? "" }
    /// The bytes of all files.
    public var byteCount: Int { files.reduce(0) { $0 + $1.byteCount } }
  }

  /// What became of a model's files since they were added, judged by size and time of change.
  public enum State: Hashable, Sendable {
    case unchanged
    /// A file is gone.
    case missing(path: String)
    /// A file has another size or was written to.
    case changed(path: String)
  }

  /// The models, by name.
  public private(set) var entries: [Entry] = []

  /// The largest registry that is read.
  private static let byteLimit = 64 << 20

  /// No models.
  public init() {}

  /// Reads a registry; a file that does not exist is an empty one.
  ///
  /// - Throws: `ModelFileError` when the file cannot be read or is damaged.
  public init(
    readingFrom path: String, using files: some DurableFileOperations = SystemFiles()
  ) throws(ModelFileError) {
    let bytes: [UInt8]
    do throws(FileFailure) {
      bytes = try files.read(path, limit: Self.byteLimit)
    } catch {
      guard error.isMissing else { throw .file(error) }
      return
    }
    let value: JSONValue
    do throws(JSONError) { value = try JSONParser.parse(bytes) } catch {
      throw .json(path: path, error)
    }
    guard value["version"]?.integerValue == 1, let models = value["models"]?.arrayValue else {
      throw .content(path: path, problem: "is no registry of models of version 1")
    }
    for (index, model) in models.enumerated() {
      guard let entry = Entry(model), !entries.contains(where: { $0.name == entry.name }) else {
        throw .content(path: path, problem: "model \(index + 1) is damaged or occurs twice")
      }
      entries.append(entry)
    }
    sort()
  }

  /// Writes the registry so that a crash leaves the old one or the new one.
  ///
  /// - Throws: `ModelFileError` naming the step that failed.
  public func write(
    to path: String, using files: some DurableFileOperations = SystemFiles()
  ) throws(ModelFileError) {
    var writer = JSONWriter()
    writer.value(
      .members(["version": .integer(1), "models": .array(entries.map(\.json))]))
    let bytes = writer.takeBytes() + [0x0A]
    try file { () throws(FileFailure) in try AtomicFile.write(bytes, to: path, using: files) }
  }

  /// Adds a model: opens it, which checks it, and reads its files to hash them.
  ///
  /// - Parameters:
  ///   - path: absolute; any part of a model in several.
  ///   - name: nil takes the file's name without its ending.
  ///   - added: seconds since 1970.
  ///   - progress: told the bytes hashed and their total.
  /// - Throws: `ModelFileError`, also when the name is taken.
  @discardableResult
  public mutating func add(
    _ path: String, name: String? = nil, added: Int,
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(ModelFileError) -> Entry {
    let model = try gguf { () throws(GGUFError) in try GGUFFile.open(path) }
    let name = name ?? Self.defaultName(model)
    guard !name.isEmpty else { throw .request("a model's name cannot be empty") }
    guard !entries.contains(where: { $0.name == name }) else {
      throw .request("there is a model named '\(name)' already; remove it or choose another name")
    }
    var files: [File] = []
    var done = 0
    let total = model.fileByteCount
    for path in model.partPaths {
      let mapped = try gguf { () throws(GGUFError) in try MappedFile(path) }
      let hash = try gguf { () throws(GGUFError) in
        try Self.hash(mapped) { progress(done + $0, total) }
      }
      done += mapped.bytes.count
      files.append(
        File(
          path: path, byteCount: mapped.bytes.count,
          modifiedNanoseconds: mapped.modifiedNanoseconds, sha256: hash))
    }
    let entry = Entry(name: name, files: files, added: added)
    entries.append(entry)
    sort()
    return entry
  }

  /// Removes a model from the list; its files stay.
  ///
  /// - Throws: `ModelFileError.request` when there is none of that name.
  @discardableResult
  public mutating func remove(_ name: String) throws(ModelFileError) -> Entry {
    guard let index = entries.firstIndex(where: { $0.name == name }) else {
      throw .request("there is no model named '\(name)'")
    }
    return entries.remove(at: index)
  }

  /// The model of a name: exactly that, or the only one whose name begins so, in any case.
  ///
  /// - Throws: `ModelFileError.request` when several begin so.
  public func find(_ name: String) throws(ModelFileError) -> Entry? {
    if let entry = entries.first(where: { $0.name == name }) { return entry }
    let lower = name.lowercased()
    let candidates = entries.filter { $0.name.lowercased().hasPrefix(lower) }
    guard candidates.count < 2 else {
      throw .request(
        "'\(name)' may mean \(candidates.map(\.name).joined(separator: ", ")); say more of the name"
      )
    }
    return candidates.first
  }

  /// Compares a model's files with what they were when they were added, without reading them.
  public static func state(of entry: Entry) -> State {
    for file in entry.files {
      guard let now = FileState(path: file.path) else { return .missing(path: file.path) }
      guard now.size == file.byteCount, now.modifiedNanoseconds == file.modifiedNanoseconds else {
        return .changed(path: file.path)
      }
    }
    return .unchanged
  }

  private mutating func sort() {
    entries.sort { $0.name.unicodeScalars.lexicographicallyPrecedes($1.name.unicodeScalars) }
  }

  private static func defaultName(_ model: GGUFFile) -> String {
    let path = ShardName(path: model.path)?.base ?? model.path
    let file = path.split(separator: "/").last.map(String.init) ?? path
    return file.hasSuffix(".gguf") ? String(file.dropLast(5)) : file
  }

  private static func hash(
    _ file: MappedFile, progress: (Int) -> Void
  ) throws(GGUFError) -> String {
    var hash = SHA256()
    let step = 16 << 20
    for start in stride(from: 0, to: file.bytes.count, by: step) {
      let end = min(start + step, file.bytes.count)
      let piece = UnsafeRawBufferPointer(rebasing: file.bytes[start..<end])
      file.advise(piece, .willNeed)
      hash.update(piece)
      file.advise(piece, .dontNeed)
      progress(end)
    }
    try file.checkUnchanged()
    return SHA256.hexadecimal(hash.finish())
  }
}

extension ModelRegistry.Entry {
  fileprivate var json: JSONValue {
    .members([
      "name": .string(name), "added": .integer(added),
      "files": .array(
        files.map {
          .members([
            "path": .string($0.path), "bytes": .integer($0.byteCount),
            "modified_ns": .integer($0.modifiedNanoseconds), "sha256": .string($0.sha256),
          ])
        }),
    ])
  }

  fileprivate init?(_ value: JSONValue) {
    guard let name = value["name"]?.stringValue, !name.isEmpty,
      let added = value["added"]?.integerValue, let list = value["files"]?.arrayValue,
      !list.isEmpty
    else { return nil }
    var files: [ModelRegistry.File] = []
    for file in list {
      guard let path = file["path"]?.stringValue, let bytes = file["bytes"]?.integerValue,
        bytes >= 0, let modified = file["modified_ns"]?.integerValue,
        let hash = file["sha256"]?.stringValue, hash.utf8.count == 64
      else { return nil }
      files.append(
        ModelRegistry.File(
          path: path, byteCount: bytes, modifiedNanoseconds: modified, sha256: hash))
    }
    self.init(name: name, files: files, added: added)
  }
}
