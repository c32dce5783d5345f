#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The host of a `Host` field, an origin or an option: a name or a literal address, without a port.
struct HostName: Hashable, Sendable {
  /// The name in lower case; IPv6 addresses without brackets.
  let name: String

  /// Takes a name or an address as it is, with or without brackets around IPv6.
  init(_ text: some StringProtocol) {
    var text = text.lowercased()
    if text.hasPrefix("["), text.hasSuffix("]") { text = String(text.dropFirst().dropLast()) }
    // A trailing dot is the same name, spelled absolutely.
    if text.hasSuffix("."), text.count > 1 { text.removeLast() }
    name = text
  }

  /// Reads `uri-host [":" port]` (RFC 9110, 7.2); nil for anything else.
  init?(authority: String) {
    let bytes = Array(authority.utf8)
    guard !bytes.isEmpty, bytes.count <= 300 else { return nil }
    let host: ArraySlice<UInt8>
    let rest: ArraySlice<UInt8>
    if bytes[0] == UInt8(ascii: "[") {
      guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
      host = bytes[1..<end]
      rest = bytes[(end + 1)...]
      guard HostName.isAddress(String(decoding: host, as: UTF8.self), family: AF_INET6) else {
        return nil
      }
    } else {
      let end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
      host = bytes[..<end]
      rest = bytes[end...]
      let isName = host.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
          UInt8(ascii: "_"):
          true
        default: false
        }
      }
      guard isName else { return nil }
    }
    guard !host.isEmpty else { return nil }
    if !rest.isEmpty {
      let digits = rest.dropFirst()
      guard rest.first == UInt8(ascii: ":"), digits.count <= 5,
        digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
      else { return nil }
    }
    self.init(String(decoding: host, as: UTF8.self))
  }

  /// Whether it stands for this machine whatever a name server says: `localhost` and names below it (RFC 6761, 6.3),
  /// 127.0.0.0/8, ::1.
  var isLoopback: Bool {
    if name == "localhost" || name.hasSuffix(".localhost") { return true }
    if Self.isAddress(name, family: AF_INET) { return name.hasPrefix("127.") }
    var address = in6_addr()
    guard inet_pton(AF_INET6, name, &address) == 1 else { return false }
    let bytes = withUnsafeBytes(of: &address) { Array($0) }
    let mapped: [UInt8] = Array(repeating: 0, count: 10) + [0xFF, 0xFF, 127]
    return bytes == Array(repeating: 0, count: 15) + [1] || Array(bytes.prefix(13)) == mapped
  }

  /// Whether it is an address, not a name.
  var isAddress: Bool {
    Self.isAddress(name, family: AF_INET) || Self.isAddress(name, family: AF_INET6)
  }

  /// Whether it stands for every address of the machine.
  var isWildcard: Bool { name == "0.0.0.0" || name == "::" }

  private static func isAddress(_ text: String, family: Int32) -> Bool {
    // Room for either kind of address.
    var address = in6_addr()
    return inet_pton(family, text, &address) == 1
  }
}
