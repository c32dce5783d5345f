import Foundation
import SoliditySyntax

/// A Solidity file of the fixtures. The expectations beside them were made by the real compiler.
struct Fixture: Sendable, CustomTestStringConvertible {
  let path: String
  let bytes: [UInt8]

  var testDescription: String { path }
  var folder: String { String(path.prefix { $0 != "/" }) }
  var source: SourceFile { SourceFile(path: path, bytes: bytes) }

  /// All files, in order of their paths.
  static let all: [Fixture] = {
    let root = Bundle.module.resourceURL!.appendingPathComponent("Fixtures")
    let names = FileManager.default.enumerator(atPath: root.path)!.compactMap { $0 as? String }
    return names.filter { $0.hasSuffix(".sol") }.sorted().map { name in
      Fixture(path: name, bytes: [UInt8](try! Data(contentsOf: root.appendingPathComponent(name))))
    }
  }()

  static let accepted = all.filter { $0.folder != "reject" }
  static let refused = all.filter { $0.folder == "reject" }

  /// The line of the first error that the compiler reported.
  func expectedErrorLine() throws -> Int {
    struct Expectation: Decodable {
      struct Problem: Decodable {
        struct Position: Decodable { let line: Int }
        let start: Position
      }
      let errors: [Problem]
    }
    let name = path.replacing(".sol", with: ".expected.json")
    let url = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/\(name)")
    return try JSONDecoder().decode(Expectation.self, from: Data(contentsOf: url))
      .errors[0].start.line
  }
}

import Testing

extension SourceUnit {
  /// The diagnostics with their lines, for failure messages.
  var problems: String {
    diagnostics.map { "\(source.position(at: Int($0.range.start)).line): \($0.message)" }
      .joined(separator: "; ")
  }
}

/// Parses text.
func parse(_ text: String) -> SourceUnit { Parser.parse(SourceFile(path: "test.sol", text: text)) }

/// Parses members of a contract, by default under the newest dialect.
func parseMembers(_ text: String, pragma: String = "") -> SourceUnit {
  parse((pragma.isEmpty ? "" : "pragma solidity \(pragma); ") + "contract C { \(text) }")
}

/// Parses statements of a function.
func parseStatements(_ text: String, pragma: String = "") -> SourceUnit {
  parseMembers("function f() public { \(text) }", pragma: pragma)
}

extension SourceUnit {
  var contracts: [ContractDefinition] {
    items.compactMap { if case .contract(let value) = $0 { value } else { nil } }
  }
  /// The statements of the first function with a body.
  var firstBody: [Statement] {
    contracts.flatMap(\.functions).compactMap(\.body).first?.statements ?? []
  }
}
