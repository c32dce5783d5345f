import Bytecode
import Ethereum
import Testing

@Suite("Proxies and creation code")
struct ProxyTests {
  /// Code that hands all call data on to the address on the stack.
  static let delegate =
    "CALLDATASIZE PUSH1 0x00 DUP1 CALLDATACOPY PUSH1 0x00 DUP1 CALLDATASIZE PUSH1 0x00 DUP5 GAS "
    + "DELEGATECALL RETURNDATASIZE PUSH1 0x00 DUP1 RETURNDATACOPY @ok JUMPI "
    + "RETURNDATASIZE PUSH1 0x00 REVERT ok: RETURNDATASIZE PUSH1 0x00 RETURN"
  static let mask = "PUSH20 0xffffffffffffffffffffffffffffffffffffffff AND"

  static func push(_ word: Word) -> String { "PUSH32 \(word.paddedHexString)" }

  private func kind(_ load: String) throws -> ProxyKind? {
    BytecodeAnalysis(code: try assemble("\(load) \(Self.delegate)")).proxy
  }

  @Test("Agreed slots")
  func agreed() throws {
    func load(_ slot: WellKnownSlot) -> String { "\(Self.push(slot.slot)) SLOAD \(Self.mask)" }
    #expect(try kind(load(.erc1967Implementation)) == .erc1967(readsAdmin: false))
    #expect(
      try kind(
        "\(Self.push(WellKnownSlot.erc1967Admin.slot)) SLOAD CALLER SUB @user JUMPI STOP user: "
          + load(.erc1967Implementation)) == .erc1967(readsAdmin: true))
    #expect(try kind(load(.erc1822Proxiable)) == .erc1822)
    #expect(try kind(load(.zeppelinOSImplementation)) == .zeppelinOS)
    #expect(
      try kind("PUSH1 0x00 SLOAD \(Self.mask)") == .storage(StorageSlot(root: .constant(0))))
  }

  @Test("A beacon in a slot")
  func beacon() throws {
    let slot = WellKnownSlot.erc1967Beacon.slot
    let load =
      "PUSH4 0x5c60da1b PUSH1 0xe0 SHL PUSH1 0x00 MSTORE PUSH1 0x20 PUSH1 0x00 PUSH1 0x04 "
      + "PUSH1 0x00 \(Self.push(slot)) SLOAD GAS STATICCALL POP PUSH1 0x00 MLOAD"
    #expect(try kind(load) == .beacon(StorageSlot(root: .constant(slot))))
  }

  @Test("A diamond looks the selector up in a mapping")
  func diamond() throws {
    let slot = WellKnownSlot.diamondStorage.slot
    let load =
      "PUSH1 0x00 CALLDATALOAD PUSH32 0x\("ffffffff" + String(repeating: "00", count: 28)) AND "
      + "PUSH1 0x00 MSTORE \(Self.push(slot)) PUSH1 0x20 MSTORE PUSH1 0x40 PUSH1 0x00 KECCAK256 "
      + "SLOAD \(Self.mask)"
    #expect(
      try kind(load)
        == .diamond(StorageSlot(root: .constant(slot), steps: [.mappingValue])))
  }

  @Test("Targets from the code, the caller and nowhere")
  func targets() throws {
    let text = "bebebebebebebebebebebebebebebebebebebebe"
    let address = try Address(text)
    #expect(try kind("PUSH20 0x\(text)") == .fixed(address, isImmutable: false))
    #expect(
      try kind("PUSH32 0x000000000000000000000000\(text)") == .fixed(address, isImmutable: true))
    #expect(try kind("PUSH1 0x04 CALLDATALOAD") == .other(.callData))
    #expect(try kind("ADDRESS") == .other(.own))
    #expect(BytecodeAnalysis(code: try assemble("CALLER POP STOP")).proxy == nil)
  }

  @Test("A delegatecall in a function makes no proxy and is reported with its origin")
  func inFunction() throws {
    let code = try assemble(
      """
      \(selectorOnStack) PUSH4 0x12345678 EQ @f JUMPI PUSH1 0x00 DUP1 REVERT
      f: PUSH1 0x04 CALLDATALOAD \(Self.delegate)
      """)
    let analysis = BytecodeAnalysis(code: code)
    #expect(analysis.proxy == nil)
    #expect(analysis.delegateCalls.map(\.target) == [.callData])
    #expect(
      analysis.delegateCalls.map(\.entryPoints)
        == [[.function(Selector(rawValue: 0x1234_5678))]])
  }

  @Test("Creation code gives its runtime code and immutables")
  func creation() throws {
    let runtime = try assemble(
      "\(selectorOnStack) PUSH4 0x12345678 EQ @f JUMPI STOP "
        + "f: PUSH32 0x\(String(repeating: "00", count: 32)) PUSH1 0x00 MSTORE STOP")
    let size = "PUSH1 \(Hex.encode([UInt8(runtime.count)]))"
    // The constructor reads an argument behind the code, and writes the caller into the immutable.
    let body =
      "CALLVALUE ISZERO @free JUMPI PUSH1 0x00 DUP1 REVERT free: "
      + "PUSH1 0x20 PUSH1 0x20 CODESIZE SUB PUSH1 0x80 CODECOPY PUSH1 0x80 MLOAD @paid JUMPI "
      + "PUSH1 0x00 DUP1 REVERT paid: \(size) PUSH1 OFFSET PUSH1 0x00 CODECOPY "
      + "CALLER PUSH1 0x13 MSTORE \(size) PUSH1 0x00 RETURN INVALID"
    let length = try assemble(body.replacing("OFFSET", with: "0x00")).count
    let code =
      try assemble(body.replacing("OFFSET", with: Hex.encode([UInt8(length)]))) + runtime
    let analysis = BytecodeAnalysis(code: code)
    let creation = try #require(analysis.creation)
    #expect(creation.runtimeRange == length..<code.count)
    #expect(analysis.disassembly.code == runtime)
    #expect(creation.immutables.map(\.offset) == [0x13])
    #expect(creation.immutables.map(\.value) == [nil])
    #expect(analysis.selectors == ["0x12345678"])
    // Runtime code by itself is no creation code.
    #expect(BytecodeAnalysis(code: runtime).creation == nil)
  }
}
