import JSON
import Testing
import Tokenization

@Suite("Splitting and merging")
struct SplittingTests {
  @Test("every Unicode scalar is split as by the real DeepSeek V4 tokenizer")
  func deepSeekScalars() throws {
    let tokenizer = try TokenizerFixtures.tokenizer(gguf: "deepseek.vocab.gguf")
    let fixture = try TokenizerFixtures.json("joyai-llm.scalars.json")
    let hashes = try #require(fixture["hashes"]?.arrayValue)
    #expect(hashes.count == 0x110000 / 1024 - 2)
    for hash in hashes {
      let first = UInt32(try #require(hash["first"]?.integerValue))
      let expected = try #require(hash["sha256"]?.stringValue)
      #expect(PieceHash.hash(block: first, tokenizer) == expected, "U+\(String(first, radix: 16))")
    }
  }

  @Test(
    "long runs take no more than linear time and merge as short ones do",
    arguments: ["a", " ", "\n", "中", "!", "1", "\u{200D}", "ab", "é"])
  func longRuns(unit: String) throws {
    for name in ["deepseek.vocab.gguf", "qwen2.vocab.gguf"] {
      let tokenizer = try TokenizerFixtures.tokenizer(gguf: name)
      let text = String(repeating: unit, count: 1_000_000 / unit.utf8.count)
      let tokens = tokenizer.encode(text)
      #expect(tokenizer.decode(tokens) == Array(text.utf8))
    }
  }

  @Test("long pieces merge as the definition says", arguments: 0..<20)
  func longPieces(seed: Int) throws {
    let tokenizer = try TokenizerFixtures.tokenizer(gguf: "deepseek.vocab.gguf")
    let merges = try VocabularyArrays(
      gguf: TokenizerFixtures.folder.appending(path: "deepseek.vocab.gguf").path
    ).merges.map { String(decoding: $0, as: UTF8.self) }
    let ranks = Dictionary(uniqueKeysWithValues: zip(merges, merges.indices))
    var random = SeededGenerator(seed: UInt64(seed))
    for length in [2, 3, 20, 47, 48, 49, 50, 100, 400] {
      // Letters only, so that the text is one piece.
      let text = (0..<length).map { _ in
        "aeinorst".randomElement(using: &random).map(String.init) ?? ""
      }
      var symbols = text
      while true {
        let pairs = zip(symbols, symbols.dropFirst()).map { ranks["\($0) \($1)"] ?? .max }
        guard let best = pairs.min(), best < .max, let place = pairs.firstIndex(of: best) else {
          break
        }
        symbols.replaceSubrange(place...place + 1, with: [symbols[place] + symbols[place + 1]])
      }
      let tokens = tokenizer.encode(text.joined())
      let merged = tokens.map { String(decoding: tokenizer.decode([$0]), as: UTF8.self) }
      #expect(merged == symbols, "seed \(seed), text \(text.joined())")
    }
  }

  @Test("DeepSeek's three splits")
  func deepSeekPieces() throws {
    let tokenizer = try TokenizerFixtures.tokenizer(gguf: "deepseek.vocab.gguf")
    let examples: [(String, [String])] = [
      ("foo_bar(x=>y); //c++", ["foo", "_bar", "(x", "=>", "y", ");", " //", "c", "++"]),
      ("3.14159 1234567", ["3", ".", "141", "59", " ", "123", "456", "7"]),
      ("a  1", ["a", "  ", "1"]),
      ("漢字かなカナ漢", ["漢字かなカナ漢"]),
      ("\u{0}\u{0}a", ["\u{0}", "\u{0}a"]),
      ("x\n\n  y", ["x", "\n\n", " ", " y"]),
    ]
    for (text, pieces) in examples { #expect(tokenizer.pieces(text) == pieces) }
  }
}

/// Hashes of how 1,024 Unicode scalars are split, each in four texts.
enum PieceHash {
  static func hash(block first: UInt32, _ tokenizer: Tokenizer) -> String {
    var message: [UInt8] = []
    for value in first..<first + 1024 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let character = String(scalar)
      for text in [
        "a\(character)b", " \(character)", character + character + character, "1\(character)2",
      ] {
        let pieces = tokenizer.pieces(text)
        for length in [pieces.count] + pieces.map(\.utf8.count) {
          message += [UInt8(length), 0, 0, 0]
        }
      }
    }
    return SHA256.hash(message)
  }
}
