import DurableFiles

/// Why a directory cannot hold the prefixes of a model.
public enum PrefixDiskError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Another process uses it.
  case inUse(String)
  /// It cannot be made, listed or locked.
  case file(FileFailure)

  /// A sentence for people.
  public var description: String {
    switch self {
    case .inUse(let directory):
      "'\(directory)' is used by another process; prefixes are kept in memory alone"
    case .file(let failure): "\(failure); prefixes are kept in memory alone"
    }
  }
}

/// The records of one model's prefixes in a directory: complete pages, each named by all tokens up to its end, and states
/// that build on them.
///
/// Every record is written beside its place, flushed and then renamed, so that a file with a record's name is whole or was
/// damaged later; damage is detected by checksums over every byte. A record whose predecessors are not all there is never
/// used. One process at a time uses a directory.
///
/// Belongs to the thread of its `PrefixStore`; files are written on another.
public final class PrefixDisk {
  /// The directory.
  public let directory: String
  /// The model whose states these are.
  public let fingerprint: StateFingerprint
  /// The most bytes of all records.
  public let limit: Int
  /// What a user should know, one sentence each, oldest first: damage found, a full disk.
  public private(set) var notes: [String] = []

  /// A state found when the directory was opened.
  struct StoredState {
    var identifier: RecordIdentifier
    var tokens: [Int32]
    var oldestRollback: Int
    var isEnd: Bool
  }

  /// What is known of a record.
  private struct Entry {
    var kind: PrefixRecord.Kind
    var parent: RecordIdentifier
    var byteCount: Int
    /// The number of records that name this one as their parent.
    var dependents = 0
    var lastUse: Int64
    var fileName: String
  }

  private let lock: DirectoryLock
  private let files: any DurableFileOperations & Sendable
  private let writer: RecordWriter
  private var entries: [RecordIdentifier: Entry] = [:]
  /// The records that nothing builds on.
  private var loose: Set<RecordIdentifier> = []
  private var stateCount = 0
  private var byteCount = 0
  private var clock: Int64 = 0
  /// What was found at opening; taken by `storedStates()`.
  private var opened: [PrefixRecord.Header] = []
  /// States that are gone since `takeRemoved()` was called last.
  private var removed: [RecordIdentifier] = []
  private var counted = PrefixDiskFigures()

  /// Opens a directory, which is made if need be: removes what was left half written, reads the headers of all records, and
  /// removes those that are damaged or cannot be used.
  ///
  /// - Parameters:
  ///   - directory: by rule `PrefixInventory.directoryName` in the data directory, and in it the fingerprint; see
  ///     `directory(in:_:)`.
  ///   - modelName: what people call the model, for lists.
  ///   - limit: the most bytes of all records; states used longest ago go first.
  ///   - backlog: the most bytes that may wait in memory to be written.
  ///   - pause: how long nothing is written after a record could not be written.
  ///   - files: how files are written and read.
  /// - Throws: `PrefixDiskError`.
  public init(
    directory: String, fingerprint: StateFingerprint, modelName: String? = nil, limit: Int,
    backlog: Int = 256 << 20,
    pause: Duration = .seconds(60), files: any DurableFileOperations & Sendable = SystemFiles()
  ) throws(PrefixDiskError) {
    self.directory = directory
    self.fingerprint = fingerprint
    self.limit = max(0, limit)
    self.files = files
    let found: [DirectoryEntry]
    let lock: DirectoryLock?
    do {
      try SystemFiles().createDirectory(directory)
      lock = try DirectoryLock(directory: directory)
      found = try SystemFiles().entries(of: directory)
    } catch {
      throw .file(error)
    }
    guard let lock else { throw .inUse(directory) }
    self.lock = lock
    writer = RecordWriter(
      directory: directory, fingerprint: fingerprint, backlogLimit: backlog, pause: pause,
      files: files)
    index(found)
    if let modelName { writeName(modelName) }
  }

  /// Where the records of a model belong in a data directory.
  public static func directory(in data: String, _ fingerprint: StateFingerprint) -> String {
    "\(data)/\(PrefixInventory.directoryName)/\(fingerprint)"
  }

  private func writeName(_ name: String) {
    let path = "\(directory)/\(PrefixInventory.nameFile)"
    let bytes = Array(name.utf8)
    do throws(FileFailure) {
      if let known = try? files.read(path, limit: 4096), known == bytes { return }
      try AtomicFile.write(bytes, to: path, using: files)
    } catch {
      notes.append(error.description)
    }
  }

