import BigInt
import Ethereum
import SoliditySyntax

/// A resolved program: a closed set of source units with every name, base, type and constant worked
/// out.
///
/// Establishes, for all nodes of its units: what each name refers to, what each call calls, the C3
/// linearisation of each contract, types as far as they can be derived, values of constant
/// expressions. What could not be resolved reads as nil, `.unknown`, and is listed in `diagnostics`
/// when it is an error.
public final class Program: Sendable {
  /// The units; `SourceUnit.number` is the index in this array.
  public let units: [SourceUnit]
  /// Every contract, interface and library, by unit and place.
  public let contracts: [ContractDefinition]
  /// What could not be resolved.
  public let diagnostics: [ResolutionDiagnostic]

  package let tables: ResolutionTables

  package init(
    units: [SourceUnit], contracts: [ContractDefinition], diagnostics: [ResolutionDiagnostic],
    tables: ResolutionTables
  ) {
    self.units = units
    self.contracts = contracts
    self.diagnostics = diagnostics
    self.tables = tables
  }
}

/// A name, import or inheritance that could not be resolved.
public struct ResolutionDiagnostic: Error, Hashable, Sendable {
  /// What is wrong, for a person.
  public let message: String
  /// The unit it stands in.
  public let unit: Int32
  /// Where.
  public let range: SourceRange

  package init(message: String, unit: Int32, range: SourceRange) {
    self.message = message
    self.unit = unit
    self.range = range
  }
}

/// Arguments that a contract gives to the constructor of one of its bases.
public struct BaseConstructorArguments: Sendable {
  /// Where the arguments are written.
  public enum Place: Sendable {
    /// In an inheritance list: `contract C is Base(1)`.
    case inheritance(InheritanceSpecifier)
    /// In a constructor's header: `constructor() Base(1)`.
    case constructor(FunctionDefinition, ModifierInvocation)
  }
  /// The base whose constructor gets them.
  public let base: ContractDefinition
  /// The contract that gives them.
  public let giver: ContractDefinition
  /// The arguments.
  public let arguments: CallArguments
  /// Where they are written.
  public let place: Place

  package init(
    base: ContractDefinition, giver: ContractDefinition, arguments: CallArguments, place: Place
  ) {
    self.base = base
    self.giver = giver
    self.arguments = arguments
    self.place = place
  }
}

/// One entry of a contract's external interface.
public typealias InterfaceEntry = (
  signature: String, selector: Selector, declaration: any Declaration
)
