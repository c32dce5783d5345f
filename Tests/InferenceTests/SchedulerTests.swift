import Foundation
import Inference
import Models
import Testing

@Suite("Scheduling: the answers")
struct SchedulerAnswerTests {
  private func text(_ count: Int, seed: Int = 1) -> [Int32] {
    (0..<count).map { Int32(($0 * 31 + seed * 17 + $0 * $0 / 7) % 50) }
  }

  @Test(
    "Whatever runs together, every request gets the tokens of a single run", arguments: 0..<60)
  func sameAsAlone(seed: Int) throws {
    var random = SmallRandom(seed)
    let model = ScriptedModel(
      HashModel(
        maximumBatch: [1, 2, 7, 64, 512][seed % 5], rollsBackFreely: random.chance(50)))
    var settings = SchedulerSettings(
      maximumSequences: random.next(1...12), queueLimit: 1000, minimumChunk: random.next(1...30),
      agingTime: 0.5)
    // From hardly more than one sequence to plenty.
    if random.chance(60) { settings.memoryLimit = random.next(2600...12_000) }
    settings.reservedAnswer = random.next(0...80)
    let prefixes =
      random.chance(60)
      ? PrefixStore(model: model, memoryLimit: random.next(500...20_000)) : nil
    let scheduler = try SteppedScheduler(model, settings, prefixes: prefixes)
    let clock = scheduler.clock
    model.willEvaluate = { (tokens) throws(ModelError) in
      clock.advance(0.01 + 0.003 * Double(tokens.reduce(0) { $0 + $1.count }))
    }
    let requests = (0..<random.next(2...24)).map { _ in RandomRequest(&random) }
    var handles: [SequenceHandle] = []
    var cancelled: Set<Int> = []
    var steps = 0
    while requests.count(where: { $0.recorder.isOver }) < requests.count {
      steps += 1
      try #require(steps < 50_000, "it comes to an end")
      if handles.count < requests.count, random.chance(20) {
        handles.append(try scheduler.submit(requests[handles.count].request))
      }
      if random.chance(2), !handles.isEmpty {
        let index = random.next(0...handles.count - 1)
        cancelled.insert(index)
        handles[index].cancel()
      }
      if random.chance(30) { for handle in handles { handle.resume() } }
      _ = scheduler.loop.step()
    }
    for (index, request) in requests.enumerated() {
      let alone = try request.alone()
      let value = request.recorder.value
      #expect(value.mistakes.isEmpty)
      #expect(value.failure == nil)
      if value.finish?.reason == .cancelled {
        #expect(cancelled.contains(index))
        #expect(value.tokens == Array(alone.tokens.prefix(value.tokens.count)))
      } else {
        #expect(value.tokens == alone.tokens, "request \(index)")
        #expect(value.finish?.reason == alone.reason, "request \(index)")
      }
    }
    let figures = scheduler.loop.currentFigures
    #expect(figures.running == 0 && figures.waiting == 0 && figures.paused == 0)
    #expect(model.passes.allSatisfy { $0.reduce(0) { $0 + $1.count } <= model.maximumBatch })
    #expect(
      figures.computedTokens == model.passes.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } })
  }

  @Test("The end of the context ends an answer; a limit of 0 only takes the prompt in")
  func ends() throws {
    let model = HashModel(context: 100)
    let scheduler = try SteppedScheduler(model)
    let full = Recorder()
    let none = Recorder()
    _ = try scheduler.submit(
      SequenceRequest(prompt: text(90), sampling: .greedy, stopTokens: [], receive: full.receive))
    _ = try scheduler.submit(
      SequenceRequest(
        prompt: text(100), sampling: .greedy, stopTokens: [], tokenLimit: 0, receive: none.receive))
    #expect(scheduler.run())
    #expect(full.finish?.reason == .contextFull)
    #expect(full.tokens.count == 10)
    #expect(none.finish?.reason == .tokenLimit)
    #expect(none.tokens.isEmpty && none.value.mistakes.isEmpty)
    // The last token of an answer is not computed, since nothing follows from it.
    #expect(model.computedTokens == 90 + 9 + 100)
  }

  @Test("Several answers to one prompt compute it once", arguments: [1, 200, 700])
  func choices(length: Int) throws {
    let model = HashModel(maximumBatch: 64)
    let scheduler = try SteppedScheduler(model)
    let recorders = (0..<5).map { _ in Recorder() }
    for (seed, recorder) in recorders.enumerated() {
      _ = try scheduler.submit(
        SequenceRequest(
          prompt: text(length), sampling: SamplingSettings(seed: UInt64(seed)), stopTokens: [],
          tokenLimit: 1, receive: recorder.receive))
    }
    #expect(scheduler.run())
    #expect(model.computedTokens == (length >= tokensPerPage ? length : length * 5))
    for (seed, recorder) in recorders.enumerated() {
      let session = InferenceSession(model: HashModel())
      try session.append(text(length))
      let alone = try Generation(
        sampler: Sampler(SamplingSettings(seed: UInt64(seed))), stopTokens: [], tokenLimit: 1
      ).run(session) { _ in true }
      #expect(recorder.tokens == alone.tokens)
      let reused = recorder.value.report?.reusedTokens
      #expect(reused == (seed > 0 && length >= tokensPerPage ? length : 0))
    }
  }

  @Test("A prompt that begins like one being taken in waits for the part they share")
  func sharedBeginning() throws {
    let model = HashModel(maximumBatch: 32)
    let scheduler = try SteppedScheduler(model)
    let first = Recorder()
    let second = Recorder()
    let third = Recorder()
    func request(_ prompt: [Int32], _ recorder: Recorder) -> SequenceRequest {
      SequenceRequest(
        prompt: prompt, sampling: .greedy, stopTokens: [], tokenLimit: 3, receive: recorder.receive)
    }
    _ = try scheduler.submit(request(text(500), first))
    _ = try scheduler.submit(request(text(300) + text(90, seed: 5), second))
    // All of it is a beginning of the first, so that one token is left for its logits.
    _ = try scheduler.submit(request(text(400), third))
    #expect(scheduler.run())
    #expect(second.value.report?.reusedTokens == 300)
    #expect(third.value.report?.reusedTokens == 399)
    #expect(model.computedTokens == 500 + 90 + 1 + 3 * 2)
  }

  @Test("Who followed a sequence that is cancelled goes on alone; the next ones follow it")
  func cancelledLeader() throws {
    let model = HashModel(maximumBatch: 32)
    let scheduler = try SteppedScheduler(model)
    let recorders = (0..<4).map { _ in Recorder() }
    let handles = try recorders.map {
      try scheduler.submit(
        SequenceRequest(
          prompt: text(400), sampling: .greedy, stopTokens: [], tokenLimit: 5, receive: $0.receive))
    }
    for _ in 0..<4 { _ = scheduler.loop.step() }
    handles[0].cancel()
    #expect(scheduler.run())
    #expect(recorders[0].finish?.reason == .cancelled)
    #expect(recorders[1...].allSatisfy { $0.tokens == recorders[1].tokens && $0.tokens.count == 5 })
    #expect(model.computedTokens == 4 * 32 + 400 + 3 * 4)
  }

  @Test("A growing conversation pays only for its new tokens")
  func conversation() throws {
    let model = HashModel()
    let prefixes = PrefixStore(model: model, memoryLimit: 1 << 20)
    let scheduler = try SteppedScheduler(model, prefixes: prefixes)
    var tokens = text(600)
    for turn in 0..<5 {
      let before = model.computedTokens
      let recorder = Recorder()
      _ = try scheduler.submit(
        SequenceRequest(
          prompt: tokens, sampling: .greedy, stopTokens: [], tokenLimit: 20,
          receive: recorder.receive))
      #expect(scheduler.run())
      // The last token of the answer before was not taken in.
      let known = turn == 0 ? 0 : tokens.count - 30 - 1
      #expect(recorder.value.report?.reusedTokens == known)
      #expect(recorder.finish?.reusedTokens == known)
      #expect(model.computedTokens - before == tokens.count - known + 19)
      tokens += recorder.tokens + text(30, seed: turn + 2)
    }
  }

  @Test("A cancelled prompt is not computed again as far as it got")
  func cancelledPrompt() throws {
    let model = HashModel(maximumBatch: 50)
    let prefixes = PrefixStore(model: model, memoryLimit: 1 << 20)
    let scheduler = try SteppedScheduler(model, prefixes: prefixes)
    let recorder = Recorder()
    let handle = try scheduler.submit(
      SequenceRequest(
        prompt: text(600), sampling: .greedy, stopTokens: [], receive: recorder.receive))
    for _ in 0..<6 { _ = scheduler.loop.step() }
    handle.cancel()
    _ = scheduler.loop.step()
    #expect(recorder.finish?.reason == .cancelled)
    let computed = model.computedTokens
    #expect(computed == 300)
    let again = Recorder()
    _ = try scheduler.submit(
      SequenceRequest(
        prompt: text(600), sampling: .greedy, stopTokens: [], tokenLimit: 1,
        receive: again.receive))
    #expect(scheduler.run())
    #expect(again.value.report?.reusedTokens == 300)
  }

  @Test("Likelihoods are the softmax of the raw logits, whatever biases and settings do")
  func likelihoods() throws {
    let model = HashModel()
    let prompt = text(20)
    let row = model.logits(after: prompt)
    let total = row.reduce(0.0) { $0 + exp(Double($1)) }
    let order = row.indices.sorted { (row[$0], $1) > (row[$1], $0) }
    let scheduler = try SteppedScheduler(model)
    let recorder = Recorder()
    let forced: Int32 = Int32(order[30])
    _ = try scheduler.submit(
      SequenceRequest(
        prompt: prompt,
        sampling: SamplingSettings(temperature: 0, presencePenalty: 1), biases: [forced: 50],
        stopTokens: [], tokenLimit: 1, alternatives: 5, receive: recorder.receive))
    #expect(scheduler.run())
    #expect(recorder.tokens == [forced])
    let found = try #require(recorder.value.likelihoods.first)
    func logarithm(_ token: Int) -> Double { Double(row[token]) - log(total) }
    #expect(found.chosen.token == forced)
    #expect(abs(found.chosen.logarithm - logarithm(Int(forced))) < 1e-5)
    #expect(found.alternatives.map { Int($0.token) } == Array(order[..<5]))
    for choice in found.alternatives {
      #expect(abs(choice.logarithm - logarithm(Int(choice.token))) < 1e-5)
    }
  }
}
