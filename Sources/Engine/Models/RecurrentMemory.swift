import Kernels

/// The shape of what recurrent layers (gated delta net) remember.
struct RecurrenceLayout: Hashable {
  /// The number of recurrent layers.
  var layers: Int
  /// The width of the short convolution along the tokens.
  var kernel: Int
  /// The number of channels of the convolution.
  var channels: Int
  /// The number of value heads: as many decays and strengths a token has.
  var heads: Int
  /// The rows of a layer's state: value heads times the width of a key.
  var stateRows: Int
  /// The columns of a layer's state: the width of a value.
  var stateColumns: Int

  /// The rows of convolution inputs before a token that its convolution needs.
  var historyRows: Int { kernel - 1 }
  /// The rows a log has room for: as many tokens as can follow the oldest snapshot, and the history before them.
  var logRows: Int { snapshotsKept * snapshotInterval + historyRows }

  /// The most bytes the memory of a sequence takes: the present state, the snapshots, and the log.
  var byteCount: Int {
    let state = stateRows * stateColumns
    let history = historyRows * channels
    let log = logRows * (channels + 2 * heads)
    return layers * ((1 + snapshotsKept) * state + history + log) * MemoryLayout<Float>.size
  }
}

/// The distance of snapshots, in tokens.
let snapshotInterval = maximumRollback

/// How many snapshots are kept. The oldest of three is more than twice `maximumRollback` tokens back, so that a sequence
/// that took in a draft and dropped it can still go back as far as one that never did.
let snapshotsKept = 3

/// The inputs of recurrent layers, a row a token.
struct RecurrentInputs<Buffer: TensorBuffer> {
  /// What enters the convolution.
  var mixed: Buffer
  /// The logarithms of the decay, one a value head.
  var decay: Buffer
  /// The writing strengths, one a value head.
  var beta: Buffer
}

/// Computes a recurrent layer again from logged inputs.
protocol RecurrenceReplaying<Operations>: AnyObject {
  associatedtype Operations: TensorOperations
  /// Takes the tokens of rows `span` into `history` and `state`, exactly as the forward pass does.
  ///
  /// - Parameter layer: counts recurrent layers only.
  func replay(
    layer: Int, _ inputs: RecurrentInputs<Operations.Buffer>, span: RowSpan,
    history: Operations.Buffer, state: Operations.Buffer)
}

/// What the recurrent layers remember of a sequence, and how to go back.
///
/// A recurrence cannot be run backwards. Therefore the states after token counts that are multiples of 16 are kept, the
/// three newest below the present count, and the inputs of all tokens since the oldest. Going back copies a snapshot and
/// replays the tokens up to the wanted count, which gives the bits the forward pass gave. Where snapshots are taken depends
/// on the count alone, not on the calls in which the tokens came.
final class RecurrentMemory<Operations: TensorOperations> {
  /// The states of all layers after `position` tokens; immutable once the call that took it is over.
  private final class Snapshot {
    let position: Int
    let states: [Operations.Buffer]

    init(position: Int, states: [Operations.Buffer]) {
      self.position = position
      self.states = states
    }
  }

  private let layout: RecurrenceLayout
  private let operations: Operations
  /// By layer: the convolution's inputs before the next token.
  private let histories: [Operations.Buffer]
  /// By layer: the state of the recurrence.
  private let states: [Operations.Buffer]
  /// By layer: the inputs of the tokens from `logStart - historyRows` on.
  private let logs: [RecurrentInputs<Operations.Buffer>]
  /// The position of the oldest snapshot, or 0.
  private var logStart = 0
  /// Oldest first.
  private var snapshots: [Snapshot] = []

  init(_ layout: RecurrenceLayout, on operations: Operations) {
    self.layout = layout
    self.operations = operations
    let layers = 0..<layout.layers
    histories = layers.map { _ in
      operations.makeBuffer(rows: layout.historyRows, columns: layout.channels)
    }
    states = layers.map { _ in Self.makeState(layout, on: operations) }
    logs = layers.map { _ in
      RecurrentInputs(
        mixed: operations.makeBuffer(rows: layout.logRows, columns: layout.channels),
        decay: operations.makeBuffer(rows: layout.logRows, columns: layout.heads),
        beta: operations.makeBuffer(rows: layout.logRows, columns: layout.heads))
    }
  }

