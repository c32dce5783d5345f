import Ethereum

/// Runs code without knowing its inputs, one piece of straight code at a time. What to run next,
/// and how often, is decided by those who drive it.
///
/// It is shared by the explorers of one analysis, which take turns: its values and effects
/// accumulate and are never copied.
final class SymbolicMachine {
  let disassembly: Disassembly
  var arena = ExpressionArena()
  var effects = Effects()
  /// Work done since the start, over all paths: instructions run, and what comparing states costs
  /// in their measure.
  private(set) var steps = 0
  /// Whether remainders of the selector end a run, so that the driver can try each.
  var splitsRemainders = false
  /// Whether the code is creation code: its size is open and writes to memory are noted.
  var isCreation = false
  /// Constants that stood in the code as 32-byte operands though they need no more than 20 bytes:
  /// how immutable addresses look.
  private(set) var wideConstants: Set<Word> = []
  /// Instructions that some path ran.
  private(set) var reached: [Bool]
  /// Jumps and falls from block to block, as instruction numbers of source end and target start.
  private(set) var edges: Set<Edge> = []

  struct Edge: Hashable {
    let from: Int
    let to: Int
  }

  init(disassembly: Disassembly) {
    self.disassembly = disassembly
    self.reached = [Bool](repeating: false, count: disassembly.instructions.count)
  }

  /// Counts the work of comparing or joining a state with others.
  func chargeComparison(of state: SymbolicState) {
    steps += (state.stack.count + state.memory.pieces.count) / 4
  }

  /// Runs a state to the end of its block, leaving it behind the last instruction.
  func run(_ state: inout SymbolicState) -> BlockEnd {
    var isFirst = true
    while state.index < disassembly.instructions.count {
      let index = state.index
      let instruction = disassembly.instructions[index]
      if instruction.opcode == .jumpdest, !isFirst {
        edges.insert(Edge(from: index - 1, to: index))
        return .goto(index)
      }
      isFirst = false
      steps += 1
      reached[index] = true
      state.index += 1
      if let end = step(instruction, &state) {
        switch end {
        case .goto(let target):
          edges.insert(Edge(from: index, to: target))
        case .branch(_, let taken, let otherwise):
          if let taken { edges.insert(Edge(from: index, to: taken)) }
          if let otherwise { edges.insert(Edge(from: index, to: otherwise)) }
        default: break
        }
        return end
      }
    }
    return .stopped(.stop)
  }

  private func step(
    _ instruction: Instruction, _ state: inout SymbolicState
  ) -> BlockEnd? {
    let opcode = instruction.opcode
    let site = instruction.offset
    guard opcode.isDefined, state.stack.count >= opcode.pops,
      state.stack.count - opcode.pops + opcode.pushes <= 1024
    else { return .stopped(.invalid) }
    if opcode.isPush {
      if opcode.immediateSize == 32, instruction.operand.leadingZeroBitCount >= 96 {
        wideConstants.insert(instruction.operand)
      }
      state.stack.append(arena.constant(instruction.operand))
      return nil
    }
    if let depth = opcode.duplicateDepth {
      state.stack.append(state.stack[state.stack.count - depth])
      return nil
    }
    if let depth = opcode.swapDepth {
      state.stack.swapAt(state.stack.count - 1, state.stack.count - 1 - depth)
      return nil
    }
    let arguments = Array(state.stack.suffix(opcode.pops).reversed())
    state.stack.removeLast(opcode.pops)
    switch opcode {
    case .jumpdest, .pop:
      return nil
    case .stop, .return, .revert, .invalid, .selfdestruct:
      use(arguments)
      if opcode == .selfdestruct { effects.selfDestructs = true }
      if opcode == .return || opcode == .revert { state.stack = arguments.reversed() }
      return .stopped(opcode)
    case .jump:
      return jump(to: arguments[0], state)
    case .jumpi:
      use([arguments[1]])
      let target = settled(arguments[0], state)
      let taken = arena.constant(target).flatMap { disassembly.jumpDestination($0) }
      let otherwise = state.index < disassembly.instructions.count ? state.index : nil
      return .branch(
        condition: settled(arguments[1], state), taken: taken, otherwise: otherwise)
    case .mod, .and:
      let value = settled(arena.operation(opcode, arguments, site: site), state)
      if let count = remainders(opcode, value, arguments, state) {
        return .remainder(value, divisor: count)
      }
      state.stack.append(value)
    case .add, .mul, .sub, .div, .sdiv, .smod, .addmod, .mulmod, .exp, .signextend, .lt, .gt,
      .slt, .sgt, .eq, .iszero, .or, .xor, .not, .byte, .shl, .shr, .sar, .clz:
      if arena.isTooLarge(arguments) { use(arguments) }
      state.stack.append(settled(arena.operation(opcode, arguments, site: site), state))
    default:
      world(opcode, arguments, site, &state)
    }
    return nil
  }

