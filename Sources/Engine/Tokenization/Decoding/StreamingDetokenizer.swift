/// Turns tokens into text as they come, without ever giving out half a character.
///
/// Bytes that may still become a character are held back. Bytes that cannot become U+FFFD as soon as that is
/// certain, one for each maximal ill-formed part. All pieces together, `finish` included, are what
/// `Tokenizer.decodeText` gives for all tokens at once, however the tokens are grouped.
public struct StreamingDetokenizer: Sendable {
  private let vocabulary: Vocabulary
  private let showsControlTokens: Bool
  private var held: [UInt8] = []

  /// Makes a detokenizer at the start of a text.
  ///
  /// - Parameter showsControlTokens: Whether control tokens appear as their text; otherwise they leave no trace.
  public init(_ vocabulary: Vocabulary, showsControlTokens: Bool = true) {
    self.vocabulary = vocabulary
    self.showsControlTokens = showsControlTokens
  }

  /// Takes one token; returns the text that has become certain.
  public mutating func append(_ token: Int32) -> String {
    if !showsControlTokens, vocabulary.type(of: token) == .control { return "" }
    return append(bytes: vocabulary.bytes(of: token))
  }

  /// Takes tokens; returns the text that has become certain.
  public mutating func append(_ tokens: some Sequence<Int32>) -> String {
    var text = ""
    for token in tokens { text += append(token) }
    return text
  }

  /// The text of what was held back. Afterwards the detokenizer is at the start of a text again.
  public mutating func finish() -> String {
    defer { held = [] }
    return String(decoding: UTF8Repair.repaired(held), as: UTF8.self)
  }

  private mutating func append(bytes: ArraySlice<UInt8>) -> String {
    held.append(contentsOf: bytes)
    var certain = 0
    scan: while certain < held.count {
      switch UTF8Repair.unit(held, at: certain) {
      case .character(let length), .illFormed(let length): certain += length
      case .incomplete: break scan
      }
    }
    let text = String(decoding: UTF8Repair.repaired(Array(held[..<certain])), as: UTF8.self)
    held.removeFirst(certain)
    return text
  }
}
