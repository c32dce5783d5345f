import Ethereum

/// What the first code of a contract does with the selector.
struct Dispatch {
  /// A function: its selector and the state in which its own code starts.
  struct Entry {
    let selector: UInt32
    let state: SymbolicState
    /// Whether the way there refuses ether.
    let isNonPayable: Bool
  }

  /// Where call data that chooses no function ends up.
  struct Rest {
    let state: SymbolicState
    /// `nil` if the code goes on with conditions that are not about call data.
    let outcome: Opcode?
    /// Where it goes on.
    var continuations: [SymbolicState] = []
  }

  var entries: [Entry] = []
  var rests: [Rest] = []
  var isExhausted = false
}

/// Follows code from its start through everything that depends on nothing but the selector, the
/// size of call data and the ether sent along.
///
/// It does not look for instruction patterns: a function is a value of the selector for which a
/// condition comes out in a way of its own. Each such value is checked against all conditions on
/// the way there, so that a constant that cannot get there is no function. Jump tables are taken
/// apart by trying each remainder of the selector that the code divides by.
struct DispatchExplorer {
  static let maximumBlocks = 60_000
  static let maximumSteps = 1_000_000

  static let maximumBackwardJumps = 64
  /// Ways that remainders are split into, over all paths.
  static let maximumWays = 16_384

  /// Enough call data for any function.
  static let ample: UInt64 = 1 << 20

  let machine: SymbolicMachine
  private(set) var dispatch = Dispatch()
  private var found: Set<UInt32> = []

  init(machine: SymbolicMachine) {
    self.machine = machine
  }

  mutating func explore() {
    machine.splitsRemainders = true
    defer { machine.splitsRemainders = false }
    let limit = machine.steps + DispatchExplorer.maximumSteps
    var work = [SymbolicState(index: 0)]
    var blocks = 0
    var ways = 0
    while var state = work.popLast() {
      blocks += 1
      if blocks > DispatchExplorer.maximumBlocks || machine.steps > limit {
        dispatch.isExhausted = true
        break
      }
      switch machine.run(&state) {
      case .goto(let target):
        proceed(state, to: target, &work)
      case .remainder(let value, let divisor):
        ways += divisor
        guard ways <= DispatchExplorer.maximumWays else {
          dispatch.isExhausted = true
          continue
        }
        for remainder in (0..<divisor).reversed() {
          var branch = state
          let number = machine.arena.constant(Word(UInt64(remainder)))
          let isEqual = machine.arena.operation(.eq, [value, number], site: -1)
          if isEqual == machine.arena.zero { continue }
          branch.stack.append(number)
          branch.conditions.append(PathCondition(value: isEqual, isNonZero: true))
          work.append(branch)
        }
      case .branch(let condition, let taken, let otherwise):
        branch(state, condition, taken, otherwise, &work)
      case .stopped(let opcode):
        dispatch.rests.append(Dispatch.Rest(state: state, outcome: opcode))
      case .unresolved:
        dispatch.rests.append(Dispatch.Rest(state: state, outcome: .invalid))
      }
    }
    dispatch.entries.sort { $0.selector < $1.selector }
  }

  private mutating func branch(
    _ state: SymbolicState, _ condition: ExpressionID, _ taken: Int?, _ otherwise: Int?,
    _ work: inout [SymbolicState]
  ) {
    if let word = machine.arena.constant(condition) {
      proceed(state, to: word.isZero ? otherwise : taken, &work)
      return
    }
    guard machine.arena.dependencies(condition).isSubset(of: [.selector, .envelope]) else {
      var rest = Dispatch.Rest(state: state, outcome: nil)
      for target in [otherwise, taken] {
        guard let target else { continue }
        var next = state
        next.index = target
        rest.continuations.append(next)
      }
      dispatch.rests.append(rest)
      return
    }
    var candidates: Set<UInt32> = []
    var isEqualitiesOnly = true
    collect(condition, isTruth: true, into: &candidates, &isEqualitiesOnly)
    for candidate in candidates.sorted() {
      let assumptions = Assumptions(
        selector: candidate, callDataSize: DispatchExplorer.ample, callValue: 0)
      guard isPossible(state, under: assumptions) else { continue }
      let value = machine.arena.evaluate(condition, under: assumptions)
      enter(candidate, state, value.map { $0.isZero ? otherwise : taken } ?? taken)
    }
    if !candidates.isEmpty, isEqualitiesOnly,
      let other = machine.arena.evaluate(
        condition,
        under: Assumptions(
          selector: DispatchExplorer.value(outside: candidates),
          callDataSize: DispatchExplorer.ample, callValue: 0))
    {
      var rest = state
      rest.conditions.append(PathCondition(value: condition, isNonZero: !other.isZero))
      proceed(rest, to: other.isZero ? otherwise : taken, &work)
      return
    }
    for (target, isNonZero) in [(taken, true), (otherwise, false)] {
      var next = state
      next.conditions.append(PathCondition(value: condition, isNonZero: isNonZero))
      proceed(next, to: target, &work)
    }
  }

