import Dialects
import Testing

@Suite("Anthropic: ids and signatures")
struct AnthropicIdentifiersTests {
  @Test(arguments: [
    ("call_abc", "toolu_abc"), ("call_A-b_9", "toolu_A-b_9"),
    ("call_x-1", "toolu_x-63616c6c5f782d31"), ("fc_1", "toolu_x-66635f31"), ("", "toolu_x-"),
    ("call_", "toolu_x-63616c6c5f"), ("call_ä", "toolu_x-63616c6c5fc3a4"),
  ])
  func idsOfCallsHaveOneForm(callID: String, toolUseID: String) {
    #expect(AnthropicIdentifiers.toolUseID(callID: callID) == toolUseID)
    #expect(AnthropicIdentifiers.callID(toolUseID: toolUseID) == callID)
  }

  @Test(arguments: ["abc", "toolu_x-6", "toolu_x-zz", "toolu_x-ff", "toolu_x-63616c6c5f61"])
  func foreignIDsAreTaken(id: String) {
    let callID = AnthropicIdentifiers.callID(toolUseID: id)
    #expect(callID == (id.hasPrefix("toolu_") ? "call_" + id.dropFirst(6) : id))
  }

  @Test func randomIDsComeBackAndStayApart() {
    var generator = SplitMix64(seed: 20)
    var seen: [String: String] = [:]
    for _ in 0..<5000 {
      var id = Bool.random(using: &generator) ? "call_" : ""
      for _ in 0..<Int.random(in: 0...6, using: &generator) {
        id.unicodeScalars.append(
          ["x", "-", "_", "0", "a", "Z", "é", " ", "\u{1F642}"].randomElement(using: &generator)
            ?? "a")
      }
      let toolUseID = AnthropicIdentifiers.toolUseID(callID: id)
      #expect(toolUseID.wholeMatch(of: /toolu_[0-9A-Za-z_-]+/) != nil)
      #expect(AnthropicIdentifiers.callID(toolUseID: toolUseID) == id)
      #expect(seen[toolUseID] == nil || seen[toolUseID] == id)
      seen[toolUseID] = id
    }
  }

  @Test(arguments: [
    "", "a", "ab", "abc", "Grüße\n\u{1F914}", String(repeating: "xyz ", count: 999),
  ])
  func signaturesCarryHiddenThoughts(thoughts: String) {
    let signature = AnthropicSignature.hidden(thoughts)
    #expect(AnthropicSignature.hiddenThoughts(in: signature) == thoughts)
  }

  @Test(arguments: [
    "", "maslin-shown", "maslin-hidden-a", "maslin-hidden-a===", "maslin-hidden-====",
    "maslin-hidden-/w==", "maslin-hidden-ä===", "EqQBCgIYAhIM",
  ])
  func otherSignaturesCarryNone(signature: String) {
    #expect(AnthropicSignature.hiddenThoughts(in: signature) == nil)
  }

  /// The test vectors of RFC 4648, section 10.
  @Test(arguments: [("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")])
  func signaturesAreBase64(thoughts: String, code: String) {
    #expect(AnthropicSignature.hidden(thoughts) == "maslin-hidden-" + code)
  }
}
