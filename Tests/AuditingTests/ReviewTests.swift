import Foundation
import SoliditySyntax
import Testing

import Auditing

/// Reviewers propose; facts decide.
struct ReviewTests {
  /// Facts as a script: statements that hold, statements that do not; everything else is undecided.
  struct ScriptedFacts: ClaimFacts {
    var holding: [ClaimStatement: [LineSpan]] = [:]
    var failing: Set<ClaimStatement> = []
    var unknown: Set<ClaimStatement> = []

    private func answer(_ statement: ClaimStatement) -> FactAnswer {
      if let places = holding[statement] { return .holds(places) }
      if failing.contains(statement) { return .fails("the facts say otherwise") }
      if unknown.contains(statement) { return .unknownSubject("function nowhere()") }
      return .undecided
    }
    func hasFact(_ id: String) -> Bool { id.hasPrefix("fact-") }
    func lineCount(of path: String) -> Int? { path == "src/Vault.sol" ? 40 : nil }
    func writes(_ function: CallableName, _ variable: StateName) -> FactAnswer {
      answer(.writes(function, variable))
    }
    func reads(_ function: CallableName, _ variable: StateName, before span: LineSpan) -> FactAnswer
    {
      answer(.readsBefore(function, variable, before: span))
    }
    func isReachable(_ function: CallableName, from entry: CallableName) -> FactAnswer {
      answer(.reachableFrom(function, entry: entry))
    }
    func isUnguarded(_ function: CallableName) -> FactAnswer { answer(.unguarded(function)) }
    func overlap(_ a: StateName, _ b: StateName) -> FactAnswer { answer(.overlaps(a, b)) }
    func valueFlows(in function: CallableName, from: LineSpan, to: LineSpan) -> FactAnswer {
      answer(.valueFlows(in: function, from: from, to: to))
    }
    func makesExternalCall(_ function: CallableName, beforeWriting variable: StateName)
      -> FactAnswer
    {
      answer(.externalCallBeforeWrite(function, variable))
    }
    func haveSameSelector(_ a: CallableName, _ b: CallableName) -> FactAnswer {
      answer(.sameSelector(a, b))
    }
  }

  /// A reviewer that says what it was told to say.
  struct ScriptedReviewer: FindingReviewer {
    let name = "script 1 (0000)"
    let proposals: [ProposedFinding]
    func review(_ request: ReviewRequest) async throws -> [ProposedFinding] { proposals }
  }

  static let withdraw = CallableName(contract: "Vault", function: "withdraw(uint256)")
  static let setOwner = CallableName(contract: "Vault", function: "setOwner(address)")
  static let balances = StateName(contract: "Vault", variable: "balances")
  static let line18 = LineSpan(path: "src/Vault.sol", first: 18, last: 18)
  static let line19 = LineSpan(path: "src/Vault.sol", first: 19, last: 19)
  static let line28 = LineSpan(path: "src/Vault.sol", first: 28, last: 28)

  static let statements: [ClaimStatement] = [
    .writes(withdraw, balances), .readsBefore(withdraw, balances, before: line18),
    .reachableFrom(withdraw, entry: setOwner), .unguarded(withdraw), .overlaps(balances, balances),
    .valueFlows(in: withdraw, from: line18, to: line19),
    .externalCallBeforeWrite(withdraw, balances),
    .sameSelector(withdraw, setOwner),
  ]

  // MARK: - Claims

