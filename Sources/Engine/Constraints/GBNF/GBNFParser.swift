extension Grammar {
  /// A grammar in the GBNF notation of llama.cpp; its texts are those of the rule `root`.
  ///
  ///     root  ::= "yes" | "no" | number   # a comment
  ///     number ::= "-"? [0-9]{1,3} ("." [0-9]+)?
  ///
  /// Read are rules, literals, classes with ranges and negation, `.`, groups, alternatives, `* + ?`, `{m}`, `{m,}`,
  /// `{m,n}`, the escapes `\n \r \t \\ \" \[ \] \^ \- \xHH \uHHHH \UHHHHHHHH`, comments, and `<[id]>` for the special token of
  /// that id. A rule goes on in the next line inside a group, after `::=` and `|`, and where the next line begins with
  /// `|`. Rules that begin with themselves are refused when the grammar is compiled.
  ///
  /// - Throws: `GrammarError` with line and column of what is malformed.
  public static func gbnf(_ text: String) throws(GrammarError) -> Grammar {
    var parser = try GBNFParser(text)
    return try parser.parse()
  }
}

/// Reads grammars in GBNF.
struct GBNFParser {
  private static let maximumLength = 1 << 20
  private static let maximumDepth = 100
  private static let maximumRepetition = 100_000

  private let scalars: [Unicode.Scalar]
  private var index = 0
  private var rules: [String: Grammar.Expression] = [:]
  private var firstUses: [(name: String, index: Int)] = []

  init(_ text: String) throws(GrammarError) {
    scalars = Array(text.unicodeScalars)
    guard scalars.count <= GBNFParser.maximumLength else {
      throw GrammarError(
        .tooLarge, "the grammar has more than \(GBNFParser.maximumLength) characters")
    }
  }

  mutating func parse() throws(GrammarError) -> Grammar {
    skipSpace(lines: true)
    while index < scalars.count {
      let start = index
      let name = try ruleName()
      skipSpace(lines: false)
      guard take("::=") else { throw error("::= is missing after the name of a rule") }
      skipSpace(lines: true)
      let expression = try alternatives(depth: 0)
      guard rules.updateValue(expression, forKey: name) == nil else {
        throw error("there is a second rule \(name)", at: start)
      }
      guard index == scalars.count || isLineEnd(scalars[index]) else {
        throw error("unexpected \(scalars[index].debugDescription)")
      }
      skipSpace(lines: true)
    }
    for (name, position) in firstUses where rules[name] == nil {
      throw error("there is no rule \(name)", at: position)
    }
    guard rules["root"] != nil else {
      throw GrammarError(.syntax, "there is no rule named root; it says what the whole text is")
    }
    return Grammar(rules: rules, start: .rule("root"))
  }

  // MARK: - Structure

  private mutating func alternatives(depth: Int) throws(GrammarError) -> Grammar.Expression {
    guard depth <= GBNFParser.maximumDepth else {
      throw GrammarError(
        .tooLarge, "groups are nested more than \(GBNFParser.maximumDepth) deep", at: place(index))
    }
    var choices = [try sequence(depth: depth)]
    while true {
      let end = index
      if depth == 0 { skipSpace(lines: true) }
      guard take("|") else {
        index = end
        break
      }
      skipSpace(lines: true)
      choices.append(try sequence(depth: depth))
    }
    return choices.count == 1 ? choices[0] : .choice(choices)
  }

  private mutating func sequence(depth: Int) throws(GrammarError) -> Grammar.Expression {
    var items: [Grammar.Expression] = []
    while let scalar = current {
      let start = index
      let item: Grammar.Expression
      switch scalar {
      case "\"": item = try literal()
      case "[": item = .scalar(in: try characterClass())
      case ".":
        index += 1
        item = .scalar(in: .all)
      case "(":
        index += 1
        skipSpace(lines: true)
        item = try alternatives(depth: depth + 1)
        guard take(")") else { throw error("( is not closed", at: start) }
      case "<": item = try specialToken()
      case "!":
        throw GrammarError(
          .unsupported, "a negated token cannot be enforced; use text and classes", at: place(start)
        )
      case "*", "+", "?", "{": throw error("nothing to repeat")
      case _ where GBNFParser.isNamePart(scalar):
        let name = try ruleName()
        firstUses.append((name, start))
        item = .rule(name)
      default: return items.count == 1 ? items[0] : .sequence(items)
      }
      skipSpace(lines: depth > 0)
      items.append(try repetition(of: item))
      skipSpace(lines: depth > 0)
    }
    return items.count == 1 ? items[0] : .sequence(items)
  }

  private mutating func repetition(
    of item: Grammar.Expression
  ) throws(GrammarError) -> Grammar.Expression {
    var item = item
    while let scalar = current {
      let start = index
      switch scalar {
      case "*": item = .repetition(item, minimum: 0, maximum: nil)
      case "+": item = .repetition(item, minimum: 1, maximum: nil)
      case "?": item = .optional(item)
      case "{":
        index += 1
        skipSpace(lines: false)
        let minimum = try number()
        var maximum = minimum
        skipSpace(lines: false)
        if take(",") {
          skipSpace(lines: false)
          maximum = try number()
          skipSpace(lines: false)
        } else if minimum == nil {
          throw error("a number is missing after {")
        }
        guard current == "}" else { throw error("{ is not closed", at: start) }
        if let maximum, maximum < minimum ?? 0 {
          throw error("the numbers of a repetition are out of order", at: start)
        }
        item = .repetition(item, minimum: minimum ?? 0, maximum: maximum)
      default: return item
      }
      index += 1
    }
    return item
  }

