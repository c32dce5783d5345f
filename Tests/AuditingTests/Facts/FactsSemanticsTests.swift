import Auditing
import Solidity
import SoliditySyntax
import Testing

/// Random functions over local variables, run by their text and by their graph.
struct RandomFunction {
  indirect enum Step {
    case assign(Int, Term)
    case branch(Condition, [Step], [Step])
    case loop(counter: Int, times: Int, [Step])
    case leave(Condition)
    case skip(Condition)
    case finish(Condition, Int)
  }
  indirect enum Condition {
    case less(Term, Term)
    case both(Condition, Condition)
    case either(Condition, Condition)
    case not(Condition)
    case touches(Int, Int)
  }
  indirect enum Term {
    case variable(Int)
    case constant(Int)
    case sum(Term, Term)
    case difference(Term, Term)
    case choice(Condition, Term, Term)
    case bump(Int)
  }

  static let variableCount = 4
  var body: [Step] = []
  private var loopCount = 0

  init(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    body = steps(depth: 3, inLoop: false, &generator)
  }

  // MARK: Making

  private mutating func steps(depth: Int, inLoop: Bool, _ g: inout SeededGenerator) -> [Step] {
    (0..<Int.random(in: 1...4, using: &g)).map { _ in step(depth: depth, inLoop: inLoop, &g) }
  }

  private mutating func step(depth: Int, inLoop: Bool, _ g: inout SeededGenerator) -> Step {
    let variable = Int.random(in: 0..<Self.variableCount, using: &g)
    switch Int.random(in: 0..<10, using: &g) {
    case 0...3: return .assign(variable, term(depth: 2, &g))
    case 4,
      5 where depth > 0:
      return .branch(
        condition(depth: 2, &g), steps(depth: depth - 1, inLoop: inLoop, &g),
        steps(depth: depth - 1, inLoop: inLoop, &g))
    case 6,
      7 where depth > 0:
      loopCount += 1
      return .loop(
        counter: loopCount, times: Int.random(in: 0...3, using: &g),
        steps(depth: depth - 1, inLoop: true, &g))
    case 8 where inLoop:
      return Bool.random(using: &g)
        ? .leave(condition(depth: 1, &g)) : .skip(condition(depth: 1, &g))
    case 9: return .finish(condition(depth: 1, &g), variable)
    default: return .assign(variable, term(depth: 1, &g))
    }
  }

  private func condition(depth: Int, _ g: inout SeededGenerator) -> Condition {
    switch depth > 0 ? Int.random(in: 0..<5, using: &g) : 0 {
    case 1: .both(condition(depth: depth - 1, &g), condition(depth: depth - 1, &g))
    case 2: .either(condition(depth: depth - 1, &g), condition(depth: depth - 1, &g))
    case 3: .not(condition(depth: depth - 1, &g))
    case 4:
      .touches(
        Int.random(in: 0..<Self.variableCount, using: &g), Int.random(in: 0...9, using: &g))
    default: .less(term(depth: 1, &g), term(depth: 1, &g))
    }
  }

  private func term(depth: Int, _ g: inout SeededGenerator) -> Term {
    switch depth > 0 ? Int.random(in: 0..<6, using: &g) : Int.random(in: 0..<2, using: &g) {
    case 0: .variable(Int.random(in: 0..<Self.variableCount, using: &g))
    case 1: .constant(Int.random(in: 0...9, using: &g))
    case 2: .sum(term(depth: depth - 1, &g), term(depth: depth - 1, &g))
    case 3: .difference(term(depth: depth - 1, &g), term(depth: depth - 1, &g))
    case 4:
      .choice(
        condition(depth: depth - 1, &g), term(depth: depth - 1, &g), term(depth: depth - 1, &g))
    default: .bump(Int.random(in: 0..<Self.variableCount, using: &g))
    }
  }

  // MARK: Text

