/// Places of one entry point, as one bit each: what a search has visited.
struct PlaceSet {
  private let starts: [Int]
  private var bits: [UInt64]

  /// An empty set for the places of an entry point.
  init(of entry: EntryPoint) {
    starts = entry.frameStarts
    bits = Array(repeating: 0, count: (entry.placeCount + 63) / 64)
  }

  /// Adds a place; answers whether it was not there before.
  mutating func insert(_ place: Place) -> Bool {
    let index = starts[Int(place.frame.index)] + Int(place.value.index)
    let bit: UInt64 = 1 << UInt64(index & 63)
    guard bits[index >> 6] & bit == 0 else { return false }
    bits[index >> 6] |= bit
    return true
  }
}
