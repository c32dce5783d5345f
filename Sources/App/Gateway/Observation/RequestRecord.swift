import ModelServing
import NIOCore
import Synchronization

/// What is known of one request when it is over: for the log and the figures. Holds no text of requests or answers.
final class RequestRecord: Sendable {
  /// The facts.
  struct Facts: Sendable {
    var dialect = "none"
    /// Method and template of the endpoint's path, never the path asked for.
    var endpoint = "unknown"
    var status = 0
    var byteCount = 0
    /// From the head of the request to the first event of an answer that has text.
    var firstTokenSeconds: Double?
    var promptTokens = 0
    var reusedTokens = 0
    var answerTokens = 0
    var queueSeconds = 0.0
    var promptSeconds = 0.0
    var answerSeconds = 0.0
    /// How many answers began and how many ended in order.
    var startedCount = 0
    var finishedCount = 0
    var reason: FinishKind?
    var missPosition: Int?
    var missKind: PromptReport.Miss.Kind?
    var malformedCalls = 0
    var outcome = Outcome.done
  }

  /// How a request ended.
  enum Outcome: String, Sendable, CaseIterable {
    /// A reply was sent completely.
    case done
    /// The client went before.
    case clientLeft = "client-left"
    /// The answer failed after its first bytes.
    case failed
  }

  /// Names it in logs.
  let id: String
  let client: ClientKind
  private let start = NIODeadline.now()
  private let state = Mutex(Facts())

  init(id: String, client: ClientKind) {
    self.id = id
    self.client = client
  }

  /// The facts so far.
  var facts: Facts { state.withLock { $0 } }

  /// Seconds since the head of the request.
  var seconds: Double { Double((NIODeadline.now() - start).nanoseconds) / 1e9 }

  /// Changes the facts.
  func note(_ change: (inout Facts) -> Void) { state.withLock { change(&$0) } }

  /// Takes what events say.
  func note(_ events: [GenerationEvent]) {
    state.withLock { facts in
      for event in events {
        switch event {
        case .started(let report):
          facts.startedCount += 1
          facts.promptTokens += report.tokens
          facts.reusedTokens += report.reused
          if let miss = report.miss {
            facts.missPosition = miss.position
            facts.missKind = miss.kind
          }
        case .content, .reasoning, .call:
          if facts.firstTokenSeconds == nil { facts.firstTokenSeconds = seconds }
        case .malformedCall:
          if facts.firstTokenSeconds == nil { facts.firstTokenSeconds = seconds }
          facts.malformedCalls += 1
        case .finished(let finish):
          facts.finishedCount += 1
          facts.answerTokens += finish.answerTokens
          facts.queueSeconds = max(facts.queueSeconds, finish.queueSeconds)
          facts.promptSeconds = max(facts.promptSeconds, finish.promptSeconds)
          facts.answerSeconds = max(facts.answerSeconds, finish.answerSeconds)
          facts.reason = FinishKind(finish.reason)
        }
      }
    }
  }
}

/// Why an answer ended, without the text that may come with it.
enum FinishKind: String, Sendable, CaseIterable {
  case endOfTurn = "end-of-turn"
  case calls
  case stopText = "stop-text"
  case tokenLimit = "token-limit"
  case contextFull = "context-full"
  case loop

  init(_ reason: Finish.Reason) {
    self =
      switch reason {
      case .endOfTurn: .endOfTurn
      case .calls: .calls
      case .stopText: .stopText
      case .tokenLimit: .tokenLimit
      case .contextFull: .contextFull
      case .loop: .loop
      }
  }
}
