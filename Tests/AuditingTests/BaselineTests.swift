import Auditing
import DurableFiles
import Foundation
import Testing

struct BaselineTests {
  private func temporaryDirectory() throws -> String {
    let url = FileManager.default.temporaryDirectory.appending(path: "maslin-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url.path(percentEncoded: false)
  }

  @Test func onlyNewFindingsFail() throws {
    let program = try ReportSample.program()
    var request = ReportSample.request(program)
    let first = Audit.run(request)
    #expect(FailurePolicy.atLeast(.high).isFailure(first))

    let high = first.findings.filter { $0.severity == .high }
    request.baseline = Baseline(high)
    let second = Audit.run(request)
    #expect(!FailurePolicy.atLeast(.high).isFailure(second))
    #expect(FailurePolicy.atLeast(.medium).isFailure(second))
    #expect(second.newFindings.count == first.findings.count - high.count)

    request.baseline = Baseline(first.findings)
    let third = Audit.run(request)
    #expect(!FailurePolicy.atLeast(.informational).isFailure(third))
    #expect(
      TerminalReport(third).text.contains("\(first.findings.count) in the baseline, not shown"))
    #expect(!TerminalReport(third).text.contains(first.findings[0].message))
    var options = TerminalReport.Options()
    options.showsKnown = true
    #expect(TerminalReport(third, options: options).text.contains(first.findings[0].title))
  }

  @Test(arguments: [
    ("never", FailurePolicy.never), ("high", .atLeast(.high)),
    ("informational", .atLeast(.informational)),
  ])
  func readsThresholds(_ text: String, _ policy: FailurePolicy) {
    #expect(FailurePolicy(text) == policy)
  }

