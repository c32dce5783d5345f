/// A way to exchange messages with a server, one JSON text at a time.
public protocol MessageTransport: Sendable {
  /// Begins to deliver what comes. Called once, before anything is sent. `receive` is called from one thread at a
  /// time; the last event is `.ended`.
  func start(_ receive: @escaping @Sendable (TransportEvent) -> Void)
  /// Sends one message: JSON text on one line, without its line feed. Returns false when the server is gone.
  func send(_ message: [UInt8]) -> Bool
  /// Ends the connection and whatever stands behind it. Blocks for a few seconds at most. May be called again.
  func close()
}

/// What comes from a server.
public enum TransportEvent: Hashable, Sendable {
  /// A line.
  case message([UInt8])
  /// A line above the limit of so many bytes; the connection is of no use any more.
  case tooLong(limit: Int)
  /// Nothing follows. The text tells what is known about the end.
  case ended(String)
}
