extension SyntaxReader {
  /// The built-in type a token stands for.
  func elementaryType(_ token: Token) -> ElementaryType {
    let detail = Int(token.detail)
    switch token.kind {
    case .typeInt: return .signedInteger(detail)
    case .typeUInt: return .unsignedInteger(detail)
    case .typeBytesN: return .fixedBytes(detail)
    case .typeBytes: return .bytes
    case .typeString: return .string
    case .typeBool: return .bool
    case .typeFixed: return .signedFixed(detail >> 7, detail & 127)
    case .typeUFixed: return .unsignedFixed(detail >> 7, detail & 127)
    default: return .address
    }
  }

  mutating func parseTypeName() throws(SyntaxAbort) -> TypeName {
    try enter()
    let start = token.start
    var type: TypeName
    switch token.kind {
    case .function:
      type = try parseFunctionType()
    case .mapping:
      type = try parseMapping()
    case .identifier:
      let path = try identifierPath()
      type = TypeName(id: makeID(), range: path.range, kind: .userDefined(path))
    case let kind where kind.isElementaryType:
      type = try parseElementaryTypeName()
    case .reserved where isText(token, "var"):
      throw failure("expected a type: 'var' was removed in 0.5", token.range)
    default:
      throw unexpected("a type")
    }
    type = try parseArraySuffixes(type, start)
    leave()
    return type
  }

  private mutating func parseElementaryTypeName() throws(SyntaxAbort) -> TypeName {
    let start = token.start
    var elementary = elementaryType(token)
    advance()
    if token.kind.isMutability {
      if elementary != .address {
        report("only the type 'address' can be \(describe(token))", token.range)
      } else if token.kind == .payable {
        elementary = .addressPayable
      }
      advance()
    }
    return TypeName(id: makeID(), range: rangeSince(start), kind: .elementary(elementary))
  }

  private mutating func parseArraySuffixes(
    _ element: TypeName, _ start: Int32
  ) throws(SyntaxAbort) -> TypeName {
    var type = element
    var levels = 0
    while token.kind == .leftBracket {
      levels += 1
      if levels > Self.maximumNesting {
        throw failure("an array of more than \(Self.maximumNesting) dimensions", token.range)
      }
      advance()
      var length: Expression?
      if token.kind != .rightBracket { length = try parseExpression() }
      try expect(.rightBracket, "']' after the array length")
      type = TypeName(
        id: makeID(), range: rangeSince(start), kind: .array(element: type, length: length))
    }
    return type
  }

  private mutating func parseFunctionType() throws(SyntaxAbort) -> TypeName {
    let start = token.start
    advance()
    let header = try parseFunctionHeader(isType: true)
    let function = FunctionTypeName(
      parameters: header.parameters, returnParameters: header.returnParameters,
      visibility: header.visibility ?? .internal, mutability: header.mutability)
    return TypeName(id: makeID(), range: rangeSince(start), kind: .function(function))
  }

  private mutating func parseMapping() throws(SyntaxAbort) -> TypeName {
    let start = token.start
    advance()
    try expect(.leftParen, "'(' after 'mapping'")
    let keyStart = token.start
    let key: TypeName
    if token.kind == .identifier {
      let path = try identifierPath()
      key = TypeName(id: makeID(), range: path.range, kind: .userDefined(path))
    } else if token.kind.isElementaryType {
      let elementary = elementaryType(token)
      advance()
      key = TypeName(id: makeID(), range: rangeSince(keyStart), kind: .elementary(elementary))
    } else {
      throw unexpected("a built-in or named type as the key of the mapping")
    }
    let keyName = try parseMappingName()
    try expect(.doubleArrow, "'=>' in the mapping")
    let value = try parseTypeName()
    let valueName = try parseMappingName()
    try expect(.rightParen, "')' after the mapping")
    return TypeName(
      id: makeID(), range: rangeSince(start),
      kind: .mapping(key: key, keyName: keyName, value: value, valueName: valueName))
  }

  /// The optional name of a mapping's key or value (0.8.18).
  private mutating func parseMappingName() throws(SyntaxAbort) -> Name? {
    guard token.kind == .identifier, version >= 818 else { return nil }
    return try expectName()
  }
}
