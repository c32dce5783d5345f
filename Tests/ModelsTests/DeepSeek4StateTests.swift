import Kernels
import Models
import TensorFormats
import Testing

/// States of DeepSeek V4: sizes, pages, bytes from outside.
@Suite struct DeepSeek4StateTests {
  @Test(arguments: [0, 1, 4, 15, 16, 17, 60, 127, 128, 129, 200, 256, 300])
  func byteCounts(tokens: Int) throws {
    let model = try DeepSeek4Fixture.load()
    let state = model.makeState()
    try model.take(state, DeepSeek4Fixture.tokens(tokens, seed: 50))
    #expect(state.pageByteCount == state.pages.reduce(0) { $0 + $1.byteCount })
    #expect(state.pages.count == tokens / 128)
    // 32 compressed and 32 index rows of 64 values, and one row of the ratio 128.
    #expect(state.pages.allSatisfy { $0.byteCount == (32 + 32 + 1) * 64 * 4 })
    #expect(state.tailByteCount + state.pageByteCount == model.stateByteCount(tokens: tokens))
  }

  @Test func forksSharePages() throws {
    let model = try DeepSeek4Fixture.load()
    let tokens = DeepSeek4Fixture.tokens(300, seed: 51)
    let state = model.makeState()
    try model.take(state, tokens)
    let fork = state.fork()
    #expect(zip(state.pages, fork.pages).allSatisfy { $0 === $1 })
    #expect(state.pages.count == 2 && fork.pages.count == 2)

    // Going back over a page's end gives the fork a page of its own.
    let short = model.makeState()
    try model.take(short, Array(tokens[..<258]))
    let other = short.fork()
    try other.rollBack(to: 250)
    #expect(other.pages.count == 1 && other.pages[0] === short.pages[0])
    try model.take(other, DeepSeek4Fixture.tokens(8, seed: 52))
    #expect(other.pages.count == 2 && other.pages[1] !== short.pages[1])
    let rest = Array(tokens[258...])
    let whole = try model.logits(model.makeState(), tokens)
    #expect(
      try model.logits(short, rest).bits
        == Array(whole[258 * DeepSeek4Fixture.vocabularyCount..<whole.count]).bits)
  }

  @Test func adoptsEqualPages() throws {
    let model = try DeepSeek4Fixture.load()
    let tokens = DeepSeek4Fixture.tokens(290, seed: 53)
    let whole = try model.logits(model.makeState(), tokens)
    let (one, other) = (model.makeState(), model.makeState())
    try model.take(one, Array(tokens[..<270]))
    _ = try model.logits(other, Array(tokens[..<270]), pieces: [13, 100, 1])
    #expect(one.serialized() == other.serialized())
    for index in other.pages.indices {
      #expect(other.pages[index] !== one.pages[index])
      other.adopt(one.pages[index], at: index)
      #expect(other.pages[index] === one.pages[index])
    }
    #expect(one.serialized() == other.serialized())
    let rest = try model.logits(other, Array(tokens[270...]))
    #expect(rest.bits == Array(whole[270 * DeepSeek4Fixture.vocabularyCount..<whole.count]).bits)
  }

  @Test func refusesDamagedBytes() throws {
    let model = try DeepSeek4Fixture.load()
    let state = model.makeState()
    try model.take(state, DeepSeek4Fixture.tokens(131, seed: 54))
    let bytes = state.serialized()
    var numbers = SeededNumbers(54)
    for _ in 0..<60 {
      let length = Int.random(in: 0..<bytes.count, using: &numbers)
      #expect(throws: ModelError.self) { try model.makeState(serialized: Array(bytes[..<length])) }
      var changed = bytes
      changed[length] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
      #expect(throws: ModelError.self, "byte \(length)") {
        try model.makeState(serialized: changed)
      }
    }
    #expect(throws: ModelError.self) { try model.makeState(serialized: bytes + [0]) }
    #expect(throws: ModelError.self) { try model.makeState(serialized: []) }
  }

  /// Bytes with a right checksum whose contents are impossible.
  @Test func refusesForgedBytes() throws {
    let file = try EngineFixture.named(DeepSeek4Fixture.name).open()
    let model = try DeepSeek4Fixture.load()
    let fingerprint = ModelFingerprint(
      architecture: "deepseek4", settings: ["cached vectors are not rounded"],
      tensors: file.tensors)
    func forged(_ fill: (inout StateWriter) -> Void) -> [UInt8] {
      var writer = StateWriter(model: fingerprint)
      fill(&writer)
      return writer.finished()
    }
    /// An empty state: counts, then empty arrays for 3 windows and twice 3 raw rows.
    func empty(count: Int, oldest: Int, arrays: Int) -> [UInt8] {
      forged { writer in
        writer.append(count: count)
        writer.append(count: oldest)
        for _ in 0..<arrays { writer.append([Float]()) }
      }
    }
    #expect(try model.makeState(serialized: empty(count: 0, oldest: 0, arrays: 9)).count == 0)
    for (count, oldest, arrays) in [
      (0, 0, 8), (0, 0, 10), (0, 1, 9), (-1, 0, 9), (4097, 4081, 9), (Int.max, 0, 9),
      (4096, 4080, 9), (100, 50, 9), (1, 0, 9), (Int.max, Int.max, 9),
    ] {
      #expect(throws: ModelError.self, "\(count) \(oldest) \(arrays)") {
        try model.makeState(serialized: empty(count: count, oldest: oldest, arrays: arrays))
      }
    }
    // One token: no compressed rows; windows of 64, raw rows of 128 (twice), 64, 64; index raw rows of 128 (twice).
    func one(_ value: Float) -> [UInt8] {
      forged { writer in
        writer.append(count: 1)
        writer.append(count: 0)
        for _ in 0..<3 { writer.append([Float]()) }
        for width in [64, 64, 64, 128, 128, 64, 64, 128, 128] {
          writer.append([Float](repeating: value, count: width))
        }
      }
    }
    let state = try model.makeState(serialized: one(0.5))
    #expect(state.count == 1)
    #expect(state.serialized() == one(0.5))
    for value in [Float.nan, .infinity, -.infinity] {
      #expect(throws: ModelError.self) { try model.makeState(serialized: one(value)) }
    }
    let other = ModelFingerprint(architecture: "deepseek4", settings: [], tensors: file.tensors)
    #expect(throws: ModelError.self) {
      try model.makeState(serialized: StateWriter(model: other).finished())
    }
  }
}
