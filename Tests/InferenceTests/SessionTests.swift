import Inference
import Models
import Testing

@Suite("Sessions")
struct SessionTests {
  private func text(_ count: Int, seed: Int = 1) -> [Int32] {
    (0..<count).map { Int32(($0 * 31 + seed * 17 + $0 * $0 / 7) % 50) }
  }

  private func logits(after tokens: [Int32]) throws -> [Float] {
    let session = InferenceSession(model: HashModel())
    try session.append(tokens)
    return try #require(session.logits)
  }

  @Test("Any split into appends and chunks gives the same logits", arguments: [1, 7, 128, 512])
  func chunks(chunk: Int) throws {
    let tokens = text(700)
    let expected = try logits(after: tokens)
    let session = InferenceSession(model: HashModel(), chunk: chunk)
    try session.append(Array(tokens[..<300]))
    try session.append([])
    try session.append(Array(tokens[300...]))
    #expect(session.logits == expected)
    #expect(session.tokens == tokens)
  }

  @Test("A full context is refused before anything is computed")
  func full() throws {
    let session = InferenceSession(model: HashModel(), contextLimit: 100)
    try session.append(text(90))
    let before = session.logits
    #expect(throws: InferenceError.contextFull(tokens: 101, limit: 100)) {
      try session.append(text(11))
    }
    #expect(session.tokens.count == 90)
    #expect(session.logits == before)
    try session.append(text(10))
  }

  @Test("Going back equals never having gone there, near and far")
  func rollBack() throws {
    let tokens = text(400)
    for target in [399, 390, 384, 380, 300, 256, 100, 1, 0] {
      let session = InferenceSession(model: HashModel())
      try session.append(tokens)
      try session.rollBack(to: target)
      #expect(session.logits == nil)
      let rest = text(40, seed: 9)
      try session.append(rest)
      #expect(session.logits == (try logits(after: Array(tokens[..<target]) + rest)))
    }
  }

  @Test("A fork goes its own way")
  func fork() throws {
    let session = InferenceSession(model: HashModel())
    try session.append(text(300))
    let other = session.fork()
    try other.append(text(20, seed: 2))
    try session.append(text(30, seed: 3))
    #expect(other.logits == (try logits(after: text(300) + text(20, seed: 2))))
    #expect(session.logits == (try logits(after: text(300) + text(30, seed: 3))))
  }

  @Test("A failing model leaves an empty session that works again")
  func failure() throws {
    let session = InferenceSession(model: HashModel())
    try session.append(text(10))
    #expect(throws: InferenceError.self) { try session.append([1, 2, 99]) }
    #expect(session.tokens.isEmpty)
    try session.append(text(10))
    #expect(session.logits == (try logits(after: text(10))))
  }

  @Test("Cancelling a prompt keeps what was taken in")
  func cancelPrompt() throws {
    let session = InferenceSession(model: HashModel(), chunk: 50)
    let tokens = text(300)
    try session.append(tokens) { $0 < 100 }
    #expect(session.tokens == Array(tokens[..<100]))
    #expect(session.logits == nil)
    try session.append(Array(tokens[100...]))
    #expect(session.logits == (try logits(after: tokens)))
  }
}

@Suite("Generation")
struct GenerationTests {
  private func run(
    _ settings: SamplingSettings, drafter: (any Drafter)?, length: Int = 5, limit: Int = 200,
    stop: Set<Int32> = [], context: Int = 4096
  ) throws -> (Generation.Outcome, InferenceSession) {
    let session = InferenceSession(model: HashModel(), contextLimit: context)
    try session.append((0..<40).map { Int32($0 % 11) })
    let generation = Generation(
      sampler: try Sampler(settings), stopTokens: stop, tokenLimit: limit, drafter: drafter,
      draftLength: length)
    var received: [Int32] = []
    let outcome = try generation.run(session) {
      received.append($0)
      return true
    }
    #expect(received == outcome.tokens)
    return (outcome, session)
  }

  /// Proposes what a plain run produced, with every third proposal wrong.
  private final class Oracle: Drafter {
    let text: [Int32]
    init(_ text: [Int32]) { self.text = text }
    func draft(after tokens: [Int32], count: Int) -> [Int32] {
      guard tokens.count < text.count else { return [7, 7] }
      return text[tokens.count...].prefix(count).enumerated().map {
        ($0.offset + tokens.count) % 3 == 2 ? ($0.element + 1) % 50 : $0.element
      }
    }
  }

  @Test(
    "Guessing changes nothing but the number of passes",
    arguments: [
      SamplingSettings.greedy, SamplingSettings(seed: 1),
      SamplingSettings(temperature: 0.3, topP: 0.9, repetitionPenalty: 1.2, seed: 2),
    ], [1, 4, 16])
  func speculation(settings: SamplingSettings, length: Int) throws {
    let (plain, plainSession) = try run(settings, drafter: nil)
    let full = plainSession.tokens
    let drafters: [any Drafter] = [
      Oracle(full), RepetitionDrafter(),
      ModelDrafter(session: InferenceSession(model: HashModel())),
    ]
    for drafter in drafters {
      let (drafted, session) = try run(settings, drafter: drafter, length: length)
      #expect(drafted.tokens == plain.tokens)
      #expect(drafted.end == plain.end)
      #expect(session.tokens == full)
      #expect(session.logits == plainSession.logits)
      #expect(drafted.accepted <= drafted.drafted)
    }
    let (guided, _) = try run(settings, drafter: Oracle(full), length: length)
    #expect(guided.accepted > 0)
  }

  @Test("A stop token ends the answer and is not part of it, guessed or not")
  func stop() throws {
    let (plain, session) = try run(.greedy, drafter: nil, limit: 60)
    let stop = try #require(plain.tokens.last)
    let expected = Array(plain.tokens.prefix { $0 != stop })
    for drafter in [nil, Oracle(session.tokens)] as [(any Drafter)?] {
      let (outcome, stopped) = try run(.greedy, drafter: drafter, stop: [stop])
      #expect(outcome.end == .stopToken(stop))
      #expect(outcome.tokens == expected)
      #expect(stopped.tokens.count == 40 + expected.count)
    }
  }

  @Test("The context's end and the token limit are told apart")
  func ends() throws {
    let (full, _) = try run(.greedy, drafter: nil, context: 50)
    #expect(full.end == .contextFull)
    #expect(full.tokens.count == 10)
    let (limited, _) = try run(.greedy, drafter: nil, limit: 10, context: 50)
    #expect(limited.end == .tokenLimit)
    let (none, _) = try run(.greedy, drafter: nil, limit: 0)
    #expect(none.tokens.isEmpty)
  }

  @Test("The receiver can stop at any token", arguments: [1, 2, 9])
  func cancel(after count: Int) throws {
    let (plain, plainSession) = try run(.greedy, drafter: nil, limit: 30)
    for drafter in [nil, Oracle(plainSession.tokens)] as [(any Drafter)?] {
      let session = InferenceSession(model: HashModel())
      try session.append((0..<40).map { Int32($0 % 11) })
      let generation = Generation(
        sampler: try Sampler(.greedy), stopTokens: [], drafter: drafter, draftLength: 5)
      var received = 0
      let outcome = try generation.run(session) { _ in
        received += 1
        return received < count
      }
      #expect(outcome.end == .cancelled)
      #expect(outcome.tokens == Array(plain.tokens[..<count]))
      #expect(session.tokens == Array(plainSession.tokens[..<(40 + count)]))
    }
  }
}
