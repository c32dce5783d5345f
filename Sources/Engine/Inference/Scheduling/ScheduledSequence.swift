import Models

/// A sequence that a scheduler's thread works on or will work on. Belongs to that thread.
final class ScheduledSequence: QueueMember {
  let number: Int
  let request: SequenceRequest
  let handle: SequenceHandle
  let sampler: Sampler
  let arrival: Double

  /// The prompt and the answer so far.
  private(set) var tokens: [Int32]
  /// The state after the first `taken` tokens; nil while it waits or follows another sequence.
  private(set) var state: (any SequenceState)?
  /// How many tokens the state took in.
  private(set) var taken = 0
  /// How many tokens of the prompt were not computed at its first turn.
  private(set) var reused = 0
  /// Whether it has a place among those that run.
  private(set) var isRunning = false
  /// Whether its receiver knows that it started.
  var isStarted = false
  /// Whether it ended, for whatever reason.
  private(set) var isEnded = false
  /// Since when it rests because its receiver asked for it.
  var pausedSince: Double?
  /// Whether it had a turn and lost it to make room.
  var hadTurn = false
  /// The pass it last took part in.
  var lastPass = 0
  /// Token counts, ascending, at which chunks of the prompt end so that the state there can be kept.
  private(set) var checkpoints: [Int] = []

  /// The sequence whose state it goes on from once that one has taken in `sharedCount` tokens.
  private(set) var leader: ScheduledSequence?
  private(set) var sharedCount = 0
  /// Those that wait for the state of this one.
  private(set) var followers: [ScheduledSequence] = []

  private(set) var penalties: PenaltyCounts
  private var loops: LoopDetector?

  /// When it first got a place, and when its first token was chosen.
  private(set) var beginTime: Double?
  private(set) var answerTime: Double?

  var client: String { request.client }
  var priority: SequenceRequest.Priority { request.priority }
  /// Its own priority, or that of the most important of those that wait for it.
  var urgency: SequenceRequest.Priority {
    followers.reduce(priority) { max($0, $1.priority) }
  }
  var promptCount: Int { request.prompt.count }
  var answerCount: Int { tokens.count - promptCount }
  /// Tokens still to be taken in; 1 while an answer is written.
  var pending: Int { tokens.count - taken }
  /// Whether all but the newest token of its answer is taken in.
  var isAnswering: Bool { state != nil && pending == 1 && answerCount > 0 }
  var isPaused: Bool { pausedSince != nil }
  /// Whether the next pass can carry it.
  var isReady: Bool { state != nil && !isPaused }

  init(_ submission: SchedulerInbox.Submission, loops: LoopDetector.Settings) {
    number = submission.number
    request = submission.request
    handle = submission.handle
    sampler = submission.sampler
    arrival = submission.time
    tokens = submission.request.prompt
    penalties = PenaltyCounts(submission.request.sampling, history: submission.request.prompt)
    if submission.request.stopsLoops { self.loops = LoopDetector(loops) }
  }

  // MARK: Its turn

  /// Gets a place.
  func begin(at time: Double) {
    isRunning = true
    beginTime = beginTime ?? time
  }

  /// Gets a state of its own that took in the first `count` tokens.
  func resume(_ state: any SequenceState, count: Int, checkpoints: [Int]) {
    self.state = state
    taken = count
    self.checkpoints = checkpoints
    if !isStarted { reused = min(count, promptCount) }
  }

  /// Waits for another sequence, which begins with the same `count` tokens.
  func follow(_ leader: ScheduledSequence, count: Int) {
    self.leader = leader
    sharedCount = count
    leader.followers.append(self)
    leader.addCheckpoint(count)
  }

  /// No longer waits for another sequence.
  func stopFollowing() {
    leader?.followers.removeAll { $0 === self }
    leader = nil
  }

  private func addCheckpoint(_ count: Int) {
    guard count > taken, count < tokens.count, !checkpoints.contains(count) else { return }
    checkpoints.append(count)
    checkpoints.sort()
  }

  /// Loses state and place; the tokens stay, and what follows from them does not change.
  func release() {
    state = nil
    taken = 0
    checkpoints = []
    isRunning = false
  }

  /// The state became unusable.
  func dropState() {
    state = nil
    taken = 0
  }

  /// It is over.
  func end() {
    release()
    isEnded = true
  }

  // MARK: Taking in

  /// Where the chunk that starts at the first token not taken in ends, of at most `limit` tokens.
  func chunkEnd(limit: Int) -> Int {
    let end = min(tokens.count, taken + limit)
    guard let checkpoint = checkpoints.first(where: { $0 > taken }), checkpoint < end else {
      return end
    }
    return checkpoint
  }

  /// The model took in the tokens up to `end`. Returns whether that is a checkpoint.
  func tookIn(to end: Int) -> Bool {
    taken = end
    guard let first = checkpoints.first, first <= end else { return false }
    checkpoints.removeAll { $0 <= end }
    return first == end
  }

  // MARK: Answering

  /// The first logits are there.
  func startAnswer(at time: Double) { answerTime = answerTime ?? time }

  /// Adds a token to the answer. Returns the loop that it closes, if any.
  func append(_ token: Int32) -> LoopDetector.Loop? {
    tokens.append(token)
    penalties.append(token)
    return loops?.append(token)
  }

  /// The report of an end at `time`.
  func finish(_ reason: SequenceFinish.Reason, at time: Double) -> SequenceFinish {
    let begin = beginTime ?? time
    let answer = answerTime ?? time
    return SequenceFinish(
      reason: reason, promptTokens: promptCount, reusedTokens: reused, answerTokens: answerCount,
      queueSeconds: begin - arrival, promptSeconds: answer - begin, answerSeconds: time - answer)
  }
}
