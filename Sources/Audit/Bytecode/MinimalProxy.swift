import Ethereum

/// A proxy that is nothing but a fixed string of bytes around an address or a slot.
public struct MinimalProxy: Hashable, Sendable {
  /// Whose bytes they are.
  public let form: Form
  /// Where it delegates to.
  public let target: Target
  /// Bytes behind the proxy's own code: immutable arguments of the clone.
  public let arguments: [UInt8]

  /// Where a minimal proxy delegates to.
  public enum Target: Hashable, Sendable {
    /// The address in the code.
    case implementation(Address)
    /// The address that a slot holds.
    case slot(Word)
    /// The address that the beacon in a slot answers with.
    case beacon(slot: Word)
  }

  /// The published forms.
  public enum Form: String, CaseIterable, Hashable, Sendable {
    /// ERC-1167 as it is written in the standard.
    case erc1167
    /// ERC-1167 with an address that has leading zero bytes and a shorter push.
    case erc1167ShortAddress
    /// The 44-byte form by 0age, also Solady's `clone`.
    case clone0age
    /// Solady's form for networks with `PUSH0`.
    case clonePush0
    /// Vyper's `create_minimal_proxy_to` before it took to ERC-1167.
    case vyperForwarder
    /// 0xSplits: emits an event on plain ether.
    case clone0xSplits
    /// Clones with immutable arguments, which the clone appends to the call data.
    case cloneWithImmutableArguments
    /// ERC-3448: a proxy with metadata behind it.
    case erc3448
    /// ERC-7760 UUPS: delegates to the ERC-1967 implementation slot.
    case erc7760UUPS
    /// ERC-7760 UUPS that answers its implementation to one byte of call data.
    case erc7760UUPSWithGetter
    /// ERC-7760 beacon proxy.
    case erc7760Beacon
    /// ERC-7760 beacon proxy that answers its implementation to one byte of call data.
    case erc7760BeaconWithGetter
  }

  /// Recognises code as a minimal proxy; `nil` if it is none of the published forms.
  public init?(code: [UInt8]) {
    for pattern in MinimalProxy.patterns {
      if let proxy = pattern.match(code) {
        self = proxy
        return
      }
    }
    guard let proxy = MinimalProxy.shortAddress(code) else { return nil }
    self = proxy
  }

  private init(form: Form, target: Target, arguments: [UInt8]) {
    self.form = form
    self.target = target
    self.arguments = arguments
  }

  /// The leading zero bytes of the address are left out and the jump moves down with them.
  private static func shortAddress(_ code: [UInt8]) -> MinimalProxy? {
    let head: [UInt8] = [0x36, 0x3d, 0x3d, 0x37, 0x3d, 0x3d, 0x3d, 0x36, 0x3d]
    guard code.starts(with: head), code.count > 10 else { return nil }
    let size = Opcode(rawValue: code[9]).immediateSize
    guard (1...19).contains(size) else { return nil }
    let tail =
      [0x5a, 0xf4, 0x3d, 0x82, 0x80, 0x3e, 0x90, 0x3d, 0x91, 0x60] + [UInt8(0x2b - (20 - size))]
      + [0x57, 0xfd, 0x5b, 0xf3]
    guard code.dropFirst(10 + size).starts(with: tail),
      let word = Word(bigEndian: code[10..<(10 + size)])
    else { return nil }
    return MinimalProxy(
      form: .erc1167ShortAddress, target: .implementation(Address(truncating: word)),
      arguments: Array(code.dropFirst(10 + size + tail.count)))
  }

  /// Fixed bytes with holes for an address and for two-byte lengths.
  private struct Pattern: Sendable {
    let form: Form
    let parts: [Part]

    enum Part: Sendable {
      case bytes([UInt8])
      case address
      case slot
      case beaconSlot
      case length
    }

