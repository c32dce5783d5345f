import Foundation
import Solidity
import SoliditySyntax
import Testing

/// Programs for the layout tests.
enum LayoutPrograms {
  static func make(_ text: String, path: String = "test.sol") -> Program {
    let unit = Parser.parse(SourceFile(path: path, text: text), unit: 0)
    #expect(unit.understood, "the test's own source must parse: \(unit.diagnostics)")
    return Program.resolve(units: [unit], imports: ImportTable())
  }

  static func contract(_ name: String, in program: Program) throws -> ContractDefinition {
    try #require(program.contracts.first { $0.name == name })
  }

  static func storage(_ text: String, of name: String = "C") throws -> ContractStorage {
    let program = make(text)
    return program.storage(of: try contract(name, in: program))
  }
}

/// One fixture made by the compiler: a source and the layouts it printed.
struct LayoutFixture: CustomTestStringConvertible {
  struct Slot: Decodable {
    let label: String
    let slot: String
    let offset: Int
  }
  struct Contract: Decodable {
    let storageLayout: CompilerStorageLayout?
    let transientStorageLayout: CompilerStorageLayout?
    let slots: [Slot]?
  }
  struct Expectation: Decodable {
    let contracts: [String: Contract]
  }

  let path: String
  let contracts: [String: Contract]
  let program: Program

  var testDescription: String { path }

  static let folders = ["layout", "newer", "legacy04", "mid"]

  static func all() throws -> [LayoutFixture] {
    let root = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
    var fixtures: [LayoutFixture] = []
    for folder in folders {
      let directory = root.appendingPathComponent(folder)
      let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
      for name in names.sorted() where name.hasSuffix(".expected.json") {
        let source = name.replacingOccurrences(of: ".expected.json", with: ".sol")
        let bytes = try Data(contentsOf: directory.appendingPathComponent(source))
        let json = try Data(contentsOf: directory.appendingPathComponent(name))
        let path = "\(folder)/\(source)"
        let unit = Parser.parse(SourceFile(path: path, bytes: Array(bytes)), unit: 0)
        fixtures.append(
          LayoutFixture(
            path: path,
            contracts: try JSONDecoder().decode(Expectation.self, from: json).contracts,
            program: Program.resolve(units: [unit], imports: ImportTable())))
      }
    }
    return fixtures
  }
}

/// A layout without the numbers that depend on one compiler run, types spelled out.
struct PlainLayout: Equatable, CustomStringConvertible {
  let lines: [String]
  let typeIdentifiers: Set<String>?

  var description: String {
    (lines + (typeIdentifiers.map { $0.sorted() } ?? ["null"])).joined(separator: "\n")
  }

  init(_ layout: CompilerStorageLayout) {
    let types = layout.types ?? [:]
    lines = layout.storage.map { variable in
      "\(variable.contract) \(variable.label) \(variable.slot) \(variable.offset) "
        + PlainLayout.tree(variable.type, types, [])
    }
    typeIdentifiers = layout.types.map { Set($0.keys.map(PlainLayout.withoutNumbers)) }
  }

  private static func tree(
    _ identifier: String, _ types: [String: CompilerStorageLayout.TypeDescription],
    _ path: Set<String>
  ) -> String {
    guard let type = types[identifier] else { return "missing \(identifier)" }
    var text =
      "\(withoutNumbers(identifier)) '\(type.label)' \(type.encoding.rawValue) "
      + type.numberOfBytes
    guard !path.contains(identifier) else { return text }
    let path = path.union([identifier])
    for part in [type.key, type.value, type.base] {
      if let part { text += " <\(tree(part, types, path))>" }
    }
    for member in type.members ?? [] {
      text +=
        " {\(member.contract) \(member.label) \(member.slot) \(member.offset) "
        + "\(tree(member.type, types, path))}"
    }
    return text
  }

  /// Numbers of syntax nodes cut out; lengths of arrays stay.
  static func withoutNumbers(_ identifier: String) -> String {
    identifier.replacing(/(t_(?:struct|contract|enum|userDefinedValueType)\([^()]*\))\d+/) {
      match in
      String(match.1)
    }
  }
}
