import JSON

extension Grammar {
  /// A grammar of the JSON texts that satisfy a JSON schema (draft 2020-12).
  ///
  /// Every text of the grammar is valid JSON (RFC 8259) and satisfies the schema. Enforced are:
  ///
  /// - `true`, `false`, `{}`, `type` (one or several), `enum`, `const`, and `nullable` of OpenAPI;
  /// - `$ref` to `#`, JSON pointers and anchors of the same document, also recursive, beside other keywords too;
  /// - `anyOf`, `allOf` (merged, alternatives multiplied out), and `oneOf` where its branches can be seen to exclude each other
  ///   (by type, constants, ranges, disjoint patterns, or a required member that tells objects apart);
  /// - objects: `properties`, `required`, `additionalProperties`, `patternProperties` (up to four different patterns),
  ///   `propertyNames`, `minProperties`, `maxProperties`. Members come in the order of `properties`, then required ones that
  ///   are not declared there, then others. No name comes twice;
  /// - arrays: `prefixItems`, `items`, `minItems`, `maxItems`;
  /// - strings: `minLength`, `maxLength`, `pattern` (see `Grammar.regularExpression`), and the formats date, time, date-time,
  ///   duration, email, hostname, ipv4, ipv6, uuid, uri, uri-reference and json-pointer;
  /// - numbers: `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`, and `multipleOf` up to 10,000 in units of its last
  ///   digit, all exactly. Numbers in a range are written without exponent and, with a point, in up to 15
  ///   digits; whole numbers without point;
  /// - `unevaluatedProperties` and `unevaluatedItems` where no combination stands beside them.
  ///
  /// Refused with their place are `not`, `if`, `contains`, `uniqueItems`, `dependentRequired`, `dependentSchemas`, references out of the
  /// document, and the formats of the draft that are not named above. Annotations, definitions and, as the specification
  /// says, unknown keywords and unknown formats change nothing.
  ///
  /// White space between tokens is nothing, one space, or a line break and indentation; the length of numbers is bounded
  /// (see `jsonObject`).
  ///
  /// - Throws: `GrammarError` whose location is a JSON pointer into the schema.
  public static func jsonSchema(_ schema: JSONValue) throws(GrammarError) -> Grammar {
    var builder = SchemaGrammar(schema)
    return try builder.grammar()
  }
}

/// Builds the grammar of a schema, one rule for each set of schemas that hold together.
struct SchemaGrammar {
  /// More rules than this are refused.
  private static let maximumRules = 20_000
  /// More nodes of one object than this are refused.
  private static let maximumNodes = 4096
  private static let maximumPatterns = 4

  private let root: SchemaPlace
  private let reader: SchemaReader
  private var rules: [String: Grammar.Expression] = [:]
  private var pending: [(name: String, places: [SchemaPlace])] = []
  private var known: Set<String> = []

  init(_ schema: JSONValue) {
    root = SchemaPlace(schema: schema, path: "#")
    reader = SchemaReader(schema)
  }

  mutating func grammar() throws(GrammarError) -> Grammar {
    let start = try value([root])
    while let (name, places) = pending.popLast() {
      var choices: [Grammar.Expression] = []
      for alternative in try reader.alternatives(places) {
        choices.append(try expression(alternative))
      }
      rules[name] = choices.count == 1 ? choices[0] : .choice(choices)
    }
    return Grammar(rules: rules, start: start)
  }

  /// A value that satisfies all the schemas.
  private mutating func value(_ places: [SchemaPlace]) throws(GrammarError) -> Grammar.Expression {
    var targets: [SchemaPlace] = []
    for place in places {
      let target = try reader.target(of: place)
      switch target.schema {
      case .bool(true), .object([]): continue
      default: if !targets.contains(target) { targets.append(target) }
      }
    }
    if targets.isEmpty { return JSONLanguages.anyValue }
    targets.sort { $0.path < $1.path }
    let name = targets.map(\.path).joined(separator: " & ")
    if known.insert(name).inserted {
      guard known.count <= SchemaGrammar.maximumRules else {
        throw GrammarError(
          .tooLarge, "the schema has more than \(SchemaGrammar.maximumRules) parts",
          at: targets[0].path)
      }
      pending.append((name, targets))
    }
    return .rule(name)
  }

