/// All automata of a grammar in one numbering of states, ready to be run with a stack.
final class Program: Sendable {
  /// What a state of a counted repetition does instead of reading.
  struct Loop: Sendable {
    /// The automaton of one round.
    var body: Int32
    var minimum: Int32
    /// nil: without end.
    var maximum: Int32?
  }

  struct State: Sendable {
    /// Edges, with targets numbered over the whole program.
    var edges: [DeterministicAutomaton.Edge]
    var specials: [DeterministicAutomaton.SpecialEdge]
    var calls: [DeterministicAutomaton.Call]
    var isEnd: Bool
    /// Whether nothing is left to do but return.
    var onlyReturns: Bool
    var loop: Loop?
    /// The automaton it belongs to.
    var automaton: Int32
  }

  /// What an automaton has to do with names that must differ.
  enum Role: Sendable {
    case plain
    /// It reads one name.
    case name
    /// Its frame keeps the names read so far.
    case distinct
  }

  struct Automaton: Sendable {
    /// Its first state, which is its start.
    var start: Int32
    /// The automaton itself where it reads on its own: no calls, so that its masks depend on nothing else.
    var language: DeterministicAutomaton?
    /// The counted text it is, where it is one.
    var counted: CountedText?
    var role: Role
  }

  let states: [State]
  let automata: [Automaton]
  /// The automaton of the whole text.
  let root: Int
  /// Whether the empty text is accepted.
  let acceptsEmpty: Bool

  init(states: [State], automata: [Automaton], root: Int, acceptsEmpty: Bool) {
    self.states = states
    self.automata = automata
    self.root = root
    self.acceptsEmpty = acceptsEmpty
  }

  func target(_ state: Int32, _ byte: UInt8) -> Int32? {
    for edge in states[Int(state)].edges where edge.low <= byte {
      if byte <= edge.high { return edge.target }
    }
    return nil
  }
}
