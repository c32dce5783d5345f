import Inference
import ModelServing
import Synchronization
import Tokenization

/// One answer on its way from the scheduler to its reader.
///
/// The scheduler's thread calls `receive` for every token; the reader's side may wake and cancel from any thread.
final class RunningAnswer: Sendable {
  private struct State {
    var assembler: AnswerAssembler
    var handle: SequenceHandle?
    /// What came before the handle was known.
    var isResumeDue = false
    var isCancelDue = false
    var rememberedCalls = 0
  }

  private let state: Mutex<State>
  private let channel: GenerationChannel
  private let vocabulary: Vocabulary
  private let notes: [String]
  private let prompt: [Int32]
  private let replay: CallReplay

  /// Makes the answer to a prompt.
  ///
  /// - Parameters:
  ///   - notes: what the asker may want to know about the request.
  ///   - replay: remembers the calls that are made.
  init(
    _ assembler: AnswerAssembler, prompt: [Int32], notes: [String], vocabulary: Vocabulary,
    channel: GenerationChannel, replay: CallReplay
  ) {
    state = Mutex(State(assembler: assembler))
    self.prompt = prompt
    self.notes = notes
    self.vocabulary = vocabulary
    self.channel = channel
    self.replay = replay
  }

  /// Ties the answer to its place in the scheduler.
  func attach(_ handle: SequenceHandle) {
    let (resumes, cancels) = state.withLock { state in
      state.handle = handle
      return (state.isResumeDue, state.isCancelDue)
    }
    if resumes { handle.resume() }
    if cancels { handle.cancel() }
  }

  /// The reader is gone.
  func cancel() {
    let handle = state.withLock { state in
      state.isCancelDue = true
      return state.handle
    }
    handle?.cancel()
  }

  private func resume() {
    let handle = state.withLock { state in
      state.isResumeDue = true
      return state.handle
    }
    handle?.resume()
  }

  /// Takes what the scheduler says.
  func receive(_ event: SequenceEvent) -> SequenceDecision {
    switch event {
    case .started(let report):
      channel.send([.started(promptReport(report))])
      return channel.isCancelled ? .stop : .go
    case .token(let token, _, let likelihoods):
      return take(token, likelihoods)
    case .finished(let finish):
      end(finish)
      return .stop
    case .failed(let failure):
      channel.fail(ServiceError(failure))
      return .stop
    }
  }

  private func take(_ token: Int32, _ likelihoods: TokenLikelihoods?) -> SequenceDecision {
    let (events, isStopped) = state.withLock { state in
      let events = state.assembler.append(token, likelihoods: likelihoods)
      rememberCalls(&state)
      return (events, state.assembler.stopText != nil)
    }
    channel.send(events)
    if isStopped || channel.isCancelled { return .stop }
    guard channel.isFull else { return .go }
    channel.whenTaken { [weak self] in self?.resume() }
    return .pause
  }

  /// Calls are known before their reader can send them back.
  private func rememberCalls(_ state: inout State) {
    while state.rememberedCalls < state.assembler.calls.count {
      let number = state.rememberedCalls
      let call = state.assembler.calls[number]
      state.rememberedCalls += 1
      guard let id = call.id, let verbatim = call.verbatim else { continue }
      let reasoning = state.assembler.reasoning
      replay.remember(
        id: id, name: call.name, arguments: call.arguments, verbatim: verbatim,
        reasoning: number == 0 && !reasoning.isEmpty ? reasoning : nil)
    }
  }

  private func promptReport(_ report: PrefixReport) -> PromptReport {
    PromptReport(
      tokens: report.promptTokens, reused: report.reusedTokens,
      miss: report.miss.map { PromptReport.Miss($0, prompt: prompt, vocabulary) }, notes: notes)
  }

  private func end(_ finish: SequenceFinish) {
    let isCutOff =
      switch finish.reason {
      case .tokenLimit, .contextFull, .loop: true
      case .stopToken, .constraintComplete, .stopped, .cancelled: false
      }
    var (events, assembler) = state.withLock { state in
      let events = state.assembler.finish(isCutOff: isCutOff)
      rememberCalls(&state)
      return (events, state.assembler)
    }
    let reason: Finish.Reason
    if let stop = assembler.stopText {
      reason = .stopText(stop)
    } else {
      switch finish.reason {
      case .stopToken, .constraintComplete, .stopped:
        reason = assembler.calls.isEmpty ? .endOfTurn : .calls
      case .tokenLimit: reason = .tokenLimit
      case .contextFull: reason = .contextFull
      case .loop(let period, let count):
        reason = .loop(
          period == 1
            ? "the last token stands \(count) times in a row"
            : "the last \(period) tokens stand \(count) times in a row")
      case .cancelled:
        // Nobody reads any more, or the program is about to end.
        channel.fail(.shuttingDown)
        return
      }
    }
    events.append(
      .finished(
        Finish(
          reason: reason, promptTokens: finish.promptTokens, reusedTokens: finish.reusedTokens,
          answerTokens: finish.answerTokens, reasoningTokens: assembler.reasoningTokens,
          queueSeconds: finish.queueSeconds, promptSeconds: finish.promptSeconds,
          answerSeconds: finish.answerSeconds)))
    channel.send(events)
    channel.finish()
  }
}

extension ServiceError {
  /// The engine's failure in the interface's terms.
  init(_ failure: SequenceFailure) {
    switch failure {
    case .engine(.contextFull(let tokens, let limit)):
      self = .contextExceeded(tokens: tokens, limit: limit)
    case .stopped: self = .shuttingDown
    default: self = .failed(failure.description)
    }
  }

  /// The scheduler's refusal in the interface's terms.
  init(_ refusal: AdmissionError) {
    switch refusal {
    case .invalid(let field, let problem):
      self = .invalid(message: problem, parameter: field)
    case .contextExceeded(let tokens, let limit):
      self = .contextExceeded(tokens: tokens, limit: limit)
    case .memoryExceeded: self = .unsupported(message: refusal.description, parameter: nil)
    case .overloaded(let reason, let retryAfter):
      self = .overloaded(reason: reason, retryAfter: retryAfter)
    case .stopping: self = .shuttingDown
    case .broken: self = .failed(refusal.description)
    }
  }
}
