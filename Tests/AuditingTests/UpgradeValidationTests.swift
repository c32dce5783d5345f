import Auditing
import Testing

/// What makes an implementation unsafe, by the rules of the OpenZeppelin upgrades plugins: each kind with a
/// source that has it and one that has not.
@Suite struct UpgradeValidationTests {
  struct Case: CustomTestStringConvertible {
    let name: String
    let source: String
    let kinds: [ValidationErrorKind]
    var options = UpgradeOptions()

    var testDescription: String { name }
  }

  static let initializable = """
    abstract contract Initializable {
      modifier initializer() { _; }
      modifier onlyInitializing() { _; }
    }
    contract A is Initializable {
      uint256 a;
      function __A_init() internal onlyInitializing { a = 1; }
    }
    contract B is Initializable {
      uint256 b;
      function __B_init() internal onlyInitializing { b = 1; }
    }

    """

  static let cases: [Case] = [
    Case(name: "nothing", source: "contract C { uint a; }", kinds: []),
    Case(
      name: "initial value", source: "contract C { uint a = 1; }",
      kinds: [.stateVariableAssignment]),
    Case(name: "constant", source: "contract C { uint constant a = 1; }", kinds: []),
    Case(
      name: "initial value in a base", source: "contract B { uint a = 1; } contract C is B {}",
      kinds: [.stateVariableAssignment]),
    Case(
      name: "initial value allowed for the contract",
      source: "/// @custom:oz-upgrades-unsafe-allow state-variable-assignment\n"
        + "contract C { uint a = 1; }", kinds: []),
    Case(
      name: "immutable", source: "contract C { uint immutable a; }",
      kinds: [.stateVariableImmutable]),
    Case(
      name: "immutable allowed",
      source: "contract C { /// @custom:oz-upgrades-unsafe-allow state-variable-immutable\n"
        + "uint public immutable a; }", kinds: []),
    Case(
      name: "constructor", source: "contract C { uint a; constructor() { a = 1; } }",
      kinds: [.constructor]),
    Case(name: "empty constructor", source: "contract C { constructor() {} }", kinds: []),
    Case(
      name: "constructor with modifier",
      source: "contract C { modifier m() { _; } constructor() m {} }", kinds: [.constructor]),
    Case(
      name: "constructor allowed",
      source: "contract C { uint a;\n/// @custom:oz-upgrades-unsafe-allow constructor\n"
        + "constructor() { a = 1; } }", kinds: []),
    Case(
      name: "delegatecall",
      source: "contract C { function f(address a) public { a.delegatecall(\"\"); } }",
      kinds: [.delegatecall]),
    Case(
      name: "call", source: "contract C { function f(address a) public { a.call(\"\"); } }",
      kinds: []),
    Case(
      name: "delegatecall in a modifier",
      source: "contract C { modifier m(address a) { a.delegatecall(\"\"); _; } }",
      kinds: [.delegatecall]),
    Case(
      name: "delegatecall in a library",
      source: "library L { function g(address a) internal { a.delegatecall(\"\"); } }"
        + " contract C { function f(address a) public { L.g(a); } }", kinds: [.delegatecall]),
    Case(
      name: "delegatecall through using for",
      source: "library L { function g(address a) internal { a.delegatecall(\"\"); } }"
        + " contract C { using L for address; function f(address a) public { a.g(); } }",
      kinds: [.delegatecall]),
    Case(
      name: "delegatecall in a free function",
      source: "function g(address a) { a.delegatecall(\"\"); }"
        + " contract C { function f(address a) public { g(a); } }", kinds: [.delegatecall]),
    Case(
      name: "delegatecall in an unused internal function of a base",
      source: "contract B { function g(address a) internal { a.delegatecall(\"\"); } }"
        + " contract C is B {}", kinds: []),
    Case(
      name: "delegatecall in a used internal function of a base",
      source: "contract B { function g(address a) internal { a.delegatecall(\"\"); } }"
        + " contract C is B { function f(address a) public { g(a); } }", kinds: [.delegatecall]),
    Case(
      name: "allowed at the library",
      source: "library L { /// @custom:oz-upgrades-unsafe-allow delegatecall\n"
        + "function g(address a) internal { a.delegatecall(\"\"); } }"
        + " contract C { function f(address a) public { L.g(a); } }", kinds: []),
    Case(
      name: "allowed here does not reach the library",
      source: "library L { function g(address a) internal { a.delegatecall(\"\"); } }"
        + " contract C { /// @custom:oz-upgrades-unsafe-allow delegatecall\n"
        + "function f(address a) public { L.g(a); } }", kinds: [.delegatecall]),
    Case(
      name: "allowed as reachable",
      source: "library L { function g(address a) internal { a.delegatecall(\"\"); } }"
        + " contract C { /// @custom:oz-upgrades-unsafe-allow-reachable delegatecall\n"
        + "function f(address a) public { L.g(a); } }", kinds: []),
    Case(
      name: "selfdestruct",
      source: "contract C { function f() public { selfdestruct(payable(msg.sender)); } }",
      kinds: [.selfdestruct]),
    Case(
      name: "selfdestruct allowed for delegatecall only",
      source: "/// @custom:oz-upgrades-unsafe-allow delegatecall\n"
        + "contract C { function f() public { selfdestruct(payable(msg.sender)); } }",
      kinds: [.selfdestruct]),
    Case(
      name: "linked library",
      source: "library L { function g(uint a) external {} }"
        + " contract C { function f() public { L.g(1); } }", kinds: [.externalLibraryLinking]),
    Case(
      name: "internal library",
      source: "library L { function g(uint a) internal {} }"
        + " contract C { function f() public { L.g(1); } }", kinds: []),
    Case(
      name: "linked library allowed",
      source: "library L { function g(uint a) external {} }"
        + " /// @custom:oz-upgrades-unsafe-allow external-library-linking\n"
        + "contract C { function f() public { L.g(1); } }", kinds: []),
    Case(
      name: "internal function in storage", source: "contract C { function() internal a; }",
      kinds: [.internalFunctionStorage]),
    Case(
      name: "external function in storage", source: "contract C { function() external a; }",
      kinds: []),
    Case(
      name: "internal function in a struct behind a mapping",
      source: "contract C { struct S { function() internal a; } mapping(uint => S[]) m; }",
      kinds: [.internalFunctionStorage]),
    Case(
      name: "internal function in a struct not used",
      source: "contract C { struct S { function() internal a; } }", kinds: []),
    Case(
      name: "internal function in a namespace",
      source: "contract C { /// @custom:storage-location erc7201:n\n"
        + "struct S { function() internal a; } }", kinds: [.internalFunctionStorage]),
    Case(
      name: "no upgrade function", source: "contract C {}", kinds: [.missingPublicUpgradeTo],
      options: UpgradeOptions(kind: .uups)),
    Case(
      name: "internal upgrade function",
      source: "contract C { function upgradeTo(address) internal {} }",
      kinds: [.missingPublicUpgradeTo], options: UpgradeOptions(kind: .uups)),
    Case(
      name: "upgrade function of a base",
      source: "contract B { function upgradeToAndCall(address, bytes memory) public {} }"
        + " contract C is B {}", kinds: [], options: UpgradeOptions(kind: .uups)),
    Case(
      name: "missing initializer", source: initializable + "contract C is A {}",
      kinds: [.missingInitializer]),
    Case(
      name: "missing initializer allowed by an option",
      source: initializable + "contract C is A {}", kinds: [],
      options: UpgradeOptions(unsafeAllow: [.missingInitializer])),
    Case(
      name: "initializer calls its parent",
      source: initializable
        + "contract C is A { function initialize() public initializer { __A_init(); } }",
      kinds: []),
    Case(
      name: "initializer calls no parent",
      source: initializable
        + "contract C is A { uint c; function initialize() public initializer { c = 1; } }",
      kinds: [.missingInitializerCall]),
    Case(
      name: "initializer calls a parent twice",
      source: initializable + "contract C is A {"
        + " function initialize() public initializer { __A_init(); __A_init(); } }",
      kinds: [.duplicateInitializerCall]),
    Case(
      name: "initializer calls a parent twice, allowed at the call",
      source: initializable + "contract C is A {"
        + " function initialize() public initializer { __A_init();\n"
        + "/// @custom:oz-upgrades-unsafe-allow duplicate-initializer-call\n__A_init(); } }",
      kinds: []),
    Case(
      name: "initializer calls parents in order",
      source: initializable + "contract C is A, B {"
        + " function initialize() public initializer { __A_init(); __B_init(); } }", kinds: []),
    Case(
      name: "unchained initializer",
      source: initializable + "contract C is A { uint c;"
        + " function __C_init() internal onlyInitializing { __A_init(); __C_init_unchained(); }"
        + " function __C_init_unchained() internal onlyInitializing { c = 1; } }", kinds: []),
  ]

