#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file in a directory.
public struct DirectoryEntry: Hashable, Sendable {
  /// Its name, without the directory.
  public let name: String
  /// Its size.
  public let byteCount: Int
  /// When it was written or last marked as used: nanoseconds since 1970.
  public let modified: Int64

  /// Makes an entry.
  public init(name: String, byteCount: Int, modified: Int64) {
    self.name = name
    self.byteCount = byteCount
    self.modified = modified
  }
}

/// What keeping many files in one directory needs beyond `DurableFileOperations`.
extension SystemFiles {
  /// Creates a directory for its owner alone, and those above it; one that exists is no error.
  public func createDirectory(_ path: String) throws(FileFailure) {
    if mkdir(path, 0o700) == 0 { return }
    if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
      try createDirectory(String(path[..<slash]))
      if mkdir(path, 0o700) == 0 { return }
    }
    let code = errno
    var status = stat()
    if code == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
    throw FileFailure(
      operation: "create the directory", path: path, reason: String(cString: strerror(code)))
  }

  /// The plain files of a directory, sorted by name; links are not followed and not listed.
  public func entries(of directory: String) throws(FileFailure) -> [DirectoryEntry] {
    try names(of: directory).compactMap { name in
      var status = stat()
      guard lstat("\(directory)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        return nil
      }
      return DirectoryEntry(
        name: name, byteCount: Int(status.st_size), modified: nanoseconds(status))
    }
  }

  /// The directories in a directory, sorted by name; links are not followed and not listed.
  public func subdirectories(of directory: String) throws(FileFailure) -> [String] {
    try names(of: directory).filter { name in
      var status = stat()
      return lstat("\(directory)/\(name)", &status) == 0
        && status.st_mode & S_IFMT == S_IFDIR
    }
  }

  private func names(of directory: String) throws(FileFailure) -> [String] {
    guard let stream = opendir(directory) else { throw failure("list", directory) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// The first `count` bytes of a file, or all of it where it is shorter.
  public func readStart(_ path: String, count: Int) throws(FileFailure) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { _ = systemClose(descriptor) }
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let got = bytes.withUnsafeMutableBytes {
        systemRead(descriptor, $0.baseAddress.map { $0 + filled }, count - filled)
      }
      if got < 0 {
        if errno == EINTR { continue }
        throw failure("read", path)
      }
      if got == 0 { break }
      filled += got
    }
    bytes.removeLast(count - filled)
    return bytes
  }

  /// Marks a file as used now; a file that does not exist is no error.
  public func markUsed(_ path: String) {
    _ = utimensat(AT_FDCWD, path, nil, 0)
  }

  private func failure(_ operation: String, _ path: String) -> FileFailure {
    let code = errno
    return FileFailure(
      operation: operation, path: path, reason: String(cString: strerror(code)),
      isMissing: code == ENOENT)
  }

  private func nanoseconds(_ status: stat) -> Int64 {
    #if canImport(Darwin)
      let time = status.st_mtimespec
    #else
      let time = status.st_mtim
    #endif
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// A lock that one process at a time holds on a directory; the system gives it back when the process ends, however it ends.
public final class DirectoryLock: Sendable {
  /// The lock file.
  public let path: String
  private let descriptor: Int32

  /// Takes the lock.
  ///
  /// - Returns: nil when another process, or another lock of this one, holds it.
  /// - Throws: `FileFailure` when the lock file cannot be made.
  public init?(directory: String) throws(FileFailure) {
    path = "\(directory)/lock"
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      throw FileFailure(
        operation: "create", path: path, reason: String(cString: strerror(errno)))
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      _ = systemClose(descriptor)
      if code == EWOULDBLOCK { return nil }
      throw FileFailure(operation: "lock", path: path, reason: String(cString: strerror(code)))
    }
  }

  deinit { _ = systemClose(descriptor) }

  /// Whether a process holds the lock of a directory at this moment; makes no lock file.
  public static func isHeld(directory: String) -> Bool {
    let descriptor = open("\(directory)/lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return false }
    defer { _ = systemClose(descriptor) }
    // Shared, so that two who only ask do not see one another; given back when the file is closed.
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }
}

private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int)
  -> Int
{ read(descriptor, buffer, count) }
