/// Reads regular expressions in the notation of ECMA-262.
struct RegularExpressionParser {
  /// What an alternative is made of before anchors are placed.
  private indirect enum Item {
    case expression(ScalarExpression)
    case start(Int)
    case end(Int)
    case group([[Item]])
  }

  private static let maximumDepth = 100
  private static let maximumRepetition = 10_000

  private let scalars: [Unicode.Scalar]
  private var index = 0

  init(_ pattern: String) throws(GrammarError) {
    scalars = Array(pattern.unicodeScalars)
    guard scalars.count <= RegularExpression.maximumLength else {
      throw GrammarError(
        .tooLarge,
        "the expression has \(scalars.count) characters; at most \(RegularExpression.maximumLength) are read"
      )
    }
  }

  mutating func parse() throws(GrammarError) -> [RegularExpression.Alternative] {
    let items = try alternatives(depth: 0)
    guard index == scalars.count else { throw syntax(") without (") }
    var result: [RegularExpression.Alternative] = []
    try place(items, &result)
    return result
  }

  // MARK: - Anchors

  /// Takes anchors off the ends of alternatives; those of a group that is a whole alternative count as well.
  private func place(
    _ alternatives: [[Item]], _ result: inout [RegularExpression.Alternative]
  ) throws(GrammarError) {
    for items in alternatives {
      if items.count == 1, case .group(let inner) = items[0] {
        try place(inner, &result)
        continue
      }
      var rest = items[...]
      var isAtStart = false
      var isAtEnd = false
      while case .start? = rest.first {
        isAtStart = true
        rest.removeFirst()
      }
      while case .end? = rest.last {
        isAtEnd = true
        rest.removeLast()
      }
      if (isAtStart || isAtEnd), rest.count == 1, case .group(let inner) = rest.first {
        var nested: [RegularExpression.Alternative] = []
        try place(inner, &nested)
        for var alternative in nested {
          alternative.isAtStart = alternative.isAtStart || isAtStart
          alternative.isAtEnd = alternative.isAtEnd || isAtEnd
          result.append(alternative)
        }
        continue
      }
      result.append(
        .init(isAtStart: isAtStart, body: try expression(Array(rest)), isAtEnd: isAtEnd))
    }
  }

  private func expression(_ items: [Item]) throws(GrammarError) -> ScalarExpression {
    var parts: [ScalarExpression] = []
    for item in items {
      switch item {
      case .expression(let expression): parts.append(expression)
      case .start(let position):
        throw unsupported("^ is enforced only at the start of the expression", at: position)
      case .end(let position):
        throw unsupported("$ is enforced only at the end of the expression", at: position)
      case .group(let alternatives):
        var choices: [ScalarExpression] = []
        for alternative in alternatives { choices.append(try expression(alternative)) }
        parts.append(choices.count == 1 ? choices[0] : .choice(choices))
      }
    }
    return parts.count == 1 ? parts[0] : .sequence(parts)
  }

  // MARK: - Structure

  private mutating func alternatives(depth: Int) throws(GrammarError) -> [[Item]] {
    guard depth <= RegularExpressionParser.maximumDepth else {
      throw GrammarError(
        .tooLarge, "groups are nested more than \(RegularExpressionParser.maximumDepth) deep",
        at: place(index))
    }
    var result: [[Item]] = [[]]
    while let scalar = current, scalar != ")" {
      if scalar == "|" {
        index += 1
        result.append([])
        continue
      }
      let start = index
      var item = try atom(depth: depth)
      if let (minimum, maximum) = try quantifier() {
        switch item {
        case .start, .end: throw syntax("an anchor cannot be repeated", at: start)
        case .expression, .group:
          item = .expression(
            .repetition(try expression([item]), minimum: minimum, maximum: maximum))
        }
        if try quantifier() != nil { throw syntax("nothing to repeat", at: index - 1) }
      }
      result[result.count - 1].append(item)
    }
    return result
  }

  private mutating func atom(depth: Int) throws(GrammarError) -> Item {
    let start = index
    guard let scalar = next() else { throw syntax("the expression ends too early") }
    switch scalar {
    case "^": return .start(start)
    case "$": return .end(start)
    case "(": return .group(try group(from: start, depth: depth))
    case "[": return .expression(.scalars(try characterClass(from: start)))
    case ".": return .expression(.scalars(CharacterClass.lineTerminators.complement))
    case "*", "+", "?": throw syntax("nothing to repeat", at: start)
    case "\\": return .expression(.scalars(try escape(from: start, inClass: false)))
    default: return .expression(.scalars(ScalarSet(CollectionOfOne(scalar))))
    }
  }

