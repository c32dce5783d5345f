import Auditing
import BigInt
import Testing

/// Proxies are told apart by what their code does; no name in these sources says anything.
struct ProxyRecognitionTests {
  struct Sample: Sendable, CustomStringConvertible {
    let kind: ProxyKind
    let body: String
    let target: String
    var description: String { kind.rawValue }

    var source: String {
      """
      pragma solidity ^0.8.20;
      interface Light { function implementation() external view returns (address); }
      contract Thing {
        \(body)
        fallback() external payable {
          address to = \(target);
          assembly {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), to, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch ok
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
          }
        }
      }
      """
    }
  }

  static let samples: [Sample] = [
    Sample(
      kind: .erc1967,
      body: """
        struct Box { address value; }
        function box(bytes32 at) private pure returns (Box storage b) { assembly { b.slot := at } }
        """, target: "box(\(ProxyMistake.slot)).value"),
    Sample(
      kind: .transparent,
      body: """
        address private immutable chief = msg.sender;
        function read() private view returns (address a) {
          require(msg.sender != chief);
          assembly { a := sload(\(ProxyMistake.slot)) }
        }
        """, target: "read()"),
    Sample(
      kind: .erc1822,
      body: """
        function read() private view returns (address a) {
          bytes32 at = keccak256("PROXIABLE");
          assembly { a := sload(at) }
        }
        """, target: "read()"),
    Sample(
      kind: .beaconProxy,
      body: "Light private immutable light; constructor(Light l) { light = l; }",
      target: "light.implementation()"),
    Sample(
      kind: .diamond, body: "mapping(bytes4 => address) private table;", target: "table[msg.sig]"),
    Sample(
      kind: .slotZero, body: "address private one; constructor(address a) { one = a; }",
      target: "one"),
    Sample(
      kind: .storageVariable,
      body: "uint256 private count; address private two; constructor(address a) { two = a; }",
      target: "two"),
    Sample(
      kind: .immutableTarget,
      body: "address private immutable three; constructor(address a) { three = a; }",
      target: "three"),
    Sample(
      kind: .constantTarget,
      body: "address private constant four = 0x1234567890123456789012345678901234567890;",
      target: "four"),
    Sample(
      kind: .unstructured,
      body: """
        function read() private view returns (address a) {
          bytes32 at = keccak256("some.place.of.ours");
          assembly { a := sload(at) }
        }
        """, target: "read()"),
  ]

  private func recognized(_ source: String) -> [ProxyContract] {
    ProxyRecognition.recognize(in: Facts(program: ProxyProgram.program(source)))
  }

  @Test(arguments: samples)
  func kindIsToldByStructure(_ sample: Sample) {
    #expect(ProxyProgram.objections(sample.source) == [])
    #expect(recognized(sample.source).map(\.kind) == [sample.kind])
  }

  @Test func targetVariableHasItsSlot() throws {
    let sample = try #require(Self.samples.first { $0.kind == .storageVariable })
    let proxy = try #require(recognized(sample.source).first)
    guard case .variable(let variable, let slot, let offset) = proxy.source else {
      Issue.record("\(proxy.source)")
      return
    }
    #expect(variable.node.name == "two")
    #expect(slot == 1)
    #expect(offset == 0)
  }

  @Test func upgradePathsTellWhoMayTakeThem() throws {
    let source = """
      pragma solidity ^0.8.20;
      contract Thing {
        address private to;
        address private chief = msg.sender;
        function open(address a) external { to = a; }
        function closed(address a) external { require(msg.sender == chief); to = a; }
        fallback() external payable {
          (bool ok, ) = to.delegatecall(msg.data);
          require(ok);
        }
      }
      """
    let proxy = try #require(recognized(source).first)
    #expect(proxy.upgradePaths.map(\.entry) == ["open", "closed"])
    #expect(proxy.upgradePaths.map(\.isRestricted) == [false, true])
  }

  @Test func delegationOutsideOfTheFallbackMakesNoProxy() {
    let source = """
      pragma solidity ^0.8.20;
      contract Thing {
        address private helper;
        function work() external {
          (bool ok, ) = helper.delegatecall(abi.encodeWithSignature("work()"));
          require(ok);
        }
      }
      """
    #expect(recognized(source).isEmpty)
  }

  @Test func partsOfProxySystemsAreTold() throws {
    let beacon = try #require(ProxyMistake.all.first { $0.name.contains("beacon") })
    #expect(recognized(beacon.repaired).map(\.kind) == [.beacon])
    let clone = try #require(ProxyMistake.all.first { $0.name.contains("clone") })
    #expect(recognized(clone.repaired).map(\.kind) == [.cloneFactory])
    let upgrade = try #require(ProxyMistake.all.first { $0.name.contains("hook") })
    #expect(recognized(upgrade.repaired).map(\.kind) == [.uupsImplementation])
    let accounts = try #require(ProxyMistake.all.first { $0.name.contains("two account") })
    #expect(
      recognized(accounts.repaired).map(\.kind) == [.accountDelegate, .accountDelegate])
  }

  /// A base that is imported but not at hand is known by its published name; the finding says less.
  @Test func publishedBaseWithoutSource() throws {
    let source = """
      pragma solidity ^0.8.20;
      import {TransparentUpgradeableProxy} from "somewhere/TransparentUpgradeableProxy.sol";
      contract Hut is TransparentUpgradeableProxy {
        address private keeper;
        constructor(address a, address b) TransparentUpgradeableProxy(a, b, "") { keeper = b; }
      }
      """
    let proxy = try #require(recognized(source).first)
    #expect(proxy.isByPublishedName)
    #expect(ProxyProgram.rules(source) == ["proxy-sequential-storage"])
    let repaired = source.replacing(
      "address private keeper;", with: "address private immutable keeper;")
    #expect(ProxyProgram.rules(repaired) == [])
  }
}
