extension SyntaxReader {
  /// Reads a block whose brace is the current token.
  mutating func parseBlock(isUnchecked: Bool, start: Int32? = nil) throws(SyntaxAbort) -> Block {
    let start = start ?? token.start
    try expect(.leftBrace, "'{'")
    var statements: [Statement] = []
    while token.kind != .rightBrace {
      if token.kind == .endOfFile || isContractStart() || isMemberStart() || stops {
        report("the block is not closed: expected '}'", token.range)
        return Block(
          id: makeID(), range: rangeSince(start), statements: statements, isUnchecked: isUnchecked)
      }
      let first = token.start
      let savedDepth = depth
      do {
        statements.append(try parseStatement(allowsUnchecked: true))
      } catch {
        depth = savedDepth
        setYul(false)
        recoverStatement(first)
        statements.append(
          Statement(id: makeID(), range: rangeSince(first), kind: .missing))
      }
    }
    advance()
    return Block(
      id: makeID(), range: rangeSince(start), statements: statements, isUnchecked: isUnchecked)
  }

  /// Words that begin a member of a contract and never a statement.
  private mutating func isMemberStart() -> Bool {
    switch token.kind {
    case .modifier, .constructor, .event: return true
    case .function: return isNamedFunctionStart()
    default: return false
    }
  }

  mutating func parseStatement(allowsUnchecked: Bool) throws(SyntaxAbort) -> Statement {
    try enter()
    let first = token
    let documentation = self.documentation(first)
    let kind = try parseStatementKind(allowsUnchecked: allowsUnchecked)
    leave()
    return Statement(
      id: makeID(), range: rangeSince(first.start), kind: kind, documentation: documentation)
  }

  private mutating func parseStatementKind(
    allowsUnchecked: Bool
  ) throws(SyntaxAbort) -> Statement.Kind {
    switch token.kind {
    case .identifier:
      return try parseIdentifierStatement()
    case .if:
      return try parseIf()
    case .while:
      advance()
      let condition = try parseCondition()
      return .while(condition, try parseStatement(allowsUnchecked: false))
    case .do:
      advance()
      let body = try parseStatement(allowsUnchecked: false)
      try expect(.while, "'while' after the body of 'do'")
      let condition = try parseCondition()
      try expectEnd()
      return .doWhile(body, condition)
    case .for:
      return try parseFor()
    case .leftBrace:
      return .block(try parseBlock(isUnchecked: false))
    case .unchecked:
      if !allowsUnchecked {
        report("an unchecked block can only stand directly in another block", token.range)
      }
      let start = token.start
      advance()
      return .block(try parseBlock(isUnchecked: true, start: start))
    case .continue:
      advance()
      try expectEnd()
      return .continue
    case .break:
      advance()
      try expectEnd()
      return .break
    case .return:
      advance()
      if take(.semicolon) { return .return(nil) }
      let value = try parseExpression()
      try expectEnd()
      return .return(value)
    case .throw:
      advance()
      try expectEnd()
      return .throw
    case .try:
      return try parseTry()
    case .assembly:
      return .assembly(try parseAssembly())
    case .emit:
      return try parseEmit()
    default:
      let kind = try parseSimpleStatement()
      try expectEnd()
      return kind
    }
  }

  private mutating func parseIdentifierStatement() throws(SyntaxAbort) -> Statement.Kind {
    if version >= 804, isText(token, "revert"), peek() == .identifier {
      advance()
      let call = try parseNamedCall("the name of an error")
      try expectEnd()
      return .revert(call)
    }
    if isInsideModifier, isText(token, "_") {
      let next = peek()
      if next == .semicolon || version >= 500 {
        advance()
        try expectEnd()
        return .placeholder
      }
    }
    // From 0.4.21 on `emit` before a name begins a statement; it became a word of its own with 0.5.
    if version >= 421, version < 500, isText(token, "emit"), peek() == .identifier {
      return try parseEmit()
    }
    let kind = try parseSimpleStatement()
    try expectEnd()
    return kind
  }

  private mutating func expectEnd() throws(SyntaxAbort) {
    if token.kind == .semicolon {
      advance()
      return
    }
    throw unexpected("';' after the statement")
  }

