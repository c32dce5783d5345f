import Ethereum
import Testing

@Suite("Address")
struct AddressTests {
  /// The test cases of EIP-55.
  static let checksummed = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
  ]

  @Test("Printing spells the checksum", arguments: checksummed)
  func printing(text: String) throws {
    #expect(try Address(text.lowercased()).checksummed == text)
    #expect(try Address(text, requiresChecksum: true).description == text)
    #expect(Address.isChecksummed(text))
  }

  @Test("One letter in the wrong case is found", arguments: checksummed)
  func wrongCase(text: String) throws {
    let characters = Array(text)
    let offset = try #require(characters.indices.dropFirst(2).first { characters[$0].isLetter })
    var broken = characters
    broken[offset] =
      characters[offset].isUppercase
      ? Character(characters[offset].lowercased()) : Character(characters[offset].uppercased())
    #expect(throws: AddressError.wrongChecksum(expected: text, offset: offset)) {
      try Address(String(broken), requiresChecksum: true)
    }
    #expect(!Address.isChecksummed(String(broken)))
  }

  @Test("Length and digits are checked")
  func refusals() {
    #expect(throws: AddressError.hex(.wrongLength(expectedBytes: 20, actualBytes: 2))) {
      try Address("0x1234")
    }
    #expect(throws: AddressError.hex(.notADigit(character: "g", offset: 3))) {
      try Address("0x1g08400098527886E0F7030069857D2E4169EE71")
    }
  }

  @Test("The upper bits of a word are dropped")
  func truncation() {
    #expect(Address(truncating: .max).bytes == [UInt8](repeating: 0xff, count: 20))
    #expect(Address([1, 2, 3]) == nil)
  }
}