  convenience init(forking other: RecurrentMemory) {
    self.init(other.layout, on: other.operations)
    logStart = other.logStart
    snapshots = other.snapshots
    for layer in 0..<layout.layers {
      copyAll(other.histories[layer], to: histories[layer])
      copyAll(other.states[layer], to: states[layer])
      copyAll(other.logs[layer].mixed, to: logs[layer].mixed)
      copyAll(other.logs[layer].decay, to: logs[layer].decay)
      copyAll(other.logs[layer].beta, to: logs[layer].beta)
    }
  }

  /// The bytes held, snapshots that a fork shares included.
  var byteCount: Int {
    layout.byteCount
      - (snapshotsKept - snapshots.count) * layout.layers * layout.stateRows * layout.stateColumns
      * MemoryLayout<Float>.size
  }

  /// The smallest count that `rollBack` accepts.
  var oldestPosition: Int { snapshots.first?.position ?? 0 }

  // MARK: Forward

  /// How one call moves the memory on.
  struct Step {
    /// The number of tokens before the call.
    fileprivate let start: Int
    /// The rows of the call that belong to the sequence.
    let span: RowSpan
    /// Where the state is copied during the call, oldest first.
    fileprivate let taken: [(position: Int, states: [Operations.Buffer])]
    /// The position of the oldest snapshot after the call.
    fileprivate let oldest: Int
    /// The position the log starts at before the call.
    fileprivate let logStart: Int
  }

  /// Prepares the memory, which has taken in `count` tokens, for those of rows `span`.
  func begin(span: RowSpan, count: Int) -> Step {
    let end = count + span.count
    let newest = (end - 1) / snapshotInterval * snapshotInterval
    let wanted = (0..<snapshotsKept).reversed().map { newest - $0 * snapshotInterval }
    let known = Set(snapshots.map(\.position))
    let taken = wanted.filter { $0 >= count && !known.contains($0) }
    // After going back, snapshots that would be the oldest may be missing; then the oldest there is serves.
    let kept = snapshots.map(\.position).filter { $0 >= wanted[0] }
    let oldest = (kept + taken).min() ?? newest
    return Step(
      start: count, span: span,
      taken: taken.map { position in
        (
          position,
          (0..<layout.layers).map { _ in Self.makeState(layout, on: operations) }
        )
      },
      oldest: oldest, logStart: logStart)
  }

  /// The buffer that holds what the convolution needs from before the call, and is moved on by it.
  func history(layer: Int) -> Operations.Buffer { histories[layer] }

  /// Runs the recurrence of one layer over the step's rows: `run` is called for consecutive spans with the state, and a
  /// snapshot is taken where one is due.
  func advance(
    layer: Int, _ step: Step, inputs: RecurrentInputs<Operations.Buffer>,
    run: (_ span: RowSpan, _ state: Operations.Buffer) -> Void
  ) {
    var position = step.start
    func runOn(to end: Int) {
      guard end > position else { return }
      let first = step.span.first + position - step.start
      run(RowSpan(first: first, count: end - position), states[layer])
      position = end
    }
    for snapshot in step.taken {
      runOn(to: snapshot.position)
      copyAll(states[layer], to: snapshot.states[layer])
    }
    runOn(to: step.start + step.span.count)
    log(layer: layer, step, inputs)
  }

  /// Makes the snapshots of a step known once all layers have advanced.
  func finish(_ step: Step) {
    snapshots += step.taken.map { Snapshot(position: $0.position, states: $0.states) }
    snapshots.removeAll { $0.position < step.oldest }
    logStart = step.oldest
  }

  private func log(layer: Int, _ step: Step, _ inputs: RecurrentInputs<Operations.Buffer>) {
    let log = logs[layer]
    let base = step.oldest - layout.historyRows
    let shift = step.oldest - step.logStart
    if shift > 0 { moveRows(of: log, by: shift, kept: step.start - base) }
    let first = max(step.start, base)
    let rows = step.span.first + first - step.start..<step.span.first + step.span.count
    operations.copy(inputs.mixed, rows: rows, to: log.mixed, row: first - base)
    operations.copy(inputs.decay, rows: rows, to: log.decay, row: first - base)
    operations.copy(inputs.beta, rows: rows, to: log.beta, row: first - base)
  }

