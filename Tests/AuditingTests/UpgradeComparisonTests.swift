import Auditing
import Testing

/// The storage comparison by the rules of the OpenZeppelin upgrades plugins.
@Suite struct UpgradeComparisonTests {
  /// Two versions of the members of a contract and the operations expected; `kind/change` where the
  /// operation carries a type change.
  struct Case: CustomTestStringConvertible {
    let name: String
    let old: String
    let new: String
    let operations: [String]
    var declarations = ""

    var testDescription: String { name }
  }

  static func describe(_ operation: StorageOperation) -> String {
    switch operation.kind {
    case .typeChange(let change), .shrinkGap(let change):
      var text = "\(operation.name)/\(change.kind)"
      var inner = change.inner
      while let change = inner {
        text += "/\(change.kind)"
        inner = change.inner
      }
      return text
    default: return operation.name
    }
  }

  static let cases: [Case] = [
    Case(name: "equal", old: "uint a; address b;", new: "uint a; address b;", operations: []),
    Case(name: "append", old: "uint a;", new: "uint a; bool b;", operations: []),
    Case(
      name: "insert", old: "uint a; uint b;", new: "uint x; uint a; uint b;",
      operations: ["layoutchange", "layoutchange", "insert"].sorted()),
    Case(
      name: "insert into free bytes", old: "uint8 a; uint b;", new: "uint8 a; uint8 x; uint b;",
      operations: []),
    Case(
      name: "delete the last", old: "uint a; uint b;", new: "uint a;", operations: ["delete"]),
    Case(name: "rename", old: "uint a;", new: "uint b;", operations: ["rename"]),
    Case(
      name: "annotated rename", old: "uint a;",
      new: "/// @custom:oz-renamed-from a\nuint public b;", operations: []),
    Case(
      name: "rename annotated with another name", old: "uint a;",
      new: "/// @custom:oz-renamed-from z\nuint public b;", operations: ["rename"]),
    Case(name: "replace", old: "uint a;", new: "bool b;", operations: ["replace"]),
    Case(
      name: "type change", old: "uint8 a;", new: "bool a;",
      operations: ["typechange/obvious mismatch"]),
    Case(
      name: "annotated type change", old: "uint8 a;",
      new: "/// @custom:oz-retyped-from uint8\nbool public a;", operations: []),
    Case(
      name: "annotated type change of another size", old: "uint8 a;",
      new: "/// @custom:oz-retyped-from uint8\nuint16 public a;", operations: ["layoutchange"]),
    Case(
      name: "annotated change from contract", old: "I a;",
      new: "/// @custom:oz-retyped-from I\nuint160 public a;", operations: [],
      declarations: "interface I {}"),
    Case(
      name: "contract and address", old: "I a; address b;", new: "address a; I b;",
      operations: [], declarations: "interface I {}"),
    Case(
      name: "payable is another type", old: "address a;", new: "address payable a;",
      operations: ["typechange/obvious mismatch"]),
    Case(
      name: "gap shrinks", old: "uint a; uint[49] __gap; uint z;",
      new: "uint a; uint b; uint[48] __gap; uint z;", operations: []),
    Case(
      name: "gap does not shrink", old: "uint a; uint[49] __gap; uint z;",
      new: "uint a; uint b; uint[49] __gap; uint z;",
      operations: ["layoutchange", "layoutchange"]),
    Case(
      name: "gap used up", old: "uint a; uint[2] __gap; uint z;",
      new: "uint a; uint b; uint c; uint z;", operations: []),
    Case(
      name: "named gap", old: "uint[5] __gap_c; uint z;",
      new: "uint b; uint[4] __gap_c; uint z;", operations: []),
    Case(
      name: "gap that is no array", old: "uint __gap;", new: "uint c;", operations: ["rename"]),
    Case(
      name: "array shrinks", old: "uint[3] a;", new: "uint[2] a;",
      operations: ["typechange/array shrink"]),
    Case(
      name: "array grows", old: "uint[2] a;", new: "uint[3] a;",
      operations: ["typechange/array grow"]),
    Case(
      name: "array becomes dynamic", old: "uint[2] a;", new: "uint[] a;",
      operations: ["typechange/array dynamic"]),
    Case(
      name: "array element", old: "uint8[] a;", new: "uint16[] a;",
      operations: ["typechange/array value/obvious mismatch"]),
    Case(
      name: "array in a mapping grows", old: "mapping(uint => uint[2]) a;",
      new: "mapping(uint => uint[3]) a;", operations: []),
    Case(
      name: "mapping key", old: "mapping(uint => uint) a;", new: "mapping(address => uint) a;",
      operations: ["typechange/mapping key/obvious mismatch"]),
    Case(
      name: "mapping key of text", old: "mapping(string => uint) a;",
      new: "mapping(bytes => uint) a;",
      operations: ["typechange/mapping key/obvious mismatch"]),
    Case(
      name: "mapping value", old: "mapping(uint => uint) a;", new: "mapping(uint => bool) a;",
      operations: ["typechange/mapping value/obvious mismatch"]),
    Case(
      name: "function becomes external", old: "function() internal a;",
      new: "function() external a;", operations: ["typechange/visibility change"]),
    Case(
      name: "function takes other parameters", old: "function() external a;",
      new: "function(uint) external returns (bool) a;", operations: []),
  ]