  private mutating func proceed(
    _ state: SymbolicState, to target: Int?, _ work: inout [SymbolicState]
  ) {
    guard let target else {
      dispatch.rests.append(Dispatch.Rest(state: state, outcome: .invalid))
      return
    }
    var next = state
    if target < state.index { next.backwardJumps += 1 }
    next.index = target
    if next.backwardJumps > DispatchExplorer.maximumBackwardJumps {
      // A loop: dispatch is over.
      dispatch.rests.append(Dispatch.Rest(state: state, outcome: nil, continuations: [next]))
    } else {
      work.append(next)
    }
  }

  private mutating func enter(_ selector: UInt32, _ state: SymbolicState, _ target: Int?) {
    guard found.insert(selector).inserted, let target else { return }
    var start = state
    start.index = target
    start.selector = selector
    let withEther = Assumptions(
      selector: selector, callDataSize: DispatchExplorer.ample, callValue: 1)
    dispatch.entries.append(
      Dispatch.Entry(
        selector: selector, state: start, isNonPayable: !isPossible(state, under: withEther)))
  }

  /// Whether no condition of the way to a state contradicts assumptions.
  func isPossible(_ state: SymbolicState, under assumptions: Assumptions) -> Bool {
    state.conditions.allSatisfy { condition in
      guard let value = machine.arena.evaluate(condition.value, under: assumptions) else {
        return true
      }
      return value.isZero != condition.isNonZero
    }
  }

  /// Numbers that a condition compares the selector with. `isTruth` says that only the value's
  /// being zero or not matters.
  private func collect(
    _ value: ExpressionID, isTruth: Bool, into candidates: inout Set<UInt32>,
    _ isEqualitiesOnly: inout Bool
  ) {
    let arena = machine.arena
    guard arena.dependencies(value).contains(.selector) else { return }
    switch arena[value] {
    case .selector where isTruth:
      candidates.insert(0)
    case .operation(let opcode, let parts)
    where opcode == .eq || (opcode == .xor && isTruth):
      if arena[parts[0]] == .selector, let number = arena.constant(parts[1])?.uint64 {
        if let selector = UInt32(exactly: number) { candidates.insert(selector) }
      } else {
        isEqualitiesOnly = false
      }
    case .operation(.iszero, let parts):
      collect(parts[0], isTruth: true, into: &candidates, &isEqualitiesOnly)
    case .operation(let opcode, let parts)
    where (opcode == .and || opcode == .or) && parts.allSatisfy { arena.bits($0) <= 1 }:
      for part in parts { collect(part, isTruth: true, into: &candidates, &isEqualitiesOnly) }
    case .operation(.or, let parts) where isTruth:
      for part in parts { collect(part, isTruth: true, into: &candidates, &isEqualitiesOnly) }
    case .sum(let terms, let constant)
    where isTruth && terms.count == 1 && arena[terms[0].value] == .selector
      && (terms[0].factor == .one || terms[0].factor == .max):
      // A difference is zero where the selector equals the number taken away.
      let number = terms[0].factor == .one ? .zero &- constant : constant
      if let small = number.uint64, let selector = UInt32(exactly: small) {
        candidates.insert(selector)
      }
    default:
      isEqualitiesOnly = false
    }
  }

  /// A selector that is none of those given.
  static func value(outside selectors: Set<UInt32>) -> UInt32 {
    var value: UInt32 = 0xffff_ffff
    while selectors.contains(value) { value -= 1 }
    return value
  }
}