  private mutating func group(from start: Int, depth: Int) throws(GrammarError) -> [[Item]] {
    if current == "?" {
      index += 1
      switch next() {
      case ":": break
      case "=", "!": throw unsupported("look-ahead cannot be enforced", at: start)
      case "<":
        if current == "=" || current == "!" {
          throw unsupported("look-behind cannot be enforced", at: start)
        }
        try groupName(from: start)
      case "P" where current == "<":
        index += 1
        try groupName(from: start)
      default: throw unsupported("flags inside an expression cannot be enforced", at: start)
      }
    }
    let inner = try alternatives(depth: depth + 1)
    guard next() == ")" else { throw syntax("( is not closed", at: start) }
    return inner
  }

  private mutating func groupName(from start: Int) throws(GrammarError) {
    while let scalar = next() {
      if scalar == ">" { return }
      guard scalar.properties.isAlphabetic || scalar == "_" || scalar == "$" || scalar.isDigit
      else { break }
    }
    throw syntax("the name of a group is malformed", at: start)
  }

  private mutating func quantifier() throws(GrammarError) -> (minimum: Int, maximum: Int?)? {
    var result: (minimum: Int, maximum: Int?)
    switch current {
    case "*": result = (0, nil)
    case "+": result = (1, nil)
    case "?": result = (0, 1)
    case "{":
      guard let braces = try braces() else { return nil }
      if current == "?" { index += 1 }
      return braces
    default: return nil
    }
    index += 1
    if current == "?" { index += 1 }
    if current == "+" { throw unsupported("possessive quantifiers are not part of ECMA-262") }
    return result
  }

  /// `{m}`, `{m,}` or `{m,n}`; nil where the brace stands for itself.
  private mutating func braces() throws(GrammarError) -> (minimum: Int, maximum: Int?)? {
    let start = index
    index += 1
    guard let minimum = try number(from: start) else {
      index = start
      return nil
    }
    var maximum: Int? = minimum
    if current == "," {
      index += 1
      maximum = try number(from: start)
    }
    guard current == "}" else {
      index = start
      return nil
    }
    index += 1
    if let maximum, maximum < minimum {
      throw syntax("the numbers of a quantifier are out of order", at: start)
    }
    return (minimum, maximum)
  }

  private mutating func number(from start: Int) throws(GrammarError) -> Int? {
    var value: Int?
    while let scalar = current, scalar.isDigit {
      value = (value ?? 0) * 10 + Int(scalar.value - 0x30)
      guard let value, value <= RegularExpressionParser.maximumRepetition else {
        throw GrammarError(
          .tooLarge,
          "a quantifier above \(RegularExpressionParser.maximumRepetition) cannot be enforced",
          at: place(start))
      }
      index += 1
    }
    return value
  }

  // MARK: - Classes and escapes

  private mutating func characterClass(from start: Int) throws(GrammarError) -> ScalarSet {
    var isNegated = false
    if current == "^" {
      isNegated = true
      index += 1
    }
    var ranges: [ClosedRange<UInt32>] = []
    while let scalar = current, scalar != "]" {
      let position = index
      let low = try classMember()
      if current == "-", index + 1 < scalars.count, scalars[index + 1] != "]" {
        index += 1
        let high = try classMember()
        if let first = low.single, let last = high.single {
          guard first <= last else { throw syntax("a range is out of order", at: position) }
          ranges.append(first...last)
        } else {
          // As without the `u` flag: a hyphen beside a class stands for itself.
          ranges += low.ranges + high.ranges + [0x2D...0x2D]
        }
      } else {
        ranges += low.ranges
      }
    }
    guard next() == "]" else { throw syntax("[ is not closed", at: start) }
    let set = ScalarSet(ranges)
    return isNegated ? set.complement : set
  }

  private mutating func classMember() throws(GrammarError) -> ScalarSet {
    let start = index
    guard let scalar = next() else { throw syntax("[ is not closed") }
    if scalar == "\\" { return try escape(from: start, inClass: true) }
    return ScalarSet(CollectionOfOne(scalar))
  }

