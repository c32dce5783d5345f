import SoliditySyntax

/// Values of constants.
extension Resolver {
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

  func evaluateConstants() {
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
    guard constantPath.count < Resolver.maximumConstantDepth else { return nil }
    guard constantPath.insert(variable.id).inserted else {
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
