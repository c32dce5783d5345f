/// The merges of a vocabulary: which two tokens join to which, and in which order of preference.
struct MergeTable: Sendable {
  /// What a pair of tokens becomes.
  struct Merge: Sendable {
    /// The place in the list of merges; the lowest is done first.
    var rank: UInt32
    /// The token that the pair becomes.
    var token: UInt32
  }

  /// The rank of pairs that do not merge.
  static let none = UInt32.max

  private struct Slot {
    var key: UInt64
    var merge: Merge
  }

  private var slots: [Slot]
  private(set) var count = 0

  /// Makes an empty table with room for `capacity` merges, and no more.
  init(capacity: Int) {
    var size = 16
    while size < capacity * 2 { size *= 2 }
    let free = Slot(key: UInt64.max, merge: Merge(rank: Self.none, token: 0))
    slots = [Slot](repeating: free, count: size)
  }

  /// Adds a merge; returns the rank of an earlier merge of the same pair, which stays.
  mutating func insert(_ left: UInt32, _ right: UInt32, _ merge: Merge) -> UInt32? {
    precondition(count * 2 < slots.count, "the table is full")
    let key = UInt64(left) << 32 | UInt64(right)
    var slot = index(key)
    while slots[slot].key != UInt64.max {
      if slots[slot].key == key { return slots[slot].merge.rank }
      slot = (slot + 1) & (slots.count - 1)
    }
    slots[slot] = Slot(key: key, merge: merge)
    count += 1
    return nil
  }

  /// What two neighbours become; its rank is `none` when they do not merge. O(1) on average.
  @inline(__always)
  func merge(_ left: UInt32, _ right: UInt32) -> Merge {
    let key = UInt64(left) << 32 | UInt64(right)
    return slots.withUnsafeBufferPointer { slots in
      var slot = index(key)
      // Free slots carry the rank `none`, so a failed search returns one of them.
      while slots[slot].key != key, slots[slot].key != UInt64.max {
        slot = (slot + 1) & (slots.count - 1)
      }
      return slots[slot].merge
    }
  }

  @inline(__always)
  private func index(_ key: UInt64) -> Int {
    var hash = key &* 0x9E37_79B9_7F4A_7C15
    hash ^= hash >> 29
    return Int(truncatingIfNeeded: hash) & (slots.count - 1)
  }
}
