import SoliditySyntax

extension Program {
  /// The type of a variable as declared.
  ///
  /// State variables and struct members have no location; parameters and locals have the written
  /// one, or the default of the dialect.
  public func type(of variable: VariableDeclaration) -> SolidityType {
    tables.type(at: variable.id)
  }

  /// The type a type name denotes, without location.
  public func type(of typeName: TypeName) -> SolidityType { tables.type(at: typeName.id) }

  /// The type of an expression; `.unknown` where it is not derived.
  ///
  /// Reference types carry the location they are read from. A call without result has the type
  /// `.tuple([])`.
  public func type(of expression: Expression) -> SolidityType { tables.type(at: expression.id) }

  /// The value of an expression that is known without running the program; nil where it is not.
  ///
  /// Reaches further than what the compiler admits as an array length: hashes of constants,
  /// conversions, casts of addresses, selectors, interface ids, constants of other contracts.
  public func constantValue(of expression: Expression) -> ConstantValue? {
    ConstantEvaluator(syntax: self).value(of: expression)
  }

  /// The value of an expression where a value of `type` is asked for.
  public func constantValue(of expression: Expression, as type: SolidityType) -> ConstantValue? {
    ConstantEvaluator(syntax: self).value(of: expression, as: type)
  }

  /// The number that the compiler computes for an expression in the place of an array length or a
  /// base slot; nil where it refuses to.
  public func compileTimeNumber(of expression: Expression) -> Rational? {
    CompileTimeEvaluator(syntax: self).number(expression)?.value
  }

  /// The value of a constant (`constant` state variable, constant at file level); nil where it is
  /// not known.
  public func constantValue(of variable: VariableDeclaration) -> ConstantValue? {
    tables.constants[variable.id]
  }

  package func compileTimeValue(of variable: VariableDeclaration, depth: Int) -> TypedRational? {
    guard variable.mutability == .constant, let value = variable.value,
      depth < CompileTimeEvaluator.maximumDepth
    else { return nil }
    return CompileTimeEvaluator(syntax: self, depth: depth + 1).number(value)?
      .converted(to: type(of: variable))
  }

  /// A type as the compiler writes it in the `typeString` of a variable: without location in the
  /// whole (`struct C.S`, `function (uint256[]) external`).
  public func typeString(of type: SolidityType) -> String { compilerText(of: type, isLong: false) }

  /// The type of an expression as the compiler writes it in its `typeString`, locations included
  /// (`struct C.S memory`). Storage pointers read like references: `storage ref`.
  public func typeString(of expression: Expression) -> String {
    compilerText(of: type(of: expression), isLong: true)
  }
}
