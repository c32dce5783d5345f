import Models

/// A file of the prefix store: one complete page of a conversation, or a state without its complete pages.
///
/// Layout, all numbers little-endian: the magic `MASLINPX`, the version and the kind (4 bytes each), the fingerprint, the
/// record's own name and that of the page before it (32 bytes each), the number of tokens up to the record's end, the
/// smallest count a state can go back to, and the lengths of content and logits (8 bytes each), whether a prompt or an
/// answer ends there, and the number of the record's own tokens (4 bytes each); then these tokens (4 bytes each), a checksum
/// of all that, the content, the logits (4 bytes each), and a checksum of everything before it.
package struct PrefixRecord: Hashable, Sendable {
  /// What a record holds.
  package enum Kind: UInt32, Sendable, CaseIterable {
    case page = 1
    case state = 2

    /// What its files' names end in.
    var suffix: String { self == .page ? ".page" : ".state" }
  }

  /// What is known of a record without its content.
  package struct Header: Hashable, Sendable {
    var kind: Kind
    var identifier: RecordIdentifier
    /// The page before it.
    var parent: RecordIdentifier
    /// The number of tokens up to its end.
    var count: Int
    /// The smallest count that a state can go back to; 0 for pages.
    var oldestRollback: Int
    var isEnd: Bool
    /// Its own tokens, after those of its parent: 128 of a page, at most 127 of a state.
    var tokens: [Int32]
    var contentByteCount: Int
    var logitsCount: Int

    /// The length of the whole file.
    var fileByteCount: Int {
      PrefixRecord.fixedByteCount + 4 * tokens.count + 8 + contentByteCount + 4 * logitsCount + 8
    }
    /// The file's name.
    var fileName: String { identifier.name + kind.suffix }
  }

  /// Why bytes are no record.
  package enum Damage: Error, Hashable, Sendable, CustomStringConvertible {
    case missing
    case unreadable(String)
    case tooShort(Int)
    case notARecord
    case version(UInt32)
    case anotherModel
    case impossible(String)
    case checksum(String)
    case notTheExpectedOne

    package var description: String {
      switch self {
      case .missing: "it is missing"
      case .unreadable(let reason): reason
      case .tooShort(let count): "it ends after \(count) bytes"
      case .notARecord: "it does not start as a record of a prefix does"
      case .version(let version):
        "it has version \(version), not the version \(PrefixRecord.version) this program reads"
      case .anotherModel: "it belongs to another model"
      case .impossible(let what): what
      case .checksum(let part): "the checksum of the \(part) does not fit"
      case .notTheExpectedOne: "it holds other tokens than its name says"
      }
    }
  }

  static let magic = Array("MASLINPX".utf8)
  /// Raise it when this layout or that of states changes.
  static let version: UInt32 = 1
  /// The bytes before a record's own tokens.
  static let fixedByteCount = 8 + 4 + 4 + 3 * 32 + 4 * 8 + 2 * 4
  /// The most bytes of a header with its tokens and checksum.
  static let headerLimit = fixedByteCount + 4 * tokensPerPage + 8
  /// The most bytes of content that are believed: more than any model's states take.
  static let contentLimit = 1 << 40

  package var header: Header
  package var content: [UInt8]
  package var logits: [Float]

  // MARK: Writing

  /// The whole file.
  package func bytes(_ fingerprint: StateFingerprint) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(header.fileByteCount)
    func append<Value: FixedWidthInteger>(_ value: Value) {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    bytes += Self.magic
    append(Self.version)
    append(header.kind.rawValue)
    bytes += fingerprint.bytes
    bytes += header.identifier.bytes
    bytes += header.parent.bytes
    append(Int64(header.count))
    append(Int64(header.oldestRollback))
    append(Int64(content.count))
    append(Int64(logits.count))
    append(UInt32(header.isEnd ? 1 : 0))
    append(UInt32(header.tokens.count))
    for token in header.tokens { append(token) }
    append(bytes.withUnsafeBytes { StateChecksum.of($0) })
    bytes += content
    for value in logits { append(value.bitPattern) }
    append(bytes.withUnsafeBytes { StateChecksum.of($0) })
    return bytes
  }

  // MARK: Reading

  /// Reads the header from a file's first bytes.
  ///
  /// - Parameters:
  ///   - bytes: at least `headerLimit` bytes, or the whole file.
  ///   - fileByteCount: the length of the file.
  static func header(
    _ bytes: [UInt8], fileByteCount: Int, _ fingerprint: StateFingerprint
  ) throws(Damage) -> Header {
    guard bytes.count >= fixedByteCount else { throw .tooShort(bytes.count) }
    guard bytes.starts(with: magic) else { throw .notARecord }
    let version = integer(bytes, 8, UInt32.self)
    guard version == Self.version else { throw .version(version) }
    guard Array(bytes[16..<48]) == fingerprint.bytes else { throw .anotherModel }
    let tokenCount = Int(integer(bytes, 148, UInt32.self))
    guard let kind = Kind(rawValue: integer(bytes, 12, UInt32.self)),
      kind == .page ? tokenCount == tokensPerPage : tokenCount < tokensPerPage
    else { throw .impossible("a record of \(tokenCount) tokens is impossible") }
    let end = fixedByteCount + 4 * tokenCount
    guard bytes.count >= end + 8 else { throw .tooShort(bytes.count) }
    let sum = bytes.withUnsafeBytes { StateChecksum.of(.init(rebasing: $0[..<end])) }
    guard sum == integer(bytes, end, UInt64.self) else { throw .checksum("header") }
    let isEnd = integer(bytes, 144, UInt32.self)
    let header = Header(
      kind: kind, identifier: RecordIdentifier(bytes: Array(bytes[48..<80])),
      parent: RecordIdentifier(bytes: Array(bytes[80..<112])),
      count: try count(bytes, 112, limit: Int(Int32.max)),
      oldestRollback: try count(bytes, 120, limit: Int(Int32.max)), isEnd: isEnd == 1,
      tokens: (0..<tokenCount).map { integer(bytes, fixedByteCount + 4 * $0, Int32.self) },
      contentByteCount: try count(bytes, 128, limit: contentLimit),
      logitsCount: try count(bytes, 136, limit: contentLimit / 4))
    guard header.fileByteCount == fileByteCount else { throw .tooShort(fileByteCount) }
    guard header.count % tokensPerPage == tokenCount % tokensPerPage,
      header.count >= max(1, tokenCount), header.oldestRollback <= header.count, isEnd <= 1
    else { throw .impossible("the counts of its header contradict each other") }
    guard
      header.identifier == RecordIdentifier(kind, after: header.parent, tokens: header.tokens)
    else { throw .notTheExpectedOne }
    return header
  }

  /// Reads a whole file.
  package init(_ bytes: [UInt8], _ fingerprint: StateFingerprint) throws(Damage) {
    header = try Self.header(bytes, fileByteCount: bytes.count, fingerprint)
    let end = bytes.count - 8
    let sum = bytes.withUnsafeBytes { StateChecksum.of(.init(rebasing: $0[..<end])) }
    guard sum == Self.integer(bytes, end, UInt64.self) else { throw .checksum("content") }
    let start = Self.fixedByteCount + 4 * header.tokens.count + 8
    let middle = start + header.contentByteCount
    content = Array(bytes[start..<middle])
    logits = (0..<header.logitsCount).map {
      Float(bitPattern: Self.integer(bytes, middle + 4 * $0, UInt32.self))
    }
  }

  /// Makes a record to be written.
  package init(
    _ kind: Kind, after parent: RecordIdentifier, tokens: [Int32], count: Int,
    oldestRollback: Int = 0, isEnd: Bool = false, content: [UInt8], logits: [Float] = []
  ) {
    header = Header(
      kind: kind, identifier: RecordIdentifier(kind, after: parent, tokens: tokens),
      parent: parent, count: count, oldestRollback: oldestRollback, isEnd: isEnd, tokens: tokens,
      contentByteCount: content.count, logitsCount: logits.count)
    self.content = content
    self.logits = logits
  }

  private static func integer<Value: FixedWidthInteger>(
    _ bytes: [UInt8], _ offset: Int, _ type: Value.Type
  ) -> Value {
    Value(
      littleEndian: bytes.withUnsafeBytes {
        $0.loadUnaligned(fromByteOffset: offset, as: Value.self)
      })
  }

  private static func count(
    _ bytes: [UInt8], _ offset: Int, limit: Int
  ) throws(Damage) -> Int {
    let value = integer(bytes, offset, Int64.self)
    guard value >= 0, value <= Int64(limit) else {
      throw .impossible("the number \(value) at byte \(offset) is impossible")
    }
    return Int(value)
  }
}
