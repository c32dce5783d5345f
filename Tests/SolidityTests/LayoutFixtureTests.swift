import Foundation
import Solidity
import SoliditySyntax
import Testing

/// Layouts equal to those the compiler printed for the same files.
@Suite struct LayoutFixtureTests {
  @Test func printsWhatTheCompilerPrints() throws {
    var compared = 0
    for fixture in try LayoutFixture.all() {
      var writer = CompilerLayoutWriter(program: fixture.program)
      let layouts = writer.layouts()
      for (name, expected) in fixture.contracts.sorted(by: { $0.key < $1.key }) {
        guard let made = layouts[name] else {
          Issue.record("\(name) is missing")
          continue
        }
        if let layout = expected.storageLayout {
          #expect(PlainLayout(made.storageLayout) == PlainLayout(layout), "\(name)")
          compared += 1
        }
        if let layout = expected.transientStorageLayout {
          #expect(PlainLayout(made.transientStorageLayout) == PlainLayout(layout), "\(name)")
          compared += 1
        }
        for slot in expected.slots ?? [] {
          let isThere = made.storageLayout.storage.contains {
            $0.label == slot.label && $0.slot == slot.slot && $0.offset == slot.offset
          }
          #expect(isThere, "\(name): \(slot.label) at \(slot.slot):\(slot.offset)")
          compared += 1
        }
      }
    }
    // All fixtures were found and read.
    #expect(compared > 150)
  }

  @Test func nullTypesAreWritten() throws {
    let program = LayoutPrograms.make("contract C {}")
    var writer = CompilerLayoutWriter(program: program)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let layout = writer.layout(of: try LayoutPrograms.contract("C", in: program))
    let text = String(decoding: try encoder.encode(layout), as: UTF8.self)
    #expect(
      text == #"{"storageLayout":{"storage":[],"types":null},"#
        + #""transientStorageLayout":{"storage":[],"types":null}}"#)
  }

  @Test func nodesOfSeveralFilesHaveDistinctNumbers() throws {
    let text = "struct S { uint a; }\ncontract C { S s; }"
    let units = (0..<3).map { Parser.parse(SourceFile(path: "\($0).sol", text: text), unit: $0) }
    let program = Program.resolve(units: units, imports: ImportTable())
    var writer = CompilerLayoutWriter(program: program)
    let identifiers = program.contracts.map {
      writer.layout(of: $0).storageLayout.storage[0].type
    }
    #expect(Set(identifiers).count == 3)
  }

  /// Slots of ids that other tools hashed, some with a leading zero nibble.
  @Test func namespaceSlots() throws {
    struct File: Decodable {
      struct Case: Decodable {
        let id: String
        let slot: String
      }
      let cases: [Case]
    }
    let root = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
    let data = try Data(contentsOf: root.appendingPathComponent("erc7201.json"))
    let file = try JSONDecoder().decode(File.self, from: data)
    #expect(!file.cases.isEmpty)
    for example in file.cases {
      let slot = try #require(StorageNamespace(annotation: "erc7201:\(example.id)").slot)
      #expect(SlotText.hexadecimal(slot) == example.slot, "\(example.id)")
    }
  }
}
