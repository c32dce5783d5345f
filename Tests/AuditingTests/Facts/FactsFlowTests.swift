import Auditing
import Solidity
import SoliditySyntax
import Testing

@Suite("Data flow and order")
struct FactsFlowTests {
  struct Sample: CustomStringConvertible, Sendable {
    let value: String
    var members = ""
    var parameters = "uint x, uint y"
    let sources: [String]
    var description: String { value }
  }

  static let samples: [Sample] = [
    Sample(value: "out = 1 + 2;", sources: ["constant"]),
    Sample(value: "out = x * 2;", sources: ["constant", "parameter 0"]),
    Sample(value: "out = stored;", sources: ["storage stored"]),
    Sample(value: "out = kept;", sources: ["immutable kept"]),
    Sample(value: "out = block.timestamp % y;", sources: ["block.timestamp", "parameter 1"]),
    Sample(value: "out = uint(blockhash(block.number - 1));", sources: ["blockhash"]),
    Sample(value: "out = msg.value + address(this).balance;", sources: ["balance", "msg.value"]),
    Sample(value: "out = amounts[msg.sender];", sources: ["storage amounts.[]"]),
    Sample(value: "out = other.ask(x);", sources: ["call"]),
    Sample(value: "out = uint(uint160(address(new D())));", sources: ["creation"]),
    Sample(value: "out = x > 3 ? y : stored;", sources: ["parameter 1", "storage stored"]),
    Sample(
      value: "uint z = x; if (y > 1) { z = stored; } out = z;",
      sources: ["parameter 0", "storage stored"]),
    Sample(value: "uint z = x; z = 5; out = z;", sources: ["constant"]),
    Sample(value: "S memory s = S(x, y); out = s.b;", sources: ["parameter 1"]),
    Sample(value: "S memory s; s.a = x; s.b = y; out = s.a;", sources: ["parameter 0"]),
    Sample(value: "S memory s = all[x]; out = s.b;", sources: ["storage all.[]"]),
    Sample(value: "S storage s = all[x]; out = s.b;", sources: ["storage all.[].b"]),
    Sample(
      value: "uint[] memory a = new uint[](2); a[0] = x; out = a[1];",
      sources: ["constant", "parameter 0"]),
    Sample(
      value: "(uint a, uint b) = pair(x, y); out = b + a - a;",
      sources: ["parameter 0", "parameter 1", "storage stored"]),
    Sample(value: "(, uint b) = pair(1, y); out = b;", sources: ["parameter 1"]),
    Sample(value: "out = twice(twice(x));", sources: ["constant", "parameter 0"]),
    Sample(
      value: "out = uint(keccak256(abi.encode(x, msg.sender)));",
      sources: ["msg.sender", "parameter 0"]),
    Sample(value: "out = abi.decode(msg.data, (uint));", sources: ["calldata"]),
    Sample(
      value: "assembly { mstore(0, x) mstore(32, y) } uint r; assembly { r := mload(32) } out = r;",
      sources: ["parameter 1"]),
    Sample(
      value:
        "uint r; assembly { let p := mload(64) mstore(p, x) mstore(add(p, 32), y) r := keccak256(p, 64) } out = r;",
      sources: ["parameter 0", "parameter 1"]),
    Sample(value: "uint r; assembly { r := calldataload(4) } out = r;", sources: ["calldata"]),
    Sample(
      value: "uint r; assembly { r := sload(stored.slot) } out = r;", sources: ["storage stored"]),
    Sample(
      value: "out = uint(uint160(ecrecover(bytes32(x), 27, bytes32(y), 0)));", sources: ["signer"]),
    Sample(
      value: "out = next(x);",
      members:
        "function next(uint n) internal returns (uint) { return n == 0 ? y0 : next(n - 1); } uint y0;",
      sources: ["constant", "parameter 0", "storage y0", "unknown"]),
  ]

  static func fixture(_ sample: Sample) -> FactsFixture {
    FactsFixture(
      """
      interface I { function ask(uint x) external returns (uint); }
      contract D {}
      contract C {
        struct S { uint a; uint b; }
        uint out; uint stored; uint immutable kept = 1; I other;
        mapping(address => uint) amounts; mapping(uint => S) all;
        \(sample.members)
        function pair(uint a, uint b) internal view returns (uint, uint) { return (a + stored, b); }
        function twice(uint a) internal pure returns (uint) { return a * 2; }
        function f(\(sample.parameters)) external payable { \(sample.value) }
      }
      """)
  }

  @Test(
    "Sources are found through locals, aggregates, calls, storage and memory", arguments: samples)
  func sources(_ sample: Sample) throws {
    let fixture = Self.fixture(sample)
    #expect(fixture.program.diagnostics.isEmpty)
    #expect(fixture.unit.diagnostics.isEmpty)
    let entry = try fixture.entry("C", "f")
    let value = try #require(try entry.write("out").value)
    let graph = try fixture.graph("f")
    #expect(entry.sources(of: value).names == sample.sources, "\(graph)")
  }

