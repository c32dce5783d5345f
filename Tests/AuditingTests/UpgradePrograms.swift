import Auditing
import Solidity
import SoliditySyntax
import Testing

/// Versions of contracts for the upgrade tests.
enum UpgradePrograms {
  static func version(_ text: String, _ name: String = "C") throws -> ContractVersion {
    let unit = Parser.parse(SourceFile(path: "\(name).sol", text: text), unit: 0)
    #expect(unit.understood, "the test's own source must parse: \(unit.diagnostics)")
    let program = Program.resolve(units: [unit], imports: ImportTable())
    let contract = try #require(program.contracts.last { $0.name == name })
    return ContractVersion(program: program, contract: contract)
  }

  static func check(
    _ old: String, _ new: String, options: UpgradeOptions = UpgradeOptions()
  ) throws -> UpgradeReport {
    UpgradeCheck(from: try version(old), to: try version(new), options: options).run()
  }

  static func verdict(
    _ text: String, options: UpgradeOptions = UpgradeOptions()
  ) throws -> CompatibleVerdict {
    CompatibleVerdict(of: try version(text), after: nil, options: options)
  }
}
