import SoliditySyntax
import Testing

@Suite("What the tree says")
struct TreeTests {
  @Test("a function named like its contract is a constructor before 0.5 only")
  func oldConstructor() throws {
    let old = try #require(
      parseMembers("function C() public {} function D() public {}", pragma: "^0.4.20").contracts
        .first)
    #expect(old.functions.map(\.kind) == [.constructor, .function])
    #expect(old.functions[0].name == "C")
    let newer = try #require(
      parseMembers("function C() public {}", pragma: "^0.5.0").contracts.first)
    #expect(newer.functions.map(\.kind) == [.function])
  }

  @Test("kinds of functions")
  func functionKinds() throws {
    let contract = try #require(
      parseMembers(
        "constructor() {} fallback() external {} receive() external payable {} function g() public {}"
      ).contracts.first)
    #expect(contract.functions.map(\.kind) == [.constructor, .fallback, .receive, .function])
    #expect(contract.functions.map(\.visibility) == [.public, .external, .external, .public])
    #expect(contract.functions[2].mutability == .payable)
    let free = parse("function f() {}")
    guard case .function(let function)? = free.items.first else {
      Issue.record("no function")
      return
    }
    #expect(function.kind == .freeFunction)
    #expect(function.visibility == .internal)
  }

  @Test("before 0.6 a nameless function is the fallback, unless it is a variable of function type")
  func namelessFunctions() throws {
    let contract = try #require(
      parseMembers(
        """
        function () external payable {}
        function () external;
        function () external x;
        function (uint) internal returns (uint) y = g;
        function () m {}
        function () external public z;
        """, pragma: "^0.5.0"
      ).contracts.first)
    #expect(contract.functions.map(\.kind) == [.fallback, .fallback, .fallback])
    #expect(contract.stateVariables.map(\.name) == ["x", "y", "z"])
    #expect(contract.stateVariables[2].visibility == .public)
  }

  @Test("`constant` functions read as view")
  func constantFunctions() throws {
    let contract = try #require(
      parseMembers("function f() constant returns (uint) {}", pragma: "^0.4.20").contracts.first)
    #expect(contract.functions[0].mutability == .view)
  }

  @Test(
    "aliases of types are resolved",
    arguments: [
      ("uint", ElementaryType.unsignedInteger(256)), ("int", .signedInteger(256)),
      ("uint8", .unsignedInteger(8)), ("int128", .signedInteger(128)), ("bytes32", .fixedBytes(32)),
      ("bytes", .bytes), ("string", .string), ("bool", .bool), ("address", .address),
      ("address payable", .addressPayable), ("fixed", .signedFixed(128, 18)),
      ("ufixed", .unsignedFixed(128, 18)), ("fixed8x1", .signedFixed(8, 1)),
      ("ufixed256x80", .unsignedFixed(256, 80)), ("ufixed16x0", .unsignedFixed(16, 0)),
    ])
  func elementaryTypes(_ text: String, _ expected: ElementaryType) throws {
    let contract = try #require(parseMembers("\(text) x;").contracts.first)
    guard case .elementary(let type)? = contract.stateVariables.first?.typeName?.kind else {
      Issue.record("no built-in type")
      return
    }
    #expect(type == expected)
  }

  @Test(
    "words that look like types but are names",
    arguments: [
      "uint7", "uint264", "bytes33", "bytes0", "int08", "fixed8x81", "ufixed8x", "fixed12x3",
    ])
  func almostTypes(_ text: String) throws {
    let contract = try #require(parseMembers("\(text) x;").contracts.first)
    guard case .userDefined(let path)? = contract.stateVariables.first?.typeName?.kind else {
      Issue.record("no named type")
      return
    }
    #expect(path.text == text)
  }

  @Test("`byte` reads as bytes1")
  func byte() throws {
    let contract = try #require(parseMembers("byte x;", pragma: "^0.5.0").contracts.first)
    guard case .elementary(.fixedBytes(1))? = contract.stateVariables[0].typeName?.kind else {
      Issue.record("not bytes1")
      return
    }
  }

  @Test(
    "precedence and grouping",
    arguments: [
      ("a + b * c", "(a + (b * c))"), ("a * b + c", "((a * b) + c)"),
      ("a - b - c", "((a - b) - c)"),
      ("a ** b ** c", "(a ** (b ** c))"), ("-a ** b", "((-a) ** b)"),
      ("a || b && c", "(a || (b && c))"), ("a == b < c", "(a == (b < c))"),
      ("a | b ^ c & d", "(a | (b ^ (c & d)))"), ("a << b + c", "(a << (b + c))"),
      ("a = b = c", "(a = (b = c))"), ("a ? b : c ? d : e", "(a ? b : (c ? d : e))"),
      ("a += b ? c : d", "(a += (b ? c : d))"), ("!a.b[c](d)++", "(!(((a.b)[c](d))++))"),
      ("a = b ? c = d : e = f", "(a = (b ? (c = d) : (e = f)))"), ("a < b == c", "((a < b) == c)"),
      ("delete a.b", "(delete (a.b))"), ("- - a", "(-(-a))"), ("a >>> b >> c", "((a >>> b) >> c)"),
      ("a & b == c", "((a & b) == c)"), ("a | b < c", "((a | b) < c)"),
    ])
  func precedence(_ text: String, _ expected: String) {
    #expect(grouped(text, pragma: "") == expected)
  }

  @Test("powers are read from the left before 0.8")
  func oldPowers() {
    #expect(grouped("a ** b ** c", pragma: "^0.7.0") == "((a ** b) ** c)")
  }

  private func grouped(_ text: String, pragma: String) -> String {
    let unit = parseStatements("\(text);", pragma: pragma)
    guard unit.understood, case .expression(let expression)? = unit.firstBody.first?.kind else {
      return "not understood: \(unit.problems)"
    }
    return describe(expression)
  }

  private func describe(_ expression: Expression) -> String {
    switch expression.kind {
    case .identifier(let name): name
    case .memberAccess(let base, let member): "(\(describe(base)).\(member.text))"
    case .index(let base, let index): "\(describe(base))[\(index.map(describe) ?? "")]"
    case .call(let callee, let arguments):
      "(\(describe(callee))(\(arguments.values.map(describe).joined(separator: ", "))))"
    case .prefix(let symbol, let operand):
      "(\(symbol.rawValue)\(symbol == .delete ? " " : "")\(describe(operand)))"
    case .postfix(let symbol, let operand): "(\(describe(operand))\(symbol.rawValue))"
    case .binary(let symbol, let left, let right):
      "(\(describe(left)) \(symbol.rawValue) \(describe(right)))"
    case .assignment(let symbol, let left, let right):
      "(\(describe(left)) \(symbol?.rawValue ?? "")= \(describe(right)))"
    case .conditional(let condition, let then, let otherwise):
      "(\(describe(condition)) ? \(describe(then)) : \(describe(otherwise)))"
    default: "?"
    }
  }

  @Test(
    "literals",
    arguments: [
      (#""a\n\x41\u00e9\\\"""#, Literal.string([0x61, 0x0A, 0x41, 0xC3, 0xA9, 0x5C, 0x22])),
      ("'it''s'", .string(Array("its".utf8))), (#"hex"00_ff" hex'0a'"#, .hexString([0, 255, 10])),
      ("unicode\"\u{20AC}\"", .unicodeString([0xE2, 0x82, 0xAC])), ("true", .bool(true)),
      ("1_000.5e-3", .number(text: "1_000.5e-3", unit: nil)),
      ("0xAbC", .number(text: "0xAbC", unit: nil)), ("3 days", .number(text: "3", unit: "days")),
      (".5 ether", .number(text: ".5", unit: "ether")), (#""""#, .string([])),
      ("\"a\\\nb\"", .string(Array("ab".utf8))), ("\"a\\\r\nb\"", .string(Array("ab".utf8))),
    ])
  func literals(_ text: String, _ expected: Literal) {
    let unit = parseStatements("\(text);")
    guard unit.understood, case .expression(let expression)? = unit.firstBody.first?.kind,
      case .literal(let literal) = expression.kind
    else {
      Issue.record("\(text): \(unit.problems)")
      return
    }
    #expect(literal == expected)
  }

  @Test(
    "declarations and expressions are told apart",
    arguments: [
      ("x.y[7 * 20 + 3] a;", true), ("x.y[7 * 20 + 3] = a;", false), ("x y;", true), ("x;", false),
      ("uint[3][] memory a;", true), ("uint(x);", false), ("x[1:2];", false),
      ("a.b.c d = 1;", true),
      ("(uint a, , B.C b) = f();", true), ("(a, b) = f();", false), ("(, a) = f();", false),
      ("mapping(uint => uint) storage m = x;", true), ("x[a[1]] memory b;", true),
      ("address payable p;", true), ("function (uint) external f;", true),
      ("string.concat(a);", false),
      ("x storage y;", true), ("x[f({a: 1})] = 2;", false), ("error e;", true),
      ("transient t;", true),
    ])
  func declarations(_ text: String, _ isDeclaration: Bool) throws {
    let unit = parseStatements(text)
    #expect(unit.understood, "\(unit.problems)")
    let kind = try #require(unit.firstBody.first?.kind)
    if case .variables = kind { #expect(isDeclaration) } else { #expect(!isDeclaration) }
  }

  @Test("NatSpec belongs to what follows it")
  func natspec() throws {
    let unit = parse(
      """
      /// @title T
      /// more
      contract C {
        /** @dev d
          *
            * second
          */
        uint x; // not this
        // nor this
        uint y;
        //// nor this
        /// @notice n
        function f() public {
          /// inner
          x = 1;
        }
        /// e
        event E();
        /// s
        struct S { uint a; }
        /// u
        enum U { A }
        /// r
        error R();
        /// m
        modifier m() { _; }
      }
      """)
    let contract = try #require(unit.contracts.first)
    #expect(contract.documentation?.text == "@title T\nmore")
    #expect(contract.stateVariables[0].documentation?.text == "@dev d\n\nsecond")
    #expect(contract.stateVariables[1].documentation == nil)
    #expect(contract.functions[0].documentation?.text == "@notice n")
    #expect(contract.functions[0].body?.statements[0].documentation?.text == "inner")
    #expect(contract.events[0].documentation?.text == "e")
    #expect(contract.structs[0].documentation?.text == "s")
    #expect(contract.enums[0].documentation?.text == "u")
    #expect(contract.errors[0].documentation?.text == "r")
    #expect(contract.modifiers[0].documentation?.text == "m")
  }

  @Test("the SPDX licence")
  func licence() {
    #expect(parse("// SPDX-License-Identifier: MIT\ncontract C {}").licence == "MIT")
    #expect(
      parse("/* SPDX-License-Identifier: GPL-3.0 OR MIT */ contract C {}").licence
        == "GPL-3.0 OR MIT")
    #expect(parse("contract C { /* SPDX-License-Identifier: MIT */ }").licence == nil)
    #expect(parse("contract C {}").licence == nil)
    #expect(!parse("// SPDX-License-Identifier: MIT\n// SPDX-License-Identifier: MIT\n").understood)
    #expect(!parse("// SPDX-License-Identifier: MIT^2\n").understood)
  }

  @Test("the parts of a contract's head")
  func contractHead() throws {
    let unit = parse("abstract contract C is A, L.B(1, 2) layout at 2 ** 8 { }")
    let contract = try #require(unit.contracts.first)
    #expect(unit.understood, "\(unit.problems)")
    #expect(contract.isAbstract)
    #expect(contract.bases.map(\.base.text) == ["A", "L.B"])
    #expect(contract.bases[1].arguments?.values.count == 2)
    #expect(contract.layoutBase != nil)
  }

  @Test("assembly")
  func assembly() throws {
    let unit = parseStatements(
      "assembly (\"memory-safe\") { x.slot := sload(x.offset) function g(a) -> b { leave } }")
    #expect(unit.understood, "\(unit.problems)")
    guard case .assembly(let assembly)? = unit.firstBody.first?.kind else {
      Issue.record("no assembly")
      return
    }
    #expect(assembly.flags == ["memory-safe"])
    guard case .assignment(let targets, let value) = assembly.body.statements[0].kind,
      case .identifier("x.slot") = targets[0].kind, case .call(let name, let arguments) = value.kind
    else {
      Issue.record("no assignment")
      return
    }
    #expect(name.text == "sload")
    #expect(arguments.count == 1)
  }
}
