import Auditing
import Solidity
import SoliditySyntax
import Testing

/// How detectors are run.
struct RuleDetectorTests {
  /// Reports every contract it is shown, and the program once.
  struct Witness: Detector {
    let rules = [ReportSample.guardRule, ReportSample.origin]
    func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
      [
        Finding.make(
          rule: ReportSample.guardRule, at: subject.contract, in: context.program, message: "seen")
      ]
    }
    func findings(in context: AuditContext) -> [Finding] {
      context.program.contracts.prefix(1).map { contract in
        Finding.make(rule: ReportSample.origin, at: contract, in: context.program, message: "once")
      }
    }
  }

  private let program = ReportSample.program([
    ("a.sol", "interface I { } abstract contract A { } contract B is A { } library L { }")
  ])

  @Test func everySubjectIsShownOnce() {
    var request = AuditRequest(program: program, toolVersion: "1")
    request.detectors = [Witness()]
    var progress: [Int] = []
    let report = Audit.run(request) { done, total in
      progress.append(done)
      #expect(done <= total)
    }
    let seen = report.findings.filter { $0.message == "seen" }.compactMap(\.contract)
    #expect(seen.sorted() == ["A", "B", "L"])
    #expect(report.findings.filter { $0.message == "once" }.count == 1)
    #expect(progress == [0, 1, 2, 3, 4])
  }

  @Test func detectorsWithoutRulesAskedForDoNotRun() {
    var request = AuditRequest(program: program, toolVersion: "1")
    request.detectors = [Witness()]
    request.selection = RuleSelection(only: ["unused-suppression"])
    let report = Audit.run(request)
    #expect(report.findings.isEmpty)
    #expect(report.rules.map(\.id.text) == ["unused-suppression"])
  }
}
