import Solidity
import SoliditySyntax
import Testing

@Suite("Constant expressions")
struct ConstantTests {
  @Test(
    "values",
    arguments: [
      ("uint", "2 ** 10 - 1", "1023"),
      ("uint", "1.5 ether", "1500000000000000000"),
      ("uint", "2.5e3 + 0x10", "2516"),
      ("uint", "(1 / 3) * 3", "1"),
      ("uint", "7 weeks / 1 days", "49"),
      ("uint", "1_000_000 gwei", "1000000000000000"),
      ("uint", "type(uint256).max >> 255", "1"),
      ("uint8", "type(uint8).max", "255"),
      ("int16", "type(int16).min", "-32768"),
      ("int", "-7 / 2 * 2", "-7"),
      ("int", "int(-7) / 2", "-3"),
      ("int", "int(-7) % 4", "-3"),
      ("uint", "~uint8(1)", "254"),
      ("int8", "~int8(0)", "-1"),
      ("uint8", "uint8(300 - 45)", "255"),
      ("uint8", "uint8(uint16(0x1234))", "52"),
      ("uint", "uint(BASE) * 3", "126"),
      ("uint", "BASE == 42 ? 10 : 20", "10"),
      ("bool", "BASE > 41 && !false", "true"),
      ("bool", "1 == 2 || 3 < 2", "false"),
      ("address", "address(uint160(0x1234))", "4660"),
      ("bytes4", "bytes4(keccak256(\"transfer(address,uint256)\"))", "0xa9059cbb"),
      ("bytes4", "I.transfer.selector", "0xa9059cbb"),
      ("bytes4", "type(I).interfaceId", "0xa9059cbb"),
      ("bytes4", "OwnableUnauthorizedAccount.selector", "0x118cdaa7"),
      ("bytes2", "bytes2(bytes32(uint256(0x1234) << 240))", "0x1234"),
      ("bytes3", "\"abc\"", "0x616263"),
      ("bytes4", "\"abc\"", "0x61626300"),
      ("bytes2", "hex\"ff00\" | bytes2(0x000f)", "0xff0f"),
      ("bytes", "bytes.concat(bytes1(0x01), hex\"02\")", "0x0102"),
      ("bytes1", "bytes4(0x01020304)[2]", "0x03"),
      ("uint", "uint(keccak256(abi.encodePacked(uint16(1))))", nil),
      (
        "bytes32", "bytes32(uint256(keccak256(\"eip1967.proxy.implementation\")) - 1)",
        "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
      ),
      (
        "bytes32", "keccak256(bytes(\"\"))",
        "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
      ),
      (
        "bytes32", "keccak256(abi.encode(uint256(0)))",
        "0x290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563"
      ),
      ("uint", "Color.Green == Color.Green ? 1 : 0", "1"),
      ("uint", "uint(Color.Green)", "1"),
      ("uint", "uint(type(Color).max)", "2"),
      ("Wad", "Wad.wrap(7)", "7"),
      ("uint", "Wad.unwrap(Wad.wrap(9))", "9"),
      ("uint", "Library.STEP + Base.ROOM", "12"),
    ] as [(String, String, String?)])
  func values(type: String, expression: String, value: String?) {
    let test = TestProgram(
      """
      pragma solidity ^0.8.20;
      uint constant BASE = 42;
      type Wad is uint256;
      error OwnableUnauthorizedAccount(address account);
      interface I { function transfer(address, uint256) external; }
      library Library { uint internal constant STEP = 5; }
      contract Base { uint internal constant ROOM = 7; enum Color { Red, Green, Blue } }
      contract C is Base { \(type) constant X = \(expression); }
      """)
    #expect(test.messages.isEmpty)
    if let value {
      #expect(test.constant("X") == value)
    } else {
      #expect(test.constant("X") != nil)
    }
  }

  @Test(
    "no value",
    arguments: [
      ("uint8", "uint8(255) + uint8(1)"), ("uint", "uint(0) - 1"), ("uint", "1 / uint(0)"),
      ("uint", "block.timestamp"), ("bytes32", "keccak256(abi.encode(msg.sender))"),
      ("uint", "uint(1) % 0"), ("uint", "X"), ("uint", "2 ** 5000 - 2 ** 5000"),
    ])
  func none(type: String, expression: String) {
    let test = TestProgram(
      "pragma solidity ^0.8.20; contract C { \(type) constant X = \(expression); }")
    #expect(test.constant("X") == nil)
  }

