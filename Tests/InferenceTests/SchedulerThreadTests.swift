import Foundation
import Inference
import Models
import Synchronization
import Testing

@Suite("Scheduling: threads")
struct SchedulerThreadTests {
  /// Resumes paused requests and cancels some, from another thread, until it is told to stop.
  private final class Meddler: Sendable {
    struct State {
      var handles: [SequenceHandle] = []
      var cancelled: Set<Int> = []
      var isDone = false
    }
    let state = Mutex(State())

    func run(seed: Int) {
      var random = SmallRandom(seed)
      while true {
        let (handles, isDone) = state.withLock { ($0.handles, $0.isDone) }
        if isDone { return }
        for handle in handles { handle.resume() }
        if random.chance(20), !handles.isEmpty {
          let index = random.next(0...handles.count - 1)
          _ = state.withLock { $0.cancelled.insert(index) }
          handles[index].cancel()
        }
        usleep(UInt32(random.next(50...1500)))
      }
    }
  }

  @Test(
    "Clients on many threads that pause, resume and leave as they like get what they would get alone",
    arguments: [1, 2, 3])
  func stress(seed: Int) async throws {
    let settings = SchedulerSettings(
      maximumSequences: 6, queueLimit: 1000, memoryLimit: 16_000, reservedAnswer: 20)
    let (scheduler, _) = try Scheduler.start(settings) { () throws(InferenceError) in
      let model = HashModel(maximumBatch: 48)
      return (
        ScheduledModel(model: model, prefixes: PrefixStore(model: model, memoryLimit: 8000)), 0
      )
    }
    let meddler = Meddler()
    let meddling = Thread { meddler.run(seed: seed) }
    meddling.start()
    var random = SmallRandom(seed)
    let requests = (0..<150).map { _ in RandomRequest(&random) }
    var index = 0
    while index < requests.count {
      // Several threads submit at once.
      let batch = index..<min(requests.count, index + random.next(1...12))
      let handles = try await withThrowingTaskGroup(of: (Int, SequenceHandle).self) { group in
        for place in batch {
          let request = requests[place].request
          group.addTask { (place, try scheduler.submit(request)) }
        }
        return try await group.reduce(into: [(Int, SequenceHandle)]()) { $0.append($1) }
      }
      for (_, handle) in handles.sorted(by: { $0.0 < $1.0 }) {
        meddler.state.withLock { $0.handles.append(handle) }
      }
      index = batch.upperBound
      try await Task.sleep(for: .microseconds(random.next(0...4000)))
    }
    let deadline = ContinuousClock.now + .seconds(60)
    while !requests.allSatisfy({ $0.recorder.isOver }) {
      try #require(ContinuousClock.now < deadline, "every request ends")
      try await Task.sleep(for: .milliseconds(2))
    }
    let cancelled = meddler.state.withLock { state in
      state.isDone = true
      return state.cancelled
    }
    for (index, request) in requests.enumerated() {
      let value = request.recorder.value
      #expect(value.mistakes.isEmpty && value.failure == nil)
      let alone = try request.alone()
      if value.finish?.reason == .cancelled {
        #expect(cancelled.contains(index))
        #expect(value.tokens == Array(alone.tokens.prefix(value.tokens.count)))
      } else {
        #expect(value.tokens == alone.tokens, "request \(index)")
        #expect(value.finish?.reason == alone.reason, "request \(index)")
      }
    }
    await scheduler.stop(within: .seconds(5))
    #expect(scheduler.figures.running == 0)
    #expect(scheduler.figures.requests == requests.count)
  }

  /// Says when it is freed.
  private final class Freed: Sendable {
    let count = Atomic(0)
  }

  private final class Guard {
    let freed: Freed
    init(_ freed: Freed) { self.freed = freed }
    deinit { freed.count.add(1, ordering: .relaxed) }
  }

  private func start(_ freed: Freed) throws -> Scheduler {
    let (scheduler, _) = try Scheduler.start { () throws(InferenceError) in
      let model = ScriptedModel(HashModel())
      let keeper = Guard(freed)
      model.changeLogits = { _, _ in withExtendedLifetime(keeper) {} }
      return (ScheduledModel(model: model), 0)
    }
    return scheduler
  }

  private func endless(_ recorder: Recorder) -> SequenceRequest {
    SequenceRequest(
      prompt: [1, 2, 3], sampling: SamplingSettings(), stopTokens: [], stopsLoops: false,
      receive: recorder.receive)
  }

  @Test("Stopping ends everything and frees the model; later requests and work are refused")
  func stop() async throws {
    let freed = Freed()
    let scheduler = try start(freed)
    let recorder = Recorder { $0 == 20 ? .pause : .go }
    _ = try scheduler.submit(endless(recorder))
    while recorder.tokens.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
    async let other: Void = scheduler.stop(within: .milliseconds(50))
    await scheduler.stop(within: .seconds(100))
    await other
    #expect(recorder.value.failure == .stopped)
    #expect(freed.count.load(ordering: .relaxed) == 1)
    #expect(throws: AdmissionError.stopping) { try scheduler.submit(endless(Recorder())) }
    await #expect(throws: AdmissionError.stopping) { try await scheduler.perform { _ in 1 } }
  }

  @Test("Dropping the scheduler ends its thread")
  func drop() async throws {
    let freed = Freed()
    let recorder = Recorder()
    do {
      let scheduler = try start(freed)
      _ = try scheduler.submit(endless(recorder))
    }
    let deadline = ContinuousClock.now + .seconds(30)
    while freed.count.load(ordering: .relaxed) == 0, ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(1))
    }
    #expect(freed.count.load(ordering: .relaxed) == 1)
    #expect(recorder.value.failure == .stopped)
  }

  @Test("Work for the model runs on its thread, between passes, and reports what it throws")
  func perform() async throws {
    let scheduler = try start(Freed())
    let recorder = Recorder()
    let handle = try scheduler.submit(endless(recorder))
    let rows = try await scheduler.perform { scheduled in
      try scheduled.model.evaluate(
        [SequenceInput(state: scheduled.model.makeState(), tokens: [1, 2, 3], logits: .last)],
        observer: nil)
    }
    #expect(rows == [HashModel().logits(after: [1, 2, 3])])
    await #expect(throws: ModelError.self) {
      try await scheduler.perform { scheduled in
        try scheduled.model.evaluate(
          [SequenceInput(state: scheduled.model.makeState(), tokens: [99], logits: .last)],
          observer: nil)
      }
    }
    handle.cancel()
    await scheduler.stop(within: .seconds(5))
    #expect(recorder.finish?.reason == .cancelled)
  }

  @Test("A model that cannot be opened is the caller's error")
  func cannotOpen() {
    #expect(throws: InferenceError.tokenizer("none")) {
      try Scheduler.start { () throws(InferenceError) -> (ScheduledModel, Int) in
        throw .tokenizer("none")
      }
    }
    #expect(throws: InferenceError.self) {
      try Scheduler.start(SchedulerSettings(memoryLimit: 10)) { () throws(InferenceError) in
        (ScheduledModel(model: HashModel()), 0)
      }
    }
  }
}