  private mutating func parseEmit() throws(SyntaxAbort) -> Statement.Kind {
    advance()
    let call = try parseNamedCall("the name of an event")
    try expectEnd()
    return .emit(call)
  }

  /// `a.b.Name(arguments)` after `emit` or `revert`.
  private mutating func parseNamedCall(_ what: String) throws(SyntaxAbort) -> Expression {
    guard token.kind == .identifier else { throw unexpected(what) }
    let start = token.start
    let first = try expectName()
    var callee = Expression(id: makeID(), range: first.range, kind: .identifier(first.text))
    height = 1
    while take(.period) {
      let member = try expectName()
      callee = Expression(
        id: makeID(), range: rangeSince(start), kind: .memberAccess(callee, member))
      try grow()
    }
    guard token.kind == .leftParen else { throw unexpected("'(' before the arguments") }
    let calleeHeight = height
    advance()
    let arguments = try parseCallArguments()
    try grow(calleeHeight)
    return Expression(id: makeID(), range: rangeSince(start), kind: .call(callee, arguments))
  }

  /// A condition in parentheses. What is wrong inside does not spoil the statement it belongs to.
  private mutating func parseCondition() throws(SyntaxAbort) -> Expression {
    try expect(.leftParen, "'(' before the condition")
    let start = token.start
    let savedDepth = depth
    do {
      let condition = try parseExpression()
      try expect(.rightParen, "')' after the condition")
      return condition
    } catch {
      depth = savedDepth
      guard !stops, recoverParenthesis() else { throw error }
      return Expression(id: makeID(), range: rangeSince(start), kind: .missing)
    }
  }

  private mutating func parseIf() throws(SyntaxAbort) -> Statement.Kind {
    advance()
    let condition = try parseCondition()
    let body = try parseStatement(allowsUnchecked: false)
    var otherwise: Statement?
    if take(.else) { otherwise = try parseStatement(allowsUnchecked: false) }
    return .if(condition, body, otherwise)
  }

  private mutating func parseFor() throws(SyntaxAbort) -> Statement.Kind {
    advance()
    try expect(.leftParen, "'(' after 'for'")
    var initial: Statement?
    if token.kind == .semicolon {
      advance()
    } else {
      let start = token.start
      let kind = try parseSimpleStatement()
      try expect(.semicolon, "';' after the first part of 'for'")
      initial = Statement(id: makeID(), range: rangeSince(start), kind: kind)
    }
    var condition: Expression?
    if token.kind != .semicolon { condition = try parseExpression() }
    try expect(.semicolon, "';' after the condition of 'for'")
    var step: Expression?
    if token.kind != .rightParen { step = try parseExpression() }
    try expect(.rightParen, "')' after the last part of 'for'")
    let body = try parseStatement(allowsUnchecked: false)
    return .for(initial: initial, condition: condition, step: step, body: body)
  }

  private mutating func parseTry() throws(SyntaxAbort) -> Statement.Kind {
    advance()
    let call = try parseExpression()
    var parameters: [VariableDeclaration] = []
    if take(.returns) { parameters = try parseParameters(.returnParameter, allowsEmpty: false) }
    guard token.kind == .leftBrace else { throw unexpected("'{' after the call of 'try'") }
    let body = try parseBlock(isUnchecked: false)
    var catches: [CatchClause] = []
    repeat {
      let start = token.start
      try expect(.catch, "'catch' after the body of 'try'")
      var name: Name?
      var caught: [VariableDeclaration]?
      if token.kind != .leftBrace {
        if token.kind == .identifier { name = try expectName() }
        caught = try parseParameters(.parameter, allowsEmpty: name != nil)
      }
      guard token.kind == .leftBrace else { throw unexpected("'{' after 'catch'") }
      let body = try parseBlock(isUnchecked: false)
      catches.append(
        CatchClause(
          id: makeID(), range: rangeSince(start), name: name, parameters: caught, body: body))
    } while token.kind == .catch
    return .try(call: call, returnParameters: parameters, body: body, catches: catches)
  }

  // MARK: Declarations and expressions

