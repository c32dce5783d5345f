import SoliditySyntax

/// What the passes over types need to know of a tree whose names are resolved or being resolved.
///
/// Both the finished `Program` and the `Resolver` that makes it answer; the resolver works out what
/// is missing.
package protocol ResolvedSyntax: AnyObject {
  /// The units by number.
  var units: [SourceUnit] { get }
  /// The contract a node is declared in or is itself.
  func contract(containing node: any SyntaxNode) -> ContractDefinition?
  /// The C3 linearisation, the contract itself first.
  func linearizedBases(of contract: ContractDefinition) -> [ContractDefinition]
  /// What an identifier or member access refers to.
  func declaration(of expression: Expression) -> (any Declaration)?
  /// The declared type of a variable.
  func type(of variable: VariableDeclaration) -> SolidityType
  /// The type a type name denotes.
  func type(of typeName: TypeName) -> SolidityType
  /// The type of an expression.
  func type(of expression: Expression) -> SolidityType
  /// What a call calls.
  func callee(of call: Expression) -> Callee
  /// The enum of an enum value and its place in it.
  func enumeration(of value: EnumValue) -> (definition: EnumDefinition, ordinal: Int)?
  /// The value of a constant variable in the generous reading.
  func constantValue(of variable: VariableDeclaration) -> ConstantValue?
  /// The value of a constant variable as the compiler has it in array lengths, of the type given.
  func compileTimeValue(of variable: VariableDeclaration, depth: Int) -> TypedRational?
}

extension Program: ResolvedSyntax {}

extension ResolvedSyntax {
  /// The unit a node stands in.
  func language(of node: some SyntaxNode) -> LanguageVersion { units[Int(node.id.unit)].language }

  /// The type of a function as a value inside the program.
  func functionType(of function: FunctionDefinition, external: Bool) -> FunctionType {
    FunctionType(
      parameters: function.parameters.map { type(of: $0) },
      returns: function.returnParameters.map { type(of: $0) },
      mutability: function.mutability, isExternal: external)
  }

  /// The keys and indices that a getter takes, and what it returns (the members of structs that can
  /// be returned).
  func getterParts(
    of variable: VariableDeclaration
  ) -> (parameters: [SolidityType], returns: [SolidityType]) {
    var parameters: [SolidityType] = []
    var type = type(of: variable)
    walk: while true {
      switch type {
      case .mapping(let key, let value):
        parameters.append(key.located(.memory))
        type = value
      case .array(let element, _, _):
        parameters.append(.uint256)
        type = element
      default:
        break walk
      }
    }
    guard case .structure(let definition, _) = type else {
      return (parameters, [type.located(.memory)])
    }
    var returns: [SolidityType] = []
    for member in definition.node.members {
      let memberType = self.type(of: member)
      switch memberType {
      case .mapping, .array: continue
      default: returns.append(memberType.located(.memory))
      }
    }
    return (parameters, returns)
  }

  /// The name by which the compiler's type strings call a declaration: `Contract.Name`, or `Name`
  /// at file level.
  func canonicalName(of declaration: some Declaration) -> String {
    guard let contract = contract(containing: declaration), contract.id != declaration.id else {
      return declaration.name
    }
    return contract.name + "." + declaration.name
  }

  /// Whether `derived` is `base` or inherits from it.
  func contract(_ derived: ContractDefinition, derivesFrom base: ContractDefinition) -> Bool {
    derived.id == base.id || linearizedBases(of: derived).contains { $0.id == base.id }
  }
}
