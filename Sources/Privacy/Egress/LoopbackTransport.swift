import AsyncHTTPClient
import NIOCore

/// Talks HTTP/1.1 to one server on this machine, and to nobody else: the address is checked when it is made, names are not
/// looked up, redirections are not followed, proxies of the environment are not used.
public final class LoopbackTransport: HTTPTransport {
  /// The server.
  public let address: LoopbackAddress
  private let client: HTTPClient

  /// Makes a transport; no connection is opened yet.
  public init(to address: LoopbackAddress) {
    self.address = address
    var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
    configuration.timeout = .init(connect: .seconds(5), read: .minutes(10))
    client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  /// Closes all connections. Must be called once, at the end.
  public func shutdown() async throws { try await client.shutdown() }

  /// Sends a request to the server; see `HTTPTransport`.
  public func send(_ request: HTTPRequestMessage) async throws -> HTTPReply {
    var message = HTTPClientRequest(url: address.description + request.path)
    message.method = .init(rawValue: request.method)
    for field in request.headers { message.headers.add(name: field.name, value: field.value) }
    if !request.body.isEmpty { message.body = .bytes(ByteBuffer(bytes: request.body)) }
    do {
      let response = try await client.execute(message, deadline: .distantFuture)
      return HTTPReply(
        status: Int(response.status.code),
        body: response.body.map { Array($0.readableBytesView) })
    } catch let error as CancellationError {
      throw error
    } catch {
      throw EgressError.unreachable(address: address.description, reason: "\(error)")
    }
  }
}
