import Solidity
import SoliditySyntax
import Testing

@Suite("Names")
struct NameResolutionTests {
  @Test("a local is known from its declaration to the end of its block")
  func blockScopes() {
    let test = TestProgram(
      """
      pragma solidity ^0.8.0;
      contract C {
        uint x;
        function f(uint a) public {
          x = 1;
          uint x = x + a;
          { uint a = x; a++; }
          for (uint i = 0; i < a; i++) { uint y = i; y; }
          a = 2;
        }
      }
      """)
    #expect(test.target("x", occurrence: 0) == "x:3")
    #expect(test.target("x", occurrence: 1) == "x:3")
    #expect(test.target("x", occurrence: 2) == "x:6")
    #expect(test.target("a++") == nil)
    #expect(test.target("a", occurrence: 1) == "a:7")
    #expect(test.target("a", occurrence: 2) == "a:4")
    #expect(test.target("i", occurrence: 0) == "i:8")
    #expect(test.messages.isEmpty)
  }

  @Test("before 0.5 a local is known in the whole function")
  func functionScopes() {
    let source = """
      contract C {
        function f() public returns (uint) {
          y = 1;
          if (true) { uint y; }
          return y;
        }
      }
      """
    let old = TestProgram("pragma solidity ^0.4.20;\n" + source)
    #expect(old.messages.isEmpty)
    #expect(old.target("y", occurrence: 0) == "y:5")
    #expect(old.target("y", occurrence: 1) == "y:5")
    let new = TestProgram("pragma solidity ^0.5.0;\n" + source)
    #expect(new.messages == ["\"y\" is not declared", "\"y\" is not declared"])
  }

