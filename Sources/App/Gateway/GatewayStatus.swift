import ModelServing
import Synchronization

/// What a gateway can do at the moment.
final class GatewayStatus: Sendable {
  private enum State {
    case loading
    case open(any ModelService)
    case stopping
  }

  private let state = Mutex(State.loading)

  /// `loading`, `ok` or `stopping`, as health checks see it.
  var name: String {
    state.withLock { state in
      switch state {
      case .loading: "loading"
      case .open: "ok"
      case .stopping: "stopping"
      }
    }
  }

  /// Whether no new work is begun any more.
  var isStopping: Bool { name == "stopping" }

  /// Where answers come from, if there is something yet or still.
  var service: (any ModelService)? {
    state.withLock { if case .open(let service) = $0 { service } else { nil } }
  }

  /// Where answers come from.
  ///
  /// - Throws: `ServiceError` when there are none.
  func requireService() throws(ServiceError) -> any ModelService {
    if let service { return service }
    if isStopping { throw .shuttingDown }
    throw .overloaded(reason: "the model is still being loaded", retryAfter: 5)
  }

  /// The model is loaded. Without effect when stopping.
  func open(_ service: any ModelService) {
    state.withLock { if case .loading = $0 { $0 = .open(service) } }
  }

  /// No new work from now on.
  func stop() { state.withLock { $0 = .stopping } }
}
