import Inference
import Models
import Synchronization

/// What one request was told, and what it answers to each token.
final class Recorder: Sendable {
  struct State {
    var report: PrefixReport?
    var tokens: [Int32] = []
    var likelihoods: [TokenLikelihoods] = []
    var finish: SequenceFinish?
    var failure: SequenceFailure?
    var pauses = 0
    /// Events that came out of order.
    var mistakes: [String] = []
  }

  private let state = Mutex(State())
  /// The decision after so many tokens (0: after `started`).
  private let decide: @Sendable (Int) -> SequenceDecision

  init(_ decide: @escaping @Sendable (Int) -> SequenceDecision = { _ in .go }) {
    self.decide = decide
  }

  var value: State { state.withLock { $0 } }
  var tokens: [Int32] { value.tokens }
  var finish: SequenceFinish? { value.finish }
  var isOver: Bool { state.withLock { $0.finish != nil || $0.failure != nil } }

  @Sendable func receive(_ event: SequenceEvent) -> SequenceDecision {
    let decision = state.withLock { state -> SequenceDecision in
      if state.finish != nil || state.failure != nil { state.mistakes.append("after the end") }
      switch event {
      case .started(let report):
        if state.report != nil { state.mistakes.append("started twice") }
        state.report = report
        return decide(0)
      case .token(let token, let position, let likelihoods):
        guard let report = state.report else {
          state.mistakes.append("a token before the start")
          return .go
        }
        if position != report.promptTokens + state.tokens.count {
          state.mistakes.append("position \(position)")
        }
        state.tokens.append(token)
        if let likelihoods { state.likelihoods.append(likelihoods) }
        return decide(state.tokens.count)
      case .finished(let finish):
        if finish.answerTokens != state.tokens.count { state.mistakes.append("token count") }
        state.finish = finish
      case .failed(let failure): state.failure = failure
      }
      return .go
    }
    if decision == .pause { state.withLock { $0.pauses += 1 } }
    return decision
  }
}

/// A clock that moves only when it is told to.
final class ManualClock: Sendable {
  private let seconds = Mutex(0.0)
  var now: Double { seconds.withLock { $0 } }
  func advance(_ step: Double) { seconds.withLock { $0 += step } }
}

/// A scheduler on the test's own thread.
final class SteppedScheduler {
  let loop: SchedulingLoop
  let clock = ManualClock()

  init(
    _ model: any LanguageModel, _ settings: SchedulerSettings = SchedulerSettings(),
    chunk: Int? = nil, prefixes: PrefixStore? = nil
  ) throws {
    let clock = clock
    loop = try SchedulingLoop(
      ScheduledModel(model: model, chunk: chunk, prefixes: prefixes), settings: settings,
      clock: { clock.now })
  }

  func submit(_ request: SequenceRequest) throws -> SequenceHandle { try loop.submit(request) }

  /// Steps until nothing is left to do, at most `limit` times; false when it did not come to an end.
  @discardableResult
  func run(limit: Int = 20_000) -> Bool {
    for _ in 0..<limit {
      if loop.step() != .worked { return true }
    }
    return false
  }
}

/// Small whole numbers from a seed (SplitMix64).
struct SmallRandom {
  private var state: UInt64
  init(_ seed: Int) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

  mutating func next(_ range: ClosedRange<Int>) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return range.lowerBound + Int((z ^ (z >> 31)) % UInt64(range.count))
  }

  mutating func chance(_ percent: Int) -> Bool { next(1...100) <= percent }
}

/// A random request over the vocabulary of `HashModel`, and what a single run answers to it.
struct RandomRequest {
  var request: SequenceRequest
  var recorder: Recorder
  /// The receiver stops after so many tokens; 0 for never.
  var stopAfter: Int

  /// Prompts begin alike now and then.
  init(_ random: inout SmallRandom, families: Int = 3) {
    let family = random.next(1...families)
    var prompt = (0..<random.next(1...400)).map { Int32(($0 * 31 + family * 17 + $0 * $0 / 7) % 50) }
    for _ in 0..<random.next(0...40) { prompt.append(Int32(random.next(0...49))) }
    var sampling = SamplingSettings(seed: UInt64(random.next(0...1000)))
    switch random.next(0...4) {
    case 0: sampling = .greedy
    case 1: sampling.topK = random.next(1...20)
    case 2: sampling.topP = Float(random.next(1...9)) / 10
    case 3:
      sampling.minP = 0.05
      sampling.temperature = 0.7
    default: break
    }
    if random.chance(30) {
      sampling.repetitionPenalty = 1.1
      sampling.presencePenalty = 0.3
      sampling.frequencyPenalty = 0.2
      sampling.penaltyWindow = random.chance(50) ? 0 : random.next(1...40)
    }
    let stopAfter = random.chance(25) ? random.next(1...30) : 0
    let pauseEvery = random.chance(25) ? random.next(1...9) : 0
    let recorder = Recorder { count in
      if stopAfter > 0, count >= stopAfter { return .stop }
      return pauseEvery > 0 && count % pauseEvery == 0 ? .pause : .go
    }
    request = SequenceRequest(
      prompt: prompt, sampling: sampling,
      stopTokens: random.chance(50) ? [Int32(random.next(0...49))] : [],
      tokenLimit: random.next(0...60), stopsLoops: false,
      priority: random.chance(30) ? .background : .interactive,
      client: "client \(random.next(1...3))", receive: recorder.receive)
    self.recorder = recorder
    self.stopAfter = stopAfter
  }

  /// Tokens and reason of a run of `Generation` with nothing else around.
  func alone(context: Int = 4096) throws -> (tokens: [Int32], reason: SequenceFinish.Reason) {
    let session = InferenceSession(
      model: HashModel(context: context), contextLimit: context)
    try session.append(request.prompt)
    var received = 0
    let outcome = try Generation(
      sampler: Sampler(request.sampling), stopTokens: request.stopTokens,
      tokenLimit: request.tokenLimit
    ).run(session) { _ in
      received += 1
      return stopAfter == 0 || received < stopAfter
    }
    let reason: SequenceFinish.Reason =
      switch outcome.end {
      case .stopToken(let token): .stopToken(token)
      case .tokenLimit: .tokenLimit
      case .contextFull: .contextFull
      case .cancelled: .stopped
      }
    return (outcome.tokens, reason)
  }
}
