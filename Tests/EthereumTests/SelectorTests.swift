import Ethereum
import Testing

@Suite("Selectors, topics and slots")
struct SelectorTests {
  @Test(
    "Known selectors",
    arguments: [
      ("transfer(address,uint256)", "0xa9059cbb"),
      ("balanceOf(address)", "0x70a08231"),
      ("supportsInterface(bytes4)", "0x01ffc9a7"),
      ("Error(string)", "0x08c379a0"),
      ("Panic(uint256)", "0x4e487b71"),
      ("proxiableUUID()", "0x52d1902d"),
    ])
  func selectors(signature: String, expected: String) throws {
    let selector = Selector(signature: signature)
    #expect(selector.description == expected)
    #expect(try Selector(hex: expected) == selector)
    #expect(Selector(selector.bytes) == selector)
  }

  @Test("An event's topic")
  func topic() {
    #expect(
      EventTopic(signature: "Approval(address,address,uint256)").description
        == "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925")
  }

  /// ids and slots from the fixtures; the last ones have a hashed word with a leading zero nibble.
  @Test(
    "ERC-7201 slots",
    arguments: [
      (
        "example.main",
        "0x183a6125c38840424c4a85fa12bab2ab606c4b6d0e7cc73c0c06ba5300eab500"
      ),
      (
        "openzeppelin.storage.Ownable",
        "0x9016d09d72d40fdae2fd8ceac6b6234c7706214fd39c1cd1e609a0528c199300"
      ),
      (
        "openzeppelin.storage.ERC20",
        "0x52c63247e1f47db19d5ce0460030c497f067ca4cebf71ba98eeadabe20bace00"
      ),
      (
        "openzeppelin.storage.Initializable",
        "0xf0c57e16840df040f15088dc2f81fe391c3923bec73e23a9662efc9c229c6a00"
      ),
      (
        "a",
        "0xaa6955119ac6db8afacd510d4dc900f542a917fd4d68365a4f3f0cf3f486ab00"
      ),
      (
        "",
        "0x4318a0031e4d2f411be9017543511db04d79cf580aaff6bae7539a4a49eacc00"
      ),
      (
        "maslin.storage.with spaces",
        "0xe48131e5856a47b8417557a7a70fd7f690e2aefe16b946a5c3a9982c89281700"
      ),
      (
        "maslin.ünï",
        "0x2342666f1220c6ad18b84ba96638557baee56a1776eaf4af893414ce98a74700"
      ),
      (
        "maslin.namespace.2",
        "0x7a3576d5fc24920257c595d9db8756dddbeaf43dbb2a47ad348ceee386867e00"
      ),
      (
        "maslin.namespace.26",
        "0xb0efae5043a9a8d46af621c192e65e860a1166d07bb8beb12f078430226eed00"
      ),
      (
        "maslin.namespace.27",
        "0xf4bb68c689df50f31b64d00687fe71863e838937010cee027e5592bc9bf24e00"
      ),
      (
        "maslin.namespace.38",
        "0xa41e4c1a3f5bd9244aef94e7857958f6b7d87c1523c26433d69b708ce96c2600"
      ),
      (
        "maslin.namespace.45",
        "0x22ebfe48bc600f98116a8b3b41339613e91809507eafc12375fab15448f12a00"
      ),
      (
        "maslin.namespace.117",
        "0xba1a0ab6c3cc15f3085a1fee0c529f4f3c4f0a50350fc020cb177a4bca481f00"
      ),
    ])
  func erc7201(id: String, slot: String) {
    #expect(StorageLocation.erc7201(id: id).paddedHexString == slot)
  }

  @Test(
    "Well-known proxy slots",
    arguments: [
      (
        WellKnownSlot.erc1967Implementation,
        "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
      ),
      (
        .erc1967Admin,
        "0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103"
      ),
      (
        .erc1967Beacon,
        "0xa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50"
      ),
      (
        .erc1967Rollback,
        "0x4910fdfa16fed3260ed0e7147f7cc6da11a60208b5b9406d12a635614ffd9143"
      ),
      (
        .erc1822Proxiable,
        "0xc5f16f0fcc639fa48a6947836d9850f504798523bf8c9a3a87d5876cf622bcf7"
      ),
      (
        .zeppelinOSImplementation,
        "0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3"
      ),
      (
        .zeppelinOSAdmin,
        "0x10d6a54a4754c8869d6886b5f5d7fbfa5b4522237ea5c60d11bc4e7a1ff9390b"
      ),
      (
        .diamondStorage,
        "0xc8fcad8db84d3cc18b4c41d551ea0ee66dd599cde068d998e57d5e09332c131c"
      ),
    ])
  func wellKnown(known: WellKnownSlot, slot: String) throws {
    #expect(known.slot.paddedHexString == slot)
    #expect(WellKnownSlot(slot: try Word(hex: slot)) == known)
    #expect(WellKnownSlot(slot: known.slot &+ .one) == nil)
  }

  @Test("Mapping values and array elements")
  func derivedSlots() {
    // The values that the Solidity documentation's scheme gives, through another hash library.
    #expect(
      StorageLocation.mappingValue(key: 1, base: 0).paddedHexString
        == "0xada5013122d395ba3c54772283fb069b10426056ef8ca54750cb9bb552a59e7d")
    #expect(
      StorageLocation.elements(of: 0).paddedHexString
        == "0x290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563")
  }
}
