import JSON
import Synchronization

/// Makes one HTTP reply of the outputs that belong to one posted message: plain JSON when the answer comes first and
/// soon, a stream of events otherwise.
final class HTTPExchange: Sendable {
  private enum Phase {
    /// Nothing has come; the continuation waits for what is first.
    case waiting(CheckedContinuation<StreamableHTTP.Response, Never>?)
    /// The answer came first.
    case answered(StreamableHTTP.Response)
    /// The reply is a stream.
    case streaming(AsyncStream<[UInt8]>.Continuation)
    case done
  }

  private struct State {
    var phase = Phase.waiting(nil)
    /// The stream, until somebody has asked for the reply.
    var stream: AsyncStream<[UInt8]>?
    var clock: Task<Void, Never>?
  }

  private let state = Mutex(State())
  private let accept: AcceptedTypes
  private let patience: Duration
  private let keepAliveInterval: Duration
  private let onDrop: @Sendable () -> Void

  init(
    accept: AcceptedTypes, patience: Duration, keepAliveInterval: Duration,
    onDrop: @escaping @Sendable () -> Void
  ) {
    self.accept = accept
    self.patience = patience
    self.keepAliveInterval = keepAliveInterval
    self.onDrop = onDrop
  }

  /// Takes an output of the connection.
  func take(_ output: ServerConnection.Output) {
    switch output {
    case .notification(let bytes): notification(bytes)
    case .answer(let bytes, let code): answer(bytes, code)
    case .end: end()
    }
  }

  private func notification(_ bytes: [UInt8]) {
    // A client that takes no events gets its answer alone.
    guard accept.events else { return }
    state.withLock { state in
      if case .waiting = state.phase { startStream(&state) }
      if case .streaming(let stream) = state.phase { stream.yield(Self.event(bytes)) }
    }
  }

  private func answer(_ bytes: [UInt8], _ code: Int?) {
    state.withLock { state in
      switch state.phase {
      case .waiting(let continuation):
        let response =
          accept.json
          ? StreamableHTTP.Response(
            status: Self.status(code), headers: [("content-type", "application/json")],
            body: .complete(bytes))
          : StreamableHTTP.Response(
            status: 200, headers: Self.eventHeaders, body: .complete(Self.event(bytes)))
        state.phase = continuation == nil ? .answered(response) : .done
        continuation?.resume(returning: response)
      case .streaming(let stream): stream.yield(Self.event(bytes))
      case .answered, .done: break
      }
    }
  }

  private func end() {
    let finished = state.withLock { state -> AsyncStream<[UInt8]>.Continuation? in
      state.clock?.cancel()
      switch state.phase {
      case .waiting(let continuation):
        // Notifications and answers of a client are only acknowledged.
        let response = StreamableHTTP.Response(status: 202, headers: [], body: .complete([]))
        state.phase = continuation == nil ? .answered(response) : .done
        continuation?.resume(returning: response)
        return nil
      case .streaming(let stream):
        state.phase = .done
        return stream
      case .answered, .done: return nil
      }
    }
    // Outside of the lock, for it calls the stream's termination handler.
    finished?.finish()
  }

  /// Waits until it is settled what the reply is.
  func response() async -> StreamableHTTP.Response {
    await withCheckedContinuation { continuation in
      state.withLock { state in
        switch state.phase {
        case .answered(let response):
          state.phase = .done
          continuation.resume(returning: response)
        case .waiting:
          state.phase = .waiting(continuation)
          if accept.events { startClock(&state) }
        case .streaming, .done:
          if let stream = state.stream.take() {
            continuation.resume(returning: Self.response(stream))
          } else {
            continuation.resume(
              returning: StreamableHTTP.Response(status: 202, headers: [], body: .complete([])))
          }
        }
      }
    }
  }

  private func startStream(_ state: inout State) {
    guard case .waiting(let continuation) = state.phase else { return }
    let (stream, writer) = AsyncStream.makeStream(of: [UInt8].self)
    writer.onTermination = { [onDrop] reason in
      if case .cancelled = reason { onDrop() }
    }
    state.phase = .streaming(writer)
    if let continuation {
      continuation.resume(returning: Self.response(stream))
    } else {
      state.stream = stream
    }
  }

  private func startClock(_ state: inout State) {
    state.clock = Task { [weak self, patience, keepAliveInterval] in
      do {
        try await Task.sleep(for: patience)
        while true {
          guard let self, self.keepAlive() else { return }
          try await Task.sleep(for: keepAliveInterval)
        }
      } catch {
        // The exchange has ended.
      }
    }
  }

  /// Shows that the connection lives. Returns false when it has ended.
  private func keepAlive() -> Bool {
    state.withLock { state in
      if case .waiting = state.phase { startStream(&state) }
      guard case .streaming(let stream) = state.phase else { return false }
      stream.yield(Array(": working\n\n".utf8))
      return true
    }
  }

  // MARK: Forms

  private static let eventHeaders: [(name: String, value: String)] = [
    ("content-type", "text/event-stream"), ("cache-control", "no-cache, no-transform"),
    ("x-accel-buffering", "no"),
  ]

  private static func response(_ stream: AsyncStream<[UInt8]>) -> StreamableHTTP.Response {
    StreamableHTTP.Response(status: 200, headers: eventHeaders, body: .stream(stream))
  }

  /// A server-sent event (WHATWG HTML, 9.2). JSON on one line needs no further care.
  private static func event(_ json: [UInt8]) -> [UInt8] {
    Array("event: message\ndata: ".utf8) + json + [0x0A, 0x0A]
  }

  /// The HTTP status that goes with an error.
  private static func status(_ code: Int?) -> Int {
    switch code {
    case RPCError.parseErrorCode, RPCError.invalidRequestCode, RPCError.invalidParametersCode,
      RPCError.headerMismatchCode, RPCError.unsupportedVersionCode:
      400
    case RPCError.methodNotFoundCode: 404
    case RPCError.overloadedCode: 429
    default: 200
    }
  }
}
