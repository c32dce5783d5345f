import Auditing
import Testing

@Suite("Reports of many programs")
struct ReportCollectorTests {
  @Test("findings of the lowest severities are left out whole, counted, and said to be")
  func bounded() throws {
    let report = try ReportSample.report()
    let severities = Dictionary(grouping: report.findings, by: \.severity).mapValues(\.count)
    let lowest = try #require(severities.keys.min())
    try #require(severities.count > 1)
    var collector = ReportCollector(
      toolVersion: "1", maximumFindings: report.findings.count * 2 - 1)
    collector.add(report)
    collector.add(report)
    let whole = collector.report(baseline: nil) { _ in nil }
    #expect(whole.omitted.counts == [lowest: severities[lowest, default: 0] * 2])
    #expect(!whole.findings.contains { $0.severity == lowest })
    #expect(whole.claim.contains("Left out"))
    #expect(whole.claim.contains("\(severities[lowest, default: 0] * 2) \(lowest.rawValue)"))
    #expect(FailurePolicy.atLeast(lowest).isFailure(whole))
  }

  @Test("nothing is left out below the bound")
  func unbounded() throws {
    let report = try ReportSample.report()
    var collector = ReportCollector(toolVersion: "1", maximumFindings: report.findings.count)
    collector.add(report)
    let whole = collector.report(baseline: nil) { _ in nil }
    #expect(whole.omitted == OmittedFindings())
    #expect(whole.findings.map(\.id) == report.findings.map(\.id))
  }
}
