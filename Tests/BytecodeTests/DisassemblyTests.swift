import Bytecode
import Ethereum
import Testing

@Suite("Disassembly")
struct DisassemblyTests {
  @Test("Names and sizes of all instructions through Osaka")
  func names() {
    let defined = (0...255).map { Opcode(rawValue: UInt8($0)) }.filter(\.isDefined)
    // 12 arithmetic, 15 comparison and bits, 1 hash, 27 environment and block, 15 memory and flow,
    // 33 pushes, 16 + 16 stack, 5 logs, 10 system.
    #expect(defined.count == 150)
    #expect(Opcode(rawValue: 0x1e).description == "CLZ")
    #expect(Opcode(rawValue: 0x49).description == "BLOBHASH")
    #expect(Opcode(rawValue: 0x4a).description == "BLOBBASEFEE")
    #expect(Opcode(rawValue: 0x5c).description == "TLOAD")
    #expect(Opcode(rawValue: 0x5e).description == "MCOPY")
    #expect(Opcode(rawValue: 0x5f).description == "PUSH0")
    #expect(Opcode(rawValue: 0x7f).immediateSize == 32)
    #expect(Opcode(rawValue: 0x0c).description == "UNKNOWN_0c")
    #expect(Opcode(rawValue: 0x9f).swapDepth == 16)
    #expect(Opcode(rawValue: 0xa4).pops == 6)
  }

  @Test("A push cut off by the end of the code reads zeros")
  func truncatedPush() throws {
    let disassembly = Disassembly(code: [0x00, 0x63, 0xab, 0xcd])
    let push = try #require(disassembly.instructions.last)
    #expect(push.operand == 0xabcd_0000)
    #expect(push.missingBytes == 2)
    #expect(push.end == 4)
    #expect(push.description == "PUSH4 0xabcd0000")
  }

  @Test("Instructions cover the code without gap or overlap", arguments: 0..<64 as Range<UInt64>)
  func coverage(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let code = (0..<Int(random.next() % 500)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    let disassembly = Disassembly(code: code)
    var end = 0
    for (number, instruction) in disassembly.instructions.enumerated() {
      #expect(instruction.offset == end, "seed \(seed)")
      #expect(disassembly.index(at: end) == number, "seed \(seed)")
      let operand = instruction.operand.bigEndianBytes.suffix(instruction.opcode.immediateSize)
      let present = operand.dropLast(instruction.missingBytes)
      #expect(
        [instruction.opcode.rawValue] + present == Array(code[end..<instruction.end]),
        "seed \(seed)")
      end = instruction.end
    }
    #expect(end == code.count, "seed \(seed)")
  }

  @Test("Blocks partition the code and know their successors")
  func blocks() throws {
    let code = try assemble("CALLVALUE @a JUMPI STOP a: @b JUMP b: PUSH1 0x00 SLOAD JUMP")
    let graph = BytecodeAnalysis(code: code).controlFlow
    #expect(graph.blocks.map(\.start) == [0, 5, 6, 11])
    #expect(graph.blocks.map(\.successors) == [[5, 6], [], [11], []])
    #expect(graph.blocks.map(\.isReached) == [true, true, true, true])
    #expect(graph.block(startingAt: 6)?.lastOpcode == .jump)
    #expect(graph.block(startingAt: 7) == nil)
  }
}
