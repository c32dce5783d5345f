import ArgumentParser
import Foundation
import Solidity
import SoliditySyntax

/// The formats of storage layouts.
enum LayoutFormat: String, CaseIterable, ExpressibleByArgument {
  case text, solc, json
}

/// `maslin layout`
struct LayoutCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "layout",
    abstract: "Prints where contracts keep their state, byte by byte.",
    discussion: """
      text: a slot map of every concrete contract, with ERC-7201 namespaces and the slots that assembly and \
      slot libraries use by hand.
      solc: an object keyed path:Contract with the compiler's own storageLayout and transientStorageLayout, \
      for all contracts.
      json: an array with everything the text shows.

      Examples:
        maslin layout src/Vault.sol:Vault
        maslin layout src/ --format solc > layouts.json
      """)

  @Argument(
    help: "Solidity files, directories, standard-JSON or build-info files; PATH:Contract for one.",
    completion: .file(extensions: ["sol", "json"]))
  var paths: [String]

  @Option(help: "What to print.")
  var format: LayoutFormat?

  @Flag(help: "The same as --format json.")
  var json = false

  @OptionGroup var source: SourceOptions

  func validate() throws {
    if json, let format, format != .json {
      throw ValidationError("--json and --format \(format.rawValue) contradict each other.")
    }
  }

  mutating func run() throws {
    let format = json ? .json : format ?? .text
    var run = try SourceRun(paths: paths, options: source, selectsContracts: true)
    let selection = run.selection
    var output = StandardOutput()
    var count = 0
    let separator: String
    switch format {
    case .text: separator = "\n"
    case .solc:
      separator = ",\n"
      try output.write("{")
    case .json:
      separator = ",\n"
      try output.write("[")
    }
    try run.forEachProgram { program, sources in
      let contracts = sources.requestedContracts(of: program, selection)
      return Self.texts(of: contracts, in: program, as: format, selection)
    } deliver: { texts in
      for text in texts {
        if count > 0 {
          try output.write(separator)
        } else if format != .text {
          try output.write("\n")
        }
        try output.write(text)
        count += 1
      }
    }
    switch format {
    case .text:
      // Nothing but interfaces and libraries: saying nothing would look like a mistake.
      if count == 0 { StandardError.write("maslin: no concrete contracts in the files given\n") }
    case .solc: try output.write(count > 0 ? "\n}\n" : "}\n")
    case .json: try output.write(count > 0 ? "\n]\n" : "]\n")
    }
    try output.finish()
    try run.finish(contracts: count)
  }

  private static func texts(
    of contracts: [ContractDefinition], in program: Program, as format: LayoutFormat,
    _ selection: ContractFilter
  ) -> [String] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    func encoded(_ value: some Encodable) -> String? {
      guard let data = try? encoder.encode(value) else { return nil }
      return String(decoding: data, as: UTF8.self)
    }
    switch format {
    case .solc:
      var writer = CompilerLayoutWriter(program: program)
      return contracts.compactMap { contract in
        guard let name = encoded(writer.qualifiedName(of: contract)),
          let layout = encoded(writer.layout(of: contract))
        else { return nil }
        return "\(name): \(layout)"
      }
    case .text, .json:
      let concrete = contracts.filter { contract in
        (contract.kind == .contract && !contract.isAbstract) || selection.names(contract)
      }
      return concrete.compactMap { contract in
        let storage = program.storage(of: contract)
        if format == .json { return encoded(StorageReport(of: storage, in: program)) }
        return SlotMap(of: storage, in: program).text
      }
    }
  }
}
