import Auditing
import Foundation
import SoliditySyntax
import Testing

/// What GitHub code scanning and the standard ask of a SARIF file.
struct SarifTests {
  private func document(_ report: AuditReport, root: String? = nil) throws -> [String: Any] {
    let data = Data(SARIFReport(report, root: root).bytes)
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func run(_ report: AuditReport, root: String? = nil) throws -> [String: Any] {
    let runs = try #require(try document(report, root: root)["runs"] as? [[String: Any]])
    #expect(runs.count == 1)
    return runs[0]
  }

  private func results(_ report: AuditReport, root: String? = nil) throws -> [[String: Any]] {
    try #require(try run(report, root: root)["results"] as? [[String: Any]])
  }

  private func physical(_ location: Any?) throws -> (uri: String, region: [String: Int]) {
    let location = try #require(location as? [String: Any])
    let physical = try #require(location["physicalLocation"] as? [String: Any])
    let artifact = try #require(physical["artifactLocation"] as? [String: Any])
    return (
      try #require(artifact["uri"] as? String), try #require(physical["region"] as? [String: Int])
    )
  }

  @Test func everyResultHasARuleAPlaceAndFingerprints() throws {
    let report = try ReportSample.report()
    let run = try run(report)
    let tool = try #require(run["tool"] as? [String: Any])
    let driver = try #require(tool["driver"] as? [String: Any])
    let rules = try #require(driver["rules"] as? [[String: Any]])
    let results = try results(report)
    #expect(results.count == report.findings.count + report.suppressed.count)
    for result in results {
      let index = try #require(result["ruleIndex"] as? Int)
      #expect(rules[index]["id"] as? String == result["ruleId"] as? String)
      let locations = try #require(result["locations"] as? [Any])
      #expect(locations.count == 1)
      let (uri, region) = try physical(locations[0])
      #expect(!uri.hasPrefix("/") && !uri.contains(" "))
      let startLine = try #require(region["startLine"])
      let endLine = try #require(region["endLine"])
      #expect(startLine >= 1 && endLine >= startLine)
      #expect(region["startColumn"]! >= 1)
      #expect(endLine > startLine || region["endColumn"]! > region["startColumn"]!)
      let prints = try #require(result["partialFingerprints"] as? [String: String])
      #expect(prints["maslinFindingId/v1"]?.count == 16)
      #expect(prints["primaryLocationLineHash"] != nil)
      #expect(["error", "warning", "note"].contains(result["level"] as? String))
    }
    for rule in rules {
      let properties = try #require(rule["properties"] as? [String: Any])
      #expect((properties["tags"] as? [String])?.isEmpty == false)
      #expect((rule["help"] as? [String: String])?["markdown"]?.isEmpty == false)
      if let score = properties["security-severity"] as? String {
        #expect((0.1...10).contains(try #require(Double(score))))
      }
    }
  }

  @Test func callPathsBecomeCodeFlows() throws {
    let results = try results(try ReportSample.report())
    let flows = try #require(results[0]["codeFlows"] as? [[String: Any]])
    let threads = try #require(flows[0]["threadFlows"] as? [[String: Any]])
    let steps = try #require(threads[0]["locations"] as? [[String: Any]])
    #expect(steps.count == 2)
    for step in steps { #expect(try physical(step["location"]).region["startLine"]! >= 1) }
    // Steps without a place are left out, not given a made-up one.
    let unused = try #require(results.first { $0["ruleId"] as? String == "sample-unused-argument" })
    let flow = try #require(unused["codeFlows"] as? [[String: Any]])
    let thread = try #require(flow[0]["threadFlows"] as? [[String: Any]])
    #expect((thread[0]["locations"] as? [Any])?.count == 1)
  }

  @Test func suppressedResultsSayWhy() throws {
    let suppressed = try results(try ReportSample.report()).filter { $0["suppressions"] != nil }
    #expect(suppressed.count == 1)
    let suppressions = try #require(suppressed[0]["suppressions"] as? [[String: Any]])
    #expect(suppressions[0]["kind"] as? String == "inSource")
    #expect(suppressions[0]["justification"] as? String == "set once by the factory before use")
  }

  @Test func filesNotUnderstoodAreNotified() throws {
    let run = try run(try ReportSample.report())
    let invocations = try #require(run["invocations"] as? [[String: Any]])
    let notifications = try #require(
      invocations[0]["toolExecutionNotifications"] as? [[String: Any]])
    #expect(notifications.count == 2)
    #expect(invocations[0]["executionSuccessful"] as? Bool == true)
    let uris = try notifications.map { notification -> String in
      let locations = try #require(notification["locations"] as? [[String: Any]])
      let physical = try #require(locations[0]["physicalLocation"] as? [String: Any])
      return try #require((physical["artifactLocation"] as? [String: Any])?["uri"] as? String)
    }
    #expect(uris == ["src/Broken.sol", "src/Secret%20%26%20Co%20%231.sol"])
  }

  @Test(arguments: [
    ("src/a b.sol", nil, "src/a%20b.sol", true), ("./src//a.sol", nil, "src/a.sol", true),
    ("src/../x/ü#?%.sol", nil, "x/%C3%BC%23%3F%25.sol", true), ("a:b.sol", nil, "a%3Ab.sol", true),
    ("/root/p/src/a.sol", "/root/p", "src/a.sol", true),
    ("/other/a b.sol", "/root/p", "file:///other/a%20b.sol", false),
    ("/other/a.sol", nil, "file:///other/a.sol", false),
    ("../lib/a.sol", "/root/p", "file:///root/lib/a.sol", false),
    ("/root/pq/a.sol", "/root/p/", "file:///root/pq/a.sol", false),
  ])
  func writesURIs(_ path: String, _ root: String?, _ uri: String, _ isRelative: Bool) throws {
    let report = ReportSample.flagged("contract C { function f() public { flag(); } }", path: path)
    let result = try results(report, root: root)[0]
    let location = try #require((result["locations"] as? [[String: Any]])?[0])
    let physical = try #require(location["physicalLocation"] as? [String: Any])
    let artifact = try #require(physical["artifactLocation"] as? [String: String])
    #expect(artifact["uri"] == uri)
    #expect(artifact["uriBaseId"] == (isRelative ? "%SRCROOT%" : nil))
    #expect(URL(string: uri) != nil)
  }

  @Test func baseIdentifierEndsInASlash() throws {
    let bases = try #require(
      try run(try ReportSample.report(), root: "/a b/c")["originalUriBaseIds"]
        as? [String: [String: Any]])
    #expect(bases["%SRCROOT%"]?["uri"] as? String == "file:///a%20b/c/")
  }