  @Test(arguments: cases) func lists(example: Case) throws {
    let report = try UpgradePrograms.check(
      "\(example.declarations)\ncontract C { \(example.old) }",
      "\(example.declarations)\ncontract C { \(example.new) }")
    let operations = report.verdict.storageOperations.map(UpgradeComparisonTests.describe)
    #expect(report.verdict.failure == nil)
    // Which of several equally cheap scripts is told matters less than what it consists of.
    #expect(operations.sorted() == example.operations.sorted())
  }

  @Test(arguments: [
    (
      "uint a;", "uint a; uint b;", "S s; mapping(uint => S) m;",
      ["typechange/struct members", "layoutchange"]
    ),
    ("uint a;", "uint a; uint b;", "S s;", ["typechange/struct members"]),
    ("uint a;", "uint a; uint b;", "mapping(uint => S) m;", []),
    (
      "uint a; uint b;", "uint a;", "mapping(uint => S) m;",
      ["typechange/mapping value/struct members"]
    ),
    ("uint a;", "uint a; uint b;", "S[] l;", ["typechange/array value/struct members"]),
    ("uint a;", "uint b;", "S s;", ["typechange/struct members"]),
    ("uint a; uint b;", "uint x; uint a; uint b;", "S s;", ["typechange/struct members"]),
  ])
  func structs(old: String, new: String, variables: String, expected: [String]) throws {
    let report = try UpgradePrograms.check(
      "contract C { struct S { \(old) } \(variables) }",
      "contract C { struct S { \(new) } \(variables) }")
    #expect(report.verdict.storageOperations.map(UpgradeComparisonTests.describe) == expected)
  }

  @Test(arguments: [
    ("A, B", "A, B, X", []),
    ("A, B", "A", ["typechange/enum members"]),
    ("A, B", "A, X", ["typechange/enum members"]),
    ("A, B", "X, A, B", ["typechange/enum members"]),
  ])
  func enums(old: String, new: String, expected: [String]) throws {
    let report = try UpgradePrograms.check(
      "contract C { enum E { \(old) } E e; }", "contract C { enum E { \(new) } E e; }")
    #expect(report.verdict.storageOperations.map(UpgradeComparisonTests.describe) == expected)
  }

  @Test(arguments: [
    ("uint128", "uint128", []), ("uint128", "int128", []),
    ("uint128", "uint64", ["typechange/type resize"]),
  ])
  func valueTypes(old: String, new: String, expected: [String]) throws {
    let report = try UpgradePrograms.check(
      "type V is \(old); contract C { V v; }", "type V is \(new); contract C { V v; }")
    #expect(report.verdict.storageOperations.map(UpgradeComparisonTests.describe) == expected)
  }

