import DurableFiles
import JSON

/// What the directory `prefixes` of a data directory holds: one directory a model, named by its fingerprint.
///
/// Reading needs no model and does not disturb a process that uses a directory; files that come and go meanwhile are left
/// out.
public struct PrefixInventory: Hashable, Sendable {
  /// The records of one model.
  public struct Model: Hashable, Sendable {
    /// The model's fingerprint, in hexadecimal digits: the directory's name.
    public var fingerprint: String
    /// What the model was called when its records were written; nil when that was not told.
    public var name: String?
    /// Page records.
    public var pages = 0
    /// State records.
    public var states = 0
    /// The tokens of all page and state records.
    public var tokens = 0
    /// Bytes of all records.
    public var byteCount = 0
    /// Calls of tools that are remembered.
    public var calls = 0
    /// Whether a process uses the directory at the moment.
    public var isInUse = false
    /// The files that are no whole records, with the reasons; sorted by name.
    public var damaged: [Damage] = []
  }

  /// A file that cannot be used.
  public struct Damage: Hashable, Sendable {
    /// The file.
    public var path: String
    /// What is wrong with it.
    public var reason: String
  }

  /// The directory that holds those of the models.
  public let directory: String
  /// The models, sorted by their fingerprints.
  public private(set) var models: [Model] = []
  /// Whether the contents of all records were read, and not only their headers.
  public let isVerified: Bool

  /// Bytes of all records.
  public var byteCount: Int { models.reduce(0) { $0 + $1.byteCount } }
  /// Files that cannot be used.
  public var damagedCount: Int { models.reduce(0) { $0 + $1.damaged.count } }

  /// The name of the directory in a data directory.
  public static let directoryName = "prefixes"
  /// The file in a model's directory that tells the model's name.
  static let nameFile = "model.txt"

  /// Takes stock.
  ///
  /// - Parameter verifies: whether to read all records to the end and check them and what they build on; without, only their
  ///   headers are read and checked.
  /// - Throws: `FileFailure` when a directory cannot be listed; one that does not exist is empty.
  public init(directory: String, verifies: Bool = false) throws(FileFailure) {
    self.directory = directory
    isVerified = verifies
    for name in try Self.fingerprints(in: directory) {
      models.append(try Self.model(name, "\(directory)/\(name)", verifies: verifies))
    }
  }

  /// Removes all records and remembered calls, or those of one model.
  ///
  /// - Parameter fingerprint: the model whose records go, by the first digits of its fingerprint; nil for all models.
  /// - Returns: what was removed, and the fingerprints of the models whose directories are in use and were left alone.
  /// - Throws: `FileFailure` when a directory cannot be listed or locked.
  public static func clear(
    directory: String, fingerprint: String? = nil
  ) throws(FileFailure) -> (removed: [Model], inUse: [String]) {
    var removed: [Model] = []
    var inUse: [String] = []
    let files = SystemFiles()
    for name in try fingerprints(in: directory) where name.hasPrefix(fingerprint ?? "") {
      let path = "\(directory)/\(name)"
      guard let lock = try DirectoryLock(directory: path) else {
        inUse.append(name)
        continue
      }
      try withExtendedLifetime(lock) { () throws(FileFailure) in
        var model = try Self.model(name, path, verifies: false)
        model.isInUse = false
        for entry in try files.entries(of: path) where isOurs(entry.name) {
          files.remove("\(path)/\(entry.name)")
        }
        try files.flushDirectory(path)
        removed.append(model)
      }
    }
    return (removed, inUse)
  }

  private static func fingerprints(in directory: String) throws(FileFailure) -> [String] {
    do {
      return try SystemFiles().subdirectories(of: directory).filter { bytes(of: $0) != nil }
    } catch {
      if error.isMissing { return [] }
      throw error
    }
  }

  /// The bytes of a fingerprint's 64 digits.
  private static func bytes(of name: String) -> [UInt8]? {
    guard name.utf8.count == 64 else { return nil }
    let digits = name.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == 64, name == name.lowercased() else { return nil }
    return (0..<32).map { UInt8(digits[2 * $0] << 4 | digits[2 * $0 + 1]) }
  }

  private static func kind(_ name: String) -> PrefixRecord.Kind? {
    PrefixRecord.Kind.allCases.first { name.hasSuffix($0.suffix) }
  }

  /// Whether a file of a model's directory is one that the store makes, the lock excepted.
  private static func isOurs(_ name: String) -> Bool {
    kind(name) != nil || name.hasSuffix(".tmp") || name == PrefixDisk.callsFile
      || name == nameFile
  }

