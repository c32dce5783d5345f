/// How bad it is if the finding is right.
///
/// There is no level above `high`: whether a loss is critical depends on what a deployment holds,
/// which source text does not show. In JSON the raw values are written: `high`, `medium`, `low`,
/// `informational`.
public enum Severity: String, Sendable, CaseIterable, Comparable {
  /// Worth knowing; no harm follows from it alone.
  case informational
  /// Limited harm, or harm only under unusual conditions.
  case low
  /// Loss, lock-up or takeover under conditions an attacker does not fully control.
  case medium
  /// Loss, lock-up or takeover that an attacker can bring about.
  case high

  /// From 0 (informational) to 3 (high).
  public var rank: Int {
    switch self {
    case .informational: 0
    case .low: 1
    case .medium: 2
    case .high: 3
    }
  }

  /// Orders from informational up to high.
  public static func < (a: Severity, b: Severity) -> Bool { a.rank < b.rank }
}

/// How sure the rule is that the finding is right, given what it could see.
///
/// In JSON the raw values are written: `high`, `medium`, `low`.
public enum Confidence: String, Sendable, CaseIterable, Comparable {
  /// A pattern that is often harmless; a person has to decide.
  case low
  /// Likely; some condition could not be decided from the source.
  case medium
  /// Every condition of the rule was established from the source.
  case high

  /// From 0 (low) to 2 (high).
  public var rank: Int {
    switch self {
    case .low: 0
    case .medium: 1
    case .high: 2
    }
  }

  /// Orders from low up to high.
  public static func < (a: Confidence, b: Confidence) -> Bool { a.rank < b.rank }
}
