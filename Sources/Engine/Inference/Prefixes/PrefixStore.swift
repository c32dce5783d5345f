import Models

/// What a model's finished sequences leave for those that begin alike: a radix tree over tokens, with complete pages of 128
/// tokens that sequences share and states at any token count.
///
/// Tokens are compared themselves, not hashes of them, so that two prefixes can never be taken for one another. Results
/// after `resume` have the bits of a computation from the first token.
///
/// Belongs, like the model, to one thread at a time.
public final class PrefixStore {
  let model: any LanguageModel
  let disk: PrefixDisk?
  /// The most bytes of pages, tails and logits kept in memory.
  public let memoryLimit: Int
  /// The bytes of pages (each once however many states share it), tails and logits kept in memory.
  public private(set) var memoryByteCount = 0

  var tree: PrefixTree
  var clock = 0
  /// All states in memory.
  private var inMemory: [KeptState] = []
  /// The states on disk.
  var onDisk: [RecordIdentifier: KeptState] = [:]
  /// The states that are to be written, oldest first.
  var unwritten: [KeptState] = []
  private var pageCount = 0
  private var counted = PrefixFigures()

  /// The most tokens whose order is remembered, states or not; 4 bytes each.
  private static let tokenLimit = 4 << 20
  /// After how many bytes `keep` and `resume` stop handing over to the disk.
  static let writtenAtOnce = 32 << 20

  /// Makes a store, with what the disk holds already.
  ///
  /// - Parameters:
  ///   - memoryLimit: the most bytes of pages, tails and logits kept in memory; states used longest ago go first.
  ///   - disk: where states survive the process; nil for memory alone.
  public init(model: any LanguageModel, memoryLimit: Int, disk: PrefixDisk? = nil) {
    self.model = model
    self.memoryLimit = max(0, memoryLimit)
    self.disk = disk
    tree = PrefixTree(tokenLimit: Self.tokenLimit)
    for stored in disk?.storedStates() ?? [] { admit(stored) }
  }

  /// Figures of this moment.
  public var figures: PrefixFigures {
    var figures = counted
    figures.states = inMemory.count
    figures.pages = pageCount
    figures.memoryByteCount = memoryByteCount
    figures.memoryLimit = memoryLimit
    figures.knownTokens = tree.tokenCount
    figures.disk = disk?.figures
    return figures
  }

  /// The states in memory, with the tokens they took in.
  package var statesInMemory: [(tokens: [Int32], state: any SequenceState, logits: [Float]?)] {
    inMemory.compactMap { kept in
      guard let state = kept.state else { return nil }
      return (Array(kept.node.path.map(\.tokens).joined()), state, kept.logits)
    }
  }

  // MARK: Resuming

  /// The state for the longest reusable prefix of a prompt, for the caller alone, and why it is not longer.
  ///
  /// At least one token is left over, since the logits after the last one have to be computed; unless `acceptsLogits` is
  /// set and those logits are known.
  ///
  /// - Parameters:
  ///   - tokens: the whole prompt, at least one token.
  ///   - acceptsLogits: whether a match of the whole prompt, with its logits, is welcome.
  public func resume(_ tokens: [Int32], acceptsLogits: Bool = false) -> PrefixMatch {
    precondition(!tokens.isEmpty, "a prompt has at least one token")
    clock += 1
    forgetRemovedRecords()
    writeBehind(byteLimit: Self.writtenAtOnce)
    let found = tree.locate(tokens)
    for node in found.path { node.lastUse = clock }
    let wasEmpty = tree.isEmpty
    let limit = min(found.count, tokens.count - 1)
    var damage = false
    var match: PrefixMatch?
    if acceptsLogits, found.count == tokens.count, let node = found.path.last,
      node.end == tokens.count, let kept = node.kept, kept.logits != nil || kept.record != nil
    {
      var fromDisk = 0
      if kept.state == nil { fromDisk = load(kept, damage: &damage) ?? 0 }
      if let state = kept.state, let logits = kept.logits {
        use(kept)
        match = PrefixMatch(
          state: state.fork(), count: tokens.count, logits: logits, miss: nil,
          readFromDisk: fromDisk)
      }
    }
    let result = match ?? resume(tokens, found, limit: limit, wasEmpty: wasEmpty, &damage)
    counted.lookups += 1
    counted.lookedUpTokens += tokens.count
    counted.reusedTokens += result.count
    counted.tokensFromDisk += result.readFromDisk
    if result.readFromDisk > 0 { evict(toFit: memoryLimit) }
    return result
  }

