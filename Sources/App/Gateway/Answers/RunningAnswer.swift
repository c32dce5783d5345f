import ModelServing
import NIOCore
import Synchronization

/// An answer that is being made, as those see it who may end it: the client that goes, and the server that stops.
final class RunningAnswer: Sendable {
  /// Why an answer ends before its time.
  enum End: Hashable, Sendable {
    case clientLeft
    case shuttingDown
  }

  private struct State {
    var end: End?
    var cancel: (@Sendable () -> Void)?
    var wake: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())
  /// When bytes were last sent, in nanoseconds of the system's clock.
  private let lastSent = Atomic<UInt64>(NIODeadline.now().uptimeNanoseconds)

  /// Why it was ended; nil when it was not.
  var end: End? { state.withLock { $0.end } }

  /// Ends it. The first reason stays.
  func end(_ reason: End) {
    let cancel = state.withLock { state in
      if state.end == nil { state.end = reason }
      return state.cancel.take()
    }
    cancel?()
  }

  /// Sets how it is ended; done at once when it has been already. Replaces what was set.
  func whenEnded(_ cancel: @escaping @Sendable () -> Void) {
    let isEnded = state.withLock { state in
      state.cancel = state.end == nil ? cancel : nil
      return state.end != nil
    }
    if isEnded { cancel() }
  }

  /// Sets how a task that waits for events is woken.
  func whenSilent(_ wake: @escaping @Sendable () -> Void) {
    state.withLock { $0.wake = wake }
  }

  /// Notes that bytes were sent.
  func noteSent() {
    lastSent.store(NIODeadline.now().uptimeNanoseconds, ordering: .relaxed)
  }

  /// Whether nothing was sent for so long.
  func isSilent(for time: Duration) -> Bool {
    let now = NIODeadline.now().uptimeNanoseconds
    let sent = lastSent.load(ordering: .relaxed)
    return now > sent && Int64(clamping: now - sent) >= TimeAmount(time).nanoseconds
  }

  /// Wakes the task that waits for events when nothing was sent for so long.
  func tick(after time: Duration) {
    guard isSilent(for: time) else { return }
    state.withLock { $0.wake }?()
  }
}

/// The answers that are being made.
final class RunningAnswers: Sendable {
  private struct State {
    var answers: [ObjectIdentifier: RunningAnswer] = [:]
    var isStopping = false
  }

  private let state = Mutex(State())

  /// The number of answers being made.
  var count: Int { state.withLock { $0.answers.count } }

  /// Takes in an answer; one that comes after `endAll()` is ended at once.
  func add(_ answer: RunningAnswer) {
    let isStopping = state.withLock { state in
      state.answers[ObjectIdentifier(answer)] = answer
      return state.isStopping
    }
    if isStopping { answer.end(.shuttingDown) }
  }

  /// Forgets an answer.
  func remove(_ answer: RunningAnswer) {
    state.withLock { $0.answers[ObjectIdentifier(answer)] = nil }
  }

  /// Ends all answers, because the server stops.
  func endAll() {
    let answers = state.withLock { state in
      state.isStopping = true
      return Array(state.answers.values)
    }
    for answer in answers { answer.end(.shuttingDown) }
  }
}
