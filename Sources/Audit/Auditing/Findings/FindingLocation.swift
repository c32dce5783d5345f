import SoliditySyntax

/// A place in a source file that a finding points at.
public struct FindingLocation: Hashable, Sendable {
  /// The path of the file, as `SourceFile.path` names it.
  public let path: String
  /// The bytes meant.
  public let range: SourceRange
  /// Position of the first byte.
  public let start: SourcePosition
  /// Position one past the last byte.
  public let end: SourcePosition
  /// What the place has to do with the finding (`the write that happens too late`); may be empty.
  public let role: String

  /// Makes a location in a file.
  public init(_ range: SourceRange, in file: SourceFile, role: String = "") {
    path = file.path
    self.range = range
    start = file.position(at: Int(range.start))
    end = file.position(at: Int(range.end))
    self.role = role
  }

  /// Makes the location of a syntax node: of the whole node for expressions and statements without a body,
  /// of the name for definitions, of the header for statements with a body.
  public init(of node: any SyntaxNode, in file: SourceFile, role: String = "") {
    self.init(SourceAnchor.displayRange(of: node), in: file, role: role)
  }
}

/// One step of a call path or data flow.
public struct EvidenceStep: Hashable, Sendable {
  /// What happens here (`withdraw(uint256) calls _send(address,uint256)`).
  public let text: String
  /// Where, if the step has a place in the source.
  public let location: FindingLocation?

  /// Makes a step.
  public init(_ text: String, at location: FindingLocation? = nil) {
    self.text = text
    self.location = location
  }
}
