/// A deterministic automaton: at most one edge a byte, a special token and a callee leaves a state.
struct DeterministicAutomaton: Hashable, Sendable {
  /// An edge on a range of bytes.
  struct Edge: Hashable, Sendable {
    var low: UInt8
    var high: UInt8
    var target: Int32
  }

  /// An edge on one special token.
  struct SpecialEdge: Hashable, Sendable {
    var token: Int32
    var target: Int32
  }

  /// An edge on a text of another automaton.
  struct Call: Hashable, Sendable {
    var callee: Int32
    var target: Int32
  }

  struct State: Hashable, Sendable {
    /// Ascending, without overlap.
    var edges: [Edge] = []
    var specials: [SpecialEdge] = []
    var calls: [Call] = []
    var isEnd = false

    /// Adds an edge above those there are, and joins it to the last where it can.
    mutating func addEdge(_ low: UInt8, _ high: UInt8, _ target: Int32) {
      if let last = edges.last, last.target == target, Int(last.high) + 1 == Int(low) {
        edges[edges.count - 1].high = high
      } else {
        edges.append(Edge(low: low, high: high, target: target))
      }
    }

    func target(_ byte: UInt8) -> Int32? {
      for edge in edges where edge.low <= byte {
        if byte <= edge.high { return edge.target }
      }
      return nil
    }

    var isDeadEnd: Bool { edges.isEmpty && specials.isEmpty && calls.isEmpty }
  }

  /// State 0 is the start; there is always one.
  var states: [State]

  /// States of a single regular language above which it is refused.
  static let maximumLanguageStates = 20_000

  /// An automaton that accepts nothing.
  static let nothing = DeterministicAutomaton(states: [State()])

  /// The automaton whose states are the values reached from `start`.
  static func build<Value: Hashable>(
    _ start: Value, limit: Int = maximumLanguageStates, isEnd: (Value) -> Bool,
    step: (Value, UInt8) -> Value?
  ) throws(GrammarError) -> DeterministicAutomaton {
    var numbers: [Value: Int32] = [start: 0]
    var values = [start]
    var states: [State] = []
    while states.count < values.count {
      let value = values[states.count]
      var state = State()
      state.isEnd = isEnd(value)
      for byte in UInt8.min...UInt8.max {
        guard let target = step(value, byte) else { continue }
        let number: Int32
        if let known = numbers[target] {
          number = known
        } else {
          guard values.count < limit else {
            throw GrammarError(.tooLarge, "the language needs more than \(limit) states")
          }
          number = Int32(values.count)
          numbers[target] = number
          values.append(target)
        }
        state.addEdge(byte, byte, number)
      }
      states.append(state)
    }
    return DeterministicAutomaton(states: states).trimmed().minimized()
  }

  // MARK: - Questions

  /// Whether it accepts no text. Calls are taken to be productive.
  var isEmpty: Bool {
    let trimmed = trimmed()
    return !trimmed.states[0].isEnd && trimmed.states[0].isDeadEnd
  }

  /// Whether a text of bytes is accepted.
  func accepts(_ bytes: some Sequence<UInt8>) -> Bool {
    var state: Int32 = 0
    for byte in bytes {
      guard let next = states[Int(state)].target(byte) else { return false }
      state = next
    }
    return states[Int(state)].isEnd
  }

  /// All accepted texts, if there are no more than `limit`; the automaton must be trimmed.
  func fewTexts(limit: Int) -> [[UInt8]]? {
    var result: [[UInt8]] = []
    var pending: [(state: Int32, text: [UInt8])] = [(0, [])]
    while let (state, text) = pending.popLast() {
      // Longer texts than there are states go around in a circle.
      guard text.count <= states.count, pending.count <= 16 * limit else { return nil }
      if states[Int(state)].isEnd { result.append(text) }
      guard result.count <= limit else { return nil }
      for edge in states[Int(state)].edges {
        for byte in edge.low...edge.high { pending.append((edge.target, text + [byte])) }
      }
    }
    return result
  }

  // MARK: - Changes

  /// Without states from which no end can be reached, and without states that cannot be reached.
  ///
  /// - Parameter isProductive: whether a callee accepts any text.
  func trimmed(_ isProductive: (Int32) -> Bool = { _ in true }) -> DeterministicAutomaton {
    var sources = [[Int32]](repeating: [], count: states.count)
    for (index, state) in states.enumerated() {
      for edge in state.edges { sources[Int(edge.target)].append(Int32(index)) }
      for edge in state.specials { sources[Int(edge.target)].append(Int32(index)) }
      for call in state.calls where isProductive(call.callee) {
        sources[Int(call.target)].append(Int32(index))
      }
    }
    var isLive = states.map(\.isEnd)
    var pending = states.indices.filter { isLive[$0] }.map { Int32($0) }
    while let state = pending.popLast() {
      for source in sources[Int(state)] where !isLive[Int(source)] {
        isLive[Int(source)] = true
        pending.append(source)
      }
    }
    guard isLive[0] else { return .nothing }
    var numbers = [Int32](repeating: -1, count: states.count)
    numbers[0] = 0
    var order: [Int] = [0]
    var result: [State] = []
    func number(_ target: Int32) -> Int32? {
      guard isLive[Int(target)] else { return nil }
      if numbers[Int(target)] < 0 {
        numbers[Int(target)] = Int32(order.count)
        order.append(Int(target))
      }
      return numbers[Int(target)]
    }
    while result.count < order.count {
      let old = states[order[result.count]]
      var state = State()
      state.isEnd = old.isEnd
      for edge in old.edges {
        if let target = number(edge.target) { state.addEdge(edge.low, edge.high, target) }
      }
      for edge in old.specials {
        if let target = number(edge.target) {
          state.specials.append(.init(token: edge.token, target: target))
        }
      }
      for call in old.calls where isProductive(call.callee) {
        if let target = number(call.target) {
          state.calls.append(.init(callee: call.callee, target: target))
        }
      }
      result.append(state)
    }
    return DeterministicAutomaton(states: result)
  }