  static func namespace(_ id: String, _ members: String, _ rest: String = "") -> String {
    "contract C { /// @custom:storage-location erc7201:\(id)\nstruct M { \(members) } \(rest) }"
  }

  @Test(arguments: [
    (namespace("n", "uint a;"), namespace("n", "uint a; uint b;"), []),
    (namespace("n", "uint a;"), namespace("n", "uint b;"), ["rename"]),
    (namespace("n", "uint a; uint b;"), namespace("n", "uint a;"), ["delete"]),
    (namespace("n", "uint a;"), namespace("other", "uint a;"), ["delete-namespace"]),
    (namespace("n", "uint a;"), "contract C {}", ["delete-namespace"]),
    ("contract C {}", namespace("n", "uint a;"), []),
    (
      namespace("n", "uint[5] __gap;"), namespace("n", "uint a; uint[4] __gap;"),
      ["typechange/array shrink", "insert"]
    ),
  ])
  func namespaces(old: String, new: String, expected: [String]) throws {
    let report = try UpgradePrograms.check(old, new)
    #expect(
      report.verdict.storageOperations.map(UpgradeComparisonTests.describe).sorted()
        == expected.sorted())
  }

  @Test func namespaceGapWithSlots() throws {
    let report = try UpgradePrograms.check(
      UpgradeComparisonTests.namespace("n", "uint[5] __gap;"),
      UpgradeComparisonTests.namespace("n", "uint a; uint[4] __gap;"),
      options: UpgradeOptions(usesNamespaceSlots: true))
    #expect(report.verdict.isSafe)
  }

  @Test func baseSlots() throws {
    let moved = try UpgradePrograms.check(
      "contract C layout at 1 { uint a; }", "contract C layout at 2 { uint a; }")
    #expect(moved.verdict.storageOperations.map(\.name) == ["layoutchange"])
    let same = try UpgradePrograms.check(
      "contract C layout at 0x10 { uint a; }", "contract C layout at 16 { uint a; }")
    #expect(same.verdict.isSafe)
    #expect(same.keepsMeaning)
  }

  @Test func baseSlotOfANamespace() throws {
    let clash = try UpgradePrograms.verdict(
      """
      contract C layout at erc7201("n") {
        /// @custom:storage-location erc7201:n
        struct M { uint a; }
      }
      """)
    #expect(clash.failure == .baseSlotClash(id: "erc7201:n", contract: "C"))
    let apart = try UpgradePrograms.verdict(
      """
      contract C layout at erc7201("m") {
        /// @custom:storage-location erc7201:n
        struct M { uint a; }
      }
      """)
    #expect(apart.isSafe)
    let computed = try UpgradePrograms.verdict("contract C layout at 2 ** 8 { uint a; }")
    #expect(computed.failure == .unsupportedBaseSlot(contract: "C"))
  }

  @Test func duplicateNamespaces() throws {
    let verdict = try UpgradePrograms.verdict(
      """
      contract A { /// @custom:storage-location erc7201:n
        struct M { uint a; } }
      contract C is A { /// @custom:storage-location erc7201:n
        struct N { uint a; } }
      """)
    #expect(verdict.failure == .duplicateNamespace(id: "erc7201:n", contract: "C"))
  }

  @Test func recursiveTypes() throws {
    let source = "contract C { struct S { mapping(uint => S) m; } S s; }"
    let report = try UpgradePrograms.check(source, source)
    guard case .recursiveType = report.verdict.failure else {
      Issue.record("recursive types are refused, got \(report.verdict)")
      return
    }
    // Seen from the bytes nothing changed.
    #expect(report.changes.isEmpty)
  }

  @Test func options() throws {
    let old = "contract C { uint a; }"
    let renamed = "contract C { uint b; }"
    let allowed = UpgradeOptions(unsafeAllowRenames: true)
    #expect(try UpgradePrograms.check(old, renamed, options: allowed).verdict.isSafe)
    let skipped = UpgradeOptions(unsafeSkipStorageCheck: true)
    #expect(
      try UpgradePrograms.check(old, "contract C {}", options: skipped).verdict.isSafe)
  }
}