  @Test("private members and external functions are not found by their bare name")
  func visibility() {
    let test = TestProgram(
      """
      pragma solidity ^0.8.0;
      contract A { uint private p; function e() external {} function q() private {} }
      contract B is A { function f() public { p; e(); q(); this.e(); } }
      """)
    #expect(
      test.messages == [
        "\"p\" is not declared", "\"e\" is not declared", "\"q\" is not declared",
      ])
  }

  @Test("overloads are chosen by the types of the arguments")
  func overloads() {
    let test = TestProgram(
      """
      pragma solidity ^0.8.0;
      contract C {
        function f(uint8 a) internal {}
        function f(address a) internal {}
        function f(bytes memory a) internal {}
        function f(uint8 a, bool b) internal {}
        function f(int x, string memory y) internal {}
        function g(address payable p) public {
          f(1); f(p); f("x"); f(2, true); f({y: "s", x: -3}); f(msg.data);
        }
      }
      """)
    #expect(test.messages.isEmpty)
    let lines = (0..<6).map { test.target("f", occurrence: $0) }
    #expect(lines == ["f:3", "f:4", "f:5", "f:6", "f:7", "f:5"])
    let named = test.expression("f({y: \"s\", x: -3})")
    let arguments = test.program.arguments(of: named).map { argument in
      argument.map { test.program.units[0].source.text($0.range) }
    }
    #expect(arguments == ["-3", "\"s\""])
  }

  @Test("using for: libraries, star, lists, global, operators")
  func attached() throws {
    let test = TestProgram(
      """
      pragma solidity ^0.8.20;
      type Wad is uint256;
      using {add as +, double} for Wad global;
      function add(Wad a, Wad b) pure returns (Wad) { return a; }
      function double(Wad a) pure returns (Wad) { return a + a; }
      library L {
        function len(uint[] storage s) internal view returns (uint) { return s.length; }
        function cap(uint x, uint y) public pure returns (uint) { return x < y ? x : y; }
      }
      library Any { function id(address a) internal pure returns (address) { return a; } }
      contract C {
        using L for uint[];
        using L for uint;
        using Any for *;
        uint[] list;
        function f(Wad w, uint z) public returns (Wad) {
          list.len();
          z.cap(3);
          msg.sender.id();
          return w.double() + w;
        }
      }
      """)
    #expect(test.messages.isEmpty)
    #expect(test.target("list.len") == "len:7")
    #expect(test.target("z.cap") == "cap:8")
    #expect(test.target("msg.sender.id") == "id:10")
    #expect(test.target("w.double") == "double:5")
    #expect(test.target("w.double() + w") == "add:4")
    let call = test.expression("z.cap(3)")
    guard
      case .function(let function, .libraryDelegate, isBound: true) = test.program.callee(of: call)
    else {
      Issue.record("not a bound library call")
      return
    }
    #expect(function.name == "cap")
    let receiver = try #require(test.program.boundArgument(of: call))
    #expect(test.program.units[0].source.text(receiver.range) == "z")
    #expect(test.program.arguments(of: call).count == 2)
  }

  @Test("external calls take memory where the function reads call data")
  func callData() {
    let test = TestProgram(
      """
      pragma solidity ^0.8.0;
      library L {
        function both(bytes calldata b) external {}
        function push(bytes memory b, uint x) internal returns (bytes memory) {}
      }
      contract C {
        using L for bytes;
        bytes stored;
        function take(bytes calldata b) external {}
        function take(uint x) external {}
        function f(bytes memory m, C c) public {
          m.both(); stored.both(); c.take(m); this.take(stored); L.both(m);
          stored.push(300); stored.push(0x01); stored.push();
        }
      }
      """)
    #expect(test.messages.isEmpty)
    #expect(test.target("m.both") == "both:3")
    #expect(test.target("stored.both") == "both:3")
    #expect(test.target("c.take") == "take:9")
    #expect(test.target("this.take") == "take:9")
    #expect(test.target("stored.push", occurrence: 0) == "push:4")
    #expect(test.target("stored.push", occurrence: 1) == nil)
    #expect(test.target("stored.push", occurrence: 2) == nil)
  }

  @Test("directives are inherited until 0.7")
  func inheritedUsing() {
    let source = """
      library L { function inc(uint x) internal pure returns (uint) { return x + 1; } }
      contract A { using L for uint; }
      contract B is A { function f(uint x) public pure returns (uint) { return x.inc(); } }
      """
    #expect(TestProgram("pragma solidity ^0.6.0;\n" + source).messages.isEmpty)
    #expect(
      TestProgram("pragma solidity ^0.7.0;\n" + source).messages
        == ["there is no member \"inc\" here"])
  }

  @Test("virtual calls, super and the most derived override")
  func overrides() throws {
    let test = TestProgram(
      """
      pragma solidity ^0.8.0;
      contract A { function f(bytes calldata) external virtual {} function g() public virtual { h(); } function h() internal virtual {} }
      contract B is A { function h() internal virtual override { super.h(); } }
      contract C is A { function h() internal virtual override { super.h(); } }
      contract D is B, C { function h() internal override(B, C) { super.h(); } function f(bytes memory) public override {} }
      """)
    let program = test.program
    let (a, b, c, d) = (
      test.contract("A"), test.contract("B"), test.contract("C"), test.contract("D")
    )
    let h = test.function("h", of: "A")
    #expect(program.override(of: h, in: d).id == test.function("h", of: "D").id)
    #expect(program.override(of: h, in: b).id == test.function("h", of: "B").id)
    #expect(program.override(of: h, in: a).id == h.id)
    #expect(
      program.override(of: test.function("f", of: "A"), in: d).id == test.function("f", of: "D").id)
    #expect(
      program.superFunction(of: h, calledFrom: d, in: d)?.id == test.function("h", of: "C").id)
    #expect(
      program.superFunction(of: h, calledFrom: c, in: d)?.id == test.function("h", of: "B").id)
    #expect(
      program.superFunction(of: h, calledFrom: c, in: c)?.id == h.id)
    #expect(
      program.functions(of: d).map { program.contract(containing: $0)!.name + "." + $0.name } == [
        "D.h", "D.f", "A.g",
      ])
    guard case .function(_, .virtual, isBound: false) = program.callee(of: test.expression("h()"))
    else {
      Issue.record("h() is no virtual call")
      return
    }
    guard
      case .function(_, .super, isBound: false) = program.callee(of: test.expression("super.h()"))
    else {
      Issue.record("super.h() is no super call")
      return
    }
    #expect(program.overriddenFunctions(of: test.function("h", of: "D")).count == 3)
  }

  @Test("a getter overrides a function")
  func getterOverrides() throws {
    let test = TestProgram(
      """
      pragma solidity ^0.8.0;
      abstract contract A { function v(uint) external view virtual returns (uint); function w() public virtual {} }
      contract B is A { mapping(uint => uint) public override v; function f(B b) public { b.v(1); this.w(); b.f{gas: 5}(b); } }
      """)
    let function = test.function("v", of: "A")
    #expect(
      test.program.overridingGetter(of: function, in: test.contract("B"))?.name == "v")
    guard case .getter(let variable) = test.program.callee(of: test.expression("b.v(1)")) else {
      Issue.record("no getter")
      return
    }
    #expect(test.program.getterSignature(of: variable) == "v(uint256)")
    #expect(test.type("b.v(1)") == "uint256")
    #expect(test.target("this.w") == "w:2")
    guard
      case .function(_, .external, isBound: false) = test.program.callee(
        of: test.expression("b.f{gas: 5}(b)"))
    else {
      Issue.record("no external call")
      return
    }
  }

  @Test("modifiers and base constructors")
  func headers() throws {
    let test = TestProgram(
      """
      pragma solidity ^0.8.0;
      abstract contract Base { constructor(uint) {} modifier only() virtual { _; } }
      contract Side { constructor(uint a, uint b) {} }
      contract C is Base, Side(1, 2) { constructor() Base(3) only {} modifier only() override { _; } }
      """)
    #expect(test.messages.isEmpty)
    let (base, derived) = (test.contract("Base"), test.contract("C"))
    let constructor = try #require(derived.functions.first)
    #expect(test.program.modifier(of: constructor.modifiers[0], in: derived) == nil)
    #expect(test.program.baseContract(of: constructor.modifiers[0])?.id == base.id)
    #expect(
      test.program.modifier(of: constructor.modifiers[1], in: derived)?.id
        == derived.modifiers[0].id)
    let arguments = test.program.baseConstructorArguments(of: derived)
    #expect(arguments.map(\.base.name) == ["Side", "Base"])
    #expect(arguments.map(\.arguments.values.count) == [2, 1])
  }

  @Test("built-ins can be shadowed and depend on the version")
  func builtins() {
    let test = TestProgram(
      """
      pragma solidity ^0.8.0;
      contract C {
        function require(bool b) internal pure {}
        function f() public view returns (uint) { require(true); assert(true); return now; }
      }
      """)
    #expect(test.target("require") == "require:3")
    #expect(test.messages.count == 1)
    #expect(test.messages[0].contains("\"now\""))
    guard case .builtin("assert") = test.program.callee(of: test.expression("assert(true)")) else {
      Issue.record("assert is no built-in")
      return
    }
    #expect(
      TestProgram("pragma solidity ^0.4.0; contract C { uint x = now; }").messages.isEmpty)
    #expect(TestProgram("contract C { uint x = now; }").messages.isEmpty)
  }

  @Test("names in inline assembly")
  func assembly() throws {
    let test = TestProgram(
      """
      pragma solidity ^0.8.0;
      contract C {
        uint stored;
        uint constant K = 5;
        function f(bytes calldata data) external {
          assembly {
            function twice(a) -> b { b := add(a, a) }
            let x := twice(K)
            sstore(stored.slot, add(x, data.length))
            calldatacopy(0, data.offset, stored.offset)
          }
        }
      }
      """)
    #expect(test.messages.isEmpty)
    var references: [String] = []
    var inner: [String] = []
    func visit(_ expression: YulExpression) {
      if let reference = test.program.reference(of: expression) {
        references.append(reference.declaration.name + ":" + (reference.suffix?.rawValue ?? "-"))
      }
      if let declaration = test.program.yulDeclaration(of: expression) {
        inner.append(declaration.name)
      }
      if case .call(_, let arguments) = expression.kind { arguments.forEach(visit) }
    }
    func visit(_ block: YulBlock) {
      for statement in block.statements {
        switch statement.kind {
        case .variables(_, let value?): visit(value)
        case .expression(let expression): visit(expression)
        case .assignment(let targets, let value):
          targets.forEach(visit)
          visit(value)
        case .function(let function): visit(function.body)
        default: break
        }
      }
    }
    let body = try #require(test.function("f", of: "C").body)
    for case .assembly(let assembly) in body.statements.map(\.kind) { visit(assembly.body) }
    #expect(
      references == ["K:-", "stored:slot", "data:length", "data:offset", "stored:offset"])
    #expect(inner == ["b", "a", "a", "twice", "x"])
  }
}