  private mutating func escape(from start: Int, inClass: Bool) throws(GrammarError) -> ScalarSet {
    guard let scalar = next() else { throw syntax("the expression ends after \\", at: start) }
    switch scalar {
    case "d": return CharacterClass.digits
    case "D": return CharacterClass.digits.complement
    case "w": return CharacterClass.word
    case "W": return CharacterClass.word.complement
    case "s": return CharacterClass.space
    case "S": return CharacterClass.space.complement
    case "p", "P":
      let set = try property(from: start)
      return scalar == "p" ? set : set.complement
    case "b" where inClass: return single(0x08)
    case "b", "B": throw unsupported("word borders cannot be enforced", at: start)
    case "k" where !inClass: throw unsupported("back references cannot be enforced", at: start)
    case "1"..."9": throw unsupported("back references cannot be enforced", at: start)
    case "0":
      if let scalar = current, scalar.isDigit { throw syntax("unknown escape", at: start) }
      return single(0)
    case "t": return single(0x09)
    case "n": return single(0x0A)
    case "v": return single(0x0B)
    case "f": return single(0x0C)
    case "r": return single(0x0D)
    case "c":
      guard let letter = next(), letter.isASCII, letter.properties.isAlphabetic else {
        throw syntax("a letter is missing after \\c", at: start)
      }
      return single(letter.value % 32)
    case "x": return single(try hexadecimal(2, from: start))
    case "u": return single(try unicodeEscape(from: start))
    default:
      guard !(scalar.isASCII && scalar.properties.isAlphabetic) else {
        throw syntax("unknown escape \\\(scalar)", at: start)
      }
      return ScalarSet(CollectionOfOne(scalar))
    }
  }

  private func single(_ value: UInt32) -> ScalarSet { ScalarSet(CollectionOfOne(value...value)) }

  private mutating func hexadecimal(_ count: Int, from start: Int) throws(GrammarError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<count {
      guard let digit = next().flatMap({ Character($0).hexDigitValue }) else {
        throw syntax("\(count) hexadecimal digits are missing", at: start)
      }
      value = value << 4 | UInt32(digit)
    }
    return value
  }

  private mutating func unicodeEscape(from start: Int) throws(GrammarError) -> UInt32 {
    var value: UInt32 = 0
    if current == "{" {
      index += 1
      var count = 0
      while let digit = current.flatMap({ Character($0).hexDigitValue }), value <= 0x10FFFF {
        value = value << 4 | UInt32(digit)
        count += 1
        index += 1
      }
      guard next() == "}", count > 0, Unicode.Scalar(value) != nil else {
        throw syntax("\\u{...} names no character", at: start)
      }
      return value
    }
    value = try hexadecimal(4, from: start)
    guard (0xD800...0xDFFF).contains(value) else { return value }
    if value < 0xDC00, current == "\\", index + 1 < scalars.count, scalars[index + 1] == "u" {
      index += 2
      let second = try hexadecimal(4, from: start)
      if (0xDC00...0xDFFF).contains(second) {
        return 0x10000 + (value - 0xD800) << 10 + (second - 0xDC00)
      }
    }
    throw unsupported("half of a surrogate pair is no character", at: start)
  }

  private mutating func property(from start: Int) throws(GrammarError) -> ScalarSet {
    guard next() == "{" else { throw syntax("{ is missing after \\p", at: start) }
    var name = ""
    while let scalar = next() {
      if scalar == "}" {
        guard let set = CharacterClass.property(name) else {
          throw unsupported("the Unicode property \(name) is not known here", at: start)
        }
        return set
      }
      name.unicodeScalars.append(scalar)
    }
    throw syntax("\\p{ is not closed", at: start)
  }

  // MARK: - Reading

  private var current: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

  private mutating func next() -> Unicode.Scalar? {
    guard index < scalars.count else { return nil }
    index += 1
    return scalars[index - 1]
  }

  private func place(_ position: Int) -> String { "character \(position + 1)" }

  private func syntax(_ message: String, at position: Int? = nil) -> GrammarError {
    GrammarError(.syntax, message, at: place(position ?? index))
  }

  private func unsupported(_ message: String, at position: Int? = nil) -> GrammarError {
    GrammarError(.unsupported, message, at: place(position ?? index))
  }
}

extension ScalarSet {
  /// The only scalar, where there is just one.
  fileprivate var single: UInt32? {
    guard ranges.count == 1, ranges[0].lowerBound == ranges[0].upperBound else { return nil }
    return ranges[0].lowerBound
  }
}

extension Unicode.Scalar {
  /// Whether it is one of 0 to 9.
  var isDigit: Bool { (0x30...0x39).contains(value) }
}
