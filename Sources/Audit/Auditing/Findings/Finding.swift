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

  /// Makes a finding about a place in the source.
  ///
  /// - Parameters:
  ///   - rule: the rule; its severity, confidence and title hold unless others are given.
  ///   - place: the place to show first: `.node(...)` or `.origin(...)`.
  ///   - program: the program it belongs to.
  ///   - message: what is wrong and why it matters here, in whole sentences; names from the source in backticks.
  ///   - contract: the contract for which this was found, when it is another than the one around the place
  ///     (a contract that inherits it).
  ///   - rootCause: what would have to change to repair it, when that is another place. Findings of one rule with
  ///     the same root cause and discriminator are reported once, listing every contract.
  ///   - role: what the primary place is.
  ///   - related: further places.
  ///   - discriminator: tells apart several findings about one root cause, such as the name of the other contract.
  public static func make(
    rule: Rule, at place: SourcePlace, in program: Program, message: String,
    title: String? = nil, severity: Severity? = nil, confidence: Confidence? = nil,
    contract: ContractDefinition? = nil, rootCause: SourcePlace? = nil, role: String = "",
    related: [FindingLocation] = [], evidence: [Evidence] = [], remediation: String? = nil,
    discriminator: String = ""
  ) -> Finding {
    let unit = program.units[Int(place.unit)]
    let cause = rootCause ?? place
    let causeUnit = program.units[Int(cause.unit)]
    let enclosure = SourceEnclosure(of: place.identity, in: unit)
    return Finding(
      fingerprint: Fingerprint(
        rule: rule.id, range: cause.identity, in: causeUnit, discriminator: discriminator),
      severity: severity ?? rule.severity, confidence: confidence ?? rule.confidence,
      title: title ?? rule.title, message: message,
      contract: contract?.name ?? enclosure.contract?.name, function: enclosure.function,
      primary: FindingLocation(place, in: program, role: role), related: related,
      evidence: evidence, remediation: remediation,
      groupKey:
        "\(causeUnit.source.path):\(cause.identity.start)-\(cause.identity.end):\(discriminator)")
  }

  /// Makes a finding about a syntax node. See `make(rule:at:in:...)` with a `SourcePlace`.
  public static func make(
    rule: Rule, at node: any SyntaxNode, in program: Program, message: String,
    title: String? = nil, severity: Severity? = nil, confidence: Confidence? = nil,
    contract: ContractDefinition? = nil, rootCause: (any SyntaxNode)? = nil, role: String = "",
    related: [FindingLocation] = [], evidence: [Evidence] = [], remediation: String? = nil,
    discriminator: String = ""
  ) -> Finding {
    make(
      rule: rule, at: .node(node), in: program, message: message, title: title,
      severity: severity, confidence: confidence, contract: contract,
      rootCause: rootCause.map { .node($0) }, role: role, related: related, evidence: evidence,
      remediation: remediation, discriminator: discriminator)
  }
}

extension FindingLocation {
  /// Makes the location of a place of a program.
  public init(_ place: SourcePlace, in program: Program, role: String = "") {
    self.init(place.display, in: program.units[Int(place.unit)].source, role: role)
  }

  /// Makes the location of a syntax node of a program.
  public init(of node: any SyntaxNode, in program: Program, role: String = "") {
    self.init(.node(node), in: program, role: role)
  }

  /// Makes the location of an instruction's origin.
  public init(of origin: Origin, in program: Program, role: String = "") {
    self.init(.origin(origin), in: program, role: role)
  }
}
