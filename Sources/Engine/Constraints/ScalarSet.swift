/// A set of Unicode scalar values (never surrogates), as sorted ranges that do not touch.
public struct ScalarSet: Hashable, Sendable {
  /// The ranges, ascending, with gaps between them.
  public private(set) var ranges: [ClosedRange<UInt32>]

  /// The scalars of some ranges; what is no Unicode scalar value (surrogates, above U+10FFFF) is left out.
  public init(_ ranges: some Sequence<ClosedRange<UInt32>>) {
    var cut: [ClosedRange<UInt32>] = []
    for range in ranges {
      for valid in ScalarSet.validRanges {
        let low = max(range.lowerBound, valid.lowerBound)
        let high = min(range.upperBound, valid.upperBound)
        if low <= high { cut.append(low...high) }
      }
    }
    cut.sort { $0.lowerBound < $1.lowerBound }
    var merged: [ClosedRange<UInt32>] = []
    for range in cut {
      if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
        merged[merged.count - 1] =
          last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    self.ranges = merged
  }

  /// The scalars given.
  public init(_ scalars: some Sequence<Unicode.Scalar>) {
    self.init(scalars.map { $0.value...$0.value })
  }

  /// Every Unicode scalar value.
  public static let all = ScalarSet(validRanges)

  private static let validRanges: [ClosedRange<UInt32>] = [0...0xD7FF, 0xE000...0x10FFFF]

  /// Whether no scalar is in the set.
  public var isEmpty: Bool { ranges.isEmpty }

  /// Whether a scalar is in the set.
  public func contains(_ scalar: Unicode.Scalar) -> Bool {
    ranges.contains { $0.contains(scalar.value) }
  }

  /// The scalars in either set.
  public func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

  /// The scalars in both sets.
  public func intersection(_ other: ScalarSet) -> ScalarSet {
    var result: [ClosedRange<UInt32>] = []
    var left = 0
    var right = 0
    while left < ranges.count, right < other.ranges.count {
      let low = max(ranges[left].lowerBound, other.ranges[right].lowerBound)
      let high = min(ranges[left].upperBound, other.ranges[right].upperBound)
      if low <= high { result.append(low...high) }
      if ranges[left].upperBound < other.ranges[right].upperBound { left += 1 } else { right += 1 }
    }
    return ScalarSet(result)
  }

  /// The scalars that are not in the set.
  public var complement: ScalarSet {
    var result: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges {
      if next < range.lowerBound { result.append(next...range.lowerBound - 1) }
      next = range.upperBound + 1
    }
    if next <= 0x10FFFF { result.append(next...0x10FFFF) }
    return ScalarSet(result)
  }

  /// The scalars of this set that are not in the other.
  public func subtracting(_ other: ScalarSet) -> ScalarSet { intersection(other.complement) }

  /// The UTF-8 forms of the set, as sequences of one to four byte ranges (RFC 3629).
  var byteSequences: [[ClosedRange<UInt8>]] {
    var result: [[ClosedRange<UInt8>]] = []
    for range in ranges {
      for limit: ClosedRange<UInt32> in [
        0...0x7F, 0x80...0x7FF, 0x800...0xFFFF, 0x10000...0x10FFFF,
      ] {
        let low = max(range.lowerBound, limit.lowerBound)
        let high = min(range.upperBound, limit.upperBound)
        if low <= high { ScalarSet.split(low, high, into: &result) }
      }
    }
    return result
  }

  /// Splits a range whose ends have UTF-8 forms of one length until its bytes vary independently.
  private static func split(
    _ low: UInt32, _ high: UInt32, into result: inout [[ClosedRange<UInt8>]]
  ) {
    let length = low < 0x80 ? 1 : low < 0x800 ? 2 : low < 0x10000 ? 3 : 4
    for tail in 1..<max(length, 1) {
      let mask: UInt32 = 1 << (6 * UInt32(tail)) - 1
      guard low & ~mask != high & ~mask else { continue }
      if low & mask != 0 {
        split(low, low | mask, into: &result)
        split((low | mask) + 1, high, into: &result)
        return
      }
      if high & mask != mask {
        split(low, (high & ~mask) - 1, into: &result)
        split(high & ~mask, high, into: &result)
        return
      }
    }
    let first = utf8(low, length: length)
    let last = utf8(high, length: length)
    result.append(zip(first, last).map { $0...$1 })
  }

  private static func utf8(_ value: UInt32, length: Int) -> [UInt8] {
    switch length {
    case 1: return [UInt8(value)]
    case 2: return [0xC0 | UInt8(value >> 6), continuation(value)]
    case 3: return [0xE0 | UInt8(value >> 12), continuation(value >> 6), continuation(value)]
    default:
      return [
        0xF0 | UInt8(value >> 18), continuation(value >> 12), continuation(value >> 6),
        continuation(value),
      ]
    }
  }

  private static func continuation(_ value: UInt32) -> UInt8 { 0x80 | UInt8(value & 0x3F) }
}
