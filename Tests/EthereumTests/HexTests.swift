import Ethereum
import Testing

@Suite("Hexadecimal")
struct HexTests {
  @Test("Bytes survive the way there and back", arguments: 0..<32 as Range<UInt64>)
  func roundTrip(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let bytes = (0..<Int(random.next() % 80)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    #expect(try Hex.decode(Hex.encode(bytes)) == bytes, "seed \(seed)")
    let upper = Hex.encode(bytes, prefix: false).uppercased()
    #expect(try Hex.decode("0X" + upper) == bytes, "seed \(seed)")
  }

  @Test("What is wrong is said with its place")
  func errors() {
    #expect(throws: HexError.notADigit(character: "z", offset: 4)) { try Hex.decode("0x12z4") }
    #expect(throws: HexError.notADigit(character: "é", offset: 1)) { try Hex.decode("aé") }
    #expect(throws: HexError.oddNumberOfDigits(count: 3)) { try Hex.decode("0x123") }
    #expect(throws: HexError.wrongLength(expectedBytes: 4, actualBytes: 1)) {
      try Selector(hex: "0x12")
    }
    #expect(
      HexError.notADigit(character: "z", offset: 4).description
        == "not a hexadecimal digit at offset 4: \"z\"")
  }

  @Test("Nothing decodes to nothing")
  func empty() throws {
    #expect(try Hex.decode("").isEmpty)
    #expect(try Hex.decode("0x").isEmpty)
  }
}
