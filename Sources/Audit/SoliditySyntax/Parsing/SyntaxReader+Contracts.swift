extension SyntaxReader {
  mutating func parseContract() throws(SyntaxAbort) -> ContractDefinition {
    let first = token
    let documentation = self.documentation(first)
    let isAbstract = take(.abstract)
    let kind: ContractKind
    switch token.kind {
    case .contract: kind = .contract
    case .interface: kind = .interface
    case .library: kind = .library
    default: throw unexpected("'contract', 'interface' or 'library'")
    }
    advance()
    let name = try expectName()
    var bases: [InheritanceSpecifier] = []
    var hasBases = false
    var layoutBase: Expression?
    while true {
      if token.kind == .is {
        if hasBases { report("the list of bases is written twice", token.range) }
        hasBases = true
        repeat {
          advance()
          bases.append(try parseInheritanceSpecifier())
        } while token.kind == .comma
      } else if version >= 829, isIdentifier("layout") {
        if layoutBase != nil { report("the storage layout is written twice", token.range) }
        advance()
        guard isIdentifier("at") else { throw unexpected("'at' after 'layout'") }
        advance()
        layoutBase = try parseExpression()
      } else {
        break
      }
    }
    try expect(.leftBrace, "'{' before the contract's members")
    let outer = contractName
    contractName = name.text
    var members: [ContractMember] = []
    while token.kind != .rightBrace {
      if token.kind == .endOfFile || stops || isContractStart() {
        report("the contract '\(name.text)' is not closed: expected '}'", token.range)
        contractName = outer
        return ContractDefinition(
          id: makeID(), range: rangeSince(first.start), name: name, kind: kind,
          isAbstract: isAbstract, bases: bases, layoutBase: layoutBase, members: members,
          documentation: documentation)
      }
      let start = token.start
      let savedDepth = depth
      do {
        try parseMember(&members)
      } catch {
        depth = savedDepth
        isInsideModifier = false
        recoverMember(start)
      }
    }
    contractName = outer
    advance()
    return ContractDefinition(
      id: makeID(), range: rangeSince(first.start), name: name, kind: kind, isAbstract: isAbstract,
      bases: bases, layoutBase: layoutBase, members: members, documentation: documentation)
  }

  /// Words that cannot begin a member but begin the next contract.
  func isContractStart() -> Bool {
    switch token.kind {
    case .contract, .interface, .library, .abstract, .pragma, .import: true
    default: false
    }
  }

  private mutating func parseInheritanceSpecifier() throws(SyntaxAbort) -> InheritanceSpecifier {
    let start = token.start
    let base = try identifierPath()
    var arguments: CallArguments?
    if take(.leftParen) {
      arguments = .positional(try parseExpressionList())
    }
    return InheritanceSpecifier(
      id: makeID(), range: rangeSince(start), base: base, arguments: arguments)
  }

  private mutating func parseMember(_ members: inout [ContractMember]) throws(SyntaxAbort) {
    switch token.kind {
    case .function:
      if peek() == .leftParen, version >= 600 || !isNamelessFunction() {
        members.append(.variable(try parseStateVariable()))
      } else {
        members.append(.function(try parseFunction(isFree: false)))
      }
    case .constructor, .fallback, .receive:
      members.append(.function(try parseFunction(isFree: false)))
    case .modifier:
      members.append(.modifier(try parseModifier()))
    case .struct:
      members.append(.structure(try parseStruct()))
    case .enum:
      members.append(.enumeration(try parseEnum()))
    case .event:
      members.append(.event(try parseEvent()))
    case .using:
      members.append(.using(try parseUsing()))
    case .type where version >= 808:
      members.append(.userDefinedValueType(try parseUserDefinedValueType()))
    case .mapping:
      members.append(.variable(try parseStateVariable()))
    case .identifier:
      if isErrorDefinition() {
        members.append(.error(try parseError()))
      } else if version >= 422, version < 500, isText(token, "constructor"), peek() == .leftParen {
        members.append(.function(try parseFunction(isFree: false)))
      } else {
        members.append(.variable(try parseStateVariable()))
      }
    case let kind where kind.isElementaryType:
      members.append(.variable(try parseStateVariable()))
    default:
      throw unexpected("a function, variable, struct, event or modifier")
    }
  }

  private mutating func parseStateVariable() throws(SyntaxAbort) -> VariableDeclaration {
    var form = VariableForm(role: .state)
    form.allowsInitialValue = true
    let variable = try parseVariable(form)
    try expect(.semicolon, "';' after the state variable")
    return variable
  }

  /// `error Name(`; the word alone is a name like any other.
  mutating func isErrorDefinition() -> Bool {
    guard version >= 804, isIdentifier("error"), peek() == .identifier else { return false }
    return peekSecond().kind == .leftParen
  }

  mutating func parseStruct() throws(SyntaxAbort) -> StructDefinition {
    let first = token
    let documentation = self.documentation(first)
    advance()
    let name = try expectName()
    try expect(.leftBrace, "'{' after the struct's name")
    var members: [VariableDeclaration] = []
    while token.kind != .rightBrace {
      members.append(try parseVariable(VariableForm(role: .structMember)))
      try expect(.semicolon, "';' after the struct's member")
    }
    advance()
    return StructDefinition(
      id: makeID(), range: rangeSince(first.start), name: name, members: members,
      documentation: documentation)
  }

  mutating func parseEnum() throws(SyntaxAbort) -> EnumDefinition {
    let first = token
    let documentation = self.documentation(first)
    advance()
    let name = try expectName()
    try expect(.leftBrace, "'{' after the enum's name")
    var values: [EnumValue] = []
    while token.kind != .rightBrace {
      let value = try expectName()
      values.append(EnumValue(id: makeID(), name: value))
      if token.kind == .rightBrace { break }
      try expect(.comma, "',' or '}' after the enum's value")
      if token.kind != .identifier { throw unexpected("a name after the comma") }
    }
    if values.isEmpty { report("an enum needs at least one value", token.range) }
    advance()
    return EnumDefinition(
      id: makeID(), range: rangeSince(first.start), name: name, values: values,
      documentation: documentation)
  }

  mutating func parseEvent() throws(SyntaxAbort) -> EventDefinition {
    let first = token
    let documentation = self.documentation(first)
    advance()
    let name = try expectName()
    var parameters: [VariableDeclaration] = []
    // Until 0.4.17 the list could be left out.
    if token.kind == .leftParen || version >= 417 {
      parameters = try parseParameters(.eventParameter)
    }
    let isAnonymous = take(.anonymous)
    try expect(.semicolon, "';' after the event")
    return EventDefinition(
      id: makeID(), range: rangeSince(first.start), name: name, parameters: parameters,
      isAnonymous: isAnonymous, documentation: documentation)
  }

  mutating func parseError() throws(SyntaxAbort) -> ErrorDefinition {
    let first = token
    let documentation = self.documentation(first)
    advance()
    let name = try expectName()
    let parameters = try parseParameters(.errorParameter)
    try expect(.semicolon, "';' after the error")
    return ErrorDefinition(
      id: makeID(), range: rangeSince(first.start), name: name, parameters: parameters,
      documentation: documentation)
  }

  mutating func parseUserDefinedValueType() throws(SyntaxAbort) -> UserDefinedValueTypeDefinition {
    let start = token.start
    advance()
    let name = try expectName()
    try expect(.is, "'is' in the type definition")
    let underlying = try parseTypeName()
    try expect(.semicolon, "';' after the type definition")
    return UserDefinedValueTypeDefinition(
      id: makeID(), range: rangeSince(start), name: name, underlying: underlying)
  }

  mutating func parseUsing() throws(SyntaxAbort) -> UsingForDirective {
    let start = token.start
    advance()
    let functions: UsingForDirective.Functions
    if version >= 813, token.kind == .leftBrace {
      var list: [(function: IdentifierPath, operator: String?)] = []
      repeat {
        advance()
        let path = try identifierPath()
        var bound: String?
        if version >= 819, take(.as) {
          bound = text(token.start, token.end)
          switch token.kind {
          case .bitAnd, .bitOr, .bitXor, .bitNot, .add, .subtract, .multiply, .divide, .modulo,
            .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            break
          default:
            report("\(describe(token)) is no operator that can be defined", token.range)
          }
          advance()
        }
        list.append((function: path, operator: bound))
      } while token.kind == .comma
      try expect(.rightBrace, "',' or '}' in the list of functions")
      functions = .list(list)
    } else {
      functions = .library(try identifierPath())
    }
    try expect(.for, "'for' in the using directive")
    var target: TypeName?
    if !take(.multiply) { target = try parseTypeName() }
    var isGlobal = false
    if version >= 813, isIdentifier("global") {
      isGlobal = true
      advance()
    }
    try expect(.semicolon, "';' after the using directive")
    return UsingForDirective(
      id: makeID(), range: rangeSince(start), functions: functions, target: target,
      isGlobal: isGlobal)
  }
}
