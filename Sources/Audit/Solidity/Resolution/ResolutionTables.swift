import SoliditySyntax

/// What resolution found out about one call expression.
package struct CallRecord: Sendable {
  /// What is called.
  package var callee: Callee
  /// The receiver that becomes the first argument of a `using for` call.
  package var boundArgument: Expression?
  /// Parameter names in order, when they are needed to put named arguments in order.
  package var parameterNames: [String]?
}

/// What resolution found out about one contract.
package struct ContractTables: Sendable {
  /// C3 linearisation, the contract itself first.
  package var linearization: [ContractDefinition]
  /// The direct bases that could be resolved, in the order written.
  package var directBases: [(specifier: InheritanceSpecifier, base: ContractDefinition)] = []
  /// What the contract itself declares, by name.
  package var members: [String: [any Declaration]] = [:]
  /// Its constructor, fallback and receive functions.
  package var specialFunctions: [FunctionDefinition] = []

  /// The functions declared in the contract that have the name and kind of `function`.
  func functions(like function: FunctionDefinition) -> [FunctionDefinition] {
    guard function.kind == .function else {
      return specialFunctions.filter { $0.kind == function.kind }
    }
    return (members[function.name] ?? []).compactMap { $0 as? FunctionDefinition }
  }
}

/// Tables beside the tree: one entry for each node, the nodes of all units in one row.
package struct ResolutionTables: Sendable {
  /// Where the nodes of each unit start; one more entry than units.
  package let starts: [Int]
  /// What identifiers, member accesses, identifier paths and Yul names refer to.
  package var declarations: [(any Declaration)?]
  /// Types of expressions, type names, variables and functions.
  package var types: [SolidityType]
  /// For call expressions the place of their record in `calls`, else -1.
  package var callNumbers: [Int32]
  /// What calls call.
  package var calls: [CallRecord] = []
  /// The places in `Program.contracts` of each unit's contracts.
  package var contractRanges: [Range<Int>] = []
  /// By place in `Program.contracts`.
  package var contracts: [ContractTables] = []
  /// Places in `Program.contracts`.
  package var contractNumbers: [NodeID: Int] = [:]
  /// Values of constants declared in the program, as far as they are known.
  package var constants: [NodeID: ConstantValue] = [:]
  /// The enum that each enum value belongs to, and its place in it.
  package var enumValues: [NodeID: (definition: EnumDefinition, ordinal: Int)] = [:]

  init(units: [SourceUnit]) {
    var starts = [0]
    for unit in units { starts.append(starts[starts.count - 1] + unit.nodeCount) }
    self.starts = starts
    let count = starts[starts.count - 1]
    declarations = Array(repeating: nil, count: count)
    types = Array(repeating: .unknown, count: count)
    callNumbers = Array(repeating: -1, count: count)
  }

  /// The row of a node; nil for a node of another program.
  package func row(_ id: NodeID) -> Int? {
    let unit = Int(id.unit)
    guard unit >= 0, unit < starts.count - 1, id.index >= 0 else { return nil }
    let row = starts[unit] + Int(id.index)
    return row < starts[unit + 1] ? row : nil
  }

  package func declaration(at id: NodeID) -> (any Declaration)? {
    row(id).flatMap { declarations[$0] }
  }

  package func type(at id: NodeID) -> SolidityType { row(id).map { types[$0] } ?? .unknown }

  package func call(at id: NodeID) -> CallRecord? {
    guard let row = row(id), callNumbers[row] >= 0 else { return nil }
    return calls[Int(callNumbers[row])]
  }

  package func contract(_ contract: ContractDefinition) -> ContractTables? {
    contractNumbers[contract.id].map { contracts[$0] }
  }

  /// The place in `contracts` of the contract that covers a node. O(log contracts of the unit).
  func contractNumber(
    containing node: any SyntaxNode, among contracts: [ContractDefinition]
  ) -> Int? {
    guard contractRanges.indices.contains(Int(node.id.unit)) else { return nil }
    let numbers = contractRanges[Int(node.id.unit)]
    let range = node.range
    var low = numbers.lowerBound
    var high = numbers.upperBound
    while low < high {
      let middle = (low + high) / 2
      if contracts[middle].range.start <= range.start { low = middle + 1 } else { high = middle }
    }
    guard low > numbers.lowerBound, contracts[low - 1].range.contains(range) else { return nil }
    return low - 1
  }
}
