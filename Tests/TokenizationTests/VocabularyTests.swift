import JSON
import Testing
import Tokenization

/// A vocabulary of the 256 bytes, three merges and two added tokens.
enum SmallVocabulary {
  static let bytes: [[UInt8]] = (UInt8.min...UInt8.max).map { byte in
    // The GPT-2 alphabet, told a second time.
    let printable = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
    let others = (UInt8.min...UInt8.max).filter {
      !((0x21...0x7E).contains($0) || (0xA1...0xAC).contains($0) || $0 >= 0xAE)
    }
    let value = printable ? UInt32(byte) : 0x100 + UInt32(others.firstIndex(of: byte) ?? 0)
    return Unicode.Scalar(value).map { Array(String($0).utf8) } ?? []
  }
  static let tokens = bytes + ["ab", "abc", "Ġa", "<x>", "</s>"].map { Array($0.utf8) }
  static let types = [Int](repeating: 1, count: 259) + [4, 3]
  static let merges = ["a b", "ab c", "Ġ a"].map { Array($0.utf8) }

  static func make(
    tokens: [[UInt8]] = tokens, types: [Int]? = types, merges: [[UInt8]] = merges,
    preTokenizer: String = "gpt-2", special: Vocabulary.SpecialTokens = .init()
  ) throws(VocabularyError) -> Vocabulary {
    try Vocabulary(
      tokens: tokens, types: types, merges: merges, preTokenizer: preTokenizer, special: special)
  }

  /// The same as a tokenizer.json.
  static func json(
    preTokenizer: JSONValue = .members([
      "type": "ByteLevel", "add_prefix_space": false, "use_regex": true,
    ]),
    normalizer: JSONValue = .null, added: [JSONValue]? = nil, model: [JSONMember] = []
  ) -> [UInt8] {
    let vocabulary = tokens.prefix(259).enumerated().map {
      JSONMember(name: String(decoding: $0.element, as: UTF8.self), value: .integer($0.offset))
    }
    let standard: [JSONValue] = [
      .members(["id": 259, "content": "<x>", "special": false]),
      .members(["id": 260, "content": "</s>", "special": true]),
    ]
    let members = [
      JSONMember(name: "type", value: "BPE"),
      JSONMember(name: "vocab", value: .object(vocabulary)),
      JSONMember(
        name: "merges",
        value: .array(merges.map { .string(String(decoding: $0, as: UTF8.self)) })),
    ]
    var writer = JSONWriter(style: .compact)
    writer.value(
      .members([
        "added_tokens": .array(added ?? standard), "normalizer": normalizer,
        "pre_tokenizer": preTokenizer,
        "model": .object(
          model + members.filter { member in !model.contains { $0.name == member.name } }),
      ]))
    return writer.takeBytes()
  }
}

@Suite("Vocabularies")
struct VocabularyTests {
  @Test("arrays and file make the same vocabulary")
  func sources() throws {
    let arrays = Tokenizer(try SmallVocabulary.make())
    let file = Tokenizer(try Vocabulary(tokenizerJSON: SmallVocabulary.json()))
    for text in ["abc abc", "a b<x>ab</s>", "é\u{0} \n"] {
      #expect(arrays.encode(text) == file.encode(text))
      let special = arrays.encode(text, specialTokens: .parsed)
      #expect(special == file.encode(text, specialTokens: .parsed))
      #expect(arrays.decode(special) == Array(text.utf8))
    }
    #expect(arrays.encode("abc ab<x></s>", specialTokens: .parsed) == [257, 32, 256, 259, 260])
    #expect(arrays.encode("</s>").count == 4)
  }

  @Test("mistakes are found and placed")
  func mistakes() {
    typealias Small = SmallVocabulary
    func expect(_ error: VocabularyError, _ make: () throws -> Vocabulary) {
      #expect(throws: error) { try make() }
      #expect(!error.description.isEmpty)
    }
    expect(.empty) { try Small.make(tokens: [], types: [], merges: []) }
    expect(.countMismatch(what: "token types", count: 260, tokens: 261)) {
      try Small.make(types: Array(Small.types.dropLast()))
    }
    expect(.emptyToken(position: 257)) {
      var tokens = Small.tokens
      tokens[257] = []
      return try Small.make(tokens: tokens)
    }
    expect(.longToken(position: 261, length: 65_537)) {
      try Small.make(
        tokens: Small.tokens + [[UInt8](repeating: 0x61, count: 65_537)], types: Small.types + [1])
    }
    expect(.duplicateToken(position: 261, first: 257, text: "abc")) {
      try Small.make(tokens: Small.tokens + [Array("abc".utf8)], types: Small.types + [1])
    }
    expect(.unknownType(position: 260, value: 7)) {
      try Small.make(types: Small.types.dropLast() + [7])
    }
    expect(.unknownType(position: 0, value: -1)) {
      try Small.make(types: [-1] + Small.types.dropFirst())
    }
    expect(.missingByte(0x41)) {
      var tokens = Small.tokens
      tokens[0x41] = Array("AAA".utf8)
      return try Small.make(tokens: tokens)
    }
    expect(.malformedMerge(position: 3, text: "ab")) {
      try Small.make(merges: Small.merges + [Array("ab".utf8)])
    }
    expect(.malformedMerge(position: 3, text: "ab ")) {
      try Small.make(merges: Small.merges + [Array("ab ".utf8)])
    }
    expect(.mergeOfUnknownToken(position: 3, text: "zz")) {
      try Small.make(merges: Small.merges + [Array("zz a".utf8)])
    }
    expect(.mergeOfUnknownToken(position: 3, text: "bc")) {
      try Small.make(merges: Small.merges + [Array("b c".utf8)])
    }
    expect(.duplicateMerge(position: 3, first: 0)) {
      try Small.make(merges: Small.merges + [Array("a b".utf8)])
    }
    expect(.unknownPreTokenizer("klingon")) { try Small.make(preTokenizer: "klingon") }
    expect(.idOutOfRange(what: "end token", id: 261, count: 261)) {
      try Small.make(special: .init(end: 261))
    }
    expect(.idOutOfRange(what: "beginning token", id: -1, count: 261)) {
      try Small.make(special: .init(beginning: -1))
    }
  }

