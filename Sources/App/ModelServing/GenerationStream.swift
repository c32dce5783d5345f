import Synchronization

/// The events of an answer as they come. Each element holds everything that happened since the one before, so that a
/// slow reader gets fewer, larger elements. For one reader.
///
/// The reader's going away (its task cancelled, the stream dropped) ends the work behind it.
public struct GenerationStream: AsyncSequence, Sendable {
  fileprivate final class Reader: Sendable {
    let channel: GenerationChannel
    init(_ channel: GenerationChannel) { self.channel = channel }
    deinit { channel.cancel() }
  }

  private let reader: Reader

  /// The stream that reads `channel`; one for each channel.
  public init(_ channel: GenerationChannel) { reader = Reader(channel) }

  /// Ends the work behind the stream.
  public func cancel() { reader.channel.cancel() }

  /// Lets a call of `next()` that waits now return an empty element, so that its task can see to something else (as
  /// telling a client that the answer is still being made). Without effect when no call waits.
  public func wake() { reader.channel.wake() }

  /// The one reader.
  public func makeAsyncIterator() -> Iterator { Iterator(reader: reader) }

  /// Takes elements.
  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let reader: Reader

    fileprivate init(reader: Reader) { self.reader = reader }

    /// All that happened since the last call, at least one event unless `wake()` was called; nil after the end.
    ///
    /// - Throws: `ServiceError` when the answer failed; `CancellationError` when the reader's task was cancelled.
    public mutating func next() async throws -> [GenerationEvent]? {
      try await reader.channel.next()
    }
  }
}

/// The writing end of a `GenerationStream`; may be used from any thread.
public final class GenerationChannel: Sendable {
  private enum End {
    case finished
    case failed(ServiceError)
  }

  private struct State {
    var events: [GenerationEvent] = []
    var byteCount = 0
    var end: End?
    var isCancelled = false
    var reader: CheckedContinuation<[GenerationEvent]?, any Error>?
    var onDemand: (@Sendable () -> Void)?
    var onCancel: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())
  /// Text bytes waiting above which `isFull` holds.
  private let capacity: Int

  /// Makes a channel.
  ///
  /// - Parameter capacity: bytes of text that may wait for the reader before `isFull` holds.
  public init(capacity: Int = 64 << 10) { self.capacity = capacity }

  /// Whether the reader is gone.
  public var isCancelled: Bool { state.withLock { $0.isCancelled } }
  /// Whether so much waits for the reader that the writer should pause.
  public var isFull: Bool { state.withLock { $0.byteCount >= capacity } }

  /// Called once, from any thread, when the reader has taken what waited or is gone; at once if nothing waits.
  public func whenTaken(_ action: @escaping @Sendable () -> Void) {
    let isDue = state.withLock { state in
      if state.isCancelled || state.byteCount == 0 { return true }
      state.onDemand = action
      return false
    }
    if isDue { action() }
  }

  /// Called once, from any thread, when the reader goes away before the end; at once if it is gone already. A later
  /// action replaces an earlier one. The end of the stream drops the action.
  public func whenCancelled(_ action: @escaping @Sendable () -> Void) {
    let isDue = state.withLock { state in
      if state.isCancelled { return true }
      if state.end == nil { state.onCancel = action }
      return false
    }
    if isDue { action() }
  }

  /// Adds events. Without effect after the end or when the reader is gone.
  public func send(_ events: [GenerationEvent]) {
    guard !events.isEmpty else { return }
    let waiting = state.withLock { state -> CheckedContinuation<[GenerationEvent]?, any Error>? in
      guard state.end == nil, !state.isCancelled else { return nil }
      guard state.reader == nil else { return state.reader.take() }
      state.events += events
      state.byteCount += events.reduce(0) { $0 + Self.byteCount($1) }
      return nil
    }
    waiting?.resume(returning: events)
  }

  /// Ends the stream after what was sent.
  public func finish() { end(.finished) }

  /// Ends the stream with an error after what was sent.
  public func fail(_ error: ServiceError) { end(.failed(error)) }

  private func end(_ end: End) {
    let waiting = state.withLock { state -> CheckedContinuation<[GenerationEvent]?, any Error>? in
      guard state.end == nil else { return nil }
      state.end = end
      state.onCancel = nil
      return state.reader.take()
    }
    guard let waiting else { return }
    switch end {
    case .finished: waiting.resume(returning: nil)
    case .failed(let error): waiting.resume(throwing: error)
    }
  }

  fileprivate func cancel() {
    let (waiting, onDemand, onCancel) = state.withLock { state in
      state.isCancelled = true
      state.events = []
      state.byteCount = 0
      return (state.reader.take(), state.onDemand.take(), state.onCancel.take())
    }
    waiting?.resume(throwing: CancellationError())
    onDemand?()
    onCancel?()
  }

  fileprivate func wake() {
    state.withLock { $0.reader.take() }?.resume(returning: [])
  }

  fileprivate func next() async throws -> [GenerationEvent]? {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        var action: (@Sendable () -> Void)?
        let result = state.withLock { state -> Result<[GenerationEvent]?, any Error>? in
          if !state.events.isEmpty {
            let events = state.events
            state.events = []
            state.byteCount = 0
            action = state.onDemand.take()
            return .success(events)
          }
          if state.isCancelled { return .failure(CancellationError()) }
          switch state.end {
          case .finished: return .success(nil)
          case .failed(let error): return .failure(error)
          case nil:
            state.reader = continuation
            return nil
          }
        }
        action?()
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      cancel()
    }
  }

  private static func byteCount(_ event: GenerationEvent) -> Int {
    switch event {
    case .reasoning(let text), .malformedCall(let text): text.utf8.count
    case .content(let text, let probabilities): text.utf8.count + probabilities.count * 128
    case .call(_, let call): call.arguments.utf8.count + call.name.utf8.count
    case .started, .finished: 64
    }
  }
}
