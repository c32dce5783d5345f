import DurableFiles
import Foundation

/// Writes and removes the records of one directory, in the order asked for, on a thread of its own.
///
/// When a record cannot be written (a full disk, as a rule), those waiting behind it are given up too, since they may build
/// on it, and nothing is taken for a while.
// Unchecked: every access to a stored variable happens with `condition` locked.
final class RecordWriter: @unchecked Sendable {
  private enum Task {
    case write(PrefixRecord, number: Int)
    case remove(name: String)
    case markUsed(name: String)
  }

  private let directory: String
  private let fingerprint: StateFingerprint
  private let files: any DurableFileOperations & Sendable
  /// The most bytes of content that may wait.
  private let backlogLimit: Int
  /// How long nothing is taken after a failure.
  private let pause: Duration

  private let condition = NSCondition()
  private var tasks: [Task] = []
  /// The records not on the disk yet, by file name.
  private var pending: [String: (record: PrefixRecord, number: Int)] = [:]
  private var pendingByteCount = 0
  private var number = 0
  private var failedRecords: [RecordIdentifier] = []
  private var failure: FileFailure?
  private var pausedUntil: ContinuousClock.Instant?
  private var writtenCount = 0
  private var isWorking = false
  private var isClosed = false

  /// Starts the thread; it ends with `close()`.
  init(
    directory: String, fingerprint: StateFingerprint, backlogLimit: Int, pause: Duration,
    files: any DurableFileOperations & Sendable
  ) {
    self.directory = directory
    self.fingerprint = fingerprint
    self.backlogLimit = backlogLimit
    self.pause = pause
    self.files = files
    let thread = Thread { [self] in work() }
    thread.name = "prefix records"
    thread.start()
  }

  // MARK: Asking

  /// Whether more would be taken at this moment.
  var hasRoom: Bool {
    condition.withLock {
      let isPaused = pausedUntil.map { ContinuousClock.now < $0 } ?? false
      return !isClosed && !isPaused && pendingByteCount < backlogLimit
    }
  }

  /// Queues a record, whatever the backlog.
  func write(_ record: PrefixRecord) {
    condition.withLock {
      number += 1
      pending[record.header.fileName] = (record, number)
      pendingByteCount += record.header.fileByteCount
      tasks.append(.write(record, number: number))
      condition.broadcast()
    }
  }

  /// Queues the removal of a file.
  func remove(_ name: String) { add(.remove(name: name)) }

  /// Queues marking a file as used.
  func markUsed(_ name: String) { add(.markUsed(name: name)) }

  private func add(_ task: Task) {
    condition.withLock {
      tasks.append(task)
      condition.broadcast()
    }
  }

  /// A record that waits to be written.
  func waiting(_ name: String) -> PrefixRecord? {
    condition.withLock { pending[name]?.record }
  }

  /// How many records were written.
  var written: Int { condition.withLock { writtenCount } }

  /// The records that could not be written since the last call, and why.
  func takeFailures() -> (records: [RecordIdentifier], failure: FileFailure?) {
    condition.withLock {
      defer {
        failedRecords = []
        failure = nil
      }
      return (failedRecords, failure)
    }
  }

  /// Waits until everything asked for so far is done or has failed.
  func flush() {
    condition.withLock {
      while !tasks.isEmpty || isWorking { condition.wait() }
    }
  }

  /// Finishes what waits and ends the thread.
  func close() {
    condition.withLock {
      isClosed = true
      condition.broadcast()
      while !tasks.isEmpty || isWorking { condition.wait() }
    }
  }

  // MARK: Working

  private func work() {
    while let batch = nextBatch() {
      for (index, task) in batch.enumerated() where !perform(task) {
        giveUp(batch[(index + 1)...])
        break
      }
      condition.withLock {
        isWorking = false
        condition.broadcast()
      }
    }
  }

  /// All tasks that wait, once there are any; nil when there will be none.
  private func nextBatch() -> [Task]? {
    condition.withLock {
      while tasks.isEmpty {
        if isClosed { return nil }
        condition.wait()
      }
      defer { tasks = [] }
      isWorking = true
      return tasks
    }
  }

  /// Whether the task succeeded.
  private func perform(_ task: Task) -> Bool {
    switch task {
    case .write(let record, let number):
      do throws(FileFailure) {
        try AtomicFile.write(
          record.bytes(fingerprint), to: "\(directory)/\(record.header.fileName)", using: files)
      } catch {
        fail([(record, number)], because: error)
        return false
      }
      condition.withLock {
        writtenCount += 1
        forget(record, number)
      }
    case .remove(let name):
      files.remove("\(directory)/\(name)")
    case .markUsed(let name):
      SystemFiles().markUsed("\(directory)/\(name)")
    }
    return true
  }

  /// Does of the tasks after a failed one what is not writing.
  private func giveUp(_ rest: ArraySlice<Task>) {
    let later = condition.withLock {
      defer { tasks = [] }
      return tasks
    }
    var lost: [(PrefixRecord, Int)] = []
    for task in Array(rest) + later {
      if case .write(let record, let number) = task {
        lost.append((record, number))
      } else {
        _ = perform(task)
      }
    }
    fail(lost, because: nil)
  }

  private func fail(_ records: [(PrefixRecord, Int)], because reason: FileFailure?) {
    condition.withLock {
      for (record, number) in records {
        failedRecords.append(record.header.identifier)
        forget(record, number)
      }
      if let reason {
        failure = reason
        pausedUntil = ContinuousClock.now + pause
      }
    }
  }

  /// Called with the lock held.
  private func forget(_ record: PrefixRecord, _ number: Int) {
    pendingByteCount -= record.header.fileByteCount
    let name = record.header.fileName
    if pending[name]?.number == number { pending[name] = nil }
  }
}
