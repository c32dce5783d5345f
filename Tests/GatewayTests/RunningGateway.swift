import Gateway
import Logging
import ModelServing
import Synchronization
import Testing

/// A gateway that runs on a free port while a test's body does.
struct RunningGateway {
  static let token = "0123456789abcdefghijklmnopqrstuvwxyz"

  /// What the gateway logged.
  final class Log: Sendable {
    private let state = Mutex<[String]>([])
    func add(_ line: String) { state.withLock { $0.append(line) } }
    var lines: [String] { state.withLock { $0 } }
  }

  let gateway: Gateway
  let port: Int
  let log: Log

  static func configuration(
    addresses: [ListenAddress] = [.network(host: "127.0.0.1", port: 0)]
  ) -> GatewayConfiguration {
    GatewayConfiguration(addresses: addresses, token: AccessToken(token))
  }

  static func logger(_ output: @escaping @Sendable (String) -> Void) -> Logger {
    logger(LineLogHandler(form: .json, output: output))
  }

  static func logger(_ handler: LineLogHandler) -> Logger {
    Logger(label: "test") { _ in handler }
  }

  /// Runs a gateway with a service, then the body, then stops it.
  static func run<Result: Sendable>(
    _ service: (any ModelService)?, configuration: GatewayConfiguration = configuration(),
    surfaces: [Surface] = [LineDialect.surface], mounts: [Mount] = [],
    grace: Duration = .milliseconds(200),
    _ body: @Sendable @escaping (RunningGateway) async throws -> Result
  ) async throws -> Result {
    let log = Log()
    let gateway = try Gateway(
      configuration, surfaces: surfaces, mounts: mounts, logger: logger { log.add($0) })
    if let service { gateway.open(service) }
    let (started, start) = AsyncThrowingStream<Int, any Error>.makeStream()
    let running = Task {
      do {
        try await gateway.run { addresses in
          if case .network(_, let port)? = addresses.first {
            start.yield(port)
          } else {
            start.yield(0)
          }
        }
      } catch {
        start.finish(throwing: error)
      }
    }
    var iterator = started.makeAsyncIterator()
    let port = try #require(try await iterator.next())
    do {
      let result = try await body(RunningGateway(gateway: gateway, port: port, log: log))
      await gateway.stop(grace: grace)
      await running.value
      return result
    } catch {
      await gateway.stop(grace: .zero)
      throw error
    }
  }

  /// Sends one request on a connection of its own.
  func send(
    _ method: String, _ path: String, headers: [String] = ["authorization: Bearer " + token],
    host: String? = nil, body: String? = nil
  ) async throws -> RawReply {
    let client = try await RawClient(port: port)
    defer { client.close() }
    try await client.send(
      Self.request(
        method, path, headers: headers + ["connection: close"],
        host: host ?? "127.0.0.1:\(port)", body: body))
    return try RawReply(await client.readAll())
  }

  static func request(
    _ method: String, _ path: String, headers: [String] = ["authorization: Bearer " + token],
    host: String = "localhost", body: String? = nil
  ) -> String {
    var lines = ["\(method) \(path) HTTP/1.1", "host: \(host)"] + headers
    if let body {
      lines += ["content-type: application/json", "content-length: \(body.utf8.count)"]
    }
    return lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
  }
}

/// Waits for something to become true, for some seconds at most. An error counts as not true.
func eventually(_ condition: @Sendable () async throws -> Bool) async -> Bool {
  let end = ContinuousClock.now + .seconds(8)
  while ContinuousClock.now < end {
    if (try? await condition()) == true { return true }
    try? await Task.sleep(for: .milliseconds(5))
  }
  return false
}
