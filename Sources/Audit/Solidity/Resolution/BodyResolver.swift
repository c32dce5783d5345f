import SoliditySyntax

/// Resolves names and types inside of functions and in the values of variables.
///
/// Establishes for every expression its type and what it refers to, and for every call what it
/// calls.
final class BodyResolver {
  let resolver: Resolver
  let context: NameContext
  let dialect: CompilerVersion
  let conversions: Conversions
  var locals = LocalNames()

  init(resolver: Resolver, context: NameContext) {
    self.resolver = resolver
    self.context = context
    dialect = context.language.dialect
    conversions = Conversions(
      derives: { [unowned resolver] in resolver.contract($0, derivesFrom: $1) },
      contractsAreAddresses: dialect < CompilerVersion(0, 5, 0))
  }

  /// Since 0.5 a local variable is known from its declaration to the end of the block; before, in
  /// the whole function.
  var hasBlockScopes: Bool { dialect >= CompilerVersion(0, 5, 0) }

  func report(_ message: String, at range: SourceRange) {
    resolver.report(message, in: context.unit, at: range)
  }

  // MARK: Declarations

  func resolve(_ function: FunctionDefinition) {
    let mark = locals.mark
    declare(function.parameters)
    declare(function.returnParameters)
    for invocation in function.modifiers { resolve(invocation, of: function) }
    for base in function.override?.contracts ?? [] { _ = resolver.resolve(base, in: context) }
    if let body = function.body {
      if !hasBlockScopes { hoist(body.statements) }
      resolve(body)
    }
    locals.close(to: mark)
    resolver.set(
      .function(
        resolver.functionType(of: function, external: function.visibility == .external)),
      at: function.id)
  }

  func resolve(_ modifier: ModifierDefinition) {
    let mark = locals.mark
    declare(modifier.parameters ?? [])
    for base in modifier.override?.contracts ?? [] { _ = resolver.resolve(base, in: context) }
    if let body = modifier.body {
      if !hasBlockScopes { hoist(body.statements) }
      resolve(body)
    }
    locals.close(to: mark)
  }

  private func resolve(_ invocation: ModifierInvocation, of function: FunctionDefinition) {
    for argument in invocation.arguments ?? [] { resolve(argument) }
    // A modifier's name is not hidden by parameters.
    let found = resolver.resolve(invocation.path, in: context)
    guard let declaration = found.first(where: { $0 is ModifierDefinition }) ?? found.first else {
      return
    }
    if !(declaration is ModifierDefinition), !(declaration is ContractDefinition),
      !context.isIncomplete
    {
      report("\"\(invocation.path.text)\" is no modifier", at: invocation.path.range)
    }
    resolver.set(declaration, at: invocation.path.id)
  }

  /// Declares parameters in the innermost scope.
  func declare(_ variables: [VariableDeclaration]) {
    for variable in variables {
      _ = resolver.type(of: variable, in: context, locals: locals)
      locals.declare(variable, as: variable.name)
    }
  }

  // MARK: Statements

  func resolve(_ block: Block) {
    let mark = locals.mark
    for statement in block.statements { resolve(statement) }
    if hasBlockScopes { locals.close(to: mark) }
  }

  /// Resolves a statement that is a scope of its own even without braces.
  private func resolveNested(_ statement: Statement) {
    let mark = locals.mark
    resolve(statement)
    if hasBlockScopes { locals.close(to: mark) }
  }

  func resolve(_ statement: Statement) {
    switch statement.kind {
    case .block(let block): resolve(block)
    case .placeholder, .continue, .break, .throw, .missing: break
    case .if(let condition, let then, let otherwise):
      resolve(condition)
      resolveNested(then)
      if let otherwise { resolveNested(otherwise) }
    case .while(let condition, let body):
      resolve(condition)
      resolveNested(body)
    case .doWhile(let body, let condition):
      resolveNested(body)
      resolve(condition)
    case .for(let initial, let condition, let step, let body):
      let mark = locals.mark
      if let initial { resolve(initial) }
      if let condition { resolve(condition) }
      if let step { resolve(step) }
      resolveNested(body)
      if hasBlockScopes { locals.close(to: mark) }
    case .return(let value): if let value { resolve(value) }
    case .revert(let call), .emit(let call), .expression(let call): resolve(call)
    case .try(let call, let returnParameters, let body, let catches):
      resolve(call)
      let mark = locals.mark
      declare(returnParameters)
      resolve(body)
      locals.close(to: mark)
      for clause in catches {
        declare(clause.parameters ?? [])
        resolve(clause.body)
        locals.close(to: mark)
      }
    case .variables(let variables, let value): resolve(variables, value: value)
    case .assembly(let assembly):
      AssemblyResolver(body: self).resolve(assembly.body)
    }
  }

  private func resolve(_ variables: [VariableDeclaration?], value: Expression?) {
    let type = value.map { resolve($0).type }
    for (place, variable) in variables.enumerated() {
      guard let variable else { continue }
      if variable.typeName == nil {
        resolver.infer(component(place, of: variables.count, in: type), for: variable)
      } else {
        _ = resolver.type(of: variable, in: context, locals: locals)
      }
      if hasBlockScopes { locals.declare(variable, as: variable.name) }
    }
  }

  /// The type of one of several `var`s; a tuple fills them from the left.
  private func component(_ place: Int, of count: Int, in type: SolidityType?) -> SolidityType {
    guard let type else { return .unknown }
    if count == 1 { return conversions.mobile(type.flattened) }
    guard case .tuple(let parts) = type, parts.indices.contains(place), let part = parts[place]
    else { return .unknown }
    return conversions.mobile(part)
  }

  /// Declares all variables of a body at once, as compilers before 0.5 do.
  private func hoist(_ statements: [Statement]) {
    for statement in statements {
      switch statement.kind {
      case .block(let block): hoist(block.statements)
      case .if(_, let then, let otherwise): hoist([then] + (otherwise.map { [$0] } ?? []))
      case .while(_, let body), .doWhile(let body, _): hoist([body])
      case .for(let initial, _, _, let body): hoist((initial.map { [$0] } ?? []) + [body])
      case .variables(let variables, _):
        for case let variable? in variables {
          if variable.typeName != nil {
            _ = resolver.type(of: variable, in: context, locals: nil)
          }
          locals.declare(variable, as: variable.name)
        }
      default: break
      }
    }
  }

  // MARK: Names

  /// What a bare name stands for here.
  func lookup(_ name: String) -> [any Declaration] {
    if let local = locals.lookup(name) { return [local] }
    return context.lookup(name)
  }

  // MARK: Expressions

  /// Resolves an expression and everything in it.
  @discardableResult
  func resolve(_ expression: Expression) -> Operand {
    resolve(expression, arguments: nil)
  }
}
