import Solidity
import SoliditySyntax

/// What was met while sources were gathered, summed up for standard error.
struct DiagnosticReport {
  /// Imports that one missing dependency or file explains.
  private struct MissingImport {
    let path: String
    let position: SourcePosition
    let importPath: String
    let tried: [String]
    let hint: String
    var files: Set<String>
  }

  private var diagnostics: [ProjectDiagnostic] = []
  private var known: Set<ProjectDiagnostic> = []
  private var missing: [String: MissingImport] = [:]
  private var missingOrder: [String] = []
  private static let maximumShown = 30

  /// Whether files that were asked for could not be read.
  private(set) var leavesOutFiles = false

  mutating func add(_ new: [ProjectDiagnostic]) {
    for diagnostic in new {
      if diagnostic.leavesOutFiles { leavesOutFiles = true }
      if case .missingImport(let path, let position, let importPath, let tried, let hint) =
        diagnostic
      {
        addMissing(
          MissingImport(
            path: path, position: position, importPath: importPath, tried: tried, hint: hint,
            files: [path]))
      } else if known.insert(diagnostic).inserted {
        diagnostics.append(diagnostic)
      }
    }
  }

  private mutating func addMissing(_ new: MissingImport) {
    // One package that is not installed makes hundreds of imports fail: it is named once.
    let isRelative = new.importPath.hasPrefix(".")
    let cause =
      isRelative
      ? SourcePath.parent(of: new.tried.first ?? new.importPath)
      : String(new.importPath.prefix { $0 != "/" })
    if missing[cause] == nil {
      missing[cause] = new
      missingOrder.append(cause)
    } else {
      missing[cause]?.files.insert(new.path)
    }
  }

  /// Writes everything to standard error.
  func write() {
    for line in lines { StandardError.write("maslin: \(line)\n") }
  }

  /// The messages, the most important first, and how many more there are.
  var lines: [String] {
    // Files left out matter most and must not drown in missing imports.
    var lines = diagnostics.filter(\.leavesOutFiles).map(\.description)
    lines += diagnostics.filter { !$0.leavesOutFiles }.map(\.description)
    lines += missingOrder.compactMap { missing[$0].map(Self.text) }
    let more = lines.count - Self.maximumShown
    return lines.prefix(Self.maximumShown) + (more > 0 ? ["and \(more) more messages"] : [])
  }

  private static func text(of missing: MissingImport) -> String {
    let others = missing.files.count - 1
    let also = others == 0 ? "" : ", and alike from \(others) more file\(others == 1 ? "" : "s")"
    let tried = missing.tried.prefix(2).joined(separator: ", ")
    return "\(missing.path):\(missing.position.line):\(missing.position.column): "
      + "the import \"\(missing.importPath)\" was not found\(also)"
      + (tried.isEmpty ? "" : " (looked at \(tried))") + "; \(missing.hint)"
  }
}
