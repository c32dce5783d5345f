/// The languages of strings that schemas ask for.
struct SchemaStrings {
  /// The largest length that is counted together with a pattern.
  static let maximumPatternLength = 4000

  /// The strings that satisfy the constraints, as an expression.
  static func expression(
    _ constraints: SchemaConstraints
  ) throws(GrammarError) -> Grammar.Expression {
    if constraints.patterns.isEmpty {
      if constraints.minimumLength == 0, constraints.maximumLength == nil {
        return JSONLanguages.string
      }
      let maximum = constraints.maximumLength
      guard constraints.minimumLength <= maximum ?? constraints.minimumLength else {
        return .choice([])
      }
      return .counted(
        counted(JSONLanguages.anyString, minimum: constraints.minimumLength, maximum: maximum))
    }
    return .regular(RegularLanguage(try automaton(constraints, .usualJSON)))
  }

  /// The strings that satisfy the constraints.
  static func automaton(
    _ constraints: SchemaConstraints, _ spelling: ScalarSpelling
  ) throws(GrammarError) -> DeterministicAutomaton {
    var result: DeterministicAutomaton?
    for pattern in constraints.patterns {
      do {
        let next = try pattern.expression.automaton(spelling)
        if let known = result {
          result = try known.intersection(next)
        } else {
          result = next
        }
      } catch {
        throw error.within(pattern.path)
      }
    }
    let automaton: DeterministicAutomaton
    if let result {
      automaton = result
    } else {
      automaton = try ScalarExpression.anything.automaton(spelling)
    }
    guard constraints.minimumLength > 0 || constraints.maximumLength != nil else {
      return automaton
    }
    guard
      constraints.minimumLength <= maximumPatternLength,
      constraints.maximumLength ?? 0 <= maximumPatternLength
    else {
      throw GrammarError(
        .tooLarge, "a length above \(maximumPatternLength) together with a pattern or format",
        at: constraints.path)
    }
    return try limited(automaton, constraints, spelling)
  }

  /// The strings of an automaton with as many units as the constraints allow.
  private static func limited(
    _ automaton: DeterministicAutomaton, _ constraints: SchemaConstraints,
    _ spelling: ScalarSpelling
  ) throws(GrammarError) -> DeterministicAutomaton {
    struct Value: Hashable {
      var pattern: Int32
      var unit: Int32
      var count: Int32
    }
    let text = counted(
      JSONLanguages.anyString, minimum: constraints.minimumLength,
      maximum: constraints.maximumLength)
    do {
      return try DeterministicAutomaton.build(Value(pattern: 0, unit: 0, count: 0)) { value in
        automaton.states[Int(value.pattern)].isEnd && text.automaton.states[Int(value.unit)].isEnd
      } step: { value, byte in
        guard let pattern = automaton.states[Int(value.pattern)].target(byte),
          let unit = text.automaton.states[Int(value.unit)].target(byte),
          let count = text.count(after: value.count, from: value.unit, to: unit)
        else { return nil }
        return Value(pattern: pattern, unit: unit, count: count)
      }
    } catch {
      throw GrammarError(
        .tooLarge, "the length and the pattern together need too many states: \(error.message)",
        at: constraints.path)
    }
  }

  /// A counted text over the strings in quotation marks.
  static func counted(
    _ automaton: DeterministicAutomaton, minimum: Int, maximum: Int?
  ) -> CountedText {
    let quote = UInt8(ascii: "\"")
    let hub = automaton.states[0].target(quote) ?? 0
    let exit = automaton.states[Int(hub)].target(quote) ?? 0
    return CountedText(
      automaton: automaton, hub: hub, exit: exit, minimum: Int32(minimum),
      maximum: maximum.map { Int32($0) })
  }

  /// Whether a pattern matches somewhere in a text.
  static func matches(_ pattern: String, _ text: String) throws(GrammarError) -> Bool {
    try RegularExpression(pattern).search.automaton(.plain).accepts(text.utf8)
  }
}
