import Solidity

/// Looks at a program and reports findings of the rules it owns.
///
/// A detector implements one of the two functions, or both. Each is a pure function of what it is given: the same
/// program gives the same findings in the same order. Duplicates (a problem in a base is found again in every
/// contract that inherits it) and order are taken care of afterwards (`FindingSet`).
public protocol Detector: Sendable {
  /// The rules whose findings it makes, with their pages.
  var rules: [Rule] { get }

  /// The findings that need a look at the whole program, or at single functions and declarations. None unless
  /// implemented.
  func findings(in context: AuditContext) -> [Finding]

  /// The findings in one contract taken as the most derived one. Called for every subject of the program with
  /// facts that all detectors share, so this is where questions about entry points belong. None unless implemented.
  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding]
}

extension Detector {
  /// None.
  public func findings(in context: AuditContext) -> [Finding] { [] }

  /// None.
  public func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] { [] }
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
