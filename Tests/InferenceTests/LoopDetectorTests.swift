import Inference
import Testing

@Suite("Loops")
struct LoopDetectorTests {
  /// The first position at which a loop is reported.
  private func find(
    _ tokens: [Int32], _ settings: LoopDetector.Settings = LoopDetector.Settings()
  ) -> (position: Int, loop: LoopDetector.Loop)? {
    var detector = LoopDetector(settings)
    for (position, token) in tokens.enumerated() {
      if let loop = detector.append(token) { return (position, loop) }
    }
    return nil
  }

  /// The definition, word for word: does the text end with `repetitions` equal blocks that reach `minimumTokens`?
  private func reference(
    _ tokens: [Int32], _ settings: LoopDetector.Settings
  ) -> LoopDetector.Loop? {
    guard !tokens.isEmpty else { return nil }
    for period in 1...settings.longestPeriod {
      var length = min(period, tokens.count)
      while length < tokens.count, length >= period,
        tokens[tokens.count - 1 - length] == tokens[tokens.count - 1 - length + period]
      { length += 1 }
      if length >= settings.minimumTokens, length / period >= settings.repetitions {
        return LoopDetector.Loop(period: period, count: length / period)
      }
    }
    return nil
  }

  @Test("Finds exactly what the definition says, at the first token at which it holds", arguments: 0..<200)
  func definition(seed: Int) throws {
    var random = SmallRandom(seed)
    let settings = LoopDetector.Settings(
      longestPeriod: random.next(1...12), repetitions: random.next(2...5),
      minimumTokens: random.next(2...30))
    var detector = LoopDetector(settings)
    var tokens: [Int32] = []
    while tokens.count < 400 {
      // Noise and stretches that repeat, of all periods around the limit.
      let block = (0..<random.next(1...15)).map { _ in Int32(random.next(0...2)) }
      for _ in 0..<random.next(1...8) {
        for token in block {
          tokens.append(token)
          #expect(detector.append(token) == reference(tokens, settings))
        }
      }
    }
  }

  @Test("A block that comes back again and again is found in time", arguments: [1, 2, 7, 31, 32, 33, 64])
  func found(period: Int) throws {
    let before = (0..<500).map { Int32($0) }
    let block = (0..<period).map { Int32(1000 + $0) }
    let tokens = before + (0..<2000).map { block[$0 % period] }
    let found = try #require(find(tokens))
    #expect(found.loop.period == period)
    #expect(found.position == before.count + max(256, 8 * period) - 1)
    #expect(found.loop.count == max(256, 8 * period) / period)
  }

  @Test("Text that repeats without being a loop is left alone")
  func legitimate() {
    // A table of 200 rows: the same frame, another number each time.
    var table: [Int32] = []
    for row in 0..<200 as Range<Int32> { table += [1, 2, 100 + row % 10, 3, 200 + row, 4] }
    #expect(find(table) == nil)
    // A row of zeros: 200 times the same token. Then a word of 64 digits, twelve times, each with another name before it.
    var zeros = [Int32](repeating: 7, count: 200)
    for word in 0..<12 as Range<Int32> {
      zeros.append(500 + word)
      zeros += [Int32](repeating: 7, count: 64)
    }
    #expect(find(zeros) == nil)
    // Seven equal test cases of 64 tokens: long, but not often enough.
    var cases: [Int32] = []
    for _ in 0..<7 { cases += Array(0..<64 as Range<Int32>) }
    #expect(find(cases + [9000]) == nil)
    // Indented lines: runs of spaces of all lengths between words.
    var lines: [Int32] = []
    for line in 0..<300 {
      lines += [Int32](repeating: 7, count: line % 20)
      lines += [Int32(300 + line % 7), 8]
    }
    #expect(find(lines) == nil)
    // A paragraph longer than any period, over and over, is no business of this detector.
    var paragraphs: [Int32] = []
    for _ in 0..<20 { paragraphs += Array(0..<65 as Range<Int32>) }
    #expect(find(paragraphs) == nil)
    // Counting.
    #expect(find(Array(0..<5000 as Range<Int32>)) == nil)
  }

  @Test("A request ends when its answer repeats itself, unless it must not")
  func scheduled() throws {
    let model = ScriptedModel(HashModel())
    // The model says the same four tokens for ever.
    model.changeLogits = { tokens, row in
      let last = tokens.last ?? 0
      row[Int((last + 1) % 4)] = 1000
    }
    let scheduler = try SteppedScheduler(model)
    let stopped = Recorder()
    let free = Recorder()
    for (recorder, stops) in [(stopped, true), (free, false)] {
      _ = try scheduler.submit(
        SequenceRequest(
          prompt: [9], sampling: .greedy, stopTokens: [], tokenLimit: 400, stopsLoops: stops,
          receive: recorder.receive))
    }
    #expect(scheduler.run())
    #expect(stopped.finish?.reason == .loop(period: 4, count: 64))
    #expect(stopped.tokens.count == 256)
    #expect(free.finish?.reason == .tokenLimit)
    #expect(scheduler.loop.currentFigures.finished.loops == 1)
  }
}
