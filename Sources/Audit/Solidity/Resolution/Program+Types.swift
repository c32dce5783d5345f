import SoliditySyntax

extension Program {
  /// The type of a variable as declared.
  ///
  /// State variables and struct members have no location; parameters and locals have the written one, or the
  /// default of the dialect.
  public func type(of variable: VariableDeclaration) -> SolidityType {
    tables.type(at: variable.id)
  }

  /// The type a type name denotes, without location.
  public func type(of typeName: TypeName) -> SolidityType { tables.type(at: typeName.id) }

  /// The type of an expression; `.unknown` where it is not derived.
  ///
  /// Reference types carry the location they are read from. A call without result has the type `.tuple([])`.
  public func type(of expression: Expression) -> SolidityType { tables.type(at: expression.id) }

  /// The value of an expression that is known without running the program; nil where it is not.
  ///
  /// Reaches further than what the compiler admits as an array length: hashes of constants, conversions, casts of
  /// addresses, selectors, interface ids, constants of other contracts.
  public func constantValue(of expression: Expression) -> ConstantValue? { nil }

  /// The number that the compiler computes for an expression in the place of an array length or a base slot;
  /// nil where it refuses to.
  public func compileTimeNumber(of expression: Expression) -> Rational? { nil }

  /// The value of a constant (`constant` state variable, constant at file level); nil where it is not known.
  public func constantValue(of variable: VariableDeclaration) -> ConstantValue? {
    tables.constants[variable.id]
  }

  /// A type as the compiler writes it in the `typeString` of its syntax tree.
  ///
  /// Types without location are written as for declarations (`struct C.S`), others with it (`struct C.S memory`).
  public func typeString(of type: SolidityType) -> String { "" }
}
