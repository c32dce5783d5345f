import Foundation
import Models
import Synchronization

/// Answers many requests with one model at once.
///
/// One thread owns the model. Every pass of the model carries one token of each answer being written and a piece of the
/// prompts being taken in, so that weights are read once for all of them. What comes out of a request does not depend on
/// what else runs: it is token for token what the request gives alone (`LanguageModel.evaluate` promises that for the
/// logits, and every choice depends on them, the tokens before it and the request alone).
///
/// The thread ends when the last reference to the scheduler is dropped; `stop(within:)` ends it with grace.
public final class Scheduler: Sendable {
  private let inbox: SchedulerInbox
  private let rules: AdmissionRules

  private init(inbox: SchedulerInbox, rules: AdmissionRules) {
    self.inbox = inbox
    self.rules = rules
  }

  deinit { inbox.stop(at: inbox.clock()) }

  /// Opens a model on a new thread and starts to serve it. Blocks until the model is open.
  ///
  /// - Parameter open: runs on the new thread; returns the model, and what of it other threads need (a tokenizer, say).
  /// - Throws: what `open` throws; `InferenceError.memory` when `settings.memoryLimit` holds no sequence at all.
  public static func start<Value: Sendable>(
    _ settings: SchedulerSettings = SchedulerSettings(),
    open: @escaping @Sendable () throws(InferenceError) -> (ScheduledModel, Value)
  ) throws(InferenceError) -> (Scheduler, Value) {
    let start = ContinuousClock.now
    let inbox = SchedulerInbox(settings: settings) { (ContinuousClock.now - start) / .seconds(1) }
    let opening = Opening<Value>()
    let thread = Thread {
      serve(settings, inbox: inbox, opening: opening, open: open)
      // The model and all states are freed by now.
      inbox.end()
    }
    thread.name = "maslin-model"
    thread.stackSize = 8 << 20
    thread.start()
    let (rules, value) = try opening.wait().get()
    return (Scheduler(inbox: inbox, rules: rules), value)
  }

  private static func serve<Value: Sendable>(
    _ settings: SchedulerSettings, inbox: SchedulerInbox, opening: Opening<Value>,
    open: () throws(InferenceError) -> (ScheduledModel, Value)
  ) {
    do throws(InferenceError) {
      let (scheduled, value) = try open()
      let rules = try AdmissionRules(scheduled, memoryLimit: settings.memoryLimit)
      let loop = SchedulingLoop(scheduled, rules: rules, settings: settings, inbox: inbox)
      opening.finish(.success((rules, value)))
      loop.run()
    } catch {
      opening.finish(.failure(error))
    }
  }

  /// Takes a request. What becomes of it is told to `request.receive`, possibly before this call returns.
  ///
  /// - Throws: `AdmissionError` when the request is impossible or there is no room for it; `receive` is not called then.
  public func submit(_ request: SequenceRequest) throws(AdmissionError) -> SequenceHandle {
    try inbox.submit(request, sampler: try rules.check(request))
  }

  /// The longest sequence, prompt and answer together, that context and memory allow.
  public var longestSequence: Int { rules.longest }

  /// What it did and does. The thread's own figures are those of the last pass.
  public var figures: SchedulerFigures { inbox.figures }

  /// Runs something that needs the model on the scheduler's thread, between two passes. Answers wait meanwhile: give
  /// long work in parts.
  ///
  /// - Throws: what `body` throws; `AdmissionError.stopping` when the scheduler ends before.
  public func perform<Result: Sendable>(
    _ body: @escaping @Sendable (ScheduledModel) throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      let isTaken = inbox.add { scheduled in
        guard let scheduled else { return continuation.resume(throwing: AdmissionError.stopping) }
        continuation.resume(with: Swift.Result { try body(scheduled) })
      }
      if !isTaken { continuation.resume(throwing: AdmissionError.stopping) }
    }
  }

  /// Takes no more requests, ends those that wait (`SequenceFailure.stopped`), lets those that run finish within the
  /// given time and ends the rest. Returns when the model and all states are freed.
  public func stop(within time: Duration) async {
    inbox.stop(at: inbox.clock() + max(0, time / .seconds(1)))
    await inbox.waitForEnd()
  }
}

/// Brings the result of opening a model from one thread to another.
private final class Opening<Value: Sendable>: Sendable {
  private let result = Mutex<Result<(AdmissionRules, Value), InferenceError>?>(nil)
  private let isFinished = DispatchSemaphore(value: 0)

  func finish(_ result: Result<(AdmissionRules, Value), InferenceError>) {
    self.result.withLock { $0 = result }
    isFinished.signal()
  }

  func wait() -> Result<(AdmissionRules, Value), InferenceError> {
    isFinished.wait()
    guard let result = result.withLock({ $0 }) else {
      preconditionFailure("the result is set before the signal")
    }
    return result
  }
}