@Suite("Imports and gaps")
struct ImportTests {
  @Test("all forms, aliases and transitive names")
  func forms() {
    let test = TestProgram(files: [
      (
        "a.sol",
        "import \"./b.sol\"; import {S as T, one} from \"./c.sol\"; import * as M from \"./c.sol\";\ncontract A is B { T t; M.S s; D d; uint x = one() + M.one(); }"
      ),
      ("b.sol", "import \"./d.sol\"; contract B {}"),
      ("c.sol", "struct S { uint v; } function one() pure returns (uint) { return 1; }"),
      ("d.sol", "import \"./a.sol\"; contract D { A a; }"),
    ])
    #expect(test.messages.isEmpty)
    let types = test.contract("A").stateVariables.map {
      test.program.typeString(of: test.program.type(of: $0))
    }
    #expect(types == ["struct S", "struct S", "contract D", "uint256"])
    #expect(test.target("M.one") == "one:1")
  }

  @Test("aliases do not travel under their first name")
  func aliasOnly() {
    let test = TestProgram(files: [
      ("a.sol", "import {X} from \"./b.sol\"; contract A is X {}"),
      ("b.sol", "import {X as Y} from \"./c.sol\";"),
      ("c.sol", "contract X {}"),
    ])
    #expect(test.messages.contains("\"X\" is not declared in \"./b.sol\""))
  }

