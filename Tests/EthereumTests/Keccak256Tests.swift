import Ethereum
import Testing

@Suite("Keccak-256")
struct Keccak256Tests {
  /// Published values: the Keccak team's known answers and hashes known from Ethereum.
  @Test(
    "Published hashes",
    arguments: [
      ("", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
      ("abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
      ("testing", "5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02"),
      (
        "The quick brown fox jumps over the lazy dog",
        "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15"
      ),
      (
        "Transfer(address,address,uint256)",
        "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
      ),
    ])
  func publishedHashes(text: String, expected: String) {
    #expect(Keccak256.hash(utf8: text).description == "0x" + expected)
  }

  @Test("One byte, from the Keccak team's short messages")
  func oneByte() {
    let expected = "0xeead6dbfc7340a56caedc044696a168870549a6a7f6f56961e84a54bd9970b8a"
    #expect(Keccak256.hash([0xcc]).description == expected)
  }

  /// Lengths around one and two blocks of 136 bytes; byte `i` is `i % 251`. Computed with
  /// PyCryptodome.
  @Test(
    "Block boundaries",
    arguments: [
      (135, "cbdfd9dee5faad3818d6b06f95a219fd290b0e1706f6a82e5a595b9ce9faca62"),
      (136, "7ce759f1ab7f9ce437719970c26b0a66ff11fe3e38e17df89cf5d29c7d7f807e"),
      (137, "ac73d4fae68b8453f764007c1a20ce95994187861f0c3227a3a8e99a73a3b1db"),
      (271, "27eceb59ebc3dc8a04a5b135be641591a7278540e4556a2ba9f408194e666ec3"),
      (272, "8e2476e65823b24d96ebe239f2c1534cdf763e689e2410c3b1cb0c74e6177bfc"),
      (273, "3f02f134370e4debb95140ef49ddd3aed8c65ff1ed83a43f1b269421f179c5f9"),
      (1000, "af692982e84a5a9688359025660a7857cd28ee7c8d867cfa1677baf2e6d1f63b"),
    ])
  func blockBoundaries(length: Int, expected: String) {
    let message = (0..<length).map { UInt8($0 % 251) }
    #expect(Keccak256.hash(message).description == "0x" + expected)
    // The same bytes through a sequence that has no contiguous storage.
    let lazy = (0..<length).lazy.map { UInt8($0 % 251) }
    #expect(Keccak256.hash(lazy).description == "0x" + expected)
  }

  @Test("A million letters")
  func longMessage() {
    let message = [UInt8](repeating: 0x61, count: 1_000_000)
    #expect(
      Keccak256.hash(message).description
        == "0xfadae6b49f129bbb812be8407b7b2894f34aecf6dbd1f9b0f0c7e9853098fc96")
  }

  @Test("Any split into pieces gives the same hash", arguments: 0..<64 as Range<UInt64>)
  func incremental(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let message = (0..<Int(random.next() % 600)).map { _ in
      UInt8(truncatingIfNeeded: random.next())
    }
    var hasher = Keccak256()
    var rest = message[...]
    while !rest.isEmpty {
      let count = min(rest.count, Int(random.next() % 150))
      hasher.update(rest.prefix(count))
      _ = hasher.finalize()
      rest = rest.dropFirst(count)
    }
    #expect(hasher.finalize() == Keccak256.hash(message), "seed \(seed)")
  }
}
