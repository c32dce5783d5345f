import JSON
import ModelServing

/// Counts, reasons and the `maslin` member of a reply.
enum AnthropicUsage {
  /// Writes the members of `usage`.
  ///
  /// `input_tokens` are those that were computed, `cache_read_input_tokens` those that were known; all that is computed
  /// is remembered without being asked to be, and `cache_creation_input_tokens` is 0, so that the three add up to the
  /// prompt.
  static func write(
    promptTokens: Int, reusedTokens: Int, answerTokens: Int, reasoningTokens: Int?,
    to writer: inout JSONWriter
  ) {
    writer.object {
      $0.member("input_tokens", promptTokens - reusedTokens)
      $0.member("cache_creation_input_tokens", 0)
      $0.member("cache_read_input_tokens", reusedTokens)
      $0.member("output_tokens", answerTokens)
      if let reasoningTokens {
        $0.member("output_tokens_details") {
          $0.object { $0.member("thinking_tokens", reasoningTokens) }
        }
      }
    }
  }

  /// `stop_reason` and `stop_sequence`.
  ///
  /// A full context has its own reason. An answer cut off because the model repeated itself counts as cut off by length,
  /// the interface having no word for it; the `maslin` member says what was seen.
  static func stop(_ reason: Finish.Reason, hasCalls: Bool) -> (reason: String, sequence: String?) {
    switch reason {
    case .endOfTurn, .calls: (hasCalls ? "tool_use" : "end_turn", nil)
    case .stopText(let text): ("stop_sequence", text)
    case .tokenLimit, .loop: ("max_tokens", nil)
    case .contextFull: ("model_context_window_exceeded", nil)
    }
  }

  /// Writes `maslin`: what the interface has no member for. Clients ignore it.
  static func writeExtension(
    report: PromptReport?, finish: Finish?, to writer: inout JSONWriter
  ) {
    writer.member("maslin") {
      $0.object { PromptReportMembers.write(report: report, finish: finish, to: &$0) }
    }
  }
}
