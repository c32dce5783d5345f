import CKernels
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Threads of its own for short parallel regions, thousands of which make up a forward pass.
///
/// A region is cut into parts that threads claim in ascending order. The calling thread takes part, so that a region
/// ends even when no other thread gets to run. Threads wait for the next region by spinning for a few microseconds,
/// then they sleep. Regions of one pool must not overlap or nest; a pool belongs to one thread at a time.
public final class ThreadPool {
  /// The number of threads, the calling one included.
  public let threads: Int
  private let board: Board

  /// Starts `threads - 1` threads; by default as many as `ProcessorTopology` recommends for computing.
  ///
  /// The threads may run on the processors that `ProcessorTopology` recommends, among which the system moves them:
  /// bound to one each, they would wait for whatever else runs there.
  ///
  /// - Throws: `KernelError.threads` when the count is not in 1...1024 or the system refuses.
  public init(threads: Int? = nil) throws(KernelError) {
    let topology = ProcessorTopology.current
    let count = threads ?? topology.threads
    guard (1...1024).contains(count) else {
      throw .threads("\(count) threads were asked for, between 1 and 1024 are possible")
    }
    self.threads = count
    let crowded = count > topology.threads
    board = Board(threads: count, spin: crowded ? 2_000 : 40_000)
    let processors = crowded ? topology.allowed : topology.preferred
    do throws(KernelError) {
      for worker in 1..<max(count, 1) { try board.start(worker: worker, on: processors) }
    } catch {
      board.shutDown()
      throw error
    }
  }

  deinit { board.shutDown() }

  /// Private memory of a thread: at least `MASLIN_SCRATCH_BYTES` bytes, aligned to 64.
  ///
  /// More is made ready by `reserveScratch`.
  func scratch(_ worker: Int) -> UnsafeMutableRawPointer { board.scratch[worker] }

  /// Makes sure that every thread has `bytes` bytes of scratch; not inside a region.
  func reserveScratch(_ bytes: Int) { board.reserveScratch(bytes) }

  /// Runs `body(part, worker)` for every part in `0..<parts`, spread over the threads, and waits for the end.
  ///
  /// `worker` is the number of the thread, `0..<threads`.
  public func parallel(_ parts: Int, _ body: (_ part: Int, _ worker: Int) -> Void) {
    if parts <= 0 { return }
    if parts == 1 || threads == 1 {
      for part in 0..<parts { body(part, 0) }
      return
    }
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { job in board.run(parts: parts, job: job) }
    }
  }
}

/// What the threads of a pool share.
///
/// Sendable: `job` and `parts` are written only between regions and read only by a thread that holds a claim on a part
/// of the region; a claim is an atomic operation on `ticket` that follows the writes, and the region does not end
/// before all claimed parts are reported to `open`. `workers` and the scratch pointers are used between regions by the
/// pool's owner; each worker reads its own scratch pointer under a claim. The rest is atomic or guarded by `mutex`.
private final class Board: @unchecked Sendable {
  typealias Job = UnsafePointer<(Int, Int) -> Void>

  /// The region's number in the upper half, the count of unclaimed parts in the lower.
  let ticket = Atomic<UInt64>(0)
  /// The parts that have not ended.
  let open = Atomic<Int>(0)
  let sleepers = Atomic<Int>(0)
  let ownerSleeps = Atomic<Bool>(false)
  let stopped = Atomic<Bool>(false)
  var job: Job?
  var parts = 0
  let spin: UInt64

  let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  let work = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  let done = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  var workers: [pthread_t] = []
  private(set) var scratch: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>
  private var scratchBytes = Int(MASLIN_SCRATCH_BYTES)

  init(threads: Int, spin: UInt64) {
    self.spin = spin
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(work, nil)
    pthread_cond_init(done, nil)
    scratch = .allocate(capacity: threads)
    for worker in 0..<threads {
      scratch.initializeElement(
        at: worker, to: .allocate(byteCount: scratchBytes, alignment: 64))
    }
  }

  deinit {
    for memory in scratch { memory.deallocate() }
    scratch.deallocate()
    pthread_cond_destroy(done)
    pthread_cond_destroy(work)
    pthread_mutex_destroy(mutex)
    done.deallocate()
    work.deallocate()
    mutex.deallocate()
  }

  func reserveScratch(_ bytes: Int) {
    if bytes <= scratchBytes { return }
    scratchBytes = bytes
    for worker in scratch.indices {
      scratch[worker].deallocate()
      scratch[worker] = .allocate(byteCount: bytes, alignment: 64)
    }
  }

  // MARK: The owner's side