  @Test func columnsCountUTF16() throws {
    let text = "contract C { function f() public { string s = unicode\"é你😀\"; flag(); } }"
    let region = try physical(
      (results(ReportSample.flagged(text))[0]["locations"] as? [Any])?[0]
    ).region
    let utf16 = Array((ReportSample.preamble + text).utf16)
    let start = try #require(region["startColumn"]) - 1
    let end = try #require(region["endColumn"]) - 1
    #expect(String(decoding: utf16[start..<end], as: UTF16.self) == "flag()")
  }

  @Test func baselineStates() throws {
    let program = try ReportSample.program()
    var request = ReportSample.request(program)
    request.baseline = Baseline(Audit.run(request).findings.prefix(2))
    let states = try results(Audit.run(request)).prefix(5).map { $0["baselineState"] as? String }
    #expect(states == ["unchanged", "unchanged", "new", "new", "new"])
  }

  @Test func linksCannotBeSmuggledIn() throws {
    let program = try ReportSample.program()
    let place = ReportSample.place("owner = next", in: "src/Vault.sol", of: program)
    let finding = Finding.make(
      rule: ReportSample.origin, at: place, in: program, message: "See [this](1) and `uint256[]`.")
    let report = AuditReport(
      toolVersion: "1", files: [], rules: [ReportSample.origin], findings: [finding],
      sources: SourceCatalog(program.units.map(\.source)))
    let message = try #require(results(report)[0]["message"] as? [String: String])
    #expect(message["text"]?.contains("\\[this\\](1)") == true)
  }

  @Test func keepsTheMostSevereOfTooManyResults() throws {
    let program = ReportSample.program([("C.sol", "contract C { }")])
    let contract = ReportSample.contract("C", of: program)
    let findings = (0..<35).map { index in
      Finding.make(
        rule: ReportSample.origin, at: contract, in: program, message: "\(index)",
        severity: index < 7 ? .high : .low, discriminator: "\(index)")
    }
    let report = AuditReport(
      toolVersion: "1", files: [AuditedFile(path: "C.sol")], rules: [ReportSample.origin],
      findings: FindingSet.assemble(findings), sources: SourceCatalog(program.units.map(\.source)))
    let sarif = SARIFReport(report, maximumResults: 30)
    #expect(sarif.warnings.count == 1)
    #expect(SARIFReport(report).warnings.isEmpty)
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(sarif.bytes)) as? [String: Any])
    let run = try #require((document["runs"] as? [[String: Any]])?.first)
    let results = try #require(run["results"] as? [[String: Any]])
    #expect(results.count == 30)
    #expect(results.filter { $0["level"] as? String == "error" }.count == 7)
    let invocations = try #require(run["invocations"] as? [[String: Any]])
    let notifications = try #require(
      invocations[0]["toolExecutionNotifications"] as? [[String: Any]])
    let descriptor = notifications[0]["descriptor"] as? [String: String]
    #expect(descriptor?["id"] == "results-left-out")
  }
}
