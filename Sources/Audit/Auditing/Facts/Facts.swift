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
  /// Nil for functions without body.
  package var functions: [Key: FunctionGraph?] = [:]
  package var deployments: [NodeID: FunctionGraph?] = [:]
}

extension Facts {
  /// The graph of a function as declared: modifiers resolved from its own contract. Nil without body.
  public func graph(of function: FunctionDefinition) -> FunctionGraph? {
    graph(of: function, variant: nil)
  }

  /// The graph of a function as it runs in a more derived contract, whose modifier overrides apply.
  public func graph(
    of function: FunctionDefinition, in contract: ContractDefinition
  ) -> FunctionGraph? {
    graph(of: function, variant: hasOverriddenModifier(function, in: contract) ? contract : nil)
  }

  private func hasOverriddenModifier(
    _ function: FunctionDefinition, in contract: ContractDefinition
  ) -> Bool {
    guard !function.modifiers.isEmpty, let own = program.contract(containing: function),
      own.id != contract.id
    else { return false }
    return function.modifiers.contains { invocation in
      program.modifier(of: invocation, in: contract)?.id
        != program.modifier(of: invocation, in: own)?.id
    }
  }

  private func graph(
    of function: FunctionDefinition, variant: ContractDefinition?
  ) -> FunctionGraph? {
    guard function.body != nil else { return nil }
    let key = GraphStore.Key(function: function.id, contract: variant?.id)
    if let known = graphs.withLock({ $0.functions[key] }) { return known }
    // Lowered outside the lock; should two threads do so at once, the first result is kept.
    let graph = FunctionLowering.lower(function, in: variant, program: program)
    return graphs.withLock { store in
      if let known = store.functions[key] { return known }
      store.functions[key] = .some(graph)
      return graph
    }
  }

  /// Everything that runs when a contract is deployed, as one graph: base constructor arguments, initial values
  /// and constructors of all bases in the order they run. Nil for interfaces and libraries.
  public func deployment(of contract: ContractDefinition) -> FunctionGraph? {
    if let known = graphs.withLock({ $0.deployments[contract.id] }) { return known }
    let graph = FunctionLowering.lowerDeployment(of: contract, program: program)
    return graphs.withLock { store in
      if let known = store.deployments[contract.id] { return known }
      store.deployments[contract.id] = .some(graph)
      return graph
    }
  }

  /// Every function with a body, by unit and place: for checks within one function.
  public var functions: [FunctionDefinition] {
    program.units.flatMap { unit in
      unit.items.flatMap { item -> [FunctionDefinition] in
        switch item {
        case .function(let function): [function]
        case .contract(let contract): contract.functions
        default: []
        }
      }
    }.filter { $0.body != nil }
  }

  /// The contracts to examine with `examine(_:)`, interfaces excluded: deployable contracts no other contract of the
  /// program derives from come first, then the rest (bases, libraries); each group by unit and place.
  public var subjects: [ContractDefinition] {
    var isBase: Set<NodeID> = []
    for contract in program.contracts {
      for base in program.linearizedBases(of: contract).dropFirst() { isBase.insert(base.id) }
    }
    let candidates = program.contracts.filter { $0.kind != .interface }
    func isFirst(_ contract: ContractDefinition) -> Bool {
      contract.kind == .contract && !contract.isAbstract && !isBase.contains(contract.id)
    }
    return candidates.filter(isFirst) + candidates.filter { !isFirst($0) }
  }

  /// The facts of one contract taken as the most derived one.
  public func examine(_ contract: ContractDefinition) -> ContractFacts {
    ContractFacts(facts: self, contract: contract)
  }
}
