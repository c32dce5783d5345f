import SoliditySyntax
import Solidity

/// Makes blocks and values of a graph; keeps local variables in SSA form while doing so.
///
/// Variables are numbered slots. Phis are made on demand, and those that turn out to have one input are removed at
/// the end. Looking a variable up uses a work list, not recursion: the depth of the graph does not matter.
///
/// Source: Braun et al., "Simple and Efficient Construction of Static Single Assignment Form", CC 2013.
final class GraphBuilder {
  struct OpenBlock {
    var heads: [ValueID] = []
    var values: [ValueID] = []
    var predecessors: [BlockID] = []
    var terminator: Terminator?
    var terminatorOrigin: Origin?
    var isSealed = false
    var pendingPhis: [(slot: Int32, phi: ValueID)] = []
  }

  private struct Cell: Hashable {
    let block: Int32
    let slot: Int32

    func hash(into hasher: inout Hasher) {
      hasher.combine(
        UInt64(UInt32(bitPattern: block)) << 32 | UInt64(UInt32(bitPattern: slot)))
    }
  }

  private(set) var values: [Value] = []
  private(set) var blocks: [OpenBlock] = []
  private var slotTypes: [SolidityType] = []
  private var definitions: [Cell: ValueID] = [:]
  private var work: [(phi: ValueID, cell: Cell)] = []
  /// The block instructions go to.
  var current: BlockID
  /// What instructions made for variables nothing has set refer to.
  let start: Origin

  init(start: Origin) {
    self.start = start
    var entry = OpenBlock()
    entry.isSealed = true
    blocks.append(entry)
    current = BlockID(0)
  }

  // MARK: Blocks

  func makeBlock() -> BlockID {
    blocks.append(OpenBlock())
    return BlockID(blocks.count - 1)
  }

  /// Declares that no further predecessor of the block will be added.
  func seal(_ block: BlockID) {
    let number = Int(block.index)
    guard !blocks[number].isSealed else { return }
    blocks[number].isSealed = true
    let pending = blocks[number].pendingPhis
    blocks[number].pendingPhis = []
    for (slot, phi) in pending { work.append((phi, Cell(block: block.index, slot: slot))) }
    drain()
  }

  /// Goes on in `block`.
  func enter(_ block: BlockID) { current = block }

  /// Goes on in `block`, which gets no further predecessor.
  func enterSealed(_ block: BlockID) {
    seal(block)
    current = block
  }

  var isTerminated: Bool { blocks[Int(current.index)].terminator != nil }

  /// Ends the current block and goes on in a fresh one that nothing reaches.
  func terminate(_ terminator: Terminator, _ origin: Origin) {
    let number = Int(current.index)
    if blocks[number].terminator == nil {
      blocks[number].terminator = terminator
      blocks[number].terminatorOrigin = origin
      for target in terminator.targets { blocks[Int(target.index)].predecessors.append(current) }
    }
    let dead = makeBlock()
    blocks[Int(dead.index)].isSealed = true
    current = dead
  }

  /// Whether anything can lead to the current block, as far as is known.
  var isLive: Bool { current.index == 0 || !blocks[Int(current.index)].predecessors.isEmpty }

  // MARK: Values

  func append(_ operation: Operation, type: SolidityType, origin: Origin) -> ValueID {
    let id = ValueID(values.count)
    values.append(Value(operation: operation, type: type, origin: origin, block: current))
    blocks[Int(current.index)].values.append(id)
    return id
  }

  /// A value at the head of the current block, where phis stand.
  func appendHead(_ operation: Operation, type: SolidityType, origin: Origin) -> ValueID {
    let id = ValueID(values.count)
    values.append(Value(operation: operation, type: type, origin: origin, block: current))
    blocks[Int(current.index)].heads.append(id)
    return id
  }

  func operation(_ id: ValueID) -> Operation { values[Int(id.index)].operation }
  func type(_ id: ValueID) -> SolidityType { values[Int(id.index)].type }

