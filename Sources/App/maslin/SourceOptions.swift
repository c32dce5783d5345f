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

/// Where sources come from and what work on them may use.
struct SourceAccess: Sendable {
  /// Where files are read.
  var fileSystem: any FileSystem = LocalFileSystem()
  /// Where relative paths start.
  var workingDirectory = LocalFileSystem.workingDirectory
  /// Import remappings that win over the project's own.
  var remappings: [Remapping] = []
  /// The threads.
  var pool = WorkerPool()
  /// Told after every group of files how many of how many files are done, instead of showing it on standard error; an
  /// error it throws ends the work.
  var observe: (@Sendable (_ done: Int, _ total: Int) throws -> Void)?
}

/// What a command prints and leaves with while it goes through sources.
struct SourceRun {
  let project: Project
  let pool: WorkerPool
  /// Which contracts were asked for.
  let selection: ContractFilter
  /// What was met on the way.
  private(set) var report = DiagnosticReport()
  private let gathering: ProgressMeter
  private let observe: (@Sendable (Int, Int) throws -> Void)?

  /// Finds the files that `paths` name.
  init(paths: [String], options: SourceOptions, selectsContracts: Bool = false) throws {
    let access = SourceAccess(remappings: options.remappings, pool: options.pool)
    let selections = paths.map {
      selectsContracts
        ? ContractSelection($0, in: access.fileSystem)
        : ContractSelection(path: $0, contract: nil)
    }
    try self.init(selections, access)
  }

  /// Finds the files that are selected.
  init(_ selections: [ContractSelection], _ access: SourceAccess) throws {
    selection = ContractFilter(selections: selections)
    let meter = ProgressMeter("reading", unit: "files")
    gathering = meter
    observe = access.observe
    let isShown = access.observe == nil
    project = try Project(
      inputs: selections.map(\.path), fileSystem: access.fileSystem,
      workingDirectory: access.workingDirectory,
      options: LoadingOptions(
        remappings: access.remappings, progress: { if isShown { meter.update($0) } }))
    pool = access.pool
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
    try observe?(0, project.requestedFiles.count)
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
      if let observe {
        try observe(done, project.requestedFiles.count)
      } else {
        meter.update(done)
      }
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
    if let message = missingContract(contracts) { throw CommandFailure(.badInput, message) }
  }

  /// Why a chosen contract was not met; nil when nothing is missing.
  ///
  /// - Parameter contracts: how many were met.
  func missingContract(_ contracts: Int) -> String? {
    guard contracts == 0, let chosen = selection.selections.first(where: { $0.contract != nil })
    else { return nil }
    return "\(chosen.path): no contract '\(chosen.contract ?? "")' here; "
      + "'maslin facts \(chosen.path)' lists those there are"
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
