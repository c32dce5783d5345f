import Solidity
import Testing

import Auditing

struct FindingSetTests {
  @Test func groupsByRootCause() throws {
    let report = try ReportSample.report()
    let reentrancies = report.findings.filter { $0.rule == ReportSample.reentrancy.id }
    #expect(reentrancies.count == 1)
    #expect(reentrancies[0].contract == "Vault")
    #expect(reentrancies[0].affectedContracts == ["FamilyVault", "SavingsVault", "Vault"])
  }

  @Test func keepsTheWorstOfAGroup() {
    let program = ReportSample.program([("C.sol", "contract C { function f() public { flag(); } }")]
    )
    let place = ReportSample.place("flag()", in: "C.sol", of: program)
    let findings = [Severity.low, .high, .medium].map { severity in
      Finding.make(
        rule: ReportSample.origin, at: place, in: program, message: severity.rawValue,
        severity: severity)
    }
    let result = FindingSet.assemble(findings)
    #expect(result.map(\.message) == ["high"])
  }

  @Test func discriminatorsKeepFindingsApart() {
    let program = ReportSample.program([("C.sol", "contract C { uint x; }")])
    let variable = ReportSample.contract("C", of: program).stateVariables[0]
    let findings = ["A", "B", "A"].map { other in
      Finding.make(
        rule: ReportSample.overlap, at: variable, in: program, message: "m", discriminator: other)
    }
    let result = FindingSet.assemble(findings)
    #expect(result.count == 2)
    #expect(Set(result.map(\.id)).count == 2)
  }

  @Test func ordersBySeverityConfidenceRulePlace() throws {
    let findings = try ReportSample.report().findings
    for (a, b) in zip(findings, findings.dropFirst()) {
      #expect(a.severity >= b.severity)
      if a.severity == b.severity { #expect(a.confidence >= b.confidence) }
      if a.severity == b.severity, a.confidence == b.confidence { #expect(a.rule <= b.rule) }
    }
  }

  @Test func findingsOutsideTheUnitsAskedForAreLeftOut() {
    let text = "contract C { function f() public { flag(); } }"
    let program = ReportSample.program([("src/C.sol", text), ("lib/D.sol", text)])
    var request = AuditRequest(program: program, toolVersion: "1")
    request.detectors = [ReportSample.FlagDetector()]
    request.units = [0]
    let report = Audit.run(request)
    #expect(report.findings.map(\.location.path) == ["src/C.sol"])
    #expect(report.files.map(\.path) == ["src/C.sol"])
  }
}
