import JSON
import SoliditySyntax

/// The report as SARIF 2.1.0 (OASIS), within what GitHub code scanning accepts.
///
/// Every result has a location; paths are relative URIs under `%SRCROOT%`; columns count UTF-16 code units.
public struct SARIFReport: Sendable {
  /// GitHub refuses runs with more results than this.
  public static let uploadLimit = 25_000
  /// Findings point at no more related places than this.
  public static let maximumRelatedLocations = 100
  /// Longer paths of calls or data are cut.
  public static let maximumFlowSteps = 1_000
  /// Notifications beyond this many are summed up in one.
  public static let maximumNotifications = 1_000

  private let report: AuditReport
  private let root: String?
  private let maximumResults: Int
  private let ruleIndexes: [RuleID: Int]

  /// Prepares a report.
  ///
  /// - Parameters:
  ///   - root: the absolute path of the directory that relative paths start from; nil to leave it to the reader.
  ///   - maximumResults: how many results to write at most; the most severe are kept.
  public init(
    _ report: AuditReport, root: String? = nil, maximumResults: Int = SARIFReport.uploadLimit
  ) {
    self.report = report
    self.root = root
    self.maximumResults = maximumResults
    ruleIndexes = Dictionary(
      report.rules.enumerated().map { ($0.element.id, $0.offset) },
      uniquingKeysWith: { first, _ in first })
  }

  /// The whole document; ends in a line feed.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The whole document as UTF-8; ends in a line feed.
  public var bytes: [UInt8] {
    var result: [UInt8] = []
    write { result += $0 }
    return result
  }

  /// What had to be left out, for a warning to the user; empty as a rule.
  public var warnings: [String] {
    let total = report.findings.count + report.suppressed.count
    guard total > maximumResults else { return [] }
    return [
      "the SARIF report holds the first \(maximumResults) of \(total) results; more would be refused on upload"
    ]
  }

  /// Writes the document in pieces.
  public func write(_ emit: ([UInt8]) throws -> Void) rethrows {
    var writer = JSONWriter()
    try writer.object { writer in
      writer.member(
        "$schema",
        "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
      )
      writer.member("version", "2.1.0")
      try writer.member("runs") {
        try $0.array { try $0.object { try members(ofRun: &$0, emit) } }
      }
    }
    try emit(writer.takeBytes() + [0x0A])
  }

  private func members(
    ofRun writer: inout JSONWriter, _ emit: ([UInt8]) throws -> Void
  ) rethrows {
    writer.member("tool") {
      $0.object {
        $0.member("driver") {
          $0.object {
            $0.member("name", "Maslin")
            $0.member("version", report.toolVersion)
            $0.member("rules") {
              $0.array(of: report.rules) { SARIFRule.write($1, to: &$0) }
            }
            $0.member("notifications", SARIFReport.notificationDescriptors)
          }
        }
      }
    }
    writer.member("columnKind", "utf16CodeUnits")
    writer.member("originalUriBaseIds") {
      $0.object {
        $0.member("%SRCROOT%") {
          $0.object { writer in
            if let root { writer.member("uri", SourceURI.directory(root)) }
            writer.member("description") {
              $0.object { $0.member("text", "The directory the audit was started in.") }
            }
          }
        }
      }
    }
    writer.member("invocations") {
      $0.array {
        $0.object {
          $0.member("executionSuccessful", true)
          $0.member("toolExecutionNotifications", notifications)
        }
      }
    }
    try writer.member("results") { writer in
      try writer.array { writer in
        var room = maximumResults
        for finding in report.findings.prefix(room) {
          write(finding, suppression: nil, to: &writer)
          if writer.pendingByteCount > 1 << 16 { try emit(writer.takeBytes()) }
        }
        room -= min(room, report.findings.count)
        for entry in report.suppressed.prefix(room) {
          write(entry.finding, suppression: entry, to: &writer)
          if writer.pendingByteCount > 1 << 16 { try emit(writer.takeBytes()) }
        }
      }
    }
    if !report.questions.isEmpty { writer.member("properties", questionProperties) }
  }

  // MARK: - Results

