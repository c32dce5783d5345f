import Models

// What a pass carries.
extension SchedulingLoop {
  /// The parts of the next pass: a token of every answer being written, and pieces of prompts as far as they do not hold
  /// answers up for too long.
  func planPass() -> [Part] {
    let ready = running.filter(\.isReady)
    guard !ready.isEmpty else { return [] }
    let answering = ready.filter(\.isAnswering)
    let prompting = ready.filter { !$0.isAnswering }
    let chunk = scheduled.chunk
    // One token is left for prompts, so that they move on whatever the number of answers.
    let places = prompting.isEmpty ? chunk : max(1, chunk - 1)
    var parts = answering.sorted { ($0.lastPass, $0.number) < ($1.lastPass, $1.number) }
      .prefix(places)
      .map { Part(sequence: $0, end: $0.tokens.count, isAnswer: true) }
    let room = chunk - parts.count
    if let first = prompting.first, room == 0 {
      // A pass of one token: whoever waited longest.
      if parts.isEmpty || first.lastPass < parts[0].sequence.lastPass {
        parts = [Part(sequence: first, end: first.chunkEnd(limit: 1), isAnswer: false)]
      }
    } else if !prompting.isEmpty {
      let urgency = prompting.reduce(.background) { max($0, $1.urgency) }
      // An answer that can wait does not slow down a prompt that somebody waits for.
      let holdsUp = answering.contains { $0.priority >= urgency }
      let limit = budget.tokens(holdsUpAnswers: holdsUp, maximum: room)
      parts += chunks(of: prompting.filter { $0.urgency == urgency }, limit: limit)
      let used = parts.reduce(0) { $0 + $1.count } - min(places, answering.count)
      parts += chunks(of: prompting.filter { $0.urgency != urgency }, limit: limit - used)
    }
    return makeRoom(for: parts)
  }

  /// Shares `limit` tokens among prompts: half of them goes to the one that came first, so that it is never starved; the
  /// rest to those with the fewest tokens left, so that short ones do not wait behind long ones; what nobody else needs
  /// to the first again.
  private func chunks(of sequences: [ScheduledSequence], limit: Int) -> [Part] {
    guard limit > 0, let first = sequences.min(by: { $0.number < $1.number }) else { return [] }
    let others = sequences.filter { $0 !== first }
      .sorted { ($0.pending, $0.number) < ($1.pending, $1.number) }
    var parts: [Part] = []
    var left = limit
    let half = others.isEmpty ? limit : (limit + 1) / 2
    let reserved = first.chunkEnd(limit: half) - first.taken
    left -= reserved
    for other in others where left > 0 {
      let end = other.chunkEnd(limit: left)
      left -= end - other.taken
      parts.append(Part(sequence: other, end: end, isAnswer: false))
    }
    let end = first.chunkEnd(limit: reserved + left)
    return [Part(sequence: first, end: end, isAnswer: false)] + parts
  }
}
