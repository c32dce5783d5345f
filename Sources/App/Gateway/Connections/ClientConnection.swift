import NIOCore
import Synchronization

/// One client's connection as the tasks that answer it see it.
final class ClientConnection: Sendable {
  private struct State {
    var isGone = false
    var action: (@Sendable () -> Void)?
  }

  /// The connection itself.
  let channel: any Channel
  /// Whether it came through a socket in the file system, which no web page can reach.
  let isFileSocket: Bool
  private let state = Mutex(State())

  init(channel: any Channel) {
    self.channel = channel
    if case .unixDomainSocket = channel.localAddress {
      isFileSocket = true
    } else {
      isFileSocket = false
    }
  }

  /// Whether the client sends nothing more: it closed its end, or the connection broke.
  var isGone: Bool { state.withLock { $0.isGone } }

  /// Sets what is done, once and from any thread, when the client goes; at once if it is gone. Replaces what was set.
  func whenGone(_ action: (@Sendable () -> Void)?) {
    let isGone = state.withLock { state in
      state.action = state.isGone ? nil : action
      return state.isGone
    }
    if isGone { action?() }
  }

  /// The client is gone.
  func leave() {
    let action = state.withLock { state in
      state.isGone = true
      return state.action.take()
    }
    action?()
  }

  /// Closes the connection without regard to what is under way.
  func close() { channel.close(promise: nil) }
}

/// The connections that are open, and how many there may be.
final class ConnectionRegistry: Sendable {
  private let connections = Mutex<[ObjectIdentifier: ClientConnection]>([:])
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  /// The number of open connections.
  var count: Int { connections.withLock { $0.count } }

  /// Takes in a connection; false when there are too many.
  func add(_ connection: ClientConnection) -> Bool {
    connections.withLock { connections in
      guard connections.count < limit else { return false }
      connections[ObjectIdentifier(connection)] = connection
      return true
    }
  }

  /// Forgets a connection.
  func remove(_ connection: ClientConnection) {
    connections.withLock { $0[ObjectIdentifier(connection)] = nil }
  }

  /// Closes all connections.
  func closeAll() {
    for connection in connections.withLock({ Array($0.values) }) { connection.close() }
  }
}
