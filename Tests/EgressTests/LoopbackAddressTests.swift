import Egress
import Testing

@Suite("Addresses on this machine")
struct LoopbackAddressTests {
  @Test(
    "Loopback addresses are read",
    arguments: [
      ("http://127.0.0.1:4114", "http://127.0.0.1:4114"),
      ("http://127.8.9.10:1/", "http://127.8.9.10:1"),
      ("http://[::1]:65535", "http://[::1]:65535"), ("http://LocalHost:80", "http://127.0.0.1:80"),
    ])
  func read(text: String, expected: String) throws {
    #expect(try LoopbackAddress(text).description == expected)
  }

  @Test(
    "Everything else is refused, with the reason",
    arguments: [
      "", "http://", "127.0.0.1:80", "https://127.0.0.1:80", "http://127.0.0.1",
      "http://127.0.0.1:0",
      "http://127.0.0.1:65536", "http://127.0.0.1:80/path", "http://127.0.0.1:+80",
      "http://128.0.0.1:80",
      "http://127.0.0.1.example.com:80", "http://127.0.0:80", "http://127.0.0.01:80",
      "http://127.0.0.256:80",
      "http://0.0.0.0:80", "http://[::]:80", "http://[::1:80", "http://[::ffff:127.0.0.1]:80",
      "http://localhost.:80",
      "http://user@127.0.0.1:80", "http://127.0.0.1@example.com:80",
      "http://127.0.0.1:80@example.com:1",
      "http://2130706433:80", "http://0x7f.0.0.1:80", "http://١٢٧.0.0.1:80", "http://[fe80::1]:80",
    ])
  func refused(text: String) {
    #expect(throws: EgressError.self) { try LoopbackAddress(text) }
  }
}
