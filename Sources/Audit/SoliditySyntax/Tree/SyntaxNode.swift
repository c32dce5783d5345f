/// Identifies a node of the syntax tree within one program: which source unit, and which node of it.
///
/// Numbers within a unit are dense from 0 in the order the parser made the nodes, so tables beside the
/// tree can be plain arrays (`SourceUnit.nodeCount` gives their size).
public struct NodeID: Hashable, Sendable, Comparable {
  /// The number the caller gave the source unit when it was parsed.
  public let unit: Int32
  /// The number of the node within the unit.
  public let index: Int32

  /// Makes an identifier.
  public init(unit: Int32, index: Int32) {
    self.unit = unit
    self.index = index
  }

  /// Orders by unit, then by creation within it.
  public static func < (a: NodeID, b: NodeID) -> Bool { (a.unit, a.index) < (b.unit, b.index) }
}

/// Any node of the syntax tree. Nodes are immutable; what later passes learn is kept in tables keyed by `id`.
public protocol SyntaxNode: AnyObject, Sendable {
  /// The node's identity within its program.
  var id: NodeID { get }
  /// The bytes of the source the node covers.
  var range: SourceRange { get }
}

/// A node that introduces a name.
public protocol Declaration: SyntaxNode {
  /// The declared name; empty where the language allows none (unnamed parameters, constructors, fallbacks).
  var name: String { get }
  /// Where the name stands; empty at the node's start when there is none.
  var nameRange: SourceRange { get }
}

/// A name with its place.
public struct Name: Hashable, Sendable {
  /// The text of the name.
  public let text: String
  /// Where it stands.
  public let range: SourceRange

  /// Makes a name.
  public init(text: String, range: SourceRange) {
    self.text = text
    self.range = range
  }
}

/// A dotted name such as `Library.Struct`.
public final class IdentifierPath: SyntaxNode {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The parts, at least one.
  public let parts: [Name]

  package init(id: NodeID, range: SourceRange, parts: [Name]) {
    self.id = id
    self.range = range
    self.parts = parts
  }

  /// The parts joined by dots.
  public var text: String { parts.map(\.text).joined(separator: ".") }
}

/// A NatSpec comment (`///` lines or `/** */`) attached to a declaration or statement.
///
/// Source: Solidity documentation, "NatSpec Format".
public struct Documentation: Hashable, Sendable {
  /// The text with comment markers and leading stars removed.
  public let text: String
  /// The bytes of the comment(s).
  public let range: SourceRange

  /// Makes a documentation comment.
  public init(text: String, range: SourceRange) {
    self.text = text
    self.range = range
  }
}
