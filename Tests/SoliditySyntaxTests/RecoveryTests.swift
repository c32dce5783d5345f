import SoliditySyntax
import Testing

@Suite("Recovery")
struct RecoveryTests {
  @Test("a broken statement costs only itself")
  func statement() throws {
    let unit = parseStatements("a = 1; b = ; c = 3; if (d = ) { e = 5; } f = 6;")
    #expect(unit.diagnostics.count == 2, "\(unit.problems)")
    let kinds = unit.firstBody.map(\.kind)
    #expect(kinds.count == 5)
    guard case .missing = kinds[1] else {
      Issue.record("the second statement is not missing")
      return
    }
    // The broken condition does not spoil the body.
    guard case .if(let condition, let body, nil) = kinds[3], case .missing = condition.kind,
      case .block(let block) = body.kind
    else {
      Issue.record("the if is not kept")
      return
    }
    #expect(block.statements.count == 1)
  }

  @Test("a broken member costs only itself")
  func member() throws {
    let unit = parseMembers(
      "uint a; uint = 3; function f() public { x = 1; } function g( public { } event E(; struct S { uint a; } uint b;"
    )
    let contract = try #require(unit.contracts.first)
    #expect(contract.stateVariables.map(\.name) == ["a", "b"])
    #expect(contract.functions.map(\.name) == ["f"])
    #expect(contract.structs.map(\.name) == ["S"])
    #expect(unit.diagnostics.count == 3, "\(unit.problems)")
  }

  @Test("a broken contract costs only itself")
  func item() {
    let unit = parse(
      "contract A { uint x; } contract { uint y; } contract B { uint z; } x y z; contract D {}")
    #expect(unit.contracts.map(\.name) == ["A", "B", "D"])
    #expect(!unit.understood)
  }

  @Test("a brace left open ends at the next member or contract")
  func openBraces() throws {
    let unit = parse(
      """
      contract A {
        function f() public { if (x) { y = 1;
        function g() public { }
      }
      contract B { function h() public {
      """)
    #expect(unit.contracts.map(\.name) == ["A", "B"])
    #expect(unit.contracts[0].functions.map(\.name) == ["f", "g"])
    #expect(unit.contracts[1].functions.map(\.name) == ["h"])
    #expect(!unit.understood)
  }

  @Test("broken assembly costs only the statement")
  func assembly() {
    let unit = parseStatements("assembly { let a := 1 b := := 2 let c := 3 } d = 4;")
    #expect(unit.diagnostics.count == 1, "\(unit.problems)")
    #expect(unit.firstBody.count == 2)
    guard case .assembly(let assembly)? = unit.firstBody.first?.kind else {
      Issue.record("no assembly")
      return
    }
    #expect(assembly.body.statements.count == 3)
  }

  @Test(
    "messages say what was expected and what stands there",
    arguments: [
      ("a = 1 b = 2;", "expected ';' after the statement, found 'b'"),
      ("a = ;", "expected an expression, found ';'"),
      ("x = \"abc;", "the string is not closed on its line"),
      ("x = 012;", "octal numbers are not allowed"),
      ("uint static;", "expected ';' after the statement, found the reserved word 'static'"),
      ("f(1, );", "expected an expression, found ')'"),
      ("x = 1y;", "a number must not run into a name"),
    ])
  func messages(_ text: String, _ expected: String) {
    let unit = parseStatements(text)
    #expect(unit.diagnostics.first?.message == expected)
  }

  @Test("a diagnostic covers the token it speaks of")
  func diagnosticRange() throws {
    let unit = parse("contract C { uint 7x; }")
    let first = try #require(unit.diagnostics.first)
    #expect(unit.source.text(first.range) == "7x")
  }

  @Test("diagnostics come in the order of the file")
  func order() {
    let unit = parse("contract A { uint = 1; }\npragma solidity ^0.9.0;\ncontract B { uint = 1; }")
    #expect(
      unit.diagnostics.map { unit.source.position(at: Int($0.range.start)).line } == [1, 2, 3])
  }
}
