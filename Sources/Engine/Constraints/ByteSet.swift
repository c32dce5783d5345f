/// A set of bytes.
public struct ByteSet: Hashable, Sendable {
  private var words: SIMD4<UInt64>

  /// The empty set.
  public init() { words = SIMD4(repeating: 0) }

  /// The bytes of a range.
  public init(_ range: ClosedRange<UInt8>) {
    self.init()
    for byte in range { insert(byte) }
  }

  /// The bytes of a sequence.
  public init(_ bytes: some Sequence<UInt8>) {
    self.init()
    for byte in bytes { insert(byte) }
  }

  /// Every byte.
  public static let all = ByteSet(0...255)

  /// Whether no byte is in the set.
  public var isEmpty: Bool { words == SIMD4(repeating: 0) }

  /// Whether `byte` is in the set.
  public func contains(_ byte: UInt8) -> Bool {
    words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1
  }

  /// Adds a byte.
  public mutating func insert(_ byte: UInt8) {
    words[Int(byte >> 6)] |= 1 << UInt64(byte & 63)
  }

  /// The bytes in either set.
  public func union(_ other: ByteSet) -> ByteSet {
    var result = self
    result.words |= other.words
    return result
  }

  /// The bytes that are not in the set.
  public var complement: ByteSet {
    var result = self
    result.words = ~words
    return result
  }

  /// The bytes at which membership differs from that of the byte before.
  var changes: ByteSet {
    var result = ByteSet()
    var carry: UInt64 = 0
    for index in 0..<4 {
      result.words[index] = words[index] ^ (words[index] << 1 | carry)
      carry = words[index] >> 63
    }
    return result
  }

  /// The bytes in ascending order.
  var bytes: [UInt8] {
    var result: [UInt8] = []
    for index in 0..<4 {
      var word = words[index]
      while word != 0 {
        result.append(UInt8(index * 64 + word.trailingZeroBitCount))
        word &= word - 1
      }
    }
    return result
  }
}
