/// What stands at a path.
public enum FileKind: Hashable, Sendable {
  /// A file that can be read.
  case file
  /// A directory.
  case directory
  /// A device, socket or pipe; never read.
  case special
}

/// One name in a directory.
public struct DirectoryEntry: Hashable, Sendable {
  /// The name, without the directory.
  public let name: String
  /// What it is; of a symbolic link, what the link leads to.
  public let kind: FileKind
  /// Whether the name is a symbolic link.
  public let isLink: Bool

  /// Makes an entry.
  public init(name: String, kind: FileKind, isLink: Bool = false) {
    self.name = name
    self.kind = kind
    self.isLink = isLink
  }
}

/// Why a path could not be read.
public enum FileSystemError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Nothing stands there.
  case missing(path: String)
  /// The system refused access.
  case denied(path: String)
  /// Not a regular file.
  case notAFile(path: String)
  /// The file is larger than the limit, both in bytes.
  case tooLarge(path: String, size: Int, limit: Int)
  /// Any other failure, in the system's words.
  case failed(path: String, reason: String)

  /// The path concerned.
  public var path: String {
    switch self {
    case .missing(let path), .denied(let path), .notAFile(let path): path
    case .tooLarge(let path, _, _), .failed(let path, _): path
    }
  }

  /// What happened and what to do.
  public var description: String {
    switch self {
    case .missing(let path):
      "\(path): no such file or directory; check the spelling and the current directory"
    case .denied(let path):
      "\(path): permission denied; make it readable for this user"
    case .notAFile(let path):
      "\(path): not a regular file; name a .sol file, a directory or a build-info JSON file"
    case .tooLarge(let path, let size, let limit):
      "\(path): \(size) bytes, above the limit of \(limit) for one file; split it or leave it out"
    case .failed(let path, let reason):
      "\(path): \(reason)"
    }
  }
}

/// Where sources come from: a disk, memory, a revision of a repository. Paths are absolute and normalised.
public protocol FileSystem: Sendable {
  /// What stands at a path, links followed; nil when there is nothing.
  func kind(of path: String) -> FileKind?
  /// The names in a directory in byte order.
  func list(_ directory: String) throws(FileSystemError) -> [DirectoryEntry]
  /// The bytes of a file of at most `limit` bytes.
  func read(_ path: String, limit: Int) throws(FileSystemError) -> [UInt8]
  /// The path with all links resolved; the path itself where that fails.
  func resolvingLinks(_ path: String) -> String
}

extension FileSystem {
  /// Whether a regular file stands at the path.
  func isFile(_ path: String) -> Bool { kind(of: path) == .file }
  /// Whether a directory stands at the path.
  func isDirectory(_ path: String) -> Bool { kind(of: path) == .directory }
}
