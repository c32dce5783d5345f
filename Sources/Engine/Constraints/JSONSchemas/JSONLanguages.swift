/// The pieces of JSON (RFC 8259) that grammars of documents are made of.
///
/// Numbers and white space are bounded, so that a model cannot go on in them without end: white space is nothing, one
/// space, or a line break with up to 64 spaces or 16 tabs; numbers have up to 40 digits before and after the point and
/// stay below the largest double.
enum JSONLanguages {
  /// White space between the tokens of a document.
  static let space = Grammar.Expression.regular(
    RegularLanguage(language("( |\\r?\\n( {0,64}|\\t{0,16}))?")))

  /// What may stand after a colon.
  static let spaceAfterColon = Grammar.Expression.optional(.literal(" "))

  /// Any string.
  static let string = Grammar.Expression.regular(RegularLanguage(anyString))

  /// The automaton of any string.
  static let anyString = strings(.anything, .anyJSON)

  /// Any number.
  static let number = Grammar.Expression.regular(
    RegularLanguage(
      language(
        """
        -?(0|[1-9]\\d{0,39})(\\.\\d{1,40})?|\
        -?(0|[1-9]\\d{0,39})(\\.\\d{1,40})?[eE](\\+?0?\\d{1,2}|\\+?1\\d\\d|\\+?2[0-5]\\d|-\\d{1,3})|\
        -?[1-9](\\.\\d{1,40})?[eE]\\+?(2[6-9]\\d|30[0-7])|\
        -?1(\\.[0-6]\\d{0,39})?[eE]\\+?308
        """)))

  /// Any whole number, without sign of zero.
  static let integer = Grammar.Expression.regular(
    RegularLanguage(language("0|-?[1-9]\\d{0,39}")))

  /// Strings in quotation marks whose content an expression describes.
  static func strings(
    _ content: ScalarExpression, _ spelling: ScalarSpelling
  ) -> DeterministicAutomaton {
    constant { () throws(GrammarError) in try content.automaton(spelling) }
  }

  private static func language(_ pattern: String) -> DeterministicAutomaton {
    constant { () throws(GrammarError) in
      try RegularExpression(pattern).whole.automaton(.plain)
    }
  }

  /// The automaton of a constant of this program, which a test has shown to be sound.
  private static func constant(
    _ make: () throws(GrammarError) -> DeterministicAutomaton
  ) -> DeterministicAutomaton {
    do {
      return try make()
    } catch {
      preconditionFailure("a constant expression is malformed: \(error)")
    }
  }

  // MARK: - Containers

  /// A list of at least one item in brackets, and nothing in them.
  static func array(_ item: Grammar.Expression) -> Grammar.Expression {
    .sequence([
      .literal("["), space,
      .optional(
        .sequence([
          item,
          .repetition(.sequence([.literal(","), space, item]), minimum: 0, maximum: nil), space,
        ])),
      .literal("]"),
    ])
  }

  /// An object with any members.
  static func object(_ value: Grammar.Expression) -> Grammar.Expression {
    let member = Grammar.Expression.sequence([
      .name(RegularLanguage(anyString)), .literal(":"), spaceAfterColon, value,
    ])
    return .distinct(
      .sequence([
        .literal("{"), space,
        .optional(
          .sequence([
            member,
            .repetition(.sequence([.literal(","), space, member]), minimum: 0, maximum: nil), space,
          ])),
        .literal("}"),
      ]))
  }

  /// Any value, as the rule of that name in `anyRules`.
  static let anyRules: [String: Grammar.Expression] = [
    "value": .choice([
      .rule("object"), .rule("array"), string, number, .literal("true"), .literal("false"),
      .literal("null"),
    ]),
    "object": object(.rule("value")),
    "array": array(.rule("value")),
  ]

  /// Any value.
  static let anyValue = Grammar.Expression.grammar(Grammar(rules: anyRules, start: .rule("value")))
  /// Any object.
  static let anyObject = Grammar.Expression.grammar(
    Grammar(rules: anyRules, start: .rule("object")))
  /// Any array.
  static let anyArray = Grammar.Expression.grammar(Grammar(rules: anyRules, start: .rule("array")))
}

extension Grammar {
  /// A grammar of any JSON object (RFC 8259).
  ///
  /// Strings hold no lone surrogates; white space and the length of numbers are bounded so that a text cannot go on in
  /// them without end.
  public static let jsonObject = Grammar(
    rules: JSONLanguages.anyRules, start: .rule("object"))

  /// A grammar of any JSON value (RFC 8259), with the bounds of `jsonObject`.
  public static let jsonValue = Grammar(rules: JSONLanguages.anyRules, start: .rule("value"))
}
