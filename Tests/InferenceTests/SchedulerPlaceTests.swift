import Inference
import Models
import Testing

private func text(_ count: Int, seed: Int = 1) -> [Int32] {
  (0..<count).map { Int32(($0 * 31 + seed * 17 + $0 * $0 / 7) % 50) }
}

private func request(
  _ recorder: Recorder, prompt: [Int32] = text(10), limit: Int = .max,
  priority: SequenceRequest.Priority = .interactive, client: String = ""
) -> SequenceRequest {
  SequenceRequest(
    prompt: prompt, sampling: .greedy, stopTokens: [], tokenLimit: limit, stopsLoops: false,
    priority: priority, client: client, receive: recorder.receive)
}

private func alone(_ prompt: [Int32], limit: Int) throws -> [Int32] {
  let session = InferenceSession(model: HashModel())
  try session.append(prompt)
  return try Generation(sampler: Sampler(.greedy), stopTokens: [], tokenLimit: limit)
    .run(session) { _ in true }.tokens
}

@Suite("Scheduling: passes and places")
struct SchedulerPlaceTests {
  @Test("A long prompt does not hold running answers up: a token in every pass, passes within the target")
  func latency() throws {
    let model = ScriptedModel(HashModel())
    let scheduler = try SteppedScheduler(model)
    let clock = scheduler.clock
    // 40 ms for the weights, 4 ms for every token of a prompt, 1 ms for every token of an answer.
    model.willEvaluate = { (tokens) throws(ModelError) in
      for part in tokens { clock.advance(part.count > 1 ? 0.004 * Double(part.count) : 0.001) }
      clock.advance(0.04)
    }
    let answers = (0..<3).map { _ in Recorder() }
    for (index, recorder) in answers.enumerated() {
      _ = try scheduler.submit(request(recorder, prompt: text(20, seed: index)))
    }
    // Nobody waits for an answer yet: the prompts go in at once.
    _ = scheduler.loop.step()
    #expect(model.passes == [(0..<3).map { text(20, seed: $0) }])
    for _ in 0..<5 { _ = scheduler.loop.step() }
    let long = Recorder()
    _ = try scheduler.submit(request(long, prompt: text(2000, seed: 9), limit: 1))
    var durations: [Double] = []
    while !long.isOver {
      let before = answers.map(\.tokens.count)
      let start = clock.now
      _ = scheduler.loop.step()
      durations.append(clock.now - start)
      #expect(answers.map(\.tokens.count) == before.map { $0 + 1 })
      try #require(durations.count < 1000)
    }
    #expect(durations.allSatisfy { $0 <= 0.3 })
    // The room there is gets used.
    #expect(durations.reduce(0, +) / Double(durations.count) > 0.15)
  }

  @Test("A machine too slow for the target takes prompts in by the smallest chunk")
  func slowMachine() throws {
    let model = ScriptedModel(HashModel())
    let scheduler = try SteppedScheduler(model, SchedulerSettings(minimumChunk: 6))
    let clock = scheduler.clock
    model.willEvaluate = { (tokens) throws(ModelError) in
      clock.advance(0.4 + 0.1 * Double(tokens.reduce(0) { $0 + $1.count }))
    }
    _ = try scheduler.submit(request(Recorder()))
    for _ in 0..<3 { _ = scheduler.loop.step() }
    let long = Recorder()
    _ = try scheduler.submit(request(long, prompt: text(60, seed: 3), limit: 1))
    while !long.isOver { _ = scheduler.loop.step() }
    #expect(model.passes.suffix(10).allSatisfy { $0.map(\.count) == [1, 6] })
  }

  @Test("A background answer does not slow down a prompt that somebody waits for")
  func urgency() throws {
    let model = ScriptedModel(HashModel())
    let scheduler = try SteppedScheduler(model)
    let clock = scheduler.clock
    model.willEvaluate = { (_) throws(ModelError) in clock.advance(1) }
    _ = try scheduler.submit(request(Recorder(), priority: .background))
    for _ in 0..<3 { _ = scheduler.loop.step() }
    let long = Recorder()
    _ = try scheduler.submit(request(long, prompt: text(400, seed: 2), limit: 1))
    _ = scheduler.loop.step()
    #expect(long.isOver)
  }

