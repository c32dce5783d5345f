import JSON

extension Vocabulary {
  /// Makes a vocabulary from the bytes of a tokenizer.json (Hugging Face `tokenizers` format) with a byte-level BPE
  /// model.
  ///
  /// Everything that would change an encoding and is not implemented is refused by name: other models, normalisers
  /// other than form C, splitting rules other than those of `PreTokenizer`, prefix spaces, drop-out.
  ///
  /// - Parameters:
  ///   - bytes: The file.
  ///   - configuration: The tokenizer_config.json beside it, which names the special tokens. Without it only a
  ///     beginning token that the file itself puts in front is known.
  /// - Throws: `VocabularyError` with the place of the first mistake.
  public init(
    tokenizerJSON bytes: [UInt8], configuration: [UInt8]? = nil
  ) throws(VocabularyError) {
    let file = TokenizerFile(root: try Self.parse(bytes))
    let configuration: JSONValue? =
      if let configuration { try Self.parse(configuration) } else { nil }
    let model = try file.model()
    let added = try file.addedTokens()
    let (tokens, types) = try TokenizerFile.arrays(model.tokens, added)
    try self.init(
      tokens: tokens, types: types, merges: model.merges, added: added,
      preTokenizer: try file.preTokenizer(), normalizes: try file.normalizes(),
      prefersWholePieces: model.prefersWholePieces,
      special: try file.specialTokens(added, configuration: configuration),
      allowsEmptyTokens: true)
  }

  private static func parse(_ bytes: [UInt8]) throws(VocabularyError) -> JSONValue {
    do {
      return try JSONParser.parse(bytes)
    } catch {
      throw .json(error)
    }
  }
}

/// The parts of a tokenizer.json.
private struct TokenizerFile {
  let root: JSONValue

  struct Model {
    /// Tokens and their ids, in the order of the file.
    var tokens: [(text: [UInt8], id: Int)]
    var merges: [(ArraySlice<UInt8>, ArraySlice<UInt8>)]
    var prefersWholePieces: Bool
  }