  @Test(arguments: cases) func kinds(example: Case) throws {
    let verdict = try UpgradePrograms.verdict(example.source, options: example.options)
    #expect(verdict.failure == nil)
    #expect(verdict.validationErrors.map(\.kind) == example.kinds)
    #expect(verdict.isSafe == example.kinds.isEmpty)
  }

  @Test func orderIsAWarning() throws {
    let source =
      UpgradeValidationTests.initializable + "contract C is A, B {"
      + " function initialize() public initializer { __B_init(); __A_init(); } }"
    let verdict = try UpgradePrograms.verdict(source)
    #expect(verdict.isSafe)
    #expect(verdict.warnings.map(\.kind) == [.incorrectInitializerOrder])
    #expect(verdict.warnings.first?.names == ["A", "B"])
    let silent = UpgradeOptions(unsafeAllow: [.incorrectInitializerOrder])
    #expect(try UpgradePrograms.verdict(source, options: silent).warnings.isEmpty)
  }

  @Test func unknownKindsAreRefused() throws {
    let verdict = try UpgradePrograms.verdict(
      "/// @custom:oz-upgrades-unsafe-allow everything\ncontract C { uint a = 1; }")
    #expect(
      verdict.failure
        == .unknownAnnotationArgument(tag: "oz-upgrades-unsafe-allow", argument: "everything"))
  }

  @Test func abstractContractsCannotBeDeployed() throws {
    #expect(
      try UpgradePrograms.verdict("abstract contract C {}").failure == .abstractContract("C"))
  }

  @Test func structWithNamespaceOutsideOfContracts() throws {
    let verdict = try UpgradePrograms.verdict(
      "/// @custom:storage-location erc7201:n\nstruct S { uint a; }\ncontract C {}")
    #expect(verdict.failure == .namespaceOutsideContract(structure: "S"))
  }

  @Test func kindIsTakenFromTheVersions() throws {
    let uups = "contract C { function upgradeTo(address) public {} }"
    let lost = try UpgradePrograms.check(uups, "contract C {}")
    #expect(lost.verdict.kind == .uups)
    #expect(lost.verdict.validationErrors.map(\.kind) == [.missingPublicUpgradeTo])
    let never = try UpgradePrograms.check("contract C {}", "contract C {}")
    #expect(never.verdict.kind == .transparent)
    #expect(never.verdict.isSafe)
  }

  @Test func whichContractsAreUpgradeable() throws {
    let annotated = try UpgradePrograms.version(
      "/// @custom:oz-upgrades-from src/Old.sol:Old\ncontract C {}")
    #expect(CompatibleVerdict.isUpgradeable(annotated))
    #expect(annotated.contract.upgradesFrom == "src/Old.sol:Old")
    let plain = try UpgradePrograms.version("contract C {}")
    #expect(!CompatibleVerdict.isUpgradeable(plain))
    #expect(plain.contract.upgradesFrom == nil)
    let inheriting = try UpgradePrograms.version(
      "contract Initializable {} contract C is Initializable {}")
    #expect(CompatibleVerdict.isUpgradeable(inheriting))
  }
}
