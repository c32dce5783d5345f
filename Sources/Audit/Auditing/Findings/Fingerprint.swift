import Ethereum
import SoliditySyntax

/// What makes a finding the same finding after the code around it moved.
///
/// The identity of a finding is made of: the rule; the name of the file without its directories; the contract and
/// function around the root cause; the tokens of the root cause itself (its header, for definitions and
/// statements with a body), with comments and spacing left out; an optional word of the rule's own that tells
/// apart several findings about one place; and the number of the finding among those equal in all of this.
///
/// So an identity survives: added or removed lines, reformatting, changed comments, other spellings of `uint256`
/// in the function's signature, changes elsewhere in the function, and moving the file to another directory.
/// It changes when the root cause, the function's signature, the contract's name or the file's name changes.
/// Contracts of one name in differently named files differ; those in files of the same name are told apart
/// by their order (path, then position).
public struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
  /// The rule.
  public let rule: RuleID
  /// The name of the file that holds the root cause, without directories.
  public let fileName: String
  /// The contract around the root cause; empty at file level.
  public let contract: String
  /// The function or modifier around the root cause; empty outside of both.
  public let function: String
  /// Digest of the root cause's tokens, 16 hexadecimal digits.
  public let rootCause: String
  /// What tells apart several findings of one rule about one place; usually empty.
  public let discriminator: String
  /// The number, from 0, among findings equal in everything above.
  public let occurrence: Int
  /// The identity as reports write it: 16 lower-case hexadecimal digits.
  public let description: String

  /// Makes a fingerprint from its parts.
  public init(
    rule: RuleID, fileName: String, contract: String, function: String, rootCause: String,
    discriminator: String = "", occurrence: Int = 0
  ) {
    self.rule = rule
    self.fileName = fileName
    self.contract = contract
    self.function = function
    self.rootCause = rootCause
    self.discriminator = discriminator
    self.occurrence = occurrence
    description = FingerprintDigest.text(of: [
      "1", rule.text, fileName, contract, function, rootCause, discriminator, String(occurrence),
    ])
  }

  /// Makes the fingerprint of a place in a file.
  public init(
    rule: RuleID, range: SourceRange, in unit: SourceUnit, discriminator: String = ""
  ) {
    let enclosure = SourceEnclosure(of: range, in: unit)
    self.init(
      rule: rule, fileName: Fingerprint.fileName(ofPath: unit.source.path),
      contract: enclosure.contract?.name ?? "", function: enclosure.function ?? "",
      rootCause: FingerprintDigest.text(ofTokensIn: range, of: unit.source),
      discriminator: discriminator)
  }

  /// The same fingerprint with another number among its equals.
  public func occurrence(_ number: Int) -> Fingerprint {
    guard number != occurrence else { return self }
    return Fingerprint(
      rule: rule, fileName: fileName, contract: contract, function: function, rootCause: rootCause,
      discriminator: discriminator, occurrence: number)
  }

  /// The part of a path after its last slash.
  static func fileName(ofPath path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}

/// Digests of text for fingerprints: the first 8 bytes of the Keccak-256 hash, so that nobody can shape code to wear
/// the identity of a finding that a baseline already accepts.
enum FingerprintDigest {
  /// Digest of several fields; no two different lists of fields give the same input to the hash.
  static func text(of fields: [String]) -> String {
    var input: [UInt8] = []
    for field in fields {
      input.append(contentsOf: Array("\(field.utf8.count):".utf8))
      input.append(contentsOf: field.utf8)
    }
    return digest(input)
  }

  /// Digest of the tokens in a range of a file, comments and spacing left out.
  static func text(ofTokensIn range: SourceRange, of file: SourceFile) -> String {
    digest(NormalizedTokens.bytes(of: range, in: file))
  }

  private static func digest(_ bytes: [UInt8]) -> String {
    Hex.encode(Keccak256.hash(bytes).bytes.prefix(8), prefix: false)
  }
}

/// The tokens of a piece of Solidity, with comments and spacing left out.
///
/// This is no lexer: it only has to tell words, strings and comments apart, in the same way every time.
enum NormalizedTokens {
  /// The tokens of a range, each followed by a zero byte. O(length of the range).
  static func bytes(of range: SourceRange, in file: SourceFile) -> [UInt8] {
    let start = min(max(0, Int(range.start)), file.bytes.count)
    let end = min(max(start, Int(range.end)), file.bytes.count)
    var result: [UInt8] = []
    result.reserveCapacity((end - start) * 2)
    file.bytes[start..<end].withUnsafeBufferPointer { buffer in
      var index = 0
      while index < buffer.count {
        let byte = buffer[index]
        let next = index + 1 < buffer.count ? buffer[index + 1] : 0
        if isSpace(byte) {
          index += 1
        } else if byte == UInt8(ascii: "/"), next == UInt8(ascii: "/") {
          while index < buffer.count, buffer[index] != 0x0A, buffer[index] != 0x0D { index += 1 }
        } else if byte == UInt8(ascii: "/"), next == UInt8(ascii: "*") {
          index = endOfBlockComment(buffer, from: index + 2)
        } else {
          let tokenEnd = endOfToken(buffer, from: index)
          result.append(contentsOf: buffer[index..<tokenEnd])
          result.append(0)
          index = tokenEnd
        }
      }
    }
    return result
  }

  private static func endOfBlockComment(_ buffer: UnsafeBufferPointer<UInt8>, from start: Int)
    -> Int
  {
    var index = start
    while index + 1 < buffer.count {
      if buffer[index] == UInt8(ascii: "*"), buffer[index + 1] == UInt8(ascii: "/") {
        return index + 2
      }
      index += 1
    }
    return buffer.count
  }

  private static func endOfToken(_ buffer: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    let first = buffer[start]
    var index = start + 1
    if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
      while index < buffer.count, buffer[index] != first, buffer[index] != 0x0A {
        index += buffer[index] == UInt8(ascii: "\\") ? 2 : 1
      }
      return min(index + 1, buffer.count)
    }
    guard isWord(first) else { return index }
    while index < buffer.count, isWord(buffer[index]) { index += 1 }
    return index
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...:
      true
    default: false
    }
  }
}
