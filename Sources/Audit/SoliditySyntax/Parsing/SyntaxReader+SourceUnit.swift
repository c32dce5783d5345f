extension SyntaxReader {
  /// Reads the whole file.
  mutating func parseSourceUnit() -> [SourceUnitItem] {
    var items: [SourceUnitItem] = []
    while token.kind != .endOfFile, !stops {
      let start = token.start
      let savedDepth = depth
      do {
        try parseItem(&items)
      } catch {
        depth = savedDepth
        isInsideModifier = false
        contractName = ""
        setYul(false)
        recoverItem(start)
      }
    }
    return items
  }

  private mutating func parseItem(_ items: inout [SourceUnitItem]) throws(SyntaxAbort) {
    switch token.kind {
    case .pragma:
      items.append(.pragma(try parsePragma()))
    case .import:
      items.append(.import(try parseImport()))
    case .contract, .interface, .library, .abstract:
      items.append(.contract(try parseContract()))
    case .struct where version >= 600:
      items.append(.structure(try parseStruct()))
    case .enum where version >= 600:
      items.append(.enumeration(try parseEnum()))
    case .type where version >= 808:
      items.append(.userDefinedValueType(try parseUserDefinedValueType()))
    case .using where version >= 813:
      items.append(.using(try parseUsing()))
    case .function where version >= 701:
      items.append(.function(try parseFunction(isFree: true)))
    case .event where version >= 822:
      items.append(.event(try parseEvent()))
    case .identifier:
      if isErrorDefinition() {
        items.append(.error(try parseError()))
      } else {
        try parseFileVariable(&items)
      }
    case let kind where kind == .mapping || kind.isElementaryType:
      try parseFileVariable(&items)
    default:
      throw unexpected(expectedItem)
    }
  }

  private var expectedItem: String {
    version >= 701
      ? "a pragma, an import or the definition of a contract, interface, library, struct, enum, "
        + "constant, function or error"
      : "a pragma, an import or the definition of a contract, interface or library"
  }

  private mutating func parseFileVariable(_ items: inout [SourceUnitItem]) throws(SyntaxAbort) {
    if version < 704 || peek() == .endOfFile { throw unexpected(expectedItem) }
    var form = VariableForm(role: .fileConstant)
    form.allowsInitialValue = true
    let variable = try parseVariable(form)
    try expect(.semicolon, "';' after the constant")
    items.append(.variable(variable))
  }

  private mutating func parsePragma() throws(SyntaxAbort) -> PragmaDirective {
    let start = token.start
    advance()
    let nameStart = token.start
    var nameEnd = nameStart
    var valueStart = nameStart
    var isFirst = true
    repeat {
      if token.kind == .endOfFile { throw unexpected("';' after the pragma") }
      if token.kind == .illegal { throw unexpected("a word") }
      if isFirst {
        nameEnd = token.end
        isFirst = false
        advance()
        valueStart = token.start
      } else {
        advance()
      }
    } while token.kind != .semicolon
    let valueEnd = max(valueStart, previousEnd)
    advance()
    let name = text(nameStart, nameEnd)
    let value = valueStart < valueEnd && nameEnd <= valueStart ? text(valueStart, valueEnd) : ""
    if name == "experimental", value == "solidity" {
      report(
        "the experimental language of 'pragma experimental solidity' is not read",
        rangeSince(start))
    }
    return PragmaDirective(id: makeID(), range: rangeSince(start), name: name, value: value)
  }

  private mutating func parseImport() throws(SyntaxAbort) -> ImportDirective {
    let start = token.start
    advance()
    var form = ImportDirective.Form.everything
    let path: Token
    if token.kind == .string {
      path = token
      advance()
      if take(.as) { form = .namespace(try expectName()) }
    } else {
      if take(.leftBrace) {
        var symbols: [ImportedSymbol] = []
        while true {
          let name = try expectName()
          var alias: Name?
          if take(.as) { alias = try expectName() }
          symbols.append(ImportedSymbol(name: name, alias: alias))
          if !take(.comma) { break }
        }
        try expect(.rightBrace, "',' or '}' in the import list")
        form = .symbols(symbols)
      } else if take(.multiply) {
        try expect(.as, "'as' after '*'")
        form = .namespace(try expectName())
      } else {
        throw unexpected("a path, '*' or '{' after 'import'")
      }
      guard isIdentifier("from") else { throw unexpected("'from' in the import") }
      advance()
      guard token.kind == .string else { throw unexpected("a path after 'from'") }
      path = token
      advance()
    }
    let bytes = lexer.stringContent(Int(path.start), Int(path.end))
    if bytes.isEmpty { throw failure("the path of an import cannot be empty", path.range) }
    try expect(.semicolon, "';' after the import")
    return ImportDirective(
      id: makeID(), range: rangeSince(start), path: String(decoding: bytes, as: UTF8.self),
      pathRange: path.range, form: form)
  }
}
