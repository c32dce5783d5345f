import DurableFiles
import GGUF
import TensorFormats

/// Splits a model into several GGUF files and merges them again.
///
/// Names (`NAME-00001-of-00003.gguf`) and keys (`split.no`, `split.count`, `split.tensors.count`) are those of
/// llama.cpp's gguf-split: the first file has all metadata, the others only these keys.
public enum SplitFiles {
  /// What a part may hold.
  public enum Limit: Hashable, Sendable {
    /// At most that many bytes of tensors; a larger tensor gets a part of its own.
    case bytes(Int)
    /// At most that many tensors.
    case tensors(Int)
  }

  /// Writes the model as parts that begin with `base` and returns their paths.
  ///
  /// - Parameter progress: told the bytes of tensors written and their total.
  /// - Throws: `ModelFileError`; the parts already written are removed then.
  public static func split(
    _ file: GGUFFile, base: String, limit: Limit,
    using files: any DurableFileOperations = SystemFiles(),
    progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(ModelFileError) -> [String] {
    let groups = try groups(file.tensors, limit: limit)
    guard groups.count <= 99_999 else {
      throw .request("\(groups.count) parts are more than names can count; allow larger parts")
    }
    var copy = TensorCopy(file, progress: progress)
    var written: [String] = []
    do throws(ModelFileError) {
      for (index, group) in groups.enumerated() {
        let path = ShardName(base: base, number: index + 1, count: groups.count).path
        guard !file.partPaths.contains(path) else {
          throw .request(
            "'\(path)' is a part of the model that is being split; choose another name")
        }
        var metadata = index == 0 ? file.metadata : GGUFMetadata()
        if index > 0 { metadata["general.alignment"] = file.metadata["general.alignment"] }
        metadata[ShardKey.number] = .uint16(UInt16(truncatingIfNeeded: index))
        metadata[ShardKey.count] = .uint16(UInt16(truncatingIfNeeded: groups.count))
        metadata[ShardKey.tensorCount] = .int32(Int32(truncatingIfNeeded: file.tensors.count))
        if groups.count > Int(UInt16.max) {
          metadata[ShardKey.number] = .uint32(UInt32(index))
          metadata[ShardKey.count] = .uint32(UInt32(groups.count))
        }
        try copy.write(path, metadata: metadata, tensors: group, using: files)
        written.append(path)
      }
    } catch {
      for path in written { files.remove(path) }
      throw error
    }
    return written
  }

  /// Writes a model in several parts as one file.
  ///
  /// - Throws: `ModelFileError`; the target is untouched then.
  public static func merge(
    _ file: GGUFFile, to path: String, using files: any DurableFileOperations = SystemFiles(),
    progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(ModelFileError) {
    guard !file.partPaths.contains(path) else {
      throw .request("'\(path)' is a part of the model that is being merged; choose another name")
    }
    var copy = TensorCopy(file, progress: progress)
    try copy.write(path, metadata: file.metadata, tensors: file.tensors, using: files)
  }

  /// The tensors of each part.
  static func groups(
    _ tensors: [TensorView], limit: Limit
  ) throws(ModelFileError) -> [[TensorView]] {
    var groups: [[TensorView]] = [[]]
    var bytes = 0
    for tensor in tensors {
      let size = tensor.bytes.count
      let isFull: Bool
      switch limit {
      case .bytes(let most):
        guard most > 0 else { throw .request("parts of \(most) bytes are impossible") }
        isFull = size > most - min(bytes, most)
      case .tensors(let most):
        guard most > 0 else { throw .request("parts of \(most) tensors are impossible") }
        isFull = groups[groups.count - 1].count >= most
      }
      if isFull, !groups[groups.count - 1].isEmpty {
        groups.append([])
        bytes = 0
      }
      groups[groups.count - 1].append(tensor)
      bytes += size
    }
    return groups
  }
}

/// Copies tensors of one model into new files, counting what is done.
private struct TensorCopy {
  let source: GGUFFile
  let progress: (Int, Int) -> Void
  let total: Int
  var done = 0

  init(_ source: GGUFFile, progress: @escaping (Int, Int) -> Void) {
    self.source = source
    self.progress = progress
    total = source.tensors.reduce(0) { $0 + $1.bytes.count }
  }

  mutating func write(
    _ path: String, metadata: GGUFMetadata, tensors: [TensorView],
    using files: any DurableFileOperations
  ) throws(ModelFileError) {
    do throws(GGUFError) {
      let writer = try GGUFWriter(
        metadata: metadata, tensors: tensors.map(GGUFWriter.Tensor.init))
      let output = try writer.begin(path, using: files)
      for tensor in tensors {
        source.advise(tensor.bytes, .willNeed)
        try output.append(tensor.bytes, to: tensor.name)
        source.advise(tensor.bytes, .dontNeed)
        done += tensor.bytes.count
        progress(done, total)
      }
      // Before the copy takes its place: what was read must be what the file held.
      try source.checkUnchanged()
      try output.finish()
    } catch {
      throw .gguf(error)
    }
  }
}
