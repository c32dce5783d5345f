import Models

/// A state that the prefix store keeps: in memory, on disk, or both.
final class KeptState {
  /// The number of tokens taken in.
  let count: Int
  /// The smallest count the state can go back to.
  var oldestRollback: Int
  /// Whether a prompt or an answer ends here.
  var isEnd: Bool
  /// The state itself; nil when it is only on disk.
  var state: (any SequenceState)?
  /// The logits after the last token, where they are known.
  var logits: [Float]?
  /// The record on disk; nil when it is only in memory.
  var record: RecordIdentifier?
  /// When it was last used: the store's clock.
  var lastUse = 0
  /// Its place among the states in memory; only meaningful with `state`.
  var place = 0
  /// Where it hangs.
  unowned var node: PrefixNode

  init(count: Int, oldestRollback: Int, isEnd: Bool, node: PrefixNode) {
    self.count = count
    self.oldestRollback = oldestRollback
    self.isEnd = isEnd
    self.node = node
  }

  /// The bytes that it alone holds in memory.
  var privateByteCount: Int {
    (state?.tailByteCount ?? 0) + (logits?.count ?? 0) * MemoryLayout<Float>.stride
  }
}

/// A node of the prefix tree: a run of tokens after those of its parent, and what is known at its end.
final class PrefixNode {
  /// A complete page of 128 tokens, the last of which lies in the node.
  struct Page {
    /// The page; held exactly while a state in memory needs it.
    var page: (any StatePage)?
    /// Its record's name on disk, once computed.
    var identifier: RecordIdentifier?
  }

  /// What the states at and below a node allow, in one of the two places they are kept.
  struct Reach: Hashable {
    /// The number of states.
    var states = 0
    /// The smallest count one of them can go back to.
    var oldestRollback = Int.max
  }

  /// The number of tokens before the node's first.
  fileprivate(set) var start: Int
  /// The tokens from there on; only the root has none.
  fileprivate(set) var tokens: [Int32]
  fileprivate(set) unowned var parent: PrefixNode?
  /// By first token.
  fileprivate(set) var children: [Int32: PrefixNode] = [:]
  /// The pages that end in the node.
  var pages: [Page] = []
  /// The state at the end.
  fileprivate(set) var kept: KeptState?
  /// The states in memory, at the end of the node and below it.
  fileprivate(set) var inMemory = Reach()
  /// The states on disk, likewise.
  fileprivate(set) var onDisk = Reach()
  /// Whether a state at the end was dropped for want of room.
  var wasEvicted = false
  /// When a prompt last went through: the store's clock.
  var lastUse = 0

  fileprivate init(start: Int, tokens: [Int32], parent: PrefixNode?) {
    self.start = start
    self.tokens = tokens
    self.parent = parent
    pages = Array(repeating: Page(), count: end / tokensPerPage - start / tokensPerPage)
  }

  /// The number of tokens up to and including the node's last.
  var end: Int { start + tokens.count }
  /// The number of the first page that ends in the node.
  var firstPage: Int { start / tokensPerPage }

  /// The nodes from the first below the root to this one.
  var path: [PrefixNode] {
    var nodes: [PrefixNode] = []
    var node = self
    while let parent = node.parent {
      nodes.append(node)
      node = parent
    }
    return nodes.reversed()
  }

  /// The child used last.
  var newestChild: PrefixNode? {
    children.values.max { ($0.lastUse, $1.tokens[0]) < ($1.lastUse, $0.tokens[0]) }
  }
}

/// A radix tree over tokens: conversations that begin alike share nodes, and part at the exact token.
///
/// Nodes outlive their states, so that a miss can be explained; the oldest of those without states are forgotten when the
/// tree holds more than `tokenLimit` tokens.
struct PrefixTree {
  /// How far the tree knows a prompt.
  struct Location {
    /// The nodes that the prompt goes through, the last perhaps in part; empty when nothing matches.
    var path: [PrefixNode]
    /// The number of leading tokens known.
    var count: Int
    /// The token known after them; nil where the known conversation ends.
    var known: Int32?
  }

  /// What a node costs beside its tokens, in tokens.
  private static let nodeCost = 48

  let root = PrefixNode(start: 0, tokens: [], parent: nil)
  /// The tokens of all nodes.
  private(set) var tokenCount = 0
  private(set) var nodeCount = 0
  /// Above this, counting nodes too, what has no state is forgotten.
  let tokenLimit: Int

  init(tokenLimit: Int) { self.tokenLimit = tokenLimit }

  var isEmpty: Bool { root.children.isEmpty }

  // MARK: Finding

  /// Follows a prompt as far as it is known.
  func locate(_ tokens: [Int32]) -> Location {
    var node = root
    var path: [PrefixNode] = []
    while node.end < tokens.count, let child = node.children[tokens[node.end]] {
      path.append(child)
      let common = Self.commonCount(tokens, from: child.start, child.tokens)
      if common < child.tokens.count {
        return Location(
          path: path, count: child.start + common, known: child.tokens[common])
      }
      node = child
    }
    return Location(path: path, count: node.end, known: node.newestChild?.tokens[0])
  }

  /// What is known after the part of a prompt that is: at most `limit` tokens, along the conversation used last.
  func continuation(of found: Location, limit: Int) -> [Int32] {
    var node = found.path.last ?? root
    var tokens = Array(node.tokens[(found.count - node.start)...].prefix(limit))
    while tokens.count < limit, let child = node.newestChild {
      tokens += child.tokens.prefix(limit - tokens.count)
      node = child
    }
    return tokens
  }

