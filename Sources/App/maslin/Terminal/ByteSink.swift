import DurableFiles
import Foundation

/// Where a command writes raw numbers: standard output, or a file that appears only when it is complete.
final class ByteSink {
  private enum Target {
    case standardOutput
    case file(StreamedAtomicFile)
  }

  private let target: Target

  /// Opens the sink; `-` is standard output.
  init(path: String) throws {
    target = path == "-" ? .standardOutput : .file(try StreamedAtomicFile(path))
  }

  /// Writes numbers, little-endian.
  func append<Number: BitwiseCopyable>(_ values: [Number]) throws {
    var bytes = values.withUnsafeBytes(Array.init)
    if Int(littleEndian: 1) != 1 {
      let width = MemoryLayout<Number>.size
      for start in stride(from: 0, to: bytes.count, by: width) {
        bytes[start..<start + width].reverse()
      }
    }
    switch target {
    case .file(let file): try file.write(bytes)
    case .standardOutput:
      var output = StandardOutput()
      try output.write(bytes)
      try output.finish()
    }
  }

  /// Makes a file appear in its place, durably.
  func finish() throws {
    if case .file(let file) = target { try file.commit() }
  }
}
