import Solidity
import SoliditySyntax
import Testing

import Auditing

/// Claims decided by the facts of real programs.
struct ReviewFactsTests {
  private static let text = """
    pragma solidity 0.8.28;
    interface Oracle { function price() external view returns (uint256); }
    contract Bank {
      address public owner;
      mapping(address => uint256) public balances;
      uint256 public fee;
      Oracle oracle;
      constructor() { owner = msg.sender; }
      function deposit() external payable { balances[msg.sender] += msg.value; }
      function withdraw(uint256 amount) external {
        pay(msg.sender, amount);
        balances[msg.sender] -= amount;
      }
      function safeWithdraw(uint256 amount) external {
        balances[msg.sender] -= amount;
        pay(msg.sender, amount);
      }
      function setFee(uint256 next) external {
        require(msg.sender == owner);
        fee = next + oracle.price();
      }
      function run(address target, bytes calldata data) external {
        (bool ok, ) = target.delegatecall(data);
        require(ok);
      }
      function pay(address to, uint256 amount) private {
        (bool ok, ) = to.call{value: amount}("");
        require(ok);
      }
      function burn(uint256 amount) external { balances[msg.sender] -= amount; }
    }
    contract Front {
      bool first;
      address admin;
      uint256 second;
      uint256 constant third = 3;
      uint256 transient fourth;
      function collate_propagate_storage(bytes16 x) external { }
    }
    contract Child is Bank { }
    """
  private static let program = ReportSample.program([("src/Bank.sol", text)])

  private func line(_ text: String) -> Int {
    ReviewFactsTests.text.split(separator: "\n", omittingEmptySubsequences: false)
      .firstIndex { $0.contains(text) }! + 1
  }
  private func span(_ text: String) -> LineSpan {
    LineSpan(path: "src/Bank.sol", first: line(text), last: line(text))
  }
  private func function(_ name: String, _ contract: String = "Bank") -> CallableName {
    CallableName(contract: contract, function: name)
  }
  private func state(_ name: String, _ contract: String = "Bank") -> StateName {
    StateName(contract: contract, variable: name)
  }

  private enum Fate { case confirmed, consistent, refuted }

  private func check(
    _ statement: ClaimStatement, _ fate: Fate, spans: [LineSpan] = [],
    _ location: Testing.SourceLocation = #_sourceLocation
  ) {
    let program = ReviewFactsTests.program
    let facts = Facts(program: program)
    let request = ReviewRequest(
      about: ReportSample.contract("Bank", of: program), facts: facts, rules: ReportSample.rules)
    let checker = ClaimChecker(facts: ProgramClaimFacts(facts: facts, request: request))
    let verdict = checker.verdict(on: ReviewClaim(statement, facts: ["fact-1"], spans: spans))
    let got: Fate =
      switch verdict {
      case .confirmed: .confirmed
      case .consistent: .consistent
      case .refuted: .refuted
      }
    #expect(got == fate, "\(statement): \(verdict)", sourceLocation: location)
  }

  @Test func programIsUnderstood() {
    #expect(AuditedFile.files(of: ReviewFactsTests.program).flatMap(\.problems) == [])
  }

  @Test func writes() {
    check(.writes(function("withdraw"), state("balances")), .confirmed)
    check(.writes(function("withdraw(uint256)"), state("balances")), .confirmed)
    check(.writes(function("withdraw", "Child"), state("balances", "Child")), .confirmed)
    check(.writes(function("constructor"), state("owner")), .confirmed)
    check(.writes(function("withdraw"), state("owner")), .refuted)
    check(.writes(function("pay"), state("balances")), .refuted)
    check(.writes(function("run"), state("owner")), .consistent)
    check(.writes(function("withdraw(uint128)"), state("balances")), .refuted)
    check(.writes(function("withdraw"), state("nothing")), .refuted)
    check(.writes(function("withdraw", "Nobody"), state("balances")), .refuted)
  }

  @Test func writesAtTheLinesCited() {
    let statement = ClaimStatement.writes(function("setFee"), state("fee"))
    check(statement, .confirmed, spans: [span("fee = next")])
    check(statement, .refuted, spans: [span("require(msg.sender")])
  }

  @Test func readsBefore() {
    check(.readsBefore(function("setFee"), state("owner"), before: span("fee = next")), .confirmed)
    check(.readsBefore(function("withdraw"), state("balances"), before: span("to.call")), .refuted)
    check(
      .readsBefore(function("safeWithdraw"), state("balances"), before: span("to.call")), .confirmed
    )
    check(
      .readsBefore(function("deposit"), state("balances"), before: span("fee = next")), .refuted)
  }

  @Test func reachable() {
    check(.reachableFrom(function("pay"), entry: function("withdraw")), .confirmed)
    check(.reachableFrom(function("pay"), entry: function("withdraw", "Child")), .confirmed)
    check(.reachableFrom(function("pay"), entry: function("deposit")), .refuted)
    check(.reachableFrom(function("withdraw"), entry: function("pay")), .refuted)
    check(.reachableFrom(function("pay"), entry: function("run")), .consistent)
  }

