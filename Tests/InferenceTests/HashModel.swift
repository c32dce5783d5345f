import Models

/// A language model whose logits are a hash of the whole sequence: any token that is lost, doubled or misplaced changes
/// everything after it. Keeps its tokens in shared pages of 128, like real ones.
final class HashModel: LanguageModel {
  let shape: ModelShape
  let maximumBatch: Int
  /// Tokens computed so far, to see what was reused.
  private(set) var computedTokens = 0
  private(set) var passes = 0

  let rollsBackFreely: Bool

  init(
    vocabulary: Int = 50, context: Int = 4096, maximumBatch: Int = 512,
    rollsBackFreely: Bool = false
  ) {
    self.rollsBackFreely = rollsBackFreely
    shape = ModelShape(
      architecture: "hash", vocabularyCount: vocabulary, width: 1, layerCount: 1,
      contextLength: context, expertCount: 0, expertsPerToken: 0, derivations: [])
    self.maximumBatch = maximumBatch
  }

  final class Page: StatePage {
    let tokens: [Int32]
    var byteCount: Int { tokens.count * 4 }
    init(_ tokens: [Int32]) { self.tokens = tokens }
  }

  final class State: SequenceState {
    var complete: [Page] = []
    var tail: [Int32] = []
    let rollsBackFreely: Bool

    init(rollsBackFreely: Bool) { self.rollsBackFreely = rollsBackFreely }

    var count: Int { complete.count * tokensPerPage + tail.count }
    var all: [Int32] { complete.flatMap(\.tokens) + tail }
    var tailByteCount: Int { tail.count * 4 + 64 }
    var pageByteCount: Int { complete.count * tokensPerPage * 4 }
    var pages: [any StatePage] { complete }
    var oldestRollback: Int { rollsBackFreely ? 0 : max(0, count - maximumRollback) }

    func fork() -> any SequenceState {
      let other = State(rollsBackFreely: rollsBackFreely)
      other.complete = complete
      other.tail = tail
      return other
    }

    func rollBack(to count: Int) throws(ModelError) {
      guard (oldestRollback...self.count).contains(count) else {
        throw .rollbackTooFar(requested: count, oldest: oldestRollback)
      }
      let kept = Array(all[..<count])
      complete = Array(complete[..<(count / tokensPerPage)])
      tail = Array(kept[(complete.count * tokensPerPage)...])
    }

    func adopt(_ page: any StatePage, at index: Int) {
      if let page = page as? Page { complete[index] = page }
    }

    func serialized() -> [UInt8] { all.map { UInt8(truncatingIfNeeded: $0) } }
    func serializedTail() -> [UInt8] { tail.map { UInt8(truncatingIfNeeded: $0) } }
  }

  func makeState() -> any SequenceState { State(rollsBackFreely: rollsBackFreely) }
  func stateByteCount(tokens: Int) -> Int { tokens * 4 + 64 }
  func makeState(serialized: [UInt8]) throws(ModelError) -> any SequenceState {
    let state = State(rollsBackFreely: rollsBackFreely)
    for byte in serialized { take(Int32(byte), state) }
    return state
  }

  func serialized(_ page: any StatePage) -> [UInt8] {
    (page as? Page)?.tokens.map { UInt8(truncatingIfNeeded: $0) } ?? []
  }

  func makePage(serialized: [UInt8]) throws(ModelError) -> any StatePage {
    guard serialized.count == tokensPerPage else { throw .serializedState("no page") }
    return Page(serialized.map { Int32($0) })
  }

  func makeState(
    tail: [UInt8], pages: [any StatePage]
  ) throws(ModelError) -> any SequenceState {
    let state = State(rollsBackFreely: rollsBackFreely)
    state.complete = pages.compactMap { $0 as? Page }
    guard state.complete.count == pages.count, tail.count < tokensPerPage else {
      throw .serializedState("no tail of this model")
    }
    state.tail = tail.map { Int32($0) }
    return state
  }

  private func take(_ token: Int32, _ state: State) {
    state.tail.append(token)
    if state.tail.count == tokensPerPage {
      state.complete.append(Page(state.tail))
      state.tail = []
    }
  }

  func evaluate(
    _ sequences: [SequenceInput], observer: (any ForwardObserver)?
  ) throws(ModelError) -> [[Float]] {
    passes += 1
    let count = sequences.reduce(0) { $0 + $1.tokens.count }
    guard count <= maximumBatch else {
      throw .tooManyTokens(count: count, limit: maximumBatch)
    }
    var results: [[Float]] = []
    for sequence in sequences {
      guard let state = sequence.state as? State else {
        throw .serializedState("a state of another model")
      }
      var rows: [Float] = []
      for (index, token) in sequence.tokens.enumerated() {
        guard (0..<Int32(shape.vocabularyCount)).contains(token) else {
          throw .tokenOutOfRange(token: Int(token), vocabulary: shape.vocabularyCount)
        }
        take(token, state)
        computedTokens += 1
        switch sequence.logits {
        case .none: break
        case .last:
          if index == sequence.tokens.count - 1 { rows = logits(after: state.all) }
        case .all: rows += logits(after: state.all)
        }
      }
      results.append(rows)
    }
    return results
  }

  /// Logits in 0 ..< 8, from the last few tokens mainly, so that greedy text has repetitions worth drafting.
  func logits(after tokens: [Int32]) -> [Float] {
    var hash: UInt64 = 14_695_981_039_346_656_037
    for token in tokens.suffix(2) { hash = (hash ^ UInt64(token % 7)) &* 1_099_511_628_211 }
    let all = tokens.reduce(UInt64(7)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    return (0..<shape.vocabularyCount).map { index in
      var z = hash &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15
      z = (z ^ (z >> 29)) &* 0xBF58_476D_1CE4_E5B9
      return Float((z >> 40) & 0xFFFF) / 8192 + Float((all >> 44) & 0xFF) * 1e-4 * Float(index)
    }
  }
}
