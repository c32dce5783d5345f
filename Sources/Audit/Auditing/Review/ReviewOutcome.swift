import SoliditySyntax

/// What is left of a review after every claim was decided.
///
/// Proposals become findings only if no claim is refuted and at least one is confirmed. Without claims, or with claims
/// that can neither be shown nor excluded, they become questions for a person. Proposals with a refuted claim
/// appear nowhere but in `refused`, which no report reads.
public struct ReviewOutcome: Sendable {
  /// Proposals that stood the check.
  public private(set) var findings: [Finding] = []
  /// Proposals a person has to judge.
  public private(set) var questions: [ReviewQuestion] = []
  /// Proposals that were refuted, with the reason: for logs and for measuring reviewers.
  public private(set) var refused: [(proposal: ProposedFinding, reason: String)] = []

  /// Longer titles of a reviewer are cut.
  public static let maximumTitleLength = 160
  /// Longer messages of a reviewer are cut.
  public static let maximumMessageLength = 4000

  /// Decides proposals.
  ///
  /// - Parameters:
  ///   - proposals: what the reviewer proposed.
  ///   - reviewer: its name.
  ///   - facts: decides the claims.
  ///   - rules: the rules a proposal may name.
  ///   - units: the files of the program.
  public init(
    _ proposals: [ProposedFinding], by reviewer: String, facts: some ClaimFacts, rules: [Rule],
    units: [SourceUnit]
  ) {
    let checker = ClaimChecker(facts: facts)
    for proposal in proposals {
      let verdicts = proposal.claims.map { ($0, checker.verdict(on: $0)) }
      let refutation = verdicts.lazy.compactMap { claim, verdict -> String? in
        guard case .refuted(let reason) = verdict else { return nil }
        return "'\(claim.statement)': \(reason)"
      }.first
      if let refutation {
        refused.append((proposal, refutation))
        continue
      }
      guard let rule = rules.first(where: { $0.id == proposal.rule }) else {
        refused.append((proposal, "there is no rule \(proposal.rule)"))
        continue
      }
      let place = ReviewOutcome.location(of: proposal.place, in: units)
      let isConfirmed = verdicts.contains { $0.1 == .confirmed }
      if isConfirmed, let place {
        findings.append(
          ReviewOutcome.finding(proposal, verdicts, rule: rule, reviewer: reviewer, at: place))
      } else if isConfirmed {
        refused.append((proposal, "there is no \(proposal.place)"))
      } else {
        questions.append(
          ReviewQuestion(
            reviewer: reviewer, title: ReviewOutcome.title(proposal),
            message: ReviewOutcome.message(proposal),
            location: place.map { FindingLocation($0.range, in: $0.unit.source) }))
      }
    }
  }

  private static func title(_ proposal: ProposedFinding) -> String {
    String(proposal.title.prefix(maximumTitleLength))
  }

  private static func message(_ proposal: ProposedFinding) -> String {
    String(proposal.message.prefix(maximumMessageLength))
  }

  private static func finding(
    _ proposal: ProposedFinding, _ verdicts: [(ReviewClaim, ClaimVerdict)], rule: Rule,
    reviewer: String, at place: (unit: SourceUnit, range: SourceRange)
  ) -> Finding {
    let enclosure = SourceEnclosure(of: place.range, in: place.unit)
    let confirmed = verdicts.count { $0.1 == .confirmed }
    let notes = verdicts.map { claim, verdict in
      Evidence.note(
        (verdict == .confirmed ? "Confirmed by the facts: " : "Not excluded by the facts: ")
          + "\(claim.statement).")
    }
    return Finding(
      fingerprint: Fingerprint(
        rule: rule.id, range: place.range, in: place.unit, discriminator: "review"),
      severity: min(proposal.severity, rule.severity),
      confidence: confirmed == verdicts.count ? .medium : .low, title: title(proposal),
      message: message(proposal), contract: enclosure.contract?.name,
      function: enclosure.function, primary: FindingLocation(place.range, in: place.unit.source),
      evidence: notes + [.note("Proposed by \(reviewer).")],
      groupKey: "\(place.unit.source.path):\(place.range.start)-\(place.range.end):review")
  }

  /// The text of the lines, without the spaces around it; nil if there are no such lines.
  private static func location(
    of span: LineSpan, in units: [SourceUnit]
  ) -> (unit: SourceUnit, range: SourceRange)? {
    guard let unit = units.first(where: { $0.source.path == span.path }) else { return nil }
    let source = unit.source
    guard span.first >= 1, span.first <= span.last, span.last <= source.lineStarts.count else {
      return nil
    }
    var start = Int(source.lineStarts[span.first - 1])
    var end =
      span.last < source.lineStarts.count ? Int(source.lineStarts[span.last]) : source.bytes.count
    let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
    while start < end, isSpace(source.bytes[start]) { start += 1 }
    while end > start, isSpace(source.bytes[end - 1]) { end -= 1 }
    return (unit, SourceRange(start: start, end: end))
  }
}
