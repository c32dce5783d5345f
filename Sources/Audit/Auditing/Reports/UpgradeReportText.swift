import JSON
import Solidity
import SoliditySyntax
import TerminalText

extension UpgradeReport {
  /// Whether the upgrade can be made: live bytes keep their meaning, both layouts are known, and the new version has
  /// nothing that is unsafe behind a proxy. Differences of storage that the OpenZeppelin plugins refuse although
  /// no byte changes its meaning do not count.
  public var isSafe: Bool {
    keepsMeaning && problems.isEmpty && verdict.failure == nil && verdict.validationErrors.isEmpty
  }
}

/// What an upgrade does, for people.
public struct UpgradeReportText: Sendable {
  private let report: UpgradeReport

  /// Prepares a report.
  public init(_ report: UpgradeReport) { self.report = report }

  /// The report; ends in a line feed.
  public var text: String {
    var lines = ["\(report.old.qualifiedName) -> \(report.new.qualifiedName)"]
    lines.append("  " + conclusion)
    for change in report.changes { lines += self.lines(of: change) }
    if report.changes.isEmpty { lines.append("  storage: no differences") }
    lines += report.problems.map { "  uncertain: \(SafeText.line($0))" }
    lines += verdict
    return lines.joined(separator: "\n") + "\n"
  }

  private var conclusion: String {
    if report.isSafe { return "safe: live storage keeps its meaning" }
    if !report.keepsMeaning { return "UNSAFE: live storage changes its meaning" }
    if !report.problems.isEmpty { return "UNCERTAIN: not all of the storage could be worked out" }
    return "UNSAFE: the new version must not stand behind a proxy as it is"
  }

  private func lines(of change: StorageChange) -> [String] {
    let place = change.new ?? change.old
    let declaration = place?.declaration.map { declaration in
      let version = change.new?.declaration == nil ? report.old : report.new
      let source = version.program.unit(of: declaration).source
      let position = source.position(at: Int(declaration.range.start))
      return "  \(SafeText.line(source.path)):\(position.line):\(position.column)"
    }
    var lines = ["  \(change.severity.rawValue): \(change.kind.rawValue)\(declaration ?? "")"]
    lines += ReportText.wrap(SafeText.lines(change.message), width: 100, indent: 4)
    if let diagram = change.diagram, change.severity >= .low {
      lines += SlotDiagramText.lines(diagram).map { "      " + $0 }
    }
    return lines
  }

  private var verdict: [String] {
    let verdict = report.verdict
    var lines = [
      "  OpenZeppelin rules (\(verdict.kind.rawValue)): \(verdict.isSafe ? "accepted" : "refused")"
    ]
    if let failure = verdict.failure { lines.append("    \(SafeText.line("\(failure)"))") }
    lines += verdict.validationErrors.map {
      "    \($0.kind.rawValue): \(SafeText.line($0.message))"
    }
    lines += verdict.storageOperations.map { "    \($0.name): \(SafeText.line($0.message))" }
    lines += verdict.warnings.map {
      "    warning, \($0.kind.rawValue): \(SafeText.line($0.message))"
    }
    return lines
  }
}

/// What an upgrade does, as JSON. The format is described in `Documentation/upgrade-check.md`.
public struct UpgradeReportJSON: Sendable {
  private let report: UpgradeReport

  /// Prepares a report.
  public init(_ report: UpgradeReport) { self.report = report }

  /// The report as a value.
  public var value: JSONValue {
    .members([
      "old": .string(report.old.qualifiedName),
      "new": .string(report.new.qualifiedName),
      "safe": .bool(report.isSafe),
      "keepsMeaning": .bool(report.keepsMeaning),
      "changes": .array(report.changes.map(value)),
      "problems": .array(report.problems.map { .string($0) }),
      "openzeppelin": verdict,
    ])
  }

  private func value(of change: StorageChange) -> JSONValue {
    .members([
      "kind": .string(change.kind.rawValue),
      "severity": .string(change.severity.rawValue),
      "message": .string(change.message),
      "old": value(of: change.old, report.old),
      "new": value(of: change.new, report.new),
    ])
  }

  private func value(of place: StoragePlace?, _ version: ContractVersion) -> JSONValue {
    guard let place else { return .null }
    return .members([
      "path": .string(place.path),
      "type": .string(place.type),
      "contract": .string(place.contract),
      "slot": .string(place.slot),
      "offset": .integer(place.offset),
      "numberOfBytes": .string(place.numberOfBytes.description),
      "location": place.declaration.map { location(of: $0, version) } ?? .null,
    ])
  }

  private func location(of node: some SyntaxNode, _ version: ContractVersion) -> JSONValue {
    let source = version.program.unit(of: node).source
    return .members([
      "path": .string(source.path),
      "start": position(node.range.start, source),
      "end": position(node.range.end, source),
    ])
  }

  private func position(_ offset: Int32, _ source: SourceFile) -> JSONValue {
    let position = source.position(at: Int(offset))
    return .members([
      "line": .integer(position.line), "column": .integer(position.column),
      "offset": .integer(position.offset),
    ])
  }

  private var verdict: JSONValue {
    let verdict = report.verdict
    return .members([
      "safe": .bool(verdict.isSafe),
      "kind": .string(verdict.kind.rawValue),
      "errors": .array(verdict.validationErrors.map(value)),
      "warnings": .array(verdict.warnings.map(value)),
      "operations": .array(verdict.storageOperations.map(value)),
      "failure": verdict.failure.map { .string("\($0)") } ?? .null,
    ])
  }

  private func value(of error: ValidationError) -> JSONValue {
    .members([
      "kind": .string(error.kind.rawValue),
      "message": .string(error.message),
      "contract": .string(error.contract),
      "names": .array(error.names.map { .string($0) }),
      "location": location(of: error.node, report.new),
    ])
  }

  private func value(of operation: StorageOperation) -> JSONValue {
    .members([
      "kind": .string(operation.name),
      "message": .string(operation.message),
      "original": value(of: operation.original),
      "updated": value(of: operation.updated),
    ])
  }

  private func value(of field: ComparedField?) -> JSONValue {
    guard let field else { return .null }
    return .members([
      "label": .string(field.label),
      "type": .string(field.typeLabel),
      "contract": .string(field.contract),
      "slot": field.slot.map { .string($0.description) } ?? .null,
      "offset": field.offset.map { .integer($0) } ?? .null,
    ])
  }
}
