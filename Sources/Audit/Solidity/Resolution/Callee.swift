import SoliditySyntax

/// How a call finds the code it runs.
public enum Dispatch: Hashable, Sendable {
  /// A jump within the contract; the most derived override runs (look it up with
  /// `Program.override(of:in:)`).
  case `virtual`
  /// A jump to exactly this function: free functions, `Base.f()`, internal library functions,
  /// private functions.
  case exact
  /// `super.f()`: the next override after the calling contract in the linearisation of the most
  /// derived one.
  case `super`
  /// A message call to another contract (or `this`).
  case external
  /// A delegatecall into a public or external library function.
  case libraryDelegate
}

/// Members of `address` that make a raw call.
public enum LowLevelCall: String, Hashable, Sendable {
  /// `.call`
  case call
  /// `.delegatecall`
  case delegatecall
  /// `.staticcall`
  case staticcall
  /// `.callcode` (before 0.5)
  case callcode
  /// `.send`
  case send
  /// `.transfer`
  case transfer
}

/// What a call expression calls.
public enum Callee: Sendable {
  /// A function with source. `receiver` is the bound first argument of a `using for` call, or the
  /// target of an external one.
  case function(FunctionDefinition, Dispatch, isBound: Bool)
  /// The getter of a public state variable, called from outside (`other.x()`).
  case getter(VariableDeclaration)
  /// A function value: a variable, parameter or result holding one.
  case functionPointer(FunctionType)
  /// A raw call on an address.
  case lowLevel(LowLevelCall)
  /// A built-in, by its full name: `require`, `keccak256`, `abi.encode`, `addmod`, `selfdestruct`,
  /// `push`, `pop`, `type`, `bytes.concat`, `string.concat`, `wrap`, `unwrap`, `blockhash`, ...
  case builtin(String)
  /// A conversion `T(x)`.
  case conversion(SolidityType)
  /// A struct constructor `S(a, b)`.
  case structConstructor(StructDefinition)
  /// `new C(...)`
  case creation(ContractDefinition)
  /// `new T[](n)`, `new bytes(n)`
  case allocation(SolidityType)
  /// `emit E(...)`, or before 0.4.21 `E(...)`
  case event(EventDefinition)
  /// `revert E(...)` or an error passed to `require`.
  case error(ErrorDefinition)
  /// Could not be resolved.
  case unknown
}

/// What a name inside inline assembly refers to outside of it.
public struct AssemblyReference: Sendable {
  /// The suffixes of outer names.
  public enum Suffix: String, Sendable {
    /// The storage slot (`.slot`, `_slot`).
    case slot
    /// The byte offset within the slot or in call data (`.offset`, `_offset`).
    case offset
    /// The length of a calldata array.
    case length
    /// The selector of an external function value.
    case selector
    /// The address of an external function value.
    case address
  }
  /// The variable, constant or function named.
  public let declaration: any Declaration
  /// The suffix, if one was written.
  public let suffix: Suffix?

  package init(declaration: any Declaration, suffix: Suffix?) {
    self.declaration = declaration
    self.suffix = suffix
  }
}

/// The value of a compile-time constant expression.
public enum ConstantValue: Hashable, Sendable {
  /// A number (integer or fraction); typed integers are already reduced to their type.
  case number(Rational)
  /// `true`, `false`
  case bool(Bool)
  /// Bytes: `bytesN` values, keccak results, string and hex literals.
  case bytes([UInt8])
}
