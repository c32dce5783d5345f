import BigInt
import SoliditySyntax

extension Program {
  /// Resolves a closed set of units.
  ///
  /// Never fails: what cannot be resolved is listed in `diagnostics` and reads as nil or `.unknown`.
  ///
  /// - Parameters:
  ///   - units: the units; `SourceUnit.number` of each must be its index.
  ///   - imports: which unit each import directive brings in.
  public static func resolve(units: [SourceUnit], imports: ImportTable) -> Program {
    precondition(
      units.enumerated().allSatisfy { Int($1.number) == $0 },
      "the number of a source unit must be its place in the program")
    let resolver = Resolver(units: units, imports: imports)
    return resolver.finish()
  }
}

/// Works out names, bases and types of a program.
///
/// Establishes in order: global names of files, members and linearisation of contracts, then everything inside of
/// them. Types of declarations are worked out when first asked for; a type that depends on itself reads as unknown.
final class Resolver {
  let units: [SourceUnit]
  let imports: ImportTable
  let fileScopes: FileScopes
  let contracts: [ContractDefinition]
  var tables: ResolutionTables
  private(set) var diagnostics: [ResolutionDiagnostic] = []

  /// By place in `contracts`.
  private(set) var contractScopes: [Scope] = []
  private(set) var isIncomplete: [Bool] = []
  private(set) var unitContexts: [NameContext] = []
  private(set) var contractContexts: [NameContext] = []

  /// Progress of the nodes whose type is worked out on demand, by row.
  private var progress: [Progress]
  private var globalAttachments: [Int: AttachedFunctions] = [:]
  private var constantProgress: [NodeID: Progress] = [:]
  private var compileTimeValues: [NodeID: TypedRational?] = [:]

  private enum Progress: UInt8 {
    case untouched
    case running
    case done
  }

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

  // MARK: Contracts

  private func collectMembers() {
    for item in units.flatMap(\.items) {
      if case .enumeration(let definition) = item { collectValues(of: definition) }
    }
    contractScopes = contracts.map { contract in
      var scope: Scope = [:]
      for member in contract.members {
        guard let declaration = member.declaration else { continue }
        if case .enumeration(let definition) = member { collectValues(of: definition) }
        if let function = declaration as? FunctionDefinition, function.kind != .function { continue }
        _ = scope.register(declaration, as: declaration.name)
      }
      return scope
    }
  }

  private func collectValues(of definition: EnumDefinition) {
    for (ordinal, value) in definition.values.enumerated() {
      tables.enumValues[value.id] = (definition, ordinal)
    }
  }

  private func linearizeContracts() {
    isIncomplete = contracts.map { !units[Int($0.id.unit)].understood }
    tables.contracts = contracts.enumerated().map { number, contract in
      let context = unitContexts[Int(contract.id.unit)]
      let bases = contract.bases.compactMap {
        specifier -> (specifier: InheritanceSpecifier, base: ContractDefinition)? in
        guard let base = resolve(specifier.base, in: context).first as? ContractDefinition else {
          isIncomplete[number] = true
          return nil
        }
        return (specifier, base)
      }
      return ContractTables(linearization: [contract], directBases: bases)
    }
    var states = Array(repeating: Progress.untouched, count: contracts.count)
    for number in contracts.indices { linearize(number, states: &states) }
  }

  /// Linearises a contract after its bases; an explicit path instead of recursion, as chains can be long.
  private func linearize(_ start: Int, states: inout [Progress]) {
    guard states[start] == .untouched else { return }
    states[start] = .running
    var path = [(number: start, next: 0)]
    while let (number, next) = path.last {
      let bases = tables.contracts[number].directBases
      guard next < bases.count else {
        merge(number)
        states[number] = .done
        path.removeLast()
        continue
      }
      path[path.count - 1].next += 1
      guard let base = tables.contractNumbers[bases[next].base.id] else { continue }
      switch states[base] {
      case .done: continue
      case .running:
        report(
          "\"\(contracts[number].name)\" inherits from itself", in: Int(contracts[number].id.unit),
          at: bases[next].specifier.range)
        tables.contracts[number].directBases.remove(at: next)
        path[path.count - 1].next -= 1
      case .untouched:
        states[base] = .running
        path.append((base, 0))
      }
    }
  }

