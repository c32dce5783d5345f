import JSON

extension Grammar {
  /// The texts of a grammar of JSON in which a scalar does not stand raw: strings may hold it as `\uXXXX` only, those of
  /// limited length not at all.
  ///
  /// For JSON inside a syntax whose markers all have that scalar, so that no marker can be spelled in a value.
  ///
  /// - Parameter scalar: one outside ASCII and below U+10000.
  public func escaping(_ scalar: Unicode.Scalar) throws(GrammarError) -> Grammar {
    precondition((0x80...0xFFFF).contains(scalar.value), "a scalar that JSON writes as \\uXXXX")
    var restriction = Restriction(scalar)
    return try restriction.grammar(self)
  }

  private struct Restriction {
    let scalar: Unicode.Scalar
    let bytes: [UInt8]
    let escaped: [UInt8]
    var languages: [RegularLanguage: RegularLanguage] = [:]

    init(_ scalar: Unicode.Scalar) {
      self.scalar = scalar
      bytes = Array(String(scalar).utf8)
      let digits = String(scalar.value, radix: 16)
      escaped = Array(
        ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
    }

    mutating func grammar(_ grammar: Grammar) throws(GrammarError) -> Grammar {
      var rules: [String: Expression] = [:]
      for (name, rule) in grammar.rules { rules[name] = try expression(rule) }
      return Grammar(rules: rules, start: try expression(grammar.start))
    }

    private mutating func list(_ list: [Expression]) throws(GrammarError) -> [Expression] {
      var result: [Expression] = []
      for item in list { result.append(try expression(item)) }
      return result
    }

    private mutating func expression(_ one: Expression) throws(GrammarError) -> Expression {
      switch one {
      case .bytes(let text): return .bytes(text.replacing(bytes, with: escaped))
      case .scalar(let set): return .scalar(in: set.subtracting(ScalarSet([scalar])))
      case .byte, .special, .rule: return one
      case .sequence(let items): return .sequence(try list(items))
      case .choice(let items): return .choice(try list(items))
      case .repetition(let body, let minimum, let maximum):
        return .repetition(try expression(body), minimum: minimum, maximum: maximum)
      case .text(let markers): return .text(until: markers + [.bytes(bytes)])
      case .regular(let language): return .regular(try restricted(language))
      case .name(let language): return .name(try restricted(language))
      case .distinct(let body): return .distinct(try expression(body))
      case .counted(let text):
        let others = ScalarExpression.repetition(
          .scalars(ScalarSet.all.subtracting(ScalarSet([scalar]))), minimum: 0, maximum: nil)
        return .counted(
          SchemaStrings.counted(
            JSONLanguages.strings(others, .anyJSON), minimum: Int(text.minimum),
            maximum: text.maximum.map(Int.init)))
      case .grammar(let inner): return .grammar(try grammar(inner))
      case .network(let network):
        var result = Network()
        for _ in 1..<max(1, network.nodeCount) { _ = result.addNode() }
        for edge in network.edges {
          result.addEdge(edge.source, try expression(edge.expression), edge.target)
        }
        result.ends = network.ends
        return .network(result)
      }
    }

    private mutating func restricted(
      _ language: RegularLanguage
    ) throws(GrammarError) -> RegularLanguage {
      if let known = languages[language] { return known }
      let result = RegularLanguage(
        try language.automaton.intersection(FreeText.text(without: [bytes])))
      languages[language] = result
      return result
    }
  }
}

extension RegularLanguage {
  /// The strings that a JSON schema's keywords for strings allow, as plain text without quotation marks and escapes, in
  /// which no marker occurs.
  ///
  /// - Throws: `GrammarError` for keywords that cannot be enforced, and where lengths and patterns together need too many
  ///   states.
  public static func plainText(
    schema: JSONValue, without markers: [String]
  ) throws(GrammarError) -> RegularLanguage {
    let places = [SchemaPlace(schema: schema, path: "#")]
    let alternatives = try SchemaReader(schema).alternatives(places)
    guard alternatives.count == 1, let constraints = alternatives.first,
      constraints.kinds.contains(.string)
    else { throw GrammarError(.unsupported, "the schema is not that of one kind of string") }
    var automaton = try FreeText.text(without: markers.map { Array($0.utf8) })
    for pattern in constraints.patterns {
      automaton = try automaton.intersection(pattern.expression.automaton(.plain))
    }
    guard constraints.minimumLength > 0 || constraints.maximumLength != nil else {
      return RegularLanguage(automaton)
    }
    return RegularLanguage(
      try limited(automaton, constraints.minimumLength, constraints.maximumLength))
  }

  private static func limited(
    _ automaton: DeterministicAutomaton, _ minimum: Int, _ maximum: Int?
  ) throws(GrammarError) -> DeterministicAutomaton {
    struct Value: Hashable {
      var state: Int32
      var count: Int
    }
    return try DeterministicAutomaton.build(Value(state: 0, count: 0)) { value in
      automaton.states[Int(value.state)].isEnd && value.count >= minimum
    } step: { value, byte in
      guard let state = automaton.states[Int(value.state)].target(byte) else { return nil }
      // Every scalar has one byte that is no continuation byte (RFC 3629).
      guard byte & 0xC0 != 0x80 else { return Value(state: state, count: value.count) }
      let count = value.count + 1
      if let maximum {
        return count <= maximum ? Value(state: state, count: count) : nil
      }
      return Value(state: state, count: min(count, minimum))
    }
  }
}
