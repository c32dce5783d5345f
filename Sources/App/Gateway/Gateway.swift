import Logging
import ModelServing
import Synchronization

/// An HTTP server for a model service: dialects' endpoints, health and figures, for those who have the token.
///
/// `run` listens; until `open` is called with a service, requests are told that the model is being loaded. `stop` ends
/// it in order.
public final class Gateway: Sendable {
  private let configuration: GatewayConfiguration
  private let responder: GatewayResponder
  private let logger: Logger
  private let listeners: ListenerSet
  private let stopping = Mutex<Task<Void, Never>?>(nil)

  /// Makes a gateway; does not listen yet.
  ///
  /// - Throws: `GatewayError.openToOthers` when the configuration would let strangers in.
  public init(
    _ configuration: GatewayConfiguration, surfaces: [Surface], mounts: [Mount] = [],
    logger: Logger
  ) throws(GatewayError) {
    try configuration.validate()
    self.configuration = configuration
    self.logger = logger
    let responder = GatewayResponder(
      configuration, surfaces: surfaces, mounts: mounts, logger: logger)
    self.responder = responder
    listeners = ListenerSet(
      connections: HTTPConnections(
        registry: responder.connections, limits: configuration.limits
      ) { request, writer, connection in
        try await responder.answer(request, writer: writer, connection: connection)
      }, logger: logger)
  }

  /// Listens and answers until `stop` has done its work.
  ///
  /// - Parameter whenListening: told the addresses with their ports once all of them are listened on.
  /// - Throws: `GatewayError` when an address cannot be listened on.
  public func run(
    whenListening: @Sendable ([ListenAddress]) async -> Void
  ) async throws(GatewayError) {
    let addresses: [ListenAddress]
    do throws(GatewayError) {
      addresses = try await listeners.start(configuration.addresses)
    } catch {
      await listeners.stop()
      throw error
    }
    await whenListening(addresses)
    await listeners.wait()
    await stopping.withLock { $0 }?.value
  }

  /// The model is there: from now on requests are answered.
  public func open(_ service: any ModelService) { responder.status.open(service) }

  /// Accepts no more requests, lets running answers finish, and ends those that take longer with an error in their
  /// stream. Returns when nothing is left. Called again it waits for the first call's work.
  ///
  /// - Parameter grace: how long answers may go on.
  public func stop(grace: Duration) async {
    let task = stopping.withLock { task in
      let running = task ?? Task { await stopNow(grace: grace) }
      task = running
      return running
    }
    await task.value
  }

  private func stopNow(grace: Duration) async {
    responder.status.stop()
    async let stopped: Void = listeners.stop()
    await wait(for: grace)
    responder.running.endAll()
    // Time to say so; a client that does not read is not waited for.
    await wait(for: .seconds(2))
    responder.connections.closeAll()
    await stopped
  }

  /// Waits until no answer is being made, at most for so long.
  private func wait(for time: Duration) async {
    let end = ContinuousClock.now + time
    while responder.running.count > 0, ContinuousClock.now < end {
      try? await Task.sleep(for: .milliseconds(20))
    }
  }
}
