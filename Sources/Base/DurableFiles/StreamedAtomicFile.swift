/// Writes a file too large for memory so that readers, and a machine that loses power, see either the old file or the
/// whole new one.
///
/// The bytes go to a temporary file beside the target; `commit()` flushes it and puts it in the target's place. When a
/// step fails, or the object goes away without `commit()`, the temporary file is removed and the target is untouched.
public final class StreamedAtomicFile {
  /// The target.
  public let path: String
  /// The bytes taken in so far.
  public private(set) var byteCount = 0

  private let files: any DurableFileOperations
  private let temporaryPath: String
  private var descriptor: Int32?
  private var buffer: [UInt8] = []

  /// How many bytes are collected before they are written.
  static let bufferByteCount = 1 << 20

  /// Creates the temporary file.
  ///
  /// - Throws: `FileFailure` when it cannot be created.
  public init(
    _ path: String, using files: any DurableFileOperations = SystemFiles()
  ) throws(FileFailure) {
    self.path = path
    self.files = files
    temporaryPath = "\(path).\(UInt32.random(in: .min ... .max)).tmp"
    descriptor = try files.create(temporaryPath)
    buffer.reserveCapacity(Self.bufferByteCount)
  }

  deinit { discard() }

  /// Appends bytes.
  ///
  /// - Throws: `FileFailure`, for example when the disk is full; the temporary file is gone then.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(FileFailure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let room = Self.bufferByteCount - buffer.count
      buffer.append(contentsOf: rest.prefix(room))
      rest = rest.dropFirst(room)
      if buffer.count == Self.bufferByteCount { try writeBuffer() }
    }
    byteCount += bytes.count
  }

  /// Appends bytes.
  public func write(_ bytes: [UInt8]) throws(FileFailure) {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(FileFailure) in try write(bytes) }
    }
    try result.get()
  }

  /// Puts the file in the target's place, with everything on the disk. Nothing can be written after that.
  ///
  /// - Throws: `FileFailure` naming the step; the target is untouched unless only the flush of the directory failed.
  public func commit() throws(FileFailure) {
    try writeBuffer()
    let descriptor = try openDescriptor()
    do throws(FileFailure) {
      try files.flush(descriptor, path: temporaryPath)
      self.descriptor = nil
      try files.close(descriptor, path: temporaryPath)
      try files.rename(temporaryPath, to: path)
    } catch {
      if self.descriptor == nil { files.remove(temporaryPath) } else { discard() }
      throw error
    }
    try files.flushDirectory(AtomicFile.directory(of: path))
  }

  /// Gives up: removes the temporary file. Does nothing after `commit()`.
  public func discard() {
    guard let descriptor else { return }
    self.descriptor = nil
    try? files.close(descriptor, path: temporaryPath)
    files.remove(temporaryPath)
  }

  private func openDescriptor() throws(FileFailure) -> Int32 {
    guard let descriptor else {
      throw FileFailure(operation: "write", path: path, reason: "the file is closed already")
    }
    return descriptor
  }

  private func writeBuffer() throws(FileFailure) {
    let descriptor = try openDescriptor()
    do throws(FileFailure) {
      try AtomicFile.writeAll(buffer, to: descriptor, path: temporaryPath, using: files)
    } catch {
      discard()
      throw error
    }
    buffer.removeAll(keepingCapacity: true)
  }
}
