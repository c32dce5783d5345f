import Solidity
import SoliditySyntax
import Testing

@Suite("Types of expressions")
struct ExpressionTypeTests {
  static let source = """
    pragma solidity ^0.8.20;
    contract Other { uint[] public list; function many() external returns (uint[] memory, bytes memory) {} }
    contract C {
      struct S { uint a; uint[3] b; mapping(address => S[]) m; }
      enum E { P, Q }
      S stored; S[] all; mapping(bytes32 => S) byKey; bytes raw; Other other; string constant NAME = "n";
      function (uint) external returns (bool) hook;
      function pick() internal view returns (S storage) { return all[0]; }
      function f(S[] calldata given, bytes calldata data, uint8 small, int64 wide) external {
        stored; stored.b; stored.m[msg.sender]; all[1].b[2]; byKey["x"]; raw[0]; raw.length;
        S memory copy = stored; copy.b; S storage alias_ = pick(); alias_.b;
        given[0]; data[4:]; data[0]; msg.sender; payable(msg.sender); block.timestamp;
        small + 1; small + 300; small * small; wide - 5; small << 3; 1 << small; 2 ** small; -wide; ~small;
        small > 3; true && false; 1 + 2; 1.5 * 3; "lit"; [1, 2, 300]; (small, wide); true ? small : 1000;
        address(this); address(0x1234); uint8(wide); bytes(NAME); abi.encode(small); abi.decode(data, (uint8, S[]));
        keccak256(data); other.list(0); other.many(); new Other(); new uint[](3); E.P; type(E).max; type(uint8).max;
        hook(1); hook.selector; this.f.selector; address(other).call(""); (bool ok, ) = address(other).call(data); ok;
        all.push(); all.push; S(1, [uint(1), 2, 3]); uint; Other; C.S; data.length; delete raw; NAME;
      }
    }
    """

  @Test(
    "as the compiler writes them",
    arguments: [
      ("stored", "struct C.S storage ref"), ("stored.b", "uint256[3] storage ref"),
      ("stored.m[msg.sender]", "struct C.S storage ref[] storage ref"),
      ("all[1].b[2]", "uint256"), ("byKey[\"x\"]", "struct C.S storage ref"),
      ("byKey", "mapping(bytes32 => struct C.S storage ref)"), ("raw[0]", "bytes1"),
      ("raw.length", "uint256"), ("copy.b", "uint256[3] memory"), ("copy", "struct C.S memory"),
      ("alias_.b", "uint256[3] storage ref"), ("given[0]", "struct C.S calldata"),
      ("given", "struct C.S calldata[] calldata"), ("data[4:]", "bytes calldata"),
      ("data[0]", "bytes1"), ("msg.sender", "address"),
      ("payable(msg.sender)", "address payable"), ("block.timestamp", "uint256"),
      ("small + 1", "uint8"), ("small + 300", "uint16"), ("small * small", "uint8"),
      ("wide - 5", "int64"), ("small << 3", "uint8"), ("1 << small", "uint256"),
      ("2 ** small", "uint256"), ("-wide", "int64"), ("~small", "uint8"), ("small > 3", "bool"),
      ("true && false", "bool"), ("1 + 2", "int_const 3"), ("1.5 * 3", "rational_const 9 / 2"),
      ("\"lit\"", "literal_string \"lit\""), ("[1, 2, 300]", "uint16[3] memory"),
      ("(small, wide)", "tuple(uint8,int64)"), ("true ? small : 1000", "uint16"),
      ("address(this)", "address"), ("address(0x1234)", "address"), ("uint8(wide)", "uint8"),
      ("bytes(NAME)", "bytes memory"), ("abi.encode(small)", "bytes memory"),
      ("abi.decode(data, (uint8, S[]))", "tuple(uint8,struct C.S memory[] memory)"),
      ("keccak256(data)", "bytes32"), ("other.list(0)", "uint256"),
      ("other.many()", "tuple(uint256[] memory,bytes memory)"), ("new Other()", "contract Other"),
      ("new uint[](3)", "uint256[] memory"), ("E.P", "enum C.E"), ("type(E).max", "enum C.E"),
      ("type(uint8).max", "uint8"), ("hook(1)", "bool"), ("hook.selector", "bytes4"),
      ("hook", "function (uint256) external returns (bool)"),
      ("this.f.selector", "bytes4"), ("this", "contract C"),
      ("address(other).call(\"\")", "tuple(bool,bytes memory)"), ("ok", "bool"),
      ("all.push()", "struct C.S storage ref"), ("uint", "type(uint256)"),
      ("S(1, [uint(1), 2, 3])", "struct C.S memory"), ("Other", "type(contract Other)"),
      ("C.S", "type(struct C.S storage pointer)"), ("data.length", "uint256"),
      ("delete raw", "tuple()"), ("NAME", "string memory"), ("pick()", "struct C.S storage ref"),
      ("hook.selector", "bytes4"),
      ("this.f", "function (struct C.S memory[] memory,bytes memory,uint8,int64) external"),
    ])
  func types(expression: String, type: String) {
    let test = TestProgram(ExpressionTypeTests.source)
    #expect(test.messages.isEmpty)
    #expect(test.type(expression) == type)
  }

  @Test("var takes the type of its value")
  func inferred() {
    let test = TestProgram(
      """
      pragma solidity ^0.4.20;
      contract C {
        struct S { uint a; } S[] list; address owner;
        function two() internal returns (uint8, bytes32) {}
        function f() public {
          var a = 5; var b = 300; var c = list[0]; var (d, e) = two(); var (x, , z) = (1, 2, "s");
          a; b; c; d; e; x; z; owner.call.value(1).gas(2)(b); owner.send(1); this.balance;
        }
      }
      """)
    #expect(test.messages.isEmpty)
    #expect(test.type("a") == "uint8")
    #expect(test.type("b") == "uint16")
    #expect(test.type("c") == "struct C.S storage ref")
    #expect(test.type("d") == "uint8")
    #expect(test.type("e") == "bytes32")
    #expect(test.type("x") == "uint8")
    #expect(test.type("z") == "string memory")
    #expect(test.type("owner.call.value(1).gas(2)(b)") == "bool")
    #expect(test.type("owner.send(1)") == "bool")
    #expect(test.type("this.balance") == "uint256")
    guard
      case .lowLevel(.call) = test.program.callee(
        of: test.expression("owner.call.value(1).gas(2)(b)"))
    else {
      Issue.record("no low-level call")
      return
    }
  }

  @Test("payable addresses from 0.5 until 0.8")
  func payable() {
    let source = """
      contract P { function () external payable {} }
      contract C { function f(P p, uint160 n) public { msg.sender; address(p); address(n); tx.origin; address(this); } }
      """
    let test = TestProgram("pragma solidity ^0.5.0;\n" + source)
    #expect(test.type("msg.sender") == "address payable")
    #expect(test.type("tx.origin") == "address payable")
    #expect(test.type("address(p)") == "address payable")
    #expect(test.type("address(n)") == "address payable")
    #expect(test.type("address(this)") == "address")
  }
}
