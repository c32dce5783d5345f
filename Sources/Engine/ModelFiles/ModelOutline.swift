import Foundation
import GGUF

extension ModelSynthesizer {
  /// Writes the file without weights: its header, and a hole of the size of all tensors, which takes no room on disk. Such
  /// a file tells what a model of this shape needs; its weights read as zeros.
  ///
  /// - Throws: `SynthesisError` when the file cannot be written.
  public func writeOutline(to path: String) throws(SynthesisError) {
    do {
      try Data(writer.header).write(to: URL(fileURLWithPath: path))
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      defer { try? handle.close() }
      try handle.truncate(atOffset: UInt64(writer.fileByteCount))
    } catch {
      throw .outline(path: path, reason: error.localizedDescription)
    }
  }
}
