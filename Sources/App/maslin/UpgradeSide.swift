import Auditing
import Solidity
import SoliditySyntax

/// One side of an upgrade check: a path, a contract in a path, or a revision of the repository around the working
/// directory.
struct UpgradeSide {
  private let selection: ContractSelection
  private let fileSystem: any FileSystem
  private let workingDirectory: String
  private let notes: [ProjectDiagnostic]
  /// How the side is called: as given, with the commit behind a revision.
  let name: String

  /// Reads `PATH`, `PATH:Contract`, `REVISION`, `REVISION:PATH` or `REVISION:PATH:Contract`. What exists as a path
  /// is a path; `REVISION:` followed by nothing reads the whole revision.
  init(_ text: String) throws {
    let disk = LocalFileSystem()
    let here = LocalFileSystem.workingDirectory
    let local = ContractSelection(text, in: disk, workingDirectory: here)
    if disk.kind(of: SourcePath.joined(here, local.path)) != nil {
      selection = local
      fileSystem = disk
      workingDirectory = here
      notes = []
      name = text
      return
    }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let revision = String(parts[0])
    guard try GitRevision.commit(revision, in: here) != nil else {
      throw CommandFailure(
        .environment,
        "\(text): no such file or directory, and '\(revision)' is no revision of a repository here; "
          + "check the spelling and the current directory")
    }
    let files = try GitRevision(revision, in: here)
    let path = parts.count > 1 ? String(parts[1]) : ""
    // As in git, paths behind a revision start at the top of the repository, unless written ./path.
    let isFromHere = path.isEmpty || path == "." || path.hasPrefix("./")
    workingDirectory = isFromHere ? here : files.topDirectory
    selection = ContractSelection(
      path.isEmpty ? "." : path, in: files.fileSystem, workingDirectory: workingDirectory)
    fileSystem = files.fileSystem
    notes = files.diagnostics
    name = "\(text) (\(files.commit.prefix(12)))"
  }

  /// A selection in files of any kind.
  init(_ selection: ContractSelection, named name: String, _ access: SourceAccess) {
    self.selection = selection
    self.name = name
    fileSystem = access.fileSystem
    workingDirectory = access.workingDirectory
    notes = []
  }

  /// The contracts to compare, with what was met on the way.
  func contracts(
    remappings: [Remapping], pool: WorkerPool, into report: inout DiagnosticReport
  ) throws -> [ContractVersion] {
    report.add(notes)
    let project = try Project(
      inputs: [selection.path], fileSystem: fileSystem, workingDirectory: workingDirectory,
      options: LoadingOptions(remappings: remappings))
    report.add(project.diagnostics)
    let name = selection.contract
    var versions: [ContractVersion] = []
    var present: [String] = []
    var found: [ProjectDiagnostic] = []
    project.forEachGroup(pool: pool) { sources in
      let program = Program.resolve(units: sources.units, imports: sources.imports)
      let contracts = sources.requestedContracts(of: program, ContractFilter(selections: []))
      let ownRoles = contracts.filter { contract in
        [.source, .dependency].contains(sources.files[Int(contract.id.unit)].role)
      }
      guard let name else {
        return (
          versions: UpgradePairing.candidates(
            among: ownRoles.isEmpty ? contracts : ownRoles, in: program),
          names: contracts.map(\.name), diagnostics: sources.diagnostics
        )
      }
      return (
        versions: contracts.filter { $0.name == name }.map {
          ContractVersion(program: program, contract: $0)
        },
        names: contracts.map(\.name), diagnostics: sources.diagnostics
      )
    } deliver: { item in
      versions += item.versions
      present += item.names
      found += item.diagnostics
    }
    report.add(found)
    if versions.isEmpty {
      if let name {
        throw ProjectError.noSuchContract(path: selection.path, name: name, present: present)
      }
      throw CommandFailure(.badInput, "\(self.name): no contract that could be deployed")
    }
    return versions
  }
}
