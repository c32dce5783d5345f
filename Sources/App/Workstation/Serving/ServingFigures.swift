import Inference
import ModelServing

/// The engine's figures under the names that monitoring uses.
enum ServingFigures {
  /// All figures in a fixed order; those of the prefix store are missing where there is none.
  static func list(
    _ scheduler: SchedulerFigures, kept: PrefixFigures?, calls: Int, plan: MemoryPlan
  ) -> [ServiceFigures.Figure] {
    var list: [ServiceFigures.Figure] = []
    func counter(_ name: String, _ value: some BinaryInteger, _ help: String) {
      list.append(.init(name: name, help: help, kind: .counter, value: Double(value)))
    }
    func seconds(_ name: String, _ value: Double, _ help: String) {
      list.append(.init(name: name, help: help, kind: .counter, value: value))
    }
    func gauge(_ name: String, _ value: some BinaryInteger, _ help: String) {
      list.append(.init(name: name, help: help, kind: .gauge, value: Double(value)))
    }
    gauge("answers_running", scheduler.running, "Answers being written, paused ones included.")
    gauge("answers_paused", scheduler.paused, "Answers that wait for a slow reader.")
    gauge("requests_waiting", scheduler.waiting, "Requests that wait for their turn.")
    counter("requests_total", scheduler.requests, "Requests taken.")
    counter(
      "requests_refused_total", scheduler.refused, "Requests refused because the queue was full.")
    let finished = scheduler.finished
    counter("answers_ended_total", finished.ended, "Answers that came to their own end.")
    counter("answers_cut_total", finished.tokenLimit, "Answers that reached their token limit.")
    counter(
      "answers_context_full_total", finished.contextFull, "Answers that reached the context's end.")
    counter("answers_loop_total", finished.loops, "Answers ended because they repeated themselves.")
    counter("answers_cancelled_total", finished.cancelled, "Answers whose reader went away.")
    counter("answers_failed_total", scheduler.failed, "Answers that failed.")
    counter("prompt_tokens_total", scheduler.promptTokens, "Tokens of prompts.")
    counter(
      "prompt_tokens_reused_total", scheduler.reusedTokens,
      "Tokens of prompts that were not computed again.")
    counter("answer_tokens_total", scheduler.answerTokens, "Tokens of answers.")
    counter("model_passes_total", scheduler.passes, "Passes of the model.")
    counter("model_tokens_total", scheduler.computedTokens, "Tokens computed by the model.")
    counter(
      "preemptions_total", scheduler.preemptions,
      "Answers that gave up their memory and were computed again.")
    seconds("model_seconds_total", scheduler.modelSeconds, "Seconds in the model.")
    seconds("sampling_seconds_total", scheduler.samplingSeconds, "Seconds choosing tokens.")
    seconds("queue_seconds_total", scheduler.queueSeconds, "Seconds that requests waited.")
    gauge("state_memory_bytes", scheduler.stateBytes, "Bytes of the states of running answers.")
    gauge("weight_bytes", plan.weights, "Bytes of the model's weights.")
    gauge("calls_remembered", calls, "Calls of tools whose bytes are kept.")
    guard let kept else { return list }
    gauge("cache_memory_bytes", kept.memoryByteCount, "Bytes of kept states in memory.")
    gauge("cache_memory_limit_bytes", kept.memoryLimit, "The most bytes of kept states in memory.")
    gauge("cache_states", kept.states, "Kept states in memory.")
    gauge("cache_pages", kept.pages, "Distinct pages of kept states in memory.")
    counter("cache_lookups_total", kept.lookups, "Prompts looked up.")
    counter("cache_evicted_total", kept.evictedStates, "States dropped to stay within the limit.")
    counter("cache_disk_tokens_total", kept.tokensFromDisk, "Tokens whose state came from disk.")
    guard let disk = kept.disk else { return list }
    gauge("cache_disk_bytes", disk.byteCount, "Bytes of records on disk.")
    gauge("cache_disk_limit_bytes", disk.limit, "The most bytes of records on disk.")
    counter("cache_disk_written_total", disk.written, "Records written.")
    counter("cache_disk_read_total", disk.read, "Records read.")
    counter("cache_disk_damaged_total", disk.damaged, "Damaged records found and removed.")
    counter("cache_disk_evicted_total", disk.evicted, "Records removed to stay within the limit.")
    counter("cache_disk_failed_total", disk.failedWrites, "Records that could not be written.")
    return list
  }
}
