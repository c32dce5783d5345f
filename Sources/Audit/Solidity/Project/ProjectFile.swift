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
  /// An input's place and the text that stands for it.
  struct Input: Sendable {
    let path: String
    let text: String
    let isDirectory: Bool
  }

  private let files: [String: String]
  /// Innermost first.
  private let directories: [Input]
  private let workingDirectory: String
  private let prefersRelative: Bool

  init(inputs: [Input], workingDirectory: String) {
    files = Dictionary(
      inputs.filter { !$0.isDirectory }.map { ($0.path, $0.text) },
      uniquingKeysWith: { first, _ in first })
    directories = inputs.filter(\.isDirectory).sorted { $0.path.utf8.count > $1.path.utf8.count }
    self.workingDirectory = workingDirectory
    prefersRelative = inputs.contains { !SourcePath.isAbsolute($0.text) }
  }

  func text(for path: String) -> String {
    if let text = files[path] { return text }
    for root in directories {
      guard let below = SourcePath.relative(path, to: root.path) else { continue }
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
