import SoliditySyntax
import Solidity

/// A call of another account, or a creation.
public struct ExternalCall: Sendable {
  /// The forms.
  public enum Kind: Hashable, Sendable {
    /// `other.f(...)` with the function's definition, or nil when it could not be resolved.
    case function(Reference<FunctionDefinition>?)
    /// `other.x()` of a public state variable.
    case getter(Reference<VariableDeclaration>)
    /// A call through an external function value.
    case pointer
    /// `.call`, `.delegatecall`, `.staticcall`, `.callcode`, `.send`, `.transfer`; also those of assembly.
    case lowLevel(LowLevelCall)
    /// `new C(...)`; `create`, `create2` of assembly have no definition.
    case creation(Reference<ContractDefinition>?)
  }
  /// The form.
  public let kind: Kind
  /// The name written after the dot, or the instruction of assembly; empty for creations.
  public let name: String
  /// The account called; for function values the value itself; nil for creations.
  public let target: ValueID?
  /// The ether sent; nil when none is stated.
  public let value: ValueID?
  /// The gas given; nil when none is stated. `send` and `transfer` give 2300 whatever this says.
  public let gas: ValueID?
  /// The salt of a `create2`.
  public let salt: ValueID?
  /// Arguments in parameter order. Low-level calls: the call data as one value, if any.
  public let arguments: [ValueID]
  /// How many values `Operation.result` may read. Low-level calls: 2 (success, data); `send` 1; `transfer` 0.
  public let resultCount: Int
  /// Whether the callee is declared `view` or `pure` (a static call), or the call is a `staticcall`.
  public let isStatic: Bool
  /// Whether the machine forbids the called code to change state: a `staticcall`, or a `view` function called by
  /// code of 0.5 or later. `isStatic` also counts older calls, where the declaration is a mere promise.
  public let isEnforcedStatic: Bool
  /// Whether the call stands in a `try`.
  public let isTry: Bool
  /// Whether it was written in assembly.
  public let isAssembly: Bool

  /// Whether the called code runs in this contract's storage.
  public var isDelegate: Bool {
    if case .lowLevel(let call) = kind { return call == .delegatecall || call == .callcode }
    return false
  }
  /// Whether only 2300 gas are passed on.
  public var hasStipendOnly: Bool {
    if case .lowLevel(let call) = kind { return call == .send || call == .transfer }
    return false
  }
  /// Whether the called code gets control with gas and the right to change state.
  public var canReenter: Bool { !isStatic && !hasStipendOnly }
  /// The function called, if known.
  public var function: FunctionDefinition? {
    if case .function(let reference) = kind { return reference?.node }
    return nil
  }
  /// The raw call's form, if it is one.
  public var lowLevel: LowLevelCall? {
    if case .lowLevel(let call) = kind { return call }
    return nil
  }
}