  /// How many of `edge` equal those of `tokens` from `start` on.
  private static func commonCount(_ tokens: [Int32], from start: Int, _ edge: [Int32]) -> Int {
    tokens.withUnsafeBufferPointer { tokens in
      edge.withUnsafeBufferPointer { edge in
        let limit = min(edge.count, tokens.count - start)
        var index = 0
        while index < limit, tokens[start + index] == edge[index] { index += 1 }
        return index
      }
    }
  }

  // MARK: Adding

  /// The node that ends with the last of `tokens`, made if need be.
  mutating func insert(_ tokens: [Int32]) -> PrefixNode {
    let found = locate(tokens)
    guard var node = found.path.last else {
      return append(Array(tokens), to: root, start: 0)
    }
    if found.count < node.end { node = split(node, at: found.count) }
    return found.count == tokens.count
      ? node : append(Array(tokens[found.count...]), to: node, start: found.count)
  }

  private mutating func append(
    _ tokens: [Int32], to parent: PrefixNode, start: Int
  ) -> PrefixNode {
    guard let first = tokens.first else { return parent }
    let node = PrefixNode(start: start, tokens: tokens, parent: parent)
    parent.children[first] = node
    tokenCount += tokens.count
    nodeCount += 1
    return node
  }

  /// Parts a node in two, the first of which ends after `count` tokens of the conversation.
  private mutating func split(_ node: PrefixNode, at count: Int) -> PrefixNode {
    let length = count - node.start
    let upper = PrefixNode(
      start: node.start, tokens: Array(node.tokens[..<length]), parent: node.parent)
    let pages = upper.pages.count
    upper.pages = Array(node.pages[..<pages])
    upper.inMemory = node.inMemory
    upper.onDisk = node.onDisk
    upper.lastUse = node.lastUse
    node.parent?.children[node.tokens[0]] = upper
    node.pages.removeFirst(pages)
    node.tokens.removeFirst(length)
    node.start = count
    node.parent = upper
    upper.children[node.tokens[0]] = node
    nodeCount += 1
    return upper
  }

  // MARK: States

  /// Hangs a state at the end of a node that has none, or takes it away.
  func setKept(_ kept: KeptState?, at node: PrefixNode) {
    node.kept = kept
    updateReach(from: node)
  }

  /// Brings what nodes say of the states below them up to date, after a change of the state at the end of `node`.
  func updateReach(from node: PrefixNode) {
    var next: PrefixNode? = node
    while let node = next {
      var memory = PrefixNode.Reach()
      var disk = PrefixNode.Reach()
      if let kept = node.kept {
        if kept.state != nil { memory = .init(states: 1, oldestRollback: kept.oldestRollback) }
        if kept.record != nil { disk = .init(states: 1, oldestRollback: kept.oldestRollback) }
      }
      for child in node.children.values {
        memory.states += child.inMemory.states
        memory.oldestRollback = min(memory.oldestRollback, child.inMemory.oldestRollback)
        disk.states += child.onDisk.states
        disk.oldestRollback = min(disk.oldestRollback, child.onDisk.oldestRollback)
      }
      if memory == node.inMemory, disk == node.onDisk { return }
      node.inMemory = memory
      node.onDisk = disk
      next = node.parent
    }
  }

  /// The state to use for as many of a known prompt's tokens as possible, and how many those are.
  ///
  /// - Parameters:
  ///   - limit: the most tokens that may be reused; at most `found.count`.
  ///   - place: which states are looked at.
  func best(
    _ found: Location, limit: Int, _ place: KeyPath<PrefixNode, PrefixNode.Reach>
  ) -> (kept: KeptState, count: Int)? {
    for node in found.path.reversed() where node.start < limit {
      let count = min(limit, node.end)
      if node[keyPath: place].oldestRollback <= count,
        let kept = state(at: node, reaching: count, place)
      {
        return (kept, count)
      }
    }
    return nil
  }

  /// A state at or below a node that can go back to `count`: the one nearest to it.
  private func state(
    at node: PrefixNode, reaching count: Int, _ place: KeyPath<PrefixNode, PrefixNode.Reach>
  ) -> KeptState? {
    var level = [node]
    while !level.isEmpty {
      for node in level {
        guard let kept = node.kept, kept.oldestRollback <= count else { continue }
        if place == \.inMemory ? kept.state != nil : kept.record != nil { return kept }
      }
      level = level.flatMap { node in
        node.children.values.filter { $0[keyPath: place].oldestRollback <= count }
          .sorted { $0.tokens[0] < $1.tokens[0] }
      }
    }
    return nil
  }

  // MARK: Forgetting

  /// Forgets the branches without states that were used longest ago, when the tree is over its limit.
  mutating func trim() {
    guard cost > tokenLimit else { return }
    var leaves: [PrefixNode] = []
    var open = Array(root.children.values)
    while let node = open.popLast() {
      if node.children.isEmpty { leaves.append(node) } else { open += node.children.values }
    }
    leaves.sort { ($0.lastUse, $0.end) < ($1.lastUse, $1.end) }
    for leaf in leaves {
      var next: PrefixNode? = leaf
      while cost > tokenLimit / 10 * 9, let node = next, let parent = node.parent,
        node.children.isEmpty, node.kept == nil
      {
        parent.children[node.tokens[0]] = nil
        tokenCount -= node.tokens.count
        nodeCount -= 1
        next = parent
      }
    }
  }

  private var cost: Int { tokenCount + nodeCount * Self.nodeCost }
}
