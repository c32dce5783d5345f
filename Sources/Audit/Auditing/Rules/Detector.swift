import Solidity

/// Looks at a program and reports findings of the rules it owns.
///
/// A detector is a pure function of its context: the same program gives the same findings in the same order.
/// Duplicates and order across detectors are taken care of afterwards (`FindingSet`).
public protocol Detector: Sendable {
  /// The rules whose findings it makes, with their pages.
  var rules: [Rule] { get }

  /// The findings in a program.
  func findings(in context: AuditContext) -> [Finding]
}

/// What detectors are given.
public struct AuditContext: Sendable {
  /// The resolved program.
  public let program: Program
  /// What was derived from it. Lowered on first use; shared by all detectors.
  public let facts: Facts
  /// The rules asked for. Findings of others are dropped later; a detector may skip work for them.
  public let selection: RuleSelection

  /// Makes a context.
  public init(program: Program, selection: RuleSelection = .all) {
    self.program = program
    facts = Facts(program: program)
    self.selection = selection
  }
}
