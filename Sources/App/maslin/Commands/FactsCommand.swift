import ArgumentParser
import Auditing
import Solidity
import SoliditySyntax

/// `maslin facts`
struct FactsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "facts",
    abstract: "Prints what contracts declare: bases, selectors, topics, state variables, proxies.",
    discussion: """
      Functions are those the contract has, inherited ones and getters included; events, errors and state \
      variables are those it declares itself, as in the compiler's output. Imports are followed, but only \
      files that were asked for are printed.

      Examples:
        maslin facts src/Vault.sol --json
        maslin facts src/Vault.sol:Vault
      """)

  @Argument(
    help: "Solidity files, directories, standard-JSON or build-info files; PATH:Contract for one.",
    completion: .file(extensions: ["sol", "json"]))
  var paths: [String]

  @Flag(help: "Print a JSON array with one object per contract.")
  var json = false

  @OptionGroup var source: SourceOptions

  mutating func run() throws {
    var run = try SourceRun(paths: paths, options: source, selectsContracts: true)
    let selection = run.selection
    var count = 0
    let compute: @Sendable (Program, LoadedSources) -> [ContractInterface] = { program, sources in
      let contracts = sources.requestedContracts(of: program, selection)
      let proxies = Dictionary(
        grouping: ProxyRecognition.recognize(in: Facts(program: program)), by: \.contract.id)
      return contracts.map {
        ContractInterface(of: $0, in: program, proxies: proxies[$0.id] ?? [])
      }
    }
    if json {
      var output = JSONArrayOutput()
      try run.forEachProgram(compute) { contracts in
        for contract in contracts { try output.append(contract.json) }
        count += contracts.count
      }
      try output.finish()
    } else {
      var output = StandardOutput()
      try run.forEachProgram(compute) { contracts in
        for contract in contracts { try output.write(contract.text) }
        count += contracts.count
      }
      try output.finish()
    }
    try run.finish(contracts: count)
  }
}