  @Test func unguarded() {
    check(.unguarded(function("withdraw")), .confirmed)
    check(.unguarded(function("pay")), .confirmed)
    check(.unguarded(function("setFee")), .refuted)
  }

  @Test func overlaps() {
    check(.overlaps(state("owner"), state("first", "Front")), .confirmed)
    check(.overlaps(state("owner"), state("admin", "Front")), .confirmed)
    check(.overlaps(state("balances"), state("second", "Front")), .confirmed)
    check(.overlaps(state("fee"), state("first", "Front")), .refuted)
    check(.overlaps(state("owner"), state("third", "Front")), .refuted)
    check(.overlaps(state("owner"), state("fourth", "Front")), .refuted)
    check(.overlaps(state("owner"), state("fee")), .refuted)
  }

  @Test func valueFlows() {
    let withdraw = function("withdraw")
    check(
      .valueFlows(in: withdraw, from: span("function withdraw"), to: span("to.call")), .confirmed)
    check(.valueFlows(in: withdraw, from: span("fee = next"), to: span("to.call")), .refuted)
  }

  @Test func externalCallBeforeWrite() {
    check(.externalCallBeforeWrite(function("withdraw"), state("balances")), .confirmed)
    check(.externalCallBeforeWrite(function("safeWithdraw"), state("balances")), .refuted)
    check(.externalCallBeforeWrite(function("deposit"), state("balances")), .refuted)
    // A call of a view function cannot change anything in between.
    check(.externalCallBeforeWrite(function("setFee"), state("fee")), .refuted)
  }

  /// `burn(uint256)` and `collate_propagate_storage(bytes16)` are a published pair with selector 0x42966c68.
  @Test func sameSelector() {
    let burn = function("burn")
    check(.sameSelector(burn, function("collate_propagate_storage", "Front")), .confirmed)
    check(.sameSelector(burn, burn), .refuted)
    check(.sameSelector(burn, function("deposit")), .refuted)
    check(.sameSelector(burn, function("pay")), .refuted)
  }

  @Test func requestsHoldFactsAndCode() {
    let program = ReviewFactsTests.program
    let facts = Facts(program: program)
    let request = ReviewRequest(
      about: ReportSample.contract("Child", of: program), facts: facts, rules: ReportSample.rules)
    let texts = request.facts.map(\.text)
    #expect(texts.contains("Child.owner (address) is at slot 0, byte 0, 20 bytes"))
    #expect(texts.contains("Child.setFee(uint256): only some accounts may call; refuses ether"))
    #expect(texts.contains("Child.deposit(): anyone may call; accepts ether"))
    #expect(texts.contains("Child.withdraw(uint256) writes Child.balances"))
    #expect(texts.contains("Child.run(address,bytes) runs the code of another account"))
    #expect(request.facts.map(\.id) == request.facts.indices.map { "fact-\($0 + 1)" })
    #expect(request.code.map(\.firstLine) == [line("contract Child"), line("contract Bank")])
  }

  /// Comments are where someone would write to a model; they never reach it.
  @Test func codeHasNoComments() {
    let text =
      "contract C { // ignore all\n /* previous */ string s = \"// kept /* */\"; /* a\n b */ uint x; }"
    let program = ReportSample.program([("C.sol", text)])
    let request = ReviewRequest(
      about: ReportSample.contract("C", of: program), facts: Facts(program: program), rules: [])
    let code = request.code[0].text
    #expect(!code.contains("ignore") && !code.contains("previous") && !code.contains(" b "))
    #expect(code.contains("\"// kept /* */\""))
    #expect(code.utf8.count == text.utf8.count)
    #expect(code.count { $0 == "\n" } == 2)
  }

  /// From facts to a report: what the reviewer got right is in it, what it got wrong is not.
  @Test func fromFactsToReport() async throws {
    let program = ReviewFactsTests.program
    let facts = Facts(program: program)
    let request = ReviewRequest(
      about: ReportSample.contract("Bank", of: program), facts: facts, rules: ReportSample.rules)
    func proposal(_ title: String, _ statement: ClaimStatement, _ place: LineSpan)
      -> ProposedFinding
    {
      ProposedFinding(
        rule: ReportSample.reentrancy.id, severity: .high, title: title, message: "m", place: place,
        claims: [ReviewClaim(statement, facts: ["fact-1"])])
    }
    let reviewer = ReviewTests.ScriptedReviewer(proposals: [
      proposal(
        "RIGHT", .externalCallBeforeWrite(function("withdraw"), state("balances")),
        span("pay(msg.sender")),
      proposal(
        "WRONG", .externalCallBeforeWrite(function("safeWithdraw"), state("balances")),
        span("fee = next")),
    ])
    var audit = AuditRequest(program: program, toolVersion: "1")
    audit.detectors = [ReportSample.SampleRules()]
    audit.review = ReviewOutcome(
      try await reviewer.review(request), by: reviewer.name,
      facts: ProgramClaimFacts(facts: facts, request: request), rules: ReportSample.rules,
      units: program.units)
    let report = Audit.run(audit)
    for format in ReportGoldenTests.Format.allCases {
      #expect(format.text(report).contains("RIGHT"))
      #expect(!format.text(report).contains("WRONG"))
    }
  }
}
