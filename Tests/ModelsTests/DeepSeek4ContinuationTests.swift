import Kernels
import Models
import Testing

/// However a sequence is cut, stored, gone back on, or run beside others: the logits have the same bits.
@Suite struct DeepSeek4ContinuationTests {
  static let width = DeepSeek4Fixture.vocabularyCount

  /// Positions around the boundaries of groups (4), windows (48), pages and large groups (128).
  static let corners = [1, 3, 4, 5, 47, 48, 50, 82, 126, 127, 128, 129, 131, 135, 255, 256, 258]

  private func rows(_ logits: [Float], _ rows: Range<Int>) -> [UInt32] {
    Array(logits[rows.lowerBound * Self.width..<rows.upperBound * Self.width]).bits
  }

  @Test(arguments: [1, 2, 3, 4, 5, 7, 31, 127, 128, 129, 300, 512])
  func piecesOfOneSize(size: Int) throws {
    let model = try DeepSeek4Fixture.load()
    let tokens = DeepSeek4Fixture.tokens(size < 8 ? 300 : 600, seed: 1)
    let whole = try model.logits(model.makeState(), tokens)
    let pieces = try model.logits(model.makeState(), tokens, pieces: [size])
    #expect(whole.bits == pieces.bits)
  }

  @Test(arguments: 0..<12)
  func randomPieces(seed: Int) throws {
    let model = try DeepSeek4Fixture.load()
    var numbers = SeededNumbers(UInt64(seed))
    let tokens = DeepSeek4Fixture.tokens(530, seed: 2)
    let pieces = (0..<200).map { _ in
      Int.random(in: 1...(Bool.random(using: &numbers) ? 9 : 512), using: &numbers)
    }
    let whole = try model.logits(model.makeState(), tokens)
    let cut = try model.logits(model.makeState(), tokens, pieces: pieces)
    #expect(whole.bits == cut.bits, "seed \(seed)")
  }

