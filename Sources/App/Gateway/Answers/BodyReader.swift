import Dialects
import HTTPTypes
import HummingbirdCore
import JSON
import NIOCore
import Synchronization

/// Reads the bodies of requests within bounds: each of them, and all that are being read together.
final class BodyReader: Sendable {
  private let limit: Int
  private let totalLimit: Int
  private let total = Mutex(0)

  init(limit: Int, totalLimit: Int) {
    self.limit = limit
    self.totalLimit = max(limit, totalLimit)
  }

  /// Whether a request has, or may have, a body.
  static func hasBody(_ fields: HTTPFields) -> Bool {
    if let length = fields[.contentLength] { return length != "0" }
    return fields[.transferEncoding] != nil
  }

  /// Refuses what can be refused by the head.
  ///
  /// - Throws: `EndpointError`.
  func check(_ fields: HTTPFields) throws(EndpointError) {
    if let length = fields[.contentLength].flatMap({ Int($0) }), length > limit {
      throw .tooLarge(limit: limit)
    }
    if let encoding = fields[.contentEncoding]?.lowercased(), encoding != "identity" {
      throw .service(
        .unsupported(
          message: "compressed bodies are not read; send the JSON as it is", parameter: nil))
    }
  }

  /// Reads a body as JSON; nil when it is empty.
  ///
  /// - Throws: `EndpointError`; `CancellationError` when the client went.
  func json(_ body: RequestBody) async throws -> JSONValue? {
    try await read(body) { bytes throws(EndpointError) in
      guard !bytes.isEmpty else { return nil }
      do throws(JSONError) {
        return try JSONParser.parse(bytes)
      } catch {
        throw .malformedBody(error.description)
      }
    }
  }

  /// Reads a body as it is.
  ///
  /// - Throws: as `json`.
  func bytes(_ body: RequestBody) async throws -> [UInt8] { try await read(body) { $0 } }

  /// Reads a body and turns it into a value while its bytes are counted.
  private func read<Value>(
    _ body: RequestBody, _ value: ([UInt8]) throws(EndpointError) -> Value
  ) async throws -> Value {
    var bytes: [UInt8] = []
    // What is counted as being held, given back when the text has become a value.
    var held = 0
    defer { total.withLock { $0 -= held } }
    do {
      for try await buffer in body {
        let count = buffer.readableBytes
        guard bytes.count + count <= limit else { throw EndpointError.tooLarge(limit: limit) }
        let fits = total.withLock { total in
          guard total + count <= totalLimit else { return false }
          total += count
          return true
        }
        guard fits else {
          throw EndpointError.service(
            .overloaded(reason: "too many large requests are being read", retryAfter: 1))
        }
        held += count
        buffer.withUnsafeReadableBytes { bytes.append(contentsOf: $0) }
      }
    } catch let error as ConnectionError {
      switch error {
      case .slow: throw EndpointError.timeout("the body took too long to arrive")
      case .malformed(let reason): throw EndpointError.malformedBody(reason)
      }
    }
    return try value(bytes)
  }
}
