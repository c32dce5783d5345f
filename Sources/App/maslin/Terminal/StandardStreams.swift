import Foundation

/// Standard output was closed by its reader: there is nobody left to write for.
struct OutputClosed: Error {}

/// Standard output could not be written.
struct OutputError: Error, CustomStringConvertible {
  let reason: String
  var description: String { "standard output could not be written: \(reason)" }
}

/// Buffered standard output.
struct StandardOutput: ~Copyable {
  private var buffer: [UInt8] = []
  private static let capacity = 64 << 10

  /// Whether standard output is a terminal.
  static var isTerminal: Bool { isatty(STDOUT_FILENO) != 0 }

  /// Whether colours are wanted: on a terminal, and never under `NO_COLOR`.
  ///
  /// Source: https://no-color.org.
  static var wantsColor: Bool {
    let environment = ProcessInfo.processInfo.environment
    return isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
  }

  /// The number of columns of the terminal; nil when standard output is none.
  static var terminalWidth: Int? {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Writes text.
  mutating func write(_ text: String) throws { try write(Array(text.utf8)) }

  /// Writes bytes.
  mutating func write(_ bytes: [UInt8]) throws {
    buffer.append(contentsOf: bytes)
    if buffer.count >= Self.capacity { try flush() }
  }

  /// Passes on what is buffered.
  mutating func flush() throws {
    var start = 0
    while start < buffer.count {
      let written = buffer.withUnsafeBytes { bytes in
        Foundation.write(STDOUT_FILENO, bytes.baseAddress! + start, bytes.count - start)
      }
      if written >= 0 {
        start += written
      } else if errno == EPIPE {
        buffer = []
        throw OutputClosed()
      } else if errno != EINTR {
        buffer = []
        throw OutputError(reason: String(cString: strerror(errno)))
      }
    }
    buffer.removeAll(keepingCapacity: true)
  }

  /// Writes the last text and passes everything on.
  consuming func finish(with text: String = "") throws {
    try write(text)
    try flush()
  }
}

/// Unbuffered standard error.
enum StandardError {
  /// Whether standard error is a terminal.
  static var isTerminal: Bool { isatty(STDERR_FILENO) != 0 }

  /// Writes text; failures are passed over, for there is no place left to report them.
  static func write(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }
}
