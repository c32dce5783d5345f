/// Thirty-two bytes: a hash, a topic or a storage word, in the order in which they are written.
public struct Hash32: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The same bytes read as a big-endian number.
  public let word: Word

  /// Takes the big-endian bytes of a number.
  public init(word: Word) {
    self.word = word
  }

  /// Takes exactly 32 bytes; `nil` for any other number.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 32, let word = Word(bigEndian: bytes) else { return nil }
    self.word = word
  }

  /// Reads exactly 64 hexadecimal digits, with or without `0x`.
  public init(hex text: some StringProtocol) throws(HexError) {
    let bytes = try Hex.decode(text, byteCount: 32)
    self.word = Word(bigEndian: bytes) ?? .zero
  }

  /// The 32 bytes.
  public var bytes: [UInt8] { word.bigEndianBytes }

  /// `0x` and 64 lower-case digits.
  public var description: String { word.paddedHexString }

  /// Orders by bytes from the first.
  public static func < (left: Hash32, right: Hash32) -> Bool { left.word < right.word }
}
