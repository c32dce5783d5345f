/// The second half of compiling: the parts become deterministic, are checked, and get their places in one table of states.
extension GrammarCompiler {
  func link(root: Int) throws(GrammarError) -> Program {
    let nullable = nullableParts()
    var automata: [DeterministicAutomaton] = []
    var loops: [Int: Program.Loop] = [:]
    var total = 0
    for (index, part) in parts.enumerated() {
      var automaton: DeterministicAutomaton
      switch part {
      case .pending: automaton = .nothing
      case .language(let language): automaton = language
      case .counted(let text): automaton = text.automaton
      case .loop(let body, let minimum, let maximum):
        // A call reads at least one byte, so that a loop always goes on; callers may leave it out instead.
        let least = max(1, nullable[body] ? 0 : minimum)
        loops[index] = Program.Loop(
          body: Int32(body), minimum: Int32(least), maximum: maximum.map(Int32.init))
        automaton = DeterministicAutomaton(states: [
          .init(calls: [.init(callee: Int32(body), target: 1)]), .init(isEnd: true),
        ])
      case .network(var network):
        for state in network.states.indices {
          for call in network.states[state].calls where nullable[Int(call.callee)] {
            network.addEpsilon(state, Int(call.target))
          }
        }
        automaton = try network.determinized(limit: GrammarCompiler.maximumStates - total)
      }
      automaton = GrammarCompiler.withoutEmptyText(automaton)
      total += automaton.states.count
      automata.append(automaton)
    }
    let productive = GrammarCompiler.productive(automata)
    guard productive[root] || nullable[root] else {
      throw GrammarError(.unsatisfiable, "no text satisfies the grammar")
    }
    automata = automata.map { $0.trimmed { productive[Int($0)] } }
    try refuseLeftRecursion(automata)
    var roles: [Int: Program.Role] = [:]
    for part in nameParts { roles[part] = .name }
    for part in distinctParts { roles[part] = .distinct }
    return GrammarCompiler.program(
      automata, loops: loops, counted: countedTexts(), roles: roles, root: root,
      acceptsEmpty: nullable[root])
  }

  private func countedTexts() -> [Int: CountedText] {
    var result: [Int: CountedText] = [:]
    for (index, part) in parts.enumerated() {
      if case .counted(let text) = part { result[index] = text }
    }
    return result
  }

  /// Which parts accept the empty text.
  private func nullableParts() -> [Bool] {
    var result = [Bool](repeating: false, count: parts.count)
    var hasChanged = true
    while hasChanged {
      hasChanged = false
      for (index, part) in parts.enumerated() where !result[index] {
        let isNullable: Bool
        switch part {
        case .pending: isNullable = false
        case .language(let language): isNullable = language.states[0].isEnd
        case .counted(let text): isNullable = text.automaton.states[0].isEnd
        case .loop(let body, let minimum, _): isNullable = minimum == 0 || result[body]
        case .network(let network):
          var seen: Set<Int> = [0]
          var pending = [0]
          while let state = pending.popLast() {
            var next = network.states[state].epsilon
            for call in network.states[state].calls where result[Int(call.callee)] {
              next.append(call.target)
            }
            for target in next where seen.insert(Int(target)).inserted {
              pending.append(Int(target))
            }
          }
          isNullable = !seen.isDisjoint(with: network.ends)
        }
        if isNullable {
          result[index] = true
          hasChanged = true
        }
      }
    }
    return result
  }

  /// The same texts but the empty one.
  private static func withoutEmptyText(_ automaton: DeterministicAutomaton)
    -> DeterministicAutomaton
  {
    guard automaton.states[0].isEnd else { return automaton }
    var result = automaton
    let shift = Int32(1)
    result.states = automaton.states.map { state in
      var state = state
      for index in state.edges.indices { state.edges[index].target += shift }
      for index in state.specials.indices { state.specials[index].target += shift }
      for index in state.calls.indices { state.calls[index].target += shift }
      return state
    }
    var start = result.states[0]
    start.isEnd = false
    result.states.insert(start, at: 0)
    return result.trimmed()
  }

