import Kernels
import Models
import Testing

/// However a sequence is cut, stored, gone back on, or run beside others: the logits of decoders have the same bits.
@Suite struct KeyValueStateTests {
  /// Positions around the boundaries of snapshots (16) and pages (128).
  static let corners = [1, 2, 15, 16, 17, 31, 32, 33, 50, 126, 127, 128, 129, 144, 255, 256, 258]

  @Test(arguments: DecoderFixture.kinds, [1, 2, 3, 7, 15, 16, 17, 33, 127, 128, 129, 300])
  func piecesOfOneSize(name: String, size: Int) throws {
    let model = try DecoderFixture.load(name)
    let tokens = DecoderFixture.tokens(290, of: model, seed: 1)
    let whole = try model.logits(model.makeState(), tokens)
    let pieces = try model.logits(model.makeState(), tokens, pieces: [size])
    #expect(whole.bits == pieces.bits)
  }

  @Test(arguments: DecoderFixture.kinds, 0..<6)
  func randomPieces(name: String, seed: Int) throws {
    let model = try DecoderFixture.load(name)
    var numbers = SeededNumbers(UInt64(seed))
    let tokens = DecoderFixture.tokens(400, of: model, seed: 2)
    let pieces = (0..<200).map { _ in
      Int.random(in: 1...(Bool.random(using: &numbers) ? 9 : 200), using: &numbers)
    }
    let whole = try model.logits(model.makeState(), tokens)
    let states = (model.makeState(), model.makeState())
    try model.take(states.0, tokens)
    #expect(
      try model.logits(states.1, tokens, pieces: pieces).bits == whole.bits, "seed \(seed)")
    // What is left behind depends on the tokens alone.
    #expect(states.0.serialized() == states.1.serialized(), "seed \(seed)")
  }

  @Test(arguments: DecoderFixture.kinds, [1, 3])
  func threads(name: String, count: Int) throws {
    let model = try DecoderFixture.load(name)
    let other = try DecoderFixture.load(name, threads: count)
    let tokens = DecoderFixture.tokens(150, of: model, seed: 3)
    #expect(
      try model.logits(model.makeState(), tokens).bits
        == other.logits(other.makeState(), tokens, pieces: [64, 1, 1, 1, 7]).bits)
  }

  @Test(arguments: DecoderFixture.kinds, InstructionSet.available)
  func instructionSets(name: String, set: InstructionSet) throws {
    let model = try DecoderFixture.load(name)
    let other = try DecoderFixture.load(name, instructionSet: set)
    let tokens = DecoderFixture.tokens(140, of: model, seed: 4)
    #expect(
      try model.logits(model.makeState(), tokens).bits
        == other.logits(other.makeState(), tokens).bits)
  }

  /// A copy (a fork, or bytes) goes on as the original does, and neither disturbs the other.
  @Test(arguments: DecoderFixture.kinds, corners)
  func copies(name: String, at count: Int) throws {
    let model = try DecoderFixture.load(name)
    let tokens = DecoderFixture.tokens(count + 140, of: model, seed: 5)
    let other = DecoderFixture.tokens(140, of: model, seed: 6)
    let whole = try model.logits(model.makeState(), tokens)
    let state = model.makeState()
    try model.take(state, Array(tokens[..<count]))
    let fork = state.fork()
    let bytes = state.serialized()
    let read = try model.makeState(serialized: bytes)
    #expect(read.count == count && fork.count == count)
    #expect(read.serialized() == bytes && fork.serialized() == bytes)
    #expect(read.tailByteCount == state.tailByteCount && fork.tailByteCount == state.tailByteCount)
    #expect(read.oldestRollback == state.oldestRollback)

    // The fork goes elsewhere first, so that shared rows would show.
    let elsewhere = try model.logits(fork, other)
    let rest = Array(tokens[count...])
    let expected = DecoderFixture.bits(whole, count..<tokens.count, of: model)
    #expect(try model.logits(state, rest).bits == expected)
    #expect(try model.logits(read, rest, pieces: [1, 1, 1, 50]).bits == expected)
    let again = try model.makeState(serialized: bytes)
    #expect(try model.logits(again, other).bits == elsewhere.bits)
  }

  /// Drafts of 1 to 16 tokens that are dropped leave no trace, also across snapshots and pages.
  @Test(arguments: DecoderFixture.kinds, corners)
  func rollingBack(name: String, to count: Int) throws {
    let model = try DecoderFixture.load(name)
    let tokens = DecoderFixture.tokens(count + 12, of: model, seed: 7)
    let drafts = DecoderFixture.tokens(maximumRollback, of: model, seed: 8)
    let whole = try model.logits(model.makeState(), tokens)
    let expected = DecoderFixture.bits(whole, count..<tokens.count, of: model)
    let state = model.makeState()
    try model.take(state, Array(tokens[..<count]))
    let rest = Array(tokens[count...])
    for length in (1...maximumRollback).reversed() {
      _ = try model.logits(state, Array(drafts[..<length]), pieces: [length % 3 + 1])
      #expect(state.oldestRollback <= max(0, state.count - maximumRollback))
      let shared = state.fork()
      try state.rollBack(to: count)
      #expect(state.count == count)
      #expect(state.oldestRollback <= max(0, state.count - maximumRollback))
      #expect(try model.logits(state.fork(), rest).bits == expected, "draft of \(length)")
      // Another state that holds the same pages goes back by itself.
      try shared.rollBack(to: count)
      #expect(try model.logits(shared, rest).bits == expected, "fork, draft of \(length)")
      let read = try model.makeState(serialized: state.serialized())
      #expect(try model.logits(read, rest, pieces: [5]).bits == expected, "read, \(length)")
    }
    #expect(try model.logits(state, rest).bits == expected)
  }

  /// Going forward and back by chance, in steps of any size, ends where the tokens that remain lead.
  @Test(arguments: DecoderFixture.kinds, 0..<8)
  func randomWalk(name: String, seed: Int) throws {
    let model = try DecoderFixture.load(name)
    var numbers = SeededNumbers(UInt64(1000 + seed))
    let state = model.makeState()
    var tokens: [Int32] = []
    for step in 0..<40 {
      let size = Int.random(in: 1...(step % 7 == 0 ? 90 : 20), using: &numbers)
      let more = DecoderFixture.tokens(size, of: model, seed: numbers.next())
      try model.take(state, more)
      tokens += more
      let target = Int.random(
        in: max(state.oldestRollback, state.count - maximumRollback)...state.count, using: &numbers)
      try state.rollBack(to: target)
      tokens.removeSubrange(target...)
    }
    let probe = DecoderFixture.tokens(5, of: model, seed: 9)
    let plain = model.makeState()
    try model.take(plain, Array(tokens))
    #expect(
      try model.logits(state, probe).bits == model.logits(plain, probe).bits, "seed \(seed)")
  }

  @Test func rollingBackTooFar() throws {
    let model = try DecoderFixture.load("qwen35moe-q4_k_m")
    let state = model.makeState()
    try model.take(state, DecoderFixture.tokens(200, of: model, seed: 9))
    #expect(state.oldestRollback == 160)
    #expect(throws: ModelError.rollbackTooFar(requested: 201, oldest: 160)) {
      try state.rollBack(to: 201)
    }
    #expect(throws: ModelError.rollbackTooFar(requested: 159, oldest: 160)) {
      try state.rollBack(to: 159)
    }
    #expect(state.count == 200)
    try state.rollBack(to: 160)
    #expect(state.count == 160)
  }

  /// Without recurrent layers a sequence goes back to any point, the beginning included.
  @Test(arguments: [0, 1, 127, 128, 129, 299])
  func rollingBackFar(to count: Int) throws {
    let model = try DecoderFixture.load("qwen3-f32")
    let tokens = DecoderFixture.tokens(300, of: model, seed: 10)
    let whole = try model.logits(model.makeState(), tokens)
    let state = model.makeState()
    try model.take(state, Array(tokens[..<count]))
    try model.take(state, DecoderFixture.tokens(300 - count, of: model, seed: 11))
    #expect(state.oldestRollback == 0)
    try state.rollBack(to: count)
    #expect(state.pages.count == count / tokensPerPage)
    #expect((state.tailByteCount == 0) == (count % tokensPerPage == 0))
    #expect(
      try model.logits(state, Array(tokens[count...])).bits
        == DecoderFixture.bits(whole, count..<300, of: model))
  }

  @Test(arguments: DecoderFixture.kinds, 1...8)
  func sequencesTogether(name: String, count: Int) throws {
    let model = try DecoderFixture.load(name)
    var numbers = SeededNumbers(UInt64(100 + count))
    let sequences = (0..<count).map { index in
      DecoderFixture.tokens(
        Int.random(in: 1...160, using: &numbers), of: model, seed: UInt64(20 + index))
    }
    let alone = try sequences.map { try model.logits(model.makeState(), $0) }
    let states = sequences.map { _ in model.makeState() }
    var together = [[Float]](repeating: [], count: count)
    while states.indices.contains(where: { states[$0].count < sequences[$0].count }) {
      var inputs: [SequenceInput] = []
      var indices: [Int] = []
      for index in states.indices where states[index].count < sequences[index].count {
        let start = states[index].count
        let size = min(
          sequences[index].count - start, Int.random(in: 1...max(2, 300 / count), using: &numbers))
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

  @Test(arguments: DecoderFixture.kinds)
  func logitsAskedFor(name: String) throws {
    let model = try DecoderFixture.load(name)
    let tokens = DecoderFixture.tokens(90, of: model, seed: 30)
    let all = try model.logits(model.makeState(), tokens)
    let inputs = [SequenceInput.Logits.none, .last, .all].map {
      SequenceInput(state: model.makeState(), tokens: tokens, logits: $0)
    }
    let logits = try model.evaluate(inputs, observer: nil)
    #expect(logits[0].isEmpty)
    #expect(logits[1].bits == DecoderFixture.bits(all, 89..<90, of: model))
    #expect(logits[2].bits == all.bits)
    #expect(try model.evaluate([], observer: nil).isEmpty)
  }

  /// Pages of equal sequences are equal and can replace one another.
  @Test(arguments: DecoderFixture.kinds)
  func adoptedPages(name: String) throws {
    let model = try DecoderFixture.load(name)
    let tokens = DecoderFixture.tokens(300, of: model, seed: 12)
    let (one, other) = (model.makeState(), model.makeState())
    try model.take(one, Array(tokens[..<280]))
    try model.take(other, Array(tokens[..<280]))
    #expect(one.pages.count == 2)
    for (index, page) in other.pages.enumerated() { one.adopt(page, at: index) }
    #expect(one.pages.elementsEqual(other.pages) { $0 === $1 })
    let rest = Array(tokens[280...])
    #expect(try model.logits(one, rest).bits == model.logits(other, rest).bits)
  }

  @Test(arguments: DecoderFixture.kinds)
  func byteCounts(name: String) throws {
    let model = try DecoderFixture.load(name)
    let state = model.makeState()
    for count in [1, 100, 27, 1, 127, 100] {
      try model.take(state, DecoderFixture.tokens(count, of: model, seed: 13))
      let total = state.pageByteCount + state.tailByteCount
      #expect(state.pages.count == state.count / tokensPerPage)
      #expect(state.pageByteCount == state.pages.reduce(0) { $0 + $1.byteCount })
      #expect(total <= model.stateByteCount(tokens: state.count))
      // Once all snapshots are taken the plan is exact.
      if state.count >= 48 { #expect(total == model.stateByteCount(tokens: state.count)) }
    }
    #expect(state.count == 356 && state.pageByteCount > 0)
  }

  @Test func refusesWhatDoesNotFit() throws {
    let model = try DecoderFixture.load(
      "qwen3moe-f32", options: ModelOptions(maximumBatch: 16, contextLength: 40))
    let state = model.makeState()
    func evaluate(_ tokens: [Int32]) throws {
      _ = try model.evaluate(
        [SequenceInput(state: state, tokens: tokens, logits: .none)], observer: nil)
    }
    #expect(throws: ModelError.tooManyTokens(count: 17, limit: 16)) {
      try evaluate([Int32](repeating: 1, count: 17))
    }
    #expect(throws: ModelError.tokenOutOfRange(token: 619, vocabulary: 619)) {
      try evaluate([618, 619])
    }
    #expect(throws: ModelError.tokenOutOfRange(token: -1, vocabulary: 619)) { try evaluate([-1]) }
    #expect(state.count == 0)
    try model.take(state, DecoderFixture.tokens(40, of: model, seed: 1))
    #expect(throws: ModelError.tooManyTokens(count: 41, limit: 40)) { try evaluate([1]) }
    #expect(state.count == 40)
  }
}
