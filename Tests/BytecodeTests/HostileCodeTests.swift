import Bytecode
import Ethereum
import Testing

@Suite("Hostile code")
struct HostileCodeTests {
  /// Instructions that lead somewhere, so that random code gets past its first bytes.
  private static let busy: [UInt8] = [
    0x01, 0x02, 0x03, 0x04, 0x06, 0x0a, 0x10, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1b, 0x1c, 0x20,
    0x33, 0x34, 0x35, 0x36, 0x37, 0x39, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x5b, 0x5c,
    0x5e, 0x5f, 0x60, 0x60, 0x60, 0x60, 0x61, 0x63, 0x80, 0x81, 0x82, 0x90, 0x91, 0xf1, 0xf4, 0xf3,
  ]

  private func examine(_ code: [UInt8], _ comment: Comment) {
    let analysis = BytecodeAnalysis(code: code)
    #expect(
      analysis.functions.map(\.selector) == analysis.functions.map(\.selector).sorted(), comment)
    #expect(analysis.controlFlow.blocks.last?.end ?? 0 == analysis.disassembly.code.count, comment)
    #expect(!BytecodeReport(analysis).description.isEmpty, comment)
  }

  @Test("Random bytes", arguments: 0..<150 as Range<UInt64>)
  func random(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let code = (0..<Int(random.next() % 400)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    examine(code, "seed \(seed)")
  }

  @Test("Random instructions", arguments: 0..<150 as Range<UInt64>)
  func instructions(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let code = (0..<Int(random.next() % 600)).map { _ in
      random.next() % 8 == 0
        ? UInt8(truncatingIfNeeded: random.next() % 64)
        : Self.busy[Int(random.next() % UInt64(Self.busy.count))]
    }
    examine(code, "seed \(seed)")
  }

  @Test("Compiled code with bytes changed, cut or doubled", arguments: 0..<60 as Range<UInt64>)
  func mutated(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let builds = try VyperBuild.all()
    let build = builds[Int(random.next() % UInt64(builds.count))]
    var code = try Hex.decode(seed.isMultiple(of: 2) ? build.runtime : build.creation)
    for _ in 0..<(1 + random.next() % 12) {
      let position = Int(random.next() % UInt64(code.count))
      switch random.next() % 4 {
      case 0: code[position] = UInt8(truncatingIfNeeded: random.next())
      case 1: code.remove(at: position)
      case 2: code.insert(UInt8(truncatingIfNeeded: random.next()), at: position)
      default: code.append(contentsOf: code[position...].prefix(64))
      }
    }
    examine(code, "seed \(seed)")
  }

  @Test("Code that forks at every step is cut short and says so")
  func forks() throws {
    // Each round tests another word of call data, and two rounds in three change what is known.
    let round = "PUSH1 0x04 CALLDATALOAD GAS SLOAD LT @lNUMBER JUMPI PUSH1 0x01 ADD lNUMBER: "
    let text =
      "PUSH1 0x00 " + (0..<400).map { round.replacing("NUMBER", with: "\($0)") }.joined() + "STOP"
    let analysis = BytecodeAnalysis(code: try assemble(text))
    #expect(analysis.controlFlow.blocks.allSatisfy { $0.isReached } || !analysis.isComplete)
  }

  @Test("Values that double at every step stay small")
  func doubling() throws {
    let text =
      "PUSH1 0x04 CALLDATALOAD " + String(repeating: "DUP1 MUL ", count: 400)
      + "PUSH1 0x00 SSTORE PUSH1 0x04 CALLDATALOAD "
      + String(repeating: "DUP1 CALLER XOR DUP2 AND ADD ", count: 300) + "PUSH1 0x01 SSTORE STOP"
    let analysis = BytecodeAnalysis(code: try assemble(text))
    #expect(analysis.storageAccesses.filter(\.isWrite).map(\.slot.constant) == [0, 1])
  }

  @Test("A remainder by a large number does not split into as many ways")
  func largeRemainder() throws {
    let text =
      "\(selectorOnStack) PUSH2 0x0400 DUP2 MOD PUSH2 0x0400 DUP3 MOD ADD PUSH2 0x0400 DUP3 MOD "
      + "ADD JUMP"
    let analysis = BytecodeAnalysis(code: try assemble(text))
    #expect(analysis.functions.isEmpty)
  }
}
