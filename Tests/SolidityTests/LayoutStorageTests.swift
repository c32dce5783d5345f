import BigInt
import Foundation
import Solidity
import SoliditySyntax
import Testing

/// Namespaces, hand-made slots, maps, and sources that are wrong.
@Suite struct LayoutStorageTests {
  private let example = BigUInt(
    "183a6125c38840424c4a85fa12bab2ab606c4b6d0e7cc73c0c06ba5300eab500", radix: 16)!
  private let implementation = BigUInt(
    "360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc", radix: 16)!

  @Test func annotatedStruct() throws {
    let storage = try LayoutPrograms.storage(
      """
      contract Base {
        /// @custom:storage-location erc7201:example.main
        struct Main { uint256 x; uint128 y; uint128 z; }
      }
      contract C is Base { uint256 ordinary; }
      """)
    let region = try #require(storage.regions.first)
    #expect(storage.regions.count == 1)
    #expect(region.origin == .annotation)
    #expect(region.slot == example)
    #expect(region.name == "erc7201:example.main")
    #expect(region.entries.map(\.label) == ["x", "y", "z"])
    #expect(region.entries.map(\.slot) == [region.slot, region.slot + 1, region.slot + 1])
    #expect(region.entries.map(\.offset) == [0, 0, 16])
    #expect(region.uses.isEmpty)
  }

