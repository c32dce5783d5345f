#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The disk of this machine.
///
/// Uses the C library directly: a walk over many thousand files asks for each name once and needs no
/// further call per file.
public struct LocalFileSystem: FileSystem {
  /// Makes the view of this machine's disk.
  public init() {}

  /// The directory relative paths start from.
  public static var workingDirectory: String {
    guard let buffer = getcwd(nil, 0) else { return "/" }
    defer { free(buffer) }
    return String(cString: buffer)
  }

  /// What stands at a path, links followed; nil when there is nothing.
  public func kind(of path: String) -> FileKind? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Self.kind(of: status)
  }

  /// The names in a directory in byte order, without `.` and `..`; dangling links are left out.
  public func list(_ directory: String) throws(FileSystemError) -> [DirectoryEntry] {
    guard let stream = opendir(directory) else { throw Self.error(errno, directory) }
    defer { closedir(stream) }
    var entries: [DirectoryEntry] = []
    while let pointer = readdir(stream) {
      let name = withUnsafeBytes(of: &pointer.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name == "." || name == ".." { continue }
      switch Int32(pointer.pointee.d_type) {
      case Int32(DT_REG):
        entries.append(DirectoryEntry(name: name, kind: .file))
      case Int32(DT_DIR):
        entries.append(DirectoryEntry(name: name, kind: .directory))
      case Int32(DT_LNK), Int32(DT_UNKNOWN):
        let path = directory + "/" + name
        guard let kind = kind(of: path) else { continue }
        var status = stat()
        let isLink = lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
        entries.append(DirectoryEntry(name: name, kind: kind, isLink: isLink))
      default:
        entries.append(DirectoryEntry(name: name, kind: .special))
      }
    }
    entries.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    return entries
  }

  /// The bytes of a file of at most `limit` bytes.
  public func read(_ path: String, limit: Int) throws(FileSystemError) -> [UInt8] {
    // Asked before opening: opening a pipe without a writer would wait for ever.
    var status = stat()
    guard stat(path, &status) == 0 else { throw Self.error(errno, path) }
    guard Self.kind(of: status) == .file else { throw .notAFile(path: path) }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.error(errno, path) }
    defer { close(descriptor) }
    guard fstat(descriptor, &status) == 0 else { throw Self.error(errno, path) }
    let size = Int(status.st_size)
    guard size <= limit else { throw .tooLarge(path: path, size: size, limit: limit) }

    var failure: Int32 = 0
    // One byte more than the size, so that a file growing meanwhile is noticed at the end.
    var bytes = [UInt8](unsafeUninitializedCapacity: size + 1) { buffer, count in
      count = 0
      guard let base = buffer.baseAddress else { return }
      while count < buffer.count {
        #if canImport(Darwin)
          let got = Darwin.read(descriptor, base + count, buffer.count - count)
        #elseif canImport(Glibc)
          let got = Glibc.read(descriptor, base + count, buffer.count - count)
        #elseif canImport(Musl)
          let got = Musl.read(descriptor, base + count, buffer.count - count)
        #endif
        if got > 0 {
          count += got
        } else if got < 0, errno == EINTR {
          continue
        } else {
          if got < 0 { failure = errno }
          return
        }
      }
    }
    guard failure == 0 else { throw Self.error(failure, path) }
    if bytes.count > size { bytes.removeLast(bytes.count - size) }
    return bytes
  }

  /// The path with all links resolved; the path itself where that fails.
  public func resolvingLinks(_ path: String) -> String {
    guard let buffer = realpath(path, nil) else { return path }
    defer { free(buffer) }
    return String(cString: buffer)
  }

  private static func kind(of status: stat) -> FileKind {
    switch status.st_mode & S_IFMT {
    case S_IFREG: .file
    case S_IFDIR: .directory
    default: .special
    }
  }

  private static func error(_ code: Int32, _ path: String) -> FileSystemError {
    switch code {
    case ENOENT, ENOTDIR: .missing(path: path)
    case EACCES, EPERM: .denied(path: path)
    default: .failed(path: path, reason: String(cString: strerror(code)))
    }
  }
}