    /// `text` is hexadecimal with `A` for an address, `S` for the implementation slot, `B` for the
    /// beacon slot and `L` for a two-byte length.
    init(_ form: Form, _ text: String) {
      self.form = form
      var parts: [Part] = []
      for piece in text.split(separator: " ") {
        switch piece {
        case "A": parts.append(.address)
        case "S": parts.append(.slot)
        case "B": parts.append(.beaconSlot)
        case "L": parts.append(.length)
        default: parts.append(.bytes((try? Hex.decode(piece)) ?? []))
        }
      }
      self.parts = parts
    }

    func match(_ code: [UInt8]) -> MinimalProxy? {
      var rest = code[...]
      var target: Target?
      for part in parts {
        switch part {
        case .bytes(let bytes):
          guard rest.starts(with: bytes) else { return nil }
          rest = rest.dropFirst(bytes.count)
        case .address:
          guard rest.count >= 20, let address = Address(rest.prefix(20)) else { return nil }
          target = .implementation(address)
          rest = rest.dropFirst(20)
        case .slot, .beaconSlot:
          guard rest.count >= 32, let slot = Word(bigEndian: rest.prefix(32)) else { return nil }
          if case .beaconSlot = part {
            guard slot == WellKnownSlot.erc1967Beacon.slot else { return nil }
            target = .beacon(slot: slot)
          } else {
            guard slot == WellKnownSlot.erc1967Implementation.slot else { return nil }
            target = .slot(slot)
          }
          rest = rest.dropFirst(32)
        case .length:
          guard rest.count >= 2 else { return nil }
          rest = rest.dropFirst(2)
        }
      }
      guard let target else { return nil }
      return MinimalProxy(form: form, target: target, arguments: Array(rest))
    }
  }

  private static let patterns: [Pattern] = [
    Pattern(.erc1167, "363d3d373d3d3d363d73 A 5af43d82803e903d91602b57fd5bf3"),
    Pattern(.clone0age, "3d3d3d3d363d3d37363d73 A 5af43d3d93803e602a57fd5bf3"),
    Pattern(.clonePush0, "5f5f365f5f37365f73 A 5af43d5f5f3e6029573d5ffd5b3d5ff3"),
    Pattern(
      .vyperForwarder, "366000600037611000600036600073 A 5af4602c57600080fd5b6110006000f3"),
    Pattern(
      .clone0xSplits,
      "36602f57343d527f830d2d700a97af574b186c80d40429385d24241565b08a7c559ba283a964d9b160203da2"
        + "3d3d3d3d363d3d37363d73 A 5af43d3d93803e605b57fd5bf3"),
    Pattern(
      .cloneWithImmutableArguments,
      "3d3d3d3d363d3d3761 L 603736393661 L 013d73 A 5af43d3d93803e603557fd5bf3"),
    Pattern(
      .cloneWithImmutableArguments,
      "363d3d3761 L 603736393661 L 013d73 A 5af43d3d93803e603557fd5bf3"),
    Pattern(
      .cloneWithImmutableArguments,
      "36602c57343d527f9e4ac34f21c619cefc926c8bd93b54bf5a39c7ab2127a895af1cc0691d7e3dff593da1005b"
        + "3d3d3d3d363d3d3761 L 806062363936013d73 A 5af43d3d93803e606057fd5bf3"),
    Pattern(
      .erc3448, "363d3d373d3d3d3d60368038038091363936013d73 A 5af43d3d93803e603457fd5bf3"),
    Pattern(
      .erc7760UUPS, "363d3d373d3d363d7f S 545af43d6000803e6038573d6000fd5b3d6000f3"),
    Pattern(
      .erc7760UUPSWithGetter,
      "365814604357363d3d373d3d363d7f S "
        + "545af43d6000803e603e573d6000fd5b3d6000f35b6020600f3d393d51543d52593df3"),
    Pattern(
      .erc7760Beacon,
      "363d3d373d3d363d602036600436635c60da1b60e01b36527f B "
        + "545afa5036515af43d6000803e604d573d6000fd5b3d6000f3"),
    Pattern(
      .erc7760BeaconWithGetter,
      "363d3d373d3d363d602036600436635c60da1b60e01b36527f B "
        + "545afa361460525736515af43d600060013e6052573d6001fd5b3d6001f3"),
  ]
}
