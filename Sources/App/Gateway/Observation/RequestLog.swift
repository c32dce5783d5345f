import Foundation
import Logging

extension RequestRecord {
  /// Writes the request's line.
  func log(to logger: Logger) {
    let facts = self.facts
    var metadata: Logger.Metadata = [
      "request": "\(id)", "client": "\(client.rawValue)", "dialect": "\(facts.dialect)",
      "endpoint": "\(facts.endpoint)", "status": "\(facts.status)", "bytes": "\(facts.byteCount)",
      "seconds": "\(Self.milliseconds(seconds))", "outcome": "\(facts.outcome.rawValue)",
    ]
    if facts.startedCount > 0 {
      metadata["prompt_tokens"] = "\(facts.promptTokens)"
      metadata["reused_tokens"] = "\(facts.reusedTokens)"
      metadata["answer_tokens"] = "\(facts.answerTokens)"
    }
    if facts.finishedCount > 0 {
      metadata["queue_seconds"] = "\(Self.milliseconds(facts.queueSeconds))"
      metadata["prompt_seconds"] = "\(Self.milliseconds(facts.promptSeconds))"
      metadata["answer_seconds"] = "\(Self.milliseconds(facts.answerSeconds))"
    }
    if let seconds = facts.firstTokenSeconds {
      metadata["first_token_seconds"] = "\(Self.milliseconds(seconds))"
    }
    if let reason = facts.reason { metadata["finish"] = "\(reason.rawValue)" }
    if let kind = facts.missKind { metadata["miss"] = "\(kind.rawValue)" }
    if let position = facts.missPosition { metadata["miss_position"] = "\(position)" }
    if facts.malformedCalls > 0 { metadata["malformed_calls"] = "\(facts.malformedCalls)" }
    logger.log(level: facts.status >= 500 ? .error : .info, "request", metadata: metadata)
  }

  /// Seconds with three digits, whatever the locale.
  static func milliseconds(_ seconds: Double) -> String {
    guard seconds.isFinite, abs(seconds) < 1e12 else { return "0.000" }
    let whole = Int((max(0, seconds) * 1000).rounded())
    let rest = String(whole % 1000)
    return "\(whole / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
  }
}
