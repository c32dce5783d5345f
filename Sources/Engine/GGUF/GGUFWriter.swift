import DurableFiles
import TensorFormats

/// Writes GGUF files (version 3, little-endian).
///
/// The header is fixed first, from metadata and descriptions of the tensors; their bytes follow one after another
/// through a small buffer, so a file may be far larger than memory:
///
///     let output = try GGUFWriter(metadata: metadata, tensors: descriptions).begin(path)
///     for tensor in tensors { try output.append(tensor.bytes, to: tensor.name) }
///     try output.finish()
public struct GGUFWriter: Sendable {
  /// The description of a tensor to write.
  public struct Tensor: Hashable, Sendable {
    /// The name.
    public let name: String
    /// How values are stored.
    public let type: TensorType
    /// The sizes of at most four axes, the contiguous one first.
    public let shape: [Int]
    /// The bytes its values take.
    public let byteCount: Int

    /// Makes a description.
    ///
    /// - Throws: `GGUFError.unwritable` for a shape that files cannot have.
    public init(name: String, type: TensorType, shape: [Int]) throws(GGUFError) {
      let columns = shape.first ?? 1
      guard shape.count <= GGUFHeader.maximumAxes, shape.allSatisfy({ $0 > 0 }) else {
        throw .unwritable(
          problem: "tensor '\(name)' has the shape \(shape); up to four positive axes are possible")
      }
      guard var byteCount = type.byteCount(values: columns) else {
        throw .unwritable(
          problem: "rows of \(columns) values of tensor '\(name)' are no whole number of "
            + "\(type.name) blocks (\(type.valuesPerBlock) values each)")
      }
      for length in shape.dropFirst() {
        let (product, overflow) = byteCount.multipliedReportingOverflow(by: length)
        guard !overflow else {
          throw .unwritable(problem: "tensor '\(name)' of shape \(shape) is too large")
        }
        byteCount = product
      }
      self.name = name
      self.type = type
      self.shape = shape
      self.byteCount = byteCount
    }

    /// The description of an existing tensor.
    public init(_ view: TensorView) {
      name = view.name
      type = view.type
      shape = view.shape
      byteCount = view.bytes.count
    }
  }

  /// The metadata as it will be in the file.
  public let metadata: GGUFMetadata
  /// The tensors in the order in which their bytes will be given.
  public let tensors: [Tensor]
  /// Every tensor begins at a multiple of this.
  public let alignment: Int
  /// The size the file will have.
  public let fileByteCount: Int
  /// The beginning of the file, up to the first tensor's bytes.
  package let header: [UInt8]

  /// Prepares a file.
  ///
  /// - Parameter alignment: a power of two from 8 on; nil takes `general.alignment` of the metadata, or 32. Other values
  ///   than 32 are written into the metadata.
  /// - Throws: `GGUFError.unwritable`.
  public init(
    metadata: GGUFMetadata, tensors: [Tensor], alignment: Int? = nil
  ) throws(GGUFError) {
    let key = "general.alignment"
    var metadata = metadata
    let chosen = alignment ?? metadata.integer(key) ?? GGUFHeader.defaultAlignment
    guard chosen >= 8, chosen & (chosen - 1) == 0, chosen <= 1 << 30 else {
      throw .unwritable(problem: "alignment \(chosen) is no power of two from 8 to \(1 << 30)")
    }
    if chosen != GGUFHeader.defaultAlignment || metadata[key] != nil {
      metadata[key] = .uint32(UInt32(chosen))
    }
    var names = Set<String>(minimumCapacity: tensors.count)
    for tensor in tensors where !names.insert(tensor.name).inserted {
      throw .unwritable(problem: "there are two tensors with the name '\(tensor.name)'")
    }
    var encoder = HeaderEncoder()
    encoder.begin(tensorCount: tensors.count, entryCount: metadata.count)
    for entry in metadata.entries { encoder.append(entry) }
    var offset = 0
    for tensor in tensors {
      encoder.append(tensor, offset: offset)
      let (end, overflow) = offset.addingReportingOverflow(tensor.byteCount)
      guard !overflow, end <= Int.max - 2 * chosen - encoder.bytes.count else {
        throw .unwritable(problem: "the tensors together are too large")
      }
      offset = Self.aligned(end, chosen)
    }
    encoder.pad(to: chosen)
    header = encoder.bytes
    fileByteCount = header.count + offset
    self.metadata = metadata
    self.tensors = tensors
    self.alignment = chosen
  }

