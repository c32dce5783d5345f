import JSON
import ModelServing

/// The members of the object `maslin` in replies: what happened to the prompt and how long it took.
public enum PromptReportMembers {
  /// Writes `reused`, `miss` and, if there are any, `notes` as `report` has them, and with `finish` also `queue_seconds`, `prompt_seconds`,
  /// `answer_seconds` and, for an answer that was cut off because the model repeated itself, `loop`.
  ///
  /// `miss` is null when all was reused that could be.
  public static func write(report: PromptReport?, finish: Finish?, to writer: inout JSONWriter) {
    if let report {
      writer.member("reused", report.reused)
      writer.member("miss") { writer in
        guard let miss = report.miss else { return writer.null() }
        writer.object {
          $0.member("position", miss.position)
          $0.member("known", miss.known)
          $0.member("given", miss.given)
          $0.member("reason", miss.reason)
        }
      }
      if !report.notes.isEmpty { writer.member("notes", report.notes) }
    }
    if let finish {
      writer.member("queue_seconds") { $0.value(finish.queueSeconds) }
      writer.member("prompt_seconds") { $0.value(finish.promptSeconds) }
      writer.member("answer_seconds") { $0.value(finish.answerSeconds) }
      if case .loop(let text) = finish.reason { writer.member("loop", text) }
    }
  }
}
