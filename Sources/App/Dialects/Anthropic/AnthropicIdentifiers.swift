/// The ids of the Messages API.
package enum AnthropicIdentifiers {
  private static let alphabet = Array(
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
  /// Marks ids of calls whose own id has no place in the interface's alphabet; hexadecimal digits of it follow.
  private static let escapedPrefix = "toolu_x-"

  /// A new id: the prefix and 24 random letters and digits.
  static func random(_ prefix: String) -> String {
    var bytes = Array(prefix.utf8)
    for _ in 0..<24 { bytes.append(alphabet[Int.random(in: 0..<alphabet.count)]) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The id under which a client gets to know a call: `call_X` becomes `toolu_X`; any other id is spelled in hexadecimal.
  ///
  /// Ids of the interface are letters, digits, `_` and `-`. Different calls have different ids.
  package static func toolUseID(callID: String) -> String {
    if callID.hasPrefix("call_") {
      let rest = callID.dropFirst(5)
      if !rest.isEmpty, !rest.hasPrefix("x-"), rest.utf8.allSatisfy(isAllowed) {
        return "toolu_" + rest
      }
    }
    var text = escapedPrefix
    for byte in callID.utf8 {
      if byte < 16 { text += "0" }
      text += String(byte, radix: 16)
    }
    return text
  }

  /// The call that a client means: undoes `toolUseID`. Ids made elsewhere (a conversation that began with another
  /// provider) are taken in the same way, so that calls and their results still find each other.
  package static func callID(toolUseID: String) -> String {
    if toolUseID.hasPrefix(escapedPrefix),
      let callID = unescaped(toolUseID.utf8.dropFirst(escapedPrefix.utf8.count)),
      self.toolUseID(callID: callID) == toolUseID
    {
      return callID
    }
    return toolUseID.hasPrefix("toolu_") ? "call_" + toolUseID.dropFirst(6) : toolUseID
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  private static func unescaped(_ digits: Substring.UTF8View) -> String? {
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in digits {
      guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
      if let first = high {
        bytes.append(first << 4 | UInt8(value))
        high = nil
      } else {
        high = UInt8(value)
      }
    }
    guard high == nil else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }
}
