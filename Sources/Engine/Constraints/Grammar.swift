/// A set of texts that a model may write, as a context-free grammar over bytes and special tokens.
///
/// Grammars are made from text (`gbnf`, `regularExpression`), from a JSON schema (`jsonSchema`), or by hand from
/// expressions; any grammar can be put into another with `Expression.grammar`:
///
///     let call = Grammar(start: .sequence([
///       .text(until: [.special(marker)]), .special(marker), .literal("call "),
///       .grammar(try .jsonSchema(schema)), .literal("\n"),
///     ]))
///     let compiled = try CompiledGrammar(call, table: table)
///
/// Borders inside a grammar need not be borders of tokens: one token may close a string, an object and the call.
public struct Grammar: Hashable, Sendable {
  /// What may stand at one place of a text.
  public indirect enum Expression: Hashable, Sendable {
    /// Exactly these bytes, spelled with ordinary tokens.
    case bytes([UInt8])
    /// One byte out of a set.
    case byte(in: ByteSet)
    /// One Unicode scalar out of a set, in UTF-8.
    case scalar(in: ScalarSet)
    /// One special token, produced as that token; its spelling in ordinary tokens does not match.
    case special(Int32)
    /// All of these, one after the other.
    case sequence([Expression])
    /// One of these.
    case choice([Expression])
    /// `minimum` to `maximum` times (without end where `maximum` is nil).
    case repetition(Expression, minimum: Int, maximum: Int?)
    /// The rule of that name of the grammar that this expression belongs to.
    case rule(String)
    /// Any valid UTF-8 text, also none, in which no marker occurs. The marker itself is not part of it: let it
    /// follow in a sequence. Special tokens never occur in such a text, whether they are markers or not.
    case text(until: [Marker])
    /// A text of a regular language (a compiled regular expression, for example).
    case regular(RegularLanguage)
    /// A text of another grammar; rule names of the two do not meet.
    case grammar(Grammar)
    /// A text in which no two `name`s are equal, as an object of JSON is.
    case distinct(Expression)
    /// A string of JSON that differs from every other `name` of the nearest `distinct` around it, however the two are
    /// spelled. It stands in that expression itself, not in a rule or grammar named there.
    case name(RegularLanguage)
    /// A text in quotation marks with a limited number of units.
    case counted(CountedText)
    /// A path through a network whose edges are expressions.
    case network(Network)

    /// The UTF-8 bytes of a string.
    public static func literal(_ text: String) -> Expression { .bytes(Array(text.utf8)) }

    /// Nothing at all: the empty text.
    public static let empty = Expression.sequence([])

    /// The expression or the empty text.
    public static func optional(_ expression: Expression) -> Expression {
      .repetition(expression, minimum: 0, maximum: 1)
    }
  }

  /// What ends a free text.
  public enum Marker: Hashable, Sendable {
    /// A string of bytes, however it is cut into tokens.
    case bytes([UInt8])
    /// A special token.
    case special(Int32)

    /// The UTF-8 bytes of a string.
    public static func literal(_ text: String) -> Marker { .bytes(Array(text.utf8)) }
  }

  /// Nodes and edges labelled with expressions: the texts along all paths from node 0 to an end node. It says the
  /// same as a grammar with one right-linear rule for each node, and needs no stack.
  public struct Network: Hashable, Sendable {
    /// One edge.
    public struct Edge: Hashable, Sendable {
      /// The node the edge leaves.
      public var source: Int
      /// What stands on the edge.
      public var expression: Expression
      /// The node the edge enters.
      public var target: Int
    }

    /// The number of nodes.
    public private(set) var nodeCount = 1
    /// The edges in the order they were added.
    public private(set) var edges: [Edge] = []
    /// The nodes where a text may end.
    public var ends: Set<Int> = []

    /// A network with node 0 alone.
    public init() {}

    /// Adds a node and returns its number.
    public mutating func addNode() -> Int {
      nodeCount += 1
      return nodeCount - 1
    }

    /// Adds an edge between two existing nodes.
    public mutating func addEdge(_ source: Int, _ expression: Expression, _ target: Int) {
      precondition(source < nodeCount && target < nodeCount, "an edge joins nodes that exist")
      edges.append(Edge(source: source, expression: expression, target: target))
    }
  }

  /// The rules by name.
  public var rules: [String: Expression]
  /// What the whole text is.
  public var start: Expression

  /// Makes a grammar.
  public init(rules: [String: Expression] = [:], start: Expression) {
    self.rules = rules
    self.start = start
  }
}
