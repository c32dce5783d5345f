import SoliditySyntax

extension Program {
  /// The unit a node stands in.
  public func unit(of node: some SyntaxNode) -> SourceUnit { units[Int(node.id.unit)] }

  /// The contract, interface or library a node is declared in or is itself; nil at file level.
  /// O(log contracts).
  public func contract(containing node: any SyntaxNode) -> ContractDefinition? {
    tables.contractNumber(containing: node, among: contracts).map { contracts[$0] }
  }

  /// The C3 linearisation: the contract itself first, the most base-like last.
  ///
  /// Equals the compiler's `linearizedBaseContracts`. Where no linearisation exists (a diagnostic
  /// says so) the bases still appear, each once.
  public func linearizedBases(of contract: ContractDefinition) -> [ContractDefinition] {
    tables.contract(contract)?.linearization ?? [contract]
  }

  /// The direct bases that could be resolved, in the order written.
  public func directBases(of contract: ContractDefinition) -> [ContractDefinition] {
    tables.contract(contract)?.directBases.map(\.base) ?? []
  }

  /// What an identifier or a member access refers to, overloads resolved; nil for built-ins and
  /// where it is not known.
  ///
  /// Parentheses around one expression are looked through.
  public func declaration(of expression: Expression) -> (any Declaration)? {
    tables.declaration(at: expression.withoutParentheses.id)
  }

  /// What a dotted name refers to.
  public func declaration(of path: IdentifierPath) -> (any Declaration)? {
    tables.declaration(at: path.id)
  }

  /// The enum an enum value belongs to and its place in it, from 0.
  public func enumeration(of value: EnumValue) -> (definition: EnumDefinition, ordinal: Int)? {
    tables.enumValues[value.id]
  }

  /// What a name in inline assembly refers to outside of it: nil for Yul variables, Yul functions
  /// and instructions.
  public func reference(of name: YulExpression) -> AssemblyReference? {
    guard let declaration = tables.declaration(at: name.id),
      !(declaration is YulVariable), !(declaration is YulFunction),
      case .identifier(let text) = name.kind
    else { return nil }
    return AssemblyReference(
      declaration: declaration, suffix: AssemblyReference.Suffix(of: text, naming: declaration.name)
    )
  }

  /// The Yul variable or Yul function that a name or a call in inline assembly refers to.
  public func yulDeclaration(of name: YulExpression) -> (any Declaration)? {
    let declaration = tables.declaration(at: name.id)
    return declaration is YulVariable || declaration is YulFunction ? declaration : nil
  }
}

extension Expression {
  /// The expression inside any number of parentheses.
  public var withoutParentheses: Expression {
    var inner = self
    while case .tuple(let components) = inner.kind, components.count == 1, let only = components[0]
    {
      inner = only
    }
    return inner
  }
}

extension AssemblyReference.Suffix {
  /// The suffix by which `text` goes beyond the declared `name`: `x.slot`, and before 0.7 `x_slot`.
  init?(of text: String, naming name: String) {
    guard text != name else { return nil }
    guard let mark = text.lastIndex(where: { $0 == "." || $0 == "_" }) else { return nil }
    self.init(rawValue: String(text[text.index(after: mark)...]))
  }
}
