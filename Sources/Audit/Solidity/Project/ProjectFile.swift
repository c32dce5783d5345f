/// What part a file plays in its project.
public enum SourceRole: String, Hashable, Sendable {
  /// The project's own code.
  case source
  /// Tests and test doubles.
  case test
  /// Deployment and maintenance scripts.
  case script
  /// Somebody else's code: `lib/`, `node_modules/`, `dependencies/`.
  case dependency
}

/// A file of a project.
public struct ProjectFile: Hashable, Sendable {
  /// Absolute, normalised path by which the file is read and told from others.
  public let path: String
  /// The path for people: built from the path the user gave.
  public let displayPath: String
  /// What part the file plays.
  public let role: SourceRole
  /// Whether the file was named or lies below a directory that was named, rather than only imported.
  public let isRequested: Bool

  /// Makes a description of a file.
  public init(path: String, displayPath: String, role: SourceRole, isRequested: Bool) {
    self.path = path
    self.displayPath = displayPath
    self.role = role
    self.isRequested = isRequested
  }
}

/// How paths are shown: as the user wrote the inputs they lie below.
struct DisplayPaths: Sendable {
  /// Places and the text that stands for each, innermost places first.
  private let roots: [(directory: String, text: String)]
  private let workingDirectory: String
  private let prefersRelative: Bool

  init(inputs: [(path: String, text: String)], workingDirectory: String) {
    roots = inputs.map { (directory: $0.path, text: $0.text) }
      .sorted { $0.directory.utf8.count > $1.directory.utf8.count }
    self.workingDirectory = workingDirectory
    prefersRelative = inputs.contains { !SourcePath.isAbsolute($0.text) }
  }

  func text(for path: String) -> String {
    for root in roots {
      guard let below = SourcePath.relative(path, to: root.directory) else { continue }
      if below.isEmpty { return root.text }
      if root.text.isEmpty || root.text == "." { return below }
      return root.text.hasSuffix("/") ? root.text + below : root.text + "/" + below
    }
    if prefersRelative, let below = SourcePath.relative(path, to: workingDirectory) {
      return below
    }
    return path
  }
}
