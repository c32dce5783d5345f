/// Who may call a function or read a variable.
public enum Visibility: String, Sendable {
  /// Only from outside.
  case external
  /// From outside and inside.
  case `public`
  /// From this contract and those deriving from it.
  case `internal`
  /// From this contract alone.
  case `private`
}

/// What a function promises about state.
public enum StateMutability: String, Sendable {
  /// Reads no state.
  case pure
  /// Writes no state (also the old word `constant`).
  case view
  /// Writes state, refuses ether.
  case nonpayable
  /// Writes state, accepts ether.
  case payable
}

/// What a function definition is.
public enum FunctionKind: String, Sendable {
  /// An ordinary function of a contract, interface or library.
  case function
  /// A constructor, by keyword or (before 0.5) by the contract's name.
  case constructor
  /// The fallback function, old (nameless) or new form.
  case fallback
  /// The receive function (0.6).
  case receive
  /// A function at file level (0.7.1).
  case freeFunction
}

/// `override` or `override(A, B)`.
public struct OverrideSpecifier: Sendable {
  /// The bytes covered.
  public let range: SourceRange
  /// The contracts named; empty without a list.
  public let contracts: [IdentifierPath]

  package init(range: SourceRange, contracts: [IdentifierPath]) {
    self.range = range
    self.contracts = contracts
  }
}

/// A modifier (or base constructor) named in a function's header.
public final class ModifierInvocation: SyntaxNode {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The modifier's or base contract's name.
  public let path: IdentifierPath
  /// The arguments; nil when there are no parentheses.
  public let arguments: [Expression]?

  package init(id: NodeID, range: SourceRange, path: IdentifierPath, arguments: [Expression]?) {
    self.id = id
    self.range = range
    self.path = path
    self.arguments = arguments
  }
}

/// A function, constructor, fallback, receive or free function.
public final class FunctionDefinition: Declaration {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The declared name; empty for keyword constructors, fallback and receive functions.
  public let name: String
  /// Where the name (or the keyword standing for it) stands.
  public let nameRange: SourceRange
  /// What it is.
  public let kind: FunctionKind
  /// The visibility as written; nil when none was.
  public let writtenVisibility: Visibility?
  /// The mutability (`constant` reads as view); nonpayable when none was written.
  public let mutability: StateMutability
  /// Whether `virtual` was written.
  public let isVirtual: Bool
  /// `override`, if written.
  public let override: OverrideSpecifier?
  /// Modifiers and base constructors named in the header, in order.
  public let modifiers: [ModifierInvocation]
  /// The parameters.
  public let parameters: [VariableDeclaration]
  /// The return parameters.
  public let returnParameters: [VariableDeclaration]
  /// The body; nil when the declaration ends in a semicolon.
  public let body: Block?
  /// NatSpec before the definition.
  public let documentation: Documentation?

  package init(
    id: NodeID, range: SourceRange, name: Name, kind: FunctionKind, writtenVisibility: Visibility?,
    mutability: StateMutability, isVirtual: Bool, override: OverrideSpecifier?,
    modifiers: [ModifierInvocation], parameters: [VariableDeclaration],
    returnParameters: [VariableDeclaration], body: Block?, documentation: Documentation?
  ) {
    self.id = id
    self.range = range
    self.name = name.text
    self.nameRange = name.range
    self.kind = kind
    self.writtenVisibility = writtenVisibility
    self.mutability = mutability
    self.isVirtual = isVirtual
    self.override = override
    self.modifiers = modifiers
    self.parameters = parameters
    self.returnParameters = returnParameters
    self.body = body
    self.documentation = documentation
  }

  /// The visibility that holds: as written, else public for ordinary functions, constructors and old fallbacks
  /// (the default before 0.5), external for receive, internal for free functions.
  public var visibility: Visibility {
    if let writtenVisibility { return writtenVisibility }
    switch kind {
    case .freeFunction: return .internal
    case .receive: return .external
    case .function, .constructor, .fallback: return .public
    }
  }
}

/// A modifier.
public final class ModifierDefinition: Declaration {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The declared name.
  public let name: String
  /// Where the name stands.
  public let nameRange: SourceRange
  /// The parameters; nil when there are no parentheses.
  public let parameters: [VariableDeclaration]?
  /// Whether `virtual` was written.
  public let isVirtual: Bool
  /// `override`, if written.
  public let override: OverrideSpecifier?
  /// The body; nil for an unimplemented modifier.
  public let body: Block?
  /// NatSpec before the definition.
  public let documentation: Documentation?

  package init(
    id: NodeID, range: SourceRange, name: Name, parameters: [VariableDeclaration]?, isVirtual: Bool,
    override: OverrideSpecifier?, body: Block?, documentation: Documentation?
  ) {
    self.id = id
    self.range = range
    self.name = name.text
    self.nameRange = name.range
    self.parameters = parameters
    self.isVirtual = isVirtual
    self.override = override
    self.body = body
    self.documentation = documentation
  }
}
