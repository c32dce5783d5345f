/// Why a text is not an address.
public enum AddressError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Not 20 bytes of hexadecimal.
  case hex(HexError)
  /// Mixed case that does not spell the EIP-55 checksum; `offset` is the first character that
  /// differs, from 0, the prefix included.
  case wrongChecksum(expected: String, offset: Int)

  /// What is wrong, for a person.
  public var description: String {
    switch self {
    case .hex(let error): error.description
    case .wrongChecksum(let expected, let offset):
      "the letter case at offset \(offset) breaks the EIP-55 checksum; expected \(expected)"
    }
  }
}

/// An account's address: 20 bytes.
public struct Address: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The address as the low 160 bits of a number.
  public let word: Word

  /// The zero address.
  public static let zero = Address(truncating: .zero)

  /// Takes the low 160 bits, as the EVM does with an address on its stack.
  public init(truncating word: Word) {
    self.word = word & .lowBits(160)
  }

  /// Takes exactly 20 bytes; `nil` for any other number.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 20, let word = Word(bigEndian: bytes) else { return nil }
    self.word = word
  }

  /// Reads 40 hexadecimal digits, with or without `0x`.
  ///
  /// Digits of one letter case are taken as they are; where both cases occur they must spell the
  /// EIP-55 checksum. With `requiresChecksum` the letters must always spell it.
  public init(
    _ text: some StringProtocol, requiresChecksum: Bool = false
  ) throws(AddressError) {
    let bytes: [UInt8]
    do {
      bytes = try Hex.decode(text, byteCount: 20)
    } catch {
      throw .hex(error)
    }
    self.init(truncating: Word(bigEndian: bytes) ?? .zero)
    let digits = text.utf8.suffix(40)
    let hasLower = digits.contains { (0x61...0x66).contains($0) }
    let hasUpper = digits.contains { (0x41...0x46).contains($0) }
    guard requiresChecksum || (hasLower && hasUpper) else { return }
    let expected = checksummed
    let mismatch = zip(digits, expected.utf8.suffix(40)).enumerated()
      .first { $0.element.0 != $0.element.1 }
    if let mismatch {
      throw .wrongChecksum(
        expected: expected, offset: text.utf8.count - 40 + mismatch.offset)
    }
  }

  /// The 20 bytes.
  public var bytes: [UInt8] { Array(word.bigEndianBytes.suffix(20)) }

  /// `0x` and 40 digits whose letter case is the EIP-55 checksum.
  public var checksummed: String {
    var digits = Array(Hex.encode(bytes, prefix: false).utf8)
    let hash = Keccak256.hash(digits).bytes
    for index in digits.indices {
      let nibble = index.isMultiple(of: 2) ? hash[index / 2] >> 4 : hash[index / 2] & 0x0f
      if nibble >= 8, digits[index] >= 0x61 { digits[index] -= 0x20 }
    }
    return "0x" + String(decoding: digits, as: UTF8.self)
  }

  /// The checksummed form.
  public var description: String { checksummed }

  /// Whether a text is an address whose letters spell the EIP-55 checksum.
  public static func isChecksummed(_ text: some StringProtocol) -> Bool {
    (try? Address(text, requiresChecksum: true)) != nil
  }

  /// Orders as numbers.
  public static func < (left: Address, right: Address) -> Bool { left.word < right.word }
}
