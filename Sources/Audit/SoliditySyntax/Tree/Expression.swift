/// A literal as written.
public enum Literal: Sendable, Hashable {
  /// `true` or `false`.
  case bool(Bool)
  /// A decimal or hexadecimal number. `text` is as written, underscores included; `unit` is `wei`, `days`, ... if any.
  case number(text: String, unit: String?)
  /// A string with escapes resolved, as bytes (escapes can make any byte). Adjacent literals are joined.
  case string([UInt8])
  /// A `unicode"..."` string, as UTF-8 bytes with escapes resolved.
  case unicodeString([UInt8])
  /// A `hex"..."` string.
  case hexString([UInt8])
}

/// Operators with one operand.
public enum UnaryOperator: String, Sendable {
  /// `!`
  case not = "!"
  /// `~`
  case bitNot = "~"
  /// `-`
  case negate = "-"
  /// `+` (before 0.5).
  case plus = "+"
  /// `++`
  case increment = "++"
  /// `--`
  case decrement = "--"
  /// `delete`
  case delete = "delete"
}

/// Operators with two operands, assignment excepted.
public enum BinaryOperator: String, Sendable {
  /// Addition.
  case add = "+"
  /// Subtraction.
  case subtract = "-"
  /// Multiplication.
  case multiply = "*"
  /// Division.
  case divide = "/"
  /// Remainder.
  case modulo = "%"
  /// Power.
  case power = "**"
  /// Left shift.
  case shiftLeft = "<<"
  /// Right shift.
  case shiftRight = ">>"
  /// Logical right shift; the compiler's parser knows the token.
  case shiftRightLogical = ">>>"
  /// Bitwise and.
  case bitAnd = "&"
  /// Bitwise or.
  case bitOr = "|"
  /// Bitwise exclusive or.
  case bitXor = "^"
  /// Logical and.
  case and = "&&"
  /// Logical or.
  case or = "||"
  /// Equality.
  case equal = "=="
  /// Inequality.
  case notEqual = "!="
  /// Less.
  case less = "<"
  /// Less or equal.
  case lessOrEqual = "<="
  /// Greater.
  case greater = ">"
  /// Greater or equal.
  case greaterOrEqual = ">="
}

/// `name: value` in a call.
public struct NamedArgument: Sendable {
  /// The parameter's name.
  public let name: Name
  /// The value given.
  public let value: Expression

  package init(name: Name, value: Expression) {
    self.name = name
    self.value = value
  }
}

/// The arguments of a call.
public enum CallArguments: Sendable {
  /// `f(a, b)`
  case positional([Expression])
  /// `f({x: a, y: b})`
  case named([NamedArgument])

  /// The values in the order written.
  public var values: [Expression] {
    switch self {
    case .positional(let values): values
    case .named(let arguments): arguments.map(\.value)
    }
  }
}

/// An expression.
public final class Expression: SyntaxNode {
  /// The forms of expressions.
  public enum Kind: Sendable {
    /// A name (also `this`, `super`, `msg`, `type`, ...).
    case identifier(String)
    /// A literal.
    case literal(Literal)
    /// A built-in type in the place of an expression: `uint8(x)`, `abi.decode(d, (address))`, `payable(x)`.
    case elementaryType(ElementaryType)
    /// `base.member`
    case memberAccess(Expression, Name)
    /// `base[index]`; without an index an array type: `new uint[](3)`, `(uint[])`.
    case index(Expression, Expression?)
    /// `base[start:end]`
    case slice(Expression, Expression?, Expression?)
    /// `callee(arguments)`: calls, conversions, struct constructors.
    case call(Expression, CallArguments)
    /// `callee{value: v, gas: g}`
    case callOptions(Expression, [NamedArgument])
    /// `new T`
    case new(TypeName)
    /// `(a, , b)`; one component without comma is a parenthesised expression.
    case tuple([Expression?])
    /// `[a, b]`
    case inlineArray([Expression])
    /// A prefix operator.
    case prefix(UnaryOperator, Expression)
    /// `x++` or `x--`
    case postfix(UnaryOperator, Expression)
    /// A binary operator.
    case binary(BinaryOperator, Expression, Expression)
    /// `target = value`, or with an operator `target += value`.
    case assignment(BinaryOperator?, Expression, Expression)
    /// `condition ? then : otherwise`
    case conditional(Expression, Expression, Expression)
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
