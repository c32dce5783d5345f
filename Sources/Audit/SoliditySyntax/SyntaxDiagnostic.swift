/// Something in a file that could not be understood.
public struct SyntaxDiagnostic: Error, Hashable, Sendable {
  /// What is wrong, for a person.
  public let message: String
  /// Where.
  public let range: SourceRange

  /// Makes a diagnostic.
  public init(message: String, range: SourceRange) {
    self.message = message
    self.range = range
  }
}