  // MARK: Variables

  func makeSlot(type: SolidityType) -> Int32 {
    slotTypes.append(type)
    return Int32(truncatingIfNeeded: slotTypes.count - 1)
  }

  func slotType(_ slot: Int32) -> SolidityType { slotTypes[Int(slot)] }

  func write(_ slot: Int32, _ value: ValueID) {
    definitions[Cell(block: current.index, slot: slot)] = value
  }

  func read(_ slot: Int32) -> ValueID {
    let value = lookup(Cell(block: current.index, slot: slot))
    drain()
    return value
  }

  private func lookup(_ start: Cell) -> ValueID {
    var cell = start
    var passed: [Cell] = []
    var found: ValueID?
    while found == nil {
      if let value = definitions[cell] {
        found = value
        break
      }
      let number = Int(cell.block)
      let predecessors = blocks[number].predecessors
      if !blocks[number].isSealed {
        let phi = makePhi(cell)
        blocks[number].pendingPhis.append((cell.slot, phi))
        found = phi
      } else if predecessors.count == 1, passed.count <= blocks.count {
        passed.append(cell)
        cell = Cell(block: predecessors[0].index, slot: cell.slot)
      } else if predecessors.isEmpty {
        found = makeUnset(cell)
      } else {
        let phi = makePhi(cell)
        work.append((phi, cell))
        found = phi
      }
    }
    let value = found ?? makeUnset(cell)
    for cell in passed { definitions[cell] = value }
    return value
  }

  private func makePhi(_ cell: Cell) -> ValueID {
    let id = ValueID(values.count)
    values.append(
      Value(
        operation: .phi([]), type: slotTypes[Int(cell.slot)], origin: start,
        block: BlockID(Int(cell.block))))
    blocks[Int(cell.block)].heads.append(id)
    definitions[cell] = id
    return id
  }

  private func makeUnset(_ cell: Cell) -> ValueID {
    let id = ValueID(values.count)
    values.append(
      Value(
        operation: .zero, type: slotTypes[Int(cell.slot)], origin: start,
        block: BlockID(Int(cell.block))))
    blocks[Int(cell.block)].heads.append(id)
    definitions[cell] = id
    return id
  }

  private func drain() {
    while let (phi, cell) = work.popLast() {
      let inputs = blocks[Int(cell.block)].predecessors.map {
        lookup(Cell(block: $0.index, slot: cell.slot))
      }
      let old = values[Int(phi.index)]
      values[Int(phi.index)] = Value(
        operation: .phi(inputs), type: old.type, origin: old.origin, block: old.block)
    }
  }
}

// MARK: - Finishing

extension GraphBuilder {
  /// The blocks reachable from the entry in reverse post-order.
  private func reversePostOrder() -> [Int] {
    var state = [UInt8](repeating: 0, count: blocks.count)
    var order: [Int] = []
    var stack: [(block: Int, next: Int)] = [(0, 0)]
    state[0] = 1
    while let top = stack.last {
      let targets = blocks[top.block].terminator?.targets ?? []
      if top.next < targets.count {
        stack[stack.count - 1].next += 1
        // The last target first, so that the first one stands nearest after its branch.
        let target = Int(targets[targets.count - 1 - top.next].index)
        if state[target] == 0 {
          state[target] = 1
          stack.append((target, 0))
        }
      } else {
        order.append(top.block)
        stack.removeLast()
      }
    }
    return order.reversed()
  }

  /// The blocks in order, those that only follow one another put together.
  private func chains(order: [Int]) -> [[Int]] {
    var incoming = [Int](repeating: 0, count: blocks.count)
    for block in order {
      for target in blocks[block].terminator?.targets ?? [] { incoming[Int(target.index)] += 1 }
    }
    var chains: [[Int]] = []
    var isTaken = [Bool](repeating: false, count: blocks.count)
    for block in order where !isTaken[block] {
      var chain = [block]
      isTaken[block] = true
      while case .jump(let target)? = blocks[chain[chain.count - 1]].terminator {
        let next = Int(target.index)
        guard incoming[next] == 1, !isTaken[next], next != 0 else { break }
        isTaken[next] = true
        chain.append(next)
      }
      chains.append(chain)
    }
    return chains
  }

