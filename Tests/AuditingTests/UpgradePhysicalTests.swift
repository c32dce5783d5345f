import Auditing
import Testing

/// What the bytes of one version mean to the next.
@Suite struct UpgradePhysicalTests {
  struct Case: CustomTestStringConvertible {
    let name: String
    let old: String
    let new: String
    /// `severity kind`, in order of place.
    let changes: [String]
    var declarations = ""

    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(name: "equal", old: "uint a; address b;", new: "uint a; address b;", changes: []),
    Case(
      name: "appended", old: "uint a;", new: "uint a; uint b;",
      changes: ["informational appended"]),
    Case(
      name: "free bytes of a slot", old: "uint8 a; uint b;", new: "uint8 a; bool x; uint b;",
      changes: ["informational filledFreeBytes"]),
    Case(name: "removed", old: "uint a; uint b;", new: "uint a;", changes: ["low removed"]),
    Case(name: "renamed", old: "uint a;", new: "uint b;", changes: ["low renamed"]),
    Case(
      name: "renamed as annotated", old: "uint a;",
      new: "/// @custom:oz-renamed-from a\nuint public b;", changes: ["informational renamed"]),
    Case(
      name: "swapped", old: "uint a; uint b;", new: "uint b; uint a;",
      changes: ["high moved", "high moved"]),
    Case(
      name: "inserted in front", old: "address owner; uint total;",
      new: "uint x; address owner; uint total;",
      changes: ["high moved", "high moved"]),
    Case(
      name: "gap consumed", old: "uint a; uint[5] __gap; uint z;",
      new: "uint a; uint b; uint[4] __gap; uint z;",
      changes: ["informational consumedGap"]),
    Case(
      name: "gap kept its length", old: "uint a; uint[5] __gap; uint z;",
      new: "uint a; uint b; uint[5] __gap; uint z;",
      changes: ["informational consumedGap", "low resizedGap", "high moved"]),
    Case(
      name: "contract and address", old: "I a;", new: "address a;",
      changes: ["informational equivalentType"], declarations: "interface I {}"),
    Case(
      name: "number to enum", old: "uint8 a;", new: "E a;", changes: ["low reinterpreted"],
      declarations: "enum E { x, y }"),
    Case(
      name: "enum to number", old: "E a;", new: "uint8 a;",
      changes: ["informational equivalentType"], declarations: "enum E { x, y }"),
    Case(
      name: "word to value type", old: "bytes32 a;", new: "V a;",
      changes: ["informational equivalentType"], declarations: "type V is bytes32;"),
    Case(
      name: "sign", old: "uint128 a;", new: "int128 a;", changes: ["medium reinterpreted"]),
    Case(name: "widened", old: "uint128 a;", new: "uint256 a;", changes: ["low widened"]),
    Case(name: "widened with sign", old: "int128 a;", new: "int256 a;", changes: ["high widened"]),
    Case(
      name: "widened over a neighbour", old: "uint128 a; uint128 b;", new: "uint256 a;",
      changes: ["low widened", "high overlapped"]),
    Case(name: "narrowed", old: "uint256 a;", new: "uint128 a;", changes: ["high narrowed"]),
    Case(
      name: "text", old: "string a;", new: "bytes a;",
      changes: ["informational equivalentType"]),
    Case(
      name: "text to number", old: "string a;", new: "uint256 a;",
      changes: ["high reinterpreted"]),
    Case(
      name: "mapping to number", old: "mapping(uint => uint) a;", new: "uint256 a;",
      changes: ["medium reinterpreted"]),
    Case(
      name: "key of the same hash", old: "mapping(uint8 => uint) a;",
      new: "mapping(uint256 => uint) a;", changes: ["informational equivalentType"]),
    Case(
      name: "key of another hash", old: "mapping(bytes4 => uint) a;",
      new: "mapping(uint32 => uint) a;", changes: ["high rekeyed"]),
    Case(
      name: "mapping value", old: "mapping(uint => uint128) a;",
      new: "mapping(uint => uint64) a;", changes: ["high narrowed"]),
    Case(
      name: "packing of elements", old: "uint8[] a;", new: "uint16[] a;",
      changes: ["high restrided"]),
    Case(
      name: "elements with a slot each", old: "uint136[] a;", new: "uint256[] a;",
      changes: ["low widened"]),
    Case(
      name: "dynamic to static", old: "uint[] a;", new: "uint[2] a;",
      changes: ["high reinterpreted"]),
    Case(
      name: "longer static array at the end", old: "uint[2] a;", new: "uint[3] a;",
      changes: ["informational resizedArray"]),
    Case(
      name: "longer static array over a neighbour", old: "uint[2] a; uint b;",
      new: "uint[3] a; uint b;", changes: ["informational resizedArray", "high moved"]),
    Case(
      name: "array of words to single words", old: "uint[2] a;", new: "uint b; uint c;",
      changes: ["low renamed", "low renamed"]),
    Case(
      name: "single words to an array of half words", old: "uint a; uint b;", new: "uint128[4] c;",
      changes: ["high narrowed", "high overlapped", "high narrowed", "high overlapped"]),
    Case(
      name: "key behind a name", old: "mapping(V => uint) a;", new: "mapping(V => uint) a;",
      changes: [], declarations: "type V is bytes4;"),
    Case(
      name: "renamed mapping", old: "mapping(uint => uint) a;", new: "mapping(uint => uint) b;",
      changes: ["low renamed"]),
    Case(
      name: "internal function", old: "function() internal a;", new: "function() internal a;",
      changes: ["medium danglingFunction"]),
    Case(
      name: "to constant", old: "uint a; uint b;", new: "uint constant a = 1; uint b;",
      changes: ["high moved", "high moved", "low leftStorage"]),
    Case(
      name: "from constant", old: "uint constant a = 1;", new: "uint a;",
      changes: ["informational appended", "medium enteredStorage"]),
    Case(
      name: "constant changed", old: "uint constant a = 1;", new: "uint constant a = 2;",
      changes: ["informational changedConstant"]),
  ]

