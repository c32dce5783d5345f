/// Remembers the tokens of short pieces during one call. What it forgets is merged again; it never changes a result.
struct PieceCache {
  /// A piece of at most 15 bytes and its length, exactly.
  struct Key {
    fileprivate var low: UInt64
    fileprivate var high: UInt64

    /// The key of a piece, or nil for pieces that are too long.
    @inline(__always)
    init?(_ piece: UnsafeBufferPointer<UInt8>) {
      guard piece.count <= 15 else { return nil }
      low = 0
      high = UInt64(piece.count) << 56
      for index in 0..<min(piece.count, 8) { low |= UInt64(piece[index]) << (8 * index) }
      for index in 8..<max(piece.count, 8) { high |= UInt64(piece[index]) << (8 * (index - 8)) }
    }
  }

  private struct Entry {
    var low: UInt64 = 0
    var high: UInt64 = 0
    var count: UInt32 = 0
    var tokens: (Int32, Int32, Int32) = (0, 0, 0)
  }

  private var entries: [Entry]

  /// Makes a cache sized for a text: none for short ones, 512 KB for long ones.
  init(byteCount: Int) {
    var size = 1
    while size < 16_384, size < byteCount / 16 { size *= 2 }
    entries = [Entry](repeating: Entry(), count: size)
  }

  /// Appends the tokens of a piece to `result` and returns true if they are known.
  @inline(__always)
  func append(_ key: Key, to result: inout [Int32]) -> Bool {
    let entry = entries.withUnsafeBufferPointer { $0[slot(key)] }
    guard entry.low == key.low, entry.high == key.high else { return false }
    result.append(entry.tokens.0)
    if entry.count > 1 { result.append(entry.tokens.1) }
    if entry.count > 2 { result.append(entry.tokens.2) }
    return true
  }

  /// Remembers up to three tokens of a piece in the place of another piece.
  mutating func insert(_ key: Key, _ tokens: ArraySlice<Int32>) {
    guard (1...3).contains(tokens.count) else { return }
    let start = tokens.startIndex
    entries[slot(key)] = Entry(
      low: key.low, high: key.high, count: UInt32(tokens.count),
      tokens: (
        tokens[start], tokens.count > 1 ? tokens[start + 1] : 0,
        tokens.count > 2 ? tokens[start + 2] : 0
      ))
  }

  @inline(__always)
  private func slot(_ key: Key) -> Int {
    var hash = (key.low ^ key.high &* 0x9E37_79B9_7F4A_7C15) &* 0xFF51_AFD7_ED55_8CCD
    hash ^= hash >> 32
    return Int(truncatingIfNeeded: hash) & (entries.count - 1)
  }
}
