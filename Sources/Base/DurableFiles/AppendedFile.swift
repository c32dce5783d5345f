#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file of lines that grows at its end, open for writing. What was appended survives the end of the process, however it
/// ends; a loss of power may cost the lines since the last `flush`, and leave the last one in part.
public struct AppendedFile: ~Copyable {
  /// The path.
  public let path: String
  private let descriptor: Int32
  private let files: any DurableFileOperations
  /// Whether the last line may be there in part.
  private var isTorn: Bool

  /// Opens a file, made for its owner alone if need be.
  ///
  /// - Parameter isTorn: whether what is in the file may lack the end of its last line.
  /// - Throws: `FileFailure`.
  public init(
    _ path: String, isTorn: Bool = true, using files: any DurableFileOperations = SystemFiles()
  ) throws(FileFailure) {
    self.path = path
    self.files = files
    self.isTorn = isTorn
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      throw FileFailure(operation: "open", path: path, reason: String(cString: strerror(errno)))
    }
  }

  deinit { try? files.close(descriptor, path: path) }

  /// Appends a line, which must not contain a line break; one is put after it.
  ///
  /// - Throws: `FileFailure`; part of the line may be in the file then, and the next one starts afresh.
  public mutating func append(line: [UInt8]) throws(FileFailure) {
    let newline = UInt8(ascii: "\n")
    let bytes = (isTorn ? [newline] : []) + line + [newline]
    isTorn = true
    try AtomicFile.writeAll(bytes, to: descriptor, path: path, using: files)
    isTorn = false
  }

  /// Waits until what was appended is on the disk.
  public func flush() throws(FileFailure) { try files.flush(descriptor, path: path) }
}
