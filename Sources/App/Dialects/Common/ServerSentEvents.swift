import JSON

/// The framing of server-sent events (WHATWG HTML, 9.2).
public enum ServerSentEvents {
  /// One event. JSON in `data` has no line breaks, so it is one line.
  ///
  /// - Parameter name: the event's type; nil for a plain message.
  public static func event(_ name: String? = nil, data: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(data.count + 32)
    if let name { bytes += Array("event: \(name)\n".utf8) }
    bytes += Array("data: ".utf8)
    bytes += data
    bytes += [0x0A, 0x0A]
    return bytes
  }

  /// One event with a JSON value.
  public static func event(_ name: String? = nil, _ json: JSONValue) -> [UInt8] {
    var writer = JSONWriter(style: .compact)
    writer.value(json)
    return event(name, data: writer.takeBytes())
  }

  /// A comment, which clients ignore; keeps a connection open.
  public static let comment = Array(": still working\n\n".utf8)
}
