extension SyntaxReader {
  /// Reads an expression, assignments and conditionals included.
  mutating func parseExpression() throws(SyntaxAbort) -> Expression {
    try enter()
    let left = try parseBinary(4)
    let kind = token.kind
    let result: Expression
    if kind.isAssignment {
      let leftHeight = height
      advance()
      let right = try parseExpression()
      try grow(leftHeight)
      result = Expression(
        id: makeID(), range: left.range.union(right.range),
        kind: .assignment(kind.compoundOperator, left, right))
    } else if kind == .question {
      var highest = height
      advance()
      let then = try parseExpression()
      highest = max(highest, height)
      try expect(.colon, "':' in the conditional expression")
      let otherwise = try parseExpression()
      try grow(highest)
      result = Expression(
        id: makeID(), range: left.range.union(otherwise.range),
        kind: .conditional(left, then, otherwise))
    } else {
      result = left
    }
    leave()
    return result
  }

  /// Reads operators that bind at least as strongly as `minimum`.
  private mutating func parseBinary(_ minimum: Int) throws(SyntaxAbort) -> Expression {
    var left = try parseUnary()
    while true {
      let kind = token.kind
      let precedence = kind.precedence
      guard precedence >= minimum, let symbol = kind.binaryOperator else { return left }
      let leftHeight = height
      advance()
      let right: Expression
      if kind == .power, version >= 800 {
        // From 0.8 on powers are read from the right.
        try enter()
        right = try parseBinary(precedence)
        leave()
      } else {
        right = try parseBinary(precedence + 1)
      }
      try grow(leftHeight)
      left = Expression(
        id: makeID(), range: left.range.union(right.range), kind: .binary(symbol, left, right))
    }
  }

  private mutating func parseUnary() throws(SyntaxAbort) -> Expression {
    let symbol: UnaryOperator
    switch token.kind {
    case .not: symbol = .not
    case .bitNot: symbol = .bitNot
    case .subtract: symbol = .negate
    case .increment: symbol = .increment
    case .decrement: symbol = .decrement
    case .delete: symbol = .delete
    case .add:
      if version >= 820 { throw failure("unary '+' is not allowed", token.range) }
      symbol = .plus
    default:
      return try parsePostfix()
    }
    try enter()
    let start = token.start
    advance()
    let operand = try parseUnary()
    try grow()
    leave()
    return Expression(id: makeID(), range: rangeSince(start), kind: .prefix(symbol, operand))
  }

  private mutating func parsePostfix() throws(SyntaxAbort) -> Expression {
    let start = token.start
    var base = try parsePrimary()
    while true {
      let baseHeight = height
      switch token.kind {
      case .period:
        advance()
        let member = try expectMemberName()
        try grow()
        base = Expression(
          id: makeID(), range: rangeSince(start), kind: .memberAccess(base, member))
      case .leftParen:
        advance()
        let arguments = try parseCallArguments()
        try grow(baseHeight)
        base = Expression(id: makeID(), range: rangeSince(start), kind: .call(base, arguments))
      case .leftBracket:
        base = try parseIndex(base, start)
      case .leftBrace:
        // `{ name :` begins call options (0.6.2), anything else the block of a statement.
        guard version >= 602, peek() == .identifier, peekSecond().kind == .colon else {
          return base
        }
        advance()
        let options = try parseNamedArguments()
        try grow(baseHeight)
        base = Expression(id: makeID(), range: rangeSince(start), kind: .callOptions(base, options))
      case .increment, .decrement:
        let symbol = token.kind == .increment ? UnaryOperator.increment : .decrement
        advance()
        try grow()
        return Expression(id: makeID(), range: rangeSince(start), kind: .postfix(symbol, base))
      default:
        return base
      }
    }
  }

  private mutating func parseIndex(_ base: Expression, _ start: Int32) throws(SyntaxAbort)
    -> Expression
  {
    var highest = height
    advance()
    var first: Expression?
    if token.kind != .rightBracket, token.kind != .colon {
      first = try parseExpression()
      highest = max(highest, height)
    }
    let kind: Expression.Kind
    if version >= 600, take(.colon) {
      var last: Expression?
      if token.kind != .rightBracket {
        last = try parseExpression()
        highest = max(highest, height)
      }
      kind = .slice(base, first, last)
    } else {
      kind = .index(base, first)
    }
    try expect(.rightBracket, "']' after the index")
    try grow(highest)
    return Expression(id: makeID(), range: rangeSince(start), kind: kind)
  }

