import Foundation
import Solidity
import SoliditySyntax
import Testing

/// What a compiler said about a file.
private struct Expectation: Decodable {
  struct Contract: Decodable {
    struct Event: Decodable {
      let signature: String
      let topic: String
      let anonymous: Bool
    }
    struct CustomError: Decodable {
      let signature: String
      let selector: String
    }
    struct Variable: Decodable {
      let name: String
      let typeString: String
    }
    let linearizedBaseContracts: [String]
    let methodIdentifiers: [String: String]?
    let events: [Event]?
    let errors: [CustomError]?
    let stateVariables: [Variable]?
  }
  let contracts: [String: Contract]
}

/// Files with what the compiler made of them; imports are resolved within the folder.
struct CompilerFixture: CustomTestStringConvertible, Sendable {
  let path: String
  var testDescription: String { path }

  static let root =
    (Bundle.module.resourceURL ?? URL(fileURLWithPath: "."))
    .appending(path: "Fixtures/Resolution")

  static let all: [CompilerFixture] = {
    let files = FileManager.default.enumerator(atPath: root.path)?.allObjects as? [String] ?? []
    return files.filter { $0.hasSuffix(".expected.json") }.sorted()
      .map { CompilerFixture(path: String($0.dropLast(".expected.json".count))) }
  }()

  func load() throws -> TestProgram {
    let folder = path.split(separator: "/").first.map(String.init) ?? ""
    let isModule = folder == "modules"
    let names =
      isModule
      ? (FileManager.default.enumerator(atPath: CompilerFixture.root.path)?.allObjects as? [String]
        ?? []).filter { $0.hasPrefix("modules/") && $0.hasSuffix(".sol") }.sorted()
      : [path + ".sol"]
    let files = try names.map { name in
      (name, try String(contentsOf: CompilerFixture.root.appending(path: name), encoding: .utf8))
    }
    return TestProgram(
      files: files,
      remappings: [("@dep/", "modules/remapped/vendor/dep/src/")])
  }

  fileprivate func expectation() throws -> Expectation {
    let data = try Data(
      contentsOf: CompilerFixture.root.appending(path: path + ".expected.json"))
    return try JSONDecoder().decode(Expectation.self, from: data)
  }
}

@Suite("Resolution agrees with the compiler")
struct CompilerFixtureTests {
  @Test("the fixtures are there")
  func present() { #expect(CompilerFixture.all.count >= 40) }

  @Test("linearisation, selectors, topics and types", arguments: CompilerFixture.all)
  func agrees(_ fixture: CompilerFixture) throws {
    let test = try fixture.load()
    let program = test.program
    let expectation = try fixture.expectation()
    #expect(program.diagnostics.isEmpty, "\(test.messages)")
    #expect(!expectation.contracts.isEmpty || fixture.path.hasPrefix("modules/"))
    for (name, expected) in expectation.contracts.sorted(by: { $0.key < $1.key }) {
      let contract = try #require(
        program.contracts.first { program.unit(of: $0).source.path + ":" + $0.name == name })
      #expect(
        program.linearizedBases(of: contract).map(\.name) == expected.linearizedBaseContracts)
      let interface = program.interface(of: contract).map {
        "\($0.signature) \($0.selector.description.dropFirst(2))"
      }
      #expect(
        interface == (expected.methodIdentifiers ?? [:]).map { "\($0) \($1)" }.sorted(), "\(name)")
      if let events = expected.events {
        #expect(contract.events.map { program.signature(of: $0) } == events.map(\.signature))
        #expect(
          contract.events.map { program.topic(of: $0)?.description }
            == events.map { $0.anonymous ? nil : $0.topic })
      }
      if let errors = expected.errors {
        #expect(contract.errors.map { program.signature(of: $0) } == errors.map(\.signature))
        #expect(
          contract.errors.map { program.selector(of: $0).description.dropFirst(2) }
            == errors.map {
              $0.selector.hasPrefix("0x") ? $0.selector.dropFirst(2) : $0.selector[...]
            })
      }
      if let variables = expected.stateVariables {
        // The 0.4 compiler wrote locations into the types of state variables.
        #expect(
          contract.stateVariables.map { program.typeString(of: program.type(of: $0)) }
            == variables.map {
              $0.typeString.replacingOccurrences(of: " storage ref", with: "")
            })
      }
    }
  }

  private struct Namespaces: Decodable {
    struct Case: Decodable {
      let id: String
      let slot: String
    }
    let cases: [Case]
  }

  @Test("ERC-7201 slots by formula and by builtin")
  func namespaces() throws {
    let data = try Data(contentsOf: CompilerFixture.root.appending(path: "erc7201.json"))
    let cases = try JSONDecoder().decode(Namespaces.self, from: data).cases
    #expect(cases.count > 3)
    for item in cases
    where item.id.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x5c }) {
      let test = TestProgram(
        """
        pragma solidity ^0.8.35;
        contract C {
          bytes32 constant FORMULA =
            keccak256(abi.encode(uint256(keccak256("\(item.id)")) - 1)) & ~bytes32(uint256(0xff));
          bytes32 constant BUILTIN = bytes32(erc7201("\(item.id)"));
        }
        """)
      #expect(test.constant("FORMULA") == item.slot)
      #expect(test.constant("BUILTIN") == item.slot)
      #expect(test.messages.isEmpty)
    }
  }
}
