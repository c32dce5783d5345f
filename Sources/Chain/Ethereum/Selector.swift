/// The four bytes that name a function or an error in call data: the first of the Keccak-256 hash
/// of its canonical signature.
public struct Selector: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The four bytes as a big-endian number.
  public let rawValue: UInt32

  /// Takes the four bytes as a big-endian number.
  public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// Hashes a canonical signature such as `transfer(address,uint256)`. The text is taken as it is:
  /// no spaces, no parameter names, no aliases such as `uint`.
  public init(signature: some StringProtocol) {
    let hash = Keccak256.hash(utf8: signature)
    self.rawValue = UInt32(truncatingIfNeeded: (hash.word >> 224).low64)
  }

  /// Takes exactly four bytes; `nil` for any other number.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 4 else { return nil }
    self.rawValue = bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Reads eight hexadecimal digits, with or without `0x`.
  public init(hex text: some StringProtocol) throws(HexError) {
    let bytes = try Hex.decode(text, byteCount: 4)
    self.rawValue = bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// The four bytes.
  public var bytes: [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: rawValue >> UInt32(24 - 8 * $0)) }
  }

  /// `0x` and eight lower-case digits.
  public var description: String { Hex.encode(bytes) }

  /// Orders as numbers.
  public static func < (left: Selector, right: Selector) -> Bool {
    left.rawValue < right.rawValue
  }
}