  private mutating func expression(
    _ constraints: SchemaConstraints
  ) throws(GrammarError) -> Grammar.Expression {
    if let values = constraints.values {
      var choices: [Grammar.Expression] = []
      for value in values where try reader.admits(value, constraints) {
        choices.append(try SchemaGrammar.constant(value))
      }
      return .choice(choices)
    }
    var choices: [Grammar.Expression] = []
    if constraints.kinds.contains(.object) { choices.append(try object(constraints)) }
    if constraints.kinds.contains(.array) { choices.append(try array(constraints)) }
    if constraints.kinds.contains(.string) {
      choices.append(try SchemaStrings.expression(constraints))
    }
    if !constraints.kinds.isDisjoint(with: .number) { choices.append(try number(constraints)) }
    if constraints.kinds.contains(.boolean) {
      choices += [.literal("true"), .literal("false")]
    }
    if constraints.kinds.contains(.null) { choices.append(.literal("null")) }
    return choices.count == 1 ? choices[0] : .choice(choices)
  }

  // MARK: - Constants

  private static func constant(_ value: JSONValue) throws(GrammarError) -> Grammar.Expression {
    switch value {
    case .null: return .literal("null")
    case .bool(let flag): return .literal(flag ? "true" : "false")
    // 2.0 would be the same to JSON schema, but readers of many languages take it for another type.
    case .integer(let number): return .literal(String(number))
    case .number(let number):
      if let whole = Int(exactly: number), whole != 0 || number.sign == .plus {
        return .literal(String(whole))
      }
      return .literal(number.isFinite ? number.description : "null")
    case .string(let text): return try string(text)
    case .array(let elements):
      if elements.isEmpty { return .literal("[]") }
      var parts: [Grammar.Expression] = [.literal("["), JSONLanguages.space]
      for (index, element) in elements.enumerated() {
        if index > 0 { parts += [.literal(","), JSONLanguages.space] }
        parts.append(try constant(element))
      }
      return .sequence(parts + [JSONLanguages.space, .literal("]")])
    case .object(let members):
      if members.isEmpty { return .literal("{}") }
      var parts: [Grammar.Expression] = [.literal("{"), JSONLanguages.space]
      for (index, member) in members.enumerated() {
        if index > 0 { parts += [.literal(","), JSONLanguages.space] }
        parts += [try string(member.name), .literal(":"), JSONLanguages.spaceAfterColon]
        parts.append(try constant(member.value))
      }
      return .sequence(parts + [JSONLanguages.space, .literal("}")])
    }
  }

  /// One string, in every usual spelling.
  private static func string(_ text: String) throws(GrammarError) -> Grammar.Expression {
    let isPlain = text.unicodeScalars.allSatisfy { scalar in
      (0x20...0x7E).contains(scalar.value) && scalar != "\"" && scalar != "\\"
    }
    if isPlain { return .literal("\"\(text)\"") }
    return .regular(
      RegularLanguage(try ScalarExpression.literal(text).automaton(.usualJSON)))
  }

  // MARK: - Numbers

  private func number(_ constraints: SchemaConstraints) throws(GrammarError) -> Grammar.Expression {
    let isWhole = !constraints.kinds.contains(.fraction)
    if constraints.minimum == nil, constraints.maximum == nil, constraints.divisors.isEmpty {
      return isWhole ? JSONLanguages.integer : JSONLanguages.number
    }
    let language = NumberLanguage(
      minimum: constraints.minimum, maximum: constraints.maximum, isWhole: isWhole)
    do {
      var result = try language.automaton(
        multipleOf: constraints.divisors.first, path: constraints.path)
      for divisor in constraints.divisors.dropFirst() {
        result = try result.intersection(
          try language.automaton(multipleOf: divisor, path: constraints.path),
          limit: NumberLanguage.maximumStates)
      }
      return .regular(RegularLanguage(result))
    } catch {
      if error.location != nil { throw error }
      throw GrammarError(
        error.kind, "the range and multipleOf: \(error.message)", at: constraints.path)
    }
  }

  // MARK: - Arrays

