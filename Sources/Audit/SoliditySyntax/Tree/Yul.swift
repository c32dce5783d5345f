/// A block of Yul statements.
///
/// Source: Solidity documentation, "Yul" and "Inline Assembly".
public final class YulBlock: SyntaxNode {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered, braces included.
  public let range: SourceRange
  /// The statements in order.
  public let statements: [YulStatement]

  package init(id: NodeID, range: SourceRange, statements: [YulStatement]) {
    self.id = id
    self.range = range
    self.statements = statements
  }
}

/// `let x`, a parameter or a return variable of a Yul function.
public final class YulVariable: Declaration {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The declared name.
  public let name: String
  /// Where the name stands.
  public var nameRange: SourceRange { range }

  package init(id: NodeID, name: Name) {
    self.id = id
    self.range = name.range
    self.name = name.text
  }
}

/// A function defined in Yul.
public final class YulFunction: Declaration {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The declared name.
  public let name: String
  /// Where the name stands.
  public let nameRange: SourceRange
  /// The parameters.
  public let parameters: [YulVariable]
  /// The return variables.
  public let returnVariables: [YulVariable]
  /// The body.
  public let body: YulBlock

  package init(
    id: NodeID, range: SourceRange, name: Name, parameters: [YulVariable],
    returnVariables: [YulVariable], body: YulBlock
  ) {
    self.id = id
    self.range = range
    self.name = name.text
    self.nameRange = name.range
    self.parameters = parameters
    self.returnVariables = returnVariables
    self.body = body
  }
}

/// One `case value { }` of a switch; the value is nil for `default`.
public struct YulCase: Sendable {
  /// The bytes covered.
  public let range: SourceRange
  /// The literal; nil for default.
  public let value: YulExpression?
  /// The body.
  public let body: YulBlock

  package init(range: SourceRange, value: YulExpression?, body: YulBlock) {
    self.range = range
    self.value = value
    self.body = body
  }
}

/// A statement of Yul or of the older loose assembly.
public final class YulStatement: SyntaxNode {
  /// The forms of statements.
  public indirect enum Kind: Sendable {
    /// A nested block.
    case block(YulBlock)
    /// `let a, b := value`
    case variables([YulVariable], value: YulExpression?)
    /// `a, b := value`; the targets are identifiers (possibly `x.slot`, `x_slot`).
    case assignment([YulExpression], value: YulExpression)
    /// A call (or, in old loose assembly, a bare instruction or literal) as a statement.
    case expression(YulExpression)
    /// `if condition { }`
    case `if`(YulExpression, YulBlock)
    /// `switch expression case ... default ...`
    case `switch`(YulExpression, [YulCase])
    /// `for { initial } condition { step } { body }`
    case `for`(initial: YulBlock, condition: YulExpression, step: YulBlock, body: YulBlock)
    /// `break`
    case `break`
    /// `continue`
    case `continue`
    /// `leave` (0.6)
    case leave
    /// `function f(a) -> b { }`
    case function(YulFunction)
    /// `name:` (before 0.5)
    case label(Name)
    /// `=: name` (before 0.5)
    case stackAssignment(YulExpression)
    /// Stands where no statement could be read.
    case missing
  }
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The form and its parts.
  public let kind: Kind

  package init(id: NodeID, range: SourceRange, kind: Kind) {
    self.id = id
    self.range = range
    self.kind = kind
  }
}

/// A literal of Yul.
public enum YulLiteral: Sendable, Hashable {
  /// A decimal or 0x number as written.
  case number(String)
  /// A string, escapes resolved.
  case string([UInt8])
  /// `hex"..."`
  case hexString([UInt8])
  /// `true` or `false`.
  case bool(Bool)
}

/// An expression of Yul.
public final class YulExpression: SyntaxNode {
  /// The forms of expressions.
  public enum Kind: Sendable {
    /// A literal.
    case literal(YulLiteral)
    /// A name: a Yul variable, or an outer name with an optional suffix (`x.slot`, `x.offset`, `x.length`,
    /// `x.selector`, `x.address`, before 0.7 `x_slot`, `x_offset`). The text holds the whole, dots included.
    case identifier(String)
    /// `name(arguments)`; an instruction or a Yul function.
    case call(Name, [YulExpression])
    /// Stands where no expression could be read.
    case missing
  }
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The form and its parts.
  public let kind: Kind

  package init(id: NodeID, range: SourceRange, kind: Kind) {
    self.id = id
    self.range = range
    self.kind = kind
  }
}
