import Bytecode
import Ethereum
import Testing

@Suite("Code formats and minimal proxies")
struct CodeFormatTests {
  static let target = "bebebebebebebebebebebebebebebebebebebebe"

  @Test("An EIP-7702 delegation")
  func delegation() throws {
    let analysis = BytecodeAnalysis(code: try Hex.decode("0xef0100" + Self.target))
    let address = try Address(Self.target)
    #expect(analysis.format == .delegation(address))
    #expect(analysis.proxy == .delegation(address))
    #expect(analysis.functions.isEmpty)
    // One byte more or less is no delegation.
    #expect(CodeFormat(code: try Hex.decode("ef0100" + Self.target + "00")) == .reserved)
    #expect(CodeFormat(code: try Hex.decode("ef0100" + Self.target.dropLast(2))) == .reserved)
  }

  @Test("An object format container is named and not run")
  func objectFormat() throws {
    let code = try Hex.decode("ef0001" + "010004" + "0200010003" + "040002" + "00" + "00800001")
    guard case .objectFormat(let header) = CodeFormat(code: code) else {
      Issue.record("not recognised")
      return
    }
    #expect(header.version == 1)
    #expect(header.codeSectionSizes == [3])
    #expect(header.dataSectionSize == 2)
    #expect(header.isComplete)
    #expect(BytecodeAnalysis(code: code).disassembly.instructions.isEmpty)
  }

  @Test("No code")
  func empty() {
    let analysis = BytecodeAnalysis(code: [])
    #expect(analysis.format == .empty)
    #expect(!analysis.hasFallback)
  }

  /// Codes as the standards and the libraries publish them, with their example address.
  @Test(
    "Published minimal proxies",
    arguments: [
      (
        MinimalProxy.Form.erc1167,
        "363d3d373d3d3d363d73bebebebebebebebebebebebebebebebebebebebe5af43d82803e903d91602b57fd5bf3",
        ""
      ),
      (
        .clone0age,
        "3d3d3d3d363d3d37363d73bebebebebebebebebebebebebebebebebebebebe5af43d3d93803e602a57fd5bf3",
        ""
      ),
      (
        .clonePush0,
        "5f5f365f5f37365f73bebebebebebebebebebebebebebebebebebebebe5af43d5f5f3e6029573d5ffd5b3d5ff3",
        ""
      ),
      (
        .vyperForwarder,
        "366000600037611000600036600073bebebebebebebebebebebebebebebebebebebebe"
          + "5af4602c57600080fd5b6110006000f3",
        ""
      ),
      (
        .erc3448,
        "363d3d373d3d3d3d60368038038091363936013d73bebebebebebebebebebebebebebebebebebebebe"
          + "5af43d3d93803e603457fd5bf3",
        "aabb"
      ),
      (
        .erc1167,
        "363d3d373d3d3d363d73bebebebebebebebebebebebebebebebebebebebe5af43d82803e903d91602b57fd5bf3",
        "0102030405"
      ),
    ])
  func published(form: MinimalProxy.Form, code: String, arguments: String) throws {
    let address = try Address(Self.target)
    let bytes = try Hex.decode(code + arguments)
    let proxy = try #require(MinimalProxy(code: bytes))
    #expect(proxy.form == form)
    #expect(proxy.target == .implementation(address))
    #expect(proxy.arguments == (try Hex.decode(arguments)))
    // Running the code leads to the same address.
    let analysis = BytecodeAnalysis(code: bytes)
    #expect(analysis.delegateCalls.map(\.target) == [.constant(address)])
    #expect(analysis.functions.isEmpty)
    #expect(analysis.hasFallback)
    // A changed byte is no minimal proxy any more, yet still a proxy of the address.
    var changed = bytes
    changed[0] = changed[0] == 0x36 ? 0x3d : 0x36
    #expect(MinimalProxy(code: changed) == nil)
  }

  @Test("An address with leading zeros and a shorter push")
  func shortAddress() throws {
    let code = "363d3d373d3d3d363d6fbebebebebebebebebebebebebebebebe5af43d82803e903d91602757fd5bf3"
    let proxy = try #require(MinimalProxy(code: try Hex.decode(code)))
    #expect(proxy.form == .erc1167ShortAddress)
    let address = try Address("00000000" + Self.target.dropLast(8))
    #expect(proxy.target == .implementation(address))
  }

  @Test(
    "Every published form is a proxy when it is run",
    arguments: [
      (
        MinimalProxy.Form.erc7760UUPS,
        "363d3d373d3d363d7f360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
          + "545af43d6000803e6038573d6000fd5b3d6000f3"
      ),
      (
        .erc7760UUPSWithGetter,
        "365814604357363d3d373d3d363d7f360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382b"
          + "bc545af43d6000803e603e573d6000fd5b3d6000f35b6020600f3d393d51543d52593df3"
      ),
    ])
  func slotForms(form: MinimalProxy.Form, code: String) throws {
    let analysis = BytecodeAnalysis(code: try Hex.decode(code))
    guard case .minimal(let proxy)? = analysis.proxy else {
      Issue.record("not recognised")
      return
    }
    let slot = WellKnownSlot.erc1967Implementation.slot
    #expect(proxy.form == form)
    #expect(proxy.target == .slot(slot))
    #expect(
      analysis.delegateCalls.map(\.target)
        == [.storage(StorageSlot(root: .constant(slot)), isTransient: false)])
    #expect(analysis.wellKnownSlots == [.erc1967Implementation])
  }

  @Test(
    "ERC-7760 beacon forms",
    arguments: [
      (
        MinimalProxy.Form.erc7760Beacon,
        "363d3d373d3d363d602036600436635c60da1b60e01b36527f"
          + "a3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50"
          + "545afa5036515af43d6000803e604d573d6000fd5b3d6000f3"
      ),
      (
        .erc7760BeaconWithGetter,
        "363d3d373d3d363d602036600436635c60da1b60e01b36527f"
          + "a3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50"
          + "545afa361460525736515af43d600060013e6052573d6001fd5b3d6001f3"
      ),
    ])
  func beaconForms(form: MinimalProxy.Form, code: String) throws {
    let proxy = try #require(MinimalProxy(code: try Hex.decode(code)))
    #expect(proxy.form == form)
    #expect(proxy.target == .beacon(slot: WellKnownSlot.erc1967Beacon.slot))
  }
}