  static func describe(_ report: UpgradeReport) -> [String] {
    report.changes.map { "\($0.severity.rawValue) \($0.kind.rawValue)" }
  }

  @Test(arguments: cases) func variables(example: Case) throws {
    let report = try UpgradePrograms.check(
      "\(example.declarations)\ncontract C { \(example.old) }",
      "\(example.declarations)\ncontract C { \(example.new) }")
    #expect(report.problems.isEmpty)
    #expect(UpgradePhysicalTests.describe(report) == example.changes)
    let isBroken = example.changes.contains { $0.hasPrefix("high") || $0.hasPrefix("medium") }
    #expect(report.keepsMeaning == !isBroken)
  }

  /// The case that the plugins refuse although no byte moves: a struct at the end of storage grows.
  @Test func structGrowsAtTheEnd() throws {
    let report = try UpgradePrograms.check(
      "contract C { uint a; struct S { uint x; } S s; }",
      "contract C { uint a; struct S { uint x; uint y; } S s; }")
    #expect(!report.verdict.isSafe)
    #expect(report.keepsMeaning)
    let change = try #require(report.changes.first)
    #expect(report.changes.count == 1)
    #expect(change.kind == .appended)
    #expect(change.new?.path == "s.y")
    #expect(change.message.contains("grew at the end"))
  }

  @Test func structGrowsBeforeOthers() throws {
    let report = try UpgradePrograms.check(
      "contract C { struct S { uint x; } S s; uint z; }",
      "contract C { struct S { uint x; uint y; } S s; uint z; }")
    #expect(!report.keepsMeaning)
    let change = try #require(report.changes.first { $0.severity == .high })
    #expect(change.kind == .moved)
    #expect(change.old?.path == "z")
    let row = try #require(change.diagram?.rows.first)
    #expect(row.slot == "1")
    #expect(row.left.map(\.label) == ["z"])
    #expect(row.right.map(\.label) == ["s.y"])
    #expect(row.isConflict)
  }

  @Test func structInMappingGrows() throws {
    let report = try UpgradePrograms.check(
      "contract C { struct S { uint x; } mapping(uint => S) m; uint z; }",
      "contract C { struct S { uint x; uint y; } mapping(uint => S) m; uint z; }")
    #expect(UpgradePhysicalTests.describe(report) == ["informational appended"])
    #expect(report.changes.first?.new?.path == "m[key].y")
  }

  @Test func structInArrayGrows() throws {
    let report = try UpgradePrograms.check(
      "contract C { struct S { uint x; } S[] l; }",
      "contract C { struct S { uint x; uint y; } S[] l; }")
    #expect(UpgradePhysicalTests.describe(report) == ["high restrided"])
  }

  @Test(arguments: [
    ("A, B", "A, B, X", ["informational changedEnum"]),
    ("A, B", "A", ["medium changedEnum"]),
    ("A, B", "A, X", ["low changedEnum"]),
    ("A, B", "X, A, B", ["high changedEnum"]),
  ])
  func enums(old: String, new: String, expected: [String]) throws {
    let report = try UpgradePrograms.check(
      "contract C { enum E { \(old) } E e; }", "contract C { enum E { \(new) } E e; }")
    #expect(UpgradePhysicalTests.describe(report) == expected)
  }

  @Test func namespaces() throws {
    func source(_ id: String, _ members: String) -> String {
      "contract C { /// @custom:storage-location erc7201:\(id)\nstruct M { \(members) } uint a; }"
    }
    let grown = try UpgradePrograms.check(source("n", "uint x;"), source("n", "uint x; uint y;"))
    #expect(UpgradePhysicalTests.describe(grown) == ["informational appended"])
    let moved = try UpgradePrograms.check(source("n", "uint x;"), source("m", "uint x;"))
    #expect(UpgradePhysicalTests.describe(moved).contains("high moved"))
    let removed = try UpgradePrograms.check(source("n", "uint x;"), "contract C { uint a; }")
    #expect(UpgradePhysicalTests.describe(removed) == ["low removed"])
  }

  /// The key keeps its name but is hashed differently.
  @Test func keyTypeChangesBehindItsName() throws {
    let report = try UpgradePrograms.check(
      "type V is bytes4; contract C { mapping(V => uint) a; }",
      "type V is uint32; contract C { mapping(V => uint) a; }")
    #expect(UpgradePhysicalTests.describe(report) == ["high rekeyed"])
  }

  @Test func baseSlotMoves() throws {
    let report = try UpgradePrograms.check(
      "contract C layout at 5 { uint a; }", "contract C layout at 6 { uint a; }")
    #expect(UpgradePhysicalTests.describe(report) == ["high moved"])
  }

  /// Slots made by hand count like declared ones.
  @Test func handMadeSlotsOverlap() throws {
    let report = try UpgradePrograms.check(
      """
      library L { struct D { uint x; }
        function d() internal pure returns (D storage r) { assembly { r.slot := 3 } } }
      contract C { function f() external { L.d().x = 1; } }
      """,
      "contract C { uint a; uint b; uint c; address e; }")
    #expect(!report.keepsMeaning)
    #expect(report.changes.contains { $0.new?.path == "e" && $0.severity == .high })
  }
}
