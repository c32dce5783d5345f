import Ethereum

/// One instruction at its place in the code.
public struct Instruction: Hashable, Sendable, CustomStringConvertible {
  /// Byte offset of the instruction from the start of the code.
  public let offset: Int
  /// What it does.
  public let opcode: Opcode
  /// The operand of `PUSH0` to `PUSH32`. Bytes beyond the end of the code read as zero, as the EVM
  /// has it; other instructions have 0 here.
  public let operand: Word
  /// Operand bytes that lie beyond the end of the code.
  public let missingBytes: Int

  /// Offset just behind the instruction and the operand bytes that exist.
  public var end: Int { offset + 1 + opcode.immediateSize - missingBytes }

  /// The instruction with its operand, without the offset: `PUSH2 0x0102`.
  public var description: String {
    let size = opcode.immediateSize
    guard size > 0 else { return opcode.description }
    let digits = Hex.encode(operand.bigEndianBytes.suffix(size))
    return "\(opcode) \(digits)"
  }
}

/// Code as a list of instructions from its first byte on, without regard to what is reachable:
/// data between and behind the instructions reads as instructions too.
public struct Disassembly: Sendable {
  /// The bytes.
  public let code: [UInt8]
  /// All instructions in the order of their offsets.
  public let instructions: [Instruction]
  /// For each byte offset the number of the instruction that starts there, or -1.
  let indexAtOffset: [Int32]

  /// Reads code. Any bytes can be read; time and space are linear in their number.
  public init(code: [UInt8]) {
    var instructions: [Instruction] = []
    instructions.reserveCapacity(code.count)
    var indexAtOffset = [Int32](repeating: -1, count: code.count)
    var offset = 0
    while offset < code.count {
      let opcode = Opcode(rawValue: code[offset])
      let size = opcode.immediateSize
      let available = min(size, code.count - offset - 1)
      var operand = Word.zero
      if available > 0 {
        let bytes = code[(offset + 1)..<(offset + 1 + available)]
        operand = (Word(bigEndian: bytes) ?? .zero) << (8 * (size - available))
      }
      indexAtOffset[offset] = Int32(truncatingIfNeeded: instructions.count)
      instructions.append(
        Instruction(
          offset: offset, opcode: opcode, operand: operand, missingBytes: size - available))
      offset += 1 + size
    }
    self.code = code
    self.instructions = instructions
    self.indexAtOffset = indexAtOffset
  }

  /// The number of the instruction that starts at a byte offset; `nil` inside an operand and
  /// beyond the end.
  public func index(at offset: Int) -> Int? {
    guard indexAtOffset.indices.contains(offset), indexAtOffset[offset] >= 0 else { return nil }
    return Int(indexAtOffset[offset])
  }

  /// The number of the `JUMPDEST` instruction at a stack value; `nil` if a jump there would fail.
  func jumpDestination(_ target: Word) -> Int? {
    guard let offset = target.int, let index = index(at: offset),
      instructions[index].opcode == .jumpdest
    else { return nil }
    return index
  }
}
