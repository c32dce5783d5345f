/// Any node of the tree, for passes that go over all of it.
public enum AnySyntax: Sendable {
  /// A pragma.
  case pragma(PragmaDirective)
  /// An import.
  case `import`(ImportDirective)
  /// A contract, interface or library.
  case contract(ContractDefinition)
  /// A base in a contract's head.
  case inheritance(InheritanceSpecifier)
  /// A function of any kind.
  case function(FunctionDefinition)
  /// A modifier's definition.
  case modifier(ModifierDefinition)
  /// A modifier named in a function's head.
  case invocation(ModifierInvocation)
  /// Any variable, parameter or constant.
  case variable(VariableDeclaration)
  /// A struct.
  case structure(StructDefinition)
  /// An enum.
  case enumeration(EnumDefinition)
  /// A value of an enum.
  case enumValue(EnumValue)
  /// A user-defined value type.
  case userDefinedValueType(UserDefinedValueTypeDefinition)
  /// A custom error.
  case error(ErrorDefinition)
  /// An event.
  case event(EventDefinition)
  /// A using directive.
  case using(UsingForDirective)
  /// A dotted name.
  case path(IdentifierPath)
  /// A type as written.
  case type(TypeName)
  /// A block of statements.
  case block(Block)
  /// A statement.
  case statement(Statement)
  /// A catch clause.
  case catchClause(CatchClause)
  /// An expression.
  case expression(Expression)
  /// A block of assembly.
  case yulBlock(YulBlock)
  /// A statement of assembly.
  case yulStatement(YulStatement)
  /// An expression of assembly.
  case yulExpression(YulExpression)
  /// A function defined in assembly.
  case yulFunction(YulFunction)
  /// A variable declared in assembly.
  case yulVariable(YulVariable)

  /// The node itself.
  public var node: any SyntaxNode {
    switch self {
    case .pragma(let node): node
    case .import(let node): node
    case .contract(let node): node
    case .inheritance(let node): node
    case .function(let node): node
    case .modifier(let node): node
    case .invocation(let node): node
    case .variable(let node): node
    case .structure(let node): node
    case .enumeration(let node): node
    case .enumValue(let node): node
    case .userDefinedValueType(let node): node
    case .error(let node): node
    case .event(let node): node
    case .using(let node): node
    case .path(let node): node
    case .type(let node): node
    case .block(let node): node
    case .statement(let node): node
    case .catchClause(let node): node
    case .expression(let node): node
    case .yulBlock(let node): node
    case .yulStatement(let node): node
    case .yulExpression(let node): node
    case .yulFunction(let node): node
    case .yulVariable(let node): node
    }
  }

  /// Wraps an item of a file.
  public init(_ item: SourceUnitItem) {
    switch item {
    case .pragma(let node): self = .pragma(node)
    case .import(let node): self = .import(node)
    case .contract(let node): self = .contract(node)
    case .function(let node): self = .function(node)
    case .structure(let node): self = .structure(node)
    case .enumeration(let node): self = .enumeration(node)
    case .userDefinedValueType(let node): self = .userDefinedValueType(node)
    case .error(let node): self = .error(node)
    case .event(let node): self = .event(node)
    case .variable(let node): self = .variable(node)
    case .using(let node): self = .using(node)
    }
  }

  /// Wraps a member of a contract.
  public init(_ member: ContractMember) {
    switch member {
    case .function(let node): self = .function(node)
    case .modifier(let node): self = .modifier(node)
    case .variable(let node): self = .variable(node)
    case .structure(let node): self = .structure(node)
    case .enumeration(let node): self = .enumeration(node)
    case .userDefinedValueType(let node): self = .userDefinedValueType(node)
    case .error(let node): self = .error(node)
    case .event(let node): self = .event(node)
    case .using(let node): self = .using(node)
    }
  }
}

/// What a walk does after a node.
public enum WalkStep: Sendable {
  /// Goes on with the node's children.
  case into
  /// Leaves the node's children out.
  case over
  /// Ends the walk.
  case stop
}

extension AnySyntax {
  /// Visits this node and everything below it, parents before children, in the order of the source.
  ///
  /// Uses no recursion: trees of any depth are safe on any stack.
  ///
  /// - Parameter visit: called for each node; says how to go on.
  public func walk(_ visit: (AnySyntax) -> WalkStep) {
    Self.walk([self], visit)
  }

