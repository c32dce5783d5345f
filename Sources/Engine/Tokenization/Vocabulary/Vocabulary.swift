/// A byte-level vocabulary: the tokens, how they merge, how text is split before merging, and which tokens have a
/// meaning of their own (specification, section 8).
///
/// Checked when it is made: every merge joins two tokens into a third, every byte of UTF-8 has a token.
public struct Vocabulary: Sendable {
  /// The largest number of tokens.
  public static let maximumTokenCount = 1 << 24
  /// The largest number of merges.
  public static let maximumMergeCount = 1 << 24
  /// The largest length of a token in bytes.
  public static let maximumTokenLength = 1 << 16

  /// Tokens that start, end and fill texts.
  public struct SpecialTokens: Hashable, Sendable {
    /// Begins a text.
    public var beginning: Int32?
    /// Ends an answer.
    public var end: Int32?
    /// Fills up batches.
    public var padding: Int32?
    /// Ends a turn, where that is another token than `end`.
    public var endOfTurn: Int32?
    /// Whether texts are meant to begin with `beginning`.
    public var addsBeginning: Bool

    /// Makes a set of special tokens.
    public init(
      beginning: Int32? = nil, end: Int32? = nil, padding: Int32? = nil, endOfTurn: Int32? = nil,
      addsBeginning: Bool = false
    ) {
      self.beginning = beginning
      self.end = end
      self.padding = padding
      self.endOfTurn = endOfTurn
      self.addsBeginning = addsBeginning
    }
  }

  /// How text is split before merging.
  public let preTokenizer: PreTokenizer
  /// Whether text is brought to normalisation form C first.
  public let normalizes: Bool
  /// Whether a piece of text that is a token stays whole, whatever the merges say (Llama 3).
  public let prefersWholePieces: Bool
  /// The tokens that start, end and fill texts.
  public let special: SpecialTokens
  /// The tokens looked for before anything else, in the order of their ids.
  public let addedTokens: [AddedToken]

  let merges: MergeTable
  /// The token of each single byte; `noToken` for bytes that UTF-8 never holds and the vocabulary lacks.
  let byteTokens: [UInt32]
  /// The bytes that every token stands for. Found by content: the tokens that merging can make.
  let contents: ByteStringTable
  private let types: [TokenType]
  private let addedPositions: [Int32: Int]

  /// Stands for no token in tables.
  static let noToken = UInt32.max

  /// The number of tokens.
  public var count: Int { types.count }

  /// The bytes that a token stands for; empty for ids outside the vocabulary. O(length).
  public func bytes(of token: Int32) -> ArraySlice<UInt8> {
    guard token >= 0, token < count else { return [] }
    return contents[Int(token)]
  }

  /// What the vocabulary says about a token; nil for ids outside it.
  public func type(of token: Int32) -> TokenType? {
    token >= 0 && token < count ? types[Int(token)] : nil
  }

  /// The added token with this text, or nil. O(number of added tokens).
  public func addedToken(_ text: String) -> Int32? {
    let bytes = Array(text.utf8)
    return addedTokens.first { $0.content == bytes }?.id
  }

  /// Makes a vocabulary from the arrays of a GGUF file.
  ///
  /// - Parameters:
  ///   - tokens: `tokenizer.ggml.tokens`: normal tokens in the GPT-2 byte alphabet, others as their text.
  ///   - types: `tokenizer.ggml.token_type`; nil takes every token for a normal one.
  ///   - merges: `tokenizer.ggml.merges`: two tokens with a space between, most preferred first.
  ///   - preTokenizer: `tokenizer.ggml.pre`. It also decides what GGUF does not say: Qwen's vocabularies normalise
  ///     to form C, Llama 3's keep pieces whole that are tokens.
  ///   - special: The ids that the file names.
  /// - Throws: `VocabularyError` with the position of the first mistake.
  public init(
    tokens: [[UInt8]], types: [Int]?, merges: [[UInt8]], preTokenizer name: String,
    special: SpecialTokens = SpecialTokens()
  ) throws(VocabularyError) {
    let rules = try PreTokenizer.rules(named: name)
    if let types, types.count != tokens.count {
      throw .countMismatch(what: "token types", count: types.count, tokens: tokens.count)
    }
    var kinds: [TokenType] = []
    var added: [AddedToken] = []
    kinds.reserveCapacity(min(tokens.count, Self.maximumTokenCount))
    for (position, value) in (types ?? []).enumerated() {
      guard let type = UInt8(exactly: value).flatMap(TokenType.init(rawValue:)) else {
        throw .unknownType(position: position, value: value)
      }
      kinds.append(type)
      guard type == .control || type == .userDefined, !tokens[position].isEmpty,
        position < Self.maximumTokenCount
      else { continue }
      added.append(
        AddedToken(
          id: Int32(position), content: tokens[position], isSpecial: type == .control))
    }
    if types == nil { kinds = [TokenType](repeating: .normal, count: tokens.count) }
    let pairs = try Self.splitMerges(merges)
    try self.init(
      tokens: tokens, types: kinds, merges: pairs, added: added, preTokenizer: rules.preTokenizer,
      normalizes: rules.normalizes, prefersWholePieces: rules.prefersWholePieces,
      special: special, allowsEmptyTokens: false)
  }

