import Dialects
import ModelServing

/// Turns the events of a running answer into the bytes that go to the client.
struct AnswerReader: Sendable {
  private var encoder: any AnswerEncoder
  private let source: AnswerSource
  private let running: RunningAnswer
  private let record: RequestRecord
  private let keepAliveInterval: Duration
  /// Whether the last bytes were given.
  private(set) var isFinished = false

  init(
    _ encoder: any AnswerEncoder, source: AnswerSource, running: RunningAnswer,
    record: RequestRecord, keepAliveInterval: Duration
  ) {
    self.encoder = encoder
    self.source = source
    self.running = running
    self.record = record
    self.keepAliveInterval = keepAliveInterval
  }

  /// The next bytes to send; nil after the last.
  ///
  /// - Throws: `ServiceError` when the answer failed; `CancellationError` when there is nobody to tell.
  mutating func next() async throws -> [UInt8]? {
    while !isFinished {
      let bytes: [UInt8]
      do {
        switch try await source.next() {
        case .events(let events, let choice):
          record.note(events)
          bytes = encoder.encode(events, choice: choice)
        case .nothing:
          bytes = running.isSilent(for: keepAliveInterval) ? encoder.keepAlive() : []
        case .end:
          isFinished = true
          bytes = encoder.end()
        }
      } catch {
        source.cancel()
        throw failure(error)
      }
      if !bytes.isEmpty {
        running.noteSent()
        return bytes
      }
    }
    return nil
  }

  /// What says inside the stream that the answer failed.
  mutating func fail(_ error: ServiceError) -> [UInt8] {
    isFinished = true
    return encoder.fail(error)
  }

  /// An error in terms that a dialect can tell, or `CancellationError`.
  private func failure(_ error: any Error) -> any Error {
    if let error = error as? ServiceError { return error }
    switch running.end {
    case .clientLeft: return CancellationError()
    case .shuttingDown: return ServiceError.shuttingDown
    case nil: return ServiceError.failed("the answer was ended: \(type(of: error))")
    }
  }
}
