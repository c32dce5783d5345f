import Models

/// Complete pages of many sequences, found by their tokens: a tree with one edge for every block of 128 tokens.
///
/// Sequences that begin with the same tokens meet in the same node and share its page. Since nodes are found by the
/// tokens themselves and not by a hash of them, two different prefixes can never be taken for one another. Some nodes
/// also keep a whole state at their end, from which a new sequence continues without computing the prefix again. The
/// tree itself keeps no page alive: sequences and kept states do.
///
/// Belongs to one model and, like its states, to one thread at a time.
public final class PageTree {
  private final class Node {
    let tokens: [Int32]
    unowned let parent: Node?
    weak var page: (any StatePage)?
    var children: [[Int32]: Node] = [:]
    /// The state after this node's last token.
    var state: (any SequenceState)?
    var lastUse = 0

    init(tokens: [Int32], parent: Node?) {
      self.tokens = tokens
      self.parent = parent
    }
  }

  private let root = Node(tokens: [], parent: nil)
  private var clock = 0
  /// The nodes that keep a state.
  private var resumable: [Node] = []
  /// The private bytes of all kept states together; above this those unused for longest are dropped.
  public let stateByteLimit: Int
  private var stateBytes = 0
  private var sharesUntilSweep = 64

  /// Makes an empty tree that keeps states of at most `stateByteLimit` private bytes together.
  public init(stateByteLimit: Int) { self.stateByteLimit = max(0, stateByteLimit) }

  /// The number of states kept.
  public var stateCount: Int { resumable.count }

  /// The number of pages in use, each once however many sequences share it.
  public var pageCount: Int {
    var total = 0
    var open = [root]
    while let next = open.popLast() {
      if next.page != nil { total += 1 }
      open.append(contentsOf: next.children.values)
    }
    return total
  }

  /// The longest kept state whose tokens are a proper prefix of `tokens`: a fork of it, ready to go on.
  ///
  /// At least one token is left over, because the logits after the last one have to be computed.
  public func resume(_ tokens: [Int32]) -> (any SequenceState)? {
    var node = root
    var best: Node?
    var start = 0
    while start + tokensPerPage < tokens.count {
      guard let child = node.children[Array(tokens[start..<start + tokensPerPage])] else { break }
      node = child
      start += tokensPerPage
      if node.state != nil { best = node }
    }
    guard let best, let state = best.state else { return nil }
    clock += 1
    best.lastUse = clock
    return state.fork()
  }

  /// Makes a sequence's complete pages known and replaces those that another sequence has too by the shared ones.
  ///
  /// - Parameters:
  ///   - tokens: the tokens the state took in, all of them.
  ///   - keepsState: whether new sequences may continue here; only possible when `state.count` is a multiple of 128.
  public func share(_ state: any SequenceState, tokens: [Int32], keepsState: Bool) {
    precondition(tokens.count == state.count, "the tokens are those of the state")
    var node = root
    for (index, page) in state.pages.enumerated() {
      let start = index * tokensPerPage
      let block = Array(tokens[start..<start + tokensPerPage])
      let child = node.children[block] ?? Node(tokens: block, parent: node)
      node.children[block] = child
      if let known = child.page {
        if known !== page { state.adopt(known, at: index) }
      } else {
        child.page = page
      }
      node = child
    }
    sharesUntilSweep -= 1
    if sharesUntilSweep == 0 { sweep() }
    guard keepsState, state.count > 0, state.count % tokensPerPage == 0,
      state.pages.count == state.count / tokensPerPage, state.tailByteCount <= stateByteLimit
    else { return }
    clock += 1
    node.lastUse = clock
    guard node.state == nil else { return }
    let kept = state.fork()
    node.state = kept
    resumable.append(node)
    stateBytes += kept.tailByteCount
    while stateBytes > stateByteLimit { dropOldestState() }
  }

  private func dropOldestState() {
    guard let index = resumable.indices.min(by: { resumable[$0].lastUse < resumable[$1].lastUse })
    else { return }
    let node = resumable.remove(at: index)
    stateBytes -= node.state?.tailByteCount ?? 0
    node.state = nil
  }

  /// Removes the nodes whose pages nobody holds any more.
  private func sweep() {
    sharesUntilSweep = 64
    var order: [Node] = []
    var open = [root]
    while let next = open.popLast() {
      order.append(next)
      open.append(contentsOf: next.children.values)
    }
    for node in order.reversed()
    where node.page == nil && node.state == nil && node.children.isEmpty {
      node.parent?.children[node.tokens] = nil
    }
  }
}
