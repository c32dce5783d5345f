/// Lexical operations on slash-separated paths; none of them looks at a disk.
public enum SourcePath {
  /// Whether the path starts at the root.
  public static func isAbsolute(_ path: String) -> Bool { path.utf8.first == UInt8(ascii: "/") }

  /// The path without empty and `.` parts and with `..` resolved; `..` above the start of a relative
  /// path is kept, above the root it is dropped. The empty path becomes `.`.
  public static func normalized(_ path: String) -> String {
    let absolute = isAbsolute(path)
    var parts: [Substring] = []
    for part in path.split(separator: "/", omittingEmptySubsequences: true) {
      if part == "." { continue }
      if part == ".." {
        if let last = parts.last, last != ".." {
          parts.removeLast()
          continue
        }
        if absolute { continue }
      }
      parts.append(part)
    }
    let joined = parts.joined(separator: "/")
    if absolute { return "/" + joined }
    return joined.isEmpty ? "." : joined
  }

  /// `path` seen from `base`: itself when absolute, else both joined; normalised.
  public static func joined(_ base: String, _ path: String) -> String {
    if isAbsolute(path) { return normalized(path) }
    return normalized(base + "/" + path)
  }

  /// The directory a normalised path lies in; `/` for the root, `.` for a bare name.
  public static func parent(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    if slash == path.startIndex { return "/" }
    return String(path[..<slash])
  }

  /// The last part of a path.
  public static func lastComponent(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
    return String(path[path.utf8.index(after: slash)...])
  }

  /// Whether the normalised `path` is `directory` or lies below it.
  public static func isWithin(_ path: String, _ directory: String) -> Bool {
    if directory == "/" { return isAbsolute(path) }
    guard path.utf8.starts(with: directory.utf8) else { return false }
    let rest = path.utf8.dropFirst(directory.utf8.count)
    return rest.isEmpty || rest.first == UInt8(ascii: "/")
  }

  /// The part of the normalised `path` below `directory`, without a leading slash; nil when it does not
  /// lie there, empty when it is the directory itself.
  public static func relative(_ path: String, to directory: String) -> String? {
    guard isWithin(path, directory) else { return nil }
    var rest = path.utf8.dropFirst(directory.utf8.count)
    if rest.first == UInt8(ascii: "/") { rest = rest.dropFirst() }
    return String(Substring(rest))
  }

  /// The directory and everything above it, innermost first.
  public static func ancestors(of directory: String) -> [String] {
    var result = [directory]
    var current = directory
    while current != "/", current != "." {
      current = parent(of: current)
      result.append(current)
    }
    return result
  }
}
