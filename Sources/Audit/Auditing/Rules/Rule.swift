/// The field a rule belongs to; `--only` and `--exclude` accept it in place of rule names.
public enum RuleCategory: String, Sendable, CaseIterable, Comparable {
  /// Storage shared by contracts that run in one account.
  case storage
  /// Proxies, delegatecall, clones, beacons, diamonds.
  case proxy
  /// What a new implementation does to a live one.
  case upgrade
  /// Initializers and constructors.
  case initialization
  /// Who may call what.
  case accessControl = "access-control"
  /// Calls back into unfinished business.
  case reentrancy
  /// Calls out and what they answer.
  case externalCalls = "external-calls"
  /// Ether and tokens sent, held and locked.
  case funds
  /// Overflow, truncation, rounding.
  case arithmetic
  /// Numbers an attacker can foresee or bend: block values, time.
  case randomness
  /// Signatures, hashes and encodings.
  case signatures
  /// ERC-20, ERC-721, ERC-4626 and their kin.
  case tokens
  /// Prices and other data from outside.
  case oracles
  /// Work without bound, calls that can be made to fail.
  case denialOfService = "denial-of-service"
  /// Inline assembly.
  case assembly
  /// Names that hide others, values never set.
  case declarations
  /// Old language forms, compiler versions, style that hides mistakes.
  case hygiene
  /// The audit's own: suppressions and other directives to Maslin.
  case directives

  /// Orders by name.
  public static func < (a: RuleCategory, b: RuleCategory) -> Bool { a.rawValue < b.rawValue }
}

/// A published entry a rule corresponds to.
public enum RuleReference: Hashable, Sendable, CustomStringConvertible {
  /// An entry of the Smart Contract Weakness Classification.
  case swc(Int)
  /// An entry of the Common Weakness Enumeration.
  case cwe(Int)
  /// An Ethereum request for comments.
  case erc(Int)
  /// An Ethereum improvement proposal.
  case eip(Int)

  /// `SWC-107`, `CWE-841`, `ERC-1967`, `EIP-7702`
  public var description: String {
    switch self {
    case .swc(let number): "SWC-\(number)"
    case .cwe(let number): "CWE-\(number)"
    case .erc(let number): "ERC-\(number)"
    case .eip(let number): "EIP-\(number)"
    }
  }
}

/// A rule with its page: what it looks for, why, how to fix it, and two contracts that show where it draws the line.
public struct Rule: Sendable {
  /// The name.
  public let id: RuleID
  /// One line naming the problem, without a full stop.
  public let title: String
  /// The severity of its findings unless a finding states another.
  public let severity: Severity
  /// The confidence of its findings unless a finding states another.
  public let confidence: Confidence
  /// The field it belongs to.
  public let category: RuleCategory
  /// What it looks for, in one to three sentences.
  public let summary: String
  /// Why that matters.
  public let why: String
  /// How to repair it.
  public let howToFix: String
  /// A complete Solidity file on which the rule reports at least one finding.
  public let exampleThatFires: String
  /// A complete Solidity file, as near to the other as possible, on which it reports none.
  public let exampleThatDoesNot: String
  /// Published entries it corresponds to.
  public let references: [RuleReference]

  /// Makes a rule.
  public init(
    id: RuleID, title: String, severity: Severity, confidence: Confidence, category: RuleCategory,
    summary: String, why: String, howToFix: String, exampleThatFires: String,
    exampleThatDoesNot: String, references: [RuleReference] = []
  ) {
    self.id = id
    self.title = title
    self.severity = severity
    self.confidence = confidence
    self.category = category
    self.summary = summary
    self.why = why
    self.howToFix = howToFix
    self.exampleThatFires = exampleThatFires
    self.exampleThatDoesNot = exampleThatDoesNot
    self.references = references
  }
}