  @Test("A short prompt does not wait behind a long one, and the long one moves on")
  func shortPrompt() throws {
    let model = ScriptedModel(HashModel(maximumBatch: 64))
    let scheduler = try SteppedScheduler(model)
    let long = Recorder()
    let short = Recorder()
    _ = try scheduler.submit(request(long, prompt: text(2000), limit: 1))
    for _ in 0..<3 { _ = scheduler.loop.step() }
    _ = try scheduler.submit(request(short, prompt: text(90, seed: 7), limit: 1))
    for _ in 0..<3 { _ = scheduler.loop.step() }
    #expect(short.isOver)
    #expect(model.passes.map { $0.map(\.count) } == [[64], [64], [64], [32, 32], [32, 32], [38, 26]])
  }

  @Test("Clients take turns, whoever asks more often")
  func clients() throws {
    let scheduler = try SteppedScheduler(HashModel(), SchedulerSettings(maximumSequences: 1))
    var recorders: [(String, Recorder)] = []
    for (client, count) in [("a", 4), ("b", 2), ("c", 1)] {
      for _ in 0..<count {
        let recorder = Recorder()
        recorders.append((client, recorder))
        _ = try scheduler.submit(request(recorder, limit: 1, client: client))
      }
    }
    var order: [String] = []
    var over = Set<Int>()
    while order.count < recorders.count {
      _ = scheduler.loop.step()
      for (index, entry) in recorders.enumerated()
      where entry.1.isOver && over.insert(index).inserted { order.append(entry.0) }
    }
    #expect(order == ["a", "b", "c", "a", "b", "a", "a"])
  }

  @Test("Interactive goes first; background waits, but not for ever")
  func priorities() throws {
    let scheduler = try SteppedScheduler(
      HashModel(), SchedulerSettings(maximumSequences: 1, agingTime: 5))
    let background = Recorder()
    _ = try scheduler.submit(request(background, limit: 1, priority: .background))
    for round in 0..<20 {
      _ = try scheduler.submit(request(Recorder(), limit: 1))
      _ = scheduler.loop.step()
      if round < 5 { #expect(!background.isOver) }
      scheduler.clock.advance(1)
    }
    #expect(background.isOver)
    #expect(background.finish?.queueSeconds ?? 0 >= 5)
  }

  @Test("Background work leaves a place free for those that somebody waits for")
  func freePlace() throws {
    let scheduler = try SteppedScheduler(HashModel(), SchedulerSettings(maximumSequences: 3))
    for _ in 0..<5 { _ = try scheduler.submit(request(Recorder(), priority: .background)) }
    _ = scheduler.loop.step()
    #expect(scheduler.loop.currentFigures.running == 2)
    let interactive = Recorder()
    _ = try scheduler.submit(request(interactive, limit: 2))
    _ = scheduler.loop.step()
    #expect(interactive.tokens.count == 1)
  }

  @Test("A full queue is refused with a reason and a time; a place that is free is not a queue")
  func overload() throws {
    let scheduler = try SteppedScheduler(
      HashModel(), SchedulerSettings(maximumSequences: 2, queueLimit: 1))
    for _ in 0..<3 { _ = try scheduler.submit(request(Recorder())) }
    let error = #expect(throws: AdmissionError.self) {
      try scheduler.submit(request(Recorder()))
    }
    guard case .overloaded(_, let seconds) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect((1...300).contains(seconds))
    _ = scheduler.loop.step()
    #expect(scheduler.loop.currentFigures.waiting == 1)
    #expect(throws: AdmissionError.self) { try scheduler.submit(request(Recorder())) }
  }

