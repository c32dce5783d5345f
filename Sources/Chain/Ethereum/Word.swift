/// An unsigned number of 256 bits: what a stack item and a storage slot of the EVM hold.
///
/// Arithmetic wraps around, as it does there; the operators carry the `&` that Swift uses for
/// that. All operations take constant space and none traps.
public struct Word: Hashable, Comparable, Sendable {
  /// The 64-bit limbs, the most significant first.
  var limb3: UInt64
  var limb2: UInt64
  var limb1: UInt64
  var limb0: UInt64

  /// Four 64-bit limbs, the most significant first.
  public init(_ limb3: UInt64, _ limb2: UInt64, _ limb1: UInt64, _ limb0: UInt64) {
    self.limb3 = limb3
    self.limb2 = limb2
    self.limb1 = limb1
    self.limb0 = limb0
  }

  /// A number that fits in 64 bits.
  public init(_ value: UInt64) {
    self.init(0, 0, 0, value)
  }

  /// A signed number; a negative one becomes its two's complement over 256 bits.
  public init(twosComplement value: Int) {
    let high: UInt64 = value < 0 ? .max : 0
    self.init(high, high, high, UInt64(bitPattern: Int64(value)))
  }

  /// 0.
  public static let zero = Word(0, 0, 0, 0)
  /// 1.
  public static let one = Word(0, 0, 0, 1)
  /// 2^256 - 1.
  public static let max = Word(.max, .max, .max, .max)

  /// The number 2^`exponent` - 1: that many one bits from the low end. `exponent` is 0...256;
  /// outside of it the nearest end is taken.
  public static func lowBits(_ exponent: Int) -> Word {
    exponent >= 256 ? .max : (Word.one << exponent) &- .one
  }

  /// Reads up to 32 big-endian bytes; `nil` for more. No bytes are 0.
  public init?(bigEndian bytes: some Collection<UInt8>) {
    guard bytes.count <= 32 else { return nil }
    self = .zero
    for byte in bytes {
      self = (self << 8) | Word(UInt64(byte))
    }
  }

  /// The 32 bytes, the most significant first.
  public var bigEndianBytes: [UInt8] {
    withBigEndianBytes { Array($0) }
  }

  /// Calls `body` with the 32 big-endian bytes, without allocating.
  public func withBigEndianBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    let limbs = (limb3.bigEndian, limb2.bigEndian, limb1.bigEndian, limb0.bigEndian)
    return try withUnsafeBytes(of: limbs, body)
  }

  /// The byte at `index`, 0 the most significant, as the `BYTE` instruction counts; 0 beyond 31.
  public func byte(_ index: Int) -> UInt8 {
    guard (0..<32).contains(index) else { return 0 }
    return UInt8(truncatingIfNeeded: (self >> (8 * (31 - index))).limb0)
  }

  /// The number if it fits in 64 bits.
  public var uint64: UInt64? {
    limb3 | limb2 | limb1 == 0 ? limb0 : nil
  }

  /// The number if it fits in `Int`.
  public var int: Int? {
    uint64.flatMap { Int(exactly: $0) }
  }

  /// The low 64 bits.
  public var low64: UInt64 { limb0 }

  /// Whether the number is 0.
  public var isZero: Bool { limb3 | limb2 | limb1 | limb0 == 0 }

  /// Whether the highest bit is set, which makes the number negative to signed instructions.
  public var isNegative: Bool { limb3 >> 63 == 1 }

  /// Zero bits above the highest one bit; 256 for 0.
  public var leadingZeroBitCount: Int {
    if limb3 != 0 { return limb3.leadingZeroBitCount }
    if limb2 != 0 { return 64 + limb2.leadingZeroBitCount }
    if limb1 != 0 { return 128 + limb1.leadingZeroBitCount }
    return 192 + limb0.leadingZeroBitCount
  }

  /// Zero bits below the lowest one bit; 256 for 0.
  public var trailingZeroBitCount: Int {
    if limb0 != 0 { return limb0.trailingZeroBitCount }
    if limb1 != 0 { return 64 + limb1.trailingZeroBitCount }
    if limb2 != 0 { return 128 + limb2.trailingZeroBitCount }
    return 192 + limb3.trailingZeroBitCount
  }

  /// Number of one bits.
  public var nonzeroBitCount: Int {
    limb3.nonzeroBitCount + limb2.nonzeroBitCount + limb1.nonzeroBitCount + limb0.nonzeroBitCount
  }

  /// Orders as unsigned numbers.
  public static func < (left: Word, right: Word) -> Bool {
    if left.limb3 != right.limb3 { return left.limb3 < right.limb3 }
    if left.limb2 != right.limb2 { return left.limb2 < right.limb2 }
    if left.limb1 != right.limb1 { return left.limb1 < right.limb1 }
    return left.limb0 < right.limb0
  }

  /// Whether `left` is below `right` when both are read as two's complement.
  public static func isSigned(_ left: Word, below right: Word) -> Bool {
    left.isNegative == right.isNegative ? left < right : left.isNegative
  }
}

extension Word: ExpressibleByIntegerLiteral {
  /// A literal from 0 to 2^64 - 1.
  public init(integerLiteral value: UInt64) {
    self.init(value)
  }
}
