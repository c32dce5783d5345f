import Constraints

/// How tokens are chosen among the allowed ones.
enum Choice: String, CaseIterable, Sendable {
  case uniform
  /// Tokens that close something, more often.
  case closing
  /// Long tokens, more often.
  case long
  /// Always the lowest id, then the highest.
  case extreme
}

extension GrammarMatcher {
  /// Reads a whole text with the given tokens; false where one is refused, or where mask and reading differ.
  mutating func reads(_ tokens: [Int32]) -> Bool {
    for token in tokens {
      let isAllowed = allowedTokens().contains(token)
      guard accept(token) == isAllowed, isAllowed else { return false }
    }
    return true
  }

  /// Writes a text with random tokens among the allowed ones; nil where it does not end within `limit` tokens.
  ///
  /// Returns what was written and whether no token was allowed before the end.
  mutating func write(
    _ vocabulary: TestVocabulary, _ choice: Choice, limit: Int,
    _ random: inout SeededGenerator
  ) -> (text: [UInt8], hasEnded: Bool, isStuck: Bool) {
    var text: [UInt8] = []
    for step in 0..<limit {
      let mask = allowedTokens()
      var allowed: [Int32] = []
      for token in 0..<Int32(vocabulary.tokens.count) where mask.contains(token) {
        allowed.append(token)
      }
      guard !allowed.isEmpty else { return (text, false, true) }
      if mask.contains(TestVocabulary.end),
        step > limit / 2 || Int.random(in: 0..<4, using: &random) == 0
      {
        _ = accept(TestVocabulary.end)
        return (text, true, false)
      }
      let ordinary = allowed.filter { $0 != TestVocabulary.end }
      var candidates = ordinary.isEmpty ? allowed : ordinary
      let bias = step > limit / 3 ? Choice.closing : choice
      switch bias {
      case .uniform: break
      case .closing:
        let closing = candidates.filter { token in
          vocabulary.tokens[Int(token)].contains { [0x22, 0x5D, 0x7D].contains($0) }
        }
        if !closing.isEmpty, Int.random(in: 0..<4, using: &random) > 0 { candidates = closing }
      case .long:
        let long = candidates.filter { vocabulary.tokens[Int($0)].count > 2 }
        if !long.isEmpty, Bool.random(using: &random) { candidates = long }
      case .extreme:
        candidates = [step % 2 == 0 ? candidates[0] : candidates[candidates.count - 1]]
      }
      guard let token = candidates.randomElement(using: &random), accept(token) else {
        return (text, false, true)
      }
      if token == TestVocabulary.end { return (text, true, false) }
      text += vocabulary.tokens[Int(token)]
    }
    return (text, false, false)
  }
}
