/// Something that reads facts and code and proposes findings: a model, or a script.
///
/// What it proposes is never believed: every claim is decided by a `ClaimChecker`, and only what survives reaches a
/// report (`ReviewOutcome`).
public protocol FindingReviewer: Sendable {
  /// Who reviews, for the report; with whatever tells versions apart, such as a hash of the model.
  var name: String { get }

  /// Reviews some facts and code.
  func review(_ request: ReviewRequest) async throws -> [ProposedFinding]
}

/// What a reviewer is given.
public struct ReviewRequest: Hashable, Sendable {
  /// What is known for certain; claims cite these by id.
  public let facts: [ReviewFact]
  /// The code in question.
  public let code: [ReviewCode]
  /// The rules a proposal may name.
  public let rules: [RuleID]

  /// Makes a request.
  public init(facts: [ReviewFact], code: [ReviewCode], rules: [RuleID]) {
    self.facts = facts
    self.code = code
    self.rules = rules
  }
}

/// Something known for certain about the program.
public struct ReviewFact: Hashable, Sendable {
  /// The name claims cite it by; unique within a request.
  public let id: String
  /// The fact in words.
  public let text: String
  /// Where it can be seen, if it has a place.
  public let span: LineSpan?

  /// Makes a fact.
  public init(id: String, text: String, span: LineSpan?) {
    self.id = id
    self.text = text
    self.span = span
  }
}

/// A piece of source for a reviewer. Comments are removed: they are no facts, and may be written to mislead.
public struct ReviewCode: Hashable, Sendable {
  /// The path of the file.
  public let path: String
  /// The number of the first line.
  public let firstLine: Int
  /// The text, with comments replaced by spaces so that lines and columns keep their numbers.
  public let text: String

  /// Makes a piece of source.
  public init(path: String, firstLine: Int, text: String) {
    self.path = path
    self.firstLine = firstLine
    self.text = text
  }
}

/// A finding as a reviewer proposes it.
public struct ProposedFinding: Hashable, Sendable {
  /// The rule it belongs to.
  public let rule: RuleID
  /// How bad the reviewer thinks it is; at most what the rule says is used.
  public let severity: Severity
  /// One line naming the problem.
  public let title: String
  /// What is wrong and why.
  public let message: String
  /// Where to look.
  public let place: LineSpan
  /// What the proposal rests on.
  public let claims: [ReviewClaim]

  /// Makes a proposal.
  public init(
    rule: RuleID, severity: Severity, title: String, message: String, place: LineSpan,
    claims: [ReviewClaim]
  ) {
    self.rule = rule
    self.severity = severity
    self.title = title
    self.message = message
    self.place = place
    self.claims = claims
  }
}

/// A doubt that could not be turned into a finding: a person has to look.
public struct ReviewQuestion: Hashable, Sendable {
  /// Who asks.
  public let reviewer: String
  /// The doubt in one line.
  public let title: String
  /// The doubt in full.
  public let message: String
  /// Where to look, if the place exists.
  public let location: FindingLocation?

  /// Makes a question.
  public init(reviewer: String, title: String, message: String, location: FindingLocation?) {
    self.reviewer = reviewer
    self.title = title
    self.message = message
    self.location = location
  }
}