  private func resume(
    _ tokens: [Int32], _ found: PrefixTree.Location, limit: Int, wasEmpty: Bool,
    _ damage: inout Bool
  ) -> PrefixMatch {
    var state: (any SequenceState)?
    var count = 0
    var fromDisk = 0
    while limit > 0 {
      let memory = tree.best(found, limit: limit, \.inMemory)
      let stored = tree.best(found, limit: limit, \.onDisk)
      if let stored, stored.count > memory?.count ?? 0, stored.kept.state == nil {
        // A damaged record is removed by the attempt, so that this ends.
        guard let read = load(stored.kept, damage: &damage) else { continue }
        fromDisk = min(read, stored.count)
        (state, count) = (fork(stored.kept, at: stored.count), stored.count)
      } else if let memory {
        (state, count) = (fork(memory.kept, at: memory.count), memory.count)
      }
      break
    }
    let reused = state == nil ? 0 : count
    return PrefixMatch(
      state: state ?? model.makeState(), count: reused,
      miss: miss(
        tokens, found, limit: limit, reused: reused, wasEmpty: wasEmpty, damaged: damage),
      readFromDisk: state == nil ? 0 : fromDisk,
      checkpoints: model.rollsBackFreely
        ? []
        : CheckpointSpacing.planned(
          from: reused, to: tokens.count,
          departure: found.known == nil ? reused : found.count))
  }

  /// A state for the caller, from a kept one of at least `count` tokens that can go back there.
  private func fork(_ kept: KeptState, at count: Int) -> (any SequenceState)? {
    guard let state = kept.state?.fork() else { return nil }
    do {
      try state.rollBack(to: count)
    } catch {
      return nil
    }
    use(kept)
    return state
  }

  private func use(_ kept: KeptState) {
    kept.lastUse = clock
    if let record = kept.record { disk?.touch(record) }
  }

  private func miss(
    _ tokens: [Int32], _ found: PrefixTree.Location, limit: Int, reused: Int, wasEmpty: Bool,
    damaged: Bool
  ) -> PrefixMiss? {
    let given = found.count < tokens.count ? tokens[found.count] : nil
    func miss(_ reason: PrefixMiss.Reason) -> PrefixMiss {
      PrefixMiss(
        reason: reason, position: found.count,
        known: tree.continuation(of: found, limit: PrefixMiss.knownLimit), given: given)
    }
    if reused < limit {
      if damaged { return miss(.damagedOnDisk) }
      let wasEvicted = found.path.contains { $0.wasEvicted && $0.end > reused }
      return miss(wasEvicted ? .evicted : .betweenCheckpoints)
    }
    if wasEmpty || found.count == 0 { return miss(.firstUse) }
    return given != nil && found.known != nil ? miss(.differs) : nil
  }

  // MARK: Keeping

  /// Remembers a state at its present token count, for sequences that begin alike. Its complete pages are replaced by equal
  /// ones that are kept already, so that their memory is shared; otherwise it is not changed and goes on as before.
  ///
  /// - Parameters:
  ///   - tokens: the tokens the state took in, all of them.
  ///   - logits: those after the last token, if the same prompt may come again.
  ///   - point: what the state is the state of.
  public func keep(
    _ state: any SequenceState, tokens: [Int32], logits: [Float]? = nil, as point: KeptPoint = .end
  ) {
    precondition(tokens.count == state.count, "the tokens are those of the state")
    guard !tokens.isEmpty else { return }
    clock += 1
    forgetRemovedRecords()
    let node = tree.insert(tokens)
    let path = node.path
    for node in path { node.lastUse = clock }
    adoptPages(path, state)
    guard let kept = hold(state, logits: logits, at: node, path) else { return }
    if point == .end { kept.isEnd = true }
    kept.lastUse = clock
    node.wasEvicted = false
    store(kept)
    thin(path, newest: kept)
    evict(toFit: memoryLimit)
    tree.trim()
  }

  /// Puts the pages the tree has in the place of the state's own.
  private func adoptPages(_ path: [PrefixNode], _ state: any SequenceState) {
    let pages = state.pages
    for node in path where node.inMemory.states > 0 {
      for (offset, known) in node.pages.enumerated() {
        let index = node.firstPage + offset
        if let page = known.page, page !== pages[index] { state.adopt(page, at: index) }
      }
    }
  }