  var text: String {
    "function f(int v0, int v1, int v2, int v3) public pure returns (int) { unchecked {\n"
      + body.map { text($0) }.joined(separator: "\n") + "\nreturn v0;\n} }"
  }

  private func text(_ step: Step) -> String {
    switch step {
    case .assign(let variable, let value): "v\(variable) = \(text(value));"
    case .branch(let condition, let then, let otherwise):
      "if (\(text(condition))) { \(then.map { text($0) }.joined()) } else { "
        + otherwise.map { text($0) }.joined() + " }"
    case .loop(let counter, let times, let body):
      "for (int i\(counter) = 0; i\(counter) < \(times); i\(counter)++) { "
        + body.map { text($0) }.joined() + " }"
    case .leave(let condition): "if (\(text(condition))) break;"
    case .skip(let condition): "if (\(text(condition))) continue;"
    case .finish(let condition, let variable): "if (\(text(condition))) return v\(variable);"
    }
  }

  private func text(_ condition: Condition) -> String {
    switch condition {
    case .less(let a, let b): "(\(text(a)) < \(text(b)))"
    case .both(let a, let b): "(\(text(a)) && \(text(b)))"
    case .either(let a, let b): "(\(text(a)) || \(text(b)))"
    case .not(let a): "!\(text(a))"
    case .touches(let variable, let by): "((v\(variable) += \(by)) < 20)"
    }
  }

  private func text(_ term: Term) -> String {
    switch term {
    case .variable(let variable): "v\(variable)"
    case .constant(let value): "int(\(value))"
    case .sum(let a, let b): "(\(text(a)) + \(text(b)))"
    case .difference(let a, let b): "(\(text(a)) - \(text(b)))"
    case .choice(let c, let a, let b): "(\(text(c)) ? \(text(a)) : \(text(b)))"
    case .bump(let variable): "v\(variable)++"
    }
  }

  // MARK: Running

  private enum Outcome {
    case goesOn
    case breaks
    case continues
    case returns(Int)
  }

  func run(_ arguments: [Int]) -> Int {
    var variables = arguments
    if case .returns(let value) = run(body, &variables) { return value }
    return variables[0]
  }

  private func run(_ steps: [Step], _ v: inout [Int]) -> Outcome {
    for step in steps {
      switch step {
      case .assign(let variable, let value):
        let new = evaluate(value, &v)
        v[variable] = new
      case .branch(let condition, let then, let otherwise):
        let outcome = run(holds(condition, &v) ? then : otherwise, &v)
        if case .goesOn = outcome { continue }
        return outcome
      case .loop(_, let times, let body):
        rounds: for _ in 0..<times {
          switch run(body, &v) {
          case .goesOn, .continues: continue
          case .breaks: break rounds
          case .returns(let value): return .returns(value)
          }
        }
      case .leave(let condition): if holds(condition, &v) { return .breaks }
      case .skip(let condition): if holds(condition, &v) { return .continues }
      case .finish(let condition, let variable):
        if holds(condition, &v) { return .returns(v[variable]) }
      }
    }
    return .goesOn
  }

  private func holds(_ condition: Condition, _ v: inout [Int]) -> Bool {
    switch condition {
    case .less(let a, let b):
      let left = evaluate(a, &v)
      return left < evaluate(b, &v)
    case .both(let a, let b): return holds(a, &v) && holds(b, &v)
    case .either(let a, let b): return holds(a, &v) || holds(b, &v)
    case .not(let a): return !holds(a, &v)
    case .touches(let variable, let by):
      v[variable] &+= by
      return v[variable] < 20
    }
  }