  private func merge(_ number: Int) {
    let bases = tables.contracts[number].directBases.map(\.base.id)
    let places = bases.compactMap { tables.contractNumbers[$0] }
    let linearizations = places.map { place in
      tables.contracts[place].linearization.compactMap { tables.contractNumbers[$0.id] }
    }
    if places.contains(where: { isIncomplete[$0] }) { isIncomplete[number] = true }
    let order = Linearization.merge(number, bases: places, linearizations: linearizations)
    if order == nil {
      report(
        "the bases of \"\(contracts[number].name)\" cannot be put in one order (C3 linearization)",
        in: Int(contracts[number].id.unit), at: contracts[number].nameRange)
    }
    tables.contracts[number].linearization =
      (order ?? Linearization.fallback(number, bases: places, linearizations: linearizations))
      .map { contracts[$0] }
  }

  /// The members of a contract that a bare name finds from inside of it.
  func inheritedMembers(named name: String, of number: Int) -> [any Declaration] {
    var result: [any Declaration] = []
    for base in tables.contracts[number].linearization {
      guard let place = tables.contractNumbers[base.id],
        let candidates = contractScopes[place][name]
      else { continue }
      for candidate in candidates where isVisible(candidate, inDerived: place != number) {
        if let first = result.first, !isSameKind(first, candidate) { continue }
        result.append(candidate)
      }
    }
    return result
  }

  private func isSameKind(_ first: any Declaration, _ other: any Declaration) -> Bool {
    (first is FunctionDefinition && other is FunctionDefinition)
      || (first is EventDefinition && other is EventDefinition)
  }

  private func isVisible(_ declaration: any Declaration, inDerived derived: Bool) -> Bool {
    switch declaration {
    case let function as FunctionDefinition:
      function.visibility != .external && !(derived && function.visibility == .private)
    case let variable as VariableDeclaration: !(derived && variable.visibility == .private)
    default: true
    }
  }

  // MARK: Names

  /// What a dotted name stands for; records it and reports what is missing.
  func resolve(
    _ path: IdentifierPath, in context: NameContext, locals: LocalNames? = nil
  ) -> [any Declaration] {
    guard let first = path.parts.first else { return [] }
    var found: [any Declaration] =
      locals?.lookup(first.text).map { [$0] } ?? context.lookup(first.text)
    var isExcused = context.isIncomplete
    for (place, part) in path.parts.enumerated() {
      if place > 0 {
        let holder = found.first
        (found, isExcused) = members(named: part.text, of: holder)
        if isExcused, found.isEmpty { return [] }
      }
      if found.isEmpty {
        if !isExcused {
          report("\"\(part.text)\" is not declared", in: context.unit, at: part.range)
        }
        return []
      }
    }
    if found.count == 1, let row = tables.row(path.id) { tables.declarations[row] = found[0] }
    if let only = found.first as? ImportDirective, isMissing(only) { return [] }
    return found
  }

  /// The members of a contract or a module, and whether their absence is excused.
  func members(
    named name: String, of holder: (any Declaration)?
  ) -> (declarations: [any Declaration], isExcused: Bool) {
    switch holder {
    case let directive as ImportDirective:
      guard let target = imports[directive], units.indices.contains(Int(target)),
        case .namespace = directive.form
      else { return ([], true) }
      return (fileScopes.scopes[Int(target)][name] ?? [], fileScopes.isIncomplete[Int(target)])
    case let contract as ContractDefinition:
      guard let number = tables.contractNumbers[contract.id] else { return ([], true) }
      var result: [any Declaration] = []
      for base in tables.contracts[number].linearization {
        guard let place = tables.contractNumbers[base.id] else { continue }
        result += contractScopes[place][name] ?? []
        if !result.isEmpty, !(result[0] is FunctionDefinition), !(result[0] is EventDefinition) {
          break
        }
      }
      if let first = result.first { result = result.filter { isSameKind(first, $0) || $0.id == first.id } }
      return (result, isIncomplete[number])
    default:
      return ([], false)
    }
  }

  /// Whether a directive stands for names of a file that was not found, or names that file lacks.
  func isMissing(_ directive: ImportDirective) -> Bool {
    guard case .namespace = directive.form else { return true }
    return imports[directive].map { !units.indices.contains(Int($0)) } ?? true
  }