  /// What each value is to be replaced by: phis with one input by that input.
  private func removeTrivialPhis(order: [Int]) -> [ValueID] {
    var forward = values.indices.map { ValueID($0) }
    func resolve(_ id: ValueID) -> ValueID {
      var id = id
      while forward[Int(id.index)] != id { id = forward[Int(id.index)] }
      return id
    }
    var phis: [ValueID] = []
    for block in order {
      for id in blocks[block].heads {
        if case .phi = values[Int(id.index)].operation { phis.append(id) }
      }
    }
    var isChanged = true
    while isChanged {
      isChanged = false
      for phi in phis where forward[Int(phi.index)] == phi {
        guard case .phi(let inputs) = values[Int(phi.index)].operation else { continue }
        var only: ValueID?
        var isTrivial = true
        for input in inputs {
          let input = resolve(input)
          if input == phi || input == only { continue }
          if only != nil {
            isTrivial = false
            break
          }
          only = input
        }
        if isTrivial, let only {
          forward[Int(phi.index)] = only
          isChanged = true
        }
      }
    }
    return values.indices.map { resolve(ValueID($0)) }
  }

  /// The path with pointers made here replaced by what they point to.
  private func flatten(_ path: StoragePath, _ forward: [ValueID]) -> StoragePath {
    var path = path
    var rounds = 0
    while case .pointer(let pointer) = path.root, rounds < 64,
      case .storagePointer(let base) = values[Int(forward[Int(pointer.index)].index)].operation
    {
      path = StoragePath(
        root: base.root, steps: base.steps + path.steps,
        isTransient: base.isTransient || path.isTransient)
      rounds += 1
    }
    return path
  }

