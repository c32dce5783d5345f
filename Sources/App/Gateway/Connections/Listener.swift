import Foundation
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// One address that is listened on.
final class Listener: Sendable {
  private let server: Server<HTTPConnections>
  private let address: ListenAddress
  private let started: EventLoopPromise<ListenAddress>
  private let hasStarted: Started

  private final class Started: Sendable {
    let value = Atomic<Bool>(false)
  }

  init(_ address: ListenAddress, connections: HTTPConnections, logger: Logger) {
    let group = MultiThreadedEventLoopGroup.singleton
    let started = group.next().makePromise(of: ListenAddress.self)
    let hasStarted = Started()
    let place: BindAddress =
      switch address {
      case .network(let host, let port): .hostname(HostName(host).name, port: port)
      case .socket(let path): .unixDomainSocket(path: path)
      }
    server = Server(
      childChannelSetup: connections,
      configuration: ServerConfiguration(address: place),
      onServerRunning: { channel in
        hasStarted.value.store(true, ordering: .relaxed)
        switch address {
        case .network(let host, let port):
          started.succeed(.network(host: host, port: channel.localAddress?.port ?? port))
        case .socket(let path):
          if chmod(path, 0o600) == 0 {
            started.succeed(address)
          } else {
            started.fail(
              GatewayError.cannotListen(address, reason: String(cString: strerror(errno))))
          }
        }
      }, eventLoopGroup: group, logger: logger)
    self.address = address
    self.started = started
    self.hasStarted = hasStarted
  }

  /// Listens and answers until `stop()`.
  func run() async {
    do {
      if case .socket(let path) = address, Self.isAnswered(path) {
        throw GatewayError.addressInUse(address, holder: nil)
      }
      try await server.run()
      started.fail(GatewayError.cannotListen(address, reason: "it was stopped"))
    } catch {
      started.fail(error)
    }
    if case .socket(let path) = address, hasStarted.value.load(ordering: .relaxed) {
      _ = unlink(path)
    }
  }

  /// Waits until it listens; gives the address with its port.
  func start() async throws(GatewayError) -> ListenAddress {
    do {
      return try await started.futureResult.get()
    } catch let error as GatewayError {
      throw error
    } catch let error as IOError where error.errnoCode == EADDRINUSE {
      if case .network(_, let port) = address {
        throw .addressInUse(address, holder: PortHolder(port: port))
      }
      throw .addressInUse(address, holder: nil)
    } catch let error as IOError {
      throw .cannotListen(address, reason: String(cString: strerror(error.errnoCode)))
    } catch {
      throw .cannotListen(address, reason: "\(error)")
    }
  }

  /// Accepts no more connections and lets those that are open finish their request.
  func stop() async { try? await server.shutdownGracefully() }

  /// Whether a program answers on a socket in the file system.
  private static func isAnswered(_ path: String) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    #if os(Linux)
      let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    #else
      let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
    #endif
    guard descriptor >= 0 else { return false }
    defer { _ = close(descriptor) }
    return withUnsafeBytes(of: &address) { address in
      guard let address = address.baseAddress?.assumingMemoryBound(to: sockaddr.self) else {
        return false
      }
      return connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
    }
  }
}
