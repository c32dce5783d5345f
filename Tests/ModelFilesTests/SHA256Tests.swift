import DurableFiles
import Testing

@Suite struct SHA256Tests {
  /// FIPS 180-4's examples and vectors of NIST's CAVP (SHA256ShortMsg.rsp).
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
  ]) func published(text: String, hash: String) {
    #expect(SHA256.hexadecimal(SHA256.hash(Array(text.utf8))) == hash)
  }

  @Test func oneByte() {
    // CAVP, Len = 8, Msg = d3.
    #expect(
      SHA256.hexadecimal(SHA256.hash([0xD3]))
        == "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1")
  }

  @Test func aMillionTimesA() {
    let bytes = [UInt8](repeating: 0x61, count: 1_000_000)
    #expect(
      SHA256.hexadecimal(SHA256.hash(bytes))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test(arguments: 0..<200) func piecesOfAnySize(size: Int) {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ size) }
    let whole = SHA256.hash(bytes)
    for step in [1, 3, 63, 64, 65] {
      var hash = SHA256()
      for start in stride(from: 0, to: size, by: step) {
        bytes[start..<min(size, start + step)].withUnsafeBytes { hash.update($0) }
      }
      #expect(hash.finish() == whole)
    }
  }
}