  func run(parts: Int, job: Job) {
    precondition(parts <= UInt32.max)
    precondition(open.load(ordering: .relaxed) == 0, "parallel regions overlap")
    self.job = job
    self.parts = parts
    open.store(parts, ordering: .relaxed)
    let region = (ticket.load(ordering: .relaxed) >> 32) &+ 1
    ticket.store(region << 32 | UInt64(parts), ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
      pthread_mutex_lock(mutex)
      pthread_cond_broadcast(work)
      pthread_mutex_unlock(mutex)
    }
    takePart(worker: 0)
    var spinning = Spinning(nanoseconds: spin)
    while open.load(ordering: .acquiring) > 0 {
      if spinning.goesOn() { continue }
      pthread_mutex_lock(mutex)
      ownerSleeps.store(true, ordering: .sequentiallyConsistent)
      while open.load(ordering: .sequentiallyConsistent) > 0 { pthread_cond_wait(done, mutex) }
      ownerSleeps.store(false, ordering: .relaxed)
      pthread_mutex_unlock(mutex)
    }
    self.job = nil
  }

  func shutDown() {
    pthread_mutex_lock(mutex)
    stopped.store(true, ordering: .sequentiallyConsistent)
    pthread_cond_broadcast(work)
    pthread_mutex_unlock(mutex)
    for worker in workers { pthread_join(worker, nil) }
    workers = []
  }

  // MARK: Both sides

  /// Claims and runs parts until none is left.
  func takePart(worker: Int) {
    var ended = 0
    var seen = ticket.load(ordering: .acquiring)
    while seen & 0xFFFF_FFFF != 0 {
      let (claimed, now) = ticket.weakCompareExchange(
        expected: seen, desired: seen - 1, ordering: .acquiringAndReleasing)
      guard claimed else {
        seen = now
        continue
      }
      // Later claims may belong to the next region, which cannot begin before this part is reported.
      let part = parts - Int(seen & 0xFFFF_FFFF)
      job?.pointee(part, worker)
      ended += 1
      if seen & 0xFFFF_FFFF == 1 { break }
      seen = ticket.load(ordering: .acquiring)
    }
    if ended == 0 { return }
    let before = open.subtract(ended, ordering: .sequentiallyConsistent).oldValue
    if before == ended, ownerSleeps.load(ordering: .sequentiallyConsistent) {
      pthread_mutex_lock(mutex)
      pthread_cond_signal(done)
      pthread_mutex_unlock(mutex)
    }
  }

  // MARK: The workers' side

  /// What a thread is started with.
  private final class Start {
    let board: Board
    let worker: Int
    let processors: [Int]

    init(board: Board, worker: Int, processors: [Int]) {
      self.board = board
      self.worker = worker
      self.processors = processors
    }
  }

  func start(worker: Int, on processors: [Int]) throws(KernelError) {
    let start = Unmanaged.passRetained(Start(board: self, worker: worker, processors: processors))
    #if canImport(Darwin)
      var thread: pthread_t?
      let status = pthread_create(&thread, nil, { Board.main($0) }, start.toOpaque())
    #else
      var thread = pthread_t()
      let status = pthread_create(
        &thread, nil,
        { argument in
          if let argument { Board.main(argument) }
          return nil
        }, start.toOpaque())
    #endif
    guard status == 0 else {
      start.release()
      throw .threads(
        "the system refused thread \(worker + 1): \(String(cString: strerror(status)))")
    }
    #if canImport(Darwin)
      if let thread { workers.append(thread) }
    #else
      workers.append(thread)
    #endif
  }

  @discardableResult
  private static func main(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
    ProcessorTopology.restrictThread(to: start.processors)
    start.board.serve(worker: start.worker)
    return nil
  }

  private func serve(worker: Int) {
    while !stopped.load(ordering: .relaxed) {
      takePart(worker: worker)
      var spinning = Spinning(nanoseconds: spin)
      while isIdle {
        if spinning.goesOn() { continue }
        pthread_mutex_lock(mutex)
        sleepers.add(1, ordering: .sequentiallyConsistent)
        while isIdle { pthread_cond_wait(work, mutex) }
        sleepers.subtract(1, ordering: .sequentiallyConsistent)
        pthread_mutex_unlock(mutex)
      }
    }
  }

  private var isIdle: Bool {
    ticket.load(ordering: .sequentiallyConsistent) & 0xFFFF_FFFF == 0
      && !stopped.load(ordering: .sequentiallyConsistent)
  }
}

/// A bounded wait without sleeping.
private struct Spinning {
  let nanoseconds: UInt64
  var turns = 0
  var start: UInt64 = 0

  init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// Pauses for a moment; false when the time is over.
  mutating func goesOn() -> Bool {
    maslin_pause()
    turns += 1
    if turns % 32 != 0 { return true }
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let now = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    if start == 0 { start = now }
    return now - start < nanoseconds
  }
}
