import SoliditySyntax
import Solidity

/// Dominators, post-dominators, reachability and uses of a graph.
///
/// Source of the dominator algorithm: Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm", 2001.
package struct ControlFlowAnalysis: Sendable {
  /// The immediate dominator of each block; of the entry, itself.
  let immediateDominators: [Int32]
  /// Entry and exit times of a walk over the dominator tree: `a` dominates `b` when its interval encloses.
  let dominatorTimes: [(start: Int32, end: Int32)]
  /// The immediate post-dominator of each block; -1 for blocks that only the virtual end follows, -2 for those from
  /// which no normal end is reached.
  let immediatePostDominators: [Int32]
  /// For graphs up to `matrixLimit` blocks: the blocks reachable from each over at least one edge, as bits.
  let reachable: [UInt64]
  let wordsPerRow: Int
  /// The place of each value in its block.
  let positions: [Int32]
  /// Users of value `v`: `users[userStarts[v] ..< userStarts[v + 1]]`, ascending.
  let userStarts: [Int32]
  let users: [ValueID]
  /// Values a terminator uses.
  let isTerminatorOperand: [Bool]

  /// Beyond this many blocks reachability is searched for instead of kept.
  static let matrixLimit = 768

  init(values: [Value], blocks: [BasicBlock]) {
    let count = blocks.count
    let successors = blocks.map { $0.successors.map { Int($0.index) } }
    let predecessors = blocks.map { $0.predecessors.map { Int($0.index) } }

    immediateDominators = Self.dominators(
      count: count, order: Array(0..<count), predecessors: predecessors, roots: [0])
    dominatorTimes = Self.times(parents: immediateDominators)

    // The reverse graph gets a virtual end, numbered `count`, behind every block that ends normally.
    var isEnd = [Bool](repeating: false, count: count)
    for (number, block) in blocks.enumerated() {
      switch block.terminator {
      case .return, .stop: isEnd[number] = true
      default: break
      }
    }
    let (postOrder, reached) = Self.reverseOrder(
      count: count, predecessors: predecessors, ends: isEnd)
    var reverseEdges = successors
    for number in 0..<count where isEnd[number] { reverseEdges[number].append(count) }
    reverseEdges.append([])
    let post = Self.dominators(
      count: count + 1, order: postOrder, predecessors: reverseEdges, roots: [count])
    immediatePostDominators = (0..<count).map { number in
      if !reached[number] { return -2 }
      return post[number] == Int32(count) ? -1 : post[number]
    }

    wordsPerRow = (count + 63) / 64
    reachable =
      count <= Self.matrixLimit ? Self.reachability(successors: successors, words: wordsPerRow) : []

    var positions = [Int32](repeating: 0, count: values.count)
    for block in blocks {
      for (position, value) in block.values.enumerated() {
        positions[Int(value.index)] = Int32(position)
      }
    }
    self.positions = positions

    var counts = [Int32](repeating: 0, count: values.count + 1)
    for value in values {
      value.operation.forEachOperand { counts[Int($0.index) + 1] += 1 }
    }
    for number in 0..<values.count { counts[number + 1] += counts[number] }
    userStarts = counts
    var fill = counts
    var users = [ValueID](repeating: ValueID(0), count: Int(counts[values.count]))
    for (number, value) in values.enumerated() {
      value.operation.forEachOperand { operand in
        let place = Int(operand.index)
        users[Int(fill[place])] = ValueID(number)
        fill[place] += 1
      }
    }
    self.users = users
    var isTerminatorOperand = [Bool](repeating: false, count: values.count)
    for block in blocks {
      block.terminator.forEachOperand { isTerminatorOperand[Int($0.index)] = true }
    }
    self.isTerminatorOperand = isTerminatorOperand
  }

  /// Immediate dominators; `order` is a reverse post-order of the blocks reached from `roots`.
  private static func dominators(
    count: Int, order: [Int], predecessors: [[Int]], roots: [Int]
  ) -> [Int32] {
    var result = [Int32](repeating: -1, count: count)
    var rank = [Int32](repeating: -1, count: count)
    for (place, block) in order.enumerated() { rank[block] = Int32(place) }
    for root in roots { result[root] = Int32(root) }
    var isChanged = true
    while isChanged {
      isChanged = false
      for block in order where !roots.contains(block) {
        var candidate: Int32 = -1
        for predecessor in predecessors[block] where result[predecessor] >= 0 {
          if candidate < 0 {
            candidate = Int32(predecessor)
            continue
          }
          var a = candidate
          var b = Int32(predecessor)
          while a != b {
            while rank[Int(a)] > rank[Int(b)] { a = result[Int(a)] }
            while rank[Int(b)] > rank[Int(a)] { b = result[Int(b)] }
          }
          candidate = a
        }
        if candidate >= 0, result[block] != candidate {
          result[block] = candidate
          isChanged = true
        }
      }
    }
    return result
  }

  /// A reverse post-order of the reversed graph from the virtual end, and which blocks it reaches.
  private static func reverseOrder(
    count: Int, predecessors: [[Int]], ends: [Bool]
  ) -> (order: [Int], reached: [Bool]) {
    var edges = predecessors
    edges.append((0..<count).filter { ends[$0] })
    var reached = [Bool](repeating: false, count: count + 1)
    var order: [Int] = []
    var stack: [(block: Int, next: Int)] = [(count, 0)]
    reached[count] = true
    while let top = stack.last {
      if top.next < edges[top.block].count {
        stack[stack.count - 1].next += 1
        let next = edges[top.block][top.next]
        if !reached[next] {
          reached[next] = true
          stack.append((next, 0))
        }
      } else {
        order.append(top.block)
        stack.removeLast()
      }
    }
    return (order.reversed(), reached)
  }

  private static func times(parents: [Int32]) -> [(start: Int32, end: Int32)] {
    var children = [[Int]](repeating: [], count: parents.count)
    for (block, parent) in parents.enumerated() where parent >= 0 && Int(parent) != block {
      children[Int(parent)].append(block)
    }
    var result = [(start: Int32, end: Int32)](repeating: (-1, -2), count: parents.count)
    guard !parents.isEmpty else { return result }
    var clock: Int32 = 0
    var stack: [(block: Int, next: Int)] = [(0, 0)]
    result[0].start = 0
    while let top = stack.last {
      if top.next < children[top.block].count {
        stack[stack.count - 1].next += 1
        clock += 1
        let child = children[top.block][top.next]
        result[child].start = clock
        stack.append((child, 0))
      } else {
        result[top.block].end = clock
        stack.removeLast()
      }
    }
    return result
  }

  private static func reachability(successors: [[Int]], words: Int) -> [UInt64] {
    var rows = [UInt64](repeating: 0, count: successors.count * words)
    var isChanged = true
    while isChanged {
      isChanged = false
      for block in stride(from: successors.count - 1, through: 0, by: -1) {
        for next in successors[block] {
          let bit = UInt64(1) << UInt64(next & 63)
          let own = block * words
          if rows[own + next >> 6] & bit == 0 {
            rows[own + next >> 6] |= bit
            isChanged = true
          }
          for word in 0..<words {
            let added = rows[next * words + word] & ~rows[own + word]
            if added != 0 {
              rows[own + word] |= added
              isChanged = true
            }
          }
        }
      }
    }
    return rows
  }

  /// The natural loops, outer before inner.
  func makeLoops(values: [Value], blocks: [BasicBlock]) -> [Loop] {
    var bodies: [Int: Set<Int>] = [:]
    for (number, block) in blocks.enumerated() {
      for next in block.successors where dominates(Int(next.index), number) {
        let header = Int(next.index)
        var body = bodies[header] ?? [header]
        var stack = [number]
        while let block = stack.popLast() {
          guard body.insert(block).inserted else { continue }
          stack.append(contentsOf: blocks[block].predecessors.map { Int($0.index) })
        }
        bodies[header] = body
      }
    }
    return bodies.keys.sorted().map { header in
      let body = bodies[header, default: []].sorted()
      let inside = Set(body)
      var exits: [(block: BlockID, condition: ValueID)] = []
      for block in body {
        guard case .branch(let condition, let then, let otherwise) = blocks[block].terminator,
          !inside.contains(Int(then.index)) || !inside.contains(Int(otherwise.index))
        else { continue }
        exits.append((BlockID(block), condition))
      }
      return Loop(header: BlockID(header), blocks: body.map { BlockID($0) }, exits: exits)
    }
  }

  func dominates(_ a: Int, _ b: Int) -> Bool {
    dominatorTimes[a].start <= dominatorTimes[b].start
      && dominatorTimes[b].end <= dominatorTimes[a].end && dominatorTimes[b].start >= 0
  }
}

