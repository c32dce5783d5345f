import ArgumentParser
import Auditing
import Bytecode
import Foundation
import Solidity

/// `maslin bytecode`
struct BytecodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bytecode",
    abstract: "Tells what EVM code does: functions, storage, proxies, delegatecalls.",
    discussion: """
      The code is hexadecimal digits, or a file with digits, raw bytes, or an artifact of Foundry, Hardhat or the \
      compiler. With --source, the code is compared with a contract: selectors and places in storage. Leaves with 1 \
      when they contradict each other.

      Examples:
        maslin bytecode 0x363d3d373d3d3d363d73bebebebebebebebebebebebebebebebebebebebe5af43d82803e903d91602b57fd5bf3
        maslin bytecode out/Vault.sol/Vault.json --source src/Vault.sol:Vault
        maslin bytecode code.hex --disassemble
      """)

  @Argument(help: "Hexadecimal digits, or a file.", completion: .file())
  var code: String

  @Option(
    help: ArgumentHelp("Compare with this contract.", valueName: "path:contract"),
    completion: .file(extensions: ["sol", "json"]))
  var source: String?

  @Flag(help: "List the instructions, too.")
  var disassemble = false

  @Flag(help: "Take the creation code of an artifact, not the runtime code.")
  var creation = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var options: SourceOptions

  mutating func run() throws {
    let analysis = BytecodeAnalysis(code: try CodeInput.read(code, creation: creation))
    let comparison = try source.map { text in
      SourceComparison(code: analysis, source: try expectation(text))
    }
    let report = BytecodeReport(
      analysis, comparison: comparison, includesDisassembly: disassemble)
    var output = StandardOutput()
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
      try output.write(Array(try encoder.encode(report)))
      try output.write("\n")
    } else {
      try output.write(report.description + "\n")
    }
    try output.finish()
    if let comparison, !comparison.isConsistent { throw CommandFailure(.findings) }
  }

  /// What the contract named by `PATH` or `PATH:Contract` promises.
  private func expectation(_ text: String) throws -> SourceExpectation {
    var run = try SourceRun(paths: [text], options: options, selectsContracts: true)
    let selection = run.selection
    var found: [(name: String, expectation: SourceExpectation)] = []
    try run.forEachProgram { program, sources in
      sources.requestedContracts(of: program, selection)
        .filter { ($0.kind == .contract && !$0.isAbstract) || selection.names($0) }
        .map { (name: $0.name, expectation: SourceExpectation(of: $0, in: program)) }
    } deliver: {
      found += $0
    }
    try run.finish(contracts: found.count)
    guard let first = found.first else {
      throw CommandFailure(.badInput, "\(text): no contract that could be deployed")
    }
    guard found.count == 1 else {
      throw CommandFailure(
        .usage,
        "\(text): several contracts (\(found.map(\.name).joined(separator: ", "))); "
          + "choose one as PATH:Contract")
    }
    return first.expectation
  }
}