  @Test("interface identifiers as the standards publish them")
  func interfaceIdentifiers() throws {
    let test = TestProgram(
      """
      pragma solidity ^0.8.20;
      interface IERC165 { function supportsInterface(bytes4 id) external view returns (bool); }
      interface IERC721 is IERC165 {
        function balanceOf(address) external view returns (uint256);
        function ownerOf(uint256) external view returns (address);
        function safeTransferFrom(address, address, uint256, bytes calldata) external;
        function safeTransferFrom(address, address, uint256) external;
        function transferFrom(address, address, uint256) external;
        function approve(address, uint256) external;
        function setApprovalForAll(address, bool) external;
        function getApproved(uint256) external view returns (address);
        function isApprovedForAll(address, address) external view returns (bool);
      }
      contract C { bytes4 constant ID = type(IERC721).interfaceId; }
      """)
    #expect(test.constant("ID") == "0x80ac58cd")
    #expect(
      test.program.interfaceIdentifier(of: test.contract("IERC165"))?.description == "0x01ffc9a7")
  }

  @Test("arithmetic wraps before 0.8")
  func wraps() {
    let source =
      "contract C { uint8 constant X = uint8(255) + uint8(2); uint constant Y = uint(0) - 1; }"
    let old = TestProgram("pragma solidity ^0.7.0; " + source)
    #expect(old.constant("X") == "1")
    #expect(
      old.constant("Y")
        == "115792089237316195423570985008687907853269984665640564039457584007913129639935")
  }

  @Test("constants that depend on each other are reported")
  func cyclic() {
    let test = TestProgram(
      "contract C { uint constant A = B + 1; uint constant B = A + 1; uint constant D = 3; uint[A] x; }"
    )
    #expect(test.constant("A") == nil)
    #expect(test.constant("D") == "3")
    #expect(test.messages.contains { $0.contains("depends on itself") })
  }

  /// Lengths that the compiler computes: literals, plainly named constants and operators.
  @Test(
    "array lengths",
    arguments: [
      ("3", "3"), ("N", "4"), ("N * 2 + 1", "9"), ("(N)", "4"), ("1 << N", "16"),
      ("7 / 2 * 2", "7"),
      ("N / 3 * 3", "3"), ("2 ** 256 - 1", nil), ("-(-3)", "3"), ("1e3", "1000"),
      ("0xff & 15", "15"),
      ("~(-5)", "4"), ("11 % N", "3"), ("BIG - BIG + 1", "1"),
    ] as [(String, String?)])
  func lengths(expression: String, value: String?) throws {
    let test = TestProgram(
      """
      pragma solidity ^0.8.20;
      uint constant BIG = 2 ** 255;
      contract C { uint constant N = 4; uint8[\(expression)] x; }
      """)
    #expect(test.messages.isEmpty)
    let variable = try #require(test.contract("C").stateVariables.last)
    guard case .array(_, let length?, _) = test.program.type(of: variable) else {
      Issue.record("no array with a length")
      return
    }
    if let value { #expect(String(length) == value) } else { #expect(length.bitWidth == 256) }
    guard case .array(_, let written?) = variable.typeName?.kind else { return }
    #expect(test.program.compileTimeNumber(of: written)?.integer?.magnitude == length)
  }

  @Test(
    "what the compiler refuses as a length",
    arguments: ["C.N", "M", "uint(3)", "f()", "x", "type(uint8).max", "0", "-1", "1 / 2"])
  func refusedLengths(expression: String) throws {
    let test = TestProgram(
      """
      pragma solidity ^0.8.20;
      contract C {
        uint constant N = 4; uint constant M = C.N; uint x;
        function f() public pure returns (uint) { return 1; }
        uint8[\(expression)] array;
      }
      """)
    let variable = try #require(test.contract("C").stateVariables.last)
    guard case .array(_, let written?) = variable.typeName?.kind else {
      Issue.record("no length written")
      return
    }
    let number = test.program.compileTimeNumber(of: written)
    let isUsable = number?.integer.map { $0 > 0 } ?? false
    #expect(!isUsable)
  }

  @Test("huge exponents and shifts end at once")
  func bounded() {
    for expression in [
      "2 ** (2 ** 200)", "1 << (1 << 60)", "10 ** 100000", "1e99999999", "9 ** 9 ** 9 ** 9",
    ] {
      let test = TestProgram(
        "contract C { uint constant X = \(expression); uint[\(expression)] y; }")
      #expect(test.constant("X") == nil)
    }
  }
}
