import JSON

/// Why a vocabulary was refused. Positions count from 0.
public enum VocabularyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// There are no tokens.
  case empty
  /// More of something than a vocabulary may have.
  case tooMany(what: String, count: Int, limit: Int)
  /// Two lists that must be equally long are not.
  case countMismatch(what: String, count: Int, tokens: Int)
  /// A token without bytes.
  case emptyToken(position: Int)
  /// A token longer than `Vocabulary.maximumTokenLength` bytes.
  case longToken(position: Int, length: Int)
  /// Two tokens of equal text.
  case duplicateToken(position: Int, first: Int, text: String)
  /// A token type outside 1 to 6.
  case unknownType(position: Int, value: Int)
  /// No token stands for a byte that UTF-8 text can hold.
  case missingByte(UInt8)
  /// A merge that is not two token texts with a space between.
  case malformedMerge(position: Int, text: String)
  /// A merge of, or into, a text that is not a token.
  case mergeOfUnknownToken(position: Int, text: String)
  /// The same merge twice.
  case duplicateMerge(position: Int, first: Int)
  /// A token id outside the vocabulary.
  case idOutOfRange(what: String, id: Int, count: Int)
  /// Splitting rules that are not implemented.
  case unknownPreTokenizer(String)
  /// The file is not JSON.
  case json(JSONError)
  /// A member of tokenizer.json is missing or of the wrong kind.
  case malformedMember(path: String, expected: String)
  /// Something in tokenizer.json that is not implemented.
  case unsupported(path: String, value: String)
  /// Two tokens of tokenizer.json share an id.
  case duplicateID(id: Int, text: String, other: String)

  /// What is wrong, where, and what to do.
  public var description: String {
    switch self {
    case .empty:
      "the vocabulary has no tokens; the file may hold weights only"
    case .tooMany(let what, let count, let limit):
      "\(count) \(what); at most \(limit) are supported"
    case .countMismatch(let what, let count, let tokens):
      "\(count) \(what) for \(tokens) tokens; the file is damaged, get it again"
    case .emptyToken(let position):
      "token \(position) is empty"
    case .longToken(let position, let length):
      "token \(position) has \(length) bytes; at most \(Vocabulary.maximumTokenLength) are supported"
    case .duplicateToken(let position, let first, let text):
      "token \(position) repeats token \(first): \(text.debugDescription)"
    case .unknownType(let position, let value):
      "token \(position) has the type \(value); types are 1 to 6"
    case .missingByte(let byte):
      "no token stands for the byte 0x\(String(byte, radix: 16)); this is not a byte-level vocabulary"
    case .malformedMerge(let position, let text):
      "merge \(position) is not two texts with a space between: \(text.debugDescription)"
    case .mergeOfUnknownToken(let position, let text):
      "merge \(position) needs \(text.debugDescription), which is not a token"
    case .duplicateMerge(let position, let first):
      "merge \(position) repeats merge \(first)"
    case .idOutOfRange(let what, let id, let count):
      "the \(what) is \(id), but the ids end at \(count - 1)"
    case .unknownPreTokenizer(let name):
      "text cannot be split by the rules \(name.debugDescription); known are: "
        + PreTokenizer.knownNames.joined(separator: ", ")
    case .json(let error):
      "tokenizer.json, \(error)"
    case .malformedMember(let path, let expected):
      "tokenizer.json: \(path) must be \(expected)"
    case .unsupported(let path, let value):
      "tokenizer.json: \(path) is \(value.debugDescription), which is not implemented"
    case .duplicateID(let id, let text, let other):
      "tokenizer.json: the id \(id) is given to \(text.debugDescription) and to "
        + other.debugDescription
    }
  }
}
