import ModelServing
import Synchronization

/// The events of the answers to one request, whichever of its choices they belong to.
enum AnswerSource: Sendable {
  /// What came.
  enum Element: Sendable {
    case events([GenerationEvent], choice: Int)
    /// Nothing; the source was woken.
    case nothing
    /// All choices have ended.
    case end
  }

  /// One choice: read without a task between.
  case one(GenerationStream)
  /// Several.
  case several(MergedStreams)

  /// Makes a source; for no streams it ends at once.
  init(_ streams: [GenerationStream]) {
    if streams.count == 1 {
      self = .one(streams[0])
    } else {
      self = .several(MergedStreams(streams))
    }
  }

  /// The next element.
  func next() async throws -> Element {
    switch self {
    case .one(let stream):
      var iterator = stream.makeAsyncIterator()
      guard let events = try await iterator.next() else { return .end }
      return events.isEmpty ? .nothing : .events(events, choice: 0)
    case .several(let merged): return try await merged.next()
    }
  }

  /// Lets a waiting `next()` return `.nothing`.
  func wake() {
    switch self {
    case .one(let stream): stream.wake()
    case .several(let merged): merged.wake()
    }
  }

  /// Ends the work behind it.
  func cancel() {
    switch self {
    case .one(let stream): stream.cancel()
    case .several(let merged): merged.cancel()
    }
  }
}

/// Several streams read as one, by one reader. Each is read by a task of its own, which goes on only when the reader has
/// taken what it read, so that a slow reader slows all of them.
final class MergedStreams: Sendable {
  private typealias Reader = CheckedContinuation<AnswerSource.Element, any Error>

  private struct State {
    var waiting: [(choice: Int, events: [GenerationEvent])] = []
    var blocked: [CheckedContinuation<Void, Never>] = []
    var open: Int
    var failure: (any Error)?
    var reader: Reader?
    var isCancelled = false
  }

  private let streams: [GenerationStream]
  private let state: Mutex<State>

  init(_ streams: [GenerationStream]) {
    self.streams = streams
    state = Mutex(State(open: streams.count))
    for (choice, stream) in streams.enumerated() {
      // The tasks hold the streams, not this object, so that dropping it ends them.
      Task { [weak self] in
        do {
          for try await events in stream {
            guard let self else { return stream.cancel() }
            await self.deliver(events, choice: choice)
          }
          self?.close(nil)
        } catch {
          self?.close(error)
        }
      }
    }
  }

  deinit {
    for stream in streams { stream.cancel() }
    for task in state.withLock({ $0.blocked }) { task.resume() }
  }

  private func deliver(_ events: [GenerationEvent], choice: Int) async {
    guard !events.isEmpty else { return }
    await withCheckedContinuation { continuation in
      let (reader, mayGoOn) = state.withLock { state in
        if state.isCancelled { return (Reader?.none, true) }
        if let reader = state.reader.take() { return (reader, true) }
        state.waiting.append((choice, events))
        state.blocked.append(continuation)
        return (nil, false)
      }
      reader?.resume(returning: .events(events, choice: choice))
      if mayGoOn { continuation.resume() }
    }
  }

  private func resumeBlocked() {
    let blocked = state.withLock { state in
      let blocked = state.blocked
      state.blocked = []
      return blocked
    }
    for task in blocked { task.resume() }
  }

  private func close(_ error: (any Error)?) {
    let (reader, failure, isLast) = state.withLock { state in
      state.open -= 1
      if state.failure == nil { state.failure = error }
      let isDue = state.failure != nil || state.open == 0
      return (isDue ? state.reader.take() : nil, state.failure, state.open == 0)
    }
    if failure != nil { for stream in streams { stream.cancel() } }
    guard let reader else { return }
    if let failure {
      reader.resume(throwing: failure)
    } else if isLast {
      reader.resume(returning: .end)
    }
  }

  func next() async throws -> AnswerSource.Element {
    try await withCheckedThrowingContinuation { continuation in
      let (result, blocked) = state.withLock {
        state -> (Result<AnswerSource.Element, any Error>?, CheckedContinuation<Void, Never>?) in
        if state.isCancelled { return (.failure(state.failure ?? CancellationError()), nil) }
        if !state.waiting.isEmpty {
          let first = state.waiting.removeFirst()
          return (
            .success(.events(first.events, choice: first.choice)), state.blocked.removeFirst()
          )
        }
        if let failure = state.failure { return (.failure(failure), nil) }
        if state.open == 0 { return (.success(.end), nil) }
        state.reader = continuation
        return (nil, nil)
      }
      blocked?.resume()
      if let result { continuation.resume(with: result) }
    }
  }

  func wake() { state.withLock { $0.reader.take() }?.resume(returning: .nothing) }

  func cancel() {
    let reader = state.withLock { state in
      state.isCancelled = true
      state.waiting = []
      return state.reader.take()
    }
    for stream in streams { stream.cancel() }
    resumeBlocked()
    reader?.resume(throwing: CancellationError())
  }
}
