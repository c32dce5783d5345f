import DurableFiles

/// The name of a record on disk: SHA-256 over the name of the record before it and its own tokens, so that it stands for all
/// tokens from the first on.
package struct RecordIdentifier: Hashable, Sendable {
  /// The 32 bytes of the hash.
  let bytes: [UInt8]

  /// What the first page of a conversation has before it.
  package static let none = RecordIdentifier(bytes: [UInt8](repeating: 0, count: byteCount))
  /// The length of a hash.
  static let byteCount = 32

  /// Takes over a hash.
  init(bytes: [UInt8]) { self.bytes = bytes }

  /// Names the record with those tokens after another.
  init(_ kind: PrefixRecord.Kind, after parent: RecordIdentifier, tokens: some Collection<Int32>) {
    var hash = SHA256()
    withUnsafeBytes(of: kind.rawValue.littleEndian) { hash.update($0) }
    parent.bytes.withUnsafeBytes { hash.update($0) }
    let words = tokens.map(\.littleEndian)
    words.withUnsafeBytes { hash.update($0) }
    self.init(bytes: hash.finish())
  }

  /// The record's file name without its extension.
  var name: String { SHA256.hexadecimal(bytes) }
}