  /// The context of declarations at a node's place.
  func context(of node: some SyntaxNode) -> NameContext {
    contractNumber(containing: node).map { contractContexts[$0] } ?? unitContexts[Int(node.id.unit)]
  }

  private func contractNumber(containing node: any SyntaxNode) -> Int? {
    tables.contractNumber(containing: node, among: contracts)
  }

  /// What the file in which a type is defined attaches to it everywhere.
  func globalAttachments(of unit: Int) -> AttachedFunctions {
    if let known = globalAttachments[unit] { return known }
    // A directive whose own target needs attached functions finds none.
    globalAttachments[unit] = AttachedFunctions()
    let made = AttachedFunctions(globalIn: unit, resolver: self)
    globalAttachments[unit] = made
    return made
  }

  // MARK: Types of declarations

  /// Runs `work` once for a node and keeps the type it gives; a node that needs its own type reads as unknown.
  private func once(_ id: NodeID, _ work: () -> SolidityType) -> SolidityType {
    guard let row = tables.row(id) else { return .unknown }
    switch progress[row] {
    case .done: return tables.types[row]
    case .running: return .unknown
    case .untouched: break
    }
    progress[row] = .running
    let type = work()
    tables.types[row] = type
    progress[row] = .done
    return type
  }

  /// States the type of a variable that has no type name.
  func infer(_ type: SolidityType, for variable: VariableDeclaration) {
    guard let row = tables.row(variable.id) else { return }
    tables.types[row] = type
    progress[row] = .done
  }

  func type(
    of variable: VariableDeclaration, in context: NameContext, locals: LocalNames?
  ) -> SolidityType {
    once(variable.id) {
      guard let typeName = variable.typeName else { return .unknown }
      let type = self.type(of: typeName, in: context, locals: locals)
      guard type.isReference else { return type }
      return type.located(location(of: variable, in: context))
    }
  }

  /// The location as written, else the default that the dialect had before 0.5.
  private func location(of variable: VariableDeclaration, in context: NameContext) -> DataLocation? {
    switch variable.role {
    case .state, .fileConstant, .structMember: return nil
    case .eventParameter, .errorParameter: return .memory
    case .local: return variable.location ?? .storage
    case .parameter, .returnParameter, .functionTypeParameter: return variable.location ?? .memory
    }
  }

  func type(
    of typeName: TypeName, in context: NameContext, locals: LocalNames? = nil
  ) -> SolidityType {
    once(typeName.id) {
      switch typeName.kind {
      case .elementary(let elementary): return SolidityType(elementary)
      case .userDefined(let path): return type(named: path, in: context, locals: locals)
      case .mapping(let key, _, let value, _):
        let keyType = type(of: key, in: context, locals: locals)
        return .mapping(key: keyType, value: type(of: value, in: context, locals: locals))
      case .array: return arrayType(typeName, in: context, locals: locals)
      case .function(let function):
        let parameters = function.parameters.map { type(of: $0, in: context, locals: locals) }
        let returns = function.returnParameters.map { type(of: $0, in: context, locals: locals) }
        return .function(
          FunctionType(
            parameters: parameters, returns: returns, mutability: function.mutability,
            isExternal: function.visibility == .external))
      case .missing: return .unknown
      }
    }
  }

  /// Array types nest to the left without bound in the source.
  private func arrayType(
    _ typeName: TypeName, in context: NameContext, locals: LocalNames?
  ) -> SolidityType {
    var levels: [(name: TypeName, length: Expression?)] = []
    var innermost = typeName
    while case .array(let element, let length) = innermost.kind {
      levels.append((innermost, length))
      innermost = element
    }
    guard levels.count <= Resolver.maximumArrayDimensions else {
      report("the array has too many dimensions", in: context.unit, at: typeName.range)
      return .unknown
    }
    var type = self.type(of: innermost, in: context, locals: locals)
    for (name, length) in levels.reversed() {
      var size: BigUInt?
      if let length {
        guard let value = arrayLength(length, in: context, locals: locals) else {
          type = .unknown
          break
        }
        size = value
      }
      if type.isUnknown { break }
      type = .array(element: type, length: size, location: nil)
      if name !== typeName { _ = once(name.id) { type } }
    }
    return type
  }

