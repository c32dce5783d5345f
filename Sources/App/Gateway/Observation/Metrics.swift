import ModelServing
import Synchronization

/// The gateway's own figures, in Prometheus' text format (version 0.0.4). The number of series is bounded: labels are
/// templates of endpoints, statuses that the gateway sends, and closed lists.
final class Metrics: Sendable {
  /// The media type of the format.
  static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  private struct RequestKey: Hashable, Comparable {
    var dialect: String
    var endpoint: String
    var status: Int

    static func < (left: RequestKey, right: RequestKey) -> Bool {
      (left.dialect, left.endpoint, left.status) < (right.dialect, right.endpoint, right.status)
    }
  }

  /// Counts of values up to bounds; the last is for all others.
  struct Histogram: Sendable {
    let bounds: [Double]
    private(set) var counts: [Int]
    private(set) var sum = 0.0

    init(_ bounds: [Double]) {
      self.bounds = bounds
      counts = Array(repeating: 0, count: bounds.count + 1)
    }

    mutating func add(_ value: Double) {
      counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
      sum += value
    }
  }

  private struct State {
    var requests: [RequestKey: Int] = [:]
    var outcomes: [RequestRecord.Outcome: Int] = [:]
    var finishes: [FinishKind: Int] = [:]
    var misses: [PromptReport.Miss.Kind: Int] = [:]
    var promptTokens = 0
    var reusedTokens = 0
    var answerTokens = 0
    var malformedCalls = 0
    var duration = Histogram([0.005, 0.025, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1200])
    var firstToken = Histogram([0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120])
    var queue = Histogram([0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300])
    var speed = Histogram([0.5, 1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 128, 256])
    var reuse = Histogram([0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1])
  }

  private let state = Mutex(State())

  /// Takes a request that is over.
  func add(_ record: RequestRecord) {
    let facts = record.facts
    let seconds = record.seconds
    state.withLock { state in
      let key = RequestKey(dialect: facts.dialect, endpoint: facts.endpoint, status: facts.status)
      state.requests[key, default: 0] += 1
      state.outcomes[facts.outcome, default: 0] += 1
      state.duration.add(seconds)
      guard facts.startedCount > 0 else { return }
      state.promptTokens += facts.promptTokens
      state.reusedTokens += facts.reusedTokens
      state.answerTokens += facts.answerTokens
      state.malformedCalls += facts.malformedCalls
      if facts.promptTokens > 0 {
        state.reuse.add(Double(facts.reusedTokens) / Double(facts.promptTokens))
      }
      if let seconds = facts.firstTokenSeconds { state.firstToken.add(seconds) }
      if let kind = facts.missKind { state.misses[kind, default: 0] += 1 }
      guard facts.finishedCount > 0 else { return }
      if let reason = facts.reason { state.finishes[reason, default: 0] += 1 }
      state.queue.add(facts.queueSeconds)
      if facts.answerSeconds > 0, facts.answerTokens > 0 {
        state.speed.add(Double(facts.answerTokens) / facts.answerSeconds)
      }
    }
  }

  /// All figures as text.
  func text(running: Int, connections: Int, service: ServiceFigures?) -> String {
    let state = self.state.withLock { $0 }
    var page = PrometheusPage()
    page.family("maslin_requests_total", "Requests answered.", "counter")
    for (key, count) in state.requests.sorted(by: { $0.key < $1.key }) {
      page.sample(
        "maslin_requests_total",
        [("dialect", key.dialect), ("endpoint", key.endpoint), ("status", "\(key.status)")],
        Double(count))
    }
    page.family("maslin_request_outcomes_total", "How requests ended.", "counter")
    for kind in RequestRecord.Outcome.allCases {
      page.sample(
        "maslin_request_outcomes_total", [("outcome", kind.rawValue)],
        Double(state.outcomes[kind] ?? 0))
    }
    page.family("maslin_answers_total", "Answers that ended, by why.", "counter")
    for kind in FinishKind.allCases {
      page.sample(
        "maslin_answers_total", [("finish", kind.rawValue)], Double(state.finishes[kind] ?? 0))
    }
    page.family("maslin_prefix_misses_total", "Prompts not fully reused, by why.", "counter")
    for kind in PromptReport.Miss.Kind.allCases {
      page.sample(
        "maslin_prefix_misses_total", [("kind", kind.rawValue)], Double(state.misses[kind] ?? 0))
    }
    page.single(
      "maslin_prompt_tokens_total", "Tokens of prompts.", "counter", Double(state.promptTokens))
    page.single(
      "maslin_reused_tokens_total", "Tokens of prompts whose state was known.", "counter",
      Double(state.reusedTokens))
    page.single(
      "maslin_answer_tokens_total", "Tokens of answers.", "counter", Double(state.answerTokens))
    page.single(
      "maslin_malformed_calls_total", "Calls of tools that could not be read.", "counter",
      Double(state.malformedCalls))
    page.single("maslin_running_answers", "Answers being made.", "gauge", Double(running))
    page.single("maslin_connections", "Open connections.", "gauge", Double(connections))
    page.histogram("maslin_request_seconds", "Time for requests.", state.duration)
    page.histogram(
      "maslin_time_to_first_token_seconds", "From the request to its answer's first text.",
      state.firstToken)
    page.histogram("maslin_queue_seconds", "Time before computation began.", state.queue)
    page.histogram(
      "maslin_answer_tokens_per_second", "Speed of answers once they began.", state.speed)
    page.histogram("maslin_prefix_reuse_ratio", "Share of each prompt that was known.", state.reuse)
    for figure in service?.figures ?? [] {
      page.single("maslin_" + figure.name, figure.help, figure.kind.rawValue, figure.value)
    }
    return page.text
  }
}

/// A page in Prometheus' text format.
///
/// Source: Prometheus documentation, "Exposition formats".
struct PrometheusPage {
  private(set) var text = ""
  private var families: Set<String> = []

  /// Begins a family; false when there was one of that name, which must not appear twice.
  @discardableResult
  mutating func family(_ name: String, _ help: String, _ type: String) -> Bool {
    guard families.insert(name).inserted else { return false }
    let help = help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    return true
  }

  /// Adds a sample of the family that was begun.
  mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Double) {
    text += name
    if !labels.isEmpty {
      text += "{" + labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",") + "}"
    }
    text += " \(Self.number(value))\n"
  }

  /// Adds a family of one sample.
  mutating func single(_ name: String, _ help: String, _ type: String, _ value: Double) {
    if family(name, help, type) { sample(name, [], value) }
  }

  /// Adds a histogram.
  mutating func histogram(_ name: String, _ help: String, _ histogram: Metrics.Histogram) {
    guard family(name, help, "histogram") else { return }
    var total = 0
    for (index, count) in histogram.counts.enumerated() {
      total += count
      let bound =
        index < histogram.bounds.count ? Self.number(histogram.bounds[index]) : "+Inf"
      sample(name + "_bucket", [("le", bound)], Double(total))
    }
    sample(name + "_sum", [], histogram.sum)
    sample(name + "_count", [], Double(total))
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    if let whole = Int(exactly: value) { return String(whole) }
    return String(value)
  }
}
