import ArgumentParser
import Foundation
import Solidity
import SoliditySyntax

extension LayoutFormat: ExpressibleByArgument {}

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
      return format.texts(of: contracts, in: program, selection)
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
}
