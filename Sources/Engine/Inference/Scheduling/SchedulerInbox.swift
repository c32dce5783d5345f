import Dispatch
import Synchronization

/// What other threads ask of a scheduler's thread, and what that thread tells them. The thread takes everything at once
/// between two passes; nobody holds the lock for longer than it takes to move a few values.
final class SchedulerInbox: Sendable {
  /// A request on its way to the thread.
  struct Submission: Sendable {
    var number: Int
    var request: SequenceRequest
    var sampler: Sampler
    var handle: SequenceHandle
    var time: Double
  }

  /// Work that needs the model; is given nil when the scheduler ends before its turn.
  typealias Job = @Sendable (ScheduledModel?) -> Void

  /// What the thread takes.
  struct Delivery {
    var submissions: [Submission] = []
    var jobs: [Job] = []
    /// Whether a handle was used.
    var needsAttention = false
    /// When everything has to be over; nil while nobody asked for that.
    var stopTime: Double?

    var isEmpty: Bool {
      submissions.isEmpty && jobs.isEmpty && !needsAttention && stopTime == nil
    }
  }

  private struct State {
    var delivery = Delivery()
    var figures = SchedulerFigures()
    /// Requests submitted and not yet begun.
    var waiting = 0
    var nextNumber = 0
    var refused = 0
    /// The mean time a sequence keeps its place, in seconds.
    var placeSeconds: Double?
    var isSleeping = false
    /// The stop time that the thread knows of.
    var takenStopTime: Double?
    var isEnded = false
    var broken: InferenceError?
    var endWaiters: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())
  private let bell = DispatchSemaphore(value: 0)
  private let settings: SchedulerSettings
  /// Seconds since some fixed moment.
  let clock: @Sendable () -> Double

  init(settings: SchedulerSettings, clock: @escaping @Sendable () -> Double) {
    self.settings = settings
    self.clock = clock
  }

  // MARK: For other threads

  func submit(_ request: SequenceRequest, sampler: Sampler) throws(AdmissionError) -> SequenceHandle
  {
    let handle = SequenceHandle(inbox: self)
    let time = clock()
    let refusal = deliver { state -> AdmissionError? in
      if let broken = state.broken { return .broken(broken) }
      if state.isEnded || state.delivery.stopTime != nil { return .stopping }
      // A request that finds a free place does not wait, so it does not count against the queue.
      let free = max(0, settings.maximumSequences - state.figures.running)
      guard state.waiting < settings.queueLimit + free else {
        state.refused += 1
        return .overloaded(
          reason: "\(state.figures.running) answers are being written and \(state.waiting) "
            + "requests wait", retryAfter: retryAfter(state))
      }
      state.waiting += 1
      state.delivery.submissions.append(
        Submission(
          number: state.nextNumber, request: request, sampler: sampler, handle: handle, time: time))
      state.nextNumber += 1
      return nil
    }
    if let refusal { throw refusal }
    return handle
  }

  private func retryAfter(_ state: State) -> Int {
    let rounds = Double(state.waiting + 1) / Double(settings.maximumSequences)
    return Int(min(300, max(1, (rounds * (state.placeSeconds ?? 2)).rounded(.up))))
  }

  /// Returns false when the thread takes no more work.
  func add(_ job: @escaping Job) -> Bool {
    deliver { state in
      guard !state.isEnded, state.delivery.stopTime == nil else { return false }
      state.delivery.jobs.append(job)
      return true
    }
  }

  func callForAttention() { deliver { $0.delivery.needsAttention = true } }

  /// Asks for the end at `time`, or earlier when nothing runs any more.
  func stop(at time: Double) {
    deliver { $0.delivery.stopTime = min(time, $0.delivery.stopTime ?? .infinity) }
  }

  /// Returns when the thread has ended and everything is freed.
  func waitForEnd() async {
    await withCheckedContinuation { continuation in
      let isEnded = state.withLock { state in
        if !state.isEnded { state.endWaiters.append(continuation) }
        return state.isEnded
      }
      if isEnded { continuation.resume() }
    }
  }

  var figures: SchedulerFigures {
    state.withLock { state in
      var figures = state.figures
      figures.waiting = state.waiting
      figures.requests = state.nextNumber
      figures.refused = state.refused
      return figures
    }
  }

  private func deliver<Result>(_ change: (inout State) -> Result) -> Result {
    let (result, wakes) = state.withLock { state in
      let result = change(&state)
      let wakes = state.isSleeping && !state.delivery.isEmpty
      if wakes { state.isSleeping = false }
      return (result, wakes)
    }
    if wakes { bell.signal() }
    return result
  }

  // MARK: For the scheduler's thread

  /// Everything that came since the last time; publishes the thread's own figures. The stop time stays.
  func take(publishing figures: SchedulerFigures, placeSeconds: Double?) -> Delivery {
    state.withLock { state in
      let delivery = state.delivery
      state.delivery = Delivery(stopTime: delivery.stopTime)
      state.takenStopTime = delivery.stopTime
      state.figures = figures
      state.placeSeconds = placeSeconds
      return delivery
    }
  }

  /// Counts sequences that no longer wait, or wait again (negative), and says how many run now.
  func left(queue count: Int, running: Int) {
    state.withLock { state in
      state.waiting -= count
      state.figures.running = running
    }
  }

  /// Nothing can be computed any more: further requests are refused with this error.
  func breakDown(_ error: InferenceError) { state.withLock { $0.broken = $0.broken ?? error } }

  /// Waits until something is delivered, at most `seconds`. A stop that the thread has taken already does not count.
  func sleep(atMost seconds: Double?) {
    let isDue = state.withLock { state in
      let delivery = state.delivery
      let isDue =
        !delivery.submissions.isEmpty || !delivery.jobs.isEmpty || delivery.needsAttention
        || delivery.stopTime != state.takenStopTime
      state.isSleeping = !isDue
      return isDue
    }
    if isDue { return }
    guard let seconds else { return bell.wait() }
    guard bell.wait(timeout: .now() + max(0, seconds)) == .timedOut else { return }
    let wasWoken = state.withLock { state in
      defer { state.isSleeping = false }
      return !state.isSleeping
    }
    // Somebody rang in the meantime: the signal must not be left for the next sleep.
    if wasWoken { bell.wait() }
  }

  /// The thread is done: refuses what came too late and lets those go on who wait for the end.
  func end() {
    let (delivery, waiters) = state.withLock { state in
      state.isEnded = true
      state.waiting = 0
      state.figures.running = 0
      state.figures.paused = 0
      defer {
        state.delivery = Delivery(stopTime: state.delivery.stopTime)
        state.endWaiters = []
      }
      return (state.delivery, state.endWaiters)
    }
    for submission in delivery.submissions { _ = submission.request.receive(.failed(.stopped)) }
    for job in delivery.jobs { job(nil) }
    for waiter in waiters { waiter.resume() }
  }
}
