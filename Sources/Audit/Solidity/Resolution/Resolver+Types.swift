import BigInt
import SoliditySyntax

/// Types of declarations and type names.
extension Resolver {
  /// Runs `work` once for a node and keeps the type it gives; a node that needs its own type reads
  /// as unknown.
  private func once(_ id: NodeID, _ work: () -> SolidityType) -> SolidityType {
    guard let row = tables.row(id) else { return .unknown }
    switch progress[row] {
    case .done: return tables.types[row]
    case .running: return .unknown
    case .untouched: break
    }
    progress[row] = .running
    typeDepth += 1
    let type = typeDepth > Resolver.maximumTypeDepth ? SolidityType.unknown : work()
    typeDepth -= 1
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
  private func location(of variable: VariableDeclaration, in context: NameContext) -> DataLocation?
  {
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
    if !context.isIncomplete {
      report("\"\(path.text)\" is not a type", in: context.unit, at: path.range)
    }
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
}

extension CompilerVersion {
  /// From this version on an array length must be above 0.
  static let arraysNotEmpty = CompilerVersion(0, 5, 0)
}