  private func write(
    _ finding: Finding, suppression: SuppressedFinding?, to writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.member("ruleId", finding.rule.text)
      if let index = ruleIndexes[finding.rule] { writer.member("ruleIndex", index) }
      writer.member("level", SARIFRule.level(finding.severity))
      writer.member("message") { write(message(finding), to: &$0) }
      writer.member("locations") {
        $0.array { $0.object { members(of: finding.location, logical: finding, to: &$0) } }
      }
      let related = related(finding)
      if !related.isEmpty {
        writer.member("relatedLocations") {
          $0.array(of: related.enumerated()) { writer, item in
            writer.object {
              $0.member("id", item.offset + 1)
              members(of: item.element, logical: nil, to: &$0)
            }
          }
        }
      }
      writer.member("partialFingerprints") {
        $0.object {
          $0.member("maslinFindingId/v1", finding.id)
          $0.member("primaryLocationLineHash", "\(finding.id):1")
        }
      }
      let flows = flows(finding)
      if !flows.isEmpty { writer.member("codeFlows") { write(flows, to: &$0) } }
      if report.baseline != nil {
        writer.member("baselineState", report.isNew(finding) ? "new" : "unchanged")
      }
      if let suppression {
        writer.member("suppressions") { $0.array { write(suppression, to: &$0) } }
      }
      writer.member("properties") {
        $0.object {
          $0.member("title", finding.title)
          $0.member("severity", finding.severity.rawValue)
          $0.member("confidence", finding.confidence.rawValue)
          $0.member("affectedContracts", finding.affectedContracts)
        }
      }
    }
  }

  private func write(_ suppression: SuppressedFinding, to writer: inout JSONWriter) {
    writer.object {
      $0.member("kind", "inSource")
      $0.member("status", "accepted")
      $0.member("justification", suppression.reason)
      $0.member("location") {
        $0.object { members(of: suppression.directive, logical: nil, to: &$0) }
      }
    }
  }

  private func message(_ finding: Finding) -> String {
    var text = "\(finding.title). \(finding.message)"
    if finding.affectedContracts.count > 1 {
      text += " Affects \(finding.affectedContracts.joined(separator: ", "))."
    }
    for evidence in finding.evidence {
      switch evidence {
      case .note(let note): text += "\n\n" + note
      case .slots(let diagram):
        text += "\n\n" + SlotDiagramText.lines(diagram).joined(separator: "\n")
      case .callPath, .dataFlow, .code: break
      }
    }
    return text
  }

  /// Writes a message. Text of the form `[a](1)` would be read as a link to a related location.
  private func write(_ text: String, to writer: inout JSONWriter) {
    var escaped = text
    if text.contains("](") {
      escaped = ""
      for character in text {
        if character == "[" || character == "]" || character == "\\" { escaped.append("\\") }
        escaped.append(character)
      }
    }
    writer.object { $0.member("text", escaped) }
  }

  private func related(_ finding: Finding) -> [FindingLocation] {
    let code = finding.evidence.compactMap { evidence -> FindingLocation? in
      if case .code(let location) = evidence { location } else { nil }
    }
    return Array((finding.locations.dropFirst() + code).prefix(SARIFReport.maximumRelatedLocations))
  }

  private func flows(_ finding: Finding) -> [[EvidenceStep]] {
    finding.evidence.compactMap { evidence in
      switch evidence {
      case .callPath(let steps), .dataFlow(let steps):
        let placed = steps.filter { $0.location != nil }.prefix(SARIFReport.maximumFlowSteps)
        return placed.isEmpty ? nil : Array(placed)
      case .slots, .note, .code:
        return nil
      }
    }
  }

  private func write(_ flows: [[EvidenceStep]], to writer: inout JSONWriter) {
    writer.array(of: flows) { writer, steps in
      writer.object {
        $0.member("threadFlows") {
          $0.array {
            $0.object {
              $0.member("locations") {
                $0.array(of: steps) { writer, step in
                  writer.object { $0.member("location") { write(step, to: &$0) } }
                }
              }
            }
          }
        }
      }
    }
  }

  private func write(_ step: EvidenceStep, to writer: inout JSONWriter) {
    writer.object { writer in
      if let location = step.location { physical(location, to: &writer) }
      writer.member("message") { write(step.text, to: &$0) }
    }
  }

  // MARK: - Locations

  private func members(
    of location: FindingLocation, logical finding: Finding?, to writer: inout JSONWriter
  ) {
    physical(location, to: &writer)
    if !location.role.isEmpty {
      writer.member("message") { write(location.role, to: &$0) }
    }
    if let finding, let subject = finding.subject {
      writer.member("logicalLocations") {
        $0.array {
          $0.object {
            $0.member("fullyQualifiedName", subject)
            $0.member("kind", finding.function == nil ? "type" : "function")
          }
        }
      }
    }
  }

  private func physical(_ location: FindingLocation, to writer: inout JSONWriter) {
    writer.member("physicalLocation") {
      $0.object {
        $0.member("artifactLocation") { artifact(location.path, to: &$0) }
        $0.member("region") { region(location, to: &$0) }
      }
    }
  }

  private func artifact(_ path: String, to writer: inout JSONWriter) {
    let uri = SourceURI(path: path, root: root)
    writer.object {
      $0.member("uri", uri.text)
      if uri.isRelative { $0.member("uriBaseId", "%SRCROOT%") }
    }
  }

  private func region(_ location: FindingLocation, to writer: inout JSONWriter) {
    let start = utf16Column(of: location.start, in: location.path)
    let end = utf16Column(of: location.end, in: location.path)
    writer.object {
      $0.member("startLine", max(1, location.start.line))
      $0.member("startColumn", start)
      $0.member("endLine", max(1, location.start.line, location.end.line))
      // The end column stands one past the last character; an empty region would not be shown.
      let isEmpty = location.end.line <= location.start.line && end <= start
      $0.member("endColumn", isEmpty ? start + 1 : end)
    }
  }

  private func utf16Column(of position: SourcePosition, in path: String) -> Int {
    guard let file = report.sources[path] else { return max(1, position.column) }
    let end = min(max(0, position.offset), file.bytes.count)
    let start = min(max(0, end - (position.column - 1)), end)
    let isASCII = file.bytes[start..<end].allSatisfy { $0 < 0x80 }
    if isASCII { return end - start + 1 }
    return String(decoding: file.bytes[start..<end], as: UTF8.self).utf16.count + 1
  }

  // MARK: - Notifications

  private static let notificationDescriptors: JSONValue = [
    .members([
      "id": "file-not-understood",
      "shortDescription": .members(["text": "A file was not fully understood"]),
    ]),
    .members([
      "id": "results-left-out",
      "shortDescription": .members(["text": "There were more results than one upload may hold"]),
    ]),
  ]

  private func notifications(_ writer: inout JSONWriter) {
    let problems = report.filesNotUnderstood.flatMap { file in
      file.problems.map { (file, $0) }
    }
    writer.array { writer in
      for warning in warnings { notification("results-left-out", warning, nil, to: &writer) }
      for (file, problem) in problems.prefix(SARIFReport.maximumNotifications) {
        let text = "Not fully understood; findings may be missing in this file: \(problem.message)"
        notification("file-not-understood", text, (file, problem), to: &writer)
      }
      let rest = problems.count - SARIFReport.maximumNotifications
      if rest > 0 {
        notification(
          "file-not-understood", "There are \(rest) more places that were not understood.", nil,
          to: &writer)
      }
    }
  }

  private func notification(
    _ id: String, _ text: String, _ place: (file: AuditedFile, problem: FileProblem)?,
    to writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.member("descriptor") { $0.object { $0.member("id", id) } }
      writer.member("level", "warning")
      writer.member("message") { write(text, to: &$0) }
      guard let place else { return }
      writer.member("locations") {
        $0.array {
          $0.object { writer in
            if let location = place.problem.location {
              physical(location, to: &writer)
            } else {
              writer.member("physicalLocation") {
                $0.object { $0.member("artifactLocation") { artifact(place.file.path, to: &$0) } }
              }
            }
          }
        }
      }
    }
  }

  private func questionProperties(_ writer: inout JSONWriter) {
    writer.object {
      $0.member("questions") {
        $0.array(of: report.questions) { writer, question in
          writer.object {
            $0.member("reviewer", question.reviewer)
            $0.member("title", question.title)
            $0.member("message", question.message)
          }
        }
      }
    }
  }
}