  private mutating func number() throws(GrammarError) -> Int? {
    let start = index
    var value: Int?
    while let scalar = current, scalar.isDigit {
      let grown = (value ?? 0) * 10 + Int(scalar.value - 0x30)
      guard grown <= GBNFParser.maximumRepetition else {
        throw GrammarError(
          .tooLarge, "more than \(GBNFParser.maximumRepetition) repetitions cannot be enforced",
          at: place(start))
      }
      value = grown
      index += 1
    }
    return value
  }

  // MARK: - Terminals

  private mutating func literal() throws(GrammarError) -> Grammar.Expression {
    let start = index
    index += 1
    var text = String.UnicodeScalarView()
    while let scalar = current, !isLineEnd(scalar) {
      if scalar == "\"" {
        index += 1
        return .literal(String(text))
      }
      text.append(try character())
    }
    throw error("the literal is not closed", at: start)
  }

  private mutating func characterClass() throws(GrammarError) -> ScalarSet {
    let start = index
    index += 1
    let isNegated = take("^")
    var ranges: [ClosedRange<UInt32>] = []
    while let scalar = current {
      if scalar == "]" {
        index += 1
        let set = ScalarSet(ranges)
        return isNegated ? set.complement : set
      }
      let position = index
      let low = try character().value
      guard current == "-", index + 1 < scalars.count, scalars[index + 1] != "]" else {
        ranges.append(low...low)
        continue
      }
      index += 1
      let high = try character().value
      guard low <= high else { throw error("a range is out of order", at: position) }
      ranges.append(low...high)
    }
    throw error("[ is not closed", at: start)
  }

  /// One character of a literal or class, escaped or not.
  private mutating func character() throws(GrammarError) -> Unicode.Scalar {
    let start = index
    guard let scalar = next() else { throw error("the grammar ends too early") }
    guard scalar == "\\" else { return scalar }
    guard let kind = next() else { throw error("the grammar ends after \\") }
    switch kind {
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "x": return try hexadecimal(2, from: start)
    case "u": return try hexadecimal(4, from: start)
    case "U": return try hexadecimal(8, from: start)
    case "\\", "\"", "[", "]", "^", "-", "/": return kind
    default: throw error("unknown escape \\\(kind)", at: start)
    }
  }

  private mutating func hexadecimal(_ count: Int, from start: Int) throws(GrammarError)
    -> Unicode.Scalar
  {
    var value: UInt32 = 0
    for _ in 0..<count {
      guard let digit = next().flatMap({ Character($0).hexDigitValue }), value <= 0x10FFFF else {
        throw error("\(count) hexadecimal digits of a character are missing", at: start)
      }
      value = value << 4 | UInt32(digit)
    }
    guard let scalar = Unicode.Scalar(value) else {
      throw error("the escape names no character", at: start)
    }
    return scalar
  }

  private mutating func specialToken() throws(GrammarError) -> Grammar.Expression {
    let start = index
    guard take("<[") else {
      throw GrammarError(
        .unsupported, "tokens are named by their id, as in <[128825]>", at: place(start))
    }
    var value: Int32 = 0
    var count = 0
    while let scalar = current, scalar.isDigit {
      let (grown, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = grown.addingReportingOverflow(Int32(scalar.value - 0x30))
      guard !overflow, !carry else { throw error("the id of a token is too large", at: start) }
      value = sum
      count += 1
      index += 1
    }
    guard count > 0, take("]>") else { throw error("the token is malformed", at: start) }
    return .special(value)
  }

  // MARK: - Reading

  private mutating func ruleName() throws(GrammarError) -> String {
    var name = String.UnicodeScalarView()
    while let scalar = current, GBNFParser.isNamePart(scalar) {
      name.append(scalar)
      index += 1
    }
    guard !name.isEmpty else { throw error("the name of a rule is missing") }
    return String(name)
  }

  private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isDigit || scalar == "-" || scalar == "_"
      || (scalar.isASCII && scalar.properties.isAlphabetic)
  }

  private func isLineEnd(_ scalar: Unicode.Scalar) -> Bool { scalar == "\n" || scalar == "\r" }

  /// Skips spaces and comments, and the ends of lines where they mean nothing.
  private mutating func skipSpace(lines: Bool) {
    while let scalar = current {
      if scalar == "#" {
        while let scalar = current, !isLineEnd(scalar) { index += 1 }
      } else if scalar == " " || scalar == "\t" || (lines && isLineEnd(scalar)) {
        index += 1
      } else {
        return
      }
    }
  }

  private var current: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

  private mutating func next() -> Unicode.Scalar? {
    guard index < scalars.count else { return nil }
    index += 1
    return scalars[index - 1]
  }

  private mutating func take(_ text: String) -> Bool {
    let wanted = Array(text.unicodeScalars)
    guard index + wanted.count <= scalars.count,
      Array(scalars[index..<index + wanted.count]) == wanted
    else { return false }
    index += wanted.count
    return true
  }

  private func place(_ position: Int) -> String {
    var line = 1
    var column = 1
    for scalar in scalars[..<min(position, scalars.count)] {
      if scalar == "\n" {
        line += 1
        column = 1
      } else {
        column += 1
      }
    }
    return "line \(line), column \(column)"
  }

  private func error(_ message: String, at position: Int? = nil) -> GrammarError {
    GrammarError(.syntax, message, at: place(position ?? index))
  }
}
