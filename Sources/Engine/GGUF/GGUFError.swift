/// Why a GGUF file cannot be read, used further, or written.
public enum GGUFError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The system refuses an operation on the file.
  case system(path: String, operation: String, reason: String)
  /// The file does not begin as GGUF files do.
  case notGGUF(path: String, problem: String)
  /// The file was written for machines of the other byte order.
  case byteOrder(path: String)
  /// The file's version is not 2 or 3.
  case unsupportedVersion(path: String, version: UInt32)
  /// The file ends before something that it announces.
  case truncated(path: String, offset: Int, reading: String, needed: UInt64, remaining: Int)
  /// Something in the header is not as the format says.
  case malformed(path: String, offset: Int, reading: String, problem: String)
  /// A metadata entry has an impossible value.
  case metadata(path: String, key: String, problem: String)
  /// A tensor's description is impossible.
  case tensor(path: String, name: String, problem: String)
  /// The parts of a model in several files do not fit together.
  case shards(path: String, problem: String)
  /// The file is no longer what it was when it was opened.
  case changed(path: String, problem: String)
  /// A file cannot be written from what was given.
  case unwritable(problem: String)

  /// A sentence for people: what, where, and what to do where that is known.
  public var description: String {
    switch self {
    case .system(let path, let operation, let reason):
      "cannot \(operation) '\(shown(path))': \(shown(reason))"
    case .notGGUF(let path, let problem):
      "'\(shown(path))' is no GGUF file: \(problem)"
    case .byteOrder(let path):
      "'\(shown(path))' has the byte order of big-endian machines; convert it to little-endian first"
    case .unsupportedVersion(let path, let version):
      version == 1
        ? "'\(shown(path))' is GGUF version 1, which nothing has written since August 2023; "
          + "convert the original model again (versions 2 and 3 are read)"
        : "'\(shown(path))' is GGUF version \(version); versions 2 and 3 are read"
    case .truncated(let path, let offset, let reading, let needed, let remaining):
      "'\(shown(path))' is cut off: \(shown(reading)) at offset \(offset) needs \(needed) bytes, "
        + "but only \(remaining) remain; copy or download the file again"
    case .malformed(let path, let offset, let reading, let problem):
      "'\(shown(path))' is damaged: \(shown(reading)) at offset \(offset): \(problem)"
    case .metadata(let path, let key, let problem):
      "'\(shown(path))': metadata '\(shown(key))': \(problem)"
    case .tensor(let path, let name, let problem):
      "'\(shown(path))': tensor '\(shown(name))': \(problem)"
    case .shards(let path, let problem):
      "'\(shown(path))': \(shown(problem))"
    case .changed(let path, let problem):
      "'\(shown(path))' \(problem); load the model again"
    case .unwritable(let problem):
      "cannot write a GGUF file: \(shown(problem))"
    }
  }
}

extension GGUFError {
  /// Whether the machine is the reason (a missing file, a permission, a full disk, a file that changed) and not the file's
  /// content.
  public var isEnvironment: Bool {
    switch self {
    case .system, .changed: true
    default: false
    }
  }
}