  @Test("Requests that can never be computed are refused at once")
  func impossible() throws {
    let scheduler = try SteppedScheduler(
      HashModel(context: 1000), SchedulerSettings(memoryLimit: 64 + 512 * 3))
    func refusal(_ change: (inout SequenceRequest) -> Void) -> AdmissionError? {
      var wrong = request(Recorder())
      change(&wrong)
      return #expect(throws: AdmissionError.self) { try scheduler.loop.submit(wrong) }
    }
    #expect("\(try #require(refusal { $0.prompt = [] }))".contains("prompt"))
    #expect("\(try #require(refusal { $0.prompt = [1, 50] }))".contains("token 50"))
    #expect("\(try #require(refusal { $0.prompt = [-1] }))".contains("token -1"))
    #expect("\(try #require(refusal { $0.biases = [3: .nan] }))".contains("biases"))
    #expect("\(try #require(refusal { $0.biases = [99: 1] }))".contains("token 99"))
    #expect("\(try #require(refusal { $0.tokenLimit = -1 }))".contains("limit"))
    #expect("\(try #require(refusal { $0.alternatives = 101 }))".contains("alternatives"))
    #expect("\(try #require(refusal { $0.sampling.topP = 2 }))".contains("top-p"))
    #expect(
      refusal { $0.prompt = text(1000) } == .contextExceeded(tokens: 1001, limit: 1000))
    #expect(
      refusal { $0.prompt = text(500) }
        == .memoryExceeded(bytes: 64 + 512 * 4, limit: 64 + 512 * 3, tokens: 501, longest: 384))
    #expect(throws: InferenceError.self) {
      try SteppedScheduler(HashModel(), SchedulerSettings(memoryLimit: 100))
    }
  }
}

@Suite("Scheduling: memory")
struct SchedulerMemoryTests {
  @Test("Kept prefixes make room for running sequences")
  func prefixesGo() throws {
    let model = HashModel()
    let prefixes = PrefixStore(model: model, memoryLimit: 1 << 20)
    let limit = 6000
    let scheduler = try SteppedScheduler(
      model, SchedulerSettings(memoryLimit: limit, reservedAnswer: 10), prefixes: prefixes)
    var full = 0
    for seed in 0..<12 {
      let recorder = Recorder()
      _ = try scheduler.submit(request(recorder, prompt: text(300, seed: seed), limit: 5))
      while !recorder.isOver {
        _ = scheduler.loop.step()
        if !recorder.isOver { #expect(prefixes.memoryByteCount <= limit) }
      }
      full = max(full, prefixes.memoryByteCount)
      #expect(recorder.tokens == (try alone(text(300, seed: seed), limit: 5)))
    }
    #expect(full > limit / 2)
    #expect(scheduler.loop.currentFigures.preemptions == 0)
  }

  @Test("When memory runs out the newest loses its state, waits, and answers as if nothing had happened")
  func preemption() throws {
    let model = HashModel()
    // Each starts with 2 pages and grows to 5; there is room for about 11.
    let scheduler = try SteppedScheduler(
      model, SchedulerSettings(memoryLimit: 64 * 4 + 512 * 11, reservedAnswer: 0))
    let recorders = (0..<4).map { _ in Recorder() }
    for (index, recorder) in recorders.enumerated() {
      _ = try scheduler.submit(
        request(
          recorder, prompt: text(140, seed: index), limit: 450,
          priority: index == 1 ? .background : .interactive))
    }
    var order: [Int] = []
    for _ in 0..<3000 where order.count < 4 {
      _ = scheduler.loop.step()
      for (index, recorder) in recorders.enumerated()
      where recorder.isOver && !order.contains(index) { order.append(index) }
    }
    #expect(scheduler.loop.currentFigures.preemptions >= 2)
    // The oldest was never disturbed, the background one was first to go.
    #expect(order.first == 0)
    #expect(order.last == 1)
    for (index, recorder) in recorders.enumerated() {
      #expect(recorder.value.mistakes.isEmpty)
      #expect(recorder.tokens == (try alone(text(140, seed: index), limit: 450)))
    }
  }

  @Test("What does not fit now waits; a sequence that fills all memory ends as one whose context is full")
  func waits() throws {
    let model = HashModel()
    let limit = 64 + 512 * 4
    let scheduler = try SteppedScheduler(
      model, SchedulerSettings(memoryLimit: limit, reservedAnswer: 0))
    let first = Recorder()
    let second = Recorder()
    _ = try scheduler.submit(request(first, prompt: text(380)))
    _ = try scheduler.submit(request(second, prompt: text(390, seed: 2), limit: 3))
    for _ in 0..<20 { _ = scheduler.loop.step() }
    #expect(scheduler.loop.currentFigures.running == 1)
    #expect(scheduler.loop.currentFigures.waiting == 1)
    #expect(scheduler.run())
    #expect(first.finish?.reason == .contextFull)
    #expect(first.tokens == (try alone(text(380), limit: 512 - 380)))
    #expect(second.tokens == (try alone(text(390, seed: 2), limit: 3)))
  }

  @Test("A resting sequence makes room for others and goes on later")
  func resting() throws {
    let scheduler = try SteppedScheduler(
      HashModel(), SchedulerSettings(memoryLimit: 64 + 512 * 4, reservedAnswer: 0))
    let slow = Recorder { $0 == 5 ? .pause : .go }
    let other = Recorder()
    let handle = try scheduler.submit(request(slow, prompt: text(380), limit: 10))
    #expect(scheduler.run())
    #expect(slow.tokens.count == 5)
    _ = try scheduler.submit(request(other, prompt: text(300, seed: 3), limit: 4))
    #expect(scheduler.run())
    #expect(other.isOver && !slow.isOver)
    #expect(scheduler.loop.currentFigures.preemptions == 1)
    handle.resume()
    #expect(scheduler.run())
    #expect(slow.tokens == (try alone(text(380), limit: 10)))
  }
}

@Suite("Scheduling: what goes wrong")
struct SchedulerFailureTests {
  @Test("A failing pass fails those it carried, not those that come after")
  func failingPass() throws {
    let model = ScriptedModel(HashModel())
    let prefixes = PrefixStore(model: model, memoryLimit: 1 << 20)
    let scheduler = try SteppedScheduler(
      model, SchedulerSettings(maximumSequences: 2), prefixes: prefixes)
    let recorders = (0..<4).map { _ in Recorder() }
    for (index, recorder) in recorders.enumerated() {
      _ = try scheduler.submit(request(recorder, prompt: text(200, seed: index), limit: 20))
    }
    var count = 0
    model.willEvaluate = { (_) throws(ModelError) in
      count += 1
      if count == 5 { throw .tensor(name: "x", problem: "is on fire") }
    }
    #expect(scheduler.run())
    for index in 0..<2 {
      #expect(
        recorders[index].value.failure
          == .engine(.model(.tensor(name: "x", problem: "is on fire"))))
    }
    for index in 2..<4 {
      #expect(recorders[index].tokens == (try alone(text(200, seed: index), limit: 20)))
    }
    #expect(scheduler.loop.currentFigures.failed == 2)
    // What the broken states left is not gone on from.
    let again = Recorder()
    _ = try scheduler.submit(request(again, prompt: text(200, seed: 0), limit: 20))
    #expect(scheduler.run())
    #expect(again.tokens == (try alone(text(200, seed: 0), limit: 20)))
  }

