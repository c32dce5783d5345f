import Models

// Who gets a place among those that run, and from which state it starts.
extension SchedulingLoop {
  /// Gives places to those whose turn it is, as far as places and memory reach. Nobody is passed over for being large:
  /// that would let small requests keep a large one waiting for ever.
  func admit() {
    while let next = nextInTurn() {
      guard makePlace(for: next) else { return }
      let time = inbox.clock()
      queue.take(next)
      if !next.hadTurn { figures.queueSeconds += time - next.arrival }
      next.begin(at: time)
      running.append(next)
      inbox.left(queue: 1, running: running.count)
      start(next)
    }
  }

  private func nextInTurn() -> ScheduledSequence? {
    guard !queue.members.isEmpty else { return nil }
    var active = 0
    var background = 0
    // Those that rest take no part in passes, only memory.
    for sequence in running where !sequence.isPaused {
      active += 1
      if sequence.priority == .background { background += 1 }
    }
    guard active < settings.maximumSequences else { return nil }
    // The last place is kept for those that somebody waits for.
    let backgroundPlaces = max(1, settings.maximumSequences - 1)
    return queue.next(at: inbox.clock()) {
      !$0.isPaused && ($0.priority == .interactive || background < backgroundPlaces)
    }
  }

  /// Whether there is memory for `sequence`. Resting sequences make room for it.
  private func makePlace(for sequence: ScheduledSequence) -> Bool {
    guard settings.memoryLimit != .max, !running.isEmpty else { return true }
    if let refused, refused.number == sequence.number, refused.releases == releases { return false }
    while !fits(sequence) {
      guard let resting = victim(where: \.isPaused) else {
        refused = (sequence.number, releases)
        return false
      }
      preempt(resting)
    }
    return true
  }

  private func fits(_ sequence: ScheduledSequence) -> Bool {
    let taken = running.reduce(stateBytes()) { $0 + claim($1) - heldBytes($1) }
    let common = running.reduce(0) { max($0, commonPrefix($1.tokens, sequence.tokens)) }
    let shared = common / tokensPerPage * rules.sizes.page
    return taken + max(0, claim(sequence) - shared) <= settings.memoryLimit
  }

  /// The bytes a sequence will need, as far as memory is set aside for it.
  private func claim(_ sequence: ScheduledSequence) -> Int {
    let answer = min(settings.reservedAnswer, sequence.request.tokenLimit)
    let tokens = max(sequence.tokens.count + 1, sequence.promptCount + answer)
    return rules.sizes.bytes(min(rules.longest, tokens))
  }

  /// The part of the claim that `stateBytes` counts, or will be another's.
  private func heldBytes(_ sequence: ScheduledSequence) -> Int {
    sequence.state == nil
      ? sequence.sharedCount / tokensPerPage * rules.sizes.page
      : rules.sizes.bytes(sequence.taken)
  }

  /// Finds the best state to start from: a kept one, or that of a sequence that is still taking in the same tokens, if
  /// waiting for it saves at least a page.
  func start(_ sequence: ScheduledSequence, excluding gone: ScheduledSequence? = nil) {
    let match = scheduled.prefixes?.resume(sequence.tokens)
    let known = match?.count ?? 0
    if let (leader, count) = leader(for: sequence, excluding: gone), count - known >= tokensPerPage {
      sequence.follow(leader, count: count)
      return
    }
    sequence.resume(
      match?.state ?? scheduled.model.makeState(), count: known,
      checkpoints: match?.checkpoints ?? [])
    announce(sequence, miss: match?.miss)
  }

  /// The sequence whose state will be the best one to go on from, and how many tokens they have in common.
  private func leader(
    for sequence: ScheduledSequence, excluding gone: ScheduledSequence?
  ) -> (ScheduledSequence, Int)? {
    var best: (ScheduledSequence, Int)?
    for other in running
    where other !== sequence && other !== gone && other.isReady && !other.isAnswering {
      var count = commonPrefix(other.tokens, sequence.tokens)
      // Logits are there only where the other's tokens end.
      if count == sequence.tokens.count, count < other.tokens.count { count -= 1 }
      if count > other.taken, count > best?.1 ?? 0 { best = (other, count) }
    }
    return best
  }

  private func commonPrefix(_ left: [Int32], _ right: [Int32]) -> Int {
    left.withUnsafeBufferPointer { left in
      right.withUnsafeBufferPointer { right in
        let limit = min(left.count, right.count)
        var count = 0
        while count < limit, left[count] == right[count] { count += 1 }
        return count
      }
    }
  }

  /// Tells the receiver that its prompt is being taken in, the first time.
  func announce(_ sequence: ScheduledSequence, miss: PrefixMiss?) {
    guard !sequence.isStarted else { return }
    sequence.isStarted = true
    figures.promptTokens += sequence.promptCount
    figures.reusedTokens += sequence.reused
    sequence.handle.forgetResume()
    let report = PrefixReport(
      promptTokens: sequence.promptCount, reusedTokens: sequence.reused, miss: miss)
    switch sequence.request.receive(.started(report)) {
    case .go: break
    case .pause: pause(sequence)
    case .stop: finish(sequence, .stopped)
    }
  }

  /// Remembers the sequence's state for prompts that begin alike.
  func keep(_ sequence: ScheduledSequence, as point: KeptPoint) {
    guard let prefixes = scheduled.prefixes, let state = sequence.state, sequence.taken > 0 else {
      return
    }
    let isWithinPrompt = sequence.taken < sequence.promptCount
    prefixes.keep(
      state, tokens: Array(sequence.tokens[..<sequence.taken]),
      as: isWithinPrompt ? .checkpoint : point)
  }
}
