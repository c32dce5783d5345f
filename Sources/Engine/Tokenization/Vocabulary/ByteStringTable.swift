/// Byte strings in one block of memory, found by content: an open hash table over their positions.
struct ByteStringTable: Sendable {
  /// All strings, one after the other.
  private(set) var bytes: [UInt8] = []
  /// Where each string ends.
  private var ends: [Int] = []
  /// Positions of strings plus 1; 0 where free. Its size is a power of two.
  private var slots: [UInt32]

  /// Makes an empty table with room for `capacity` strings.
  init(capacity: Int) {
    var size = 16
    while size < capacity * 2 { size *= 2 }
    slots = [UInt32](repeating: 0, count: size)
    ends.reserveCapacity(capacity)
  }

  /// The number of strings.
  var count: Int { ends.count }

  /// Where string `position` lies in `bytes`.
  func range(_ position: Int) -> Range<Int> {
    (position == 0 ? 0 : ends[position - 1])..<ends[position]
  }

  /// String `position`.
  subscript(position: Int) -> ArraySlice<UInt8> { bytes[range(position)] }

  /// Appends a string; `isFindable` says whether `find` sees it.
  ///
  /// - Returns: The position of an earlier findable string of the same bytes, which `find` goes on returning.
  @discardableResult
  mutating func append(_ string: some Collection<UInt8>, isFindable: Bool = true) -> Int? {
    let start = bytes.count
    bytes.append(contentsOf: string)
    ends.append(bytes.count)
    guard isFindable else { return nil }
    if ends.count * 2 > slots.count { grow() }
    return bytes.withUnsafeBufferPointer { all in
      insert(UnsafeBufferPointer(rebasing: all[start...]), position: ends.count - 1)
    }
  }

  /// The position of the string with these bytes, or nil. O(length) on average.
  func find(_ string: UnsafeBufferPointer<UInt8>) -> Int? {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: Self.hash(string)) & mask
    while slots[slot] != 0 {
      let position = Int(slots[slot]) - 1
      if equals(position, string) { return position }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// The position of the string with these bytes, or nil. O(length) on average.
  func find(_ string: [UInt8]) -> Int? {
    string.withUnsafeBufferPointer { find($0) }
  }

  private func equals(_ position: Int, _ string: UnsafeBufferPointer<UInt8>) -> Bool {
    let range = range(position)
    guard range.count == string.count else { return false }
    return bytes.withUnsafeBufferPointer { all in
      for offset in 0..<string.count where all[range.lowerBound + offset] != string[offset] {
        return false
      }
      return true
    }
  }

  private mutating func insert(_ string: UnsafeBufferPointer<UInt8>, position: Int) -> Int? {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: Self.hash(string)) & mask
    while slots[slot] != 0 {
      let other = Int(slots[slot]) - 1
      if equals(other, string) { return other }
      slot = (slot + 1) & mask
    }
    slots[slot] = UInt32(position + 1)
    return nil
  }

  private mutating func grow() {
    let old = slots
    slots = [UInt32](repeating: 0, count: old.count * 2)
    let mask = slots.count - 1
    bytes.withUnsafeBufferPointer { all in
      for entry in old where entry != 0 {
        let string = UnsafeBufferPointer(rebasing: all[range(Int(entry) - 1)])
        var slot = Int(truncatingIfNeeded: Self.hash(string)) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = entry
      }
    }
  }

  /// FNV-1a with a final mix, so that the low bits depend on all bytes.
  private static func hash(_ string: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in string { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    hash ^= hash >> 32
    return hash &* 0x9E37_79B9_7F4A_7C15 >> 16
  }
}
