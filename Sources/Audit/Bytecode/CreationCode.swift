import Ethereum

/// What creation code (initcode) deploys.
public struct CreationCode: Hashable, Sendable {
  /// Where the runtime code lies in the creation code.
  public let runtimeRange: Range<Int>
  /// Places in the runtime code that the constructor fills in, sorted by offset.
  public let immutables: [Immutable]

  /// A word of the runtime code that the constructor writes.
  public struct Immutable: Hashable, Sendable {
    /// Byte offset in the runtime code.
    public let offset: Int
    /// The value if the constructor's code alone decides it.
    public let value: Word?
  }

  /// Instructions run in search of the end of the constructor.
  static let maximumSteps = 40_000

  /// Recognises creation code by what it does: on no condition about call data it copies a part of
  /// itself to memory and returns exactly that part.
  init?(disassembly: Disassembly) {
    guard disassembly.instructions.contains(where: { $0.opcode == .codecopy }) else { return nil }
    let machine = SymbolicMachine(disassembly: disassembly)
    machine.isCreation = true
    var explorer = FunctionExplorer(machine: machine)
    explorer.explore([SymbolicState(index: 0)], budget: CreationCode.maximumSteps)
    for state in explorer.returns where !state.dependsOnCallData && state.stack.count >= 2 {
      let address = state.stack[state.stack.count - 1]
      let length = machine.arena.constant(state.stack[state.stack.count - 2])?.int
      let copy = state.codeCopies.last {
        $0.destination == address && $0.source > 0 && $0.length > 0
          && $0.source < disassembly.code.count
      }
      guard let copy, let length, length >= copy.length else { continue }
      let end = min(copy.source + copy.length, disassembly.code.count)
      runtimeRange = copy.source..<end
      var values: [Int: Word?] = [:]
      for write in state.memoryWrites {
        let distance = machine.arena.operation(.sub, [write.address, address], site: -1)
        if let offset = machine.arena.constant(distance)?.int, offset + 32 <= length {
          values[offset] = machine.arena.constant(write.value)
        }
      }
      immutables = values.keys.sorted().map { offset in
        Immutable(offset: offset, value: values[offset] ?? nil)
      }
      return
    }
    return nil
  }
}
