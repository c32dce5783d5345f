import Testing
import Tokenization

@Suite("Hostile vocabularies")
struct HostileVocabularyTests {
  private static let words = [
    "null", "-1", "99999999999999999999", "1e308", "16777215", "\"\"", "[]", "{}", "true",
    "\"\\ud800\"", "\"Ġ\"", "\"a b\"", "[\"a\",\"b\"]", "]", "}", ",", ":", "\"vocab\"",
    "\"merges\"",
    "\"id\":2147483647", "\"content\"", "\"special\":true", "\"Sequence\"", "\"type\"",
  ]

  @Test("50,000 damaged files are read or refused", arguments: 0..<20)
  func files(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    let original = SmallVocabulary.json()
    for _ in 0..<2500 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &random) { Self.damage(&bytes, &random) }
      if let vocabulary = try? Vocabulary(tokenizerJSON: bytes) { Self.use(vocabulary) }
    }
  }

  @Test("50,000 damaged sets of arrays are taken or refused", arguments: 0..<20)
  func arrays(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    for _ in 0..<2500 {
      var tokens = SmallVocabulary.tokens
      var types = SmallVocabulary.types
      var merges = SmallVocabulary.merges
      var name = "gpt-2"
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<max(1, min(tokens.count, types.count)), using: &random)
        let value = Int.random(in: -1...8, using: &random)
        switch Int.random(in: 0..<9, using: &random) {
        case 0 where place < tokens.count: Self.damage(&tokens[place], &random)
        case 1 where place < types.count: types[place] = value
        case 2: tokens.removeLast(min(tokens.count, value + 1))
        case 3: types.removeLast(min(types.count, value + 1))
        case 4:
          merges.append(
            Array(
              ["a b", "ab ab", " ", "Ġ b", "< x"].randomElement(using: &random)?.utf8 ?? "".utf8))
        case 5:
          tokens.append(Array("abab".utf8))
          types.append(1)
        case 6 where !merges.isEmpty:
          Self.damage(&merges[abs(value) % merges.count], &random)
        case 7: name = PreTokenizer.knownNames.randomElement(using: &random) ?? name
        default:
          if place < tokens.count { tokens.swapAt(place, tokens.count - 1) }
        }
      }
      let made = try? SmallVocabulary.make(
        tokens: tokens, types: types, merges: merges, preTokenizer: name,
        special: .init(beginning: Int32.random(in: -1...300, using: &random)))
      if let made { Self.use(made) }
    }
  }

  /// Encoding and decoding go on whatever the vocabulary says.
  private static func use(_ vocabulary: Vocabulary) {
    let tokenizer = Tokenizer(vocabulary)
    let text = "abc ab<x></s> 12 é"
    for use in [Tokenizer.SpecialTokenUse.asText, .parsed] {
      let tokens = tokenizer.encode(text, specialTokens: use)
      #expect(tokens.allSatisfy { $0 >= 0 && $0 < vocabulary.count })
    }
    #expect(tokenizer.decode([-1, 0, Int32.max]).count <= Vocabulary.maximumTokenLength)
  }

  private static func damage(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    guard !bytes.isEmpty else { return bytes.append(0x61) }
    let place = Int.random(in: 0..<bytes.count, using: &random)
    let end = min(bytes.count, place + Int.random(in: 0...8, using: &random))
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes.removeSubrange(place..<end)
    case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
    case 3:
      let word = words.randomElement(using: &random) ?? ""
      bytes.replaceSubrange(place..<end, with: Array(word.utf8))
    case 4: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    default: bytes.removeLast(Int.random(in: 0...min(bytes.count, 3), using: &random))
    }
  }
}
