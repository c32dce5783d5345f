import BigInt
import SoliditySyntax

/// A declaration used as a value: equal to another when both are the same node of the same program.
public struct Reference<Node: Declaration>: Hashable, Sendable {
  /// The declaration.
  public let node: Node

  /// Refers to a declaration.
  public init(_ node: Node) { self.node = node }

  /// Same node.
  public static func == (a: Reference, b: Reference) -> Bool { a.node.id == b.node.id }

  /// Hashes the node's identity.
  public func hash(into hasher: inout Hasher) { hasher.combine(node.id) }
}

/// The type of a function value.
public struct FunctionType: Hashable, Sendable {
  /// Parameter types.
  public var parameters: [SolidityType]
  /// Return types.
  public var returns: [SolidityType]
  /// What it promises about state.
  public var mutability: StateMutability
  /// External function values are address and selector (24 bytes); internal ones a code offset (8
  /// bytes).
  public var isExternal: Bool

  /// Makes a function type.
  public init(
    parameters: [SolidityType], returns: [SolidityType], mutability: StateMutability,
    isExternal: Bool
  ) {
    self.parameters = parameters
    self.returns = returns
    self.mutability = mutability
    self.isExternal = isExternal
  }
}

/// The objects the language provides without declaration.
public enum MagicObject: String, Hashable, Sendable {
  /// `block`
  case block
  /// `msg`
  case message = "msg"
  /// `tx`
  case transaction = "tx"
  /// `abi`
  case abi
}

/// A type of the language, aliases resolved.
///
/// A location of nil means "not stated": the type of a state variable or struct member as declared.
public indirect enum SolidityType: Hashable, Sendable {
  /// `bool`
  case bool
  /// `address` or `address payable`
  case address(payable: Bool)
  /// `uintN`, `intN`
  case integer(bits: Int, signed: Bool)
  /// `fixedMxN`, `ufixedMxN`
  case fixedPoint(bits: Int, decimals: Int, signed: Bool)
  /// `bytesN`
  case fixedBytes(Int)
  /// `bytes`
  case bytes(DataLocation?)
  /// `string`
  case string(DataLocation?)
  /// `T[]` when length is nil, else `T[length]`
  case array(element: SolidityType, length: BigUInt?, location: DataLocation?)
  /// `mapping(K => V)`
  case mapping(key: SolidityType, value: SolidityType)
  /// A struct.
  case structure(Reference<StructDefinition>, DataLocation?)
  /// An enum.
  case enumeration(Reference<EnumDefinition>)
  /// A user-defined value type.
  case userDefinedValue(Reference<UserDefinedValueTypeDefinition>)
  /// A contract, interface or library value; `isSuper` for `super`.
  case contract(Reference<ContractDefinition>, isSuper: Bool)
  /// A function value.
  case function(FunctionType)
  /// Several values; holes are nil.
  case tuple([SolidityType?])
  /// A number literal or constant expression of literals, exact.
  case rational(Rational)
  /// A string literal's bytes.
  case stringLiteral([UInt8])
  /// A type in the place of a value: `uint8` in `uint8(x)`, a contract name in `Base.f`.
  case metatype(SolidityType)
  /// The argument-carrying `type(T)`.
  case typeInformation(SolidityType)
  /// An imported file under a name; the number is `SourceUnit.number`.
  case module(Int32)
  /// `msg`, `block`, `tx`, `abi`.
  case magic(MagicObject)
  /// Not derived.
  case unknown
}

/// An exact fraction, as the compiler keeps number literals.
public struct Rational: Hashable, Sendable {
  /// Numerator, with the sign.
  public let numerator: BigInt
  /// Denominator, above 0, without common factor.
  public let denominator: BigInt

  /// Makes a reduced fraction; nil if the denominator is 0.
  public init?(_ numerator: BigInt, _ denominator: BigInt = 1) {
    guard denominator != 0 else { return nil }
    let divisor = numerator.greatestCommonDivisor(with: denominator)
    let sign: BigInt = denominator < 0 ? -1 : 1
    let scale = divisor == 0 ? BigInt(1) : divisor
    self.numerator = numerator / scale * sign
    self.denominator = denominator / scale * sign
  }

  /// Takes a fraction that is already in lowest terms.
  init(reduced numerator: BigInt, _ denominator: BigInt) {
    self.numerator = numerator
    self.denominator = denominator
  }

  /// The whole number, if it is one.
  public var integer: BigInt? { denominator == 1 ? numerator : nil }
}
