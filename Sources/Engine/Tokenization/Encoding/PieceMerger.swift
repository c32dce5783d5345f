/// Merges the bytes of pieces into tokens: always the pair of the lowest rank, the leftmost of equals.
///
/// Short pieces are searched through, long ones go through a `MergeChain`, so that the time is O(n log n) however long
/// the piece is. Working memory is kept from piece to piece.
struct PieceMerger {
  private let vocabulary: Vocabulary
  private var cache: PieceCache
  private var tokens: [UInt32] = []
  private var pairs: [MergeTable.Merge] = []
  private var chain = MergeChain()

  /// Up to this many bytes, looking through all pairs is faster than a chain.
  private static let longestSearched = 48

  /// Makes a merger for a text of about `byteCount` bytes.
  init(_ vocabulary: Vocabulary, byteCount: Int) {
    self.vocabulary = vocabulary
    cache = PieceCache(byteCount: byteCount)
  }

  /// Appends the tokens of a non-empty piece to `result`.
  mutating func append(_ piece: UnsafeBufferPointer<UInt8>, to result: inout [Int32]) {
    if piece.count == 1 {
      let token = vocabulary.byteTokens[Int(piece[0])]
      result.append(Int32(truncatingIfNeeded: token))
      return
    }
    guard let key = PieceCache.Key(piece) else {
      merge(piece, &result)
      return
    }
    if cache.append(key, to: &result) { return }
    let start = result.count
    merge(piece, &result)
    cache.insert(key, result[start...])
  }

  private mutating func merge(_ piece: UnsafeBufferPointer<UInt8>, _ result: inout [Int32]) {
    if vocabulary.prefersWholePieces, let token = vocabulary.contents.find(piece) {
      result.append(Int32(token))
    } else if piece.count <= Self.longestSearched {
      mergeBySearch(piece, &result)
    } else {
      chain.merge(piece, vocabulary, &result)
    }
  }

  private mutating func mergeBySearch(
    _ piece: UnsafeBufferPointer<UInt8>, _ result: inout [Int32]
  ) {
    tokens.removeAll(keepingCapacity: true)
    pairs.removeAll(keepingCapacity: true)
    for byte in piece { tokens.append(vocabulary.byteTokens[Int(byte)]) }
    for index in 0..<tokens.count - 1 {
      pairs.append(vocabulary.merges.merge(tokens[index], tokens[index + 1]))
    }
    while true {
      var best = 0
      var rank = MergeTable.none
      for index in pairs.indices where pairs[index].rank < rank {
        rank = pairs[index].rank
        best = index
      }
      if rank == MergeTable.none { break }
      tokens[best] = pairs[best].token
      tokens.remove(at: best + 1)
      pairs.remove(at: best)
      if best > 0 { pairs[best - 1] = vocabulary.merges.merge(tokens[best - 1], tokens[best]) }
      if best < pairs.count {
        pairs[best] = vocabulary.merges.merge(tokens[best], tokens[best + 1])
      }
    }
    for token in tokens { result.append(Int32(truncatingIfNeeded: token)) }
  }
}
