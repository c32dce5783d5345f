import JSON
import ModelServing

/// Counts and reasons of a reply.
enum AnthropicUsage {
  /// Writes the members of `usage`.
  ///
  /// `input_tokens` are those that were computed, `cache_read_input_tokens` those that were known; all that is computed
  /// is remembered without being asked to be, and `cache_creation_input_tokens` is 0, so that the three add up to the
  /// prompt.
  static func write(_ figures: AnswerFigures, to writer: inout JSONWriter) {
    writer.object {
      $0.member("input_tokens", figures.promptTokens - figures.reusedTokens)
      $0.member("cache_creation_input_tokens", 0)
      $0.member("cache_read_input_tokens", figures.reusedTokens)
      $0.member("output_tokens", figures.answerTokens)
      if figures.finish != nil {
        $0.member("output_tokens_details") {
          $0.object { $0.member("thinking_tokens", figures.reasoningTokens) }
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
}