  /// Moves the `kept` rows from `shift` on to the front, in pieces that do not overlap themselves.
  private func moveRows(of log: RecurrentInputs<Operations.Buffer>, by shift: Int, kept: Int) {
    var target = 0
    while target < kept {
      let rows = target + shift..<target + shift + min(shift, kept - target)
      operations.copy(log.mixed, rows: rows, to: log.mixed, row: target)
      operations.copy(log.decay, rows: rows, to: log.decay, row: target)
      operations.copy(log.beta, rows: rows, to: log.beta, row: target)
      target += rows.count
    }
  }

  // MARK: Back

  /// Goes back to `count` tokens, at least `oldestPosition`.
  func rollBack(to count: Int, replaying owner: any RecurrenceReplaying<Operations>) {
    snapshots.removeAll { $0.position > count }
    guard let snapshot = snapshots.last else { return }
    let row = snapshot.position - logStart
    for layer in 0..<layout.layers {
      copyAll(snapshot.states[layer], to: states[layer])
      if layout.historyRows > 0 {
        operations.copy(
          logs[layer].mixed, rows: row..<row + layout.historyRows, to: histories[layer], row: 0)
      }
      guard count > snapshot.position else { continue }
      owner.replay(
        layer: layer, logs[layer],
        span: RowSpan(first: row + layout.historyRows, count: count - snapshot.position),
        history: histories[layer], state: states[layer])
    }
  }

  // MARK: Bytes

  // Layout: the position of the oldest snapshot, then for each layer its state and the log from there to the present
  // (mixed, decay, beta). Everything else follows by replaying.

  func write(to writer: inout StateWriter, count: Int) {
    guard let oldest = snapshots.first else { return }
    writer.append(count: oldest.position)
    let rows = 0..<count - oldest.position + layout.historyRows
    for layer in 0..<layout.layers {
      writer.append(operations.read(oldest.states[layer], rows: 0..<layout.stateRows))
      writer.append(operations.read(logs[layer].mixed, rows: rows))
      writer.append(operations.read(logs[layer].decay, rows: rows))
      writer.append(operations.read(logs[layer].beta, rows: rows))
    }
  }

  func read(
    from reader: inout StateReader, count: Int, replaying owner: any RecurrenceReplaying<Operations>
  ) throws(ModelError) {
    guard count > 0 else { return }
    let start = try reader.count(
      "position of the oldest snapshot",
      in: max(0, count - snapshotsKept * snapshotInterval)...count)
    guard start % snapshotInterval == 0 else {
      throw .serializedState("a snapshot at token \(start) is not where snapshots are taken")
    }
    let rows = count - start + layout.historyRows
    var oldest: [Operations.Buffer] = []
    for layer in 0..<layout.layers {
      let state = try reader.floats("state", count: layout.stateRows * layout.stateColumns)
      let buffer = Self.makeState(layout, on: operations)
      operations.write(state, to: buffer, row: 0)
      oldest.append(buffer)
      let log = logs[layer]
      operations.write(
        try reader.floats("inputs", count: rows * layout.channels), to: log.mixed, row: 0)
      operations.write(
        try reader.floats("decay", count: rows * layout.heads), to: log.decay, row: 0)
      operations.write(
        try reader.floats("strengths", count: rows * layout.heads), to: log.beta, row: 0)
    }
    logStart = start
    snapshots = [Snapshot(position: start, states: oldest)]
    // The newer snapshots are taken on the way, so that the memory is as it was.
    for position in stride(from: start + snapshotInterval, to: count, by: snapshotInterval) {
      rollBack(to: position, replaying: owner)
      snapshots.append(Snapshot(position: position, states: states.map(copy(of:))))
    }
    rollBack(to: count, replaying: owner)
  }

  private func copy(of state: Operations.Buffer) -> Operations.Buffer {
    let copy = Self.makeState(layout, on: operations)
    copyAll(state, to: copy)
    return copy
  }

  private func copyAll(_ source: Operations.Buffer, to target: Operations.Buffer) {
    guard source.rows > 0 else { return }
    operations.copy(source, rows: 0..<source.rows, to: target, row: 0)
  }

  private static func makeState(
    _ layout: RecurrenceLayout, on operations: Operations
  ) -> Operations.Buffer {
    operations.makeBuffer(rows: layout.stateRows, columns: layout.stateColumns)
  }
}
