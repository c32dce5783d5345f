import SoliditySyntax

/// Dotted names and the contexts they stand in.
extension Resolver {
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
      for place in orders[number] {
        result += tables.contracts[place].members[name] ?? []
        if !result.isEmpty, !(result[0] is FunctionDefinition), !(result[0] is EventDefinition) {
          break
        }
      }
      if let first = result.first {
        result = result.filter { isSameKind(first, $0) || $0.id == first.id }
      }
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

  func contractNumber(containing node: any SyntaxNode) -> Int? {
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
}