  @Test("what a tokenizer.json asks for and is not implemented is refused by name")
  func refusals() {
    typealias Small = SmallVocabulary
    func expect(_ error: VocabularyError, _ bytes: [UInt8]) {
      #expect(throws: error) { try Vocabulary(tokenizerJSON: bytes) }
    }
    expect(
      .unsupported(path: "model.type", value: "Unigram"),
      Small.json(model: [JSONMember(name: "type", value: "Unigram")]))
    expect(
      .unsupported(path: "normalizer", value: "Lowercase"),
      Small.json(normalizer: .members(["type": "Lowercase"])))
    expect(
      .unsupported(path: "pre_tokenizer step 0", value: "Metaspace"),
      Small.json(preTokenizer: .members(["type": "Metaspace"])))
    expect(
      .unsupported(path: "pre_tokenizer", value: "split x+"),
      Small.json(
        preTokenizer: .members([
          "type": "Split", "pattern": .members(["Regex": "x+"]), "behavior": "Isolated",
        ])))
    expect(
      .unsupported(path: "pre_tokenizer step 0.add_prefix_space", value: "true"),
      Small.json(preTokenizer: .members(["type": "ByteLevel", "add_prefix_space": true])))
    expect(
      .duplicateID(id: 258, text: "<y>", other: "Ġa"),
      Small.json(added: [.members(["id": 258, "content": "<y>"])]))
    expect(
      .idOutOfRange(what: "largest token id", id: 16_000_000, count: 1544),
      Small.json(added: [.members(["id": 16_000_000, "content": "<y>"])]))
    expect(
      .malformedMember(path: "added_tokens[0].id", expected: "a token id"),
      Small.json(added: [.members(["id": -1, "content": "<y>"])]))
    #expect(throws: VocabularyError.self) { try Vocabulary(tokenizerJSON: Array("{".utf8)) }
  }

  @Test("added tokens: longest first, white space along, whole words")
  func addedTokens() throws {
    let added: [JSONValue] = [
      .members(["id": 259, "content": "<x>", "special": false]),
      .members(["id": 260, "content": "<x><x>", "special": false]),
      .members(["id": 261, "content": "<l>", "special": false, "lstrip": true]),
      .members(["id": 262, "content": "<r>", "special": false, "rstrip": true]),
      .members(["id": 263, "content": "word", "special": false, "single_word": true]),
    ]
    let tokenizer = Tokenizer(try Vocabulary(tokenizerJSON: SmallVocabulary.json(added: added)))
    #expect(tokenizer.encode("<x><x><x>") == [260, 259])
    #expect(tokenizer.encode("a \n<l>a") == [97, 261, 97])
    #expect(tokenizer.encode("a<r> \u{3000}a") == [97, 262, 97])
    #expect(tokenizer.encode("<r> <l>") == [262, 261])
    #expect(
      tokenizer.pieces("a word, sword word_ word") == [
        "a", " ", "word", ",", " sword", " word", "_", " ", "word",
      ])
  }

  @Test("normalisation form C is applied where the file asks for it")
  func normalization() throws {
    let plain = Tokenizer(try Vocabulary(tokenizerJSON: SmallVocabulary.json()))
    let normalizing = Tokenizer(
      try Vocabulary(
        tokenizerJSON: SmallVocabulary.json(normalizer: .members(["type": "NFC"]))))
    #expect(plain.encode("e\u{301}").count == 3)
    #expect(normalizing.encode("e\u{301}") == plain.encode("\u{E9}"))
    #expect(normalizing.encode("\u{1100}\u{1161}\u{11A8}") == plain.encode("\u{AC01}"))
    #expect(normalizing.encode("\u{2126}") == plain.encode("\u{3A9}"))
  }

  @Test("the beginning token of a template and of a configuration")
  func specialTokens() throws {
    let configuration = #"{"eos_token":{"content":"</s>"},"bos_token":"</s>","add_bos_token":true}"#
    let vocabulary = try Vocabulary(
      tokenizerJSON: SmallVocabulary.json(), configuration: Array(configuration.utf8))
    #expect(vocabulary.special.end == 260)
    #expect(vocabulary.special.beginning == 260)
    #expect(vocabulary.special.addsBeginning)
  }
}
