import Foundation
import Synchronization

/// Runs work on threads of its own with large stacks.
///
/// Deep syntax trees are walked recursively; the parser bounds their depth, and these stacks have room for
/// that depth in every later pass, which the system's default for threads has not.
public struct WorkerPool: Sendable {
  /// How many threads work at once; at least 1.
  public let workers: Int
  /// Bytes of stack per thread; only what is touched takes memory.
  public static let stackSize = 256 << 20

  /// Makes a pool.
  ///
  /// - Parameter workers: the number of threads; nil for one per core, at most 8.
  public init(workers: Int? = nil) {
    self.workers = max(1, workers ?? min(8, ProcessInfo.processInfo.activeProcessorCount))
  }

  /// Computes `body(0)`, ..., `body(count - 1)` in parallel; results are in order whatever ran first.
  public func map<Result: Sendable>(
    count: Int, _ body: @escaping @Sendable (Int) -> Result
  ) -> [Result] {
    var results: [Result] = []
    results.reserveCapacity(count)
    forEachInOrder(count: count, body) { results.append($0) }
    return results
  }

  /// Computes `body(0)`, ..., `body(count - 1)` in parallel and hands the results to `deliver` on the
  /// calling thread, in order. Never more than a few results per worker wait to be delivered, so memory
  /// stays bounded on long lists.
  public func forEachInOrder<Result: Sendable>(
    count: Int, _ body: @escaping @Sendable (Int) -> Result,
    deliver: (Result) throws -> Void
  ) rethrows {
    guard count > 0 else { return }
    let queue = OrderedQueue<Result>(count: count, window: workers * 4)
    for _ in 0..<min(workers, count) {
      let thread = Thread {
        while let index = queue.claim() { queue.finish(index, body(index)) }
      }
      thread.stackSize = Self.stackSize
      thread.start()
    }
    // On an error the workers must not be left waiting for room.
    defer { queue.abandon() }
    for index in 0..<count { try deliver(queue.take(index)) }
  }

  /// Runs `body` on one thread with a large stack and waits for it.
  public static func onLargeStack<Result: Sendable>(
    _ body: @escaping @Sendable () -> Result
  ) -> Result {
    WorkerPool(workers: 1).map(count: 1) { _ in body() }[0]
  }
}

/// Hands out indices in order and gives results back in order.
private final class OrderedQueue<Result: Sendable>: Sendable {
  private struct State {
    var next = 0
    var delivered = 0
    var results: [Int: Result] = [:]
    var isAbandoned = false
  }

  private let count: Int
  private let window: Int
  private let state = Mutex(State())
  private let changed = NSCondition()

  init(count: Int, window: Int) {
    self.count = count
    self.window = window
  }

  func claim() -> Int? {
    changed.lock()
    defer { changed.unlock() }
    while true {
      let claimed: Int?? = state.withLock { state in
        if state.isAbandoned || state.next >= count { return .some(nil) }
        guard state.next < state.delivered + window else { return nil }
        state.next += 1
        return .some(state.next - 1)
      }
      if let claimed { return claimed }
      changed.wait()
    }
  }

  func finish(_ index: Int, _ result: Result) {
    changed.lock()
    state.withLock { $0.results[index] = result }
    changed.broadcast()
    changed.unlock()
  }

  func take(_ index: Int) -> Result {
    changed.lock()
    defer { changed.unlock() }
    while true {
      let result = state.withLock { state in
        let result = state.results.removeValue(forKey: index)
        if result != nil { state.delivered = index + 1 }
        return result
      }
      if let result {
        changed.broadcast()
        return result
      }
      changed.wait()
    }
  }

  func abandon() {
    changed.lock()
    state.withLock { $0.isAbandoned = true }
    changed.broadcast()
    changed.unlock()
  }
}
