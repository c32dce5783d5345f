import Auditing
import Foundation
import Solidity
import SoliditySyntax
import Testing

/// The laws every graph obeys, stated by definition.
enum GraphLaws {
  /// What is wrong with a graph; empty when nothing is.
  static func violations(of graph: FunctionGraph) -> [String] {
    var found: [String] = []
    var makers = [Int](repeating: 0, count: graph.values.count)
    let dominance = bruteDominance(graph)
    for number in graph.blocks.indices {
      let id = BlockID(number)
      let block = graph[id]
      for next in block.successors where !graph[next].predecessors.contains(id) {
        found.append("b\(number) -> b\(next.index) is not known to its target")
      }
      for previous in block.predecessors where !graph[previous].successors.contains(id) {
        found.append("b\(number) <- b\(previous.index) is not known to its source")
      }
      for other in graph.blocks.indices {
        if graph.dominates(BlockID(other), id) != dominance[number].contains(other) {
          found.append("b\(other) dominates b\(number): wrong")
        }
      }
      for value in block.values {
        makers[Int(value.index)] += 1
        if graph[value].block != id { found.append("%\(value.index) names another block") }
        found += operandViolations(value, block, graph)
      }
      var used: [ValueID] = []
      switch block.terminator {
      case .branch(let condition, _, _): used = [condition]
      case .return(let values): used = values
      case .revert(let revert): used = revert.arguments
      case .stop(let value): used = value.map { [$0] } ?? []
      case .jump, .unreachable: break
      }
      for value in used where !graph.dominates(graph[value].block, id) {
        found.append("terminator of b\(number) uses %\(value.index) too early")
      }
    }
    for (value, count) in makers.enumerated() where count != 1 {
      found.append("%\(value) is made \(count) times")
    }
    return found
  }

  private static func operandViolations(
    _ value: ValueID, _ block: BasicBlock, _ graph: FunctionGraph
  ) -> [String] {
    if case .phi(let inputs) = graph[value].operation {
      guard inputs.count == block.predecessors.count else {
        return ["%\(value.index) has \(inputs.count) inputs"]
      }
      return zip(inputs, block.predecessors).compactMap { input, predecessor in
        graph.dominates(graph[input].block, predecessor)
          ? nil : "%\(value.index): input %\(input.index) is not made on b\(predecessor.index)"
      }
    }
    return graph.operands(of: value).compactMap { operand in
      if graph.dominates(operand, value) { return nil }
      switch graph[value].operation {
      case .shortCircuit, .select:
        // These join blocks like phis.
        let reaches = block.predecessors.contains { graph.dominates(graph[operand].block, $0) }
        if reaches { return nil }
      default: break
      }
      return "%\(value.index) uses %\(operand.index) before it is made"
    }
  }

  /// The dominators of each block by definition: those without which it cannot be reached.
  private static func bruteDominance(_ graph: FunctionGraph) -> [Set<Int>] {
    var result = [Set<Int>](repeating: [], count: graph.blocks.count)
    for removed in graph.blocks.indices {
      var reached: Set<Int> = []
      var stack = removed == 0 ? [] : [0]
      while let block = stack.popLast() {
        guard block != removed, reached.insert(block).inserted else { continue }
        stack += graph.blocks[block].successors.map { Int($0.index) }
      }
      for block in graph.blocks.indices where !reached.contains(block) {
        result[block].insert(removed)
      }
    }
    return result
  }
}

@Suite("Laws of graphs")
struct FactsLawTests {
  static let fixtures = ["Assembly", "Flow", "Inheritance", "Old"]

  static func bytes(_ name: String) throws -> [UInt8] {
    let url = try #require(
      Bundle.module.url(forResource: name, withExtension: "sol", subdirectory: "Fixtures/Facts"))
    return [UInt8](try Data(contentsOf: url))
  }

  @Test("Every graph of the fixtures obeys the laws", arguments: fixtures)
  func laws(_ name: String) throws {
    let fixture = FactsFixture(bytes: try Self.bytes(name))
    #expect(fixture.unit.diagnostics.isEmpty)
    #expect(fixture.program.diagnostics.isEmpty)
    let graphs = fixture.graphs
    #expect(graphs.count > 5)
    for graph in graphs {
      #expect(graph.isComplete, "\(graph)")
      #expect(GraphLaws.violations(of: graph) == [], "\(graph)")
    }
  }

  @Test(
    "Questions to broken files have answers, and their graphs obey the laws", arguments: fixtures)
  func broken(_ name: String) throws {
    let original = try Self.bytes(name)
    for seed in UInt64(1)...12 {
      var generator = SeededGenerator(seed: seed)
      var bytes = original
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        let length = min(Int.random(in: 1...24, using: &generator), bytes.count - place)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes.removeSubrange(place..<place + length)
        case 1: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
        default: bytes[place] = UInt8.random(in: 32..<127, using: &generator)
        }
      }
      let fixture = FactsFixture(bytes: bytes)
      for graph in fixture.graphs {
        #expect(GraphLaws.violations(of: graph) == [], "\(name), seed \(seed)")
      }
      for subject in fixture.facts.subjects {
        let contract = fixture.facts.examine(subject)
        for entry in contract.entryPoints + contract.unreachedFunctions {
          for access in entry.storageWrites {
            #expect(entry.guards(of: access.place).count < 1000)
            if let value = access.value { #expect(!entry.sources(of: value).sources.isEmpty) }
          }
        }
      }
    }
  }

  @Test("Very long and very deep functions end")
  func bounds() throws {
    let sum = Array(repeating: "x", count: 1000).joined(separator: " + ")
    let ifs = (0..<150).map { "if (x > \($0)) y += \($0);" }.joined(separator: "\n")
    let deep =
      String(repeating: "if (x > 1) { ", count: 60) + "y = 1;"
      + String(repeating: " }", count: 60)
    let fixture = FactsFixture(
      """
      contract C {
        uint y;
        function sum(uint x) public pure returns (uint) { return \(sum); }
        function ifs(uint x) public { \(ifs) }
        function deep(uint x) public { \(deep) }
        function even(uint n) public returns (bool) { y = n; return n == 0 ? true : odd(n - 1); }
        function odd(uint n) public returns (bool) { return n == 0 ? false : even(n - 1); }
      }
      """)
    for graph in fixture.graphs {
      #expect(GraphLaws.violations(of: graph) == [])
    }
    #expect(try fixture.graph("ifs").blocks.count > 300)
    #expect(try fixture.graph("sum").index.arithmetic.count == 999)
    let even = try fixture.entry("C", "even")
    #expect(even.frames.count == 2)
    #expect(even.writes("y").count == 1)
    let deep60 = try fixture.entry("C", "deep")
    #expect(try deep60.guards(of: deep60.write("y").place).count == 60)
  }

  @Test("Functions that call one another in very many ways are cut at the bounds")
  func manyWays() throws {
    let count = 60
    let functions = (0..<count).map { number in
      """
      function f\(number)() public {
        require(state != 2); state = 2;
        f\((number + 1) % count)(); f\((number + 7) % count)();
        x\(number) = 1; state = 1;
      }
      uint x\(number);
      """
    }.joined()
    let contract = try FactsFixture("contract C { uint state; \(functions) }").contract("C")
    #expect(contract.entryPoints.count == count)
    for entry in contract.entryPoints {
      #expect(entry.isTruncated)
      #expect(entry.frames.count <= ContractFacts.maximumFrames)
      let write = try #require(entry.storageWrites.last)
      #expect(entry.guards(of: write.place).count <= 256)
      #expect(entry.lock(at: write.place)?.variable?.name == "state")
    }
  }
}
