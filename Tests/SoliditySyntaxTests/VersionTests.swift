import SoliditySyntax
import Testing

/// One text under one version, and whether the compiler of that version reads it.
struct VersionCase: Sendable, CustomTestStringConvertible {
  let version: String
  let text: String
  let isAccepted: Bool
  var testDescription: String { "\(version) \(isAccepted ? "reads" : "refuses") \(text)" }

  /// The last version without and the first with a form.
  static func since(_ before: String, _ first: String, _ text: String) -> [VersionCase] {
    [
      VersionCase(version: before, text: text, isAccepted: false),
      VersionCase(version: first, text: text, isAccepted: true),
    ]
  }

  /// The last version with and the first without a form.
  static func until(_ last: String, _ after: String, _ text: String) -> [VersionCase] {
    [
      VersionCase(version: last, text: text, isAccepted: true),
      VersionCase(version: after, text: text, isAccepted: false),
    ]
  }

  /// A form that every version reads.
  static func always(_ text: String) -> [VersionCase] {
    ["0.4.11", "0.5.17", "0.6.12", "0.7.6", "0.8.36"].map {
      VersionCase(version: $0, text: text, isAccepted: true)
    }
  }

  static func member(_ text: String) -> String { "contract C { \(text) }" }
  static func statement(_ text: String) -> String {
    member("function f() public { \(text) }")
  }

  static let declarations: [VersionCase] =
    since("0.4.21", "0.4.22", member("constructor() public {}"))
    + until("0.4.26", "0.5.0", member("function constructor() public {}"))
    + until("0.4.26", "0.5.0", member("function f() constant public {}"))
    + since("0.4.15", "0.4.16", member("function f() view public {}"))
    + until("0.5.17", "0.6.0", member("function () external payable {}"))
    + since("0.5.17", "0.6.0", member("fallback() external {}"))
    + since("0.5.17", "0.6.0", member("receive() external payable {}"))
    + since("0.5.17", "0.6.0", "abstract contract A {}")
    + since("0.5.17", "0.6.0", member("modifier m() virtual { _; }"))
    + since("0.5.17", "0.6.0", member("function f() public override(A, B) {}"))
    + since("0.6.4", "0.6.5", member("uint immutable x = 1;"))
    + since("0.7.0", "0.7.1", "function f() {}")
    + since("0.7.3", "0.7.4", "uint constant x = 1;")
    + since("0.5.17", "0.6.0", "struct S { uint a; }")
    + since("0.5.17", "0.6.0", "enum E { A }")
    + since("0.8.3", "0.8.4", "error E(uint a);")
    + since("0.8.7", "0.8.8", "type T is uint;")
    + since("0.8.12", "0.8.13", "using {f} for T global;")
    + since("0.8.18", "0.8.19", "using {f as +} for T global;")
    + since("0.8.21", "0.8.22", "event E(uint a);")
    + since("0.8.17", "0.8.18", member("mapping(address owner => uint amount) m;"))
    + since("0.8.26", "0.8.27", member("uint transient x;"))
    + since("0.8.28", "0.8.29", "contract C layout at 0x10 is A {}")
    + since("0.4.26", "0.5.0", member("function f(bytes calldata b) external {}"))
    + until("0.4.16", "0.4.17", member("event E;"))
    + until("0.7.6", "0.8.0", member("byte b;"))
    + until("0.4.26", "0.5.0", member("function emit() public {}"))
    + until("0.5.17", "0.6.0", member("uint virtual;"))
    + until("0.4.26", "0.5.0", member("uint unchecked;"))
    + until("0.4.26", "0.5.0", member("uint apply;"))
    + always(member("uint transient;"))
    + always(member("uint error; uint layout; uint global; uint from; uint at;"))
    + always(member("event E(uint indexed a) anonymous;"))
    + always("library L { struct S { uint a; } enum E { A, B } }")
    + always("interface I { function f(uint a) external returns (uint); }")
    + always(member("modifier m(uint a) { _; } function f() m(1) m(2) public {}"))

