/// A type built into the language, with aliases resolved (`uint` reads as `uint256`, `byte` as `bytes1`).
public enum ElementaryType: Hashable, Sendable {
  /// `address`.
  case address
  /// `address payable` (0.5).
  case addressPayable
  /// `bool`.
  case bool
  /// `string`.
  case string
  /// `bytes`, of dynamic length.
  case bytes
  /// `bytesN`; 1 to 32 bytes.
  case fixedBytes(Int)
  /// `uintN`; 8 to 256 bits.
  case unsignedInteger(Int)
  /// `intN`; 8 to 256 bits.
  case signedInteger(Int)
  /// `ufixedMxN`: bits and decimals.
  case unsignedFixed(Int, Int)
  /// `fixedMxN`: bits and decimals.
  case signedFixed(Int, Int)
}

/// A type as written in the source.
public final class TypeName: SyntaxNode {
  /// The forms a type can be written in.
  public enum Kind: Sendable {
    /// A built-in type.
    case elementary(ElementaryType)
    /// A named type.
    case userDefined(IdentifierPath)
    /// `mapping(K => V)`, with the optional names of 0.8.18.
    case mapping(key: TypeName, keyName: Name?, value: TypeName, valueName: Name?)
    /// `T[]` (length nil) or `T[expression]`.
    case array(element: TypeName, length: Expression?)
    /// `function (...) external view returns (...)`.
    case function(FunctionTypeName)
    /// Stands where no type could be read.
    case missing
  }
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The form and its parts.
  public let kind: Kind

  package init(id: NodeID, range: SourceRange, kind: Kind) {
    self.id = id
    self.range = range
    self.kind = kind
  }
}

/// The parts of a function type.
public struct FunctionTypeName: Sendable {
  /// The parameters; names have no meaning.
  public let parameters: [VariableDeclaration]
  /// The return parameters.
  public let returnParameters: [VariableDeclaration]
  /// Internal or external; internal unless written.
  public let visibility: Visibility
  /// What it promises about state.
  public let mutability: StateMutability

  package init(
    parameters: [VariableDeclaration], returnParameters: [VariableDeclaration],
    visibility: Visibility, mutability: StateMutability
  ) {
    self.parameters = parameters
    self.returnParameters = returnParameters
    self.visibility = visibility
    self.mutability = mutability
  }
}
