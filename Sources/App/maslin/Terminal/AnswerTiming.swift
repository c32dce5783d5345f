import Foundation
import Inference

/// How long a prompt and an answer took.
struct AnswerTiming {
  private let promptTokens: Int
  private var mark = ContinuousClock.now
  /// Seconds until the prompt was taken in.
  private(set) var promptSeconds = 0.0
  /// Seconds from there to the end of the answer.
  private(set) var answerSeconds = 0.0
  private var answerTokens = 0

  /// Starts the clock.
  init(promptTokens: Int) { self.promptTokens = promptTokens }

  mutating func promptDone() {
    promptSeconds = (ContinuousClock.now - mark) / .seconds(1)
    mark = ContinuousClock.now
  }

  mutating func answerDone(tokens: Int) {
    answerSeconds = (ContinuousClock.now - mark) / .seconds(1)
    answerTokens = tokens
  }

  /// `prompt 27 tokens, 120.5 a second; answer 84 tokens, 9.7 a second`
  func line(_ outcome: Generation.Outcome) -> String {
    var text =
      "prompt \(promptTokens) tokens, \(Self.rate(promptTokens, promptSeconds)) a second; "
      + "answer \(answerTokens) tokens, \(Self.rate(answerTokens, answerSeconds)) a second"
    if outcome.drafted > 0 {
      text += "; \(outcome.accepted) of \(outcome.drafted) guesses right"
    }
    switch outcome.end {
    case .contextFull: text += "; the context is full"
    case .cancelled: text += "; stopped"
    case .tokenLimit: text += "; ended after the tokens asked for"
    case .stopToken: break
    }
    return text
  }

  /// Tokens a second; `-` when no time passed.
  static func rate(_ count: Int, _ seconds: Double) -> String {
    seconds > 0 ? String(format: "%.1f", Double(count) / seconds) : "-"
  }
}