  static let statements: [VersionCase] =
    until("0.4.26", "0.5.0", statement("var x = 1;"))
    + until("0.4.26", "0.5.0", statement("var (a, , b) = g();"))
    + since("0.4.20", "0.4.21", statement("emit E(1);"))
    + since("0.8.3", "0.8.4", statement("revert E(1);"))
    + since(
      "0.5.17", "0.6.0",
      statement("try this.g() returns (uint a) {} catch Error(string memory) {} catch {}"))
    + since("0.7.6", "0.8.0", statement("unchecked { x++; }"))
    + since("0.6.1", "0.6.2", statement("a.b{value: 1}(2);"))
    + since("0.5.17", "0.6.0", statement("x = y[1:2];"))
    + since("0.5.2", "0.5.3", statement("x = type(C).name;"))
    + since("0.5.13", "0.5.14", statement("x = \"a\" \"b\";"))
    + since("0.6.12", "0.7.0", statement("x = unicode\"\u{20AC}\";"))
    + until("0.6.12", "0.7.0", statement("x = \"\u{20AC}\";"))
    + until("0.6.12", "0.7.0", statement("x = 1 szabo + 2 finney;"))
    + since("0.6.10", "0.6.11", statement("x = 1 gwei;"))
    + until("0.6.12", "0.7.0", statement("uint gwei = 1;"))
    + until("0.4.26", "0.5.0", statement("x = 0X1F;"))
    + until("0.4.26", "0.5.0", statement("x = 1.;"))
    + until("0.7.6", "0.8.0", statement("x = \"\\v\";"))
    + until("0.8.19", "0.8.20", statement("x = +y;"))
    + since("0.8.12", "0.8.13", statement("assembly (\"memory-safe\") {}"))
    + since("0.5.17", "0.6.0", statement("x = payable(y);"))
    + always(statement("throw;"))
    + always(statement("uint[] memory a = new uint[](3); a[1 + 2] = 3; a[0]++; C.S storage s;"))
    + always(statement("(x, y) = (1, 2); x = (y);"))
    + always(statement("function (uint) internal returns (uint) g = h;"))
    + always(statement("x = 1 days + 2 ether + 0xff + 1e10 + .5 + hex\"00ff\";"))
    + always(statement("for (;;) { if (x) continue; else break; } do x++; while (x < 3);"))

  static let assembly: [VersionCase] =
    until("0.4.26", "0.5.0", statement("assembly { loop: jump(loop) }"))
    + until("0.4.26", "0.5.0", statement("assembly { 1 =: x }"))
    + until("0.4.26", "0.5.0", statement("assembly { 1 2 add pop }"))
    + until("0.5.17", "0.6.0", statement("assembly { x := gas }"))
    + until("0.5.4", "0.5.5", statement("assembly { x : = 1 }"))
    + since("0.5.17", "0.6.0", statement("assembly { function g() { leave } }"))
    + since("0.7.0", "0.7.1", statement("assembly { let contract := 1 }"))
    + until("0.4.20", "0.4.21", statement("assembly { let shl := 1 }"))
    + until("0.8.17", "0.8.18", statement("assembly { let prevrandao := 1 }"))
    + until("0.8.24", "0.8.25", statement("assembly { let mcopy := 1 }"))
    + until("0.8.30", "0.8.31", statement("assembly { let clz := 1 }"))
    + always(statement("assembly { let x := add(1, mload(0x40)) sstore(x, 2) }"))
    + always(
      statement("assembly { function g(a, b) -> c, d { c := a d := b } let p, q := g(1, 2) }"))
    + always(
      statement(
        "assembly { for { let i := 0 } lt(i, 3) { i := add(i, 1) } { if i { continue } break } }"))
    + always(statement("assembly { switch x case 0 { } case 0x1 { } default { } }"))
    + always(statement("assembly \"evmasm\" { let y := \"abc\" }"))
}

@Suite("Dialects")
struct VersionTests {
  @Test("declarations", arguments: VersionCase.declarations)
  func declarations(_ item: VersionCase) { check(item) }

  @Test("statements and expressions", arguments: VersionCase.statements)
  func statements(_ item: VersionCase) { check(item) }

  @Test("assembly", arguments: VersionCase.assembly)
  func assembly(_ item: VersionCase) { check(item) }

  private func check(_ item: VersionCase) {
    let unit = parse("pragma solidity \(item.version);\n\(item.text)\n")
    #expect(unit.language.dialect.description == item.version)
    #expect(unit.understood == item.isAccepted, "\(unit.problems)")
  }

