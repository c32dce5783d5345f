/// A sequence of statements in braces.
public final class Block: SyntaxNode {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered, braces included.
  public let range: SourceRange
  /// The statements in order.
  public let statements: [Statement]
  /// Whether the block is `unchecked { }` (0.8).
  public let isUnchecked: Bool

  package init(id: NodeID, range: SourceRange, statements: [Statement], isUnchecked: Bool) {
    self.id = id
    self.range = range
    self.statements = statements
    self.isUnchecked = isUnchecked
  }
}

/// A `catch` clause.
public final class CatchClause: SyntaxNode {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// `Error`, `Panic` or nil for a bare catch.
  public let name: Name?
  /// The parameters; nil when there are no parentheses.
  public let parameters: [VariableDeclaration]?
  /// The body.
  public let body: Block

  package init(
    id: NodeID, range: SourceRange, name: Name?, parameters: [VariableDeclaration]?, body: Block
  ) {
    self.id = id
    self.range = range
    self.name = name
    self.parameters = parameters
    self.body = body
  }
}

/// A statement.
public final class Statement: SyntaxNode {
  /// The forms of statements.
  public indirect enum Kind: Sendable {
    /// A block, checked or unchecked.
    case block(Block)
    /// `_;` in a modifier.
    case placeholder
    /// `if (condition) then else otherwise`
    case `if`(Expression, Statement, Statement?)
    /// `while (condition) body`
    case `while`(Expression, Statement)
    /// `do body while (condition);`
    case doWhile(Statement, Expression)
    /// `for (initial; condition; step) body`
    case `for`(initial: Statement?, condition: Expression?, step: Expression?, body: Statement)
    /// `continue;`
    case `continue`
    /// `break;`
    case `break`
    /// `return value;`
    case `return`(Expression?)
    /// `throw;` (before 0.5)
    case `throw`
    /// `revert Error(arguments);`; the expression is the call.
    case revert(Expression)
    /// `emit Event(arguments);`; the expression is the call.
    case emit(Expression)
    /// `try call returns (...) { } catch { }`
    case `try`(
      call: Expression, returnParameters: [VariableDeclaration], body: Block, catches: [CatchClause]
    )
    /// `T x = value;`, `(T x, , U y) = value;`, `var (a, b) = value;`. Holes are nil.
    case variables([VariableDeclaration?], initialValue: Expression?)
    /// An expression statement.
    case expression(Expression)
    /// `assembly "dialect" ("flags") { }`
    case assembly(InlineAssembly)
    /// Stands where no statement could be read.
    case missing
  }
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered, the semicolon included.
  public let range: SourceRange
  /// The form and its parts.
  public let kind: Kind
  /// NatSpec before the statement.
  public let documentation: Documentation?

  package init(id: NodeID, range: SourceRange, kind: Kind, documentation: Documentation? = nil) {
    self.id = id
    self.range = range
    self.kind = kind
    self.documentation = documentation
  }
}

/// An inline assembly block.
public struct InlineAssembly: Sendable {
  /// The dialect string (`evmasm`), if written.
  public let dialect: String?
  /// The flags (`memory-safe`), in order.
  public let flags: [String]
  /// The code.
  public let body: YulBlock

  package init(dialect: String?, flags: [String], body: YulBlock) {
    self.dialect = dialect
    self.flags = flags
    self.body = body
  }
}