  @Test(arguments: statements)
  func decidesEveryKindOfClaim(_ statement: ClaimStatement) {
    let claim = ReviewClaim(statement, facts: ["fact-1"], spans: [ReviewTests.line19])
    var facts = ScriptedFacts()
    #expect(ClaimChecker(facts: facts).verdict(on: claim) == .consistent)
    facts.failing = [statement]
    #expect(ClaimChecker(facts: facts).verdict(on: claim) == .refuted("the facts say otherwise"))
    facts = ScriptedFacts(holding: [statement: [ReviewTests.line19]])
    #expect(ClaimChecker(facts: facts).verdict(on: claim) == .confirmed)
    facts = ScriptedFacts(holding: [statement: []])
    #expect(ClaimChecker(facts: facts).verdict(on: claim) == .confirmed)
    facts = ScriptedFacts(unknown: [statement])
    #expect(
      ClaimChecker(facts: facts).verdict(on: claim) == .refuted("there is no function nowhere()"))
  }

  @Test func refutesWhatCitesTheWrongPlace() {
    let statement = ReviewTests.statements[0]
    let checker = ClaimChecker(facts: ScriptedFacts(holding: [statement: [ReviewTests.line19]]))
    func verdict(_ facts: [String], _ spans: [LineSpan]) -> ClaimVerdict {
      checker.verdict(on: ReviewClaim(statement, facts: facts, spans: spans))
    }
    #expect(verdict(["fact-1"], []) == .confirmed)
    #expect(verdict([], []) == .consistent)
    for refuted in [
      verdict(["invented"], []), verdict([], [ReviewTests.line18]),
      verdict([], [LineSpan(path: "src/Other.sol", first: 1, last: 1)]),
      verdict([], [LineSpan(path: "src/Vault.sol", first: 0, last: 19)]),
      verdict([], [LineSpan(path: "src/Vault.sol", first: 20, last: 19)]),
      verdict([], [LineSpan(path: "src/Vault.sol", first: 19, last: 41)]),
    ] {
      guard case .refuted = refuted else {
        Issue.record("\(refuted)")
        continue
      }
    }
  }

  // MARK: - Proposals

  static func proposal(
    _ title: String, _ claims: [ReviewClaim], rule: RuleID = "sample-missing-guard",
    severity: Severity = .high, place: LineSpan = line28
  ) -> ProposedFinding {
    ProposedFinding(
      rule: rule, severity: severity, title: title, message: "Message of \(title).", place: place,
      claims: claims)
  }

  /// One proposal of every fate; the titles say which.
  static let script = [
    proposal(
      "CONFIRMED",
      [
        ReviewClaim(.unguarded(setOwner), facts: ["fact-1"]),
        ReviewClaim(.reachableFrom(withdraw, entry: setOwner), facts: ["fact-2"]),
      ]),
    proposal(
      "REFUTEDONE",
      [
        ReviewClaim(.unguarded(setOwner), facts: ["fact-1"]),
        ReviewClaim(.writes(withdraw, balances), facts: ["fact-1"]),
      ]),
    proposal("REFUTEDALL", [ReviewClaim(.writes(withdraw, balances))]),
    proposal("REFUTEDFACT", [ReviewClaim(.unguarded(setOwner), facts: ["invented"])]),
    proposal(
      "REFUTEDLINES",
      [ReviewClaim(.unguarded(setOwner), spans: [LineSpan(path: "x", first: 1, last: 1)])]),
    proposal(
      "REFUTEDRULE", [ReviewClaim(.unguarded(setOwner), facts: ["fact-1"])], rule: "no-such-rule"),
    proposal(
      "REFUTEDPLACE", [ReviewClaim(.unguarded(setOwner), facts: ["fact-1"])],
      place: LineSpan(path: "src/Nowhere.sol", first: 1, last: 1)),
    proposal("QUESTIONCLAIMLESS", []),
    proposal("QUESTIONUNDECIDED", [ReviewClaim(.unguarded(withdraw), facts: ["fact-1"])]),
  ]
  static let facts = ScriptedFacts(
    holding: [.unguarded(setOwner): []], failing: [.writes(withdraw, balances)])

  private func outcome() async throws -> ReviewOutcome {
    let program = try ReportSample.program()
    let reviewer = ScriptedReviewer(proposals: ReviewTests.script)
    let request = ReviewRequest(facts: [], code: [], rules: ReportSample.rules.map(\.id))
    return ReviewOutcome(
      try await reviewer.review(request), by: reviewer.name, facts: ReviewTests.facts,
      rules: ReportSample.rules, units: program.units)
  }

  @Test func sortsProposals() async throws {
    let outcome = try await outcome()
    #expect(outcome.findings.map(\.title) == ["CONFIRMED"])
    #expect(outcome.questions.map(\.title) == ["QUESTIONCLAIMLESS", "QUESTIONUNDECIDED"])
    #expect(outcome.refused.map(\.proposal.title).allSatisfy { $0.hasPrefix("REFUTED") })
    #expect(outcome.refused.count == 6)
    #expect(outcome.refused.allSatisfy { !$0.reason.isEmpty })
  }

  @Test func acceptedProposalsAreModest() async throws {
    let finding = try #require(try await outcome().findings.first)
    // The rule says medium; one claim was only not excluded.
    #expect(finding.severity == .medium)
    #expect(finding.confidence == .low)
    #expect(finding.function == "setOwner(address)")
    #expect(finding.location.start.line == 28)
    #expect(finding.evidence.contains(.note("Proposed by script 1 (0000).")))
    #expect(
      finding.evidence.contains(
        .note("Confirmed by the facts: Vault.setOwner(address) is unguarded.")))
  }

  /// Refuted proposals appear in no format, confirmed ones and questions in all.
  @Test(arguments: ReportGoldenTests.Format.allCases)
  func refutedClaimsNeverReachAReport(_ format: ReportGoldenTests.Format) async throws {
    var request = ReportSample.request(try ReportSample.program())
    request.unreadableFiles = []
    // Without the directive's rule: the accepted proposal stands on a suppressed line.
    request.selection = .all
    request.review = try await outcome()
    let report = Audit.run(request)
    let text = format.text(report)
    #expect(!text.contains("REFUTED"))
    #expect(!text.contains("no-such-rule\""))
    #expect(text.contains("QUESTIONCLAIMLESS"))
    #expect(text.contains("QUESTIONUNDECIDED"))
    let all = report.findings + report.suppressed.map(\.finding)
    #expect(all.contains { $0.title == "CONFIRMED" })
    if format == .json || format == .sarif { #expect(text.contains("CONFIRMED")) }
  }

  @Test func proposalsAreCut() {
    let long = String(repeating: "x", count: 100_000)
    let program = ReportSample.program([("src/Vault.sol", "contract C { }\n")])
    let proposal = ReviewTests.proposal(
      long, [], place: LineSpan(path: "src/Vault.sol", first: 1, last: 1))
    let outcome = ReviewOutcome(
      [proposal], by: "r", facts: ReviewTests.facts, rules: ReportSample.rules, units: program.units
    )
    #expect(outcome.questions[0].title.count == ReviewOutcome.maximumTitleLength)
  }

  @Test func reviewsAreDeterministic() async throws {
    let a = try await outcome()
    let b = try await outcome()
    #expect(a.findings == b.findings)
    #expect(a.questions == b.questions)
  }
}