  private static func model(
    _ name: String, _ path: String, verifies: Bool
  ) throws(FileFailure) -> Model {
    var model = Model(fingerprint: name)
    guard let bytes = bytes(of: name) else { return model }
    let fingerprint = StateFingerprint(bytes: bytes)
    model.isInUse = DirectoryLock.isHeld(directory: path)
    if let text = try? SystemFiles().read("\(path)/\(nameFile)", limit: 4096) {
      model.name = String(decoding: text, as: UTF8.self)
    }
    var headers: [RecordIdentifier: PrefixRecord.Header] = [:]
    for entry in try SystemFiles().entries(of: path) where kind(entry.name) != nil {
      let file = "\(path)/\(entry.name)"
      do throws(PrefixRecord.Damage) {
        let header = try header(file, entry, fingerprint, verifies: verifies)
        guard header.fileName == entry.name else { throw .notTheExpectedOne }
        headers[header.identifier] = header
        if header.kind == .page { model.pages += 1 } else { model.states += 1 }
        model.tokens += header.tokens.count
        model.byteCount += entry.byteCount
      } catch {
        if error == .missing { continue }
        model.damaged.append(Damage(path: file, reason: error.description))
      }
    }
    if verifies, !model.isInUse {
      for header in headers.values.sorted(by: { $0.fileName < $1.fileName })
      where header.count > header.tokens.count && headers[header.parent] == nil {
        model.damaged.append(
          Damage(path: "\(path)/\(header.fileName)", reason: "the page before it is missing"))
      }
      model.damaged.sort { $0.path < $1.path }
    }
    let calls = CallReplay.inspect("\(path)/\(PrefixDisk.callsFile)")
    model.calls = calls.count
    if calls.damaged > 0 {
      model.damaged.append(
        Damage(
          path: "\(path)/\(PrefixDisk.callsFile)", reason: "\(calls.damaged) lines are damaged"))
    }
    return model
  }

  private static func header(
    _ file: String, _ entry: DirectoryEntry, _ fingerprint: StateFingerprint, verifies: Bool
  ) throws(PrefixRecord.Damage) -> PrefixRecord.Header {
    if !verifies {
      return try PrefixRecord.header(at: file, byteCount: entry.byteCount, fingerprint)
    }
    let bytes: [UInt8]
    do {
      bytes = try SystemFiles().read(file, limit: entry.byteCount)
    } catch {
      throw error.isMissing ? .missing : .unreadable(error.reason)
    }
    return try PrefixRecord(bytes, fingerprint).header
  }
}

extension PrefixInventory {
  /// One line a model, and one for each damaged file.
  public var text: String {
    if models.isEmpty { return "No prefixes are kept in \(directory).\n" }
    var text = ""
    for model in models {
      text +=
        "\(model.fingerprint.prefix(16))  \(model.name.map(Self.line) ?? "a model without a name")"
      if model.isInUse { text += " (in use)" }
      text += "\n  \(model.tokens) tokens in \(model.pages) pages and \(model.states) states, "
      text += "\(Self.size(model.byteCount)); \(model.calls) calls of tools\n"
      for damage in model.damaged {
        text += "  damaged: \(Self.line(damage.path)): \(damage.reason)\n"
      }
    }
    text += "\(Self.size(byteCount)) in \(directory)\n"
    if isVerified {
      text +=
        damagedCount == 0
        ? "All records are whole.\n"
        : "\(damagedCount) files are damaged; they are removed when their model is used next.\n"
    }
    return text
  }

  /// The same as JSON; sizes in bytes.
  public var json: JSONValue {
    .members([
      "directory": .string(directory), "bytes": .integer(byteCount),
      "verified": .bool(isVerified), "damaged": .integer(damagedCount),
      "models": .array(models.map(\.json)),
    ])
  }

  /// A name from outside, without what a terminal would obey.
  private static func line(_ text: String) -> String {
    var line = ""
    for scalar in text.unicodeScalars.prefix(400) {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
        line.unicodeScalars.append("\u{FFFD}")
      default: line.unicodeScalars.append(scalar)
      }
    }
    return line
  }

  /// A size for people.
  public static func size(_ bytes: Int) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    var value = Double(bytes)
    var unit = 0
    while value >= 1024, unit + 1 < units.count {
      value /= 1024
      unit += 1
    }
    return unit == 0
      ? "\(bytes) bytes" : "\((value * 10).rounded() / 10) \(units[unit])"
  }
}

extension PrefixInventory.Model {
  /// The model as JSON; sizes in bytes.
  public var json: JSONValue {
    .members([
      "fingerprint": .string(fingerprint), "name": name.map { .string($0) } ?? .null,
      "inUse": .bool(isInUse), "tokens": .integer(tokens), "pages": .integer(pages),
      "states": .integer(states), "bytes": .integer(byteCount), "calls": .integer(calls),
      "damaged": .array(
        damaged.map { .members(["path": .string($0.path), "reason": .string($0.reason)]) }),
    ])
  }
}
