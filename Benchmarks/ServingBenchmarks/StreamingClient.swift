import Foundation
import JSON

/// A plain HTTP/1.1 client over a socket, which measures when the pieces of a streamed answer arrive.
struct StreamingClient: Sendable {
  let port: UInt16
  let token: String

  /// When the pieces of a streamed answer arrived, in seconds since the request was sent, and what it used.
  struct Answer: Sendable {
    var firstToken = 0.0
    var end = 0.0
    var answerTokens = 0
    var reusedTokens = 0
    var promptTokens = 0
  }

  /// Asks for a streamed completion. May be called from several threads.
  func complete(_ body: JSONValue) throws -> Answer {
    var writer = JSONWriter(style: .compact)
    writer.value(body)
    let content = writer.takeBytes()
    let head =
      "POST /v1/completions HTTP/1.1\r\nhost: 127.0.0.1:\(port)\r\nauthorization: Bearer \(token)\r\n"
      + "content-type: application/json\r\ncontent-length: \(content.count)\r\nconnection: close\r\n\r\n"
    let connection = try connect()
    defer { close(connection) }
    let start = ContinuousClock.now
    try write(Array(head.utf8) + content, to: connection)
    var answer = Answer()
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(connection, &buffer, buffer.count)
      guard count > 0 else { break }
      let searched = max(0, received.count - 32)
      received += buffer[..<count]
      let piece = received[searched...]
      let now = (ContinuousClock.now - start) / .seconds(1)
      // Usage comes after the last token; the first event with text is the first token.
      if answer.firstToken == 0, Self.contains(piece, "\"text\":\"") { answer.firstToken = now }
      if !Self.contains(piece, "\"usage\":{") { answer.end = now }
      if Self.contains(piece, "[DONE]") { break }
    }
    let text = String(decoding: received, as: UTF8.self)
    guard text.hasPrefix("HTTP/1.1 200") else {
      throw BenchmarkFailure("the server answered: \(text.prefix(400))")
    }
    answer.answerTokens = Self.number("completion_tokens", text)
    answer.promptTokens = Self.number("prompt_tokens", text)
    answer.reusedTokens = Self.number("cached_tokens", text)
    return answer
  }

  private static func contains(_ bytes: ArraySlice<UInt8>, _ text: String) -> Bool {
    bytes.firstRange(of: Array(text.utf8)) != nil
  }

  private static func number(_ name: String, _ text: String) -> Int {
    guard let place = text.range(of: "\"\(name)\":", options: .backwards) else { return 0 }
    return Int(text[place.upperBound...].prefix { $0.isNumber }) ?? 0
  }

  private func connect() throws -> Int32 {
    #if canImport(Glibc)
      let kind = Int32(SOCK_STREAM.rawValue)
    #else
      let kind = SOCK_STREAM
    #endif
    let connection = socket(AF_INET, kind, 0)
    guard connection >= 0 else { throw BenchmarkFailure("no socket") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Foundation.connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      close(connection)
      throw BenchmarkFailure("the server does not answer")
    }
    return connection
  }

  private func write(_ bytes: [UInt8], to connection: Int32) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { send(connection, $0.baseAddress, $0.count, 0) }
      guard count > 0 else { throw BenchmarkFailure("the server closed the connection") }
      sent += count
    }
  }
}
