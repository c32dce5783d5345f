/// What stands between a function's name and its body.
struct FunctionHeader {
  var parameters: [VariableDeclaration] = []
  var visibility: Visibility?
  var mutability = StateMutability.nonpayable
  var isVirtual = false
  var override: OverrideSpecifier?
  var modifiers: [ModifierInvocation] = []
  var returnParameters: [VariableDeclaration] = []
}

extension SyntaxReader {
  mutating func parseFunctionHeader(isType: Bool) throws(SyntaxAbort) -> FunctionHeader {
    var header = FunctionHeader()
    var hasMutability = false
    header.parameters = try parseParameters(isType ? .functionTypeParameter : .parameter)
    while true {
      let kind = token.kind
      if kind == .identifier, !isType {
        header.modifiers.append(try parseModifierInvocation())
      } else if kind.isVisibility {
        if let written = header.visibility {
          // A public state variable of function type: the second word is the variable's.
          if isType, written == .external || written == .internal { break }
          report("the visibility is already '\(written.rawValue)'", token.range)
        } else {
          header.visibility = visibility(kind)
        }
        advance()
      } else if kind.isMutability || (kind == .constant && version < 500) {
        if hasMutability, version >= 417 {
          report("the mutability is already '\(header.mutability.rawValue)'", token.range)
        } else {
          hasMutability = true
          switch kind {
          case .payable: header.mutability = .payable
          case .pure: header.mutability = .pure
          default: header.mutability = .view
          }
        }
        advance()
      } else if kind == .override, !isType {
        if header.override != nil { report("'override' is written twice", token.range) }
        header.override = try parseOverride()
      } else if kind == .virtual, !isType {
        if header.isVirtual { report("'virtual' is written twice", token.range) }
        header.isVirtual = true
        advance()
      } else {
        break
      }
    }
    if take(.returns) {
      header.returnParameters = try parseParameters(
        isType ? .functionTypeParameter : .returnParameter, allowsEmpty: false)
    }
    return header
  }

  private mutating func parseModifierInvocation() throws(SyntaxAbort) -> ModifierInvocation {
    let start = token.start
    let path = try identifierPath()
    var arguments: [Expression]?
    if take(.leftParen) {
      arguments = try parseExpressionList()
    }
    return ModifierInvocation(
      id: makeID(), range: rangeSince(start), path: path, arguments: arguments)
  }

  /// A function, constructor, fallback or receive function; the caller knows the kind from its first word.
  mutating func parseFunction(isFree: Bool) throws(SyntaxAbort) -> FunctionDefinition {
    let first = token
    let documentation = self.documentation(first)
    var kind = isFree ? FunctionKind.freeFunction : .function
    var name: Name
    advance()
    switch first.kind {
    case .function:
      if token.kind == .leftParen, version < 600 {
        kind = .fallback
        name = Name(text: "", range: first.range)
      } else if token.kind == .constructor {
        report(
          "a function cannot be named 'constructor'; the constructor is written without 'function'",
          token.range)
        name = keywordName()
      } else if token.kind == .fallback || token.kind == .receive {
        name = keywordName()
      } else {
        name = try expectName()
        if version < 500, !isFree, name.text == contractName { kind = .constructor }
      }
    case .fallback:
      kind = .fallback
      name = Name(text: "", range: first.range)
    case .receive:
      kind = .receive
      name = Name(text: "", range: first.range)
    default:
      kind = .constructor
      name = Name(text: "", range: first.range)
    }
    let header = try parseFunctionHeader(isType: false)
    var body: Block?
    if !take(.semicolon) {
      guard token.kind == .leftBrace else {
        throw unexpected("'{' or ';' after the function's header")
      }
      body = try parseBlock(isUnchecked: false)
    }
    return FunctionDefinition(
      id: makeID(), range: rangeSince(first.start), name: name, kind: kind,
      writtenVisibility: header.visibility, mutability: header.mutability,
      isVirtual: header.isVirtual, override: header.override, modifiers: header.modifiers,
      parameters: header.parameters, returnParameters: header.returnParameters, body: body,
      documentation: documentation)
  }

  private mutating func keywordName() -> Name {
    let name = Name(text: text(token.start, token.end), range: token.range)
    advance()
    return name
  }

  mutating func parseModifier() throws(SyntaxAbort) -> ModifierDefinition {
    let first = token
    let documentation = self.documentation(first)
    isInsideModifier = true
    advance()
    let name = try expectName()
    var parameters: [VariableDeclaration]?
    if token.kind == .leftParen { parameters = try parseParameters(.parameter) }
    var isVirtual = false
    var override: OverrideSpecifier?
    while true {
      if token.kind == .override {
        if override != nil { report("'override' is written twice", token.range) }
        override = try parseOverride()
      } else if token.kind == .virtual {
        if isVirtual { report("'virtual' is written twice", token.range) }
        isVirtual = true
        advance()
      } else {
        break
      }
    }
    var body: Block?
    // A modifier without a body came with 0.6.
    if version < 600 || !take(.semicolon) {
      guard token.kind == .leftBrace else {
        throw unexpected(version < 600 ? "'{' before the modifier's body" : "'{' or ';'")
      }
      body = try parseBlock(isUnchecked: false)
    }
    isInsideModifier = false
    return ModifierDefinition(
      id: makeID(), range: rangeSince(first.start), name: name, parameters: parameters,
      isVirtual: isVirtual, override: override, body: body, documentation: documentation)
  }

  /// Before 0.6, `function (` in a contract begins the fallback function or a variable of function type.
  /// The compiler decides by what stands before the first brace, semicolon or assignment.
  func isNamelessFunction() -> Bool {
    var look = lookahead()
    var previous = TokenKind.function
    var parentheses = 0
    while true {
      let next = look.next()
      switch next.kind {
      case .leftParen:
        parentheses += 1
        if parentheses > Self.maximumNesting { return true }
      case .rightParen: parentheses -= 1
      case .leftBrace where parentheses <= 0: return true
      case .semicolon where parentheses <= 0: return previous != .identifier
      case .assign where parentheses <= 0: return false
      // No header goes on behind these: what is wrong is found when it is read.
      case .endOfFile, .rightBrace, .contract, .library, .event, .modifier: return true
      case .function where parentheses <= 0: return true
      default: break
      }
      previous = next.kind
    }
  }
}