  /// How many values a remainder of the selector can have, if the driver is to try each: of a
  /// division, or of a mask of low bits that stands for a division by a power of two.
  private func remainders(
    _ opcode: Opcode, _ value: ExpressionID, _ arguments: [ExpressionID], _ state: SymbolicState
  ) -> Int? {
    guard splitsRemainders, state.selector == nil, arena.dependencies(value) == .selector else {
      return nil
    }
    if opcode == .mod {
      return arena.constant(arguments[1])?.int.flatMap { $0 <= 1024 ? $0 : nil }
    }
    guard case .operation(.and, let parts) = arena[value],
      let mask = arena.constant(parts[1])?.int, mask <= 0xff, mask & (mask + 1) == 0
    else { return nil }
    return mask + 1
  }

  /// Whether the size of call data decides a value, apart from the ether sent along.
  func asksForCallDataSize(_ value: ExpressionID) -> Bool {
    guard arena.dependencies(value) == .envelope else { return false }
    let paid = arena.evaluate(value, under: Assumptions(callValue: 1))
    return paid == nil && arena.evaluate(value, under: Assumptions(callValue: 0)) == nil
  }

  /// A value that the selector alone decides is a number once the selector is known.
  private func settled(_ value: ExpressionID, _ state: SymbolicState) -> ExpressionID {
    guard let selector = state.selector, arena.dependencies(value) == .selector,
      let word = arena.evaluate(value, under: Assumptions(selector: selector))
    else { return value }
    return arena.constant(word)
  }

  private func jump(to target: ExpressionID, _ state: SymbolicState) -> BlockEnd {
    guard let word = arena.constant(settled(target, state)) else {
      effects.hasUnresolvedJump = true
      return .unresolved
    }
    return disassembly.jumpDestination(word).map { .goto($0) } ?? .stopped(.invalid)
  }

  private func use(_ values: [ExpressionID]) {
    for value in values { effects.demand(value, in: arena) }
  }

