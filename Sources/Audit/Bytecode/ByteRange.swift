import Ethereum

/// Bytes of a 32-byte storage word, counted as the compiler's storage layout counts them: byte 0
/// is the least significant.
public struct ByteRange: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The first byte, 0...31.
  public let offset: Int
  /// The number of bytes, 1...32; `offset + length` is at most 32.
  public let length: Int

  /// The bytes from `offset` on; values out of range are moved into it.
  public init(offset: Int, length: Int) {
    self.offset = min(max(offset, 0), 31)
    self.length = min(max(length, 1), 32 - self.offset)
  }

  /// The whole word.
  public static let whole = ByteRange(offset: 0, length: 32)

  /// The first byte behind the range.
  public var end: Int { offset + length }

  /// Whether the ranges share a byte.
  public func overlaps(_ other: ByteRange) -> Bool { offset < other.end && other.offset < end }

  /// Whether all bytes of another range lie in this one.
  public func contains(_ other: ByteRange) -> Bool {
    offset <= other.offset && other.end <= end
  }

  /// The runs of bytes that have a bit of `mask`, the lowest first.
  static func runs(of mask: Word) -> [ByteRange] {
    var runs: [ByteRange] = []
    var start: Int?
    for offset in 0...32 {
      let isSet = offset < 32 && mask.byte(31 - offset) != 0
      if isSet, start == nil { start = offset }
      if !isSet, let first = start {
        runs.append(ByteRange(offset: first, length: offset - first))
        start = nil
      }
    }
    return runs
  }

  /// Both ends, as `bytes 0-19`; one byte as `byte 20`.
  public var description: String {
    length == 1 ? "byte \(offset)" : "bytes \(offset)-\(end - 1)"
  }

  /// Orders by offset, then by length.
  public static func < (left: ByteRange, right: ByteRange) -> Bool {
    (left.offset, left.length) < (right.offset, right.length)
  }
}
