import Models

// Keeping the states of running sequences and kept prefixes within their limit.
extension SchedulingLoop {
  /// The bytes of state of all that run; a page that several share counts once.
  func stateBytes() -> Int { measureStates().bytes }

  /// The same, and the pages that are counted in them.
  private func measureStates() -> (bytes: Int, pages: Set<ObjectIdentifier>) {
    var pages: Set<ObjectIdentifier> = []
    var bytes = 0
    for sequence in running {
      guard let state = sequence.state else { continue }
      bytes += state.tailByteCount
      for page in state.pages where pages.insert(ObjectIdentifier(page)).inserted {
        bytes += page.byteCount
      }
    }
    figures.stateBytes = bytes
    return (bytes, pages)
  }

  /// Makes room for what the parts of a pass add to states: kept prefixes go first, then the sequences that came last lose
  /// their state and wait for another turn. Returns the parts that stay.
  ///
  /// A sequence that is left alone always has room: none grows beyond `AdmissionRules.longest`.
  func makeRoom(for parts: [Part]) -> [Part] {
    guard settings.memoryLimit != .max else { return parts }
    var parts = parts
    while true {
      let growth = parts.reduce(0) { $0 + grows($1) }
      let bound = running.reduce(scheduled.prefixes?.memoryByteCount ?? 0) { bytes, sequence in
        sequence.state == nil ? bytes : bytes + rules.sizes.bytes(sequence.taken)
      }
      if bound + growth <= settings.memoryLimit { return parts }
      let states = measureStates()
      let needed = states.bytes + growth
      dropPrefixes(toFit: settings.memoryLimit - needed, besides: states.pages)
      if needed <= settings.memoryLimit { return parts }
      guard running.count(where: { $0.state != nil }) > 1, let last = victim(where: { _ in true })
      else { return parts }
      preempt(last)
      parts.removeAll { $0.sequence === last }
    }
  }

  /// Drops kept prefixes until they take at most `bytes` bytes, not counting the pages of states that run.
  private func dropPrefixes(toFit bytes: Int, besides pages: Set<ObjectIdentifier>) {
    guard let prefixes = scheduled.prefixes else { return }
    while prefixes.memoryByteCount > 0 {
      let excess = prefixes.memoryByteCount(excluding: pages) - max(0, bytes)
      guard excess > 0 else { return }
      prefixes.evict(toFit: max(0, prefixes.memoryByteCount - excess))
    }
  }

  private func grows(_ part: Part) -> Int {
    max(0, rules.sizes.bytes(part.end) - rules.sizes.bytes(part.sequence.taken))
  }

  /// The sequence that loses its state first: background before interactive, resting before active, later before
  /// earlier.
  func victim(where isEligible: (ScheduledSequence) -> Bool) -> ScheduledSequence? {
    running.filter { $0.state != nil && isEligible($0) }.max { left, right in
      if left.priority != right.priority { return left.priority > right.priority }
      if left.isPaused != right.isPaused { return right.isPaused }
      return left.number < right.number
    }
  }

  /// Takes a sequence's state and place away. It waits for another turn and then goes on as if nothing had happened.
  func preempt(_ sequence: ScheduledSequence) {
    figures.preemptions += 1
    running.removeAll { $0 === sequence }
    letGo(sequence)
    sequence.release()
    sequence.hadTurn = true
    queue.append(sequence)
    inbox.left(queue: -1, running: running.count)
  }
}
