import Bytecode
import Ethereum
import Foundation
import Testing

/// What one compiler made of `Fixtures/vyper/Ledger.vy`.
struct VyperBuild: Decodable, Sendable {
  let compiler: String
  let optimization: String
  let creation: String
  let runtime: String
  let selectors: [String: String]

  static func all() throws -> [VyperBuild] {
    let url = try #require(
      Bundle.module.url(
        forResource: "Ledger", withExtension: "json", subdirectory: "Fixtures/vyper"))
    return try JSONDecoder().decode([VyperBuild].self, from: Data(contentsOf: url))
  }

  /// Selectors as numbers, without the two names that are no functions.
  func functionSelectors() throws -> [Selector] {
    try selectors.filter { !$0.key.hasPrefix("__") }.values
      .map { Selector(rawValue: UInt32(truncatingIfNeeded: try Word(hex: $0).low64)) }
      .sorted()
  }
}

@Suite("Vyper")
struct VyperTests {
  @Test("Selectors from linear, sparse and dense dispatch")
  func selectors() throws {
    let builds = try VyperBuild.all()
    #expect(builds.count == 7)
    for build in builds {
      let name = Comment(rawValue: "\(build.compiler) \(build.optimization)")
      let expected = try build.functionSelectors()
      #expect(expected.count == 20, name)
      let analysis = BytecodeAnalysis(code: try Hex.decode(build.runtime))
      #expect(analysis.functions.map(\.selector) == expected, name)
      #expect(analysis.hasFallback, name)
      #expect(analysis.isComplete, name)
      #expect(
        analysis.functions.filter(\.isPayable).map(\.selector)
          == [Selector(signature: "deposit()")], name)
      #expect(analysis.creation == nil, name)
    }
  }

  @Test("Creation code is taken apart")
  func creation() throws {
    for build in try VyperBuild.all() {
      let runtime = try Hex.decode(build.runtime)
      let analysis = BytecodeAnalysis(code: try Hex.decode(build.creation))
      let name = Comment(rawValue: "\(build.compiler) \(build.optimization)")
      #expect(analysis.creation != nil, name)
      #expect(runtime.starts(with: analysis.disassembly.code.dropLast()), name)
      #expect(analysis.functions.map(\.selector) == (try build.functionSelectors()), name)
    }
  }

  @Test("Storage is read off, mappings with the slot hashed first")
  func storage() throws {
    for build in try VyperBuild.all() {
      let analysis = BytecodeAnalysis(code: try Hex.decode(build.runtime))
      let places = Set(analysis.storageAccesses.map(\.slot))
      func place(_ slot: UInt64, _ steps: StorageSlot.Step...) -> StorageSlot {
        StorageSlot(root: .constant(Word(slot)), steps: steps)
      }
      let name = Comment(rawValue: "\(build.compiler) \(build.optimization)")
      #expect(places.contains(place(0)), name)
      #expect(places.contains(place(1, .mappingValue)), name)
      #expect(places.contains(place(2, .mappingValue, .mappingValue)), name)
      #expect(places.contains(place(3)), name)
    }
  }
}
