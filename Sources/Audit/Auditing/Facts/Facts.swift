import SoliditySyntax
import Solidity
import Synchronization

/// Everything derived from a resolved program that detectors build on.
///
/// Graphs are lowered on first use and kept; all members may be called from several threads.
public final class Facts: Sendable {
  /// The program.
  public let program: Program
  package let graphs: Mutex<GraphStore>

  /// Prepares facts for a program. Costs nothing until asked.
  public init(program: Program) {
    self.program = program
    graphs = Mutex(GraphStore())
  }
}

/// Graphs already lowered, by function and by the contract whose modifier overrides they use.
package struct GraphStore: Sendable {
  package struct Key: Hashable, Sendable {
    let function: NodeID
    let contract: NodeID?
  }
  package var functions: [Key: FunctionGraph?] = [:]
}

extension Facts {
  /// The graph of a function as declared: modifiers resolved from its own contract. Nil without body.
  public func graph(of function: FunctionDefinition) -> FunctionGraph? {
    fatalError("facts API")
  }

  /// The graph of a function as it runs in a more derived contract, whose modifier overrides apply.
  public func graph(
    of function: FunctionDefinition, in contract: ContractDefinition
  ) -> FunctionGraph? {
    fatalError("facts API")
  }

  /// Everything that runs when a contract is deployed, as one graph: base constructor arguments, initial values
  /// and constructors of all bases in the order they run. Nil for interfaces and libraries.
  public func deployment(of contract: ContractDefinition) -> FunctionGraph? {
    fatalError("facts API")
  }

  /// Every function with a body, by unit and place: for checks within one function.
  public var functions: [FunctionDefinition] { fatalError("facts API") }

  /// The contracts to examine with `examine(_:)`, by unit and place: deployable contracts no other contract of the
  /// program derives from come first, then the rest (bases, libraries), interfaces excluded.
  public var subjects: [ContractDefinition] { fatalError("facts API") }

  /// The facts of one contract taken as the most derived one.
  public func examine(_ contract: ContractDefinition) -> ContractFacts {
    ContractFacts(facts: self, contract: contract)
  }
}