  @Test("a missing file is reported once, and what it would declare is not")
  func missing() {
    let test = TestProgram(
      """
      pragma solidity ^0.8.0;
      import "./gone.sol";
      import {Token, lib} from "./lost.sol";
      import * as N from "./nowhere.sol";
      contract C is Ownable, Token {
        using SafeMath for uint;
        N.Thing thing;
        Price price;
        uint known;
        function f(uint a) public onlyOwner returns (uint) { _mint(a); lib(1).x; known = a.add(1); return g(); }
        function g() internal returns (uint) { return 1; }
      }
      """)
    #expect(test.messages.count == 3)
    #expect(test.messages.allSatisfy { $0.contains("was not found") })
    #expect(test.target("g") == "g:11")
    #expect(test.target("known") == "known:9")
    #expect(
      test.program.interface(of: test.contract("C")).map(\.signature) == ["f(uint256)"])
    #expect(test.program.stateVariables(of: test.contract("C")).count == 3)
  }

  @Test("a file that imports itself")
  func itself() {
    let test = TestProgram(files: [
      (
        "a.sol",
        "import \"./a.sol\"; import * as Self from \"./a.sol\"; contract A { Self.A a; Self.Self.A b; }"
      )
    ])
    #expect(test.messages.isEmpty)
    #expect(
      test.contract("A").stateVariables.allSatisfy {
        test.program.typeString(of: test.program.type(of: $0)) == "contract A"
      })
  }
}
