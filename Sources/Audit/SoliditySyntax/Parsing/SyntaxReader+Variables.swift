/// What may stand in a variable declaration.
struct VariableForm {
  var role: VariableRole
  var allowsIndexed = false
  var allowsLocation = false
  var allowsEmptyName = false
  var allowsInitialValue = false
}

extension SyntaxReader {
  mutating func parseVariable(_ form: VariableForm) throws(SyntaxAbort) -> VariableDeclaration {
    let first = token
    let documentation = self.documentation(first)
    let type = try parseTypeName()
    if case .function = type.kind, form.role == .state, token.kind == .leftBrace {
      throw failure(
        version >= 600
          ? "expected a state variable; a fallback function is written 'fallback() external { }'"
          : "expected a name for the variable",
        token.range)
    }
    var attributes = Attributes()
    try parseAttributes(&attributes, form)
    var name = emptyName(previousEnd)
    if token.kind == .identifier || !form.allowsEmptyName {
      name = try expectName()
    }
    var value: Expression?
    if form.allowsInitialValue, token.kind == .assign {
      advance()
      value = try parseExpression()
    }
    return VariableDeclaration(
      id: makeID(), range: rangeSince(first.start), name: name, typeName: type, role: form.role,
      writtenVisibility: attributes.visibility, mutability: attributes.mutability,
      isTransient: attributes.isTransient, isIndexed: attributes.isIndexed,
      location: attributes.location, override: attributes.override, value: value,
      documentation: documentation)
  }

  /// The words between the type and the name.
  private struct Attributes {
    var visibility: Visibility?
    var mutability = VariableMutability.mutable
    var isTransient = false
    var isIndexed = false
    var location: DataLocation?
    var override: OverrideSpecifier?
  }

  private mutating func parseAttributes(
    _ attributes: inout Attributes, _ form: VariableForm
  ) throws(SyntaxAbort) {
    while true {
      let kind = token.kind
      if kind == .identifier {
        guard form.role == .state, version >= 827, isText(token, "transient") else { return }
        let next = peek()
        if next == .assign || next == .semicolon { return }
        if attributes.isTransient { report("'transient' is written twice", token.range) }
        attributes.isTransient = true
        advance()
      } else if form.role == .state, kind.isVisibility, kind != .external {
        if attributes.visibility != nil { report("the visibility is written twice", token.range) }
        attributes.visibility = attributes.visibility ?? visibility(kind)
        advance()
      } else if form.role == .state, kind == .override {
        if attributes.override != nil { report("'override' is written twice", token.range) }
        attributes.override = try parseOverride()
      } else if kind == .indexed, form.allowsIndexed {
        if attributes.isIndexed, version >= 816 {
          report("'indexed' is written twice", token.range)
        }
        attributes.isIndexed = true
        advance()
      } else if kind == .constant || kind == .immutable {
        if attributes.mutability != .mutable {
          report("the variable is already constant or immutable", token.range)
        } else {
          attributes.mutability = kind == .constant ? .constant : .immutable
        }
        advance()
      } else if kind.isLocation, form.allowsLocation {
        if attributes.location != nil {
          report("the data location is written twice", token.range)
        }
        attributes.location = attributes.location ?? location(kind)
        advance()
      } else {
        return
      }
    }
  }

  func visibility(_ kind: TokenKind) -> Visibility {
    switch kind {
    case .public: .public
    case .private: .private
    case .external: .external
    default: .internal
    }
  }

  func location(_ kind: TokenKind) -> DataLocation {
    switch kind {
    case .memory: .memory
    case .calldata: .calldata
    default: .storage
    }
  }

  /// A parameter list in parentheses.
  mutating func parseParameters(
    _ role: VariableRole, allowsEmpty: Bool = true
  ) throws(SyntaxAbort) -> [VariableDeclaration] {
    var form = VariableForm(role: role)
    form.allowsEmptyName = true
    switch role {
    case .eventParameter: form.allowsIndexed = true
    case .errorParameter: break
    default: form.allowsLocation = true
    }
    try expect(.leftParen, "'(' before the parameters")
    var parameters: [VariableDeclaration] = []
    if token.kind != .rightParen || !allowsEmpty {
      parameters.append(try parseVariable(form))
      while token.kind != .rightParen {
        if token.kind == .comma, peek() == .rightParen {
          throw failure("a parameter must follow the comma", token.range)
        }
        try expect(.comma, "',' or ')' after the parameter")
        parameters.append(try parseVariable(form))
      }
    }
    advance()
    return parameters
  }

  mutating func parseOverride() throws(SyntaxAbort) -> OverrideSpecifier {
    let start = token.start
    advance()
    var contracts: [IdentifierPath] = []
    if take(.leftParen) {
      contracts.append(try identifierPath())
      while token.kind != .rightParen {
        try expect(.comma, "',' or ')' in the override list")
        contracts.append(try identifierPath())
      }
      advance()
    }
    return OverrideSpecifier(range: rangeSince(start), contracts: contracts)
  }
}
