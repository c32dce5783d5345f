/// When an audit counts as failed (`--fail-on`).
public enum FailurePolicy: Hashable, Sendable {
  /// Never.
  case never
  /// When there is a new finding of this severity or above.
  case atLeast(Severity)

  /// Reads the value of `--fail-on`: `high`, `medium`, `low`, `informational` or `never`; nil for anything else.
  public init?(_ text: String) {
    if text == "never" {
      self = .never
    } else if let severity = Severity(rawValue: text) {
      self = .atLeast(severity)
    } else {
      return nil
    }
  }

  /// Whether the audit failed. Findings that the baseline lists and suppressed findings do not count; findings left
  /// out of the report do, since nothing tells that they were known.
  public func isFailure(_ report: AuditReport) -> Bool {
    switch self {
    case .never: false
    case .atLeast(let threshold):
      report.findings.contains { $0.severity >= threshold && report.isNew($0) }
        || report.omitted.counts.keys.contains { $0 >= threshold }
    }
  }
}