extension FunctionGraph {
  /// Whether every way to `b` passes `a` (a block dominates itself).
  public func dominates(_ a: BlockID, _ b: BlockID) -> Bool {
    analysis.dominates(Int(a.index), Int(b.index))
  }

  /// Whether `a` has always run when `b` runs; false for the same instruction.
  public func dominates(_ a: ValueID, _ b: ValueID) -> Bool {
    let first = self[a].block
    let second = self[b].block
    if first == second { return position(a) < position(b) }
    return dominates(first, second)
  }

  /// Whether every way from `b` to a normal end passes `a` (a block post-dominates itself). Blocks from which no
  /// normal end is reached are post-dominated by themselves alone.
  public func postDominates(_ a: BlockID, _ b: BlockID) -> Bool {
    var block = b.index
    while block >= 0 {
      if block == a.index { return true }
      block = analysis.immediatePostDominators[Int(block)]
    }
    return false
  }

  /// Whether a normal end is reached from a block.
  public func endsNormally(_ block: BlockID) -> Bool {
    analysis.immediatePostDominators[Int(block.index)] != -2
  }

  /// Whether control can get from `a` to `b` along at least one edge.
  public func canReach(_ a: BlockID, _ b: BlockID) -> Bool {
    if !analysis.reachable.isEmpty {
      let word = analysis.reachable[Int(a.index) * analysis.wordsPerRow + Int(b.index) >> 6]
      return word >> UInt64(b.index & 63) & 1 == 1
    }
    var seen = [Bool](repeating: false, count: blocks.count)
    var stack = self[a].successors
    while let block = stack.popLast() {
      if block == b { return true }
      if seen[Int(block.index)] { continue }
      seen[Int(block.index)] = true
      stack.append(contentsOf: self[block].successors)
    }
    return false
  }

