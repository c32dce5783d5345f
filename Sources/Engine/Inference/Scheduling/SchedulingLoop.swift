import Models

/// The work of a scheduler's thread: takes what came in, gives places to those whose turn it is, runs passes of the
/// model, chooses tokens. Belongs to one thread.
package final class SchedulingLoop {
  /// What a step did.
  package enum Step: Hashable {
    /// Something; the next step may follow at once.
    case worked
    /// Nothing; nothing will happen for so many seconds unless something is delivered (nil: for ever).
    case idle(seconds: Double?)
    /// The scheduler is stopped and everything has ended.
    case stopped
  }

  let scheduled: ScheduledModel
  let rules: AdmissionRules
  let settings: SchedulerSettings
  let inbox: SchedulerInbox
  var figures = SchedulerFigures()

  var queue: FairQueue<ScheduledSequence>
  /// Those that have a place, in the order in which they got it.
  var running: [ScheduledSequence] = []
  var budget: ChunkBudget
  /// The mean time a sequence keeps its place, in seconds.
  private var placeSeconds: Double?
  /// Grows whenever memory may have become free; a request that did not fit is tried again then.
  var releases = 0
  /// The request that last did not fit, and `releases` at that time.
  var refused: (number: Int, releases: Int)?
  private var scratch = SamplingScratch()

  init(
    _ scheduled: ScheduledModel, rules: AdmissionRules, settings: SchedulerSettings,
    inbox: SchedulerInbox
  ) {
    self.scheduled = scheduled
    self.rules = rules
    self.settings = settings
    self.inbox = inbox
    queue = FairQueue(agingTime: settings.agingTime)
    budget = ChunkBudget(target: settings.latencyTarget, minimum: settings.minimumChunk)
  }

  /// Makes a loop that its owner drives step by step, on the thread that owns the model.
  ///
  /// - Parameter clock: seconds since some fixed moment.
  package convenience init(
    _ scheduled: ScheduledModel, settings: SchedulerSettings,
    clock: @escaping @Sendable () -> Double
  ) throws(InferenceError) {
    self.init(
      scheduled, rules: try AdmissionRules(scheduled, memoryLimit: settings.memoryLimit),
      settings: settings, inbox: SchedulerInbox(settings: settings, clock: clock))
  }

  /// Takes a request, as `Scheduler.submit` does.
  package func submit(_ request: SequenceRequest) throws(AdmissionError) -> SequenceHandle {
    try inbox.submit(request, sampler: try rules.check(request))
  }

  /// Asks for the end, as `Scheduler.stop` does.
  package func stop(at time: Double) { inbox.stop(at: time) }

  /// The figures after the last step.
  package var currentFigures: SchedulerFigures {
    var current = figures
    current.running = running.count
    current.paused = running.count { $0.isPaused }
    current.waiting = queue.members.count
    return current
  }

  /// Steps until the scheduler is stopped.
  func run() {
    while true {
      switch step() {
      case .worked: continue
      case .idle(let seconds): inbox.sleep(atMost: seconds)
      case .stopped: return
      }
    }
  }

  /// Does what is to do between two passes, then one pass.
  package func step() -> Step {
    figures.running = running.count
    figures.paused = running.count { $0.isPaused }
    let delivery = inbox.take(publishing: figures, placeSeconds: placeSeconds)
    for submission in delivery.submissions {
      queue.append(ScheduledSequence(submission, loops: settings.loops))
    }
    for job in delivery.jobs { job(scheduled) }
    if delivery.needsAttention { attend() }
    if running.contains(where: \.isPaused) || queue.members.contains(where: \.isPaused) {
      giveUpPaused()
    }
    if let stopTime = delivery.stopTime, stop(by: stopTime) {
      scheduled.prefixes?.finishWriting()
      return .stopped
    }
    let releasesBefore = releases
    admit()
    let parts = planPass()
    if parts.isEmpty {
      // Whoever lost its place in this step may get it back in the next.
      return releases == releasesBefore ? idle(stopTime: delivery.stopTime) : .worked
    }
    run(parts)
    return .worked
  }

  private func idle(stopTime: Double?) -> Step {
    // In small parts, so that a request that comes now does not wait for them.
    let isWriting = scheduled.prefixes?.writeBehind(byteLimit: 16 << 20) ?? false
    let pauses = (running + queue.members).compactMap { sequence in
      sequence.pausedSince.map { $0 + settings.pauseLimit }
    }
    let time = inbox.clock()
    let next = (pauses + [stopTime, isWriting ? time + 0.05 : nil].compactMap(\.self)).min()
    return .idle(seconds: next.map { max(0, $0 - time) })
  }

  // MARK: What handles ask for

  private func attend() {
    for sequence in running + queue.members {
      if sequence.handle.isCancelled {
        finish(sequence, .cancelled)
      } else if sequence.isPaused, sequence.handle.isResumed {
        sequence.pausedSince = nil
      }
    }
  }

  private func giveUpPaused() {
    let time = inbox.clock()
    for sequence in running + queue.members {
      guard let since = sequence.pausedSince, time - since >= settings.pauseLimit else { continue }
      fail(sequence, .readerTooSlow(seconds: Int(time - since)))
    }
  }

  /// Ends what has to end when the scheduler is stopped; true when nothing is left.
  private func stop(by stopTime: Double) -> Bool {
    for sequence in queue.members where !sequence.hadTurn { fail(sequence, .stopped) }
    if inbox.clock() >= stopTime {
      for sequence in running + queue.members { fail(sequence, .stopped) }
    }
    return running.isEmpty && queue.members.isEmpty
  }

  // MARK: Ends

  func finish(_ sequence: ScheduledSequence, _ reason: SequenceFinish.Reason) {
    guard !sequence.isEnded else { return }
    let time = inbox.clock()
    if let begin = sequence.beginTime {
      let seconds = time - begin
      placeSeconds = placeSeconds.map { $0 + (seconds - $0) * 0.2 } ?? seconds
    }
    figures.finished.count(reason)
    let report = sequence.finish(reason, at: time)
    // Where an answer is broken off no later prompt begins: its own prompt's end is known already, and every such place
    // kept would only push others out.
    if reason != .cancelled || !sequence.isAnswering { keep(sequence, as: .end) }
    remove(sequence)
    _ = sequence.request.receive(.finished(report))
  }

  func fail(_ sequence: ScheduledSequence, _ failure: SequenceFailure) {
    guard !sequence.isEnded else { return }
    figures.failed += 1
    if failure == .stopped { keep(sequence, as: .end) }
    remove(sequence)
    _ = sequence.request.receive(.failed(failure))
  }

  private func remove(_ sequence: ScheduledSequence) {
    if sequence.isRunning {
      running.removeAll { $0 === sequence }
    } else {
      queue.remove(sequence)
      inbox.left(queue: 1, running: running.count)
    }
    letGo(sequence)
    sequence.end()
  }

  /// Undoes what binds other sequences to one that loses its state, and counts the memory as free.
  func letGo(_ sequence: ScheduledSequence) {
    sequence.stopFollowing()
    releases += 1
    let orphans = sequence.followers
    for follower in orphans { follower.stopFollowing() }
    // One after another, so that the others can follow the first.
    for follower in orphans { start(follower, excluding: sequence) }
  }

  // MARK: A pass

  /// A piece of a sequence in a pass: its tokens from those taken in already to `end`.
  struct Part {
    var sequence: ScheduledSequence
    var end: Int
    var isAnswer: Bool
    var count: Int { end - sequence.taken }
  }

  private func run(_ parts: [Part]) {
    var inputs: [SequenceInput] = []
    inputs.reserveCapacity(parts.count)
    var promptTokens = 0
    for part in parts {
      let sequence = part.sequence
      guard let state = sequence.state else {
        preconditionFailure("only sequences with a state are in a pass")
      }
      inputs.append(
        SequenceInput(
          state: state, tokens: Array(sequence.tokens[sequence.taken..<part.end]),
          logits: part.end == sequence.tokens.count ? .last : .none))
      if !part.isAnswer { promptTokens += part.count }
      figures.computedTokens += part.count
    }
    let answers = parts.count { $0.isAnswer }
    let start = inbox.clock()
    var rows: [[Float]]
    do {
      rows = try scheduled.model.evaluate(inputs, observer: nil)
    } catch {
      return failPass(parts, error)
    }
    let end = inbox.clock()
    figures.passes += 1
    figures.sequencesInPasses += parts.count
    figures.modelSeconds += end - start
    budget.record(prompt: promptTokens, answers: answers, seconds: end - start)
    figures.promptSpeed = budget.promptSeconds.map { $0 > 0 ? 1 / $0 : 0 } ?? 0
    inputs = []
    for index in parts.indices {
      // Taken out, so that it is changed in place.
      var row: [Float] = []
      swap(&row, &rows[index])
      complete(parts[index], logits: &row, time: end)
    }
    figures.samplingSeconds += inbox.clock() - end
  }

  private func failPass(_ parts: [Part], _ error: ModelError) {
    let failure = SequenceFailure.engine(.model(error))
    // The states are unusable: nobody may go on from them, nor keep them.
    for part in parts { part.sequence.dropState() }
    for part in parts { fail(part.sequence, failure) }
    guard case .fileChanged = error else { return }
    inbox.breakDown(.model(error))
    for sequence in running + queue.members { fail(sequence, failure) }
  }

  /// What follows from a part that was computed.
  private func complete(_ part: Part, logits: inout [Float], time: Double) {
    let sequence = part.sequence
    sequence.lastPass = figures.passes
    let isCheckpoint = sequence.tookIn(to: part.end)
    serveFollowers(of: sequence, logits: logits, time: time)
    let isPromptEnd = sequence.taken == sequence.promptCount && sequence.answerCount == 0
    if sequence.pending == 0 { answer(sequence, logits: &logits, time: time) }
    guard !sequence.isEnded else { return }
    if isPromptEnd {
      keep(sequence, as: .end)
    } else if isCheckpoint {
      keep(sequence, as: .checkpoint)
    }
  }

  /// Gives those that wait for this point of `leader` a state, and the logits where their prompt ends there too.
  private func serveFollowers(of leader: ScheduledSequence, logits: [Float], time: Double) {
    guard !leader.followers.isEmpty, let state = leader.state else { return }
    for follower in leader.followers where follower.sharedCount <= leader.taken {
      follower.stopFollowing()
      guard follower.sharedCount == leader.taken else {
        start(follower)
        continue
      }
      follower.resume(state.fork(), count: leader.taken, checkpoints: [])
      announce(follower, miss: nil)
      guard follower.pending == 0, !follower.isEnded else { continue }
      var row = logits
      answer(follower, logits: &row, time: time)
    }
  }

  /// Chooses the next token of a sequence whose logits are known.
  private func answer(_ sequence: ScheduledSequence, logits: inout [Float], time: Double) {
    sequence.startAnswer(at: time)
    guard sequence.answerCount < sequence.request.tokenLimit else {
      return finish(sequence, .tokenLimit)
    }
    guard sequence.tokens.count < rules.longest else { return finish(sequence, .contextFull) }
    if sequence.matcher?.mustEnd ?? false { return finish(sequence, .constraintComplete) }
    let choice: ScheduledSequence.Choice
    do throws(SequenceFailure) {
      choice = try sequence.choose(&logits, scratch: &scratch)
    } catch {
      return fail(sequence, error)
    }
    let token = choice.token
    if sequence.isEnd(token) { return finish(sequence, .stopToken(token)) }
    if let isAllowed = sequence.matcher?.accept(token), !isAllowed {
      return fail(
        sequence,
        .constraint("token \(token) is allowed by the grammar's mask but not by the grammar"))
    }
    let position = sequence.tokens.count
    let loop = sequence.append(token)
    figures.answerTokens += 1
    sequence.handle.forgetResume()
    let decision = sequence.request.receive(
      .token(token, position: position, likelihoods: choice.likelihoods))
    if decision == .stop { return finish(sequence, .stopped) }
    if sequence.matcher?.mustEnd ?? false { return finish(sequence, .constraintComplete) }
    if let loop { return finish(sequence, .loop(period: loop.period, count: loop.count)) }
    guard sequence.answerCount < sequence.request.tokenLimit else {
      return finish(sequence, .tokenLimit)
    }
    guard sequence.tokens.count < rules.longest else { return finish(sequence, .contextFull) }
    if decision == .pause { pause(sequence) }
  }

  func pause(_ sequence: ScheduledSequence) {
    // The reader may have caught up while the receiver was still returning.
    if !sequence.handle.isResumed { sequence.pausedSince = inbox.clock() }
  }
}
