/// The `signature` of a thinking block.
///
/// The interface wants thoughts to come back as they were sent, and a signature to prove it. Thoughts are not secret
/// here, so nothing is proved: the signature only says whether the thoughts were shown, and carries them (Base64,
/// RFC 4648) when the client asked not to see them (`"display": "omitted"`), so that they can still be given back to
/// the model. Signatures made elsewhere are accepted and ignored.
package enum AnthropicSignature {
  /// For thoughts that stand in the block.
  package static let shown = "maslin-shown"
  private static let hiddenPrefix = "maslin-hidden-"

  /// For thoughts that are left out of the block.
  package static func hidden(_ thoughts: String) -> String {
    hiddenPrefix + Base64.encode(Array(thoughts.utf8))
  }

  /// The thoughts that a signature carries; nil when it carries none.
  package static func hiddenThoughts(in signature: String) -> String? {
    guard signature.hasPrefix(hiddenPrefix),
      let bytes = Base64.decode(signature.dropFirst(hiddenPrefix.count))
    else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }
}
