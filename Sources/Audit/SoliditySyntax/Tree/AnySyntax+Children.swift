extension AnySyntax {
  /// Calls `body` with each node directly below, in the order of the source. Only the words of a function's or
  /// variable's head that may stand in any order (modifiers, `override`) come in a fixed one.
  public func forEachChild(_ body: (AnySyntax) -> Void) {
    switch self {
    case .pragma, .import, .path, .enumValue, .yulVariable:
      break
    case .contract(let node):
      for base in node.bases { body(.inheritance(base)) }
      if let layoutBase = node.layoutBase { body(.expression(layoutBase)) }
      for member in node.members { body(AnySyntax(member)) }
    case .inheritance(let node):
      body(.path(node.base))
      for argument in node.arguments?.values ?? [] { body(.expression(argument)) }
    case .function(let node):
      for parameter in node.parameters { body(.variable(parameter)) }
      for path in node.override?.contracts ?? [] { body(.path(path)) }
      for modifier in node.modifiers { body(.invocation(modifier)) }
      for parameter in node.returnParameters { body(.variable(parameter)) }
      if let block = node.body { body(.block(block)) }
    case .modifier(let node):
      for parameter in node.parameters ?? [] { body(.variable(parameter)) }
      for path in node.override?.contracts ?? [] { body(.path(path)) }
      if let block = node.body { body(.block(block)) }
    case .invocation(let node):
      body(.path(node.path))
      for argument in node.arguments ?? [] { body(.expression(argument)) }
    case .variable(let node):
      if let type = node.typeName { body(.type(type)) }
      for path in node.override?.contracts ?? [] { body(.path(path)) }
      if let value = node.value { body(.expression(value)) }
    case .structure(let node):
      for member in node.members { body(.variable(member)) }
    case .enumeration(let node):
      for value in node.values { body(.enumValue(value)) }
    case .userDefinedValueType(let node):
      body(.type(node.underlying))
    case .error(let node):
      for parameter in node.parameters { body(.variable(parameter)) }
    case .event(let node):
      for parameter in node.parameters { body(.variable(parameter)) }
    case .using(let node):
      switch node.functions {
      case .library(let path): body(.path(path))
      case .list(let list): for entry in list { body(.path(entry.function)) }
      }
      if let target = node.target { body(.type(target)) }
    case .type(let node):
      Self.forEachChild(of: node, body)
    case .block(let node):
      for statement in node.statements { body(.statement(statement)) }
    case .catchClause(let node):
      for parameter in node.parameters ?? [] { body(.variable(parameter)) }
      body(.block(node.body))
    case .statement(let node):
      Self.forEachChild(of: node, body)
    case .expression(let node):
      if case .new(let type) = node.kind { body(.type(type)) }
      node.forEachChild { body(.expression($0)) }
    case .yulBlock(let node):
      for statement in node.statements { body(.yulStatement(statement)) }
    case .yulStatement(let node):
      Self.forEachChild(of: node, body)
    case .yulExpression(let node):
      if case .call(_, let arguments) = node.kind {
        for argument in arguments { body(.yulExpression(argument)) }
      }
    case .yulFunction(let node):
      for parameter in node.parameters { body(.yulVariable(parameter)) }
      for variable in node.returnVariables { body(.yulVariable(variable)) }
      body(.yulBlock(node.body))
    }
  }

  private static func forEachChild(of node: TypeName, _ body: (AnySyntax) -> Void) {
    switch node.kind {
    case .elementary, .missing:
      break
    case .userDefined(let path):
      body(.path(path))
    case .mapping(let key, _, let value, _):
      body(.type(key))
      body(.type(value))
    case .array(let element, let length):
      body(.type(element))
      if let length { body(.expression(length)) }
    case .function(let function):
      for parameter in function.parameters { body(.variable(parameter)) }
      for parameter in function.returnParameters { body(.variable(parameter)) }
    }
  }

  private static func forEachChild(of node: Statement, _ body: (AnySyntax) -> Void) {
    switch node.kind {
    case .placeholder, .continue, .break, .throw, .missing:
      break
    case .block(let block):
      body(.block(block))
    case .if(let condition, let then, let otherwise):
      body(.expression(condition))
      body(.statement(then))
      if let otherwise { body(.statement(otherwise)) }
    case .while(let condition, let loop):
      body(.expression(condition))
      body(.statement(loop))
    case .doWhile(let loop, let condition):
      body(.statement(loop))
      body(.expression(condition))
    case .for(let initial, let condition, let step, let loop):
      if let initial { body(.statement(initial)) }
      if let condition { body(.expression(condition)) }
      if let step { body(.expression(step)) }
      body(.statement(loop))
    case .return(let value):
      if let value { body(.expression(value)) }
    case .revert(let call), .emit(let call), .expression(let call):
      body(.expression(call))
    case .try(let call, let parameters, let block, let catches):
      body(.expression(call))
      for parameter in parameters { body(.variable(parameter)) }
      body(.block(block))
      for clause in catches { body(.catchClause(clause)) }
    case .variables(let variables, let value):
      for variable in variables { if let variable { body(.variable(variable)) } }
      if let value { body(.expression(value)) }
    case .assembly(let assembly):
      body(.yulBlock(assembly.body))
    }
  }

  private static func forEachChild(of node: YulStatement, _ body: (AnySyntax) -> Void) {
    switch node.kind {
    case .break, .continue, .leave, .label, .missing:
      break
    case .block(let block):
      body(.yulBlock(block))
    case .variables(let variables, let value):
      for variable in variables { body(.yulVariable(variable)) }
      if let value { body(.yulExpression(value)) }
    case .assignment(let targets, let value):
      for target in targets { body(.yulExpression(target)) }
      body(.yulExpression(value))
    case .expression(let expression), .stackAssignment(let expression):
      body(.yulExpression(expression))
    case .if(let condition, let block):
      body(.yulExpression(condition))
      body(.yulBlock(block))
    case .switch(let subject, let cases):
      body(.yulExpression(subject))
      for entry in cases {
        if let value = entry.value { body(.yulExpression(value)) }
        body(.yulBlock(entry.body))
      }
    case .for(let initial, let condition, let step, let loop):
      body(.yulBlock(initial))
      body(.yulExpression(condition))
      body(.yulBlock(step))
      body(.yulBlock(loop))
    case .function(let function):
      body(.yulFunction(function))
    }
  }
}
