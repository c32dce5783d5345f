import Solidity
import Testing

@Suite("Groups of files")
struct ImportGraphTests {
  private func node(
    _ path: String, size: Int = 10, _ contracts: [String] = [], imports: [Int] = [],
    project: String? = nil
  ) -> ImportGraph.Node {
    ImportGraph.Node(
      path: path, size: size, contracts: contracts, imports: imports, project: project,
      isRequested: true)
  }

  @Test("A project stays together as long as the budget lasts")
  func projects() {
    let nodes = [node("a", project: "p"), node("b", project: "p"), node("c", project: "q")]
    let graph = ImportGraph(nodes: nodes)
    #expect(graph.groups(budget: 20).map(\.members) == [[0, 1], [2]])
    #expect(graph.groups(budget: 19).map(\.members) == [[0], [1], [2]])
  }

  @Test("Loose files are one program unless they declare the same names")
  func looseFiles() {
    let different = [node("a", ["Proxy"]), node("b", ["Logic"])]
    #expect(ImportGraph(nodes: different).groups(budget: 100).map(\.members) == [[0, 1]])
    let versions = [node("a", ["Proxy", "Logic"]), node("b", ["Logic", "Proxy"])]
    #expect(ImportGraph(nodes: versions).groups(budget: 100).map(\.members) == [[0], [1]])
    let connected = [node("a", ["Proxy"], imports: [1]), node("b", ["Proxy"]), node("c", ["C"])]
    #expect(ImportGraph(nodes: connected).groups(budget: 100).map(\.members) == [[0, 1, 2]])
  }

  @Test("Random graphs: groups are closed under imports, own every file once, and keep the budget")
  func laws() {
    for seed in UInt64(1)...60 {
      var random = SplitMix(seed: seed)
      let count = Int.random(in: 1...40, using: &random)
      let nodes = (0..<count).map { index in
        node(
          "f\(index)", size: Int.random(in: 1...20, using: &random),
          imports: Array(
            Set(
              (0..<Int.random(in: 0...3, using: &random)).map { _ in
                Int.random(in: 0..<count, using: &random)
              })
          ).sorted(), project: "p")
      }
      let budget = Int.random(in: 1...200, using: &random)
      let groups = ImportGraph(nodes: nodes).groups(budget: budget)
      #expect(groups.flatMap(\.owned).sorted() == Array(0..<count), "seed \(seed)")
      for group in groups {
        let members = Set(group.members)
        #expect(group.members == group.members.sorted(), "seed \(seed)")
        #expect(members.isSuperset(of: group.owned), "seed \(seed)")
        for member in group.members {
          #expect(members.isSuperset(of: nodes[member].imports), "seed \(seed)")
        }
      }
      #expect(groups == ImportGraph(nodes: nodes).groups(budget: budget), "seed \(seed)")
    }
  }
}

/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

@Suite("Worker threads")
struct WorkerPoolTests {
  @Test("Results come in order whatever the number of threads", arguments: [1, 2, 5, 16])
  func order(workers: Int) {
    let results = WorkerPool(workers: workers).map(count: 500) { index in
      (0..<(index % 7) * 1000).reduce(index) { $0 ^ $1 }
    }
    #expect(
      results == (0..<500).map { index in (0..<(index % 7) * 1000).reduce(index) { $0 ^ $1 } })
    #expect(WorkerPool(workers: workers).map(count: 0) { $0 }.isEmpty)
  }

  @Test("Stacks have room for deep recursion")
  func depth() {
    @Sendable func descend(_ level: Int) -> Int {
      level == 0 ? 0 : withExtendedLifetime([level]) { descend(level - 1) + 1 }
    }
    #expect(WorkerPool.onLargeStack { descend(200_000) } == 200_000)
  }

  @Test("An error while delivering ends the work")
  func failure() {
    struct Stop: Error {}
    var delivered = 0
    #expect(throws: Stop.self) {
      try WorkerPool(workers: 3).forEachInOrder(count: 1000, { $0 }) { index in
        if index == 10 { throw Stop() }
        delivered += 1
      }
    }
    #expect(delivered == 10)
  }
}