  /// Instructions that touch memory, storage, the environment or other accounts.
  private func world(
    _ opcode: Opcode, _ arguments: [ExpressionID], _ site: Int, _ state: inout SymbolicState
  ) {
    switch opcode {
    case .sload, .tload:
      let isTransient = opcode == .tload
      effects.add(
        Effects.StorageEvent(
          offset: site, isTransient: isTransient, slot: arguments[0], value: nil))
      use(arguments)
      state.stack.append(arena.storage(slot: arguments[0], isTransient: isTransient))
    case .sstore, .tstore:
      effects.add(
        Effects.StorageEvent(
          offset: site, isTransient: opcode == .tstore, slot: arguments[0], value: arguments[1]))
      use([arguments[0]])
      effects.demand(arguments[1], writtenTo: arguments[0], in: arena)
    case .mload:
      use(arguments)
      var value: ExpressionID?
      if let place = SymbolicMemory.place(of: arguments[0], in: &arena) {
        value = state.memory.read(base: place.base, offset: place.offset, arena: &arena)
      }
      state.stack.append(
        settled(
          value ?? arena.unknown(site: site, number: Int(arguments[0].index)), state))
    case .mstore:
      use(arguments)
      if isCreation, state.memoryWrites.count < 512 {
        state.memoryWrites.append(
          SymbolicState.MemoryWrite(address: arguments[0], value: arguments[1]))
      }
      write(arguments[1], length: 32, at: arguments[0], &state)
    case .mstore8:
      use(arguments)
      let top = arena.operation(.shl, [arena.constant(248), arguments[1]], site: site)
      write(top, length: 1, at: arguments[0], &state)
    case .keccak256:
      use(arguments)
      state.stack.append(hash(arguments, site, state))
    case .calldataload:
      use(arguments)
      state.stack.append(settled(arena.callData(at: arguments[0]), state))
    case .calldatacopy, .codecopy, .returndatacopy, .mcopy:
      use(arguments)
      copy(opcode, arguments, &state)
    case .extcodecopy:
      use(arguments)
      forget(at: arguments[1], &state)
    case .call, .callcode, .delegatecall, .staticcall:
      call(opcode, arguments, site, &state)
    case .create, .create2:
      use(arguments)
      effects.creates = true
      state.lastCall = SymbolicState.CallSite(offset: site, callee: arena.zero)
      state.stack.append(arena.unknown(site: site, number: 0))
    case .pc:
      state.stack.append(arena.constant(Word(UInt64(site))))
    case .codesize:
      let size = Word(UInt64(disassembly.code.count))
      state.stack.append(isCreation ? arena.environment(.codesize) : arena.constant(size))
    case .returndatasize:
      if let call = state.lastCall {
        state.stack.append(arena.unknown(site: call.offset, number: 2))
      } else {
        state.stack.append(arena.zero)
      }
    case .gas, .msize:
      state.stack.append(arena.unknown(site: site, number: 0))
    default:
      use(arguments)
      for _ in 0..<opcode.pushes {
        if arguments.isEmpty {
          state.stack.append(arena.environment(opcode))
        } else if arena.isTooLarge(arguments) {
          state.stack.append(arena.unknown(site: site, number: 0))
        } else {
          state.stack.append(
            arena.intern(
              .operation(opcode, arguments), bits: 256, dependencies: .other, of: arguments))
        }
      }
    }
  }

  private func write(
    _ value: ExpressionID, length: Int, at address: ExpressionID, _ state: inout SymbolicState
  ) {
    guard let place = SymbolicMemory.place(of: address, in: &arena) else { return }
    state.memory.write(
      value, length: length, base: place.base, offset: place.offset, arena: &arena)
  }

  private func forget(at address: ExpressionID, _ state: inout SymbolicState) {
    guard let place = SymbolicMemory.place(of: address, in: &arena) else { return }
    state.memory.forget(
      from: place.offset, base: place.base, isAbsolute: place.base == arena.zero)
  }

  private func hash(
    _ arguments: [ExpressionID], _ site: Int, _ state: SymbolicState
  ) -> ExpressionID {
    let unknown = arena.unknown(site: site, number: Int(arguments[0].index))
    guard let place = SymbolicMemory.place(of: arguments[0], in: &arena) else { return unknown }
    if let length = arena.constant(arguments[1]) {
      guard let count = length.int, count > 0, count <= 160, count.isMultiple(of: 32) else {
        return unknown
      }
      var words: [ExpressionID] = []
      for start in stride(from: 0, to: count, by: 32) {
        let word = state.memory.read(
          base: place.base, offset: place.offset + start, arena: &arena)
        words.append(word ?? arena.unknown(site: site, number: start + 1))
      }
      return arena.hash(words, site: site)
    }
    let end = arena.operation(.add, [arguments[0], arguments[1]], site: site)
    let last = arena.adding(Word(twosComplement: -32), to: end)
    guard let lastPlace = SymbolicMemory.place(of: last, in: &arena),
      lastPlace.base != arena.zero,
      let word = state.memory.read(
        base: lastPlace.base, offset: lastPlace.offset, arena: &arena)
    else { return unknown }
    return arena.hashEnding(with: word, site: site)
  }