  /// With the fewest states (Moore's partition refinement), numbered in the order they are reached. Automata too
  /// large for it to be quick stay as they are.
  func minimized() -> DeterministicAutomaton {
    var work = 0
    var group = states.map { $0.isEnd ? Int32(1) : 0 }
    var groupCount = Set(group).count
    while true {
      work += states.count
      guard work <= 1 << 19 else { return self }
      var numbers: [State: Int32] = [:]
      var refined = group
      for (index, state) in states.enumerated() {
        var signature = State()
        for edge in state.edges { signature.addEdge(edge.low, edge.high, group[Int(edge.target)]) }
        signature.specials = state.specials.map {
          .init(token: $0.token, target: group[Int($0.target)])
        }
        signature.calls = state.calls.map {
          .init(callee: $0.callee, target: group[Int($0.target)])
        }
        // The group itself is part of the signature, so that groups are only ever split.
        signature.calls.append(.init(callee: -1, target: group[index]))
        if let known = numbers[signature] {
          refined[index] = known
        } else {
          refined[index] = Int32(numbers.count)
          numbers[signature] = refined[index]
        }
      }
      group = refined
      if numbers.count == groupCount { break }
      groupCount = numbers.count
    }
    guard groupCount < states.count else { return self }
    var first = [Int](repeating: -1, count: groupCount)
    for (index, number) in group.enumerated() where first[Int(number)] < 0 {
      first[Int(number)] = index
    }
    var result: [State] = []
    for index in first {
      let old = states[index]
      var state = State()
      state.isEnd = old.isEnd
      for edge in old.edges { state.addEdge(edge.low, edge.high, group[Int(edge.target)]) }
      state.specials = old.specials.map { .init(token: $0.token, target: group[Int($0.target)]) }
      state.calls = old.calls.map { .init(callee: $0.callee, target: group[Int($0.target)]) }
      result.append(state)
    }
    // Group 0 is that of state 0, because states are numbered as they come.
    return DeterministicAutomaton(states: result).trimmed()
  }

  /// The texts that `isWanted` says, given whether each of the two accepts; both must be free of calls. Special
  /// tokens are followed where both have them.
  private func combined(
    _ other: DeterministicAutomaton, limit: Int, needsOther: Bool,
    isEnd: (Bool, Bool) -> Bool
  ) throws(GrammarError) -> DeterministicAutomaton {
    struct Pair: Hashable {
      var left: Int32
      var right: Int32
    }
    return try DeterministicAutomaton.build(Pair(left: 0, right: 0), limit: limit) { pair in
      isEnd(
        states[Int(pair.left)].isEnd, pair.right >= 0 && other.states[Int(pair.right)].isEnd)
    } step: { pair, byte in
      guard let left = states[Int(pair.left)].target(byte) else { return nil }
      let right = pair.right < 0 ? nil : other.states[Int(pair.right)].target(byte)
      if right == nil && needsOther { return nil }
      return Pair(left: left, right: right ?? -1)
    }
  }

  /// The texts that both accept.
  func intersection(
    _ other: DeterministicAutomaton, limit: Int = maximumLanguageStates
  ) throws(GrammarError) -> DeterministicAutomaton {
    try combined(other, limit: limit, needsOther: true) { $0 && $1 }
  }

  /// The texts that this one accepts and the other does not.
  func subtracting(
    _ other: DeterministicAutomaton, limit: Int = maximumLanguageStates
  ) throws(GrammarError) -> DeterministicAutomaton {
    try combined(other, limit: limit, needsOther: false) { $0 && !$1 }
  }
}

/// A regular language: a set of texts that needs no stack. Equal languages made the same way are equal values.
public struct RegularLanguage: Hashable, Sendable {
  let automaton: DeterministicAutomaton

  init(_ automaton: DeterministicAutomaton) { self.automaton = automaton }

  /// The number of states of its automaton.
  public var stateCount: Int { automaton.states.count }

  /// Whether a text belongs to the language.
  public func contains(_ text: String) -> Bool { automaton.accepts(text.utf8) }
}
