import Synchronization

/// Lets only so many calls run at once, over all clients; the others wait in the order they came.
final class CallSlots: Sendable {
  private struct Waiting {
    let number: Int
    let resume: @Sendable (Bool) -> Void
  }

  private struct State {
    var running = 0
    var nextNumber = 0
    var waiting: [Waiting] = []
  }

  private let state = Mutex(State())
  private let limit: Int
  private let waitingLimit: Int

  init(limit: Int, waitingLimit: Int) {
    self.limit = limit
    self.waitingLimit = waitingLimit
  }

  /// What came of asking for a slot.
  enum Entry { case entered, full, cancelled }

  /// Waits for a slot; one that was entered must be left.
  func enter(_ call: ToolCall) async -> Entry {
    enum Step { case entered, full, wait }
    let number = state.withLock { state in
      state.nextNumber += 1
      return state.nextNumber
    }
    return await withCheckedContinuation { (continuation: CheckedContinuation<Entry, Never>) in
      let step = state.withLock { state -> Step in
        if state.running < limit {
          state.running += 1
          return .entered
        }
        guard state.waiting.count < waitingLimit else { return .full }
        state.waiting.append(
          Waiting(number: number) { continuation.resume(returning: $0 ? .entered : .cancelled) })
        return .wait
      }
      switch step {
      case .entered: continuation.resume(returning: .entered)
      case .full: continuation.resume(returning: .full)
      case .wait: call.whenCancelled { self.giveUp(number) }
      }
    }
  }

  private func giveUp(_ number: Int) {
    let waiting = state.withLock { state -> Waiting? in
      guard let index = state.waiting.firstIndex(where: { $0.number == number }) else { return nil }
      return state.waiting.remove(at: index)
    }
    waiting?.resume(false)
  }

  /// Gives a slot back.
  func leave() {
    let next = state.withLock { state -> Waiting? in
      guard !state.waiting.isEmpty else {
        state.running -= 1
        return nil
      }
      return state.waiting.removeFirst()
    }
    next?.resume(true)
  }
}
