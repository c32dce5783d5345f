import Foundation

/// A socket without any knowledge of HTTP. Its calls block threads of their own, never those of tests and servers.
final class RawClient: Sendable {
  struct Failure: Error {
    let what: String
    let code = errno
  }

  private let descriptor: Int32
  #if os(Linux)
    private static let sendFlags = Int32(MSG_NOSIGNAL)
  #else
    private static let sendFlags: Int32 = 0
  #endif

  init(port: Int, receiveBuffer: Int? = nil) async throws {
    descriptor = try await Self.blocking {
      #if os(Linux)
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      #else
        let descriptor = socket(AF_INET, SOCK_STREAM, 0)
      #endif
      guard descriptor >= 0 else { throw Failure(what: "socket") }
      if var size = receiveBuffer.map({ Int32($0) }) {
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(4))
      }
      var limit = timeval(tv_sec: 9, tv_usec: 0)
      setsockopt(
        descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(port).bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard result == 0 else { throw Failure(what: "connect") }
      return descriptor
    }
  }

  init(path: String) async throws {
    descriptor = try await Self.blocking {
      #if os(Linux)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      #else
        let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
      #endif
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
      let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      guard result == 0 else { throw Failure(what: "connect") }
      return descriptor
    }
  }

  private static func blocking<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
  }

  func send(_ text: String) async throws { try await send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) async throws {
    let descriptor = self.descriptor
    try await Self.blocking {
      var start = 0
      while start < bytes.count {
        let count = bytes.withUnsafeBytes {
          Foundation.send(
            descriptor, $0.baseAddress! + start, bytes.count - start, Self.sendFlags)
        }
        guard count > 0 else { throw Failure(what: "send") }
        start += count
      }
    }
  }

  /// The next bytes; empty at the end.
  func read(upTo limit: Int = 1 << 16) async throws -> [UInt8] {
    let descriptor = self.descriptor
    return try await Self.blocking {
      var buffer = [UInt8](repeating: 0, count: limit)
      let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, limit, 0) }
      guard count >= 0 else { throw Failure(what: "recv") }
      return Array(buffer[..<count])
    }
  }

  /// Reads until some text has come or the end.
  func read(until text: String) async throws -> String {
    var bytes: [UInt8] = []
    while true {
      let more = try await read()
      bytes += more
      let all = String(decoding: bytes, as: UTF8.self)
      if more.isEmpty || all.contains(text) { return all }
    }
  }

  /// Reads to the end; a reset counts as one.
  func readAll() async throws -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      do {
        let more = try await read()
        if more.isEmpty { return bytes }
        bytes += more
      } catch let failure as Failure where failure.code == ECONNRESET {
        return bytes
      }
    }
  }

  func closeSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  func close() { Foundation.close(descriptor) }

  /// Ends the connection with a reset.
  func reset() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    close()
  }
}

/// A response as it came over the wire.
struct RawReply: Sendable {
  struct Malformed: Error { let text: String }

  let status: Int
  let headers: [(name: String, value: String)]
  let body: String

  init(_ bytes: [UInt8]) throws {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n") else { throw Malformed(text: text) }
    let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
    let words = lines[0].split(separator: " ", maxSplits: 2)
    guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
      throw Malformed(text: text)
    }
    self.status = status
    headers = lines.dropFirst().map { line in
      let parts = line.split(separator: ":", maxSplits: 1)
      return (parts[0].lowercased(), parts[1].trimmingCharacters(in: .whitespaces))
    }
    let rest = String(text[end.upperBound...])
    let isChunked = headers.contains { $0.name == "transfer-encoding" && $0.value == "chunked" }
    body = isChunked ? Self.joined(rest) : rest
  }

  func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  private static func joined(_ text: String) -> String {
    var bytes = Array(text.utf8)[...]
    var body: [UInt8] = []
    while let end = bytes.firstIndex(of: 0x0D) {
      let digits = String(decoding: bytes[..<end], as: UTF8.self)
      guard let size = Int(digits, radix: 16), size > 0, end + 2 + size <= bytes.endIndex else {
        break
      }
      body += bytes[(end + 2)..<(end + 2 + size)]
      bytes = bytes[min(bytes.endIndex, end + 4 + size)...]
    }
    return String(decoding: body, as: UTF8.self)
  }
}