  private func arrayLength(
    _ expression: Expression, in context: NameContext, locals: LocalNames?
  ) -> BigUInt? {
    let body = BodyResolver(resolver: self, context: context)
    if let locals { body.locals = locals }
    body.resolve(expression)
    let number =
      CompileTimeEvaluator(syntax: self).number(expression)?.value.integer
      ?? { () -> BigInt? in
        guard case .number(let value) = ConstantEvaluator(syntax: self).value(of: expression) else {
          return nil
        }
        return value.integer
      }()
    guard let number else {
      report("the array length is not a constant", in: context.unit, at: expression.range)
      return nil
    }
    guard number.sign == .plus, number.magnitude > 0 || context.language.dialect < .arraysNotEmpty
    else {
      report("the array length is not above 0", in: context.unit, at: expression.range)
      return nil
    }
    return number.magnitude
  }

  private func type(
    named path: IdentifierPath, in context: NameContext, locals: LocalNames?
  ) -> SolidityType {
    let found = resolve(path, in: context, locals: locals)
    guard let declaration = found.first else { return .unknown }
    if let type = type(denotedBy: declaration) { return type }
    report("\"\(path.text)\" is not a type", in: context.unit, at: path.range)
    return .unknown
  }

  /// The type that a declaration names; nil if it names none.
  func type(denotedBy declaration: any Declaration) -> SolidityType? {
    switch declaration {
    case let definition as StructDefinition: .structure(Reference(definition), nil)
    case let definition as EnumDefinition: .enumeration(Reference(definition))
    case let definition as UserDefinedValueTypeDefinition: .userDefinedValue(Reference(definition))
    case let definition as ContractDefinition: .contract(Reference(definition), isSuper: false)
    default: nil
    }
  }

  // MARK: Constants

  /// Resolves the value of a constant, so that it can be evaluated; false while that is under way.
  private func prepareValue(of variable: VariableDeclaration) -> Bool {
    guard let value = variable.value else { return false }
    switch constantProgress[variable.id] {
    case .done: return true
    case .running: return false
    case .untouched, nil: break
    }
    constantProgress[variable.id] = .running
    BodyResolver(resolver: self, context: context(of: variable)).resolve(value)
    constantProgress[variable.id] = .done
    return true
  }

  /// Resolves the values of state variables and constants where that was not needed before.
  func resolveValue(of variable: VariableDeclaration) {
    _ = prepareValue(of: variable)
  }

  private var constantPath: Set<NodeID> = []
  private var knownConstants: [NodeID: ConstantValue?] = [:]

  private func evaluateConstants() {
    func evaluate(_ variable: VariableDeclaration) {
      guard variable.mutability == .constant else { return }
      if let value = constantValue(of: variable) { tables.constants[variable.id] = value }
    }
    for unit in units {
      for item in unit.items {
        switch item {
        case .variable(let variable): evaluate(variable)
        case .contract(let contract): contract.stateVariables.forEach(evaluate)
        default: break
        }
      }
    }
  }

  func constantValue(of variable: VariableDeclaration) -> ConstantValue? {
    if let known = knownConstants[variable.id] { return known }
    guard variable.mutability == .constant, let value = variable.value, prepareValue(of: variable)
    else { return nil }
    guard constantPath.insert(variable.id).inserted, constantPath.count <= 256 else {
      report(
        "the value of \"\(variable.name)\" depends on itself", in: Int(variable.id.unit),
        at: variable.nameRange)
      return nil
    }
    let result = ConstantEvaluator(syntax: self).value(of: value, as: type(of: variable))
    constantPath.remove(variable.id)
    knownConstants[variable.id] = result
    return result
  }

  func compileTimeValue(of variable: VariableDeclaration, depth: Int) -> TypedRational? {
    if let known = compileTimeValues[variable.id] { return known }
    guard variable.mutability == .constant, let value = variable.value, prepareValue(of: variable),
      depth < CompileTimeEvaluator.maximumDepth
    else { return nil }
    let result = CompileTimeEvaluator(syntax: self, depth: depth + 1).number(value)?
      .converted(to: type(of: variable))
    compileTimeValues[variable.id] = result
    return result
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

extension CompilerVersion {
  /// From this version on an array length must be above 0.
  static let arraysNotEmpty = CompilerVersion(0, 5, 0)
}
