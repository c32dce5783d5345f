import SoliditySyntax

/// What resolution found out about one call expression.
package struct CallRecord: Sendable {
  /// What is called.
  package var callee: Callee
  /// The receiver that becomes the first argument of a `using for` call.
  package var boundArgument: Expression?
  /// Parameter names in order, when they are known, to put named arguments in order.
  package var parameterNames: [String]?
}

/// What resolution found out about the nodes of one unit, by `NodeID.index`.
package struct UnitTables: Sendable {
  /// What identifiers, member accesses, identifier paths and Yul names refer to.
  package var declarations: [(any Declaration)?]
  /// Types of expressions, type names and variable declarations.
  package var types: [SolidityType]
  /// For call expressions the place of their record in `calls`, else -1.
  package var callNumbers: [Int32]
  /// What the calls of the unit call.
  package var calls: [CallRecord] = []
  /// The unit's contracts by place, as numbers in `Program.contracts`.
  package var contractNumbers: Range<Int> = 0..<0

  package init(nodeCount: Int) {
    declarations = Array(repeating: nil, count: nodeCount)
    types = Array(repeating: .unknown, count: nodeCount)
    callNumbers = Array(repeating: -1, count: nodeCount)
  }
}

/// What resolution found out about one contract.
package struct ContractTables: Sendable {
  /// C3 linearisation, the contract itself first.
  package var linearization: [ContractDefinition]
  /// The direct bases that could be resolved, in the order written.
  package var directBases: [(specifier: InheritanceSpecifier, base: ContractDefinition)] = []
}

/// Tables beside the tree. Filled by the resolution passes.
package struct ResolutionTables: Sendable {
  /// By unit number.
  package var units: [UnitTables] = []
  /// By place in `Program.contracts`.
  package var contracts: [ContractTables] = []
  /// Places in `Program.contracts`.
  package var contractNumbers: [NodeID: Int] = [:]
  /// Values of constants declared in the program, as far as they are known.
  package var constants: [NodeID: ConstantValue] = [:]
  /// The enum that each enum value belongs to, and its place in it.
  package var enumValues: [NodeID: (definition: EnumDefinition, ordinal: Int)] = [:]

  package init() {}

  package func declaration(at id: NodeID) -> (any Declaration)? {
    guard let table = self[id] else { return nil }
    return table.declarations[Int(id.index)]
  }

  package func type(at id: NodeID) -> SolidityType {
    guard let table = self[id] else { return .unknown }
    return table.types[Int(id.index)]
  }

  package func call(at id: NodeID) -> CallRecord? {
    guard let table = self[id] else { return nil }
    let number = Int(table.callNumbers[Int(id.index)])
    return table.calls.indices.contains(number) ? table.calls[number] : nil
  }

  package func contract(_ contract: ContractDefinition) -> ContractTables? {
    contractNumbers[contract.id].map { contracts[$0] }
  }

  private subscript(id: NodeID) -> UnitTables? {
    guard units.indices.contains(Int(id.unit)) else { return nil }
    let table = units[Int(id.unit)]
    return table.types.indices.contains(Int(id.index)) ? table : nil
  }
}