  @Test func diamondStorageAnnotation() throws {
    let storage = try LayoutPrograms.storage(
      """
      contract C {
        /** @custom:storage-location erc8042:diamond.standard.diamond.storage */
        struct Main { uint256 x; }
      }
      """)
    #expect(
      storage.regions.map { SlotText.hexadecimal($0.slot) } == [
        "0xc8fcad8db84d3cc18b4c41d551ea0ee66dd599cde068d998e57d5e09332c131c"
      ])
    #expect(storage.regions.first?.wellKnown == .diamondStorage)
  }

  @Test func structAssignedInAssembly() throws {
    let storage = try LayoutPrograms.storage(
      """
      library Lib {
        bytes32 constant POSITION = keccak256("diamond.standard.diamond.storage");
        struct Data { address owner; bool open; }
        function data() internal pure returns (Data storage d) {
          bytes32 position = POSITION;
          assembly { d.slot := position }
        }
      }
      contract C { function owner() external view returns (address) { return Lib.data().owner; } }
      contract Unused {}
      """)
    let region = try #require(storage.regions.first)
    #expect(region.origin == .pointer)
    #expect(region.wellKnown == .diamondStorage)
    #expect(region.entries.map(\.label) == ["owner", "open"])
    #expect(region.uses.map(\.action) == [.point])
  }

  @Test func annotationAndCodeDisagree() throws {
    let storage = try LayoutPrograms.storage(
      """
      contract C {
        /// @custom:storage-location erc7201:example.main
        struct Main { uint256 x; }
        function main() private pure returns (Main storage m) { assembly { m.slot := 0x1234 } }
      }
      """)
    #expect(storage.regions.map(\.slot) == [0x1234, example])
    #expect(
      storage.problems == [
        .namespaceMismatch(id: "erc7201:example.main", used: 0x1234, expected: example)
      ])
  }

  @Test func duplicateNamespace() throws {
    let storage = try LayoutPrograms.storage(
      """
      contract A {
        /// @custom:storage-location erc7201:example.main
        struct One { uint256 x; }
      }
      contract C is A {
        /// @custom:storage-location erc7201:example.main
        struct Two { address y; }
      }
      """)
    #expect(storage.problems == [.duplicateNamespace(id: "erc7201:example.main")])
  }

  /// A slot handed to a function that points at it, through a second function.
  @Test func slotHelpers() throws {
    let storage = try LayoutPrograms.storage(
      """
      library Slots {
        struct AddressSlot { address value; }
        function at(bytes32 slot) internal pure returns (AddressSlot storage r) {
          assembly { r.slot := slot }
        }
      }
      contract C {
        bytes32 internal constant IMPL =
          bytes32(uint256(keccak256("eip1967.proxy.implementation")) - 1);
        bytes32 internal constant OWN = keccak256("c.own");
        function impl() external view returns (address) { return Slots.at(IMPL).value; }
        function _set(bytes32 s, address a) private { Slots.at(s).value = a; }
        function set(address a) external { _set(OWN, a); }
      }
      """)
    #expect(storage.regions.count == 2)
    let impl = try #require(storage.regions.first { $0.slot == implementation })
    #expect(impl.wellKnown == .erc1967Implementation)
    #expect(impl.origin == .helper)
    let own = try #require(storage.regions.first { $0.slot != implementation })
    #expect(own.name == "OWN")
    #expect(own.entries.map(\.label) == ["value"])
    #expect(own.uses.map(\.action) == [.point, .pass])
  }

  @Test func namespaceHashedByALibrary() throws {
    let storage = try LayoutPrograms.storage(
      """
      library SlotDerivation {
        function erc7201Slot(string memory id) internal pure returns (bytes32 slot) {
          assembly { slot := keccak256(add(id, 0x20), mload(id)) }
        }
      }
      library Slots {
        struct Uint256Slot { uint256 value; }
        function at(bytes32 slot) internal pure returns (Uint256Slot storage r) {
          assembly { r.slot := slot }
        }
      }
      contract C {
        using SlotDerivation for string;
        string private constant ID = "example.main";
        function _slot() private pure returns (bytes32) { return ID.erc7201Slot(); }
        function get() external view returns (uint256) { return Slots.at(_slot()).value; }
      }
      """)
    #expect(storage.regions.map(\.slot) == [example])
  }

  /// A function that calls itself with ever new slots ends.
  @Test func growingSlotsEnd() throws {
    let storage = try LayoutPrograms.storage(
      """
      contract C {
        function f(uint256 slot) internal {
          assembly { sstore(slot, 1) }
          f(slot + 1);
        }
        function g() external { f(5); }
      }
      """)
    #expect(storage.regions.count > 10)
    #expect(storage.regions.first?.slot == 5)
  }

  @Test func plainAccess() throws {
    let storage = try LayoutPrograms.storage(
      """
      contract C {
        bytes32 constant ADMIN =
          0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103;
        function f(address a) external {
          assembly {
            sstore(ADMIN, a)
            let s := add(ADMIN, 1)
            pop(sload(s))
            tstore(7, 1)
            pop(sload(calldataload(0)))
          }
        }
      }
      """)
    #expect(storage.regions.map(\.isTransient) == [false, false, true])
    #expect(storage.regions.map(\.uses).map { $0.map(\.action) } == [[.write], [.read], [.write]])
    #expect(storage.regions.first?.wellKnown == .erc1967Admin)
    #expect(storage.regions.first?.type == .address(payable: false))
    #expect(storage.regions[1].type == .fixedBytes(32))
    #expect(storage.regions[1].slot == storage.regions[0].slot + 1)
    #expect(storage.regions.last?.slot == 7)
  }

  /// Slots of declared variables are not hand-made ones.
  @Test func declaredSlotsAreNoRegions() throws {
    let storage = try LayoutPrograms.storage(
      """
      contract C {
        uint256 a; uint256 b;
        function f() external view returns (uint256 r) { assembly { r := sload(b.slot) } }
      }
      """)
    #expect(storage.regions.isEmpty)
    #expect(storage.layout.storage.map(\.slot) == [0, 1])
  }

  @Test func slotMap() throws {
    let program = LayoutPrograms.make(
      """
      contract A { address owner; bool open; uint256[48] private __gap; }
      contract C is A {
        struct P { uint128 x; uint64 y; }
        P p; uint8[40] flags; uint256[1000] far; mapping(address => uint) m;
      }
      """, path: "src/C.sol")
    let storage = program.storage(of: try LayoutPrograms.contract("C", in: program))
    let text = SlotMap(of: storage, in: program).text
    #expect(
      text == """
        src/C.sol:C
          storage
                   0 [...........baaaaaaaaaaaaaaaaaaaa] a owner: address (A), b open: bool (A), 11 bytes free
               1..48 [________________________________] _ __gap: uint256[48] (A), 48 slots
                  49 [........bbbbbbbbaaaaaaaaaaaaaaaa] a p.x: uint128 (C), b p.y: uint64 (C), 8 bytes free
                  50 [aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa] a flags[0..31]: uint8 (C)
                  51 [........................aaaaaaaa] a flags[32..39]: uint8 (C), 24 bytes free
            52..1051 [aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa] a far: uint256[1000] (C), 1000 slots
                1052 [aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa] a m: mapping(address => uint256) (C), values by hash of key and slot

        """)
  }

  @Test func reportAsJSON() throws {
    let program = LayoutPrograms.make(
      """
      contract C {
        struct P { uint128 x; uint64 y; }
        uint8 a; P p;
        function f() external { assembly { sstore(0x99, 1) } }
      }
      """, path: "src/C.sol")
    let contract = try LayoutPrograms.contract("C", in: program)
    let report = StorageReport(of: program.storage(of: contract), in: program)
    #expect(report.storage.map(\.slot) == ["0", "1"])
    #expect(report.storage[1].members?.map(\.offset) == [0, 16])
    #expect(report.storage[1].line == 3)
    #expect(report.regions.map(\.slot) == ["153"])
    #expect(report.regions[0].uses.map(\.line) == [4])
    let data = try JSONEncoder().encode(report)
    #expect(try JSONDecoder().decode(StorageReport.self, from: data) == report)
  }

  @Test func recursiveStructsEnd() throws {
    let storage = try LayoutPrograms.storage(
      """
      contract C {
        struct A { uint x; B b; }
        struct B { A a; }
        struct Tree { Tree[] children; mapping(uint => Tree) named; }
        A a; Tree tree; uint256 last;
      }
      """)
    #expect(storage.layout.storage.count == 3)
    #expect(
      storage.layout.problems.contains { if case .recursiveStruct = $0 { true } else { false } })
    let tree = try #require(storage.layout.storage.first { $0.label == "tree" })
    #expect(tree.numberOfBytes == 64)
  }

  /// A chain of a thousand structs is refused beyond a depth, not followed until the stack ends.
  @Test func deepStructsEnd() throws {
    var source = "struct S0 { uint256 x; }\n"
    for index in 1...2000 { source += "struct S\(index) { S\(index - 1) inner; }\n" }
    let storage = try LayoutPrograms.storage(source + "contract C { S2000 s; uint8 last; }")
    #expect(storage.layout.storage.count == 2)
    #expect(
      storage.layout.problems.contains { if case .tooDeeplyNested = $0 { true } else { false } })
  }

  @Test func unknownTypesAreTold() throws {
    let program = LayoutPrograms.make("contract C { Missing m; uint8 a; }")
    let layout = program.storageLayout(of: try LayoutPrograms.contract("C", in: program))
    #expect(layout.problems == [.unknownType(variable: "m")])
    #expect(layout.storage.map(\.slot) == [0, 1])
  }

  @Test func missingBasesAreTold() throws {
    let program = LayoutPrograms.make("contract A is Missing {} contract C is A { uint8 a; }")
    let layout = program.storageLayout(of: try LayoutPrograms.contract("C", in: program))
    #expect(layout.problems == [.unknownBase(name: "Missing")])
  }

  @Test func tooLarge() throws {
    let storage = try LayoutPrograms.storage("contract C { uint256[2**255] a; uint256[2**255] b; }")
    #expect(storage.layout.problems == [.tooLarge])
  }
}
