/// Basic blocks and the ways between them.
public struct ControlFlowGraph: Sendable {
  /// Straight code with one entry and one exit.
  public struct Block: Hashable, Sendable {
    /// Byte offset of the first instruction.
    public let start: Int
    /// Byte offset behind the last instruction.
    public let end: Int
    /// The last instruction.
    public let lastOpcode: Opcode
    /// Starts of the blocks that can follow, ascending. Jumps whose target the code computes are
    /// here as far as some examined path took them.
    public let successors: [Int]
    /// Whether some examined path runs the block. Where the examination was complete, other
    /// blocks are dead code or data.
    public let isReached: Bool
  }

  /// All blocks in the order of their offsets; together they cover the code.
  public let blocks: [Block]

  /// The block that starts at a byte offset; takes logarithmic time.
  public func block(startingAt offset: Int) -> Block? {
    var low = 0
    var high = blocks.count
    while low < high {
      let middle = (low + high) / 2
      if blocks[middle].start < offset { low = middle + 1 } else { high = middle }
    }
    return low < blocks.count && blocks[low].start == offset ? blocks[low] : nil
  }

  /// Builds the graph of code as far as machines have run it.
  init(disassembly: Disassembly, machine: SymbolicMachine) {
    let instructions = disassembly.instructions
    var following: [Int: Set<Int>] = [:]
    for edge in machine.edges {
      following[edge.from, default: []].insert(instructions[edge.to].offset)
    }
    var blocks: [Block] = []
    var first = 0
    for index in instructions.indices {
      let last = instructions[index]
      let isEnd =
        last.opcode.endsBlock || index + 1 == instructions.count
        || instructions[index + 1].opcode == .jumpdest
      guard isEnd else { continue }
      var successors = following[index] ?? []
      if last.opcode == .jumpi || !last.opcode.endsBlock, index + 1 < instructions.count {
        successors.insert(instructions[index + 1].offset)
      }
      if last.opcode == .jump || last.opcode == .jumpi, index > first,
        instructions[index - 1].opcode.isPush,
        let target = disassembly.jumpDestination(instructions[index - 1].operand)
      {
        successors.insert(instructions[target].offset)
      }
      blocks.append(
        Block(
          start: instructions[first].offset, end: last.end, lastOpcode: last.opcode,
          successors: successors.sorted(), isReached: machine.reached[first]))
      first = index + 1
    }
    self.blocks = blocks
  }
}