  deinit { writer.close() }

  /// Figures of this moment.
  public var figures: PrefixDiskFigures {
    var figures = counted
    figures.pages = entries.count - stateCount
    figures.states = stateCount
    figures.byteCount = byteCount
    figures.limit = limit
    figures.written = writer.written
    return figures
  }

  /// Where the calls of tools that belong to this model are kept; see `CallReplay`.
  public var callsPath: String { "\(directory)/\(Self.callsFile)" }
  static let callsFile = "calls.log"

  /// Waits until everything asked for so far is on the disk, or could not be written.
  public func flush() { writer.flush() }

  // MARK: Opening

  private func index(_ found: [DirectoryEntry]) {
    var headers: [RecordIdentifier: PrefixRecord.Header] = [:]
    var used: [RecordIdentifier: Int64] = [:]
    for file in found where file.name != "lock" {
      let path = "\(directory)/\(file.name)"
      if file.name.hasSuffix(".tmp") {
        files.remove(path)
        continue
      }
      guard PrefixRecord.Kind.allCases.contains(where: { file.name.hasSuffix($0.suffix) }) else {
        continue
      }
      do {
        let header = try PrefixRecord.header(at: path, byteCount: file.byteCount, fingerprint)
        guard header.fileName == file.name else { throw PrefixRecord.Damage.notTheExpectedOne }
        headers[header.identifier] = header
        used[header.identifier] = file.modified
      } catch {
        counted.damaged += 1
        files.remove(path)
      }
    }
    if counted.damaged > 0 {
      notes.append("\(counted.damaged) damaged records of prefixes were removed from \(directory)")
    }
    keepUsable(headers, used)
    evict()
  }

  /// Takes over the states whose pages are all there, and those pages; removes everything else.
  private func keepUsable(
    _ headers: [RecordIdentifier: PrefixRecord.Header], _ used: [RecordIdentifier: Int64]
  ) {
    var usable: Set<RecordIdentifier> = []
    for header in headers.values where header.kind == .state {
      var chain = [header.identifier]
      var next = header
      while !usable.contains(next.parent), let parent = headers[next.parent],
        parent.kind == .page, parent.count == next.count - next.tokens.count
      {
        chain.append(parent.identifier)
        next = parent
      }
      let isWhole =
        next.parent == .none
        ? next.count == next.tokens.count
        : usable.contains(next.parent)
          && headers[next.parent]?.count == next.count - next.tokens.count
      if isWhole { usable.formUnion(chain) }
    }
    // In the order of use, so that the clock goes on from there.
    let ordered = headers.values.sorted {
      (used[$0.identifier] ?? 0, $0.fileName) < (used[$1.identifier] ?? 0, $1.fileName)
    }
    for header in ordered {
      if usable.contains(header.identifier) {
        add(header)
        opened.append(header)
      } else {
        files.remove("\(directory)/\(header.fileName)")
      }
    }
    for header in opened { countDependent(of: header.parent, 1) }
  }

  private func add(_ header: PrefixRecord.Header) {
    clock += 1
    byteCount += header.fileByteCount
    entries[header.identifier] = Entry(
      kind: header.kind, parent: header.parent, byteCount: header.fileByteCount, lastUse: clock,
      fileName: header.fileName)
    loose.insert(header.identifier)
    if header.kind == .state { stateCount += 1 }
  }

  private func countDependent(of parent: RecordIdentifier, _ change: Int) {
    guard let dependents = entries[parent]?.dependents else { return }
    entries[parent]?.dependents = dependents + change
    if dependents + change == 0 { loose.insert(parent) } else { loose.remove(parent) }
  }

  /// Takes a record out of the index and has its file removed.
  private func drop(_ identifier: RecordIdentifier) {
    guard let entry = entries.removeValue(forKey: identifier) else { return }
    loose.remove(identifier)
    if entry.kind == .state { stateCount -= 1 }
    byteCount -= entry.byteCount
    writer.remove(entry.fileName)
    countDependent(of: entry.parent, -1)
  }

  /// The states found at opening, the one used last at the end. Answers once.
  func storedStates() -> [StoredState] {
    var pages: [RecordIdentifier: PrefixRecord.Header] = [:]
    for header in opened where header.kind == .page { pages[header.identifier] = header }
    defer { opened = [] }
    return opened.compactMap { header in
      guard header.kind == .state, entries[header.identifier] != nil else { return nil }
      var blocks = [header.tokens]
      var parent = header.parent
      while let page = pages[parent] {
        blocks.append(page.tokens)
        parent = page.parent
      }
      return StoredState(
        identifier: header.identifier, tokens: Array(blocks.reversed().joined()),
        oldestRollback: header.oldestRollback, isEnd: header.isEnd)
    }
  }

