/// A nondeterministic automaton under construction: edges on bytes, on special tokens and on calls of other automata.
struct NondeterministicAutomaton {
  struct State {
    var epsilon: [Int32] = []
    var edges: [(bytes: ByteSet, target: Int32)] = []
    var specials: [(token: Int32, target: Int32)] = []
    var calls: [(callee: Int32, target: Int32)] = []
  }

  /// State 0 is the start.
  private(set) var states: [State] = [State()]
  var ends: Set<Int> = []

  /// More states than this are refused.
  static let maximumStates = 1 << 20
  /// More members of state sets, in all, than this are refused when an automaton is made deterministic.
  static let maximumWork = 1 << 23

  mutating func addState() throws(GrammarError) -> Int {
    guard states.count < NondeterministicAutomaton.maximumStates else {
      throw GrammarError(.tooLarge, "the grammar needs more than \(states.count) states")
    }
    states.append(State())
    return states.count - 1
  }

  mutating func addEpsilon(_ source: Int, _ target: Int) {
    if source != target { states[source].epsilon.append(Int32(target)) }
  }

  mutating func addEdge(_ source: Int, _ bytes: ByteSet, _ target: Int) {
    if !bytes.isEmpty { states[source].edges.append((bytes, Int32(target))) }
  }

  mutating func addSpecial(_ source: Int, _ token: Int32, _ target: Int) {
    states[source].specials.append((token, Int32(target)))
  }

  mutating func addCall(_ source: Int, _ callee: Int, _ target: Int) {
    states[source].calls.append((Int32(callee), Int32(target)))
  }

  /// Adds the bytes of a literal from `source` and returns the state after them.
  mutating func addBytes(_ source: Int, _ bytes: [UInt8]) throws(GrammarError) -> Int {
    var state = source
    for byte in bytes {
      let next = try addState()
      addEdge(state, ByteSet(byte...byte), next)
      state = next
    }
    return state
  }

  /// Adds one scalar of a set between two states, in UTF-8.
  mutating func addScalars(_ source: Int, _ scalars: ScalarSet, _ target: Int) throws(GrammarError)
  {
    // Sequences that begin alike share their beginnings, and all share their last continuation bytes.
    var beginnings: [[ClosedRange<UInt8>]: Int] = [:]
    for sequence in scalars.byteSequences {
      var state = source
      for index in sequence.indices {
        let prefix = Array(sequence[...index])
        if index == sequence.count - 1 {
          addEdge(state, ByteSet(sequence[index]), target)
        } else if let known = beginnings[prefix] {
          state = known
        } else {
          let next = try addState()
          addEdge(state, ByteSet(sequence[index]), next)
          beginnings[prefix] = next
          state = next
        }
      }
    }
  }

  /// Adds a copy of a deterministic automaton from `source` and returns the state that all its ends lead to.
  mutating func addLanguage(
    _ source: Int, _ automaton: DeterministicAutomaton
  ) throws(GrammarError) -> Int {
    let first = states.count
    for _ in automaton.states { _ = try addState() }
    let end = try addState()
    addEpsilon(source, first)
    for (index, state) in automaton.states.enumerated() {
      for edge in state.edges {
        addEdge(first + index, ByteSet(edge.low...edge.high), first + Int(edge.target))
      }
      for edge in state.specials {
        addSpecial(first + index, edge.token, first + Int(edge.target))
      }
      for call in state.calls { addCall(first + index, Int(call.callee), first + Int(call.target)) }
      if state.isEnd { addEpsilon(first + index, end) }
    }
    return end
  }

  // MARK: - Subset construction

  /// The deterministic automaton of the same texts.
  func determinized(limit: Int) throws(GrammarError) -> DeterministicAutomaton {
    var numbers: [[Int32]: Int32] = [:]
    var sets: [[Int32]] = []
    var result: [DeterministicAutomaton.State] = []
    var closure = Closure(stateCount: states.count)

    func number(_ seeds: [Int32]) throws(GrammarError) -> Int32 {
      let set = closure.of(seeds, states)
      if let known = numbers[set] { return known }
      guard sets.count < limit else {
        throw GrammarError(.tooLarge, "the grammar needs more than \(limit) deterministic states")
      }
      let new = Int32(sets.count)
      numbers[set] = new
      sets.append(set)
      return new
    }

    _ = try number([0])
    var work = 0
    var next = 0
    while next < sets.count {
      let set = sets[next]
      var state = DeterministicAutomaton.State()
      state.isEnd = set.contains { ends.contains(Int($0)) }
      work += set.count
      guard work <= NondeterministicAutomaton.maximumWork else {
        throw GrammarError(.tooLarge, "the grammar takes too many steps to be made deterministic")
      }
      var edges: [(bytes: ByteSet, target: Int32)] = []
      var starts = ByteSet(0...0)
      var specials: [Int32: [Int32]] = [:]
      var calls: [Int32: [Int32]] = [:]
      for member in set {
        for edge in states[Int(member)].edges {
          edges.append(edge)
          starts = starts.union(edge.bytes.changes)
        }
        for edge in states[Int(member)].specials {
          specials[edge.token, default: []].append(edge.target)
        }
        for call in states[Int(member)].calls {
          calls[call.callee, default: []].append(call.target)
        }
      }
      let lows = edges.isEmpty ? [] : starts.bytes
      for (index, low) in lows.enumerated() {
        let seeds = edges.filter { $0.bytes.contains(low) }.map(\.target)
        if seeds.isEmpty { continue }
        let high = index + 1 < lows.count ? lows[index + 1] - 1 : 255
        state.addEdge(low, high, try number(seeds))
      }
      for token in specials.keys.sorted() {
        state.specials.append(.init(token: token, target: try number(specials[token] ?? [])))
      }
      for callee in calls.keys.sorted() {
        state.calls.append(.init(callee: callee, target: try number(calls[callee] ?? [])))
      }
      result.append(state)
      next += 1
    }
    return DeterministicAutomaton(states: result)
  }

  /// Follows epsilon edges; reuses its memory.
  private struct Closure {
    private var mark: [UInt32]
    private var round: UInt32 = 0
    private var pending: [Int32] = []

    init(stateCount: Int) { mark = [UInt32](repeating: 0, count: stateCount) }

    /// The states reached from the seeds, sorted; only those that matter later are kept.
    mutating func of(_ seeds: [Int32], _ states: [State]) -> [Int32] {
      round += 1
      var result: [Int32] = []
      pending = seeds
      while let state = pending.popLast() {
        guard mark[Int(state)] != round else { continue }
        mark[Int(state)] = round
        result.append(state)
        pending.append(contentsOf: states[Int(state)].epsilon)
      }
      result.sort()
      return result
    }
  }
}