  /// The finished graph.
  func finish(
    unit: FunctionGraph.Unit, contract: ContractDefinition?, parameters: [ValueID],
    isComplete: Bool, hasUnstructuredJumps: Bool
  ) -> FunctionGraph {
    for block in blocks.indices { seal(BlockID(block)) }
    let order = reversePostOrder()
    let chains = chains(order: order)
    var blockNumbers = [Int32](repeating: -1, count: blocks.count)
    for (number, chain) in chains.enumerated() {
      for block in chain { blockNumbers[block] = Int32(number) }
    }

    // Inputs of phis from blocks nothing reaches go away together with those blocks; the rest follow the order
    // of the new block numbers.
    var predecessors: [[BlockID]] = []
    predecessors.reserveCapacity(chains.count)
    for block in order {
      let old = blocks[block].predecessors
      let kept = old.indices.filter { blockNumbers[Int(old[$0].index)] >= 0 }
        .sorted { blockNumbers[Int(old[$0].index)] < blockNumbers[Int(old[$1].index)] }
      if chains[Int(blockNumbers[block])][0] == block {
        predecessors.append(kept.map { BlockID(Int(blockNumbers[Int(old[$0].index)])) })
      }
      for head in blocks[block].heads {
        let value = values[Int(head.index)]
        if case .phi(let inputs) = value.operation, inputs.count == old.count {
          values[Int(head.index)] = Value(
            operation: .phi(kept.map { inputs[$0] }), type: value.type, origin: value.origin,
            block: value.block)
        }
      }
    }
    let forward = removeTrivialPhis(order: order)

    var valueNumbers = [Int32](repeating: -1, count: values.count)
    var count: Int32 = 0
    for block in chains.joined() {
      for id in blocks[block].heads where forward[Int(id.index)] == id {
        valueNumbers[Int(id.index)] = count
        count += 1
      }
      for id in blocks[block].values {
        valueNumbers[Int(id.index)] = count
        count += 1
      }
    }
    func isKept(_ id: ValueID) -> Bool { valueNumbers[Int(forward[Int(id.index)].index)] >= 0 }
    let renumber: (ValueID) -> ValueID = { id in
      ValueID(Int(max(0, valueNumbers[Int(forward[Int(id.index)].index)])))
    }
    let renumberBlock: (BlockID) -> BlockID = { BlockID(Int(blockNumbers[Int($0.index)])) }

    var newValues: [Value] = []
    newValues.reserveCapacity(Int(count))
    var newBlocks: [BasicBlock] = []
    newBlocks.reserveCapacity(chains.count)
    var index = InstructionIndex()
    var exit: BlockID?
    for (number, chain) in chains.enumerated() {
      let open = blocks[chain[chain.count - 1]]
      let here = BlockID(number)
      let first = newValues.count
      let members = chain.flatMap { blocks[$0].heads + blocks[$0].values }
      for id in members where valueNumbers[Int(id.index)] >= 0 {
        let value = values[Int(id.index)]
        let operation: Operation =
          switch value.operation {
          case .read(let path): .read(flatten(path, forward).map(renumber))
          case .storagePointer(let path): .storagePointer(flatten(path, forward).map(renumber))
          case .write(let path, let written, let kind):
            .write(flatten(path, forward).map(renumber), written.map(renumber), kind)
          // A side whose evaluation never ends leaves the other one.
          case .shortCircuit(let op, let left, let right) where !isKept(right):
            .shortCircuit(op, renumber(left), renumber(left))
          case .select(let condition, let then, let otherwise) where !isKept(then):
            .select(renumber(condition), renumber(otherwise), renumber(otherwise))
          case .select(let condition, let then, let otherwise) where !isKept(otherwise):
            .select(renumber(condition), renumber(then), renumber(then))
          default: value.operation.map(renumber)
          }
        index.add(operation, ValueID(newValues.count))
        newValues.append(
          Value(operation: operation, type: value.type, origin: value.origin, block: here))
      }
      let terminator = (open.terminator ?? .unreachable).map(renumber, block: renumberBlock)
      if case .return = terminator { exit = here }
      newBlocks.append(
        BasicBlock(
          values: (first..<newValues.count).map { ValueID($0) }, terminator: terminator,
          terminatorOrigin: open.terminatorOrigin ?? start, predecessors: predecessors[number],
          successors: terminator.targets))
    }
    let analysis = ControlFlowAnalysis(values: newValues, blocks: newBlocks)
    return FunctionGraph(
      unit: unit, contract: contract, values: newValues, blocks: newBlocks,
      parameters: parameters.map(renumber), exit: exit, isComplete: isComplete,
      hasUnstructuredJumps: hasUnstructuredJumps,
      loops: analysis.makeLoops(values: newValues, blocks: newBlocks), index: index,
      analysis: analysis)
  }
}

extension InstructionIndex {
  mutating func add(_ operation: Operation, _ id: ValueID) {
    switch operation {
    case .read: storageReads.append(id)
    case .write: storageWrites.append(id)
    case .externalCall: externalCalls.append(id)
    case .internalCall: internalCalls.append(id)
    case .emit: events.append(id)
    case .selfdestruct: selfdestructs.append(id)
    case .convert: conversions.append(id)
    case .builtin: builtins.append(id)
    case .environment, .balance: environment.append(id)
    case .binary(let op, _, _, _, _):
      switch op {
      case .add, .subtract, .multiply, .divide, .modulo, .power, .shiftLeft, .shiftRight,
        .shiftRightLogical:
        arithmetic.append(id)
      case .less, .lessOrEqual, .greater, .greaterOrEqual, .equal, .notEqual:
        comparisons.append(id)
      case .bitAnd, .bitOr, .bitXor, .and, .or: break
      }
    default: break
    }
  }
}
