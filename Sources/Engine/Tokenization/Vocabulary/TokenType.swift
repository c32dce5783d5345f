/// What a vocabulary says about a token. Raw values are those of GGUF's `tokenizer.ggml.token_type`.
public enum TokenType: UInt8, Hashable, Sendable, CaseIterable {
  /// Part of text; merging makes it.
  case normal = 1
  /// Stands for what the vocabulary cannot express.
  case unknown = 2
  /// Marks structure, such as the end of a turn. Text never turns into it unless special tokens are asked for.
  case control = 3
  /// Added to the vocabulary by hand: matched in every text before merging.
  case userDefined = 4
  /// A place that is kept free.
  case unused = 5
  /// One byte, for vocabularies with a fallback to bytes.
  case byte = 6
}

/// A token that is looked for in the text before anything else happens to it.
public struct AddedToken: Hashable, Sendable {
  /// The token.
  public var id: Int32
  /// The text that it stands for, in UTF-8. Never empty.
  public var content: [UInt8]
  /// Matched only when special tokens are asked for.
  public var isSpecial: Bool
  /// Matched in the normalised text instead of the text as given.
  public var isNormalized: Bool
  /// Takes the white space before it along.
  public var stripsLeft: Bool
  /// Takes the white space after it along.
  public var stripsRight: Bool
  /// Matched only where no letter, mark, digit or connector touches it.
  public var isSingleWord: Bool

  /// Makes an added token.
  public init(
    id: Int32, content: [UInt8], isSpecial: Bool, isNormalized: Bool = false,
    stripsLeft: Bool = false, stripsRight: Bool = false, isSingleWord: Bool = false
  ) {
    self.id = id
    self.content = content
    self.isSpecial = isSpecial
    self.isNormalized = isNormalized
    self.stripsLeft = stripsLeft
    self.stripsRight = stripsRight
    self.isSingleWord = isSingleWord
  }
}
