import ArgumentParser
import Foundation
import Solidity
import SoliditySyntax
import Synchronization

extension Remapping: ExpressibleByArgument {
  /// Reads `prefix=target` or `context:prefix=target`.
  public init?(argument: String) { self.init(parsing: argument) }
}

/// How sources are found and read; the same for every command that reads a project.
struct SourceOptions: ParsableArguments {
  @Option(
    name: .customLong("remap"),
    help: ArgumentHelp(
      "An import remapping PREFIX=TARGET or CONTEXT:PREFIX=TARGET; wins over the project's own.",
      valueName: "rule"))
  var remappings: [Remapping] = []

  @Option(help: "How many threads to use; one per core (at most 8) unless given.")
  var threads: Int?

  func validate() throws {
    if let threads, !(1...64).contains(threads) {
      throw ValidationError("--threads takes a number from 1 to 64.")
    }
  }

  var pool: WorkerPool { WorkerPool(workers: threads) }
}

/// What a command prints and leaves with while it goes through sources.
struct SourceRun {
  let project: Project
  let pool: WorkerPool
  /// Which contracts were asked for.
  let selection: ContractFilter
  private var report = DiagnosticReport()
  private let gathering: ProgressMeter

  /// Finds the files that `paths` name.
  init(
    paths: [String], options: SourceOptions, selectsContracts: Bool = false,
    fileSystem: any FileSystem = LocalFileSystem()
  ) throws {
    let selections = paths.map {
      selectsContracts
        ? ContractSelection($0, in: fileSystem) : ContractSelection(path: $0, contract: nil)
    }
    selection = ContractFilter(selections: selections)
    let meter = ProgressMeter("reading", unit: "files")
    gathering = meter
    project = try Project(
      inputs: selections.map(\.path), fileSystem: fileSystem,
      options: LoadingOptions(remappings: options.remappings, progress: { meter.update($0) }))
    pool = options.pool
    report.add(project.diagnostics)
  }

  /// Parses each requested file and hands over what `body` makes of it, in path order.
  mutating func forEachFile<Result: Sendable>(
    _ body: @escaping @Sendable (LoadedFile) -> Result,
    deliver: (Result) throws -> Void
  ) throws {
    let meter = ProgressMeter("parsing", unit: "files", total: project.requestedFiles.count)
    defer { meter.finish() }
    var done = 0
    var failures: [ProjectDiagnostic] = []
    try project.forEachFile(pool: pool) { file in
      (result: body(file), failure: file.failure)
    } deliver: { item in
      if let failure = item.failure { failures.append(.unreadable(failure)) }
      try deliver(item.result)
      done += 1
      meter.update(done)
    }
    report.add(failures)
  }

  /// Resolves each group of files and hands over what `body` makes of it, in path order.
  mutating func forEachProgram<Result: Sendable>(
    _ body: @escaping @Sendable (Program, LoadedSources) -> Result,
    deliver: (Result) throws -> Void
  ) throws {
    let meter = ProgressMeter("working", unit: "files", total: project.requestedFiles.count)
    defer {
      gathering.finish()
      meter.finish()
    }
    var done = 0
    var found: [ProjectDiagnostic] = []
    try project.forEachGroup(pool: pool) { sources in
      let program = Program.resolve(units: sources.units, imports: sources.imports)
      let requested = zip(sources.files, sources.isOwned).count { $0.isRequested && $1 }
      return (
        result: body(program, sources), diagnostics: sources.diagnostics, requested: requested
      )
    } deliver: { item in
      gathering.finish()
      found += item.diagnostics
      try deliver(item.result)
      done += item.requested
      meter.update(done)
    }
    report.add(found)
  }

  /// Prints what was met on the way, and throws when files were left out.
  func finish() throws {
    report.write()
    if report.leavesOutFiles { throw CommandFailure(.environment) }
  }

  /// The same, for commands that print contracts: throws as well when a chosen one was not met.
  ///
  /// - Parameter contracts: how many were printed.
  func finish(contracts: Int) throws {
    try finish()
    if contracts == 0, let chosen = selection.selections.first(where: { $0.contract != nil }) {
      throw CommandFailure(
        .badInput,
        "\(chosen.path): no contract '\(chosen.contract ?? "")' here; "
          + "'maslin facts \(chosen.path)' lists those there are")
    }
  }
}

/// Which contracts were asked for by `PATH:Contract`.
struct ContractFilter: Sendable {
  let selections: [ContractSelection]

  /// Whether a contract was asked for by its name.
  func names(_ contract: ContractDefinition) -> Bool {
    selections.contains { $0.contract == contract.name }
  }

  /// Whether a contract was asked for, by the inputs its file lies in.
  func selects(contractNamed name: String, inFileAt path: String) -> Bool {
    let path = SourcePath.normalized(path)
    let covering = selections.filter {
      SourcePath.isWithin(path, SourcePath.normalized($0.path)) || $0.path == "."
    }
    return covering.isEmpty
      || covering.contains { $0.contract == nil || $0.contract == name }
  }
}

extension LoadedSources {
  /// The contracts of the requested files of this group that `filter` selects, in order.
  func requestedContracts(of program: Program, _ filter: ContractFilter) -> [ContractDefinition] {
    program.contracts.filter { contract in
      let number = Int(contract.id.unit)
      return files[number].isRequested && isOwned[number]
        && filter.selects(contractNamed: contract.name, inFileAt: files[number].displayPath)
    }
  }
}