  private mutating func array(
    _ constraints: SchemaConstraints
  ) throws(GrammarError) -> Grammar.Expression {
    let minimum = constraints.minimumItems
    let maximum = constraints.maximumItems
    guard minimum <= maximum ?? minimum else { return .choice([]) }
    let named = min(
      max(1, constraints.items.map(\.first.count).max() ?? 0), maximum ?? Int.max)
    var network = Grammar.Network()
    let end = network.addNode()
    network.ends = [end]
    var node = 0
    if minimum == 0 { network.addEdge(0, .empty, end) }
    for index in 0..<named {
      let item = try value(constraints.places(ofItem: index))
      let next = network.addNode()
      network.addEdge(
        node, index == 0 ? item : .sequence([.literal(","), JSONLanguages.space, item]), next)
      node = next
      if index + 1 >= minimum { network.addEdge(node, JSONLanguages.space, end) }
    }
    if named > 0, maximum ?? Int.max > named {
      let item = try value(constraints.places(ofItem: named))
      let next = network.addNode()
      network.addEdge(
        node,
        .repetition(
          .sequence([.literal(","), JSONLanguages.space, item]),
          minimum: max(1, minimum - named), maximum: maximum.map { $0 - named }), next)
      network.addEdge(next, JSONLanguages.space, end)
    }
    return .sequence([
      .literal("["), JSONLanguages.space, .network(network), .literal("]"),
    ])
  }

  // MARK: - Objects

  /// What the other members of an object are: names of a language and their values.
  private struct OtherMembers {
    var name: Grammar.Expression
    var value: Grammar.Expression
  }

  private mutating func object(
    _ constraints: SchemaConstraints
  ) throws(GrammarError) -> Grammar.Expression {
    if constraints.members.isEmpty, constraints.required.isEmpty, constraints.names.isEmpty,
      constraints.minimumMembers == 0, constraints.maximumMembers == nil
    {
      return JSONLanguages.anyObject
    }
    var declared: [String] = []
    for group in constraints.members {
      for property in group.properties where !declared.contains(property.name) {
        declared.append(property.name)
      }
    }
    declared += constraints.required.filter { !declared.contains($0) }
    let (few, others) = try otherMembers(constraints, declared: declared)
    declared += few
    let cap = constraints.maximumMembers ?? max(1, constraints.minimumMembers)
    let bounded = min(cap, declared.count + (others.isEmpty ? 0 : cap))
    guard (declared.count + 1) * (bounded + 1) <= SchemaGrammar.maximumNodes else {
      throw GrammarError(
        .tooLarge,
        "minProperties and maxProperties with this many members need too many states",
        at: constraints.path)
    }
    return try members(
      constraints, declared: declared, others: others, cap: bounded,
      isLimited: constraints.maximumMembers.map { $0 <= bounded } ?? false)
  }

  /// Nodes stand for the number of declared members passed and of members written (up to `cap`).
  private mutating func members(
    _ constraints: SchemaConstraints, declared: [String], others: [OtherMembers], cap: Int,
    isLimited: Bool
  ) throws(GrammarError) -> Grammar.Expression {
    var network = Grammar.Network()
    let width = cap + 1
    let first = 0
    for _ in 1..<(declared.count + 1) * width { _ = network.addNode() }
    func node(_ index: Int, _ written: Int) -> Int { first + index * width + written }
    func separated(_ member: [Grammar.Expression], _ written: Int) -> Grammar.Expression {
      .sequence((written > 0 ? [.literal(","), JSONLanguages.space] : []) + member)
    }
    for (index, name) in declared.enumerated() {
      let isRequired = constraints.required.contains(name)
      let places = try constraints.places(ofMember: name, matches: SchemaStrings.matches)
      let isNameAllowed = try reader.admits(.string(name), constraints.names, depth: 0)
      let isBarred = places.contains { $0.schema == .bool(false) } || !isNameAllowed
      let member: [Grammar.Expression] =
        isBarred
        ? [.choice([])]
        : [
          try SchemaGrammar.string(name), .literal(":"), JSONLanguages.spaceAfterColon,
          try value(places),
        ]
      for written in 0...cap {
        if !isRequired {
          network.addEdge(node(index, written), .empty, node(index + 1, written))
        }
        if isBarred || (written == cap && isLimited) { continue }
        network.addEdge(
          node(index, written), separated(member, written),
          node(index + 1, min(cap, written + 1)))
      }
    }
    for written in 0...cap where !(written == cap && isLimited) {
      for other in others {
        let member = [other.name, .literal(":"), JSONLanguages.spaceAfterColon, other.value]
        network.addEdge(
          node(declared.count, written), separated(member, written),
          node(declared.count, min(cap, written + 1)))
      }
    }
    let end = network.addNode()
    network.ends = [end]
    for written in 0...cap where written >= constraints.minimumMembers {
      network.addEdge(
        node(declared.count, written), written == 0 ? .empty : JSONLanguages.space, end)
    }
    let text = Grammar.Expression.sequence([
      .literal("{"), JSONLanguages.space, .network(network), .literal("}"),
    ])
    return others.isEmpty ? text : .distinct(text)
  }