  @Test("Selectors count when asked for")
  func selectors() throws {
    let fixture = Self.fixture(Sample(value: "out = all[x].a;", sources: []))
    let entry = try fixture.entry("C", "f")
    let value = try #require(try entry.write("out").value)
    #expect(entry.sources(of: value).names == ["storage all.[].a"])
    #expect(
      entry.sources(of: value, options: .selectors).names == ["parameter 0", "storage all.[].a"])
    #expect(!entry.isCallerChosen(value))
  }

  @Test("Storage is recognised through pointers, parameters, results and assembly")
  func locations() throws {
    let fixture = FactsFixture(
      """
      library L {
        struct T { uint a; mapping(uint => uint) m; }
        function put(T storage t, uint k, uint v) internal { t.m[k] = v; }
      }
      contract C {
        using L for L.T;
        mapping(uint => L.T) ts; L.T one;
        bytes32 constant SLOT = 0x00000000000000000000000000000000000000000000000000000000000000ff;
        function ns() private pure returns (L.T storage t) { assembly { t.slot := SLOT } }
        function at(bytes32 s) private pure returns (L.T storage t) { assembly { t.slot := s } }
        function a(uint k) external { ts[k].put(1, 2); }
        function b() external { L.T storage p = one; p.a = 3; }
        function c() external { ns().a = 4; }
        function d() external { at(bytes32(uint(SLOT) + 1)).put(5, 6); }
        function e() external { assembly { sstore(7, 8) sstore(one.slot, 9) } }
        function g(uint n) external { put(n, 10); put(1, 10); }
        function put(uint n, uint base) private { assembly { sstore(add(base, n), 1) } }
        function f(bool x) external { L.T storage p = x ? one : ts[1]; p.a = 1; }
      }
      """)
    #expect(fixture.program.diagnostics.isEmpty)
    func roots(_ name: String) throws -> [String] {
      try fixture.entry("C", name).storageWrites.map { access in
        let field = access.location.field
        let root =
          switch field.root {
          case .variable(let reference): reference.node.name
          case .slot(let number): "\(number)"
          case .computed: "computed"
          }
        return root + field.members.map { "." + $0 }.joined()
      }
    }
    #expect(try roots("a") == ["ts.[].m.[]"])
    #expect(try roots("b") == ["one.a"])
    #expect(try roots("c") == ["255.a"])
    #expect(try roots("d") == ["256.m.[]"])
    #expect(try roots("e") == ["7", "one"])
    #expect(try roots("f") == ["computed.a"])
    #expect(try roots("g") == ["computed", "11"])
  }

  @Test("Order is known across calls, branches and loops")
  func order() throws {
    let fixture = FactsFixture(
      """
      contract C {
        uint a; uint b; uint c; uint d; uint e;
        function pay() internal { (bool ok,) = msg.sender.call(""); require(ok); b = 1; }
        function mark() internal { c = 1; }
        function quit() internal { if (a > 1) { (bool ok,) = tx.origin.call(""); ok; revert(); } }
        function f(uint n) external {
          a = 1;
          if (n > 3) { pay(); mark(); } else { d = 1; }
          e = 1;
        }
        function g(uint n) external { for (uint i; i < n; i++) { a = i; pay(); } }
        function h() external { quit(); e = 2; }
      }
      """)
    let f = try fixture.entry("C", "f")
    let call = try f.call("call")
    func follows(_ name: String) throws -> Bool {
      f.canFollow(try f.write(name).place, after: call)
    }
    #expect(try !follows("a"))
    #expect(try follows("b"))
    #expect(try follows("c"))
    #expect(try !follows("d"))
    #expect(try follows("e"))
    #expect(try f.alwaysPrecedes(f.write("a").place, call))
    #expect(try !f.alwaysPrecedes(call, f.write("e").place))
    #expect(try f.alwaysPrecedes(call, f.write("c").place))
    #expect(try f.alwaysFollowed(call, by: f.write("e").place))
    #expect(try f.alwaysFollowed(f.write("a").place, by: f.write("e").place))
    #expect(try !f.alwaysFollowed(f.write("a").place, by: f.write("c").place))
    #expect(!f.isInLoop(call))

    let g = try fixture.entry("C", "g")
    #expect(try g.canFollow(g.write("a").place, after: g.call("call")))
    #expect(try g.isInLoop(g.call("call")))
    #expect(try g.isInLoop(g.write("b").place))

    // What runs only before a revert is never followed by anything.
    let h = try fixture.entry("C", "h")
    #expect(try !h.canFollow(h.write("e").place, after: h.call("call")))
  }

  @Test(
    "What becomes of a success flag is known",
    arguments: [
      ("a.call(\"\");", SuccessHandling.ignored), ("(bool ok,) = a.call(\"\"); ok;", .ignored),
      ("(bool ok,) = a.call(\"\"); require(ok);", .branch),
      ("(bool ok, bytes memory d) = a.call(\"\"); if (!ok && d.length > 0) { n++; }", .branch),
      ("a.send(1);", .ignored), ("require(a.send(1));", .branch), ("a.transfer(1);", .implied),
      ("last = a.send(1);", .passedOn), ("check(a.send(1));", .branch),
      ("(bool ok,) = wrap(a); require(ok);", .branch), ("wrap(a);", .ignored),
      ("assembly { pop(call(gas(), a, 0, 0, 0, 0, 0)) }", .ignored),
      ("assembly { if iszero(call(gas(), a, 0, 0, 0, 0, 0)) { revert(0, 0) } }", .branch),
      (
        "assembly { let r := call(gas(), a, 0, 0, 0, 0, 0) switch r case 0 { revert(0, 0) } }",
        .branch
      ),
      ("try this.f(a) { n = 1; } catch { n = 2; }", .implied),
    ])
  func success(_ body: String, _ expected: SuccessHandling) throws {
    let fixture = FactsFixture(
      """
      contract C {
        bool last; uint n;
        function check(bool ok) internal pure { require(ok); }
        function wrap(address x) internal returns (bool, bytes memory) { return x.call(""); }
        function f(address payable a) external { \(body) }
      }
      """)
    #expect(fixture.unit.diagnostics.isEmpty)
    let entry = try fixture.entry("C", "f")
    let call = try #require(entry.externalCalls.first)
    let graph = try fixture.graph("f")
    #expect(entry.successHandling(of: call) == expected, "\(graph)")
  }

  @Test("Deployment runs arguments, initial values and constructors in order")
  func deployment() throws {
    let fixture = FactsFixture(bytes: try FactsLawTests.bytes("Inheritance"))
    let entry = try #require(try fixture.contract("Bottom").deployment)
    #expect(
      entry.storageWrites.map { $0.location.variable?.name } == [
        "counter", "admin", "extra", "trusted",
      ])
    let admin = try #require(try entry.write("admin").value)
    #expect(entry.sources(of: admin).names == ["parameter 0", "parameter 1"])
    #expect(
      try entry.canFollow(entry.write("extra").place, after: entry.write("counter").place))
    #expect(!entry.hasCallerInput)
  }

  @Test("Surroundings and overflow checks are recorded")
  func surroundings() throws {
    let modern = try FactsFixture(
      "contract C { modifier m(uint y) { y + 1; _; } function f(uint x) external m(x) { x * 2; unchecked { x - 3; } assembly { x := div(x, 4) } } }"
    ).graph("f")
    let found = modern.index.arithmetic.map { id -> String in
      guard case .binary(let op, _, _, let isChecked, _) = modern[id].operation else { return "" }
      let where_ = modern[id].origin.surroundings
      return op.rawValue + (isChecked ? " checked" : "")
        + (where_.contains(.modifier) ? " modifier" : "")
        + (where_.contains(.uncheckedBlock) ? " unchecked" : "")
        + (where_.contains(.assembly) ? " assembly" : "")
    }
    #expect(found == ["+ checked modifier", "* checked", "- unchecked", "/ assembly"])
    let old = try FactsFixture(
      "contract C { function f(uint x) public { x * 2; } }", pragma: "^0.7.0"
    ).graph("f")
    let multiply = try #require(old.index.arithmetic.first)
    guard case .binary(_, _, _, let isChecked, _) = old[multiply].operation else {
      Issue.record("no multiplication")
      return
    }
    #expect(!isChecked)
    #expect(old[multiply].origin.surroundings.contains(.wrapping))
  }

  @Test("A graph prints as text")
  func description() throws {
    let fixture = FactsFixture(
      """
      contract C {
        mapping(address => uint) balances;
        function take(uint amount) external {
          require(balances[msg.sender] >= amount, "low");
          (bool ok, ) = msg.sender.call{value: amount}("");
          require(ok);
          balances[msg.sender] -= amount;
        }
      }
      """)
    let expected = """
      function C.take
      b0:
        %0 = parameter 0 amount
        %1 = msg.sender
        %2 = read balances[%1]
        %3 = %2 >= %0
        branch %3 b1 b4
      b1:  <- b0
        %4 = msg.sender
        %5 = constant 0x
        %6 = call on %4 value %0 (%5)
        %7 = result %6 0
        branch %7 b2 b3
      b2:  <- b1
        %8 = msg.sender
        %9 = read balances[%8]
        %10 = %9 - %0 checked
        write balances[%8] modify %10
        return
      b3:  <- b1
        revert require
      b4:  <- b0
        %12 = constant 0x6c6f77
        revert require %12
      """
    #expect(try fixture.graph("take").description == expected)
  }
}