  /// Which automata accept any text.
  private static func productive(_ automata: [DeterministicAutomaton]) -> [Bool] {
    var result = [Bool](repeating: false, count: automata.count)
    var callers = [[Int]](repeating: [], count: automata.count)
    for (index, automaton) in automata.enumerated() {
      for callee in Set(automaton.states.flatMap { $0.calls.map(\.callee) }) {
        callers[Int(callee)].append(index)
      }
    }
    var pending = Array(automata.indices)
    while let index = pending.popLast() {
      guard !result[index] else { continue }
      let automaton = automata[index]
      var seen = [Bool](repeating: false, count: automaton.states.count)
      seen[0] = true
      var states = [0]
      while let state = states.popLast(), !result[index] {
        if automaton.states[state].isEnd { result[index] = true }
        var targets = automaton.states[state].edges.map(\.target)
        targets += automaton.states[state].specials.map(\.target)
        for call in automaton.states[state].calls where result[Int(call.callee)] {
          targets.append(call.target)
        }
        for target in targets where !seen[Int(target)] {
          seen[Int(target)] = true
          states.append(Int(target))
        }
      }
      if result[index] { pending += callers[index] }
    }
    return result
  }

  /// Longer chains of rules that begin with one another are refused.
  private static let maximumBeginnings = StackArena.maximumDepth / 2

  /// A rule that calls itself before it reads anything would be tried without end.
  private func refuseLeftRecursion(_ automata: [DeterministicAutomaton]) throws(GrammarError) {
    var state = [UInt8](repeating: 0, count: automata.count)
    var height = [Int](repeating: 1, count: automata.count)
    for root in automata.indices where state[root] == 0 {
      var work: [(part: Int, next: Int)] = [(root, 0)]
      state[root] = 1
      while let (part, next) = work.last {
        let calls = automata[part].states[0].calls
        guard next < calls.count else {
          state[part] = 2
          height[part] = 1 + (calls.map { height[Int($0.callee)] }.max() ?? 0)
          guard height[part] <= GrammarCompiler.maximumBeginnings else {
            throw GrammarError(
              .tooLarge,
              "more than \(GrammarCompiler.maximumBeginnings) rules begin with one another, down from \(names[part])"
            )
          }
          work.removeLast()
          continue
        }
        work[work.count - 1].next += 1
        let callee = Int(calls[next].callee)
        if state[callee] == 1 {
          throw GrammarError(
            .unsupported,
            "\(names[callee]) begins with itself; write it with the recursion at the end, or as a repetition"
          )
        }
        if state[callee] == 0 {
          state[callee] = 1
          work.append((callee, 0))
        }
      }
    }
  }

  private static func program(
    _ automata: [DeterministicAutomaton], loops: [Int: Program.Loop],
    counted: [Int: CountedText], roles: [Int: Program.Role], root: Int, acceptsEmpty: Bool
  ) -> Program {
    var starts: [Int32] = []
    var total: Int32 = 0
    for automaton in automata {
      starts.append(total)
      total += Int32(automaton.states.count)
    }
    var states: [Program.State] = []
    var linked: [Program.Automaton] = []
    for (index, automaton) in automata.enumerated() {
      let base = starts[index]
      for state in automaton.states {
        states.append(
          Program.State(
            edges: state.edges.map { .init(low: $0.low, high: $0.high, target: $0.target + base) },
            specials: state.specials.map { .init(token: $0.token, target: $0.target + base) },
            calls: state.calls.map { .init(callee: $0.callee, target: $0.target + base) },
            isEnd: state.isEnd, onlyReturns: state.isDeadEnd && state.isEnd, loop: nil,
            automaton: Int32(index)))
      }
      if let loop = loops[index], !automaton.states[0].isDeadEnd { states[Int(base)].loop = loop }
      let readsAlone = automaton.states.allSatisfy(\.calls.isEmpty)
      linked.append(
        Program.Automaton(
          start: base, language: readsAlone ? automaton : nil, counted: counted[index],
          role: roles[index] ?? .plain))
    }
    return Program(states: states, automata: linked, root: root, acceptsEmpty: acceptsEmpty)
  }
}
