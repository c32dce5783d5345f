import Constraints
import Inference
import Models
import Testing

@Suite("Scheduling: constraints")
struct SchedulerConstraintTests {
  /// The vocabulary of `HashModel` as letters: token t is the t-th of these; 0 ends.
  private static let letters = Array("#abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789+-*/".utf8)

  private static let table = TokenTable(
    tokens: letters.prefix(50).map { [$0] }, special: [], endTokens: [0])

  private func grammar(_ text: String) throws -> CompiledGrammar {
    try CompiledGrammar(Grammar.gbnf(text), table: Self.table)
  }

  private func spelled(_ tokens: [Int32]) -> String {
    String(decoding: tokens.map { Self.letters[Int($0)] }, as: UTF8.self)
  }

  private func prompt(_ seed: Int) -> [Int32] { (0..<20).map { Int32(($0 * seed + 3) % 50) } }

  @Test(
    "Every answer is of the grammar's language, whatever the logits and settings, alone and together",
    arguments: 0..<20)
  func language(seed: Int) throws {
    let grammar = try grammar(
      """
      root ::= term ("+" term)*
      term ::= [0-9] [0-9]? | "a" term "b" | "c" [d-f]*
      """)
    let settings = [
      SamplingSettings.greedy, SamplingSettings(seed: UInt64(seed)),
      SamplingSettings(topK: 5, seed: 1), SamplingSettings(topP: 0.8, repetitionPenalty: 1.2),
    ]
    func run(together: Bool) throws -> [Recorder] {
      var random = SmallRandom(seed)
      let recorders = (0..<8).map { _ in Recorder() }
      var scheduler = try SteppedScheduler(HashModel())
      for (index, recorder) in recorders.enumerated() {
        _ = try scheduler.submit(
          SequenceRequest(
            prompt: prompt(random.next(1...40)), sampling: settings[index % settings.count],
            biases: [0: Float(random.next(-2...6))], stopTokens: [], tokenLimit: 80,
            constraint: grammar, stopsLoops: false, receive: recorder.receive))
        if !together {
          #expect(scheduler.run())
          scheduler = try SteppedScheduler(HashModel())
        }
      }
      #expect(scheduler.run())
      return recorders
    }
    let together = try run(together: true)
    for (recorder, alone) in zip(together, try run(together: false)) {
      #expect(recorder.tokens == alone.tokens)
      #expect(recorder.finish?.reason == alone.finish?.reason)
      var matcher = GrammarMatcher(grammar)
      let accepted = recorder.tokens.filter { matcher.accept($0) }
      #expect(accepted == recorder.tokens)
      switch recorder.finish?.reason {
      case .stopToken(0): #expect(matcher.canEnd)
      case .tokenLimit: #expect(recorder.tokens.count == 80)
      default: Issue.record("another end: \(String(describing: recorder.finish))")
      }
    }
  }

  @Test("A grammar that allows nothing but the end ends the answer without another pass")
  func complete() throws {
    let model = HashModel()
    let scheduler = try SteppedScheduler(model)
    let recorder = Recorder()
    _ = try scheduler.submit(
      SequenceRequest(
        prompt: prompt(7), sampling: SamplingSettings(), stopTokens: [],
        constraint: try grammar("root ::= \"abc\" | \"abd\""), receive: recorder.receive))
    #expect(scheduler.run())
    #expect(["abc", "abd"].contains(spelled(recorder.tokens)))
    #expect(recorder.finish?.reason == .constraintComplete)
    #expect(model.computedTokens == 20 + 2)
  }

  @Test("A grammar that the vocabulary cannot spell fails its sequence alone, and says so")
  func impossible() throws {
    let scheduler = try SteppedScheduler(HashModel())
    let bad = Recorder()
    let good = Recorder()
    for (recorder, constraint) in [(bad, try grammar("root ::= \"a\" \"!\"")), (good, nil)] {
      _ = try scheduler.submit(
        SequenceRequest(
          prompt: prompt(9), sampling: .greedy, stopTokens: [], tokenLimit: 5,
          constraint: constraint, receive: recorder.receive))
    }
    #expect(scheduler.run())
    guard case .constraint(let problem) = bad.value.failure else {
      Issue.record("the failure is of another kind: \(String(describing: bad.value.failure))")
      return
    }
    #expect(problem.contains("no token"))
    #expect(good.tokens.count == 5)
  }

  @Test("A sequence that lost its state goes on where its grammar was")
  func preempted() throws {
    let constraint = try grammar("root ::= ([a-e] [0-9]){400}")
    func run(_ settings: SchedulerSettings) throws -> ([Recorder], Int) {
      let scheduler = try SteppedScheduler(HashModel(), settings)
      let recorders = (0..<3).map { _ in Recorder() }
      for (index, recorder) in recorders.enumerated() {
        _ = try scheduler.submit(
          SequenceRequest(
            prompt: prompt(index + 2), sampling: SamplingSettings(seed: 5), stopTokens: [],
            tokenLimit: 500, constraint: constraint, stopsLoops: false, receive: recorder.receive))
      }
      #expect(scheduler.run())
      return (recorders, scheduler.loop.currentFigures.preemptions)
    }
    let (plenty, none) = try run(SchedulerSettings())
    let (scarce, some) = try run(
      SchedulerSettings(memoryLimit: 64 * 3 + 512 * 7, reservedAnswer: 0))
    #expect(none == 0 && some > 0)
    for (left, right) in zip(plenty, scarce) { #expect(left.tokens == right.tokens) }
  }
}
