import DurableFiles
import GGUF
import Models

/// Tells apart what the states of two models on disk may not be mixed: SHA-256 over the file's metadata and tensor table,
/// its size, the first and last 4 KiB of every tensor, the settings that change states, and the version of their layout.
///
/// Reading all weights would take minutes for large files. Files that differ only in the middle of tensors, of equal size
/// and with equal first and last 4 KiB in every tensor, are taken for one another.
public struct StateFingerprint: Hashable, Sendable, CustomStringConvertible {
  /// The 32 bytes of the hash.
  public let bytes: [UInt8]

  /// How many bytes of each end of a tensor count.
  static let sampledByteCount = 4096

  /// Takes over a hash of 32 bytes.
  package init(bytes: [UInt8]) {
    precondition(bytes.count == 32, "a hash has 32 bytes")
    self.bytes = bytes
  }

  /// Takes the fingerprint.
  ///
  /// - Parameters:
  ///   - settings: whatever else changes what a state holds, one sentence each.
  public init(_ file: GGUFFile, settings: [String]) {
    var hash = SHA256()
    func add(_ text: String) {
      let bytes = Array(text.utf8)
      withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { hash.update($0) }
      bytes.withUnsafeBytes { hash.update($0) }
    }
    add("prefix records \(PrefixRecord.version), states \(StateWriter.version)")
    for setting in settings { add(setting) }
    add("\(file.fileByteCount) bytes in \(file.partCount) files")
    for header in file.headers { hash.update(header) }
    for tensor in file.tensors {
      add("\(tensor.name) \(tensor.type.name) \(tensor.shape) \(tensor.bytes.count)")
      hash.update(.init(rebasing: tensor.bytes.prefix(Self.sampledByteCount)))
      hash.update(.init(rebasing: tensor.bytes.suffix(Self.sampledByteCount)))
    }
    bytes = hash.finish()
  }

  /// 64 small hexadecimal digits.
  public var description: String { SHA256.hexadecimal(bytes) }
}