  @Test(
    "the newest admitted version is the dialect",
    arguments: [
      ("^0.4.11", "0.4.26", "0.4.11"), ("~0.5.3", "0.5.17", "0.5.3"), ("0.6.2", "0.6.2", "0.6.2"),
      ("=0.7.1", "0.7.1", "0.7.1"), (">=0.4.22 <0.6.0", "0.5.17", "0.4.22"),
      (">0.5.3 <=0.5.7", "0.5.7", "0.5.4"), ("0.5.2 - 0.5.9", "0.5.9", "0.5.2"),
      ("0.8.x", "0.8.36", "0.8.0"), ("0.8.*", "0.8.36", "0.8.0"), ("0.7", "0.7.6", "0.7.0"),
      ("^0.4.15 || ^0.6.0", "0.6.12", "0.4.15"), ("*", "0.8.36", "0.4.11"),
      ("  ^ 0.8 . 4 ", "0.8.36", "0.8.4"), (">=0.8.0 /* as x */ <0.8.20", "0.8.19", "0.8.0"),
      ("^0.8.0; pragma solidity <0.8.9", "0.8.8", "0.8.0"), ("^0", "0.8.36", "0.4.11"),
      (">=0.5.0 <0.9.0", "0.8.36", "0.5.0"), ("\"0.8.7\"", "0.8.7", "0.8.7"),
      ("<0.4.12 || 0.4.13", "0.4.13", "0.4.11"), ("0.4.24 0.4.x", "0.4.24", "0.4.24"),
    ])
  func dialect(_ expression: String, _ newest: String, _ oldest: String) {
    let unit = parse("pragma solidity \(expression);\n")
    #expect(unit.understood, "\(unit.problems)")
    #expect(unit.language.isPinned)
    #expect(unit.language.dialect.description == newest)
    #expect(unit.language.oldest.description == oldest)
  }

  @Test(
    "version pragmas that no compiler satisfies or reads",
    arguments: [
      "^0.9.0", "0.3.6", "^1.0.0", "0.8.99", ">0.8.36", "\"^0.8.0\"", "0.8.0 0.7.0",
      "^0.8.0;pragma solidity 0.7.0",
      "v0.8.0", "0.8.", "^", "latest", "0.8.0 & 0.8.1", "00.8.0", "99999999999.0.0",
    ])
  func unsatisfiable(_ expression: String) throws {
    let unit = parse("contract A {}\npragma solidity \(expression);\n")
    let first = try #require(unit.diagnostics.first)
    #expect(unit.source.position(at: Int(first.range.start)).line == 2)
    #expect(!unit.understood)
  }

  @Test("a file without a pragma is read as the newest dialect")
  func unpinned() {
    let unit = parse("contract C {}")
    #expect(!unit.language.isPinned)
    #expect(unit.language.dialect == CompilerVersion.newest)
  }

  @Test("a wide range falls back to an older dialect that reads the file")
  func fallback() {
    let unit = parse(
      "pragma solidity >=0.4.22 <0.9.0;\ncontract C { function f() public { var x = 1; } }")
    #expect(unit.understood, "\(unit.problems)")
    #expect(unit.language.dialect == CompilerVersion(0, 4, 26))
    let newer = parse("pragma solidity >=0.4.22 <0.9.0;\ncontract C { function f() public {} }")
    #expect(newer.language.dialect == CompilerVersion.newest)
  }

  @Test("a pragma inside comments, strings or names does not count")
  func hiddenPragmas() {
    let unit = parse(
      """
      // pragma solidity ^0.4.0;
      /* pragma solidity ^0.5.0; */
      pragma abicoder v2;
      contract C { string s = "pragma solidity ^0.6.0;"; uint pragmaX; }
      """)
    #expect(unit.understood, "\(unit.problems)")
    #expect(!unit.language.isPinned)
  }

  @Test("the released versions")
  func released() {
    #expect(CompilerVersion.released.count == 16 + 18 + 13 + 7 + 37)
    #expect(CompilerVersion.released.first == CompilerVersion.oldest)
    #expect(CompilerVersion.released.last == CompilerVersion.newest)
    #expect(zip(CompilerVersion.released, CompilerVersion.released.dropFirst()).allSatisfy(<))
  }
}
