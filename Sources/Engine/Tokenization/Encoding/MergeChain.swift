/// Merges long pieces: the tokens are a linked list, and the places where a pair can merge wait in one queue for each
/// rank.
///
/// O(n log n) at worst. While the merges of one rank are made from left to right the places of the next ranks are
/// found from left to right too, so that most of the time they are only appended: then it is O(n).
struct MergeChain {
  private struct Link {
    var token: UInt32
    var previous: Int32
    var next: Int32
    /// What this token and the next become.
    var merge: MergeTable.Merge
  }

  private static let nothing = MergeTable.Merge(rank: MergeTable.none, token: 0)

  private var links: [Link] = []
  private var queues: [PositionQueue] = []
  private var queueOfRank: [UInt32: Int] = [:]
  /// The ranks whose queues may hold something, each once.
  private var ranks = MinimumHeap<UInt32>()

  /// Appends the tokens of a piece of at least two bytes to `result`.
  mutating func merge(
    _ piece: UnsafeBufferPointer<UInt8>, _ vocabulary: Vocabulary, _ result: inout [Int32]
  ) {
    links.reserveCapacity(piece.count)
    for (index, byte) in piece.enumerated() {
      links.append(
        Link(
          token: vocabulary.byteTokens[Int(byte)], previous: Int32(index - 1),
          next: index + 1 < piece.count ? Int32(index + 1) : -1, merge: Self.nothing))
    }
    for index in links.indices { update(Int32(index), vocabulary) }
    while let rank = ranks.first, let queue = queueOfRank[rank] {
      guard let position = queues[queue].popFirst() else {
        // The rank is still the smallest: nothing was listed since it was looked at.
        ranks.removeFirst()
        continue
      }
      // A pair that has changed since it was queued has another rank: tokens only grow.
      if links[Int(position)].merge.rank == rank { apply(position, vocabulary) }
    }
    var index: Int32 = 0
    while index >= 0 {
      result.append(Int32(truncatingIfNeeded: links[Int(index)].token))
      index = links[Int(index)].next
    }
    links.removeAll(keepingCapacity: links.capacity < 1 << 16)
    queues.removeAll()
    queueOfRank.removeAll()
  }

  private mutating func apply(_ position: Int32, _ vocabulary: Vocabulary) {
    let place = Int(position)
    let gone = Int(links[place].next)
    let next = links[gone].next
    links[gone].merge = Self.nothing
    links[place].token = links[place].merge.token
    links[place].next = next
    if next >= 0 { links[Int(next)].previous = position }
    if links[place].previous >= 0 { update(links[place].previous, vocabulary) }
    update(position, vocabulary)
  }

  /// Finds out what the token at `position` and the next become, and queues the place.
  private mutating func update(_ position: Int32, _ vocabulary: Vocabulary) {
    let link = links[Int(position)]
    guard link.next >= 0 else {
      links[Int(position)].merge = Self.nothing
      return
    }
    let merge = vocabulary.merges.merge(link.token, links[Int(link.next)].token)
    links[Int(position)].merge = merge
    guard merge.rank != MergeTable.none else { return }
    let queue: Int
    if let known = queueOfRank[merge.rank] {
      queue = known
    } else {
      queue = queues.count
      queues.append(PositionQueue())
      queueOfRank[merge.rank] = queue
    }
    if !queues[queue].isListed { ranks.insert(merge.rank) }
    queues[queue].insert(position)
  }
}

/// Positions, taken out from the left: a sorted run for those that come in order and a heap for the others.
private struct PositionQueue {
  private var run: [Int32] = []
  private var taken = 0
  private var late = MinimumHeap<Int32>()
  /// Whether the rank of this queue is listed: from the first `insert` on until `popFirst` finds nothing.
  private(set) var isListed = false

  mutating func insert(_ position: Int32) {
    isListed = true
    if taken == run.count || run[run.count - 1] < position {
      run.append(position)
    } else {
      late.insert(position)
    }
  }

  /// The leftmost position, or nil, after which the rank is not listed.
  mutating func popFirst() -> Int32? {
    let next = taken < run.count ? run[taken] : nil
    guard let first = late.first, first < next ?? Int32.max else {
      if next == nil {
        run.removeAll(keepingCapacity: true)
        taken = 0
        isListed = false
      } else {
        taken += 1
      }
      return next
    }
    late.removeFirst()
    return first
  }
}

/// A binary heap with the smallest element first.
struct MinimumHeap<Element: Comparable> {
  private var elements: [Element] = []

  /// The smallest element.
  var first: Element? { elements.first }

  /// Adds an element. O(log n).
  mutating func insert(_ element: Element) {
    elements.append(element)
    var index = elements.count - 1
    while index > 0 {
      let parent = (index - 1) / 2
      guard element < elements[parent] else { break }
      elements[index] = elements[parent]
      index = parent
    }
    elements[index] = element
  }

  /// Takes the smallest element out. O(log n).
  mutating func removeFirst() {
    guard let moving = elements.popLast(), !elements.isEmpty else { return }
    var index = 0
    while true {
      var child = 2 * index + 1
      guard child < elements.count else { break }
      if child + 1 < elements.count, elements[child + 1] < elements[child] { child += 1 }
      guard elements[child] < moving else { break }
      elements[index] = elements[child]
      index = child
    }
    elements[index] = moving
  }
}
