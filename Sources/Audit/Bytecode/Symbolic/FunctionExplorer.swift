import Ethereum

/// Runs the code behind an entry point along all its paths and gathers what it does.
///
/// A place is told apart by the block and by the return addresses on the stack. The first few
/// states that reach a place run as they are; after that they are joined with those before, values
/// that differ becoming unknown, until nothing changes. So loops end, and every block that some
/// path can reach is run.
struct FunctionExplorer {
  /// States that run at one place before they are joined.
  static let exactVisits = 3
  /// Work done for one entry point, in instructions.
  static let maximumSteps = 400_000

  let machine: SymbolicMachine
  /// Selectors compared with, where the entry point has none of its own.
  private(set) var comparedSelectors: Set<UInt32> = []
  /// Whether a way with ether sent along goes straight to a failure.
  private(set) var refusesEther = false

  /// States at `RETURN` with its arguments still on the stack, kept for creation code only.
  private(set) var returns: [SymbolicState] = []

  private var visits: [Place: Visit] = [:]

  private struct Place: Hashable {
    let index: Int
    let depth: Int
    let labels: [ExpressionID]
  }

  private struct Visit {
    var states: [(stack: [ExpressionID], memory: SymbolicMemory)] = []
    var joined: (stack: [ExpressionID], memory: SymbolicMemory)?
  }

  init(machine: SymbolicMachine) {
    self.machine = machine
  }

  /// Explores from entry states, at most up to a total of `budget` instructions.
  mutating func explore(_ entries: [SymbolicState], budget: Int) {
    let limit = machine.steps + min(FunctionExplorer.maximumSteps, max(0, budget))
    var work = Array(entries.reversed())
    while var state = work.popLast() {
      if machine.steps >= limit || machine.arena.isFull {
        machine.effects.isExhausted = true
        return
      }
      guard arrive(&state) else { continue }
      switch machine.run(&state) {
      case .goto(let target):
        state.index = target
        work.append(state)
      case .branch(let condition, let taken, let otherwise):
        branch(state, condition, taken, otherwise, &work)
      case .stopped(.return) where machine.isCreation:
        returns.append(state)
      case .remainder, .stopped, .unresolved:
        break
      }
    }
  }

  /// Decides whether a state is to run, and generalises it where its place was seen often.
  private mutating func arrive(_ state: inout SymbolicState) -> Bool {
    let disassembly = machine.disassembly
    machine.chargeComparison(of: state)
    var labels: [ExpressionID] = []
    for value in state.stack {
      if let word = machine.arena.constant(value), disassembly.jumpDestination(word) != nil {
        labels.append(value)
      }
    }
    let place = Place(index: state.index, depth: state.stack.count, labels: labels)
    var visit = visits[place] ?? Visit()
    defer { visits[place] = visit }
    if visit.states.contains(where: { $0.stack == state.stack && $0.memory == state.memory }) {
      return false
    }
    if visit.states.count < FunctionExplorer.exactVisits {
      visit.states.append((state.stack, state.memory))
      return true
    }
    let before = visit.joined ?? (state.stack, state.memory)
    let reference = visit.joined == nil ? visit.states[0] : before
    var stack = state.stack
    // All from one place have stacks of one depth.
    for position in stack.indices where stack[position] != reference.stack[position] {
      stack[position] = machine.arena.unknown(
        site: 1_000_000 + state.index, number: position)
    }
    let memory = state.memory.joined(
      with: reference.memory, site: 1_000_000 + state.index, arena: &machine.arena)
    if let joined = visit.joined, joined.stack == stack, joined.memory == memory { return false }
    visit.joined = (stack, memory)
    state.stack = stack
    state.memory = memory
    return true
  }

  private mutating func branch(
    _ state: SymbolicState, _ condition: ExpressionID, _ taken: Int?, _ otherwise: Int?,
    _ work: inout [SymbolicState]
  ) {
    let arena = machine.arena
    let known = arena.evaluate(condition, under: Assumptions(selector: state.selector))
    let readsCallData =
      !arena.dependencies(condition).isDisjoint(with: [.selector, .arguments])
      || machine.asksForCallDataSize(condition)
    if state.selector == nil { noteComparison(condition) }
    if known == nil, arena.dependencies(condition).contains(.envelope) {
      noteEtherCheck(state, condition, taken, otherwise)
    }
    for (target, isTaken) in [(otherwise, false), (taken, true)] {
      if let known, known.isZero == isTaken { continue }
      guard let target else { continue }
      var next = state
      next.index = target
      if readsCallData { next.dependsOnCallData = true }
      work.append(next)
    }
  }

  private mutating func noteComparison(_ condition: ExpressionID) {
    var value = condition
    if case .operation(.iszero, let parts) = machine.arena[value] { value = parts[0] }
    guard case .operation(let opcode, let parts) = machine.arena[value],
      opcode == .eq || opcode == .xor, machine.arena[parts[0]] == .selector,
      let number = machine.arena.constant(parts[1])?.uint64, let selector = UInt32(exactly: number)
    else { return }
    comparedSelectors.insert(selector)
  }

  private mutating func noteEtherCheck(
    _ state: SymbolicState, _ condition: ExpressionID, _ taken: Int?, _ otherwise: Int?
  ) {
    var assumptions = Assumptions(
      selector: state.selector, callDataSize: DispatchExplorer.ample, callValue: 1)
    guard let with = machine.arena.evaluate(condition, under: assumptions) else { return }
    assumptions.callValue = 0
    guard let without = machine.arena.evaluate(condition, under: assumptions),
      with.isZero != without.isZero
    else { return }
    if failsAtOnce(from: with.isZero ? otherwise : taken) { refusesEther = true }
  }

  /// Whether code leads to a failure without any condition.
  private func failsAtOnce(from start: Int?) -> Bool {
    guard var index = start else { return true }
    let instructions = machine.disassembly.instructions
    for _ in 0..<64 {
      guard index < instructions.count else { return false }
      let instruction = instructions[index]
      switch instruction.opcode {
      case .revert, .invalid: return true
      case .jumpi, .stop, .return, .selfdestruct: return false
      case .jump:
        guard index > 0, instructions[index - 1].opcode.isPush else { return false }
        let target = instructions[index - 1].operand
        guard let next = machine.disassembly.jumpDestination(target) else { return true }
        index = next
      default:
        if !instruction.opcode.isDefined { return true }
        index += 1
      }
    }
    return false
  }
}
