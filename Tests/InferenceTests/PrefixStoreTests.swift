import Inference
import Models
import Testing

/// The prefix store in memory, on a model whose logits depend on every token of a sequence.
@Suite("Prefix store in memory")
struct PrefixStoreTests {
  private func text(_ count: Int, seed: Int = 1) -> [Int32] {
    (0..<count).map { Int32(($0 * 31 + seed * 17 + $0 * $0 / 7) % 50) }
  }

  private func logits(after tokens: [Int32]) throws -> [Float] {
    let session = InferenceSession(model: HashModel())
    try session.append(tokens)
    return try #require(session.logits)
  }

  @Test("A conversation that goes on is computed only from where it ended")
  func growing() throws {
    let model = HashModel()
    let prefixes = PrefixStore(model: model, memoryLimit: 1 << 20)
    let first = InferenceSession(model: model, prefixes: prefixes)
    let prompt = text(703)
    try first.append(prompt)
    #expect(first.reusedTokens == 0)
    let before = model.computedTokens
    let longer = prompt + text(50, seed: 4)
    let second = InferenceSession(model: model, prefixes: prefixes)
    try second.append(longer)
    #expect(second.reusedTokens == 703)
    #expect(model.computedTokens - before == 50)
    #expect(second.logits == (try logits(after: longer)))
  }

  @Test("A prompt that comes again needs no computation; without logits, one token")
  func again() throws {
    let model = HashModel()
    let prefixes = PrefixStore(model: model, memoryLimit: 1 << 20)
    let prompt = text(300)
    let session = InferenceSession(model: model, prefixes: prefixes)
    try session.append(prompt)
    let before = model.computedTokens
    let second = InferenceSession(model: model, prefixes: prefixes)
    try second.append(prompt)
    #expect(model.computedTokens == before)
    #expect(second.logits == session.logits)
    let match = prefixes.resume(prompt)
    #expect(match.count == 299)
    #expect(match.state.count == 299)
    #expect(match.logits == nil)
    #expect(match.miss == nil)
    // The states handed out are apart from the kept ones.
    try second.append([1])
    #expect(second.logits == (try logits(after: prompt + [1])))
    #expect(prefixes.resume(prompt + [2]).count == 300)
  }

  @Test("A model that goes back freely reuses everything before an edit; others up to a checkpoint")
  func edit() throws {
    for free in [true, false] {
      let model = HashModel(rollsBackFreely: free)
      let prefixes = PrefixStore(model: model, memoryLimit: 1 << 20)
      let session = InferenceSession(model: model, prefixes: prefixes)
      let prompt = text(3000)
      try session.append(prompt)
      var edited = prompt
      edited[1500] = (edited[1500] + 1) % 50
      let match = prefixes.resume(edited)
      #expect(match.count == (free ? 1500 : 1024))
      let miss = try #require(match.miss)
      #expect(miss.reason == (free ? .differs : .betweenCheckpoints))
      #expect(miss.position == 1500)
      #expect(miss.known == Array(prompt[1500..<1508]))
      #expect(miss.given == edited[1500])
      #expect(match.checkpoints == (free ? [] : [1500, 2048]))
      let second = InferenceSession(model: model, prefixes: prefixes)
      try second.append(edited)
      #expect(second.reusedTokens == match.count)
      #expect(second.logits == (try logits(after: edited)))
      // The next one that departs there continues at that very token.
      edited[1500] = (edited[1500] + 1) % 50
      #expect(prefixes.resume(edited).count == 1500)
    }
  }
}