  func model() throws(VocabularyError) -> Model {
    guard let model = root["model"], case .object = model else {
      throw .malformedMember(path: "model", expected: "an object")
    }
    if let type = model["type"]?.stringValue, type != "BPE" {
      throw .unsupported(path: "model.type", value: type)
    }
    for name in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let text = model[name]?.stringValue, !text.isEmpty {
        throw .unsupported(path: "model.\(name)", value: text)
      }
    }
    switch model["dropout"] {
    case nil, .null, .integer(0), .number(0): break
    default: throw .unsupported(path: "model.dropout", value: "a probability")
    }
    if model["byte_fallback"]?.boolValue == true {
      throw .unsupported(path: "model.byte_fallback", value: "true")
    }
    guard let vocabulary = model["vocab"]?.objectValue else {
      throw .malformedMember(path: "model.vocab", expected: "an object")
    }
    var tokens: [(text: [UInt8], id: Int)] = []
    tokens.reserveCapacity(vocabulary.count)
    for member in vocabulary {
      guard let id = member.value.integerValue, id >= 0 else {
        throw .malformedMember(
          path: "model.vocab[\(member.name.debugDescription)]", expected: "a token id")
      }
      tokens.append((Array(member.name.utf8), id))
    }
    return Model(
      tokens: tokens, merges: try merges(model),
      prefersWholePieces: model["ignore_merges"]?.boolValue ?? false)
  }

  /// Merges are written as `"a b"` or, in newer files, as `["a", "b"]`.
  private func merges(
    _ model: JSONValue
  ) throws(VocabularyError) -> [(ArraySlice<UInt8>, ArraySlice<UInt8>)] {
    guard let elements = model["merges"]?.arrayValue else {
      throw .malformedMember(path: "model.merges", expected: "an array")
    }
    var pairs: [(ArraySlice<UInt8>, ArraySlice<UInt8>)] = []
    pairs.reserveCapacity(elements.count)
    for (position, element) in elements.enumerated() {
      switch element {
      case .string(let text):
        let merge = Array(text.utf8)
        guard let space = merge.dropFirst().firstIndex(of: 0x20), space + 1 < merge.count else {
          throw .malformedMerge(position: position, text: text)
        }
        pairs.append((merge[..<space], merge[(space + 1)...]))
      case .array(let sides):
        guard sides.count == 2, let left = sides[0].stringValue, let right = sides[1].stringValue
        else { fallthrough }
        pairs.append((Array(left.utf8)[...], Array(right.utf8)[...]))
      default:
        throw .malformedMember(
          path: "model.merges[\(position)]", expected: "a pair of token texts")
      }
    }
    return pairs
  }

  func addedTokens() throws(VocabularyError) -> [AddedToken] {
    switch root["added_tokens"] {
    case nil, .null: return []
    default: break
    }
    guard let elements = root["added_tokens"]?.arrayValue else {
      throw .malformedMember(path: "added_tokens", expected: "an array")
    }
    var tokens: [AddedToken] = []
    tokens.reserveCapacity(elements.count)
    for (position, element) in elements.enumerated() {
      let path = "added_tokens[\(position)]"
      guard let id = element["id"]?.integerValue, id >= 0, id < Vocabulary.maximumTokenCount else {
        throw .malformedMember(path: path + ".id", expected: "a token id")
      }
      guard let content = element["content"]?.stringValue, !content.isEmpty else {
        throw .malformedMember(path: path + ".content", expected: "a text")
      }
      let isSpecial = element["special"]?.boolValue ?? false
      tokens.append(
        AddedToken(
          id: Int32(id), content: Array(content.utf8), isSpecial: isSpecial,
          isNormalized: element["normalized"]?.boolValue ?? !isSpecial,
          stripsLeft: element["lstrip"]?.boolValue ?? false,
          stripsRight: element["rstrip"]?.boolValue ?? false,
          isSingleWord: element["single_word"]?.boolValue ?? false))
    }
    return tokens
  }

  /// Tokens and types by id. Ids may have gaps, but not so many that a small file needs much memory.
  static func arrays(
    _ tokens: [(text: [UInt8], id: Int)], _ added: [AddedToken]
  ) throws(VocabularyError) -> (tokens: [[UInt8]], types: [TokenType]) {
    let entries = tokens.count + added.count
    let limit = min(entries * 2 + 1024, Vocabulary.maximumTokenCount)
    var largest = -1
    for token in tokens { largest = max(largest, token.id) }
    for token in added { largest = max(largest, Int(token.id)) }
    guard largest >= 0 else { throw .empty }
    guard largest < limit else {
      throw .idOutOfRange(what: "largest token id", id: largest, count: limit)
    }
    var texts = [[UInt8]](repeating: [], count: largest + 1)
    var types = [TokenType](repeating: .unused, count: largest + 1)
    for token in tokens {
      guard !token.text.isEmpty else { throw .emptyToken(position: token.id) }
      guard texts[token.id].isEmpty else {
        throw duplicate(token.id, token.text, texts[token.id])
      }
      texts[token.id] = token.text
      types[token.id] = .normal
    }
    var isAdded = Set<Int32>()
    for token in added {
      let id = Int(token.id)
      guard texts[id].isEmpty || texts[id] == token.content, isAdded.insert(token.id).inserted
      else { throw duplicate(id, token.content, texts[id]) }
      texts[id] = token.content
      types[id] = token.isSpecial ? .control : .userDefined
    }
    return (texts, types)
  }

  private static func duplicate(_ id: Int, _ text: [UInt8], _ other: [UInt8]) -> VocabularyError {
    .duplicateID(
      id: id, text: String(decoding: text, as: UTF8.self),
      other: String(decoding: other, as: UTF8.self))
  }

  func normalizes() throws(VocabularyError) -> Bool {
    guard let normalizer = root["normalizer"], normalizer != .null else { return false }
    var steps = [normalizer]
    if normalizer["type"]?.stringValue == "Sequence" {
      guard let elements = normalizer["normalizers"]?.arrayValue else {
        throw .malformedMember(path: "normalizer.normalizers", expected: "an array")
      }
      steps = elements
    }
    for step in steps {
      let type = step["type"]?.stringValue ?? "without a type"
      if type != "NFC" { throw .unsupported(path: "normalizer", value: type) }
    }
    return !steps.isEmpty
  }

  func preTokenizer() throws(VocabularyError) -> PreTokenizer {
    guard let value = root["pre_tokenizer"], value != .null else {
      throw .unsupported(path: "pre_tokenizer", value: "null")
    }
    var steps = [value]
    if value["type"]?.stringValue == "Sequence" {
      guard let elements = value["pretokenizers"]?.arrayValue else {
        throw .malformedMember(path: "pre_tokenizer.pretokenizers", expected: "an array")
      }
      steps = elements
    }
    var described: [String] = []
    for (position, step) in steps.enumerated() {
      let path = "pre_tokenizer step \(position)"
      described.append(try PreTokenizerPattern.describe(step, path: path))
    }
    guard let known = PreTokenizerPattern.known(described) else {
      throw .unsupported(path: "pre_tokenizer", value: described.joined(separator: " then "))
    }
    return known
  }

  func specialTokens(
    _ added: [AddedToken], configuration: JSONValue?
  ) throws(VocabularyError) -> Vocabulary.SpecialTokens {
    func id(_ name: String) -> Int32? {
      let value = configuration?[name]
      guard let text = value?.stringValue ?? value?["content"]?.stringValue else { return nil }
      let bytes = Array(text.utf8)
      return added.first { $0.content == bytes }?.id
    }
    var special = Vocabulary.SpecialTokens(
      beginning: id("bos_token"), end: id("eos_token"), padding: id("pad_token"),
      addsBeginning: configuration?["add_bos_token"]?.boolValue ?? false)
    if let first = try firstOfTemplate() {
      let bytes = Array(first.utf8)
      guard let token = added.first(where: { $0.content == bytes })?.id else {
        throw .unsupported(path: "post_processor", value: first)
      }
      special.beginning = special.beginning ?? token
      special.addsBeginning = true
    }
    return special
  }

  /// The special token that a template of the post-processor puts in front of a single text.
  private func firstOfTemplate() throws(VocabularyError) -> String? {
    guard let value = root["post_processor"], value != .null else { return nil }
    var steps = [value]
    if value["type"]?.stringValue == "Sequence" { steps = value["processors"]?.arrayValue ?? [] }
    var first: String?
    for step in steps {
      switch step["type"]?.stringValue {
      // Changes offsets only.
      case "ByteLevel": break
      case "TemplateProcessing":
        let single = step["single"]?.arrayValue ?? []
        first = single.first?["SpecialToken"]?["id"]?.stringValue
        let others = single.dropFirst(first == nil ? 0 : 1)
        if others.contains(where: { $0["SpecialToken"] != nil }) {
          throw .unsupported(path: "post_processor", value: "a template with several tokens")
        }
      case let type:
        throw .unsupported(path: "post_processor", value: type ?? "without a type")
      }
    }
    return first
  }
}