  static func aligned(_ offset: Int, _ alignment: Int) -> Int {
    (offset + alignment - 1) & ~(alignment - 1)
  }

  /// Creates the file's temporary twin beside `path` and writes the header.
  ///
  /// - Throws: `GGUFError.system`.
  public func begin(
    _ path: String, using files: any DurableFileOperations = SystemFiles()
  ) throws(GGUFError) -> GGUFOutput {
    try GGUFOutput(self, path: path, files: files)
  }

  /// Writes a whole file whose tensors are in memory already (of another mapped file, for example).
  ///
  /// - Throws: `GGUFError`; the target is untouched then.
  public static func write(
    _ path: String, metadata: GGUFMetadata, tensors: [TensorView], alignment: Int? = nil,
    using files: any DurableFileOperations = SystemFiles()
  ) throws(GGUFError) {
    let writer = try GGUFWriter(
      metadata: metadata, tensors: tensors.map(Tensor.init), alignment: alignment)
    let output = try writer.begin(path, using: files)
    for tensor in tensors { try output.append(tensor.bytes, to: tensor.name) }
    try output.finish()
  }
}

/// A GGUF file that is being written. Until `finish()` the target is untouched; without it nothing is left behind.
public final class GGUFOutput {
  private let writer: GGUFWriter
  private let file: StreamedAtomicFile
  private var position = 0
  /// The bytes of tensor `position` that are written.
  private var written = 0

  init(
    _ writer: GGUFWriter, path: String, files: any DurableFileOperations
  ) throws(GGUFError) {
    self.writer = writer
    do throws(FileFailure) {
      file = try StreamedAtomicFile(path, using: files)
      try file.write(writer.header)
    } catch {
      throw Self.failure(error, path, size: writer.fileByteCount)
    }
  }

  /// The tensor whose bytes are expected next; nil after the last.
  public var next: GGUFWriter.Tensor? {
    position < writer.tensors.count ? writer.tensors[position] : nil
  }

  /// Appends bytes of a tensor, all or a part. Tensors come in the writer's order, each with exactly its bytes.
  ///
  /// - Throws: `GGUFError.system` when the disk is full, for example; `GGUFError.unwritable` when the bytes are not
  ///   those expected.
  public func append(_ bytes: UnsafeRawBufferPointer, to name: String) throws(GGUFError) {
    guard let tensor = next, tensor.name == name else {
      throw .unwritable(
        problem: "bytes of tensor '\(name)' came, those of '\(next?.name ?? "none")' are next")
    }
    guard bytes.count <= tensor.byteCount - written else {
      throw .unwritable(
        problem: "tensor '\(name)' takes \(tensor.byteCount) bytes, but "
          + "\(written + bytes.count) came")
    }
    do throws(FileFailure) {
      try file.write(bytes)
      written += bytes.count
      if written == tensor.byteCount {
        let end = GGUFWriter.aligned(written, writer.alignment)
        try file.write([UInt8](repeating: 0, count: end - written))
        position += 1
        written = 0
      }
    } catch {
      throw Self.failure(error, file.path, size: writer.fileByteCount)
    }
  }

  /// Flushes the file and puts it in the target's place.
  ///
  /// - Throws: `GGUFError`; nothing is left behind then.
  public func finish() throws(GGUFError) {
    if let tensor = next {
      file.discard()
      throw .unwritable(
        problem: "tensor '\(tensor.name)' has only \(written) of \(tensor.byteCount) bytes")
    }
    do throws(FileFailure) { try file.commit() } catch {
      throw Self.failure(error, file.path, size: writer.fileByteCount)
    }
  }

  /// Gives up and removes what was written.
  public func discard() { file.discard() }

  private static func failure(_ failure: FileFailure, _ path: String, size: Int) -> GGUFError {
    .system(
      path: path, operation: failure.operation,
      reason: "\(failure.reason) (the whole file takes \(size) bytes)")
  }
}
