import Testing
import Tokenization

@Suite("Text that comes in pieces")
struct StreamingTests {
  @Test("all pieces together are the text at once", arguments: 0..<20)
  func concatenation(seed: Int) throws {
    let tokenizer = try TokenizerFixtures.tokenizer(gguf: "qwen2.vocab.gguf")
    var random = SeededGenerator(seed: UInt64(seed))
    for _ in 0..<200 {
      let count = Int.random(in: 0..<30, using: &random)
      // Single bytes are the first 256 tokens; they make ill-formed text likely.
      let tokens = (0..<count).map { _ in
        Int32.random(in: -2..<(Bool.random(using: &random) ? 256 : 1530), using: &random)
      }
      var detokenizer = StreamingDetokenizer(tokenizer.vocabulary)
      var text = ""
      for token in tokens { text += detokenizer.append(token) }
      text += detokenizer.finish()
      #expect(text == tokenizer.decodeText(tokens), "seed \(seed), tokens \(tokens)")
      #expect(text == String(decoding: tokenizer.decode(tokens), as: UTF8.self))
      #expect(detokenizer.finish().isEmpty)
    }
  }

  @Test("a character comes whole, with its last byte")
  func wholeCharacters() throws {
    let tokenizer = try TokenizerFixtures.tokenizer(gguf: "qwen2.vocab.gguf")
    let vocabulary = tokenizer.vocabulary
    func byte(_ value: UInt8) throws -> Int32 {
      try #require((Int32(0)..<256).first { vocabulary.bytes(of: $0) == [value] })
    }
    var detokenizer = StreamingDetokenizer(vocabulary)
    var pieces: [String] = []
    for value: UInt8 in [0xF0, 0x9F, 0x99, 0x82, 0x61, 0xE2, 0x82, 0xAC] {
      pieces.append(detokenizer.append(try byte(value)))
    }
    #expect(pieces == ["", "", "", "🙂", "a", "", "", "€"])
    #expect(detokenizer.append(try byte(0xE2)) == "")
    #expect(detokenizer.append(try byte(0x82)) == "")
    // Certain as soon as a byte comes that cannot go on.
    #expect(detokenizer.append(try byte(0x62)) == "\u{FFFD}b")
    #expect(detokenizer.append(try byte(0xFF)) == "\u{FFFD}")
    #expect(detokenizer.append(try byte(0xC3)) == "")
    #expect(detokenizer.finish() == "\u{FFFD}")
  }

  @Test("any bytes come back, where they are valid UTF-8", arguments: 0..<10)
  func roundTrip(seed: Int) throws {
    let names = ["deepseek.vocab.gguf", "qwen35.vocab.gguf"]
    var random = SeededGenerator(seed: UInt64(seed))
    for name in names {
      let tokenizer = try TokenizerFixtures.tokenizer(gguf: name)
      for _ in 0..<200 {
        let count = Int.random(in: 0..<60, using: &random)
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        let text = String(decoding: bytes, as: UTF8.self)
        let tokens = tokenizer.encode(bytes: bytes)
        #expect(tokens == tokenizer.encode(text), "seed \(seed), bytes \(bytes)")
        if !tokenizer.vocabulary.normalizes {
          #expect(tokenizer.decode(tokens) == Array(text.utf8), "seed \(seed), bytes \(bytes)")
        }
        #expect(tokenizer.pieces(text).joined().utf8.count > 0 || text.isEmpty)
      }
    }
  }
}
