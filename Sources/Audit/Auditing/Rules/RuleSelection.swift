/// Which rules to run.
public struct RuleSelection: Hashable, Sendable {
  /// The names of the rules asked for; nil for all.
  private let included: Set<RuleID>?

  /// Every rule.
  public static let all = RuleSelection(included: nil)

  private init(included: Set<RuleID>?) { self.included = included }

  /// Exactly the rules named.
  public init(only rules: some Sequence<RuleID>) { included = Set(rules) }

  /// Whether a rule was asked for.
  public func contains(_ rule: RuleID) -> Bool { included?.contains(rule) ?? true }
}