  @Test(arguments: [1, 2, 3])
  func threads(count: Int) throws {
    let tokens = DeepSeek4Fixture.tokens(200, seed: 3)
    let model = try DeepSeek4Fixture.load()
    let other = try DeepSeek4Fixture.load(threads: count)
    #expect(
      try model.logits(model.makeState(), tokens).bits
        == other.logits(other.makeState(), tokens, pieces: [64, 1, 1, 1, 7]).bits)
  }

  @Test(arguments: InstructionSet.available)
  func instructionSets(set: InstructionSet) throws {
    let tokens = DeepSeek4Fixture.tokens(140, seed: 4)
    let file = try EngineFixture.named(DeepSeek4Fixture.name).open()
    let model = try DeepSeek4Fixture.load()
    let other = try ModelLoader.load(
      file, on: try ProcessorOperations(threads: 2, instructionSet: set))
    #expect(
      try model.logits(model.makeState(), tokens).bits
        == other.logits(other.makeState(), tokens).bits)
  }

  /// A snapshot (a fork, or bytes) goes on as the original does, and neither disturbs the other.
  @Test(arguments: corners)
  func snapshots(at count: Int) throws {
    let model = try DeepSeek4Fixture.load()
    let tokens = DeepSeek4Fixture.tokens(count + 140, seed: 5)
    let other = DeepSeek4Fixture.tokens(140, seed: 6)
    let whole = try model.logits(model.makeState(), tokens)
    let state = model.makeState()
    try model.take(state, Array(tokens[..<count]))
    let fork = state.fork()
    let bytes = state.serialized()
    let read = try model.makeState(serialized: bytes)
    #expect(read.count == count && fork.count == count)
    #expect(read.serialized() == bytes)
    #expect(fork.serialized() == bytes)

    // The fork goes elsewhere first, so that shared rows would show.
    let elsewhere = try model.logits(fork, other)
    let rest = Array(tokens[count...])
    let expected = rows(whole, count..<tokens.count)
    #expect(try model.logits(state, rest).bits == expected)
    #expect(try model.logits(read, rest, pieces: [1, 1, 1, 50]).bits == expected)
    let again = try model.makeState(serialized: bytes)
    #expect(try model.logits(again, other).bits == elsewhere.bits)
  }

  /// Drafts of 1 to 16 tokens that are dropped leave no trace, also across groups and pages.
  @Test(arguments: corners)
  func rollingBack(to count: Int) throws {
    let model = try DeepSeek4Fixture.load()
    let tokens = DeepSeek4Fixture.tokens(count + 12, seed: 7)
    let drafts = DeepSeek4Fixture.tokens(maximumRollback, seed: 8)
    let whole = try model.logits(model.makeState(), tokens)
    let state = model.makeState()
    try model.take(state, Array(tokens[..<count]))
    let bytes = state.serialized()
    let rest = Array(tokens[count...])
    for length in 1...maximumRollback {
      try model.take(state, Array(drafts[..<length]))
      let shared = state.fork()
      #expect(state.oldestRollback <= max(0, state.count - maximumRollback))
      try state.rollBack(to: count)
      #expect(state.count == count)
      // What was cached is the same again; what else is kept may reach less far back.
      let fork = state.fork()
      #expect(
        try model.logits(fork, rest).bits == rows(whole, count..<tokens.count),
        "draft of \(length)")
      // The fork of before the roll-back is whole still.
      if length == maximumRollback {
        try shared.rollBack(to: count)
        #expect(
          try model.logits(shared, rest).bits == rows(whole, count..<tokens.count), "shared")
      }
    }
    #expect(try model.logits(state, rest).bits == rows(whole, count..<tokens.count))
    let read = try model.makeState(serialized: bytes)
    #expect(try model.logits(read, rest).bits == rows(whole, count..<tokens.count))
  }

  @Test func rollingBackTooFar() throws {
    let model = try DeepSeek4Fixture.load()
    let state = model.makeState()
    try model.take(state, DeepSeek4Fixture.tokens(200, seed: 9))
    #expect(throws: ModelError.rollbackTooFar(requested: 201, oldest: 184)) {
      try state.rollBack(to: 201)
    }
    #expect(throws: ModelError.rollbackTooFar(requested: 183, oldest: 184)) {
      try state.rollBack(to: 183)
    }
    try state.rollBack(to: 184)
    #expect(state.count == 184)
  }

  @Test(arguments: 1...8)
  func sequencesTogether(count: Int) throws {
    let model = try DeepSeek4Fixture.load()
    var numbers = SeededNumbers(UInt64(100 + count))
    let sequences = (0..<count).map { index in
      DeepSeek4Fixture.tokens(
        Int.random(in: 1...260, using: &numbers), seed: UInt64(20 + index))
    }
    let alone = try sequences.map { try model.logits(model.makeState(), $0) }
    let states = sequences.map { _ in model.makeState() }
    var together = [[Float]](repeating: [], count: count)
    while states.indices.contains(where: { states[$0].count < sequences[$0].count }) {
      var inputs: [SequenceInput] = []
      var indices: [Int] = []
      for index in states.indices where states[index].count < sequences[index].count {
        let left = sequences[index].count - states[index].count
        let size = min(left, Int.random(in: 1...max(1, 900 / count / 3), using: &numbers))
        let start = states[index].count
        inputs.append(
          SequenceInput(
            state: states[index], tokens: Array(sequences[index][start..<start + size]),
            logits: .all))
        indices.append(index)
      }
      let order = inputs.indices.shuffled(using: &numbers)
      let logits = try model.evaluate(order.map { inputs[$0] }, observer: nil)
      for (place, rows) in zip(order, logits) { together[indices[place]] += rows }
    }
    for index in 0..<count { #expect(together[index].bits == alone[index].bits, "\(index)") }
  }

  @Test func logitsAskedFor() throws {
    let model = try DeepSeek4Fixture.load()
    let tokens = DeepSeek4Fixture.tokens(90, seed: 30)
    let all = try model.logits(model.makeState(), tokens)
    let inputs = [SequenceInput.Logits.none, .last, .all].map {
      SequenceInput(state: model.makeState(), tokens: tokens, logits: $0)
    }
    let logits = try model.evaluate(inputs, observer: nil)
    #expect(logits[0].isEmpty)
    #expect(logits[1].bits == rows(all, 89..<90))
    #expect(logits[2].bits == all.bits)
  }

  @Test func observingChangesNothing() throws {
    let model = try DeepSeek4Fixture.load()
    let tokens = DeepSeek4Fixture.tokens(40, seed: 31)
    let observer = RecordingObserver()
    let logits = try model.evaluate(
      [SequenceInput(state: model.makeState(), tokens: tokens, logits: .all)],
      observer: observer)[0]
    #expect(try model.logits(model.makeState(), tokens).bits == logits.bits)
    for layer in 0..<3 {
      #expect(observer.shapes["\(layer).streams_out"] == [40, 4, 256])
      #expect(observer.shapes["\(layer).attn_hc.comb"] == [40, 4, 4])
      #expect(observer.shapes["\(layer).router.experts"] == [40, 3])
    }
    #expect(observer.shapes["final_norm"] == [40, 256])
    #expect(observer.names.count == 3 * 11 + 1)
    // Columns of the mixing between streams sum to one (specification, 4).
    let comb = try #require(observer.values["1.attn_hc.comb"])
    for (row, column) in (0..<40).flatMap({ row in (0..<4).map { (row, $0) } }) {
      let sum = (0..<4).reduce(Float(0)) { $0 + comb[16 * row + 4 * $1 + column] }
      #expect(abs(sum - 1) < 1e-4)
    }
  }

  /// Rounding changes what is computed, but nothing about how a sequence may be cut.
  @Test func roundedCache() throws {
    let plain = try DeepSeek4Fixture.load()
    let rounded = try DeepSeek4Fixture.load(
      options: ModelOptions(maximumBatch: 1024, roundsCache: true))
    let tokens = DeepSeek4Fixture.tokens(300, seed: 32)
    let one = try plain.logits(plain.makeState(), tokens)
    let other = try rounded.logits(rounded.makeState(), tokens)
    #expect(one.bits != other.bits)
    #expect(other.allSatisfy { $0.isFinite })
    #expect(
      try rounded.logits(rounded.makeState(), tokens, pieces: [3, 64, 1, 1, 100]).bits
        == other.bits)
    let state = plain.makeState()
    try plain.take(state, tokens)
    #expect(throws: ModelError.self) { try rounded.makeState(serialized: state.serialized()) }
  }

  @Test func refusesWhatDoesNotFit() throws {
    let model = try DeepSeek4Fixture.load(
      options: ModelOptions(maximumBatch: 16, contextLength: 40))
    let state = model.makeState()
    func evaluate(_ tokens: [Int32]) throws {
      _ = try model.evaluate(
        [SequenceInput(state: state, tokens: tokens, logits: .none)], observer: nil)
    }
    #expect(throws: ModelError.tooManyTokens(count: 17, limit: 16)) {
      try evaluate([Int32](repeating: 1, count: 17))
    }
    #expect(throws: ModelError.tokenOutOfRange(token: 651, vocabulary: 651)) {
      try evaluate([650, 651])
    }
    #expect(throws: ModelError.tokenOutOfRange(token: -1, vocabulary: 651)) { try evaluate([-1]) }
    #expect(state.count == 0)
    try model.take(state, DeepSeek4Fixture.tokens(40, seed: 1))
    #expect(throws: ModelError.tooManyTokens(count: 41, limit: 40)) { try evaluate([1]) }
    #expect(state.count == 40)
  }
}
