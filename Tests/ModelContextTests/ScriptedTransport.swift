import JSON
import ModelContext
import Synchronization

/// A transport whose other end is the test.
final class ScriptedTransport: MessageTransport {
  private struct State {
    var sent: [JSONValue] = []
    var receive: (@Sendable (TransportEvent) -> Void)?
    var isClosed = false
    var takesMessages = true
  }

  private let state = Mutex(State())

  var sent: [JSONValue] { state.withLock { $0.sent } }
  var isClosed: Bool { state.withLock { $0.isClosed } }

  func start(_ receive: @escaping @Sendable (TransportEvent) -> Void) {
    state.withLock { $0.receive = receive }
  }

  func send(_ message: [UInt8]) -> Bool {
    state.withLock { state in
      guard state.takesMessages else { return false }
      state.sent.append((try? JSONParser.parse(message)) ?? .null)
      return true
    }
  }

  func close() { state.withLock { $0.isClosed = true } }

  func refuseMessages() { state.withLock { $0.takesMessages = false } }
  func deliver(_ text: String) { deliver(bytes: Array(text.utf8)) }
  func deliver(bytes: [UInt8]) { event(.message(bytes)) }
  func end(_ reason: String) { event(.ended(reason)) }
  func event(_ event: TransportEvent) { state.withLock { $0.receive }?(event) }
}

/// A transport to a server in the same process.
final class LocalTransport: MessageTransport {
  private let connection: ServerConnection
  private let receive = Mutex<(@Sendable (TransportEvent) -> Void)?>(nil)

  init(_ server: ContextServer) { connection = ServerConnection(server) }

  func start(_ receive: @escaping @Sendable (TransportEvent) -> Void) {
    self.receive.withLock { $0 = receive }
  }

  func send(_ message: [UInt8]) -> Bool {
    let receive = receive.withLock { $0 }
    connection.receive(message) { output in
      switch output {
      case .notification(let bytes), .answer(let bytes, _): receive?(.message(bytes))
      case .end: break
      }
    }
    return true
  }

  func close() { connection.close() }
}