  private func evaluate(_ term: Term, _ v: inout [Int]) -> Int {
    switch term {
    case .variable(let variable): return v[variable]
    case .constant(let value): return value
    case .sum(let a, let b):
      let left = evaluate(a, &v)
      return left &+ evaluate(b, &v)
    case .difference(let a, let b):
      let left = evaluate(a, &v)
      return left &- evaluate(b, &v)
    case .choice(let c, let a, let b): return holds(c, &v) ? evaluate(a, &v) : evaluate(b, &v)
    case .bump(let variable):
      v[variable] &+= 1
      return v[variable] &- 1
    }
  }
}

/// Runs a graph over machine integers: enough for functions over local variables.
struct GraphInterpreter {
  let graph: FunctionGraph

  struct Unsupported: Error {
    let operation: String
  }

  func run(_ arguments: [Int]) throws -> [Int] {
    var state = [Int?](repeating: nil, count: graph.values.count)
    func value(_ id: ValueID) throws -> Int {
      guard let value = state[Int(id.index)] else {
        throw Unsupported(operation: "%\(id.index) is not made yet")
      }
      return value
    }
    var block = BlockID(0)
    var previous: BlockID?
    for _ in 0..<10_000 {
      let here = graph[block]
      // All phis read what held at the end of the block control came from.
      var joined: [(ValueID, Int)] = []
      for id in here.values {
        guard case .phi(let inputs) = graph[id].operation, let previous,
          let position = here.predecessors.firstIndex(of: previous)
        else { continue }
        joined.append((id, try value(inputs[position])))
      }
      for (id, number) in joined { state[Int(id.index)] = number }
      for id in here.values {
        let result: Int
        switch graph[id].operation {
        case .phi: continue
        case .parameter(let position, _): result = arguments[position]
        case .constant(.number(let number)):
          result = number.integer.flatMap { Int(exactly: $0) } ?? 0
        case .constant(.bool(let flag)): result = flag ? 1 : 0
        case .zero: result = 0
        case .convert(let operand, _, _): result = try value(operand)
        case .unary(.not, let operand, _): result = try value(operand) == 0 ? 1 : 0
        case .binary(.add, let a, let b, _, _): result = try value(a) &+ value(b)
        case .binary(.subtract, let a, let b, _, _): result = try value(a) &- value(b)
        case .binary(.less, let a, let b, _, _): result = try value(a) < value(b) ? 1 : 0
        case .shortCircuit(let op, let a, let b):
          let left = try value(a)
          result = (op == .and) == (left != 0) ? try value(b) : left
        case .select(let condition, let a, let b):
          result = try value(value(condition) != 0 ? a : b)
        default: throw Unsupported(operation: graph.describe(id))
        }
        state[Int(id.index)] = result
      }
      previous = block
      switch here.terminator {
      case .jump(let next): block = next
      case .branch(let condition, let then, let otherwise):
        block = try value(condition) != 0 ? then : otherwise
      case .return(let values): return try values.map(value)
      case .revert, .stop, .unreachable: throw Unsupported(operation: "end of b\(block.index)")
      }
    }
    throw Unsupported(operation: "too many steps")
  }
}

@Suite("Meaning of graphs")
struct FactsSemanticsTests {
  @Test("A graph computes what its function computes", arguments: UInt64(0)..<150)
  func agrees(seed: UInt64) throws {
    let function = RandomFunction(seed: seed)
    let fixture = FactsFixture("contract C { \(function.text) }")
    #expect(fixture.unit.diagnostics.isEmpty, "seed \(seed): \(function.text)")
    let graph = try fixture.graph("f")
    #expect(GraphLaws.violations(of: graph) == [], "seed \(seed)")
    let interpreter = GraphInterpreter(graph: graph)
    var generator = SeededGenerator(seed: seed ^ 0xFACE)
    for _ in 0..<8 {
      let arguments = (0..<RandomFunction.variableCount).map { _ in
        Int.random(in: -20...40, using: &generator)
      }
      let expected = function.run(arguments)
      let result = try interpreter.run(arguments)
      #expect(result == [expected], "seed \(seed), \(arguments)\n\(function.text)\n\(graph)")
    }
  }
}
