/// A regular expression in the notation of ECMA-262 (the one JSON schema asks for), read as with the `u` flag.
///
/// Enforced: literals, `.`, classes with ranges and negation, `\d \D \w \W \s \S`, `\t \n \v \f \r \0 \cX \xHH \uHHHH
/// \u{H}`, `\p{...}` and `\P{...}` for general categories and a few properties, groups with and without names,
/// alternation, the quantifiers `* + ? {m} {m,} {m,n}` (lazy ones describe the same texts), and the anchors `^` and `$`
/// at the ends of an alternative. Refused, with the position: back references, look-ahead and look-behind, word
/// borders, anchors elsewhere, inline flags, and expressions beyond the limits of size.
struct RegularExpression: Hashable, Sendable {
  /// One alternative at the top.
  struct Alternative: Hashable, Sendable {
    var isAtStart: Bool
    var body: ScalarExpression
    var isAtEnd: Bool
  }

  var alternatives: [Alternative]

  /// Longer expressions are refused.
  static let maximumLength = 20_000

  /// Reads an expression.
  init(_ pattern: String) throws(GrammarError) {
    var parser = try RegularExpressionParser(pattern)
    alternatives = try parser.parse()
  }

  /// The texts that match as a whole.
  var whole: ScalarExpression { .choice(alternatives.map(\.body)) }

  /// The texts that match somewhere.
  var search: ScalarExpression {
    .choice(
      alternatives.map { alternative in
        var parts: [ScalarExpression] = []
        if !alternative.isAtStart { parts.append(.anything) }
        parts.append(alternative.body)
        if !alternative.isAtEnd { parts.append(.anything) }
        return .sequence(parts)
      })
  }
}

extension RegularLanguage {
  /// The texts that match a regular expression as a whole.
  ///
  /// The notation is that of ECMA-262 with the `u` flag; see `Grammar.regularExpression`.
  public init(regularExpression pattern: String) throws(GrammarError) {
    self.init(try RegularExpression(pattern).whole.automaton(.plain))
  }
}

extension Grammar {
  /// A grammar of the texts that match a regular expression as a whole (`^` and `$` at its ends change nothing).
  ///
  /// The notation is that of ECMA-262 with the `u` flag: literals, `.`, classes, `\d \w \s` and their opposites,
  /// character escapes, `\p{...}` for general categories, groups, alternation, `* + ? {m,n}`. Back references, look-around,
  /// word borders and inline flags are refused.
  ///
  /// - Throws: `GrammarError` with the position of what is malformed or refused, counted in scalars from 1; also where
  ///   the expression needs more states than the limit.
  public static func regularExpression(_ pattern: String) throws(GrammarError) -> Grammar {
    Grammar(start: .regular(try RegularLanguage(regularExpression: pattern)))
  }
}
