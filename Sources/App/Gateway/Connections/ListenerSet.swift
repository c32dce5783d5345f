import Logging
import Synchronization

/// The addresses that a gateway listens on.
final class ListenerSet: Sendable {
  private struct State {
    var listeners: [(listener: Listener, task: Task<Void, Never>)] = []
    var isStopped = false
  }

  private let connections: HTTPConnections
  private let logger: Logger
  private let state = Mutex(State())

  init(connections: HTTPConnections, logger: Logger) {
    self.connections = connections
    self.logger = logger
  }

  /// Listens on all addresses. Those with port 0 share one port that the system chooses. Loopback addresses after the
  /// first may be missing on the machine; one that is in use by another program is an error, since a name like
  /// `localhost` would lead some clients, and their tokens, to that program.
  func start(_ addresses: [ListenAddress]) async throws(GatewayError) -> [ListenAddress] {
    var attempts = 0
    while true {
      do throws(GatewayError) {
        return try await startOnce(addresses)
      } catch {
        guard case .addressInUse(.network, _) = error, attempts < 8,
          addresses.allSatisfy({ if case .network(_, let port) = $0 { port == 0 } else { true } })
        else { throw error }
        // The port that was free at one address is not at another.
        attempts += 1
        await stopListeners()
      }
    }
  }

  private func startOnce(_ addresses: [ListenAddress]) async throws(GatewayError) -> [ListenAddress]
  {
    var bound: [ListenAddress] = []
    var chosen: Int?
    for address in addresses {
      var wanted = address
      if case .network(let host, 0) = address, let chosen {
        wanted = .network(host: host, port: chosen)
      }
      let listener = Listener(wanted, connections: connections, logger: logger)
      let task = Task { await listener.run() }
      let isStopped = state.withLock { state in
        state.listeners.append((listener, task))
        return state.isStopped
      }
      if isStopped { await listener.stop() }
      do throws(GatewayError) {
        let actual = try await listener.start()
        if case .network(_, let port) = actual, case .network(_, 0) = address { chosen = port }
        bound.append(actual)
      } catch {
        guard case .cannotListen(.network, let reason) = error, address.isLocal, !bound.isEmpty
        else { throw error }
        logger.info("\(address) is not listened on: \(reason)")
      }
    }
    return bound
  }

  /// Waits until all have stopped.
  func wait() async {
    for (_, task) in state.withLock({ $0.listeners }) { await task.value }
  }

  /// Stops all of them, and those that would start later.
  func stop() async {
    state.withLock { $0.isStopped = true }
    await stopListeners()
  }

  private func stopListeners() async {
    let listeners = state.withLock { state in
      let listeners = state.listeners
      state.listeners = []
      return listeners
    }
    await withTaskGroup { group in
      for (listener, task) in listeners {
        group.addTask {
          await listener.stop()
          await task.value
        }
      }
    }
  }
}
