import SoliditySyntax

/// Resolves the names of one inline assembly block: Yul variables and functions, and outer names.
///
/// Source: Solidity documentation, "Inline Assembly", "Access to External Variables, Functions and
/// Libraries".
final class AssemblyResolver {
  private let body: BodyResolver
  private var names = LocalNames()

  init(body: BodyResolver) { self.body = body }

  func resolve(_ block: YulBlock) {
    let mark = names.mark
    resolveStatements(of: block)
    names.close(to: mark)
  }

  /// Functions are known in the whole block, variables from their declaration on.
  private func resolveStatements(of block: YulBlock) {
    for statement in block.statements {
      if case .function(let function) = statement.kind {
        names.declare(function, as: function.name)
      }
    }
    for statement in block.statements { resolve(statement) }
  }

  private func resolve(_ statement: YulStatement) {
    switch statement.kind {
    case .block(let block): resolve(block)
    case .variables(let variables, let value):
      if let value { resolve(value) }
      for variable in variables { names.declare(variable, as: variable.name) }
    case .assignment(let targets, let value):
      for target in targets { resolve(target) }
      resolve(value)
    case .expression(let expression), .stackAssignment(let expression): resolve(expression)
    case .if(let condition, let block):
      resolve(condition)
      resolve(block)
    case .switch(let value, let cases):
      resolve(value)
      for item in cases { resolve(item.body) }
    case .for(let initial, let condition, let step, let block):
      let mark = names.mark
      resolveStatements(of: initial)
      resolve(condition)
      resolve(step)
      resolve(block)
      names.close(to: mark)
    case .function(let function):
      let mark = names.mark
      for variable in function.parameters + function.returnVariables {
        names.declare(variable, as: variable.name)
      }
      resolve(function.body)
      names.close(to: mark)
    case .break, .continue, .leave, .label, .missing: break
    }
  }

  private func resolve(_ expression: YulExpression) {
    switch expression.kind {
    case .literal, .missing: break
    case .identifier(let text):
      if let declaration = names.lookup(text) ?? outer(text) {
        body.resolver.set(declaration, at: expression.id)
      }
    case .call(let name, let arguments):
      if let function = names.lookup(name.text) {
        body.resolver.set(function, at: expression.id)
      }
      for argument in arguments { resolve(argument) }
    }
  }

  /// A name of the code around the assembly, with or without suffix.
  private func outer(_ text: String) -> (any Declaration)? {
    if let declaration = find(text) { return declaration }
    if let mark = text.lastIndex(of: ".") { return find(String(text[..<mark])) }
    for suffix in ["_slot", "_offset"] where text.hasSuffix(suffix) {
      return find(String(text.dropLast(suffix.count)))
    }
    return nil
  }

  /// Outer names may be qualified: `Library.CONSTANT`.
  private func find(_ text: String) -> (any Declaration)? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count <= 8, var found = parts.first.flatMap({ body.lookup($0).first }) else {
      return nil
    }
    for part in parts.dropFirst() {
      guard let next = body.resolver.members(named: part, of: found).declarations.first else {
        return nil
      }
      found = next
    }
    return found
  }
}