  /// The names that are not declared, told apart by the patterns they match.
  private mutating func otherMembers(
    _ constraints: SchemaConstraints, declared: [String]
  ) throws(GrammarError) -> (few: [String], others: [OtherMembers]) {
    var patterns: [String] = []
    for group in constraints.members {
      for pattern in group.patterns where !patterns.contains(pattern.pattern) {
        patterns.append(pattern.pattern)
      }
    }
    let isClosed =
      patterns.isEmpty && constraints.members.contains { $0.additional?.schema == .bool(false) }
    if isClosed { return ([], []) }
    guard patterns.count <= SchemaGrammar.maximumPatterns else {
      throw GrammarError(
        .tooLarge, "more than \(SchemaGrammar.maximumPatterns) different patterns of names",
        at: constraints.path + "/patternProperties")
    }
    do {
      return try classes(constraints, declared: declared, patterns: patterns)
    } catch {
      if error.location != nil { throw error }
      throw GrammarError(error.kind, "the names of members: \(error.message)", at: constraints.path)
    }
  }

  private mutating func classes(
    _ constraints: SchemaConstraints, declared: [String], patterns: [String]
  ) throws(GrammarError) -> (few: [String], others: [OtherMembers]) {
    var names = try ScalarExpression.anything.automaton(patterns.isEmpty ? .anyJSON : .usualJSON)
    if !constraints.names.isEmpty {
      var allowed: [DeterministicAutomaton] = []
      for alternative in try reader.alternatives(constraints.names)
      where alternative.kinds.contains(.string) {
        allowed.append(try nameLanguage(alternative))
      }
      guard let union = try SchemaGrammar.union(allowed) else { return ([], []) }
      names = try names.intersection(union)
    }
    if !declared.isEmpty {
      let taken = ScalarExpression.choice(declared.map { .literal($0) })
      names = try names.subtracting(try taken.automaton(.anyJSON))
    }
    var languages: [DeterministicAutomaton] = []
    for pattern in patterns {
      languages.append(try RegularExpression(pattern).search.automaton(.anyJSON))
    }
    var result: [OtherMembers] = []
    var few: [String] = []
    for subset in 0..<1 << patterns.count {
      var language = names
      for (index, pattern) in languages.enumerated() {
        language =
          subset >> index & 1 == 1
          ? try language.intersection(pattern) : try language.subtracting(pattern)
      }
      if language.isEmpty { continue }
      var places: [SchemaPlace] = []
      for group in constraints.members {
        let matched = group.patterns.filter { pattern in
          patterns.firstIndex(of: pattern.pattern).map { subset >> $0 & 1 == 1 } ?? false
        }
        places += matched.map(\.place)
        if matched.isEmpty, let additional = group.additional { places.append(additional) }
      }
      if places.contains(where: { $0.schema == .bool(false) }) { continue }
      // After a few names there may be no new one left: those are declared instead.
      if let texts = language.fewTexts(limit: 512) {
        few += Set(texts.map { NameTable.decoded($0.dropFirst().dropLast()) })
          .map { String(decoding: $0, as: UTF8.self) }.sorted()
        continue
      }
      result.append(
        OtherMembers(name: .name(RegularLanguage(language)), value: try value(places)))
    }
    return (few, result)
  }

  /// The names that one reading of `propertyNames` allows.
  private func nameLanguage(
    _ constraints: SchemaConstraints
  ) throws(GrammarError) -> DeterministicAutomaton {
    guard let values = constraints.values else {
      return try SchemaStrings.automaton(constraints, .anyJSON)
    }
    var choices: [ScalarExpression] = []
    for value in values where try reader.admits(value, constraints) {
      if let text = value.stringValue { choices.append(.literal(text)) }
    }
    return try ScalarExpression.choice(choices).automaton(.anyJSON)
  }

  private static func union(
    _ automata: [DeterministicAutomaton]
  ) throws(GrammarError) -> DeterministicAutomaton? {
    guard automata.count != 1 else { return automata[0] }
    guard !automata.isEmpty else { return nil }
    var result = NondeterministicAutomaton()
    for automaton in automata { result.ends.insert(try result.addLanguage(0, automaton)) }
    return try result.determinized(limit: DeterministicAutomaton.maximumLanguageStates)
      .trimmed().minimized()
  }
}