  /// The one place where vocabularies are checked and tables built.
  ///
  /// Tokens in `added` must lie inside `tokens`. Empty tokens, where allowed, are gaps between ids.
  init(
    tokens: [[UInt8]], types: [TokenType], merges: [(ArraySlice<UInt8>, ArraySlice<UInt8>)],
    added: [AddedToken], preTokenizer: PreTokenizer, normalizes: Bool, prefersWholePieces: Bool,
    special: SpecialTokens, allowsEmptyTokens: Bool
  ) throws(VocabularyError) {
    try Self.checkSizes(tokens, merges.count, allowsEmptyTokens: allowsEmptyTokens)
    try Self.checkSpecial(special, count: tokens.count)
    let isAdded = Set(added.map(\.id))

    var texts = ByteStringTable(capacity: tokens.count)
    var contents = ByteStringTable(capacity: tokens.count)
    var byteTokens = [UInt32](repeating: Self.noToken, count: 256)
    for (position, token) in tokens.enumerated() {
      if let first = texts.append(token, isFindable: !token.isEmpty) {
        throw .duplicateToken(
          position: position, first: first, text: String(decoding: token, as: UTF8.self))
      }
      let isText = types[position] == .normal && !isAdded.contains(Int32(position))
      let bytes = isText ? ByteAlphabet.decode(token) : nil
      contents.append(bytes ?? token, isFindable: bytes != nil && !token.isEmpty)
      if let bytes, bytes.count == 1 { byteTokens[Int(bytes[0])] = UInt32(position) }
    }
    for byte in UInt8.min...UInt8.max where byteTokens[Int(byte)] == Self.noToken {
      switch byte {
      case 0xC0, 0xC1, 0xF5...0xFF: continue
      default: throw .missingByte(byte)
      }
    }

    self.merges = try Self.mergeTable(merges, texts)
    self.contents = contents
    self.byteTokens = byteTokens
    self.types = types
    self.addedTokens = added.sorted { $0.id < $1.id }
    self.addedPositions = Dictionary(
      zip(addedTokens.map(\.id), addedTokens.indices), uniquingKeysWith: { first, _ in first })
    self.preTokenizer = preTokenizer
    self.normalizes = normalizes
    self.prefersWholePieces = prefersWholePieces
    self.special = special
  }

  /// The added token with this id, or nil.
  func addedToken(_ id: Int32) -> AddedToken? { addedPositions[id].map { addedTokens[$0] } }

  private static func checkSizes(
    _ tokens: [[UInt8]], _ mergeCount: Int, allowsEmptyTokens: Bool
  ) throws(VocabularyError) {
    if tokens.isEmpty { throw .empty }
    if tokens.count > maximumTokenCount {
      throw .tooMany(what: "tokens", count: tokens.count, limit: maximumTokenCount)
    }
    if mergeCount > maximumMergeCount {
      throw .tooMany(what: "merges", count: mergeCount, limit: maximumMergeCount)
    }
    for (position, token) in tokens.enumerated() {
      if token.isEmpty, !allowsEmptyTokens { throw .emptyToken(position: position) }
      if token.count > maximumTokenLength {
        throw .longToken(position: position, length: token.count)
      }
    }
  }

  private static func checkSpecial(
    _ special: SpecialTokens, count: Int
  ) throws(VocabularyError) {
    let named: [(String, Int32?)] = [
      ("beginning token", special.beginning), ("end token", special.end),
      ("padding token", special.padding), ("end-of-turn token", special.endOfTurn),
    ]
    for (what, id) in named {
      if let id, id < 0 || id >= count {
        throw .idOutOfRange(what: what, id: Int(id), count: count)
      }
    }
  }

  /// Both sides of merges written with a space between; the left side may itself begin with a space.
  static func splitMerges(
    _ merges: [[UInt8]]
  ) throws(VocabularyError) -> [(ArraySlice<UInt8>, ArraySlice<UInt8>)] {
    var pairs: [(ArraySlice<UInt8>, ArraySlice<UInt8>)] = []
    pairs.reserveCapacity(min(merges.count, maximumMergeCount))
    for (position, merge) in merges.enumerated() {
      guard let space = merge.dropFirst().firstIndex(of: 0x20), space + 1 < merge.count else {
        throw .malformedMerge(position: position, text: String(decoding: merge, as: UTF8.self))
      }
      pairs.append((merge[..<space], merge[(space + 1)...]))
    }
    return pairs
  }

  private static func mergeTable(
    _ merges: [(ArraySlice<UInt8>, ArraySlice<UInt8>)], _ texts: ByteStringTable
  ) throws(VocabularyError) -> MergeTable {
    var table = MergeTable(capacity: merges.count)
    for (rank, (left, right)) in merges.enumerated() {
      let joined = Array(left + right)
      guard let leftToken = texts.find(Array(left)) else {
        throw .mergeOfUnknownToken(position: rank, text: String(decoding: left, as: UTF8.self))
      }
      guard let rightToken = texts.find(Array(right)) else {
        throw .mergeOfUnknownToken(position: rank, text: String(decoding: right, as: UTF8.self))
      }
      guard let token = texts.find(joined) else {
        throw .mergeOfUnknownToken(position: rank, text: String(decoding: joined, as: UTF8.self))
      }
      let merge = MergeTable.Merge(rank: UInt32(rank), token: UInt32(token))
      if let first = table.insert(UInt32(leftToken), UInt32(rightToken), merge) {
        throw .duplicateMerge(position: rank, first: Int(first))
      }
    }
    return table
  }
}
