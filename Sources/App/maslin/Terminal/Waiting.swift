import Dispatch
import Synchronization

/// Runs asynchronous work to its end on Swift's own threads while this thread waits. For commands, whose thread has nothing
/// else to do; never from within asynchronous code.
///
/// - Parameter whileWaiting: called every 20 milliseconds on this thread; returning true cancels the work.
func wait<Result: Sendable>(
  for work: @escaping @Sendable () async throws -> Result, whileWaiting: (() -> Bool)? = nil
) throws -> Result {
  let outcome = Outcome<Result>()
  let done = DispatchSemaphore(value: 0)
  let task = Task {
    do {
      let result = try await work()
      outcome.value.withLock { $0 = .success(result) }
    } catch {
      outcome.value.withLock { $0 = .failure(error) }
    }
    done.signal()
  }
  if let whileWaiting {
    while done.wait(timeout: .now() + .milliseconds(20)) == .timedOut {
      if whileWaiting() { task.cancel() }
    }
  } else {
    done.wait()
  }
  guard let result = outcome.value.withLock({ $0 }) else {
    preconditionFailure("the work signals after it has left its outcome")
  }
  return try result.get()
}

private final class Outcome<Value: Sendable>: Sendable {
  let value = Mutex<Result<Value, any Error>?>(nil)
}