  @Test("A file that changed fails everything, now and later")
  func changedFile() throws {
    let model = ScriptedModel(HashModel())
    let scheduler = try SteppedScheduler(model, SchedulerSettings(maximumSequences: 1))
    let running = Recorder()
    let waiting = Recorder()
    _ = try scheduler.submit(request(running))
    _ = try scheduler.submit(request(waiting))
    _ = scheduler.loop.step()
    let problem = ModelError.fileChanged("the file was cut short")
    model.willEvaluate = { (_) throws(ModelError) in throw problem }
    #expect(scheduler.run())
    #expect(running.value.failure == .engine(.model(problem)))
    #expect(waiting.value.failure == .engine(.model(problem)))
    #expect(throws: AdmissionError.broken(.model(problem))) {
      try scheduler.loop.submit(request(Recorder()))
    }
  }

  @Test("Logits that are no numbers fail their sequence alone")
  func notANumber() throws {
    let model = ScriptedModel(HashModel())
    let scheduler = try SteppedScheduler(model)
    let bad = Recorder()
    let good = Recorder()
    model.changeLogits = { tokens, row in if tokens == text(31) { row[7] = .nan } }
    _ = try scheduler.submit(request(bad, prompt: text(31), limit: 5))
    _ = try scheduler.submit(request(good, prompt: text(40, seed: 2), limit: 5))
    #expect(scheduler.run())
    guard case .engine(.logits(let problem)) = bad.value.failure else {
      Issue.record("the failure is of another kind")
      return
    }
    #expect(problem.contains("token 7"))
    #expect(good.tokens == (try alone(text(40, seed: 2), limit: 5)))
  }

  @Test("A paused sequence rests until it is resumed; a resume that comes early counts")
  func pauses() throws {
    let scheduler = try SteppedScheduler(HashModel())
    let slow = Recorder { $0 == 0 || $0 == 3 ? .pause : .go }
    let fast = Recorder()
    let handle = try scheduler.submit(request(slow, limit: 6))
    _ = try scheduler.submit(request(fast, limit: 6))
    #expect(scheduler.run())
    #expect(slow.tokens.isEmpty && fast.isOver)
    #expect(scheduler.loop.currentFigures.paused == 1)
    handle.resume()
    #expect(scheduler.run())
    #expect(slow.tokens.count == 3)
    handle.resume()
    #expect(scheduler.run())
    #expect(slow.tokens == (try alone(text(10), limit: 6)))

    // Resumed from within the receiver, before it returns: as by a reader on another thread that is just done.
    let box = HandleBox()
    let eager = Recorder { _ in
      box.handle?.resume()
      return .pause
    }
    box.handle = try scheduler.submit(request(eager, limit: 6))
    #expect(scheduler.run())
    #expect(eager.isOver && eager.value.pauses == 7)
  }

  @Test("Whoever does not read for too long is given up, and the waiting time is known")
  func tooSlow() throws {
    let scheduler = try SteppedScheduler(HashModel(), SchedulerSettings(pauseLimit: 60))
    let slow = Recorder { $0 == 2 ? .pause : .go }
    _ = try scheduler.submit(request(slow, limit: 6))
    while scheduler.loop.step() == .worked {}
    scheduler.clock.advance(20)
    #expect(scheduler.loop.step() == .idle(seconds: 40))
    #expect(!slow.isOver)
    scheduler.clock.advance(40)
    _ = scheduler.loop.step()
    #expect(slow.value.failure == .readerTooSlow(seconds: 60))
    #expect(scheduler.loop.currentFigures.running == 0)
    #expect(scheduler.loop.step() == .idle(seconds: nil))
  }

  @Test("Cancelling works while waiting, running and resting")
  func cancels() throws {
    let scheduler = try SteppedScheduler(HashModel(), SchedulerSettings(maximumSequences: 2))
    let running = Recorder()
    let resting = Recorder { _ in .pause }
    let waiting = Recorder()
    let handles = [
      try scheduler.submit(request(running)), try scheduler.submit(request(resting)),
      try scheduler.submit(request(waiting)), try scheduler.submit(request(Recorder())),
    ]
    for _ in 0..<4 { _ = scheduler.loop.step() }
    let count = running.tokens.count
    for handle in handles { handle.cancel() }
    #expect(scheduler.loop.step() == .idle(seconds: nil))
    #expect(running.tokens.count == count)
    for recorder in [running, resting, waiting] {
      #expect(recorder.finish?.reason == .cancelled)
      #expect(recorder.value.mistakes.isEmpty)
    }
    #expect(scheduler.loop.currentFigures.finished.cancelled == 4)
  }

  @Test("Stopping ends what waits, lets finish what runs, and ends the rest at the deadline")
  func stopping() throws {
    let scheduler = try SteppedScheduler(HashModel(), SchedulerSettings(maximumSequences: 2))
    let short = Recorder()
    let endless = Recorder()
    let waiting = Recorder()
    _ = try scheduler.submit(request(short, limit: 10))
    _ = try scheduler.submit(request(endless))
    _ = try scheduler.submit(request(waiting))
    for _ in 0..<3 { _ = scheduler.loop.step() }
    scheduler.loop.stop(at: 30)
    for _ in 0..<20 { #expect(scheduler.loop.step() == .worked) }
    #expect(waiting.value.failure == .stopped)
    #expect(short.finish?.reason == .tokenLimit)
    #expect(!endless.isOver)
    #expect(throws: AdmissionError.stopping) {
      try scheduler.loop.submit(request(Recorder()))
    }
    scheduler.clock.advance(30)
    #expect(scheduler.loop.step() == .stopped)
    #expect(endless.value.failure == .stopped)
  }
}

/// Lets a receiver reach the handle of its own request.
private final class HandleBox: @unchecked Sendable {
  // Used on the test's own thread alone: the scheduler is stepped there.
  var handle: SequenceHandle?
}