  /// Keeps a fork of the state, unless one as good is kept already.
  ///
  /// - Returns: nil when the state alone is larger than the limit.
  private func hold(
    _ state: any SequenceState, logits: [Float]?, at node: PrefixNode, _ path: [PrefixNode]
  ) -> KeptState? {
    let logitsBytes = (logits?.count ?? 0) * MemoryLayout<Float>.stride
    guard state.pageByteCount + state.tailByteCount + logitsBytes <= memoryLimit else {
      if node.kept == nil { node.wasEvicted = true }
      return node.kept
    }
    if let kept = node.kept {
      if kept.state != nil, kept.oldestRollback <= state.oldestRollback {
        if kept.logits == nil, let logits {
          kept.logits = logits
          memoryByteCount += logitsBytes
        }
        return kept
      }
      // What the disk has can go back to another point than what memory is about to have.
      if kept.oldestRollback != state.oldestRollback { removeFromDisk(kept) }
      removeFromMemory(kept)
    }
    let kept =
      node.kept
      ?? KeptState(
        count: state.count, oldestRollback: state.oldestRollback, isEnd: false, node: node)
    hold(kept, state.fork(), logits: logits, path)
    return kept
  }

  /// Makes a state, with the pages of its path, part of what is in memory.
  func hold(
    _ kept: KeptState, _ state: any SequenceState, logits: [Float]?, _ path: [PrefixNode]
  ) {
    let pages = state.pages
    for node in path {
      for offset in node.pages.indices where node.pages[offset].page == nil {
        let page = pages[node.firstPage + offset]
        node.pages[offset].page = page
        memoryByteCount += page.byteCount
        pageCount += 1
      }
    }
    kept.state = state
    kept.logits = logits
    kept.place = inMemory.count
    inMemory.append(kept)
    memoryByteCount += kept.privateByteCount
    if kept.node.kept === kept {
      tree.updateReach(from: kept.node)
    } else {
      tree.setKept(kept, at: kept.node)
    }
  }

  /// Drops a state from memory, and the pages that no other state in memory needs.
  private func removeFromMemory(_ kept: KeptState) {
    guard kept.state != nil else { return }
    memoryByteCount -= kept.privateByteCount
    kept.state = nil
    kept.logits = nil
    let last = inMemory.removeLast()
    if last !== kept {
      inMemory[kept.place] = last
      last.place = kept.place
    }
    let node = kept.node
    tree.updateReach(from: node)
    var next: PrefixNode? = node
    while let node = next, node.inMemory.states == 0 {
      for offset in node.pages.indices {
        guard let page = node.pages[offset].page else { continue }
        memoryByteCount -= page.byteCount
        pageCount -= 1
        node.pages[offset].page = nil
      }
      next = node.parent
    }
    if kept.record == nil { tree.setKept(nil, at: node) }
  }

  /// Drops the states of a conversation that lie too close together, and for models that go back freely all that a later one
  /// stands for.
  private func thin(_ path: [PrefixNode], newest: KeptState) {
    var points: [CheckpointSpacing.Point] = []
    var byCount: [Int: KeptState] = [:]
    for node in path.dropLast().reversed() {
      guard let kept = node.kept else { continue }
      let live = node.children.values.reduce(0) {
        $0 + ($1.inMemory.states + $1.onDisk.states > 0 ? 1 : 0)
      }
      points.append(
        CheckpointSpacing.Point(count: kept.count, isEnd: kept.isEnd, isFixed: live > 1))
      byCount[kept.count] = kept
    }
    var dropped = Set(CheckpointSpacing.superfluous(points, newest: newest.count))
    if newest.oldestRollback == 0, model.rollsBackFreely {
      for point in points where !point.isFixed && byCount[point.count]?.logits == nil {
        dropped.insert(point.count)
      }
    }
    for point in points where dropped.contains(point.count) {
      guard let kept = byCount[point.count] else { continue }
      if newest.state != nil { removeFromMemory(kept) }
      if newest.record != nil { removeFromDisk(kept) }
    }
  }

  // MARK: Evicting

  /// The bytes kept in memory that running sequences do not hold anyway.
  ///
  /// - Parameter pages: the identities of the complete pages of those sequences.
  public func memoryByteCount(excluding pages: Set<ObjectIdentifier>) -> Int {
    var bytes = memoryByteCount
    var open = [tree.root]
    while let node = open.popLast() {
      for place in node.pages {
        if let page = place.page, pages.contains(ObjectIdentifier(page)) { bytes -= page.byteCount }
      }
      open += node.children.values.filter { $0.inMemory.states > 0 }
    }
    return bytes
  }

  /// Drops the states used longest ago until those in memory take at most `bytes` bytes.
  public func evict(toFit bytes: Int) {
    while memoryByteCount > bytes, let oldest = inMemory.min(by: { $0.lastUse < $1.lastUse }) {
      if oldest.record == nil { oldest.node.wasEvicted = true }
      removeFromMemory(oldest)
      counted.evictedStates += 1
    }
  }
}
