import Kernels

/// The tokens of one call, those of all sequences one after another, a row each.
struct TransformerBatch<Operations: TensorOperations> {
  /// One sequence's part of the batch.
  struct Part {
    let state: KeyValueState<Operations>
    let span: RowSpan
    /// For every row of the batch, what it sees of this sequence: nothing where the row belongs to another.
    let selections: [RowSelection]
    /// How the recurrent layers move on; nil where there are none.
    let step: RecurrentMemory<Operations>.Step?
  }

  let parts: [Part]
  /// By row.
  let ids: [Int32]
  /// By row.
  let positions: [Int32]
  /// The rows whose logits are asked for, in order.
  let logitRows: [Int]
  /// How many of `logitRows` belong to each sequence.
  let logitCounts: [Int]

  /// The number of tokens.
  var rows: Int { ids.count }

  /// Checks the input and reserves room in the states, which are not touched when this throws.
  init(
    _ sequences: [SequenceInput], vocabulary: Int, maximumBatch: Int, contextLength: Int
  ) throws(ModelError) {
    let rows = sequences.reduce(0) { $0 + $1.tokens.count }
    guard rows <= maximumBatch else { throw .tooManyTokens(count: rows, limit: maximumBatch) }
    var states: [KeyValueState<Operations>] = []
    for sequence in sequences {
      precondition(!sequence.tokens.isEmpty, "a sequence of a call has at least one token")
      guard let state = sequence.state as? KeyValueState<Operations> else {
        preconditionFailure("the state was made by another kind of model")
      }
      precondition(!states.contains { $0 === state }, "the states of one call are distinct")
      for token in sequence.tokens where !(0..<vocabulary).contains(Int(token)) {
        throw .tokenOutOfRange(token: Int(token), vocabulary: vocabulary)
      }
      let end = state.count + sequence.tokens.count
      guard end <= contextLength else { throw .tooManyTokens(count: end, limit: contextLength) }
      states.append(state)
    }

    var parts: [Part] = []
    var ids: [Int32] = []
    var positions: [Int32] = []
    var logitRows: [Int] = []
    var logitCounts: [Int] = []
    for (sequence, state) in zip(sequences, states) {
      let span = RowSpan(first: ids.count, count: sequence.tokens.count)
      var selections = Array(repeating: RowSelection.range(0..<0), count: rows)
      for index in 0..<span.count {
        selections[span.first + index] = .range(0..<state.count + index + 1)
        positions.append(Int32(state.count + index))
      }
      ids += sequence.tokens
      let asked =
        switch sequence.logits {
        case .none: 0
        case .last: 1
        case .all: span.count
        }
      logitRows += span.range.suffix(asked)
      logitCounts.append(asked)
      state.reserve(span.count)
      let step = state.recurrence?.begin(span: span, count: state.count)
      parts.append(Part(state: state, span: span, selections: selections, step: step))
    }
    self.parts = parts
    self.ids = ids
    self.positions = positions
    self.logitRows = logitRows
    self.logitCounts = logitCounts
  }

  /// Moves the states on, once all layers are computed.
  func finish() {
    for part in parts {
      if let step = part.step { part.state.recurrence?.finish(step) }
      part.state.advance(part.span.count)
    }
  }
}
