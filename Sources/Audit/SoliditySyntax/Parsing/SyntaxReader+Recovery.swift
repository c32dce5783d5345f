/// How reading goes on after something that cannot be understood.
extension SyntaxReader {
  /// Skips to where the next statement can begin, without leaving the block.
  mutating func recoverStatement(_ start: Int32) {
    var braces = 0
    while !stops {
      switch token.kind {
      case .endOfFile:
        return
      case .semicolon where braces == 0:
        advance()
        return
      case .leftBrace:
        braces += 1
        advance()
      case .rightBrace:
        if braces == 0 { return }
        braces -= 1
        advance()
        if braces == 0, !goesOnBehindBrace() { return }
      case .contract, .interface, .library, .modifier, .constructor, .event, .pragma:
        if token.start > start { return }
        advance()
      case .function where isNamedFunctionStart():
        if token.start > start { return }
        advance()
      case .if, .for, .while, .do, .return, .emit, .try, .assembly, .unchecked:
        if braces == 0, token.start > start { return }
        advance()
      default:
        advance()
      }
    }
  }

  /// Whether the current token, behind a closing brace, cannot begin a statement that was meant.
  private func goesOnBehindBrace() -> Bool {
    switch token.kind {
    case .else, .catch, .leftBrace, .leftParen, .leftBracket, .period, .semicolon, .comma: true
    default: false
    }
  }

  /// Whether the current token begins a function with a name: no statement does.
  mutating func isNamedFunctionStart() -> Bool {
    token.kind == .function && peek() == .identifier
  }

  /// Skips to where the next member of a contract can begin, without leaving the contract.
  mutating func recoverMember(_ start: Int32) {
    var braces = 0
    while !stops {
      switch token.kind {
      case .endOfFile:
        return
      case .semicolon where braces == 0:
        advance()
        return
      case .leftBrace:
        braces += 1
        advance()
      case .rightBrace:
        if braces == 0 { return }
        braces -= 1
        advance()
        if braces == 0 { return }
      case .function, .modifier, .constructor, .event, .struct, .enum, .using, .contract,
        .interface, .library:
        if token.start > start, braces == 0 { return }
        advance()
      default:
        advance()
      }
    }
  }

  /// Skips to where the next item of the file can begin.
  mutating func recoverItem(_ start: Int32) {
    var braces = 0
    while !stops {
      switch token.kind {
      case .endOfFile:
        return
      case .semicolon where braces == 0:
        advance()
        return
      case .leftBrace:
        braces += 1
        advance()
      case .rightBrace:
        advance()
        braces -= 1
        if braces <= 0 { return }
      case .contract, .interface, .library, .abstract, .pragma, .import:
        if token.start > start { return }
        advance()
      case .function, .struct, .enum, .using, .event:
        if token.start > start, braces == 0 { return }
        advance()
      default:
        advance()
      }
    }
  }

  /// Skips to the closing parenthesis of a condition; false if there is none before the statement ends.
  mutating func recoverParenthesis() -> Bool {
    var parentheses = 0
    while !stops {
      switch token.kind {
      case .endOfFile, .semicolon, .leftBrace, .rightBrace:
        return false
      case .leftParen:
        parentheses += 1
        advance()
      case .rightParen:
        advance()
        if parentheses == 0 { return true }
        parentheses -= 1
      default:
        advance()
      }
    }
    return false
  }
}
