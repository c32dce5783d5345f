import Solidity
import SoliditySyntax

/// Something a rule holds against the code, with all a reader needs to judge it.
public struct Finding: Hashable, Sendable {
  /// What keeps the finding the same finding across changes elsewhere.
  public internal(set) var fingerprint: Fingerprint
  /// The rule that made it.
  public let rule: RuleID
  /// How bad it is if it is right.
  public let severity: Severity
  /// How sure the rule is.
  public let confidence: Confidence
  /// One line naming the problem, without a full stop.
  public let title: String
  /// What is wrong and why it matters at this place; whole sentences.
  public let message: String
  /// The contract it concerns, if any.
  public let contract: String?
  /// The function or modifier it stands in (`transfer(address,uint256)`), if any.
  public let function: String?
  /// Places in the source, the primary one first; at least one.
  public let locations: [FindingLocation]
  /// What the reader can check it against.
  public internal(set) var evidence: [Evidence]
  /// What to change at this place; when nil, the rule's page says what to do.
  public let remediation: String?
  /// Findings with the same rule and group key have one root cause and are reported once.
  public let groupKey: String
  /// Every contract the root cause reaches, in order of name; filled when findings are grouped.
  public internal(set) var affectedContracts: [String]

  /// The stable identity: 16 lower-case hexadecimal digits. See `Fingerprint`.
  public var id: String { fingerprint.description }

  /// The primary location.
  public var location: FindingLocation { locations[0] }

  /// Makes a finding from its parts.
  ///
  /// - Parameters:
  ///   - fingerprint: the identity; its rule is the finding's rule.
  ///   - primary: the place to show first.
  ///   - related: further places.
  ///   - groupKey: findings with the same rule and key are reported once.
  public init(
    fingerprint: Fingerprint, severity: Severity, confidence: Confidence, title: String,
    message: String, contract: String?, function: String?, primary: FindingLocation,
    related: [FindingLocation] = [], evidence: [Evidence] = [], remediation: String? = nil,
    groupKey: String
  ) {
    self.fingerprint = fingerprint
    self.rule = fingerprint.rule
    self.severity = severity
    self.confidence = confidence
    self.title = title
    self.message = message
    self.contract = contract
    self.function = function
    self.locations = [primary] + related
    self.evidence = evidence
    self.remediation = remediation
    self.groupKey = groupKey
    affectedContracts = contract.map { [$0] } ?? []
  }

  /// Makes a finding about a syntax node.
  ///
  /// - Parameters:
  ///   - rule: the rule; its severity, confidence and title hold unless others are given.
  ///   - node: the place to show first.
  ///   - program: the program the node belongs to.
  ///   - message: what is wrong and why it matters here.
  ///   - contract: the contract for which this was found, when it is another than the one around the root cause
  ///     (a contract that inherits it).
  ///   - rootCause: the node whose change would repair it, when it is another than `node`. Findings of one rule with
  ///     the same root cause and discriminator are reported once, listing every contract.
  ///   - role: what the primary place is.
  ///   - related: further places.
  ///   - discriminator: tells apart several findings about one root cause, such as the name of the other contract.
  public static func make(
    rule: Rule, at node: any SyntaxNode, in program: Program, message: String,
    title: String? = nil, severity: Severity? = nil, confidence: Confidence? = nil,
    contract: ContractDefinition? = nil, rootCause: (any SyntaxNode)? = nil, role: String = "",
    related: [FindingLocation] = [], evidence: [Evidence] = [], remediation: String? = nil,
    discriminator: String = ""
  ) -> Finding {
    let unit = program.units[Int(node.id.unit)]
    let cause = rootCause ?? node
    let causeUnit = program.units[Int(cause.id.unit)]
    let causeRange = SourceAnchor.identityRange(of: cause)
    let enclosure = SourceEnclosure(of: node.range, in: unit)
    return Finding(
      fingerprint: Fingerprint(
        rule: rule.id, range: causeRange, in: causeUnit, discriminator: discriminator),
      severity: severity ?? rule.severity, confidence: confidence ?? rule.confidence,
      title: title ?? rule.title, message: message,
      contract: contract?.name ?? enclosure.contract?.name, function: enclosure.function,
      primary: FindingLocation(of: node, in: unit.source, role: role), related: related,
      evidence: evidence, remediation: remediation,
      groupKey: "\(causeUnit.source.path):\(causeRange.start)-\(causeRange.end):\(discriminator)")
  }
}

extension FindingLocation {
  /// Makes the location of a syntax node of a program.
  public init(of node: any SyntaxNode, in program: Program, role: String = "") {
    self.init(of: node, in: program.units[Int(node.id.unit)].source, role: role)
  }
}
