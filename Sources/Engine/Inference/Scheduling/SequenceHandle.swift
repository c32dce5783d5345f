import Synchronization

/// A submitted request: lets its owner cancel it and go on reading. May be used from any thread; dropping it does nothing.
public final class SequenceHandle: Sendable {
  private let cancelled = Atomic(false)
  private let resumed = Atomic(false)
  private let inbox: SchedulerInbox

  init(inbox: SchedulerInbox) { self.inbox = inbox }

  /// Ends the sequence before the next pass of the model; `finished` with the reason `cancelled` follows unless it ended
  /// already.
  public func cancel() {
    cancelled.store(true, ordering: .releasing)
    inbox.callForAttention()
  }

  /// Goes on after a `pause`. A call that comes while the receiver is still about to return `pause` counts too.
  public func resume() {
    resumed.store(true, ordering: .releasing)
    inbox.callForAttention()
  }

  var isCancelled: Bool { cancelled.load(ordering: .acquiring) }
  /// Whether `resume` was called since `forgetResume`.
  var isResumed: Bool { resumed.load(ordering: .acquiring) }

  func forgetResume() { resumed.store(false, ordering: .releasing) }
}
