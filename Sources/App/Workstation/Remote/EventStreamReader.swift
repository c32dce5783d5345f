import ModelServing

/// Reads server-sent events (WHATWG HTML, 9.2.6) from bytes in pieces of any length. Only the data of events is kept; names,
/// ids and comments are not.
struct EventStreamReader {
  /// More data in one event than this is refused.
  static let maximumEventBytes = 64 << 20

  private var line: [UInt8] = []
  private var data: [UInt8]?
  private var endedWithReturn = false

  /// Takes the next piece; returns the data of the events that are complete.
  ///
  /// - Throws: `ServiceError.failed` for an event that is too long.
  mutating func append(_ bytes: [UInt8]) throws(ServiceError) -> [[UInt8]] {
    var events: [[UInt8]] = []
    for byte in bytes {
      // A line ends with CR, LF or both.
      if byte == 0x0A, endedWithReturn {
        endedWithReturn = false
        continue
      }
      endedWithReturn = byte == 0x0D
      guard byte == 0x0A || byte == 0x0D else {
        line.append(byte)
        continue
      }
      if line.isEmpty {
        if let event = data { events.append(event) }
        data = nil
      } else {
        take()
      }
      line.removeAll(keepingCapacity: true)
    }
    guard line.count + (data?.count ?? 0) <= Self.maximumEventBytes else {
      throw .failed("the server sent an event of more than \(Self.maximumEventBytes) bytes")
    }
    return events
  }

  private mutating func take() {
    let field = Array("data:".utf8)
    guard line.starts(with: field) else { return }
    var value = line[field.count...]
    if value.first == 0x20 { value.removeFirst() }
    if data == nil {
      data = Array(value)
    } else {
      data?.append(0x0A)
      data?.append(contentsOf: value)
    }
  }
}
