import Bytecode
import Ethereum
import Testing

@Suite("Dispatch")
struct DispatchTests {
  @Test(
    "Forms of comparison",
    arguments: [
      "DUP1 PUSH4 0xa9059cbb EQ @f JUMPI",
      "PUSH4 0xa9059cbb DUP2 EQ @f JUMPI",
      "DUP1 PUSH4 0xa9059cbb XOR @g JUMPI @f JUMP g:",
      "DUP1 PUSH4 0xa9059cbb SUB @g JUMPI @f JUMP g:",
      "PUSH4 0xa9059cbb DUP2 SUB ISZERO @f JUMPI",
      "DUP1 PUSH4 0xa9059cbb XOR ISZERO @f JUMPI",
      "DUP1 PUSH4 0xa9059cbb EQ ISZERO ISZERO @f JUMPI",
      "DUP1 PUSH4 0xa9059cbb EQ ISZERO @g JUMPI @f JUMP g:",
      "PUSH4 0xffffffff DUP2 AND PUSH4 0xa9059cbb EQ @f JUMPI",
      "CALLDATASIZE PUSH1 0x43 LT DUP2 PUSH4 0xa9059cbb EQ AND @f JUMPI",
    ])
  func comparisons(form: String) throws {
    let code = try assemble(
      "\(selectorOnStack) \(form) PUSH1 0x00 DUP1 REVERT f: PUSH1 0x00 SLOAD STOP")
    let analysis = BytecodeAnalysis(code: code)
    #expect(analysis.selectors == ["0xa9059cbb"])
    #expect(!analysis.hasFallback)
    #expect(analysis.isComplete)
    #expect(
      analysis.storageAccesses.map(\.entryPoints) == [[.function(analysis.functions[0].selector)]])
  }

  @Test(
    "Ways to get at the selector",
    arguments: [
      "PUSH1 0x00 CALLDATALOAD PUSH1 0xe0 SHR",
      "PUSH29 0x0100000000000000000000000000000000000000000000000000000000"
        + " PUSH1 0x00 CALLDATALOAD DIV",
      "PUSH4 0xffffffff PUSH29 0x0100000000000000000000000000000000000000000000000000000000"
        + " PUSH1 0x00 CALLDATALOAD DIV AND",
      "PUSH1 0x00 CALLDATALOAD PUSH1 0x1c MSTORE PUSH1 0x00 MLOAD",
      "PUSH1 0x04 PUSH1 0x00 PUSH1 0x1c CALLDATACOPY PUSH1 0x00 MLOAD",
      "PUSH1 0xe0 PUSH1 0x02 EXP PUSH1 0x00 CALLDATALOAD DIV",
    ])
  func extraction(form: String) throws {
    let code = try assemble(
      """
      \(form) DUP1 PUSH1 0x00 EQ @zero JUMPI DUP1 PUSH2 0x1234 EQ @short JUMPI
      DUP1 PUSH4 0xfedcba98 EQ @long JUMPI PUSH1 0x00 DUP1 REVERT
      zero: STOP short: STOP long: STOP
      """)
    #expect(BytecodeAnalysis(code: code).selectors == ["0x00000000", "0x00001234", "0xfedcba98"])
  }

  @Test("Binary search; a constant outside of its half is no function")
  func binarySearch() throws {
    let code = try assemble(
      """
      \(selectorOnStack)
      DUP1 PUSH4 0x80000000 GT @low JUMPI
      DUP1 PUSH4 0x90000000 EQ @f JUMPI
      DUP1 PUSH4 0x10000000 EQ @f JUMPI
      @no JUMP
      low: DUP1 PUSH4 0x20000000 EQ @f JUMPI
      DUP1 PUSH4 0xa0000000 EQ @f JUMPI
      no: PUSH1 0x00 DUP1 REVERT
      f: STOP
      """)
    #expect(BytecodeAnalysis(code: code).selectors == ["0x20000000", "0x90000000"])
  }

  @Test("Comparing msg.sig in a function's body or with other data finds nothing")
  func bodies() throws {
    let code = try assemble(
      """
      \(selectorOnStack) DUP1 PUSH4 0x11111111 EQ @f JUMPI PUSH1 0x00 DUP1 REVERT
      f: DUP1 PUSH4 0x22222222 EQ @g JUMPI
      PUSH1 0x04 CALLDATALOAD PUSH1 0xe0 SHR PUSH4 0x33333333 EQ @g JUMPI STOP
      g: PUSH1 0x01 PUSH1 0x02 SSTORE STOP
      """)
    let analysis = BytecodeAnalysis(code: code)
    #expect(analysis.selectors == ["0x11111111"])
    #expect(analysis.conditionalSelectors.isEmpty)
  }

  @Test("Selectors for some callers only are told apart")
  func conditional() throws {
    let code = try assemble(
      """
      \(selectorOnStack) PUSH1 0x05 SLOAD CALLER EQ @admin JUMPI
      PUSH1 0x00 DUP1 REVERT
      admin: DUP1 PUSH4 0x4f1ef286 EQ @upgrade JUMPI PUSH1 0x00 DUP1 REVERT
      upgrade: STOP
      """)
    let analysis = BytecodeAnalysis(code: code)
    #expect(analysis.functions.isEmpty)
    #expect(analysis.conditionalSelectors.map(\.description) == ["0x4f1ef286"])
  }

  @Test("A table indexed by a remainder of the selector")
  func table() throws {
    // Two buckets of two-byte targets behind the code.
    let code = try assemble(
      """
      \(selectorOnStack) PUSH1 0x02 DUP1 DUP3 MOD MUL @table PUSH1 0x01 ADD ADD
      PUSH1 0x02 SWAP1 PUSH1 0x1e CODECOPY PUSH1 0x00 MLOAD JUMP
      even: DUP1 PUSH4 0x10000002 EQ @f JUMPI DUP1 PUSH4 0x10000003 EQ @f JUMPI @no JUMP
      odd: DUP1 PUSH4 0x20000005 EQ @f JUMPI
      no: PUSH1 0x00 DUP1 REVERT
      f: STOP
      table: 0x0000 0x0000
      """)
    var patched = code
    let graph = Disassembly(code: code).instructions.filter { $0.opcode == .jumpdest }.map(\.offset)
    patched.replaceSubrange(
      (code.count - 4)...,
      with: [
        UInt8(graph[0] >> 8), UInt8(graph[0] & 0xff), UInt8(graph[1] >> 8), UInt8(graph[1] & 0xff),
      ])
    let analysis = BytecodeAnalysis(code: patched)
    // 0x10000003 is odd and never gets to the even bucket.
    #expect(analysis.selectors == ["0x10000002", "0x20000005"])
  }

  @Test("Fallback, receive and ether")
  func envelope() throws {
    func build(_ short: String, _ unmatched: String, _ function: String) throws -> BytecodeAnalysis
    {
      BytecodeAnalysis(
        code: try assemble(
          """
          PUSH1 0x04 CALLDATASIZE LT @short JUMPI
          \(selectorOnStack) DUP1 PUSH4 0x12345678 EQ @f JUMPI
          no: \(unmatched)
          short: \(short)
          f: \(function) STOP
          """))
    }
    let revert = "PUSH1 0x00 DUP1 REVERT"
    let refuse = "CALLVALUE DUP1 ISZERO @ok JUMPI PUSH1 0x00 DUP1 REVERT ok:"
    let plain = try build(revert, revert, refuse)
    #expect(!plain.hasFallback && !plain.hasReceive)
    #expect(plain.functions.map(\.isPayable) == [false])
    let receive = try build("CALLDATASIZE @no JUMPI STOP", revert, "")
    #expect(!receive.hasFallback && receive.hasReceive)
    #expect(receive.functions.map(\.isPayable) == [true])
    let fallback = try build("@no JUMP", "CALLER PUSH1 0x00 SSTORE STOP", "")
    #expect(fallback.hasFallback && !fallback.hasReceive)
    let both = try build("CALLDATASIZE @no JUMPI STOP", "CALLER PUSH1 0x00 SSTORE STOP", "")
    #expect(both.hasFallback && both.hasReceive)
  }

  @Test("A loop and a recursion in a function end")
  func loops() throws {
    let code = try assemble(
      """
      \(selectorOnStack) PUSH4 0x12345678 EQ @f JUMPI STOP
      f: PUSH1 0x00
      loop: DUP1 PUSH1 0x0a LT @done JUMPI PUSH1 0x01 ADD @loop JUMP
      done: PUSH1 0x07 SLOAD
      again: PUSH1 0x00 CALLDATALOAD @again JUMP
      """)
    let analysis = BytecodeAnalysis(code: code)
    #expect(analysis.selectors == ["0x12345678"])
    // What stands behind ten rounds of the loop is found.
    #expect(analysis.storageAccesses.map(\.slot.constant) == [7])
    let reached = analysis.controlFlow.blocks.filter(\.isReached).count
    #expect(reached == analysis.controlFlow.blocks.count)
  }
}
