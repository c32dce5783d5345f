import ArgumentParser
import Auditing
import JSON
import Solidity
import SoliditySyntax

/// `maslin parse`
struct ParseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "parse",
    abstract: "Tells whether Solidity files can be understood, and where not.",
    discussion: """
      Each file is read by itself, in the dialect its pragmas ask for (0.4.11 to 0.8.36). Leaves with 3 when \
      a file was not fully understood.

      Examples:
        maslin parse src/
        maslin parse Vault.sol --json
      """)

  @Argument(
    help: "Solidity files, directories, standard-JSON or build-info files.",
    completion: .file(extensions: ["sol", "json"]))
  var paths: [String]

  @Flag(help: "Print a JSON array: per file path, understood, errors with start and end.")
  var json = false

  @OptionGroup var source: SourceOptions

  private struct Outcome: Sendable {
    let path: String
    let errors: [PlacedError]
  }

  private struct PlacedError: Sendable {
    let message: String
    let start: SourcePosition
    let end: SourcePosition
  }

  mutating func run() throws {
    var run = try SourceRun(paths: paths, options: source)
    var files = 0
    var broken = 0
    if json {
      var output = JSONArrayOutput()
      try run.forEachFile(Self.outcome) { outcome in
        files += 1
        if !outcome.errors.isEmpty { broken += 1 }
        try output.append(Self.value(of: outcome))
      }
      try output.finish()
    } else {
      var output = StandardOutput()
      try run.forEachFile(Self.outcome) { outcome in
        files += 1
        if !outcome.errors.isEmpty { broken += 1 }
        for error in outcome.errors {
          try output.write(
            "\(outcome.path):\(error.start.line):\(error.start.column): \(error.message)\n")
        }
      }
      try output.finish(
        with: broken == 0
          ? "\(files) files, all understood\n"
          : "\(files) files, \(broken) not fully understood\n")
    }
    try run.finish()
    if broken > 0 { throw CommandFailure(.badInput) }
  }

  private static func outcome(of loaded: LoadedFile) -> Outcome {
    guard let unit = loaded.unit else {
      let start = SourcePosition(line: 1, column: 1, offset: 0)
      let reason = loaded.failure.map { "\($0)" } ?? "the file could not be read"
      return Outcome(
        path: loaded.file.displayPath,
        errors: [PlacedError(message: reason, start: start, end: start)])
    }
    return Outcome(
      path: loaded.file.displayPath,
      errors: unit.diagnostics.map { diagnostic in
        PlacedError(
          message: diagnostic.message,
          start: unit.source.position(at: Int(diagnostic.range.start)),
          end: unit.source.position(at: Int(diagnostic.range.end)))
      })
  }

  private static func value(of outcome: Outcome) -> JSONValue {
    .members([
      "path": .string(outcome.path),
      "understood": .bool(outcome.errors.isEmpty),
      "errors": .array(
        outcome.errors.map { error in
          .members([
            "message": .string(error.message),
            "start": value(of: error.start),
            "end": value(of: error.end),
          ])
        }),
    ])
  }

  private static func value(of position: SourcePosition) -> JSONValue {
    .members([
      "line": .integer(position.line), "column": .integer(position.column),
      "offset": .integer(position.offset),
    ])
  }
}