  @Test(arguments: ["", "High", "critical", "none", " low"])
  func refusesOtherThresholds(_ text: String) { #expect(FailurePolicy(text) == nil) }

  @Test func suppressedFindingsDoNotFail() {
    let report = ReportSample.flagged(
      "contract C { function f() public { flag(); // maslin-ignore sample-missing-guard: fine\n } }"
    )
    #expect(report.findings.isEmpty)
    #expect(report.suppressed.count == 1)
    #expect(!FailurePolicy.atLeast(.informational).isFailure(report))
  }

  @Test func survivesWritingAndReading() throws {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = directory + "/baseline.json"
    let report = try ReportSample.report()
    let baseline = Baseline(report.findings)
    try baseline.write(to: path)
    #expect(try Baseline.read(path) == baseline)
    try Baseline([]).write(to: path)
    #expect(try Baseline.read(path).entries.isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["baseline.json"])
    #expect(baseline.resolvedEntries(in: report).isEmpty)
  }

  @Test func knowsWhatIsResolved() throws {
    let report = try ReportSample.report()
    let baseline = Baseline(report.findings)
    let smaller = ReportSample.flagged("contract C { }")
    #expect(baseline.resolvedEntries(in: smaller).count == report.findings.count)
  }

  // MARK: - Damaged files

  @Test(arguments: [
    ("", "line 1, column 1"), ("{", "line 1, column 2"), ("[]", "schema"), ("{}", "schema"),
    (#"{"schema": 1}"#, "schema"), (#"{"schema": "other"}"#, "other"),
    (#"{"schema": "maslin-baseline-1"}"#, "findings"),
    (#"{"schema": "maslin-baseline-1", "findings": [{}]}"#, "finding 1 has no"),
    (#"{"schema": "maslin-baseline-1", "findings": [{"id": "xyz"}]}"#, "finding 1"),
    (#"{"schema": "maslin-baseline-1", "findings": [{"id": "0123456789ABCDEF"}]}"#, "finding 1"),
    ("{\"schema\": \"maslin-baseline-1\",\n \"findings\": [1,,2]}", "line 2, column 17"),
    ("<<<<<<< HEAD\n{}", "line 1, column 1"),
  ])
  func refusesDamagedFiles(_ text: String, _ part: String) {
    let error = #expect(throws: BaselineError.self) { try Baseline(json: Array(text.utf8)) }
    #expect(error?.description.contains(part) ?? false, "\(error?.description ?? "")")
  }

  @Test func refusesDeepNesting() {
    let text = String(repeating: "[", count: 1_000_000)
    #expect(throws: BaselineError.self) { try Baseline(json: Array(text.utf8)) }
  }

  /// Mutated files are read or refused, never anything else; what is read is sane.
  @Test func survivesMutation() throws {
    let seed = UInt64.random(in: .min ... .max)
    var numbers = SeededNumbers(seed: seed)
    let original = Baseline(try ReportSample.report().findings).json
    var refused = 0
    for _ in 0..<3000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &numbers) {
        let place = Int.random(in: 0..<bytes.count, using: &numbers)
        switch Int.random(in: 0..<4, using: &numbers) {
        case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &numbers)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(UInt8.random(in: .min ... .max, using: &numbers), at: place)
        default: bytes.removeSubrange(place...)
        }
        if bytes.isEmpty { bytes = [0] }
      }
      do throws(BaselineError) {
        let baseline = try Baseline(json: bytes)
        for entry in baseline.entries { #expect(entry.id.utf8.count == 16, "seed \(seed)") }
      } catch {
        refused += 1
        #expect(!error.description.isEmpty, "seed \(seed)")
      }
    }
    #expect(refused > 500, "seed \(seed)")
  }

  @Test func namesMissingFiles() {
    let error = #expect(throws: BaselineError.self) { try Baseline.read("/nonexistent/base.json") }
    #expect(error?.description.contains("/nonexistent/base.json") ?? false)
  }

  @Test func boundsWhatItReads() throws {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = directory + "/large"
    try Data(repeating: 0x20, count: 1000).write(to: URL(filePath: path))
    #expect(try SystemFiles().read(path, limit: 1000).count == 1000)
    #expect(throws: FileFailure.self) { try SystemFiles().read(path, limit: 999) }
  }

  // MARK: - Faults while writing

  /// File operations of which one step fails, and which write a few bytes at a time.
  final class FaultyFiles: DurableFileOperations {
    enum Step: String, CaseIterable {
      case create, write, fullDisk, flush, close, rename, flushDirectory
    }
    private let failing: Step?
    private let system = SystemFiles()
    private(set) var steps: [String] = []

    init(failing: Step?) { self.failing = failing }

    private func perform(_ step: Step, _ path: String) throws(FileFailure) {
      steps.append(step.rawValue)
      guard failing == step else { return }
      throw FileFailure(operation: step.rawValue, path: path, reason: "injected")
    }
    func read(_ path: String, limit: Int) throws(FileFailure) -> [UInt8] {
      try system.read(path, limit: limit)
    }
    func create(_ path: String) throws(FileFailure) -> Int32 {
      try perform(.create, path)
      return try system.create(path)
    }
    func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32, path: String) throws(FileFailure)
      -> Int
    {
      try perform(.write, path)
      if failing == .fullDisk, steps.count > 5 {
        throw FileFailure(operation: "write", path: path, reason: "No space left on device")
      }
      return try system.write(bytes.prefix(7), to: descriptor, path: path)
    }
    func flush(_ descriptor: Int32, path: String) throws(FileFailure) {
      try perform(.flush, path)
      try system.flush(descriptor, path: path)
    }
    func close(_ descriptor: Int32, path: String) throws(FileFailure) {
      try system.close(descriptor, path: path)
      try perform(.close, path)
    }
    func rename(_ path: String, to target: String) throws(FileFailure) {
      try perform(.rename, path)
      try system.rename(path, to: target)
    }
    func flushDirectory(_ path: String) throws(FileFailure) {
      try perform(.flushDirectory, path)
      try system.flushDirectory(path)
    }
    func remove(_ path: String) { system.remove(path) }
  }

  @Test(arguments: FaultyFiles.Step.allCases)
  func keepsTheOldFileWhenAStepFails(_ step: FaultyFiles.Step) throws {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = directory + "/baseline.json"
    try Baseline([]).write(to: path)
    let old = try SystemFiles().read(path, limit: 1 << 20)
    let new = Baseline(try ReportSample.report().findings)
    let error = #expect(throws: BaselineError.self) {
      try new.write(to: path, using: FaultyFiles(failing: step))
    }
    #expect(!(error?.description.isEmpty ?? true))
    let left = try SystemFiles().read(path, limit: 1 << 20)
    // After the rename the new content is in place; only its survival of a power cut is in doubt.
    #expect(left == (step == .flushDirectory ? new.json : old))
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["baseline.json"])
  }

  @Test func flushesBeforeItRenames() throws {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let files = FaultyFiles(failing: nil)
    try AtomicFile.write(Array("0123456789".utf8), to: directory + "/x", using: files)
    #expect(
      files.steps == ["create", "write", "write", "flush", "close", "rename", "flushDirectory"])
    #expect(try SystemFiles().read(directory + "/x", limit: 100) == Array("0123456789".utf8))
  }

  @Test func reportsDirectoriesThatDoNotExist() {
    let error = #expect(throws: BaselineError.self) {
      try Baseline([]).write(to: "/nonexistent/directory/base.json")
    }
    #expect(error?.description.contains("/nonexistent/directory") ?? false)
  }
}
