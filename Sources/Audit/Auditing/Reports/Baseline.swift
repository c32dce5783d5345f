import DurableFiles
import JSON
import TerminalText

/// Findings that are already known: only others count as new.
///
/// Kept as a JSON file made to be committed and merged: one finding a line group, ordered by id.
///
///     {
///       "schema": "maslin-baseline-1",
///       "findings": [
///         { "id": "0123456789abcdef", "rule": "tx-origin", "path": "src/Vault.sol", "title": "..." }
///       ]
///     }
///
/// Only the ids count; the rest helps people to read the file.
public struct Baseline: Hashable, Sendable {
  /// A known finding.
  public struct Entry: Hashable, Sendable {
    /// The finding's id.
    public let id: String
    /// The rule, as written in the file.
    public let rule: String
    /// The path at the time.
    public let path: String
    /// The title at the time.
    public let title: String
  }
  /// The known findings, by id, each once.
  public let entries: [Entry]
  private let ids: Set<String>

  /// The name of the file format.
  public static let schema = "maslin-baseline-1"
  /// Files above this size are refused.
  public static let maximumSize = 16 << 20

  /// Makes a baseline of findings.
  public init(_ findings: some Sequence<Finding>) {
    self.init(
      entries: findings.map { finding in
        Entry(
          id: finding.id, rule: finding.rule.text, path: finding.location.path,
          title: finding.title)
      })
  }

  private init(entries: [Entry]) {
    var seen: Set<String> = []
    self.entries = entries.sorted { ($0.id, $0.path) < ($1.id, $1.path) }
      .filter { seen.insert($0.id).inserted }
    ids = seen
  }

  /// Whether a finding is known.
  public func contains(_ finding: Finding) -> Bool { ids.contains(finding.id) }

  /// The entries for which a report has no finding any more, suppressed ones included: repaired, or changed.
  public func resolvedEntries(in report: AuditReport) -> [Entry] {
    let present = Set(report.findings.map(\.id) + report.suppressed.map(\.finding.id))
    return entries.filter { !present.contains($0.id) }
  }

  /// Reads a baseline.
  ///
  /// - Throws: `BaselineError` naming the first thing that is wrong.
  public init(json bytes: [UInt8]) throws(BaselineError) {
    let document: JSONValue
    do { document = try JSONParser.parse(bytes) } catch { throw .notJSON(error) }
    guard let schema = document["schema"]?.stringValue else {
      throw .malformed("there is no \"schema\"; is this a baseline?")
    }
    guard schema == Baseline.schema else {
      throw .malformed(
        "the schema is \"\(SafeText.line(String(schema.prefix(60))))\"; only \"\(Baseline.schema)\" can be read"
      )
    }
    guard let findings = document["findings"]?.arrayValue else {
      throw .malformed("\"findings\" is no array")
    }
    var entries: [Entry] = []
    entries.reserveCapacity(findings.count)
    for (index, finding) in findings.enumerated() {
      guard let id = finding["id"]?.stringValue else {
        throw .malformed("finding \(index + 1) has no \"id\"")
      }
      let isDigit: (UInt8) -> Bool = {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
          || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
      }
      guard id.utf8.count == 16, id.utf8.allSatisfy(isDigit) else {
        throw .malformed(
          "the id of finding \(index + 1) is not 16 lower-case hexadecimal digits")
      }
      entries.append(
        Entry(
          id: id, rule: finding["rule"]?.stringValue ?? "",
          path: finding["path"]?.stringValue ?? "", title: finding["title"]?.stringValue ?? ""))
    }
    self.init(entries: entries)
  }

  /// The file's text.
  public var json: [UInt8] {
    var writer = JSONWriter()
    writer.object {
      $0.member("schema", Baseline.schema)
      $0.member("findings") {
        $0.array(of: entries) { writer, entry in
          writer.object {
            $0.member("id", entry.id)
            $0.member("rule", entry.rule)
            $0.member("path", entry.path)
            $0.member("title", entry.title)
          }
        }
      }
    }
    return writer.takeBytes() + [0x0A]
  }

  /// Reads a baseline file.
  public static func read(
    _ path: String, using files: some DurableFileOperations = SystemFiles()
  ) throws(BaselineError) -> Baseline {
    let bytes: [UInt8]
    do { bytes = try files.read(path, limit: maximumSize) } catch { throw .file(error) }
    return try Baseline(json: bytes)
  }

  /// Writes the baseline file; see `AtomicFile.write`.
  public func write(
    to path: String, using files: some DurableFileOperations = SystemFiles()
  ) throws(BaselineError) {
    do { try AtomicFile.write(json, to: path, using: files) } catch { throw .file(error) }
  }
}

/// Why a baseline could not be read or written.
public enum BaselineError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file could not be read or written.
  case file(FileFailure)
  /// The file is no JSON.
  case notJSON(JSONError)
  /// The file is JSON but no baseline.
  case malformed(String)

  /// The message for the user.
  public var description: String {
    switch self {
    case .file(let failure):
      failure.isMissing
        ? "\(failure.description); make one with --write-baseline" : failure.description
    case .notJSON(let error): "the baseline is damaged: \(error.description)"
    case .malformed(let what): "the baseline is damaged: \(what)"
    }
  }
}
