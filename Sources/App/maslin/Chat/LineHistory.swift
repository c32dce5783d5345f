import DurableFiles
import Foundation
import Workstation

/// The lines a user entered, kept in the data directory for their owner alone.
struct LineHistory {
  private let path: String

  /// Nil when there is no data directory: then nothing is kept.
  init?(directory: DataDirectory?) {
    guard let directory, (try? directory.create()) != nil else { return nil }
    path = directory.file("history")
  }

  func load() -> [String] {
    guard let bytes = try? SystemFiles().read(path, limit: 4 << 20) else { return [] }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
      String($0).replacing("\\n", with: "\n")
    }
  }

  func save(_ lines: [String]) {
    let text = lines.map { $0.replacing("\n", with: "\\n") + "\n" }.joined()
    do {
      try AtomicFile.write(Array(text.utf8), to: path)
      chmod(path, 0o600)
    } catch {
      StandardError.write("maslin: the history was not kept: \(error)\n")
    }
  }
}
