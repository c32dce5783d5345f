import Bytecode
import Ethereum
import Testing

@Suite("Storage accesses")
struct StorageAccessTests {
  private func accesses(_ text: String) throws -> [StorageAccess] {
    BytecodeAnalysis(code: try assemble(text)).storageAccesses
  }

  private func texts(_ text: String) throws -> [String] {
    try accesses(text).map { access in
      let kind = access.isWrite ? "write" : "read"
      return "\(kind) \(access.isTransient ? "transient " : "")\(access.slot) "
        + (access.bytes?.description ?? "some bytes")
    }
  }

  private static let low20 = "PUSH20 0xffffffffffffffffffffffffffffffffffffffff"

  @Test(
    "Slots and bytes",
    arguments: [
      // A full word.
      ("PUSH1 0x05 SLOAD PUSH1 0x00 MSTORE STOP", ["read slot 5 bytes 0-31"]),
      // An address at the low end, with a mask.
      (
        "\(low20) PUSH1 0x02 SLOAD AND PUSH1 0x00 MSTORE STOP", ["read slot 2 bytes 0-19"]
      ),
      // A flag at byte 20, by division and by shift.
      (
        "PUSH1 0x02 SLOAD PUSH21 0x010000000000000000000000000000000000000000 SWAP1 DIV "
          + "PUSH1 0xff AND PUSH1 0x00 MSTORE STOP", ["read slot 2 byte 20"]
      ),
      (
        "PUSH1 0x02 SLOAD PUSH1 0xa0 SHR PUSH1 0xff AND ISZERO PUSH1 0x00 MSTORE STOP",
        ["read slot 2 byte 20"]
      ),
      // The same flag before the shift.
      (
        "PUSH1 0x02 SLOAD PUSH21 0xff0000000000000000000000000000000000000000 AND "
          + "PUSH1 0x00 MSTORE STOP", ["read slot 2 byte 20"]
      ),
      // A signed 16-bit number.
      (
        "PUSH1 0x01 SLOAD PUSH1 0x20 SHR PUSH1 0x01 SIGNEXTEND PUSH1 0x00 MSTORE STOP",
        ["read slot 1 bytes 4-5"]
      ),
      // An address written beside others: the old word is merged, not read.
      (
        "CALLER \(low20) NOT PUSH1 0x03 SLOAD AND OR PUSH1 0x03 SSTORE STOP",
        ["write slot 3 bytes 0-19"]
      ),
      // A flag set without clearing it first.
      (
        "PUSH1 0x03 SLOAD PUSH1 0x01 OR PUSH1 0x03 SSTORE STOP", ["write slot 3 byte 0"]
      ),
      // Two fields written in one go.
      (
        "PUSH1 0x03 SLOAD PUSH2 0xffff NOT AND PUSH1 0x07 OR PUSH1 0x03 SSTORE STOP",
        ["write slot 3 bytes 0-1"]
      ),
      // A word replaced.
      ("CALLER PUSH1 0x03 SSTORE STOP", ["write slot 3 bytes 0-31"]),
      // Transient storage.
      (
        "PUSH1 0x01 PUSH1 0x00 TSTORE PUSH1 0x00 TLOAD PUSH1 0x00 MSTORE STOP",
        ["read transient slot 0 bytes 0-31", "write transient slot 0 bytes 0-31"]
      ),
      // mapping(address => uint) at 4.
      (
        "CALLER PUSH1 0x00 MSTORE PUSH1 0x04 PUSH1 0x20 MSTORE PUSH1 0x40 PUSH1 0x00 KECCAK256 "
          + "SLOAD PUSH1 0x00 MSTORE STOP", ["read slot 4, mapping value bytes 0-31"]
      ),
      // mapping(address => mapping(address => Struct)) at 4, second word.
      (
        "PUSH1 0x80 PUSH1 0x40 MSTORE "
          + "CALLER PUSH1 0x00 MSTORE PUSH1 0x04 PUSH1 0x20 MSTORE PUSH1 0x40 PUSH1 0x00 KECCAK256 "
          + "PUSH1 0x20 MSTORE ORIGIN PUSH1 0x00 MSTORE PUSH1 0x40 PUSH1 0x00 KECCAK256 "
          + "PUSH1 0x01 ADD SLOAD PUSH1 0x00 MSTORE STOP",
        ["read slot 4, mapping value, mapping value, +1 bytes 0-31"]
      ),
      // An element of a dynamic array at 6, of two words each.
      (
        "PUSH1 0x06 PUSH1 0x00 MSTORE PUSH1 0x02 PUSH1 0x04 CALLDATALOAD MUL "
          + "PUSH1 0x20 PUSH1 0x00 KECCAK256 ADD SLOAD PUSH1 0x00 MSTORE STOP",
        ["read slot 6, elements, [i * 2] bytes 0-31"]
      ),
      // The same with the hash of slot 0 computed by the compiler, third word.
      (
        "PUSH32 0x290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e565 SLOAD "
          + "PUSH1 0x00 MSTORE STOP", ["read slot 0, elements, +2 bytes 0-31"]
      ),
      // A reference that the caller passes in.
      (
        "PUSH1 0x04 CALLDATALOAD PUSH1 0x01 ADD SLOAD PUSH1 0x00 MSTORE STOP",
        ["read slot from call data, +1 bytes 0-31"]
      ),
      // An element of a packed array: which byte is meant is open.
      (
        "PUSH1 0x04 CALLDATALOAD PUSH1 0x03 SHL PUSH1 0x09 SLOAD SWAP1 SHR PUSH1 0xff AND "
          + "PUSH1 0x00 MSTORE STOP", ["read slot 9 some bytes"]
      ),
      // A mapping with a text as key: bytes of unknown number and the slot behind them.
      (
        "PUSH1 0x04 CALLDATALOAD DUP1 PUSH1 0x24 PUSH1 0x80 CALLDATACOPY DUP1 PUSH1 0x80 ADD "
          + "PUSH1 0x07 SWAP1 MSTORE PUSH1 0x20 ADD PUSH1 0x80 KECCAK256 SLOAD PUSH1 0x00 MSTORE "
          + "STOP", ["read slot 7, mapping value bytes 0-31"]
      ),
    ])
  func slots(code: String, expected: [String]) throws {
    #expect(try texts(code) == expected)
  }

  @Test("Accesses name the entry points that come to them")
  func entryPoints() throws {
    let found = try accesses(
      """
      \(selectorOnStack) DUP1 PUSH4 0x11111111 EQ @a JUMPI DUP1 PUSH4 0x22222222 EQ @b JUMPI
      CALLER PUSH1 0x00 SSTORE STOP
      a: @back @shared JUMP
      b: @back @shared JUMP
      shared: PUSH1 0x01 SLOAD PUSH1 0x00 MSTORE JUMP
      back: STOP
      """)
    let a = EntryPoint.function(Selector(rawValue: 0x1111_1111))
    let b = EntryPoint.function(Selector(rawValue: 0x2222_2222))
    #expect(found.map(\.slot.constant) == [0, 1])
    #expect(found.map(\.entryPoints) == [[.fallback], [a, b]])
  }

  @Test("Both values of a variable that branches set are found")
  func branches() throws {
    let found = try texts(
      """
      PUSH1 0x08 CALLER @other JUMPI POP PUSH1 0x09
      other: SLOAD PUSH1 0x00 MSTORE STOP
      """)
    #expect(found == ["read slot 8 bytes 0-31", "read slot 9 bytes 0-31"])
  }
}
