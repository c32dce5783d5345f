/// Where a reference-typed value lives.
public enum DataLocation: String, Sendable {
  /// Persistent storage.
  case storage
  /// Memory.
  case memory
  /// Call data.
  case calldata
}

/// What a variable declaration declares.
public enum VariableRole: Sendable {
  /// A state variable of a contract or library.
  case state
  /// A constant at file level.
  case fileConstant
  /// A parameter of a function, modifier or catch clause.
  case parameter
  /// A return parameter.
  case returnParameter
  /// A local variable.
  case local
  /// A member of a struct.
  case structMember
  /// A parameter of an event.
  case eventParameter
  /// A parameter of an error.
  case errorParameter
  /// A parameter of a function type.
  case functionTypeParameter
}

/// How a variable's value may change.
public enum VariableMutability: String, Sendable {
  /// An ordinary variable.
  case mutable
  /// Set once in the constructor; lives in code (0.6.5).
  case immutable
  /// A compile-time constant.
  case constant
}

/// Any variable: state, constant, parameter, local, struct member.
public final class VariableDeclaration: Declaration {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The declared name; may be empty for parameters.
  public let name: String
  /// Where the name stands.
  public let nameRange: SourceRange
  /// The type as written; nil for `var` (before 0.5).
  public let typeName: TypeName?
  /// What is declared.
  public let role: VariableRole
  /// The visibility as written, for state variables.
  public let writtenVisibility: Visibility?
  /// Mutable, immutable or constant.
  public let mutability: VariableMutability
  /// Whether a state variable is `transient` (0.8.27).
  public let isTransient: Bool
  /// Whether an event parameter is `indexed`.
  public let isIndexed: Bool
  /// The data location as written.
  public let location: DataLocation?
  /// `override`, if written (public state variables).
  public let override: OverrideSpecifier?
  /// The initial value of a state variable or constant. Locals keep theirs in the statement.
  public let value: Expression?
  /// NatSpec before the declaration.
  public let documentation: Documentation?

  package init(
    id: NodeID, range: SourceRange, name: Name, typeName: TypeName?, role: VariableRole,
    writtenVisibility: Visibility? = nil, mutability: VariableMutability = .mutable,
    isTransient: Bool = false, isIndexed: Bool = false, location: DataLocation? = nil,
    override: OverrideSpecifier? = nil, value: Expression? = nil,
    documentation: Documentation? = nil
  ) {
    self.id = id
    self.range = range
    self.name = name.text
    self.nameRange = name.range
    self.typeName = typeName
    self.role = role
    self.writtenVisibility = writtenVisibility
    self.mutability = mutability
    self.isTransient = isTransient
    self.isIndexed = isIndexed
    self.location = location
    self.override = override
    self.value = value
    self.documentation = documentation
  }

  /// The visibility that holds for a state variable: internal unless written.
  public var visibility: Visibility { writtenVisibility ?? .internal }
}