  /// Visits several nodes one after the other, as `walk(_:)` does.
  public static func walk(_ roots: [AnySyntax], _ visit: (AnySyntax) -> WalkStep) {
    var pending: [AnySyntax] = roots.reversed()
    while let next = pending.popLast() {
      switch visit(next) {
      case .stop: return
      case .over: continue
      case .into:
        let first = pending.count
        next.forEachChild { pending.append($0) }
        pending[first...].reverse()
      }
    }
  }
}

extension SourceUnit {
  /// Visits every node of the file, parents before children, in the order of the source.
  public func walk(_ visit: (AnySyntax) -> WalkStep) {
    AnySyntax.walk(items.map { AnySyntax($0) }, visit)
  }
}

extension Expression {
  /// The expressions directly inside, in the order of the source. Lengths of array types after `new` are not
  /// among them.
  public var children: [Expression] {
    var found: [Expression] = []
    forEachChild { found.append($0) }
    return found
  }

  /// Calls `body` with each expression directly inside, in the order of the source.
  public func forEachChild(_ body: (Expression) -> Void) {
    switch kind {
    case .identifier, .literal, .elementaryType, .new, .missing:
      break
    case .memberAccess(let base, _), .prefix(_, let base), .postfix(_, let base):
      body(base)
    case .index(let base, let index):
      body(base)
      if let index { body(index) }
    case .slice(let base, let start, let end):
      body(base)
      if let start { body(start) }
      if let end { body(end) }
    case .call(let callee, let arguments):
      body(callee)
      switch arguments {
      case .positional(let values): for value in values { body(value) }
      case .named(let pairs): for pair in pairs { body(pair.value) }
      }
    case .callOptions(let callee, let options):
      body(callee)
      for option in options { body(option.value) }
    case .tuple(let components):
      for component in components { if let component { body(component) } }
    case .inlineArray(let elements):
      for element in elements { body(element) }
    case .binary(_, let left, let right), .assignment(_, let left, let right):
      body(left)
      body(right)
    case .conditional(let condition, let then, let otherwise):
      body(condition)
      body(then)
      body(otherwise)
    }
  }

  /// Calls `body` with this expression and every expression inside, parents first, without recursion.
  public func forEachExpression(_ body: (Expression) -> Void) {
    var pending = [self]
    while let next = pending.popLast() {
      body(next)
      let first = pending.count
      next.forEachChild { pending.append($0) }
      pending[first...].reverse()
    }
  }
}

extension Statement {
  /// Calls `body` with this statement and every statement inside, parents first, without recursion.
  public func forEachStatement(_ body: (Statement) -> Void) {
    AnySyntax.statement(self).walk { item in
      switch item {
      case .statement(let statement):
        body(statement)
        return .into
      case .block, .catchClause: return .into
      default: return .over
      }
    }
  }

  /// Calls `body` with every expression of this statement and of the statements inside, without recursion.
  public func forEachExpression(_ body: (Expression) -> Void) {
    AnySyntax.statement(self).walk { item in
      if case .expression(let expression) = item { body(expression) }
      return .into
    }
  }
}

extension Block {
  /// Calls `body` with every statement of the block and inside its statements, parents first.
  public func forEachStatement(_ body: (Statement) -> Void) {
    for statement in statements { statement.forEachStatement(body) }
  }

  /// Calls `body` with every expression of the block.
  public func forEachExpression(_ body: (Expression) -> Void) {
    for statement in statements { statement.forEachExpression(body) }
  }
}

extension YulBlock {
  /// Calls `body` with every statement of the block and inside its statements, parents first.
  public func forEachStatement(_ body: (YulStatement) -> Void) {
    AnySyntax.yulBlock(self).walk { item in
      if case .yulStatement(let statement) = item { body(statement) }
      return .into
    }
  }

  /// Calls `body` with every expression of the block, parents first.
  public func forEachExpression(_ body: (YulExpression) -> Void) {
    AnySyntax.yulBlock(self).walk { item in
      if case .yulExpression(let expression) = item { body(expression) }
      return .into
    }
  }
}
