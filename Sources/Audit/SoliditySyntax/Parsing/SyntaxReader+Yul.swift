extension SyntaxReader {
  /// Whether the loose assembly of 0.4 is read: labels, bare instructions, `=: x`.
  private var isLoose: Bool { version < 500 }

  /// `assembly "dialect" ("flags") { }`.
  mutating func parseAssembly() throws(SyntaxAbort) -> InlineAssembly {
    advance()
    var dialect: String?
    if token.kind == .string {
      let name = String(
        decoding: lexer.stringContent(Int(token.start), Int(token.end)), as: UTF8.self)
      if name != "evmasm" {
        throw failure("the only dialect of assembly is \"evmasm\"", token.range)
      }
      dialect = name
      advance()
    }
    var flags: [String] = []
    if version >= 813, token.kind == .leftParen {
      repeat {
        advance()
        guard token.kind == .string else { throw unexpected("a flag in quotes") }
        flags.append(
          String(decoding: lexer.stringContent(Int(token.start), Int(token.end)), as: UTF8.self))
        advance()
      } while token.kind == .comma
      try expect(.rightParen, "',' or ')' after the flag")
    }
    guard token.kind == .leftBrace else { throw unexpected("'{' before the assembly code") }
    let savedPart = yulLoopPart
    let savedFunction = isInsideYulFunction
    yulLoopPart = .none
    isInsideYulFunction = false
    setYul(true)
    defer {
      setYul(false)
      yulLoopPart = savedPart
      isInsideYulFunction = savedFunction
    }
    let body = try parseYulBlock(isOutermost: true)
    return InlineAssembly(dialect: dialect, flags: flags, body: body)
  }

  private mutating func parseYulBlock(isOutermost: Bool = false) throws(SyntaxAbort) -> YulBlock {
    try enter()
    let start = token.start
    try expect(.leftBrace, "'{'")
    var statements: [YulStatement] = []
    while token.kind != .rightBrace {
      if token.kind == .endOfFile || stops {
        throw failure("the assembly block is not closed: expected '}'", token.range)
      }
      let first = token.start
      let savedDepth = depth
      let savedPart = yulLoopPart
      let savedFunction = isInsideYulFunction
      do {
        statements.append(try parseYulStatement())
      } catch {
        depth = savedDepth
        yulLoopPart = savedPart
        isInsideYulFunction = savedFunction
        recoverYulStatement(first)
        statements.append(YulStatement(id: makeID(), range: rangeSince(first), kind: .missing))
      }
    }
    // Words behind the outermost block are Solidity's again.
    if isOutermost { setYul(false) }
    advance()
    leave()
    return YulBlock(id: makeID(), range: rangeSince(start), statements: statements)
  }

  /// Skips to the next word that begins a statement, without leaving the block.
  private mutating func recoverYulStatement(_ start: Int32) {
    var braces = 0
    while !stops {
      switch token.kind {
      case .endOfFile:
        return
      case .leftBrace:
        braces += 1
        advance()
      case .rightBrace:
        if braces == 0 { return }
        braces -= 1
        advance()
        if braces == 0 { return }
      case .let, .if, .for, .switch, .function, .break, .continue, .leave:
        if braces == 0, token.start > start { return }
        advance()
      default:
        advance()
      }
    }
  }

  private mutating func parseYulStatement() throws(SyntaxAbort) -> YulStatement {
    try enter()
    let start = token.start
    let kind = try parseYulStatementKind()
    leave()
    return YulStatement(id: makeID(), range: rangeSince(start), kind: kind)
  }

  private mutating func parseYulStatementKind() throws(SyntaxAbort) -> YulStatement.Kind {
    switch token.kind {
    case .let:
      return try parseYulDeclaration()
    case .function:
      return .function(try parseYulFunction())
    case .leftBrace:
      return .block(try parseYulBlock())
    case .if:
      advance()
      let condition = try parseYulExpression()
      return .if(condition, try parseYulBlock())
    case .switch:
      return try parseYulSwitch()
    case .for:
      return try parseYulFor()
    case .break, .continue:
      checkLoopPosition()
      let isBreak = token.kind == .break
      advance()
      return isBreak ? .break : .continue
    case .leave:
      if !isInsideYulFunction {
        report("'leave' can only stand inside a function", token.range)
      }
      advance()
      return .leave
    case .assign where isLoose && peek() == .colon:
      advance()
      advance()
      let name = try expectYulName()
      return .stackAssignment(
        YulExpression(id: makeID(), range: name.range, kind: .identifier(name.text)))
    default:
      return try parseYulSimpleStatement()
    }
  }

  private mutating func checkLoopPosition() {
    let word = token.kind == .break ? "break" : "continue"
    switch yulLoopPart {
    case .body: break
    case .none: report("'\(word)' can only stand in the body of a for loop", token.range)
    case .initial, .step:
      report("'\(word)' cannot stand in the first or third part of a for loop", token.range)
    }
  }

  /// `:=`, which until 0.5.5 could be written `: =`.
  private mutating func isYulAssignment() -> Bool {
    if token.kind == .yulAssign { return true }
    return version < 505 && token.kind == .colon && peek() == .assign
  }

  private mutating func skipYulAssignment() {
    if token.kind == .colon { advance() }
    advance()
  }

  private mutating func parseYulSimpleStatement() throws(SyntaxAbort) -> YulStatement.Kind {
    let first = token
    if isLoose, first.kind == .identifier, peek() == .colon, peekSecond().kind != .assign {
      let name = try expectYulName()
      advance()
      return .label(name)
    }
    var target = try parseYulLiteralOrName()
    if token.kind == .leftParen {
      return .expression(try parseYulCall(target, first))
    }
    if token.kind == .comma || isYulAssignment() {
      var targets: [YulExpression] = []
      while true {
        guard case .identifier(let name) = target.kind else {
          throw failure(
            "a name must stand before '\(token.kind == .comma ? "," : ":=")'", target.range)
        }
        if isInstruction(target.range) {
          throw failure("cannot assign to the instruction '\(name)'", target.range)
        }
        targets.append(target)
        if !take(.comma) { break }
        target = try parseYulLiteralOrName()
      }
      guard isYulAssignment() else { throw unexpected("':='") }
      skipYulAssignment()
      return .assignment(targets, value: try parseYulExpression())
    }
    if isLoose { return .expression(target) }
    throw unexpected("'(' or ':='")
  }

  private mutating func parseYulDeclaration() throws(SyntaxAbort) -> YulStatement.Kind {
    advance()
    var variables: [YulVariable] = []
    repeat {
      variables.append(try parseYulVariable())
    } while take(.comma)
    var value: YulExpression?
    if isYulAssignment() {
      skipYulAssignment()
      value = try parseYulExpression()
    }
    return .variables(variables, value: value)
  }

  private mutating func parseYulVariable() throws(SyntaxAbort) -> YulVariable {
    let name = try expectYulName()
    let variable = YulVariable(id: makeID(), name: name)
    if token.kind == .colon, !isYulAssignment() { try refuseYulType() }
    return variable
  }

  /// `: type`, which only other dialects of Yul know.
  private mutating func refuseYulType() throws(SyntaxAbort) {
    let range = token.range
    advance()
    _ = try expectYulName()
    report("variables and literals of assembly have no types", range)
  }

  private mutating func parseYulFunction() throws(SyntaxAbort) -> YulFunction {
    let start = token.start
    if yulLoopPart == .initial, version >= 508 {
      report("a function cannot be defined in the first part of a for loop", token.range)
    }
    let savedPart = yulLoopPart
    let savedFunction = isInsideYulFunction
    yulLoopPart = .none
    advance()
    let name = try expectYulName()
    try expect(.leftParen, "'(' after the function's name")
    var parameters: [YulVariable] = []
    while token.kind != .rightParen {
      parameters.append(try parseYulVariable())
      if token.kind == .rightParen { break }
      try expect(.comma, "',' or ')' after the parameter")
    }
    advance()
    var returnVariables: [YulVariable] = []
    if isYulArrow() {
      while true {
        returnVariables.append(try parseYulVariable())
        if token.kind == .leftBrace { break }
        try expect(.comma, "',' or '{' after the return variable")
      }
    }
    isInsideYulFunction = true
    let body = try parseYulBlock()
    isInsideYulFunction = savedFunction
    yulLoopPart = savedPart
    return YulFunction(
      id: makeID(), range: rangeSince(start), name: name, parameters: parameters,
      returnVariables: returnVariables, body: body)
  }

  /// Consumes `->`, whose signs could stand apart until 0.7.2.
  private mutating func isYulArrow() -> Bool {
    if take(.rightArrow) { return true }
    if version < 702, token.kind == .subtract, peek() == .greater {
      advance()
      advance()
      return true
    }
    return false
  }

  private mutating func parseYulSwitch() throws(SyntaxAbort) -> YulStatement.Kind {
    advance()
    let subject = try parseYulExpression()
    var cases: [YulCase] = []
    while token.kind == .case {
      let start = token.start
      advance()
      let value = try parseYulLiteralOrName()
      guard case .literal = value.kind else {
        throw failure("the value of a case must be a literal", value.range)
      }
      let body = try parseYulBlock()
      cases.append(YulCase(range: rangeSince(start), value: value, body: body))
    }
    if token.kind == .default {
      let start = token.start
      advance()
      let body = try parseYulBlock()
      cases.append(YulCase(range: rangeSince(start), value: nil, body: body))
    }
    if token.kind == .default { throw failure("only one default case is allowed", token.range) }
    if token.kind == .case {
      throw failure("a case cannot stand behind the default case", token.range)
    }
    if cases.isEmpty { throw failure("a switch needs a case", token.range) }
    return .switch(subject, cases)
  }

  private mutating func parseYulFor() throws(SyntaxAbort) -> YulStatement.Kind {
    let saved = yulLoopPart
    advance()
    yulLoopPart = .initial
    let initial = try parseYulBlock()
    yulLoopPart = .none
    let condition = try parseYulExpression()
    yulLoopPart = .step
    let step = try parseYulBlock()
    yulLoopPart = .body
    let body = try parseYulBlock()
    yulLoopPart = saved
    return .for(initial: initial, condition: condition, step: step, body: body)
  }

  // MARK: Expressions

  private mutating func parseYulExpression() throws(SyntaxAbort) -> YulExpression {
    try enter()
    let first = token
    let operand = try parseYulLiteralOrName()
    let result: YulExpression
    if token.kind == .leftParen {
      result = try parseYulCall(operand, first)
    } else {
      if case .identifier(let name) = operand.kind, let found = instruction(operand.range) {
        let isRead = version < 600 && found.detail == WordTable.readsWithoutArguments
        if !isRead, !isLoose {
          throw failure("the instruction '\(name)' must be called", operand.range)
        }
      }
      result = operand
    }
    leave()
    return result
  }

  private mutating func parseYulCall(
    _ callee: YulExpression, _ first: Token
  ) throws(SyntaxAbort) -> YulExpression {
    guard case .identifier(let name) = callee.kind else {
      throw failure("only a name can be called", callee.range)
    }
    // The name is a part of the call, no node of its own.
    nodeCount -= 1
    advance()
    var arguments: [YulExpression] = []
    if token.kind != .rightParen {
      while true {
        arguments.append(try parseYulExpression())
        if token.kind == .rightParen { break }
        try expect(.comma, "',' or ')' after the argument")
      }
    }
    advance()
    return YulExpression(
      id: makeID(), range: rangeSince(first.start),
      kind: .call(Name(text: name, range: callee.range), arguments))
  }

  private mutating func parseYulLiteralOrName() throws(SyntaxAbort) -> YulExpression {
    let first = token
    let kind: YulExpression.Kind
    switch first.kind {
    case .identifier:
      let name = nameText(first.start, first.end)
      advance()
      return YulExpression(id: makeID(), range: first.range, kind: .identifier(name))
    case .number:
      let number = text(first.start, first.end)
      guard isYulNumber(number) else {
        throw failure("assembly knows only whole numbers, decimal or 0x...", first.range)
      }
      kind = .literal(.number(number))
    case .string:
      kind = .literal(.string(lexer.stringContent(Int(first.start), Int(first.end))))
    case .hexString:
      kind = .literal(.hexString(lexer.hexContent(Int(first.start), Int(first.end))))
    case .trueLiteral, .falseLiteral:
      kind = .literal(.bool(first.kind == .trueLiteral))
    default:
      throw unexpected("a literal or a name")
    }
    advance()
    let literal = YulExpression(id: makeID(), range: first.range, kind: kind)
    if token.kind == .colon, !isYulAssignment() { try refuseYulType() }
    return literal
  }

  private func isYulNumber(_ text: String) -> Bool {
    var bytes = Substring(text).utf8
    if bytes.starts(with: "0x".utf8) {
      bytes = bytes.dropFirst(2)
      return bytes.allSatisfy { lexer.isClass($0, ByteClass.hexDigit) }
    }
    return bytes.allSatisfy { lexer.isClass($0, ByteClass.digit) }
  }

  private mutating func expectYulName() throws(SyntaxAbort) -> Name {
    guard token.kind == .identifier else { throw unexpected("a name") }
    if isInstruction(token.range) {
      throw failure("\(describe(token)) is an instruction and cannot be a name", token.range)
    }
    return try expectName()
  }

  private func isInstruction(_ range: SourceRange) -> Bool { instruction(range) != nil }

  /// The instruction a name stands for in every version the file admits, if it is one.
  private func instruction(_ range: SourceRange) -> WordTable.Entry? {
    guard
      let found = lexer.entry(
        lexer.instructionWords, start: Int(range.start), length: range.length),
      oldestVersion >= found.since, version < found.until
    else { return nil }
    return found
  }
}
