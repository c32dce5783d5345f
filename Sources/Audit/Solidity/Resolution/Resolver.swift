import SoliditySyntax

extension Program {
  /// Resolves a closed set of units.
  ///
  /// Never fails: what cannot be resolved is listed in `diagnostics` and reads as nil or
  /// `.unknown`.
  ///
  /// - Parameters:
  ///   - units: the units; `SourceUnit.number` of each must be its index.
  ///   - imports: which unit each import directive brings in.
  public static func resolve(units: [SourceUnit], imports: ImportTable) -> Program {
    precondition(
      units.enumerated().allSatisfy { Int($1.number) == $0 },
      "the number of a source unit must be its place in the program")
    // Trees may nest deeper than the stack of an ordinary thread allows.
    return LargeStack.run { Resolver(units: units, imports: imports).finish() }
      ?? Resolver(units: units, imports: imports).finish()
  }
}

/// Works out names, bases and types of a program.
///
/// Establishes in order: global names of files, members and linearisation of contracts, then
/// everything inside of them. Types of declarations are worked out when first asked for; a type
/// that depends on itself reads as unknown.
final class Resolver {
  let units: [SourceUnit]
  let imports: ImportTable
  let fileScopes: FileScopes
  let contracts: [ContractDefinition]
  var tables: ResolutionTables
  private(set) var diagnostics: [ResolutionDiagnostic] = []

  /// By place in `contracts`.
  var isIncomplete: [Bool] = []
  /// Linearisations, as places in `contracts`.
  var orders: [[Int]] = []
  var linearizedCount = 0
  private(set) var unitContexts: [NameContext] = []
  private(set) var contractContexts: [NameContext] = []

  /// Progress of the nodes whose type is worked out on demand, by row.
  var progress: [Progress]
  var typeDepth = 0
  var globalAttachments: [Int: AttachedFunctions] = [:]
  var constantProgress: [NodeID: Progress] = [:]
  var compileTimeValues: [NodeID: TypedRational?] = [:]
  var constantPath: Set<NodeID> = []
  var knownConstants: [NodeID: ConstantValue?] = [:]

  enum Progress: UInt8 {
    case untouched
    case running
    case done
  }

  /// Entries that all linearisations of a program may have together; their number grows with the
  /// square of the source.
  static let maximumLinearizedCount = 1 << 22
  /// Types of declarations that may depend on one another in a chain.
  static let maximumTypeDepth = 128
  /// Constants that may depend on one another in a chain.
  static let maximumConstantDepth = 256
  /// Dimensions of one array type beyond which it reads as unknown.
  static let maximumArrayDimensions = 256

  init(units: [SourceUnit], imports: ImportTable) {
    self.units = units
    self.imports = imports
    var found: [ResolutionDiagnostic] = []
    fileScopes = FileScopes(units: units, imports: imports) { found.append($0) }
    var tables = ResolutionTables(units: units)
    var contracts: [ContractDefinition] = []
    for unit in units {
      let first = contracts.count
      for item in unit.items {
        guard case .contract(let contract) = item else { continue }
        tables.contractNumbers[contract.id] = contracts.count
        contracts.append(contract)
      }
      tables.contractRanges.append(first..<contracts.count)
    }
    self.contracts = contracts
    self.tables = tables
    progress = Array(repeating: .untouched, count: tables.types.count)
    diagnostics = found
    collectMembers()
    unitContexts = units.indices.map {
      NameContext(unit: $0, contractNumber: nil, resolver: self)
    }
    linearizeContracts()
    contractContexts = contracts.indices.map {
      NameContext(unit: Int(contracts[$0].id.unit), contractNumber: $0, resolver: self)
    }
  }

  func report(_ message: String, in unit: Int, at range: SourceRange) {
    diagnostics.append(ResolutionDiagnostic(message: message, unit: Int32(unit), range: range))
  }

  /// Resolves everything and hands over the tables.
  func finish() -> Program {
    for number in units.indices { resolveItems(of: number) }
    for number in contracts.indices { resolveMembers(of: number) }
    evaluateConstants()
    var seen: Set<ResolutionDiagnostic> = []
    let sorted = diagnostics.filter { seen.insert($0).inserted }.sorted {
      ($0.unit, $0.range, $0.message) < ($1.unit, $1.range, $1.message)
    }
    return Program(units: units, contracts: contracts, diagnostics: sorted, tables: tables)
  }
}

extension Resolver: ResolvedSyntax {
  func contract(containing node: any SyntaxNode) -> ContractDefinition? {
    contractNumber(containing: node).map { contracts[$0] }
  }
  func linearizedBases(of contract: ContractDefinition) -> [ContractDefinition] {
    tables.contract(contract)?.linearization ?? [contract]
  }
  func declaration(of expression: Expression) -> (any Declaration)? {
    tables.declaration(at: expression.withoutParentheses.id)
  }
  func type(of variable: VariableDeclaration) -> SolidityType {
    if let row = tables.row(variable.id), progress[row] == .done { return tables.types[row] }
    return type(of: variable, in: context(of: variable), locals: nil)
  }
  func type(of typeName: TypeName) -> SolidityType {
    if let row = tables.row(typeName.id), progress[row] == .done { return tables.types[row] }
    return type(of: typeName, in: context(of: typeName))
  }
  func type(of expression: Expression) -> SolidityType { tables.type(at: expression.id) }
  func callee(of call: Expression) -> Callee {
    tables.call(at: call.withoutParentheses.id)?.callee ?? .unknown
  }
  func enumeration(of value: EnumValue) -> (definition: EnumDefinition, ordinal: Int)? {
    tables.enumValues[value.id]
  }
}
