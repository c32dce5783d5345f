import Solidity
import SoliditySyntax
import Testing

@Suite("Hostile programs")
struct HostileProgramTests {
  @Test(
    "are survived",
    arguments: [
      "contract C { struct S { S[] s; mapping(uint => S) m; } S s; function f(S memory) public {} }",
      "contract C { struct S { T t; } struct T { S s; } S public s; function g(T calldata) external {} }",
      "contract C { uint[2 ** 255][2 ** 255] a; uint[C.x] b; uint[b.length] c; uint[c.length] d; }",
      "contract C { using C for C; using X for Y; using {f, g as +} for uint; uint[x.y()] z; }",
      "library L { using L for uint[f(1)]; function f(uint a) internal { a.f(); } }",
      "contract C { uint x = x; uint constant K = K; uint[K] k; }",
      "contract C is C.D { contract }",
      "contract C { function f() public { var x = x; x(); x.y.z; f.f.f(); (f)(); f{value: 1}; } }",
      "contract C { modifier m(uint a) { m; _; } function f() m(f()) m() C(1) public {} }",
      "struct C { C c; } function f(C memory c) returns (C memory) { return f(f(c)); }",
      "contract A is B { } contract B is A { function f() public { super.f(); A.f(); } }",
      "contract C { event E(); error X(); function f() public { E; X; emit f(); revert E(); emit X(); } }",
      "contract C { enum E {} E e = E(type(E).max); uint x = type(E).max; bytes1 y = bytes2(0x1234)[7]; }",
      "type T is T; type U is V; type V is U; T constant t = T.wrap(1); contract C { function f(T a, U b) public {} }",
      "import \"\"; import * as x from \"\"; contract C is x.x.x { x.y z; }",
      "contract C { function f() public { assembly { let a := b.c.d.e.f.slot a := _slot f() } } }",
      "contract C { bytes32 constant X = keccak256(abi.encode(X)); bytes x = abi.decode(); uint y = addmod(1,2,0); }",
    ])
  func survived(source: String) {
    for pragma in ["", "pragma solidity ^0.4.20; ", "pragma solidity ^0.8.20; "] {
      let test = TestProgram(pragma + source)
      for contract in test.program.contracts {
        _ = test.program.interface(of: contract)
        _ = test.program.functions(of: contract)
        _ = test.program.interfaceIdentifier(of: contract)
        for variable in test.program.stateVariables(of: contract) {
          _ = test.program.typeString(of: test.program.type(of: variable))
        }
      }
      for unit in test.program.units {
        ExpressionCollector.visit(unit) { expression in
          _ = test.program.constantValue(of: expression)
          _ = test.program.compileTimeNumber(of: expression)
          _ = test.program.typeString(of: expression)
          _ = test.program.arguments(of: expression)
        }
      }
    }
  }

  @Test("long chains do not exhaust the stack")
  func chains() {
    let count = 1000
    let sum = Array(repeating: "1", count: count).joined(separator: " + ")
    let members = "x" + String(repeating: ".y", count: count)
    let calls = "f" + String(repeating: "()", count: count)
    let test = TestProgram(
      "contract C { uint constant S = \(sum); uint[\(sum)] a; function f() public { \(members); \(calls); } }"
    )
    #expect(test.constant("S") == "\(count)")
    let types = String(repeating: "[]", count: count)
    let deep = TestProgram("contract C { uint\(types) x; }")
    #expect(!deep.messages.isEmpty || !deep.program.units[0].understood)
  }

  @Test("chains of declarations and structs that double at each level")
  func declarations() {
    let arrays = (0..<3000).map { "uint[x\($0 + 1).length] x\($0);" }.joined()
    let constants = (0..<3000).map { "uint constant K\($0) = K\($0 + 1) + 1;" }.joined()
    let structs = (0..<200).map { "struct S\($0) { S\($0 + 1) a; S\($0 + 1) b; }" }.joined()
    let test = TestProgram(
      """
      contract C { \(arrays) uint[2] x3000; \(constants) uint constant K3000 = 1;
      \(structs) struct S200 { uint x; } function f(S0 memory) public {} function g(S195 memory) public {} }
      """)
    #expect(test.constant("K2999") == "2")
    #expect(test.program.signature(of: test.function("f", of: "C")) == nil)
    #expect(test.program.signature(of: test.function("g", of: "C")) != nil)
  }

  @Test("deep nesting")
  func nesting() {
    let open = String(repeating: "(", count: 250)
    let close = String(repeating: ")", count: 250)
    let test = TestProgram(
      "contract C { uint constant A = \(open)7\(close); uint[\(open)3\(close)] b; }")
    #expect(test.messages.isEmpty)
    #expect(test.constant("A") == "7")
    let negations = String(repeating: "!", count: 200)
    let deep = TestProgram(
      "contract C { bool b = \(negations)true; bool constant K = \(negations)true; }")
    #expect(deep.messages.isEmpty)
  }

  @Test("many overloads and many locals in one function")
  func wide() {
    let functions = (0..<300).map {
      "function f(uint\(8 + $0 % 32 * 8)[\($0 + 1)] memory) internal {}"
    }
    let locals = (0..<3000).map { "uint v\($0) = \($0 == 0 ? "0" : "v\($0 - 1)");" }
    let test = TestProgram(
      "pragma solidity ^0.8.0; contract C { \(functions.joined(separator: "\n")) function g(uint16[2] memory a) public { f(a); \(locals.joined()) } }"
    )
    #expect(test.messages.isEmpty)
    #expect(test.target("v2998") == "v2998:300")
  }

  @Test("the same program resolves to the same diagnostics")
  func deterministic() {
    let source =
      "contract A { W w; function f() public { a; b.c; d(); } } contract B is A { X x; } contract D is Q {}"
    let first = TestProgram(source).messages
    #expect(first.count == 6)
    for _ in 0..<5 { #expect(TestProgram(source).messages == first) }
  }
}
