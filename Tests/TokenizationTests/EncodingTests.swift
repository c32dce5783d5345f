import Foundation
import JSON
import Testing
import Tokenization

@Suite("Encodings of the reference implementations")
struct EncodingTests {
  @Test("texts", arguments: ["deepseek", "qwen2", "qwen35"])
  func texts(name: String) throws {
    let fixture = try TokenizerFixtures.json("\(name).json")
    let tokenizer = try TokenizerFixtures.tokenizer(gguf: "\(name).vocab.gguf")
    let cases = try #require(fixture["cases"]?.arrayValue)
    #expect(cases.count > 200)
    for example in cases {
      let text = try #require(example["text"]?.stringValue)
      let expected = try TokenizerFixtures.ids(example["ids"])
      let mode = try #require(example["mode"]?.stringValue)
      let label = Comment(
        rawValue: "\(example["name"]?.stringValue ?? ""): \(text.debugDescription)")
      if mode != "special" { #expect(tokenizer.encode(text) == expected, label) }
      if mode != "plain" {
        #expect(tokenizer.encode(text, specialTokens: .parsed) == expected, label)
      }
      // The fixtures' pieces are those of text without added tokens.
      let hasAdded = expected.contains { tokenizer.vocabulary.type(of: $0) != .normal }
      if let pieces = example["pieces"]?.arrayValue, !hasAdded {
        #expect(tokenizer.pieces(text) == pieces.compactMap(\.stringValue), label)
      }
    }
  }

  @Test("bytes that are not UTF-8", arguments: ["deepseek", "qwen2", "qwen35"])
  func invalidBytes(name: String) throws {
    let fixture = try TokenizerFixtures.json("\(name).json")
    let tokenizer = try TokenizerFixtures.tokenizer(gguf: "\(name).vocab.gguf")
    for example in try #require(fixture["invalid_utf8"]?.arrayValue) {
      let base64 = try #require(example["bytes"]?.stringValue)
      let bytes = Array(try #require(Data(base64Encoded: base64)))
      let label = Comment(rawValue: example["name"]?.stringValue ?? "")
      #expect(tokenizer.encode(bytes: bytes) == (try TokenizerFixtures.ids(example["ids"])), label)
      let replaced = try #require(example["replaced"]?.stringValue)
      #expect(tokenizer.encode(replaced) == (try TokenizerFixtures.ids(example["ids"])), label)
    }
  }

  @Test("tokens back to bytes", arguments: ["deepseek", "qwen2", "qwen35"])
  func decoding(name: String) throws {
    let fixture = try TokenizerFixtures.json("\(name).json")
    let tokenizer = try TokenizerFixtures.tokenizer(gguf: "\(name).vocab.gguf")
    for example in try #require(fixture["decode"]?.arrayValue) {
      let ids = try TokenizerFixtures.ids(example["ids"])
      let base64 = try #require(example["bytes"]?.stringValue)
      #expect(tokenizer.decode(ids) == Array(try #require(Data(base64Encoded: base64))))
    }
  }

  @Test("texts, by the library", arguments: ["qwen2", "llama-bpe", "gpt-2"])
  func library(name: String) throws {
    let tokenizer = try TokenizerFixtures.tokenizer(library: name)
    let cases = try #require(try TokenizerFixtures.json("library/\(name)/cases.json").arrayValue)
    #expect(cases.count > 200)
    for example in cases {
      let text = try #require(example["text"]?.stringValue)
      let label = Comment(rawValue: text.debugDescription)
      #expect(tokenizer.encode(text) == (try TokenizerFixtures.ids(example["ids"])), label)
      let special = tokenizer.encode(text, specialTokens: .parsed)
      #expect(special == (try TokenizerFixtures.ids(example["ids_special"])), label)
      #expect(tokenizer.decode(special) == Array(text.utf8), label)
    }
  }

  @Test("every Unicode scalar, by the library", arguments: ["qwen2", "llama-bpe", "gpt-2"])
  func scalars(name: String) throws {
    let tokenizer = try TokenizerFixtures.tokenizer(library: name)
    let fixture = try TokenizerFixtures.json("library/\(name)/scalars.json")
    let hashes = try #require(fixture["hashes"]?.arrayValue)
    #expect(hashes.count == 0x110000 / 1024 - 2)
    for hash in hashes {
      let first = UInt32(try #require(hash["first"]?.integerValue))
      let expected = try #require(hash["sha256"]?.stringValue)
      #expect(ScalarHash.hash(block: first, tokenizer) == expected, "U+\(String(first, radix: 16))")
    }
  }
}

/// Hashes of the encodings of 1,024 Unicode scalars, each in four texts.
enum ScalarHash {
  static func hash(block first: UInt32, _ tokenizer: Tokenizer) -> String {
    var message: [UInt8] = []
    func append(_ value: UInt32) {
      for shift: UInt32 in [0, 8, 16, 24] {
        message.append(UInt8(truncatingIfNeeded: value >> shift))
      }
    }
    for value in first..<first + 1024 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let character = Array(String(scalar).utf8)
      let texts: [[UInt8]] = [
        [0x61] + character + [0x62], [0x20] + character, character + character + character,
        [0x31] + character + [0x32],
      ]
      for text in texts {
        let ids = tokenizer.encode(bytes: text)
        append(UInt32(ids.count))
        for id in ids { append(UInt32(id)) }
      }
    }
    return SHA256.hash(message)
  }
}
