import Bytecode
import Ethereum
import Testing

@Suite("Compiler metadata")
struct MetadataTests {
  static let hash = String(repeating: "ab", count: 32)

  @Test("Solidity with an IPFS hash and a release version")
  func solidity() throws {
    let trailer = "a2646970667358221220" + Self.hash + "64736f6c634300081c0033"
    let code = try Hex.decode("6080604052" + "00fe" + trailer)
    let metadata = try #require(CompilerMetadata(code: code))
    #expect(metadata.compiler == .solidity)
    #expect(metadata.version == "0.8.28")
    #expect(metadata.ipfs == (try Hex.decode("1220" + Self.hash)))
    #expect(metadata.range == 7..<code.count)
    #expect(!metadata.isExperimental)
  }

  @Test("Solidity before 0.5.9: a Swarm hash only")
  func swarm() throws {
    let code = try Hex.decode("00" + "a165627a7a72305820" + Self.hash + "0029")
    let metadata = try #require(CompilerMetadata(code: code))
    #expect(metadata.compiler == .solidity)
    #expect(metadata.version == nil)
    #expect(metadata.swarm == (try Hex.decode(Self.hash)))
  }

  @Test("Experimental features and a pre-release version")
  func experimental() throws {
    // {"experimental": true, "solc": "0.8.0-nightly"}
    let trailer =
      "a2" + "6c6578706572696d656e74616c" + "f5" + "64736f6c63" + "6d302e382e302d6e696768746c79"
    let length = trailer.count / 2
    let code = try Hex.decode("fe" + trailer) + [UInt8(length >> 8), UInt8(length & 0xff)]
    let metadata = try #require(CompilerMetadata(code: code))
    #expect(metadata.isExperimental)
    #expect(metadata.version == "0.8.0-nightly")
  }

  @Test("Metadata is found before appended arguments")
  func appended() throws {
    let trailer = "a165627a7a72305820" + Self.hash + "0029"
    let code = try Hex.decode("6000" + trailer + String(repeating: "00", count: 64))
    let metadata = try #require(CompilerMetadata(code: code))
    #expect(metadata.range == 2..<(2 + trailer.count / 2))
  }

  @Test("Vyper before 0.3.10 and since")
  func vyper() throws {
    let old = try Hex.decode("00" + "a165767970657283000307000b")
    #expect(CompilerMetadata(code: old)?.compiler == .vyper)
    #expect(CompilerMetadata(code: old)?.version == "0.3.7")
    for build in try VyperBuild.all() where build.compiler != "0.2.16" {
      let metadata = try #require(CompilerMetadata(code: try Hex.decode(build.creation)))
      #expect(metadata.compiler == .vyper)
      #expect(metadata.version == build.compiler)
      #expect(metadata.vyperSizes?.runtime == build.runtime.utf8.count / 2 - 1)
      #expect(metadata.vyperSizes?.immutables == 0)
    }
  }

  @Test("Lengths that lie are refused")
  func hostile() throws {
    #expect(CompilerMetadata(code: [0xff, 0xff]) == nil)
    // A map of 2^64 - 1 pairs, and a byte string longer than the code.
    #expect(CompilerMetadata(code: try Hex.decode("bbffffffffffffffff0009")) == nil)
    #expect(CompilerMetadata(code: try Hex.decode("a164697066735affffffff0009")) == nil)
    // Arrays within arrays beyond any compiler's depth.
    let nested = [UInt8](repeating: 0x81, count: 600) + [0x00, 0x02, 0x58]
    #expect(CompilerMetadata(code: nested) == nil)
  }
}
