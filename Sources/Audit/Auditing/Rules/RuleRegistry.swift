/// Every detector and rule of the audit.
public enum RuleRegistry {
  /// The detectors in the order they run.
  public static let detectors: [any Detector] =
    ProxyDetectors.all + ValueDetectors.all + CodeDetectors.all

  /// Every rule, by name.
  public static let rules: [Rule] = (detectors.flatMap(\.rules) + SuppressionRules.rules)
    .sorted { $0.id < $1.id }

  /// The rule of a name, if there is one.
  public static func rule(_ id: RuleID) -> Rule? { rules.first { $0.id == id } }
}
