import Solidity
import SoliditySyntax
import Testing

/// Reproducible numbers (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// An inheritance graph: the bases of each contract, in the order written, all of smaller number.
private struct InheritanceGraph {
  var bases: [[Int]]

  init(size: Int, using numbers: inout SeededNumbers) {
    bases = (0..<size).map { number in
      let count = number == 0 ? 0 : Int.random(in: 0...min(number, 4), using: &numbers)
      return Array((0..<number).shuffled(using: &numbers).prefix(count))
    }
  }

  /// The orders that must hold between the bases of a contract, by the definition: each base before
  /// its own bases as in their linearisations, and a base written later before one written earlier.
  func definition(of number: Int, known: [[Int]?]) -> [Int]? {
    var before: Set<[Int]> = []
    var members: Set<Int> = [number]
    let written = Array(bases[number].reversed())
    for base in written {
      guard let order = known[base] else { return nil }
      members.formUnion(order)
      before.insert([number, base])
      for (place, item) in order.enumerated() {
        for later in order[(place + 1)...] { before.insert([item, later]) }
      }
    }
    for (place, base) in written.enumerated() {
      for later in written[(place + 1)...] { before.insert([base, later]) }
    }
    // Of all that may come next, take the one that stands first in the lists: those of the bases
    // from the last written to the first.
    let rank = written.compactMap { known[$0] }
    var result: [Int] = []
    while result.count < members.count {
      let free = members.filter { item in
        !result.contains(item)
          && !before.contains { $0[1] == item && !result.contains($0[0]) }
      }
      guard !free.isEmpty else { return nil }
      if free.contains(number) {
        result.append(number)
        continue
      }
      let heads = rank.compactMap { list in list.first { !result.contains($0) } }
      guard let next = heads.first(where: { free.contains($0) }) else { return nil }
      result.append(next)
    }
    return result
  }

  var source: String {
    bases.enumerated().map { number, bases in
      let list = bases.map { "C\($0)" }.joined(separator: ", ")
      return "contract C\(number)" + (bases.isEmpty ? "" : " is " + list) + " {}"
    }.joined(separator: "\n")
  }
}

@Suite("C3 linearisation")
struct LinearizationTests {
  @Test("equals the definition on random graphs", arguments: 0..<150)
  func random(seed: Int) {
    var numbers = SeededNumbers(seed: UInt64(seed))
    let graph = InheritanceGraph(size: Int.random(in: 1...11, using: &numbers), using: &numbers)
    let test = TestProgram("pragma solidity ^0.8.0;\n" + graph.source)
    var known: [[Int]?] = []
    for number in graph.bases.indices {
      let expected = graph.definition(of: number, known: known)
      known.append(expected)
      let contract = test.contract("C\(number)")
      let order = test.program.linearizedBases(of: contract).map(\.name)
      if let expected {
        #expect(order == expected.map { "C\($0)" }, "seed \(seed), C\(number):\n\(graph.source)")
      } else {
        // Without an order every base still appears once, the contract itself first.
        #expect(Set(order).count == order.count)
        #expect(order.first == "C\(number)")
      }
    }
    let isRefused = test.messages.contains { $0.contains("C3") }
    #expect(isRefused == known.contains { $0 == nil }, "seed \(seed):\n\(graph.source)")
  }

  @Test("the textbook refusal")
  func refused() {
    let test = TestProgram("contract X {} contract Y is X {} contract Z is Y, X {}")
    #expect(test.messages.contains { $0.contains("\"Z\" cannot be put in one order") })
    let good = TestProgram("contract X {} contract Y is X {} contract Z is X, Y {}")
    #expect(good.messages.isEmpty)
    #expect(
      good.program.linearizedBases(of: good.contract("Z")).map(\.name) == ["Z", "Y", "X"])
  }

  @Test(
    "cyclic inheritance is reported and survived",
    arguments: [
      "contract A is A {}", "contract A is B {} contract B is A {}",
      "contract A is B {} contract B is C {} contract C is A { uint x; }",
    ])
  func cyclic(source: String) {
    let test = TestProgram(source)
    #expect(test.messages.contains { $0.contains("inherits from itself") })
    for contract in test.program.contracts {
      #expect(test.program.linearizedBases(of: contract).first?.id == contract.id)
      _ = test.program.functions(of: contract)
      _ = test.program.stateVariables(of: contract)
    }
  }

  @Test("a long chain of bases")
  func chain() {
    let count = 1500
    let source = (1..<count).map { "contract C\($0) is C\($0 - 1) {}" }
    let test = TestProgram((["contract C0 {}"] + source).joined(separator: "\n"))
    #expect(test.messages.isEmpty)
    #expect(test.program.linearizedBases(of: test.contract("C\(count - 1)")).count == count)
  }
}