  private mutating func parsePrimary() throws(SyntaxAbort) -> Expression {
    let first = token
    height = 1
    switch first.kind {
    case .identifier:
      let name = nameText(first.start, first.end)
      advance()
      return Expression(id: makeID(), range: first.range, kind: .identifier(name))
    case .number:
      return try parseNumber()
    case .trueLiteral, .falseLiteral:
      advance()
      return Expression(
        id: makeID(), range: first.range, kind: .literal(.bool(first.kind == .trueLiteral)))
    case .string, .unicodeString, .hexString:
      return parseStringLiteral()
    case .leftParen:
      return try parseTuple()
    case .leftBracket:
      return try parseInlineArray()
    case .new:
      advance()
      let type = try parseTypeName()
      height = 1
      return Expression(id: makeID(), range: rangeSince(first.start), kind: .new(type))
    case .payable where version >= 600:
      advance()
      guard token.kind == .leftParen else { throw unexpected("'(' after 'payable'") }
      return Expression(id: makeID(), range: first.range, kind: .elementaryType(.addressPayable))
    case .type:
      advance()
      return Expression(id: makeID(), range: first.range, kind: .identifier("type"))
    case let kind where kind.isElementaryType:
      advance()
      return Expression(
        id: makeID(), range: first.range, kind: .elementaryType(elementaryType(first)))
    default:
      throw unexpected("an expression")
    }
  }

  private mutating func parseNumber() throws(SyntaxAbort) -> Expression {
    let first = token
    let text = self.text(first.start, first.end)
    advance()
    var unit: String?
    let isGwei = version >= 611 && version < 700 && isIdentifier("gwei")
    if token.kind.isUnit || isGwei {
      unit = self.text(token.start, token.end)
      advance()
    }
    return Expression(
      id: makeID(), range: rangeSince(first.start),
      kind: .literal(.number(text: text, unit: unit)))
  }

  private mutating func parseStringLiteral() -> Expression {
    let first = token
    var content: [UInt8] = []
    repeat {
      content +=
        first.kind == .hexString
        ? lexer.hexContent(Int(token.start), Int(token.end))
        : lexer.stringContent(Int(token.start), Int(token.end))
      advance()
      // Literals side by side are joined (0.5.14).
    } while token.kind == first.kind && version >= 514
    let literal: Literal
    switch first.kind {
    case .hexString: literal = .hexString(content)
    case .unicodeString: literal = .unicodeString(content)
    default: literal = .string(content)
    }
    return Expression(id: makeID(), range: rangeSince(first.start), kind: .literal(literal))
  }

  private mutating func parseTuple() throws(SyntaxAbort) -> Expression {
    let start = token.start
    var highest = 0
    advance()
    var components: [Expression?] = []
    if token.kind != .rightParen {
      while true {
        if token.kind == .comma || token.kind == .rightParen {
          components.append(nil)
        } else {
          components.append(try parseExpression())
          highest = max(highest, height)
        }
        if token.kind == .rightParen { break }
        try expect(.comma, "',' or ')'")
      }
    }
    advance()
    height = highest
    try grow()
    return Expression(id: makeID(), range: rangeSince(start), kind: .tuple(components))
  }

  private mutating func parseInlineArray() throws(SyntaxAbort) -> Expression {
    let start = token.start
    var highest = 0
    advance()
    var elements: [Expression] = []
    if token.kind != .rightBracket {
      while true {
        if token.kind == .comma || token.kind == .rightBracket {
          report("an element of an array in brackets cannot be left out", token.range)
        } else {
          elements.append(try parseExpression())
          highest = max(highest, height)
        }
        if token.kind == .rightBracket { break }
        try expect(.comma, "',' or ']'")
      }
    }
    advance()
    height = highest
    try grow()
    return Expression(id: makeID(), range: rangeSince(start), kind: .inlineArray(elements))
  }

  // MARK: Arguments

  /// Reads arguments up to and with the closing parenthesis. Leaves the greatest height in `height`.
  mutating func parseCallArguments() throws(SyntaxAbort) -> CallArguments {
    if take(.leftBrace) {
      let arguments = try parseNamedArguments()
      try expect(.rightParen, "')' after the arguments")
      return .named(arguments)
    }
    return .positional(try parseExpressionList())
  }

  /// Reads expressions up to and with the closing parenthesis.
  mutating func parseExpressionList() throws(SyntaxAbort) -> [Expression] {
    var highest = 0
    var expressions: [Expression] = []
    if token.kind != .rightParen {
      while true {
        expressions.append(try parseExpression())
        highest = max(highest, height)
        if token.kind == .rightParen { break }
        try expect(.comma, "',' or ')' after the argument")
      }
    }
    advance()
    height = highest
    return expressions
  }

  /// Reads `name: value` pairs up to and with the closing brace.
  private mutating func parseNamedArguments() throws(SyntaxAbort) -> [NamedArgument] {
    var highest = 0
    var arguments: [NamedArgument] = []
    while token.kind != .rightBrace {
      if !arguments.isEmpty { try expect(.comma, "',' or '}' after the argument") }
      if token.kind == .rightBrace, !arguments.isEmpty {
        report("an argument must follow the comma", token.range)
        break
      }
      let name = try expectName()
      try expect(.colon, "':' after the argument's name")
      let value = try parseExpression()
      highest = max(highest, height)
      arguments.append(NamedArgument(name: name, value: value))
    }
    advance()
    height = highest
    return arguments
  }
}
