import SoliditySyntax

/// A node met while walking a tree.
package enum SyntaxItem: Sendable {
  case contract(ContractDefinition)
  case function(FunctionDefinition)
  case modifier(ModifierDefinition)
  case variable(VariableDeclaration)
  case invocation(ModifierInvocation)
  case block(Block)
  case statement(Statement)
  case expression(Expression)
  case yulBlock(YulBlock)
  case yulStatement(YulStatement)
  case yulExpression(YulExpression)

  /// The NatSpec comment of the node, if it can have one.
  package var documentation: Documentation? {
    switch self {
    case .contract(let node): node.documentation
    case .function(let node): node.documentation
    case .modifier(let node): node.documentation
    case .variable(let node): node.documentation
    case .statement(let node): node.documentation
    case .invocation, .block, .expression, .yulBlock, .yulStatement, .yulExpression: nil
    }
  }
}

/// Visits the code below a node in the order of the source, each node before its parts.
///
/// Types, names and user-defined types are not visited. The walk keeps its own stack, so the depth of
/// the tree does not matter.
package struct SyntaxTraversal: Sequence, IteratorProtocol {
  private var stack: [SyntaxItem]
  private let prune: (SyntaxItem) -> Bool

  /// Walks from `root`. Nodes for which `prune` is true are left out with all their parts.
  package init(_ root: SyntaxItem, prune: @escaping (SyntaxItem) -> Bool = { _ in false }) {
    stack = [root]
    self.prune = prune
  }

  package mutating func next() -> SyntaxItem? {
    while let item = stack.popLast() {
      if prune(item) { continue }
      let first = stack.count
      SyntaxTraversal.appendParts(of: item, to: &stack)
      stack[first...].reverse()
      return item
    }
    return nil
  }

  private static func appendParts(of item: SyntaxItem, to parts: inout [SyntaxItem]) {
    switch item {
    case .contract(let contract): append(contract, to: &parts)
    case .function(let function):
      parts += function.modifiers.map(SyntaxItem.invocation)
      if let body = function.body { parts.append(.block(body)) }
    case .modifier(let modifier):
      if let body = modifier.body { parts.append(.block(body)) }
    case .variable(let variable):
      if let value = variable.value { parts.append(.expression(value)) }
    case .invocation(let invocation):
      parts += (invocation.arguments ?? []).map(SyntaxItem.expression)
    case .block(let block): parts += block.statements.map(SyntaxItem.statement)
    case .statement(let statement): append(statement, to: &parts)
    case .expression(let expression): append(expression, to: &parts)
    case .yulBlock(let block): parts += block.statements.map(SyntaxItem.yulStatement)
    case .yulStatement(let statement): append(statement, to: &parts)
    case .yulExpression(let expression):
      if case .call(_, let arguments) = expression.kind {
        parts += arguments.map(SyntaxItem.yulExpression)
      }
    }
  }

  private static func append(_ contract: ContractDefinition, to parts: inout [SyntaxItem]) {
    for specifier in contract.bases {
      parts += (specifier.arguments?.values ?? []).map(SyntaxItem.expression)
    }
    for member in contract.members {
      switch member {
      case .function(let node): parts.append(.function(node))
      case .modifier(let node): parts.append(.modifier(node))
      case .variable(let node): parts.append(.variable(node))
      case .structure, .enumeration, .userDefinedValueType, .error, .event, .using: break
      }
    }
  }

  private static func append(_ statement: Statement, to parts: inout [SyntaxItem]) {
    switch statement.kind {
    case .block(let block): parts.append(.block(block))
    case .if(let condition, let then, let otherwise):
      parts += [.expression(condition), .statement(then)]
      if let otherwise { parts.append(.statement(otherwise)) }
    case .while(let condition, let body): parts += [.expression(condition), .statement(body)]
    case .doWhile(let body, let condition): parts += [.statement(body), .expression(condition)]
    case .for(let initial, let condition, let step, let body):
      if let initial { parts.append(.statement(initial)) }
      if let condition { parts.append(.expression(condition)) }
      if let step { parts.append(.expression(step)) }
      parts.append(.statement(body))
    case .return(let value): if let value { parts.append(.expression(value)) }
    case .revert(let call), .emit(let call), .expression(let call): parts.append(.expression(call))
    case .try(let call, _, let body, let catches):
      parts += [.expression(call), .block(body)]
      parts += catches.map { .block($0.body) }
    case .variables(_, let value): if let value { parts.append(.expression(value)) }
    case .assembly(let assembly): parts.append(.yulBlock(assembly.body))
    case .placeholder, .continue, .break, .throw, .missing: break
    }
  }

  private static func append(_ expression: Expression, to parts: inout [SyntaxItem]) {
    switch expression.kind {
    case .identifier, .literal, .elementaryType, .new, .missing: break
    case .memberAccess(let base, _), .prefix(_, let base), .postfix(_, let base):
      parts.append(.expression(base))
    case .index(let base, let index):
      parts.append(.expression(base))
      if let index { parts.append(.expression(index)) }
    case .slice(let base, let start, let end):
      parts.append(.expression(base))
      if let start { parts.append(.expression(start)) }
      if let end { parts.append(.expression(end)) }
    case .call(let callee, let arguments):
      parts.append(.expression(callee))
      parts += arguments.values.map(SyntaxItem.expression)
    case .callOptions(let callee, let options):
      parts.append(.expression(callee))
      parts += options.map { .expression($0.value) }
    case .tuple(let components): parts += components.compactMap { $0.map(SyntaxItem.expression) }
    case .inlineArray(let elements): parts += elements.map(SyntaxItem.expression)
    case .binary(_, let left, let right), .assignment(_, let left, let right):
      parts += [.expression(left), .expression(right)]
    case .conditional(let condition, let then, let otherwise):
      parts += [.expression(condition), .expression(then), .expression(otherwise)]
    }
  }

  private static func append(_ statement: YulStatement, to parts: inout [SyntaxItem]) {
    switch statement.kind {
    case .block(let block): parts.append(.yulBlock(block))
    case .variables(_, let value): if let value { parts.append(.yulExpression(value)) }
    case .assignment(let targets, let value):
      parts += targets.map(SyntaxItem.yulExpression)
      parts.append(.yulExpression(value))
    case .expression(let expression), .stackAssignment(let expression):
      parts.append(.yulExpression(expression))
    case .if(let condition, let block):
      parts += [.yulExpression(condition), .yulBlock(block)]
    case .switch(let expression, let cases):
      parts.append(.yulExpression(expression))
      for `case` in cases {
        if let value = `case`.value { parts.append(.yulExpression(value)) }
        parts.append(.yulBlock(`case`.body))
      }
    case .for(let initial, let condition, let step, let body):
      parts += [.yulBlock(initial), .yulExpression(condition), .yulBlock(step), .yulBlock(body)]
    case .function(let function): parts.append(.yulBlock(function.body))
    case .break, .continue, .leave, .label, .missing: break
    }
  }
}
