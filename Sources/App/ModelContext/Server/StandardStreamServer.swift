import Foundation
import Synchronization

/// The stdio transport: one JSON-RPC message a line, in both directions.
public struct StandardStreamServer: Sendable {
  private let server: ContextServer
  private let input: Int32
  private let output: DescriptorWriter

  /// Makes a server on two descriptors, which stay open.
  public init(
    _ server: ContextServer, input: Int32 = STDIN_FILENO, output: Int32 = STDOUT_FILENO
  ) {
    self.server = server
    self.input = input
    self.output = DescriptorWriter(output)
  }

  /// Serves until the input ends or nobody reads the output. Calls in progress when the input ends are finished and
  /// answered. Blocks the calling thread.
  ///
  /// - Throws: `StreamFailure` when the input cannot be read.
  public func run() throws(StreamFailure) {
    let connection = ServerConnection(server)
    let pending = PendingCount()
    var splitter = LineSplitter(limit: server.limits.messageBytes)
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while !output.isClosed {
      let count = buffer.withUnsafeMutableBytes { Foundation.read(input, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        let reason = String(cString: strerror(errno))
        connection.close()
        throw StreamFailure(reason: reason)
      }
      let lines = count == 0 ? splitter.end() : splitter.append(buffer[..<count])
      for line in lines { take(line, connection, pending) }
      if count == 0 { break }
    }
    if output.isClosed { connection.close() }
    pending.wait()
  }

  private func take(
    _ line: LineSplitter.Line, _ connection: ServerConnection, _ pending: PendingCount
  ) {
    let receiver: ServerConnection.Receiver = { [output] part in
      switch part {
      case .notification(let bytes), .answer(let bytes, _):
        output.write(bytes + [0x0A])
        // Nobody reads: what runs is of no use any more.
        if output.isClosed { connection.close() }
      case .end: pending.leave()
      }
    }
    pending.enter()
    switch line {
    case .line(let bytes): connection.receive(bytes, receiver)
    case .tooLong:
      let error = RPCError.invalidRequest(
        "the message is longer than \(server.limits.messageBytes) bytes")
      receiver(.answer(RPCMessage.failure(id: nil, error).bytes, errorCode: error.code))
      receiver(.end)
    }
  }
}

/// Standard input could not be read.
public struct StreamFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// The system's words.
  public let reason: String
  /// What happened.
  public var description: String { "standard input could not be read: \(reason)" }
}

/// Writes whole messages to a descriptor, one at a time.
final class DescriptorWriter: Sendable {
  private let descriptor: Int32
  private let closed = Mutex(false)

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// Whether a write failed.
  var isClosed: Bool { closed.withLock { $0 } }

  /// Writes all bytes; blocks while the reader is slow. Returns false when nobody reads any more.
  @discardableResult
  func write(_ bytes: [UInt8]) -> Bool {
    closed.withLock { isClosed in
      guard !isClosed else { return false }
      var start = 0
      while start < bytes.count {
        let written = bytes[start...].withUnsafeBytes {
          Foundation.write(descriptor, $0.baseAddress, $0.count)
        }
        if written >= 0 {
          start += written
        } else if errno != EINTR {
          isClosed = true
          return false
        }
      }
      return true
    }
  }
}

/// Counts messages whose answers are not complete.
private final class PendingCount: Sendable {
  private let condition = NSCondition()
  private let count = Mutex(0)

  func enter() { count.withLock { $0 += 1 } }

  func leave() {
    condition.lock()
    let isLast = count.withLock { count in
      count -= 1
      return count == 0
    }
    if isLast { condition.broadcast() }
    condition.unlock()
  }

  func wait() {
    condition.lock()
    while count.withLock({ $0 }) > 0 { condition.wait() }
    condition.unlock()
  }
}
