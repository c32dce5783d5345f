/// Why a grammar, a regular expression or a JSON schema cannot be used, and where.
public struct GrammarError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of mistake it is.
  public enum Kind: Hashable, Sendable {
    /// The text of the grammar is malformed.
    case syntax
    /// The grammar asks for something that cannot be enforced here; nothing is ignored silently.
    case unsupported
    /// No text at all satisfies the grammar.
    case unsatisfiable
    /// The grammar would need more states, repetitions or nesting than the stated limits.
    case tooLarge
  }

  /// What kind of mistake it is.
  public var kind: Kind
  /// What is wrong and, where there is a way out, what to do.
  public var message: String
  /// Where: `line 3, column 7` of a grammar, `character 5` of an expression, or a JSON pointer into a schema
  /// (`#/properties/age`).
  public var location: String?

  /// Makes an error.
  public init(_ kind: Kind, _ message: String, at location: String? = nil) {
    self.kind = kind
    self.message = message
    self.location = location
  }

  /// `#/properties/age: not cannot be enforced`
  public var description: String {
    if let location { "\(location): \(message)" } else { message }
  }

  /// The same error, `place` before its location.
  func within(_ place: String) -> GrammarError {
    GrammarError(kind, message, at: location.map { "\(place), \($0)" } ?? place)
  }
}
