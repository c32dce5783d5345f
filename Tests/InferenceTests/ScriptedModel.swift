import Models

/// A `HashModel` whose passes can be watched, slowed down on a clock of its own, and made to fail.
final class ScriptedModel: LanguageModel {
  let base: HashModel
  /// What every pass carried: for each sequence its tokens.
  private(set) var passes: [[[Int32]]] = []
  /// Is told of every pass before it is computed; throws to make it fail.
  var willEvaluate: ((_ tokens: [[Int32]]) throws(ModelError) -> Void)?
  /// Changes the logits of a sequence, which gets the pass's tokens of it too.
  var changeLogits: ((_ tokens: [Int32], _ row: inout [Float]) -> Void)?

  init(_ base: HashModel) { self.base = base }

  var shape: ModelShape { base.shape }
  var maximumBatch: Int { base.maximumBatch }
  var rollsBackFreely: Bool { base.rollsBackFreely }
  func makeState() -> any SequenceState { base.makeState() }
  func stateByteCount(tokens: Int) -> Int { base.stateByteCount(tokens: tokens) }
  func makeState(serialized: [UInt8]) throws(ModelError) -> any SequenceState {
    try base.makeState(serialized: serialized)
  }
  func serialized(_ page: any StatePage) -> [UInt8] { base.serialized(page) }
  func makePage(serialized: [UInt8]) throws(ModelError) -> any StatePage {
    try base.makePage(serialized: serialized)
  }
  func makeState(
    tail: [UInt8], pages: [any StatePage]
  ) throws(ModelError) -> any SequenceState {
    try base.makeState(tail: tail, pages: pages)
  }

  func evaluate(
    _ sequences: [SequenceInput], observer: (any ForwardObserver)?
  ) throws(ModelError) -> [[Float]] {
    let tokens = sequences.map(\.tokens)
    passes.append(tokens)
    try willEvaluate?(tokens)
    var rows = try base.evaluate(sequences, observer: observer)
    if let changeLogits {
      for index in rows.indices where !rows[index].isEmpty {
        changeLogits(tokens[index], &rows[index])
      }
    }
    return rows
  }
}
