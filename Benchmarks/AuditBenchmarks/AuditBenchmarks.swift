import ArgumentParser
import Auditing
import Foundation
import JSON
import Solidity
import SoliditySyntax

/// Measures the stages of an audit on one core, and compares each with a limit of the machine.
@main
struct AuditBenchmarks: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "AuditBenchmarks",
    abstract: "Measures lexing, parsing, resolving and auditing.",
    discussion: """
      Works on the files of a directory, or on a project written from a seed. Every stage runs on one thread, \
      several times; the fastest run counts. Limits: the speed at which this core reads the same bytes from \
      memory, and finds their line ends.
      """)

  @Argument(help: "A directory with Solidity; a generated project unless given.")
  var path: String?

  @Option(help: "The seed of the generated project.")
  var seed: UInt64 = 1

  @Option(help: "How many contract files to generate.")
  var files = 400

  @Option(help: "Write the generated project to this directory and do nothing else.")
  var write: String?

  @Option(help: "The least seconds to spend on a stage.")
  var seconds = 1.0

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard (1...1_000_000).contains(files) else {
      throw ValidationError("--files takes a number from 1 to 1000000.")
    }
    guard seconds > 0, seconds <= 600 else {
      throw ValidationError("--seconds takes a number up to 600.")
    }
  }

  mutating func run() throws {
    var generator = CorpusGenerator(seed: seed)
    if let write {
      for file in generator.project(files: files) {
        let url = URL(fileURLWithPath: write).appendingPathComponent(file.path)
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(file.text.utf8).write(to: url)
      }
      return
    }
    let project: Project
    if let path {
      project = try Project(inputs: [path])
    } else {
      var memory = InMemoryFileSystem()
      for file in generator.project(files: files) {
        memory.add("/generated/" + file.path, Array(file.text.utf8))
      }
      project = try Project(inputs: ["/generated"], fileSystem: memory, workingDirectory: "/")
    }
    let (name, asJSON, minimum) = (path ?? "generated, seed \(seed)", json, seconds)
    // Deep trees are walked on a large stack, as in the program itself.
    let result = WorkerPool.onLargeStack {
      BenchmarkResult(corpus: name, project: project, minimum: minimum)
    }
    print(asJSON ? result.json : result.table)
  }
}

/// All measurements on one corpus.
struct BenchmarkResult: Sendable {
  let corpus: String
  let files: Int
  let bytes: Int
  let tokens: Int
  let findings: Int
  let peakMemory: Int?
  let measurements: [Measurement]

  init(corpus: String, project: Project, minimum: Double) {
    self.corpus = corpus
    var sources: [SourceFile] = []
    project.forEachFile(pool: WorkerPool(workers: 1)) {
      $0.unit?.source
    } deliver: { source in
      if let source { sources.append(source) }
    }
    let text = sources.flatMap(\.bytes)
    let (files, bytes) = (sources.count, text.count)
    self.files = files
    self.bytes = bytes

    let read = PhysicalLimit.memoryRead(text, minimum: minimum)
    let lines = PhysicalLimit.lineScan(text, minimum: minimum)
    func measured(_ stage: String, limit: Double, _ work: () -> Void) -> Measurement {
      Measurement(
        stage: stage, seconds: Measurement.fastest(minimum: minimum, work), bytes: bytes,
        files: files, limit: limit)
    }
    func limit(_ stage: String, _ speed: Double) -> Measurement {
      Measurement(
        stage: stage, seconds: Double(bytes) / speed, bytes: bytes, files: files, limit: nil)
    }

    var tokens = 0
    let lexing = measured("lexing", limit: lines) {
      tokens = sources.reduce(0) { $0 + Parser.tokenCount(of: $1) }
    }
    let parsing = measured("parsing", limit: read) {
      for source in sources { _ = Parser.parse(source) }
    }
    let single = WorkerPool(workers: 1)
    let resolving = measured("loading and resolving", limit: read) {
      for group in project.groups(pool: single) {
        let loaded = project.load(group)
        _ = Program.resolve(units: loaded.units, imports: loaded.imports)
      }
    }
    var findings = 0
    let auditing = measured("full audit", limit: read) {
      findings = 0
      for group in project.groups(pool: single) {
        let loaded = project.load(group)
        let program = Program.resolve(units: loaded.units, imports: loaded.imports)
        let report = Audit.run(AuditRequest(program: program, toolVersion: "benchmark"))
        findings += report.findings.count
      }
    }
    self.tokens = tokens
    self.findings = findings
    peakMemory = Measurement.peakMemory
    measurements = [
      limit("reading memory", read), limit("finding line ends", lines), lexing, parsing, resolving,
      auditing,
    ]
  }

  var table: String {
    var lines = [
      "\(corpus): \(files) files, \(fixed(Double(bytes) / 1e6, 2)) MB, \(tokens) tokens, "
        + "\(findings) findings; one core",
      "",
      row("stage", "seconds", "MB/s", "files/s", "of limit"),
    ]
    for item in measurements {
      lines.append(
        row(
          item.stage, fixed(item.seconds, 4), fixed(item.bytesPerSecond / 1e6, 1),
          fixed(item.filesPerSecond, 0),
          item.shareOfLimit.map { fixed($0 * 100, 3) + " %" } ?? "limit"))
    }
    lines += [
      "", "Limits: lexing against finding line ends, everything else against reading memory.",
    ]
    if let peakMemory { lines.append("Peak memory: \(fixed(Double(peakMemory) / 1e6, 0)) MB") }
    return lines.joined(separator: "\n")
  }

  var json: String {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("schema", "maslin-benchmark-1")
      writer.member("corpus", corpus)
      writer.member("files", files)
      writer.member("bytes", bytes)
      writer.member("tokens", tokens)
      writer.member("findings", findings)
      writer.member("peakMemoryBytes", peakMemory.map { .integer($0) } ?? .null)
      writer.member("stages") { writer in
        writer.array(of: measurements) { writer, item in
          writer.object {
            $0.member("stage", item.stage)
            $0.member("seconds", .number(item.seconds))
            $0.member("bytesPerSecond", .number(item.bytesPerSecond))
            $0.member("filesPerSecond", .number(item.filesPerSecond))
            $0.member("limitBytesPerSecond", item.limit.map { .number($0) } ?? .null)
          }
        }
      }
    }
    return writer.text
  }

  private func row(_ stage: String, _ cells: String...) -> String {
    stage.padding(toLength: 22, withPad: " ", startingAt: 0)
      + cells.map { String(repeating: " ", count: max(1, 12 - $0.count)) + $0 }.joined()
  }

  private func fixed(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }
}
