/// The `signature` of a thinking block.
///
/// The interface wants thoughts to come back as they were sent, and a signature to prove it. Thoughts are not secret
/// here, so nothing is proved: the signature only says whether the thoughts were shown, and carries them (Base64,
/// RFC 4648) when the client asked not to see them (`"display": "omitted"`), so that they can still be given back to
/// the model. Signatures made elsewhere are accepted and ignored.
enum AnthropicSignature {
  /// For thoughts that stand in the block.
  static let shown = "maslin-shown"
  private static let hiddenPrefix = "maslin-hidden-"

  /// For thoughts that are left out of the block.
  static func hidden(_ thoughts: String) -> String {
    hiddenPrefix + Base64.text(Array(thoughts.utf8))
  }

  /// The thoughts that a signature carries; nil when it carries none.
  static func hiddenThoughts(in signature: String) -> String? {
    guard signature.hasPrefix(hiddenPrefix),
      let bytes = Base64.bytes(signature.utf8.dropFirst(hiddenPrefix.utf8.count))
    else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }
}

/// Base64 with padding (RFC 4648, section 4).
enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// The text that stands for bytes.
  static func text(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      var digits: [UInt8] = []
      for _ in 0..<4 {
        digits.append(alphabet[bits & 63])
        bits >>= 6
      }
      text += digits.reversed()[...group.count]
      text += repeatElement(UInt8(ascii: "="), count: 3 - group.count)
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes that a text stands for; nil for malformed text.
  static func bytes(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    let padding = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var bits = 0
    var count = 0
    for byte in text.dropLast(padding) {
      guard let digit = value(of: byte) else { return nil }
      bits = bits << 6 | digit
      count += 1
      if count == 4 {
        bytes += [UInt8(bits >> 16), UInt8(bits >> 8 & 255), UInt8(bits & 255)]
        bits = 0
        count = 0
      }
    }
    switch count {
    case 2: bytes.append(UInt8(bits >> 4))
    case 3: bytes += [UInt8(bits >> 10), UInt8(bits >> 2 & 255)]
    default: break
    }
    return bytes
  }

  private static func value(of digit: UInt8) -> Int? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(digit - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(digit - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(digit - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
