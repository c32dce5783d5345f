/// The address of a server on this machine: `http://127.0.0.1:4114`.
///
/// Only addresses that cannot leave the machine are accepted: 127.0.0.0/8 and ::1 (RFC 1122 3.2.1.3, RFC 4291 2.5.3), written
/// as numbers, and the name `localhost`, which stands for 127.0.0.1 here and is not looked up.
public struct LoopbackAddress: Hashable, Sendable, CustomStringConvertible {
  /// The address as a number; of IPv6 without brackets.
  public let host: String
  /// The port.
  public let port: Int

  /// Reads an address.
  ///
  /// - Throws: `EgressError.refused` for anything else than `http://HOST:PORT` with a loopback host.
  public init(_ text: String) throws(EgressError) {
    let scheme = "http://"
    guard text.hasPrefix(scheme) else {
      throw .refused(
        "'\(text)' is no address of a server on this machine; it looks like http://127.0.0.1:4114")
    }
    var rest = text.dropFirst(scheme.count)
    if rest.hasSuffix("/") { rest.removeLast() }
    let host: Substring
    let portText: Substring
    if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
      host = rest[rest.index(after: rest.startIndex)..<end]
      portText = rest[rest.index(after: end)...]
    } else {
      let colon = rest.firstIndex(of: ":") ?? rest.endIndex
      host = rest[..<colon]
      portText = rest[colon...]
    }
    guard let port = Self.port(portText) else {
      throw .refused("'\(text)' names no port; it looks like http://127.0.0.1:4114")
    }
    guard let number = Self.loopback(host) else {
      throw .refused(
        "'\(text)' is not on this machine: only 127.0.0.0/8, ::1 and localhost are asked; "
          + "connections to other machines are not made")
    }
    self.host = number
    self.port = port
  }

  private static func port(_ text: Substring) -> Int? {
    guard text.first == ":", text.count <= 6,
      text.dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let port = UInt16(text.dropFirst()), port > 0
    else { return nil }
    return Int(port)
  }

  private static func loopback(_ host: Substring) -> String? {
    if host.lowercased() == "localhost" { return "127.0.0.1" }
    if host == "::1" { return "::1" }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == "127",
      parts.allSatisfy({ part in
        (1...3).contains(part.count) && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
          && (part.count == 1 || part.first != "0") && UInt8(part) != nil
      })
    else { return nil }
    return String(host)
  }

  /// `http://127.0.0.1:4114`
  public var description: String {
    host.contains(":") ? "http://[\(host)]:\(port)" : "http://\(host):\(port)"
  }
}