  /// A declaration of variables or an expression, without the semicolon.
  private mutating func parseSimpleStatement() throws(SyntaxAbort) -> Statement.Kind {
    if token.kind == .leftParen {
      var look = lookahead()
      var inner = look.next()
      while inner.kind == .comma { inner = look.next() }
      if isDeclaration(inner, &look) { return try parseTupleDeclaration() }
      // No statement begins with an empty tuple; such a one was read until 0.5.
      if inner.kind == .rightParen, version >= 500 {
        throw failure("expected an expression, found ')'", inner.range)
      }
      return .expression(try parseExpression())
    }
    if token.kind == .var { return try parseVarDeclaration() }
    var look = lookahead()
    if isDeclaration(token, &look) {
      var form = VariableForm(role: .local)
      form.allowsLocation = true
      let variable = try parseVariable(form)
      var value: Expression?
      if take(.assign) { value = try parseExpression() }
      return .variables([variable], initialValue: value)
    }
    return .expression(try parseExpression())
  }

  /// Whether a declaration begins at `first`; `look` reads on behind it.
  ///
  /// `x.y[7] a` declares, `x.y[7] = a` does not: the name behind the path and its brackets decides.
  private func isDeclaration(_ first: Token, _ look: inout Lexer) -> Bool {
    switch first.kind {
    case .mapping, .function:
      return true
    case .identifier:
      break
    case let kind where kind.isElementaryType:
      break
    default:
      return false
    }
    var next = look.next()
    if first.kind != .identifier, next.kind.isMutability { return true }
    if first.kind == .identifier {
      while next.kind == .period {
        next = look.next()
        guard next.kind == .identifier || next.kind == .typeAddress else { return false }
        next = look.next()
      }
    }
    while next.kind == .leftBracket {
      var open = 1
      while open > 0 {
        next = look.next()
        switch next.kind {
        case .leftBracket, .leftParen, .leftBrace: open += 1
        case .rightBracket, .rightParen, .rightBrace: open -= 1
        case .endOfFile, .semicolon: return false
        default: break
        }
      }
      next = look.next()
    }
    return next.kind == .identifier || next.kind.isLocation
  }

  /// `(T a, , U b) = value`.
  private mutating func parseTupleDeclaration() throws(SyntaxAbort) -> Statement.Kind {
    advance()
    var form = VariableForm(role: .local)
    form.allowsLocation = true
    var variables: [VariableDeclaration?] = []
    while take(.comma) { variables.append(nil) }
    variables.append(try parseVariable(form))
    while token.kind != .rightParen {
      try expect(.comma, "',' or ')' in the list of variables")
      if token.kind == .comma || token.kind == .rightParen {
        variables.append(nil)
      } else {
        variables.append(try parseVariable(form))
      }
    }
    advance()
    try expect(.assign, "'=' after the list of variables")
    return .variables(variables, initialValue: try parseExpression())
  }

  /// `var x`, `var x = value`, `var (a, , b) = value` (before 0.5).
  private mutating func parseVarDeclaration() throws(SyntaxAbort) -> Statement.Kind {
    let start = token.start
    advance()
    var variables: [VariableDeclaration?] = []
    if take(.leftParen) {
      if token.kind != .rightParen {
        while true {
          if token.kind == .comma || token.kind == .rightParen {
            variables.append(nil)
          } else {
            variables.append(try parseUntypedVariable(token.start))
          }
          if !take(.comma) { break }
        }
      }
      try expect(.rightParen, "',' or ')' in the list of variables")
    } else {
      variables.append(try parseUntypedVariable(start))
    }
    var value: Expression?
    if take(.assign) { value = try parseExpression() }
    return .variables(variables, initialValue: value)
  }

  private mutating func parseUntypedVariable(_ start: Int32) throws(SyntaxAbort)
    -> VariableDeclaration
  {
    var location: DataLocation?
    if token.kind.isLocation {
      location = self.location(token.kind)
      advance()
    }
    let name = try expectName()
    return VariableDeclaration(
      id: makeID(), range: rangeSince(start), name: name, typeName: nil, role: .local,
      location: location)
  }
}
