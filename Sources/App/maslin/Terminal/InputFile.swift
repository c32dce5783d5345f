import DurableFiles
import Foundation

/// Files given on the command line.
enum InputFile {
  /// Reads a file of at most `limit` bytes.
  static func read(_ path: String, limit: Int) throws -> [UInt8] {
    try SystemFiles().read(path, limit: limit)
  }
}

/// Standard input.
enum StandardInput {
  /// Reads to the end, at most `limit` bytes.
  static func readAll(limit: Int) throws -> [UInt8] {
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = buffer.withUnsafeMutableBytes {
        Foundation.read(STDIN_FILENO, $0.baseAddress, $0.count)
      }
      if count == 0 { return content }
      if count < 0 {
        if errno == EINTR { continue }
        throw CommandFailure(
          .environment, "standard input could not be read: \(String(cString: strerror(errno)))")
      }
      content.append(contentsOf: buffer[..<count])
      guard content.count <= limit else {
        throw CommandFailure(.badInput, "standard input is longer than \(limit) bytes")
      }
    }
  }

  /// Reads all of it as text.
  ///
  /// - Throws: `CommandFailure` when it is no UTF-8.
  static func readText(limit: Int) throws -> String {
    guard let text = String(validating: try readAll(limit: limit), as: UTF8.self) else {
      throw CommandFailure(.badInput, "standard input is no UTF-8 text")
    }
    return text
  }
}
