import TerminalText

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Why a file operation failed.
public struct FileFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was tried (`create`, `write`, `flush`, `rename`).
  public let operation: String
  /// The file.
  public let path: String
  /// What the system says.
  public let reason: String
  /// Whether the file does not exist.
  public let isMissing: Bool

  /// Makes a failure.
  public init(operation: String, path: String, reason: String, isMissing: Bool = false) {
    self.operation = operation
    self.path = path
    self.reason = reason
    self.isMissing = isMissing
  }

  /// `cannot create 'x.json': Permission denied`
  public var description: String { "cannot \(operation) '\(SafeText.line(path))': \(reason)" }
}

/// The file operations that writing a file safely needs; tests replace them with failing ones.
public protocol DurableFileOperations {
  /// Reads a whole file of at most `limit` bytes.
  func read(_ path: String, limit: Int) throws(FileFailure) -> [UInt8]
  /// Creates a file that does not exist yet, for writing, and gives its descriptor.
  func create(_ path: String) throws(FileFailure) -> Int32
  /// Writes some of the bytes and says how many.
  func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32, path: String) throws(FileFailure)
    -> Int
  /// Waits until what was written is on the disk.
  func flush(_ descriptor: Int32, path: String) throws(FileFailure)
  /// Closes a descriptor.
  func close(_ descriptor: Int32, path: String) throws(FileFailure)
  /// Puts a file in the place of another, at once.
  func rename(_ path: String, to target: String) throws(FileFailure)
  /// Waits until a directory's entries are on the disk.
  func flushDirectory(_ path: String) throws(FileFailure)
  /// Removes a file; a file that does not exist is no error.
  func remove(_ path: String)
}

/// Writes files so that readers, and a machine that loses power, see either the old content or the new one.
public enum AtomicFile {
  /// Replaces the content of a file: writes a new file beside it, flushes it, renames it over the old one, and
  /// flushes the directory. When a step fails the old file is untouched and the new one is removed.
  ///
  /// - Throws: `FileFailure` naming the step.
  public static func write(
    _ bytes: [UInt8], to path: String, using files: some DurableFileOperations = SystemFiles()
  ) throws(FileFailure) {
    let temporary = "\(path).\(UInt32.random(in: .min ... .max)).tmp"
    let descriptor = try files.create(temporary)
    do throws(FileFailure) {
      do throws(FileFailure) {
        try writeAll(bytes, to: descriptor, path: temporary, using: files)
        try files.flush(descriptor, path: temporary)
      } catch {
        try? files.close(descriptor, path: temporary)
        throw error
      }
      try files.close(descriptor, path: temporary)
      try files.rename(temporary, to: path)
    } catch {
      files.remove(temporary)
      throw error
    }
    try files.flushDirectory(directory(of: path))
  }

  static func writeAll(
    _ bytes: [UInt8], to descriptor: Int32, path: String, using files: some DurableFileOperations
  ) throws(FileFailure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = try files.write(rest, to: descriptor, path: path)
      guard count > 0, count <= rest.count else {
        throw FileFailure(operation: "write", path: path, reason: "nothing was written")
      }
      rest = rest.dropFirst(count)
    }
  }

  /// The directory part of a path; `.` when it has none.
  static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

/// The system's own file operations.
public struct SystemFiles: DurableFileOperations, Sendable {
  /// Makes the operations.
  public init() {}

  /// Reads a whole file of at most `limit` bytes.
  public func read(_ path: String, limit: Int) throws(FileFailure) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { _ = systemClose(descriptor) }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = buffer.withUnsafeMutableBytes { systemRead(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw failure("read", path)
      }
      if count == 0 { return content }
      content.append(contentsOf: buffer[..<count])
      guard content.count <= limit else {
        throw FileFailure(
          operation: "read", path: path, reason: "the file is larger than \(limit) bytes")
      }
    }
  }

  /// Creates a file that does not exist yet, for writing.
  public func create(_ path: String) throws(FileFailure) -> Int32 {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure("create", path) }
    return descriptor
  }

  /// Writes some of the bytes and says how many.
  public func write(
    _ bytes: ArraySlice<UInt8>, to descriptor: Int32, path: String
  ) throws(FileFailure) -> Int {
    while true {
      let count = bytes.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 { return count }
      guard errno == EINTR else { throw failure("write", path) }
    }
  }

  /// Waits until what was written is on the disk.
  public func flush(_ descriptor: Int32, path: String) throws(FileFailure) {
    guard fsync(descriptor) == 0 else { throw failure("flush", path) }
  }

  /// Closes a descriptor.
  public func close(_ descriptor: Int32, path: String) throws(FileFailure) {
    guard systemClose(descriptor) == 0 else { throw failure("close", path) }
  }

  /// Puts a file in the place of another, at once.
  public func rename(_ path: String, to target: String) throws(FileFailure) {
    guard systemRename(path, target) == 0 else { throw failure("replace", target) }
  }

  /// Waits until a directory's entries are on the disk. File systems that cannot flush directories are no error.
  public func flushDirectory(_ path: String) throws(FileFailure) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { _ = systemClose(descriptor) }
    if fsync(descriptor) != 0, errno != EINVAL, errno != ENOTSUP { throw failure("flush", path) }
  }

  /// Removes a file; a file that does not exist is no error.
  public func remove(_ path: String) { _ = unlink(path) }

  private func failure(_ operation: String, _ path: String) -> FileFailure {
    let code = errno
    return FileFailure(
      operation: operation, path: path, reason: String(cString: strerror(code)),
      isMissing: code == ENOENT)
  }
}

// The methods above hide the system's functions of the same names.
private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int)
  -> Int
{ read(descriptor, buffer, count) }
private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, buffer, count)
}
private func systemRename(_ path: String, _ target: String) -> Int32 { rename(path, target) }
