import JSON
import SoliditySyntax

/// The report as JSON. The format is described in `Documentation/audit-json.md` and, for machines, in
/// `Documentation/schemas/audit.schema.json`.
public struct JSONReport: Sendable {
  /// The name of the format; changes when readers would have to change.
  public static let schema = "maslin-audit-1"

  private let report: AuditReport

  /// Prepares a report.
  public init(_ report: AuditReport) { self.report = report }

  /// The whole document; ends in a line feed.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The whole document as UTF-8; ends in a line feed.
  public var bytes: [UInt8] {
    var result: [UInt8] = []
    write { result += $0 }
    return result
  }

  /// Writes the document in pieces.
  public func write(_ emit: ([UInt8]) throws -> Void) rethrows {
    var writer = JSONWriter()
    try writer.object { writer in
      writer.member("schema", JSONReport.schema)
      writer.member("tool") {
        $0.object {
          $0.member("name", "maslin")
          $0.member("version", report.toolVersion)
        }
      }
      writer.member("summary", summary)
      writer.member("claim", report.claim)
      try writer.member("findings") { writer in
        try writer.array(of: report.findings) { writer, finding in
          write(finding, to: &writer)
          if writer.pendingByteCount > 1 << 16 { try emit(writer.takeBytes()) }
        }
      }
      writer.member("suppressed") { writer in
        writer.array(of: report.suppressed) { writer, entry in write(entry, to: &writer) }
      }
      writer.member("questions") { writer in
        writer.array(of: report.questions) { writer, question in write(question, to: &writer) }
      }
      writer.member("rules") { writer in
        writer.array(of: report.rules) { writer, rule in
          writer.object {
            $0.member("id", rule.id.text)
            $0.member("title", rule.title)
            $0.member("category", rule.category.rawValue)
            $0.member("severity", rule.severity.rawValue)
            $0.member("confidence", rule.confidence.rawValue)
          }
        }
      }
      try writer.member("files") { writer in
        try writer.array(of: report.files) { writer, file in
          write(file, to: &writer)
          if writer.pendingByteCount > 1 << 16 { try emit(writer.takeBytes()) }
        }
      }
    }
    try emit(writer.takeBytes() + [0x0A])
  }

  // MARK: - Parts

  private func summary(_ writer: inout JSONWriter) {
    writer.object { writer in
      for severity in Severity.allCases.reversed() {
        writer.member(severity.rawValue, report.count(severity))
      }
      writer.member("new", report.newFindings.count)
      writer.member("suppressed", report.suppressed.count)
      writer.member("files", report.files.count)
      writer.member("filesNotUnderstood", report.filesNotUnderstood.count)
    }
  }

  private func write(_ finding: Finding, to writer: inout JSONWriter) {
    writer.object { members(of: finding, to: &$0) }
  }

  private func members(of finding: Finding, to writer: inout JSONWriter) {
    writer.member("id", finding.id)
    writer.member("rule", finding.rule.text)
    writer.member("severity", finding.severity.rawValue)
    writer.member("confidence", finding.confidence.rawValue)
    writer.member("isNew", report.isNew(finding))
    writer.member("title", finding.title)
    writer.member("message", finding.message)
    writer.member("contract", finding.contract)
    writer.member("function", finding.function)
    writer.member("affectedContracts", finding.affectedContracts)
    writer.member("locations") {
      $0.array(of: finding.locations) { write($1, to: &$0) }
    }
    writer.member("evidence") {
      $0.array(of: finding.evidence) { write($1, to: &$0) }
    }
    writer.member("remediation", finding.remediation)
  }

  private func write(_ location: FindingLocation, to writer: inout JSONWriter) {
    writer.object {
      $0.member("path", location.path)
      $0.member("start") { write(location.start, to: &$0) }
      $0.member("end") { write(location.end, to: &$0) }
      $0.member("role", location.role)
    }
  }

  private func write(_ location: FindingLocation?, to writer: inout JSONWriter) {
    if let location { write(location, to: &writer) } else { writer.null() }
  }

  private func write(_ position: SourcePosition, to writer: inout JSONWriter) {
    writer.object {
      $0.member("line", position.line)
      $0.member("column", position.column)
      $0.member("offset", position.offset)
    }
  }

  private func write(_ evidence: Evidence, to writer: inout JSONWriter) {
    writer.object { writer in
      switch evidence {
      case .slots(let diagram):
        writer.member("kind", "slots")
        writer.member("left", diagram.left)
        writer.member("right", diagram.right)
        writer.member("rows") { $0.array(of: diagram.rows) { write($1, to: &$0) } }
      case .callPath(let steps):
        writer.member("kind", "callPath")
        writer.member("steps") { $0.array(of: steps) { write($1, to: &$0) } }
      case .dataFlow(let steps):
        writer.member("kind", "dataFlow")
        writer.member("steps") { $0.array(of: steps) { write($1, to: &$0) } }
      case .note(let text):
        writer.member("kind", "note")
        writer.member("text", text)
      case .code(let location):
        writer.member("kind", "code")
        writer.member("location") { write(location, to: &$0) }
      }
    }
  }

  private func write(_ step: EvidenceStep, to writer: inout JSONWriter) {
    writer.object {
      $0.member("text", step.text)
      $0.member("location") { write(step.location, to: &$0) }
    }
  }

  private func write(_ row: SlotRow, to writer: inout JSONWriter) {
    writer.object {
      $0.member("slot", row.slot)
      $0.member("isConflict", row.isConflict)
      $0.member("left") { $0.array(of: row.left) { write($1, to: &$0) } }
      $0.member("right") { $0.array(of: row.right) { write($1, to: &$0) } }
    }
  }

  private func write(_ occupant: SlotOccupant, to writer: inout JSONWriter) {
    writer.object {
      $0.member("label", occupant.label)
      $0.member("type", occupant.type)
      $0.member("offset", occupant.offset)
      $0.member("length", occupant.length)
    }
  }

  private func write(_ entry: SuppressedFinding, to writer: inout JSONWriter) {
    writer.object {
      members(of: entry.finding, to: &$0)
      $0.member("suppression") {
        $0.object {
          $0.member("reason", entry.reason)
          $0.member("location") { write(entry.directive, to: &$0) }
        }
      }
    }
  }

  private func write(_ question: ReviewQuestion, to writer: inout JSONWriter) {
    writer.object {
      $0.member("reviewer", question.reviewer)
      $0.member("title", question.title)
      $0.member("message", question.message)
      $0.member("location") { write(question.location, to: &$0) }
    }
  }

  private func write(_ file: AuditedFile, to writer: inout JSONWriter) {
    writer.object {
      $0.member("path", file.path)
      $0.member("understood", file.isUnderstood)
      $0.member("problems") {
        $0.array(of: file.problems) { writer, problem in
          writer.object {
            $0.member("kind", problem.kind.rawValue)
            $0.member("message", problem.message)
            $0.member("location") { write(problem.location, to: &$0) }
          }
        }
      }
    }
  }
}
