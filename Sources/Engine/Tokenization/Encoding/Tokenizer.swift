/// Turns text into tokens and tokens into text. Immutable; may be used from many threads at once.
public struct Tokenizer: Sendable {
  /// What the text may turn into.
  public enum SpecialTokenUse: Hashable, Sendable {
    /// Tokens flagged special are read as plain text: for text that comes from outside.
    case asText
    /// Special tokens written out in the text become those tokens: for templates.
    case parsed
  }

  /// The vocabulary.
  public let vocabulary: Vocabulary
  /// Added tokens matched in the text as given.
  let rawMatcher: AddedTokenMatcher
  /// Added tokens matched after normalisation.
  let normalizedMatcher: AddedTokenMatcher
  /// All added tokens, for prompts, whose own text normalisation does not change.
  let anyMatcher: AddedTokenMatcher

  /// Makes a tokenizer.
  public init(_ vocabulary: Vocabulary) {
    self.vocabulary = vocabulary
    rawMatcher = AddedTokenMatcher(vocabulary.addedTokens.lazy.filter { !$0.isNormalized })
    normalizedMatcher = AddedTokenMatcher(vocabulary.addedTokens.lazy.filter(\.isNormalized))
    anyMatcher = AddedTokenMatcher(vocabulary.addedTokens)
  }

  /// The tokens of a text. Nothing is added in front. O(n log n) at worst, linear for ordinary text.
  ///
  /// - Precondition: The text is shorter than 2 GiB.
  public func encode(_ text: String, specialTokens: SpecialTokenUse = .asText) -> [Int32] {
    var text = text
    return text.withUTF8 { encode(valid: $0, specialTokens) }
  }

  /// The tokens of bytes; what is not valid UTF-8 is read as U+FFFD, one for each maximal ill-formed part.
  public func encode(bytes: [UInt8], specialTokens: SpecialTokenUse = .asText) -> [Int32] {
    let isValid = bytes.withUnsafeBufferPointer { UTF8Repair.isValid($0) }
    let valid = isValid ? bytes : UTF8Repair.repaired(bytes)
    return valid.withUnsafeBufferPointer { encode(valid: $0, specialTokens) }
  }

  /// The bytes that tokens stand for, one after the other; ids outside the vocabulary stand for none. A character
  /// may lie across tokens: for text shown piece by piece, use `StreamingDetokenizer`.
  public func decode(_ tokens: some Sequence<Int32>) -> [UInt8] {
    var result: [UInt8] = []
    for token in tokens { result.append(contentsOf: vocabulary.bytes(of: token)) }
    return result
  }

  /// The text that tokens stand for; what is not valid UTF-8 becomes U+FFFD.
  public func decodeText(_ tokens: some Sequence<Int32>) -> String {
    String(decoding: UTF8Repair.repaired(decode(tokens)), as: UTF8.self)
  }

  /// The pieces that a text is cut into before merging, added tokens included; for inspection.
  public func pieces(_ text: String, specialTokens: SpecialTokenUse = .asText) -> [String] {
    var text = text
    var result: [String] = []
    text.withUTF8 { bytes in
      forEachSection(of: bytes, specialTokens) { section in
        switch section {
        case .token(_, let content):
          result.append(String(decoding: content, as: UTF8.self))
        case .text(let bytes):
          ScalarClasses.shared.withReader(bytes) { reader in
            vocabulary.preTokenizer.forEachPiece(of: reader, in: 0..<bytes.count) {
              result.append(String(decoding: bytes[$0], as: UTF8.self))
            }
          }
        }
      }
    }
    return result
  }

  private func encode(
    valid text: UnsafeBufferPointer<UInt8>, _ specialTokens: SpecialTokenUse
  ) -> [Int32] {
    collect(byteCount: text.count) { forEachSection(of: text, specialTokens, $0) }
  }
}