  /// Copies into memory: call data, the code, return data or memory itself.
  private func copy(
    _ opcode: Opcode, _ arguments: [ExpressionID], _ state: inout SymbolicState
  ) {
    let destination = arguments[0]
    let length = arena.constant(arguments[2])?.int
    if length == 0 { return }
    let source = arena.constant(arguments[1])?.int
    if opcode == .codecopy, let source, let length {
      let copy = SymbolicState.CodeCopy(
        destination: destination, source: source, length: length)
      if state.codeCopies.count == 16 { state.codeCopies.removeFirst() }
      state.codeCopies.append(copy)
    }
    // Words that are kept of a copy; a longer or open one forgets what lay behind them.
    let kept = length.map { min($0, opcode == .codecopy ? 1024 : 512) } ?? 32
    var words: [ExpressionID] = []
    for start in stride(from: 0, to: kept, by: 32) {
      guard
        let word = copied(
          opcode, from: arguments[1], constantSource: source, distance: start, state)
      else { break }
      words.append(word)
    }
    if length != kept || words.count * 32 < kept { forget(at: destination, &state) }
    for (number, word) in words.enumerated() {
      let size = min(32, kept - number * 32)
      let address = arena.adding(Word(UInt64(number * 32)), to: destination)
      write(word, length: size, at: address, &state)
    }
  }

  private func copied(
    _ opcode: Opcode, from source: ExpressionID, constantSource: Int?, distance: Int,
    _ state: SymbolicState
  ) -> ExpressionID? {
    switch opcode {
    case .calldatacopy:
      return arena.callData(at: arena.adding(Word(UInt64(distance)), to: source))
    case .codecopy:
      guard let start = constantSource else { return nil }
      guard start < disassembly.code.count else {
        return isCreation ? arena.unknown(site: start, number: distance) : arena.zero
      }
      let first = min(start + distance, disassembly.code.count)
      // Behind creation code stand the constructor's arguments.
      if isCreation, first + 32 > disassembly.code.count {
        return arena.unknown(site: start, number: distance)
      }
      let bytes = disassembly.code[first..<min(first + 32, disassembly.code.count)]
      let word = (Word(bigEndian: bytes) ?? .zero) << (8 * (32 - bytes.count))
      return arena.constant(word)
    case .returndatacopy:
      guard let call = state.lastCall, let start = constantSource, start < 1 << 20 else {
        return nil
      }
      return arena.callOutput(
        site: call.offset, callee: call.callee, word: (start + distance) / 32)
    case .mcopy:
      guard
        let place = SymbolicMemory.place(
          of: arena.adding(Word(UInt64(distance)), to: source), in: &arena)
      else { return nil }
      return state.memory.read(base: place.base, offset: place.offset, arena: &arena)
    default: return nil
    }
  }

  private func call(
    _ opcode: Opcode, _ arguments: [ExpressionID], _ site: Int, _ state: inout SymbolicState
  ) {
    use(arguments)
    let callee = arguments[1]
    if opcode == .delegatecall || opcode == .callcode {
      effects.add(Effects.Delegation(offset: site, opcode: opcode, target: callee))
    }
    state.lastCall = SymbolicState.CallSite(offset: site, callee: callee)
    let output = arguments[arguments.count - 2]
    let length = arena.constant(arguments[arguments.count - 1])?.int
    if length != 0 {
      if length.map({ $0 > 256 }) ?? true { forget(at: output, &state) }
      for start in stride(from: 0, to: min(length ?? 32, 256), by: 32) {
        let word = arena.callOutput(site: site, callee: callee, word: start / 32)
        write(word, length: 32, at: arena.adding(Word(UInt64(start)), to: output), &state)
      }
    }
    state.stack.append(arena.callOutput(site: site, callee: callee, word: -1))
  }
}