  /// Whether `b` can run after `a`.
  public func canFollow(_ b: ValueID, after a: ValueID) -> Bool {
    let first = self[a].block
    let second = self[b].block
    if first == second, position(a) < position(b) { return true }
    return canReach(first, second)
  }

  /// Whether the instruction stands in a loop.
  public func isInLoop(_ value: ValueID) -> Bool {
    let block = self[value].block
    return canReach(block, block)
  }

  /// The place of an instruction in its block.
  public func position(_ value: ValueID) -> Int { Int(analysis.positions[Int(value.index)]) }

  /// The instructions that use a value as an operand, ascending; one that uses it twice appears twice.
  public func uses(of value: ValueID) -> ArraySlice<ValueID> {
    let place = Int(value.index)
    return analysis.users[Int(analysis.userStarts[place])..<Int(analysis.userStarts[place + 1])]
  }

  /// Whether a terminator uses the value: as a condition, a result, or a revert's argument.
  public func isUsedByTerminator(_ value: ValueID) -> Bool {
    analysis.isTerminatorOperand[Int(value.index)]
  }

  /// The operands of an instruction in order.
  public func operands(of value: ValueID) -> [ValueID] {
    var result: [ValueID] = []
    self[value].operation.forEachOperand { result.append($0) }
    return result
  }

  /// The value a normal return gives for result `index`.
  public func returnedValue(_ index: Int) -> ValueID? {
    guard let exit, case .return(let values) = self[exit].terminator, values.indices.contains(index)
    else { return nil }
    return values[index]
  }

  /// The conditions within this function that hold whenever the instruction runs, outermost first.
  public func guards(of value: ValueID) -> [LocalGuard] { guards(of: self[value].block) }

  /// The conditions within this function that hold whenever the block runs, outermost first.
  public func guards(of block: BlockID) -> [LocalGuard] {
    dominators(of: block).compactMap { decision(at: $0, for: block) }
  }

  /// The block that every way to `block` passes last; of the entry, itself.
  public func immediateDominator(of block: BlockID) -> BlockID {
    BlockID(Int(analysis.immediateDominators[Int(block.index)]))
  }

  /// The blocks that dominate `block`, itself included, from the entry on.
  public func dominators(of block: BlockID) -> [BlockID] {
    var result = [block]
    var lower = block
    while true {
      let upper = immediateDominator(of: lower)
      if upper == lower { return result.reversed() }
      result.append(upper)
      lower = upper
    }
  }

  /// The condition that the branch ending `upper` decides for `block`, if one of its sides alone leads there.
  func decision(at upper: BlockID, for block: BlockID) -> LocalGuard? {
    guard upper != block,
      case .branch(let condition, let then, let otherwise) = self[upper].terminator,
      then != otherwise
    else { return nil }
    // The edge decides when its target dominates and nothing else leads to the target from outside.
    if dominates(then, block), isEntered(then, onlyFrom: upper) {
      return LocalGuard(condition: condition, polarity: true, block: upper)
    }
    if dominates(otherwise, block), isEntered(otherwise, onlyFrom: upper) {
      return LocalGuard(condition: condition, polarity: false, block: upper)
    }
    return nil
  }

  /// Whether every edge into the block other than from `source` comes from blocks it dominates.
  private func isEntered(_ block: BlockID, onlyFrom source: BlockID) -> Bool {
    self[block].predecessors.allSatisfy { $0 == source || dominates(block, $0) }
  }
}
