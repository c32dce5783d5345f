/// Merges the bytes of pieces into tokens: always the pair of the lowest rank, the leftmost of equals.
///
/// Short pieces are searched through, long ones keep their pairs in a heap, so that the time is O(n log n) however
/// long the piece is. Working memory is kept from piece to piece.
struct PieceMerger {
  private let vocabulary: Vocabulary
  private var cache: PieceCache
  private var tokens: [UInt32] = []
  private var pairs: [MergeTable.Merge] = []
  private var chain = MergeChain()

  /// Up to this many bytes, looking through all pairs is faster than a heap.
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

/// The tokens of a long piece as a linked list, with a heap of the pairs that can merge.
private struct MergeChain {
  private struct Link {
    var token: UInt32
    var previous: Int32
    var next: Int32
  }

  private struct Candidate {
    var rank: UInt32
    var position: Int32
    var left: UInt32
    var right: UInt32

    static func < (a: Candidate, b: Candidate) -> Bool {
      a.rank != b.rank ? a.rank < b.rank : a.position < b.position
    }
  }

  private static let removed = UInt32.max - 1

  private var links: [Link] = []
  private var heap: [Candidate] = []

  mutating func merge(
    _ piece: UnsafeBufferPointer<UInt8>, _ vocabulary: Vocabulary, _ result: inout [Int32]
  ) {
    links.removeAll(keepingCapacity: true)
    heap.removeAll(keepingCapacity: true)
    links.reserveCapacity(piece.count)
    for (index, byte) in piece.enumerated() {
      let next = index + 1 < piece.count ? Int32(index + 1) : -1
      links.append(
        Link(
          token: vocabulary.byteTokens[Int(byte)], previous: Int32(index - 1), next: next))
    }
    for index in 0..<piece.count - 1 {
      if let candidate = candidate(Int32(index), vocabulary) { heap.append(candidate) }
    }
    for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    while let candidate = pop() { apply(candidate, vocabulary) }
    var index: Int32 = 0
    while index >= 0 {
      result.append(Int32(truncatingIfNeeded: links[Int(index)].token))
      index = links[Int(index)].next
    }
    // A huge piece must not pin its working memory to the rest of the text.
    if links.capacity > 1 << 16 { (links, heap) = ([], []) }
  }

  private mutating func apply(_ candidate: Candidate, _ vocabulary: Vocabulary) {
    let position = Int(candidate.position)
    let link = links[position]
    // Entries of pairs that have changed since are stale.
    guard link.token == candidate.left, link.next >= 0,
      links[Int(link.next)].token == candidate.right
    else { return }
    let merge = vocabulary.merges.merge(candidate.left, candidate.right)
    let gone = Int(link.next)
    let next = links[gone].next
    links[gone].token = Self.removed
    links[position].token = merge.token
    links[position].next = next
    if next >= 0 { links[Int(next)].previous = candidate.position }
    if link.previous >= 0 { push(self.candidate(link.previous, vocabulary)) }
    push(self.candidate(candidate.position, vocabulary))
  }

  private func candidate(_ position: Int32, _ vocabulary: Vocabulary) -> Candidate? {
    let link = links[Int(position)]
    guard link.next >= 0 else { return nil }
    let right = links[Int(link.next)].token
    let merge = vocabulary.merges.merge(link.token, right)
    guard merge.rank != MergeTable.none else { return nil }
    return Candidate(rank: merge.rank, position: position, left: link.token, right: right)
  }

  private mutating func push(_ candidate: Candidate?) {
    guard let candidate else { return }
    heap.append(candidate)
    var index = heap.count - 1
    while index > 0 {
      let parent = (index - 1) / 2
      guard candidate < heap[parent] else { break }
      heap[index] = heap[parent]
      index = parent
    }
    heap[index] = candidate
  }

  private mutating func pop() -> Candidate? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    if !heap.isEmpty {
      heap[0] = last
      siftDown(0)
    }
    return first
  }

  private mutating func siftDown(_ start: Int) {
    let moving = heap[start]
    var index = start
    while true {
      var child = 2 * index + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
      guard heap[child] < moving else { break }
      heap[index] = heap[child]
      index = child
    }
    heap[index] = moving
  }
}