  // MARK: Writing

  /// Whether records are taken at this moment; not while the backlog is full or shortly after a failure.
  var hasRoom: Bool { limit > 0 && writer.hasRoom }

  /// Whether a record is there or about to be written.
  func contains(_ record: RecordIdentifier) -> Bool { entries[record] != nil }

  /// Queues a record, whose parent is there.
  func write(_ record: PrefixRecord) {
    let header = record.header
    guard entries[header.identifier] == nil else { return }
    add(header)
    countDependent(of: header.parent, 1)
    writer.write(record)
    if header.kind == .state { evict() }
  }

  /// Marks a state as used.
  func touch(_ state: RecordIdentifier) {
    clock += 1
    guard let name = entries[state]?.fileName else { return }
    entries[state]?.lastUse = clock
    writer.markUsed(name)
  }

  /// Removes a state, and the pages that no other record needs.
  func remove(_ state: RecordIdentifier) {
    var next = state
    while let entry = entries[next], entry.dependents == 0 {
      drop(next)
      next = entry.parent
    }
  }

  /// The states that are gone, for want of room or because of damage, since the last call.
  func takeRemoved() -> [RecordIdentifier] {
    let (failed, failure) = writer.takeFailures()
    counted.failedWrites += failed.count
    for record in failed { discard(record) }
    if let failure {
      notes.append("\(failure); prefixes are kept in memory alone until there is room again")
    }
    defer { removed = [] }
    return removed
  }

  private func lastUse(_ identifier: RecordIdentifier) -> Int64 {
    entries[identifier]?.lastUse ?? 0
  }

  private func evict() {
    while byteCount > limit,
      let oldest = loose.min(by: { lastUse($0) < lastUse($1) })
    {
      let before = entries.count
      if entries[oldest]?.kind == .state { removed.append(oldest) }
      remove(oldest)
      counted.evicted += before - entries.count
    }
  }

  // MARK: Reading

  /// Reads a record and checks that it holds what is expected. A damaged one is removed, with all that builds on it.
  func read(
    _ identifier: RecordIdentifier, tokens: some Collection<Int32>
  ) throws(PrefixRecord.Damage) -> PrefixRecord {
    guard let entry = entries[identifier] else { throw .missing }
    if let waiting = writer.waiting(entry.fileName) { return waiting }
    do throws(PrefixRecord.Damage) {
      let path = "\(directory)/\(entry.fileName)"
      let bytes: [UInt8]
      do {
        bytes = try files.read(path, limit: entry.byteCount)
      } catch {
        throw error.isMissing ? .missing : .unreadable(error.reason)
      }
      let record = try PrefixRecord(bytes, fingerprint)
      guard record.header.identifier == identifier, record.header.parent == entry.parent,
        record.header.tokens.elementsEqual(tokens)
      else { throw .notTheExpectedOne }
      counted.read += 1
      return record
    } catch {
      reportDamage(identifier, error)
      throw error
    }
  }

  /// Removes a record that turned out to be useless, and all that builds on it.
  func reportDamage(_ record: RecordIdentifier, _ reason: some CustomStringConvertible) {
    guard let name = entries[record]?.fileName else { return }
    counted.damaged += 1
    notes.append("the record \(name) of a prefix was removed: \(reason)")
    discard(record)
  }

  private func discard(_ record: RecordIdentifier) {
    guard entries[record] != nil else { return }
    let children = Dictionary(grouping: entries.keys) { entries[$0]?.parent ?? .none }
    var order = [record]
    var index = 0
    while index < order.count {
      order += (children[order[index]] ?? []).sorted { $0.name < $1.name }
      index += 1
    }
    // Those that build on others first, so that each has no dependents when its turn comes.
    for identifier in order.reversed() {
      guard let entry = entries[identifier] else { continue }
      if entry.kind == .state { removed.append(identifier) }
      drop(identifier)
    }
  }
}

extension PrefixRecord {
  /// Reads the header of a file.
  static func header(
    at path: String, byteCount: Int, _ fingerprint: StateFingerprint
  ) throws(Damage) -> Header {
    let start: [UInt8]
    do {
      start = try SystemFiles().readStart(path, count: headerLimit)
    } catch {
      throw .unreadable(error.reason)
    }
    return try header(start, fileByteCount: byteCount, fingerprint)
  }
}
