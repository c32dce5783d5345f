/// One rule `context:prefix=target` that rewrites import paths.
///
/// Source: Solidity documentation, "Import Remapping".
public struct Remapping: Hashable, Sendable, CustomStringConvertible {
  /// The rule holds only for importing files whose name starts so; empty for all.
  public let context: String
  /// The beginning of import paths to be replaced.
  public let prefix: String
  /// What stands in its place; relative to the project's root unless absolute.
  public let target: String

  /// Makes a rule.
  public init(context: String = "", prefix: String, target: String) {
    self.context = context
    self.prefix = prefix
    self.target = target
  }

  /// Reads `prefix=target` or `context:prefix=target`; nil without `=` or with an empty prefix.
  public init?(parsing text: some StringProtocol) {
    guard let equals = text.firstIndex(of: "=") else { return nil }
    var left = text[..<equals]
    var context = ""
    if let colon = left.firstIndex(of: ":") {
      context = String(left[..<colon])
      left = left[left.index(after: colon)...]
    }
    guard !left.isEmpty else { return nil }
    self.init(
      context: context, prefix: String(left), target: String(text[text.index(after: equals)...]))
  }

  /// The rule as written on a command line.
  public var description: String {
    (context.isEmpty ? "" : context + ":") + prefix + "=" + target
  }

  /// The rules of a `remappings.txt`: one a line; empty lines and lines that start with `#` are left out.
  /// The numbers of lines that hold no rule are given beside.
  public static func parseList(_ text: String) -> (remappings: [Remapping], badLines: [Int]) {
    var remappings: [Remapping] = []
    var badLines: [Int] = []
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      let rule = line.trimmingSpaces()
      if rule.isEmpty || rule.hasPrefix("#") || rule.hasPrefix("//") { continue }
      if let remapping = Remapping(parsing: rule) {
        remappings.append(remapping)
      } else {
        badLines.append(index + 1)
      }
    }
    return (remappings, badLines)
  }
}

extension Sequence<Remapping> {
  /// Whether the context of some rule is a single file.
  var hasFileContexts: Bool { contains { $0.context.hasSuffix(".sol") } }

  /// Rewrites an import path by the best rule: the longest context, then the longest prefix, then the last.
  /// Nil when no rule applies.
  ///
  /// - Parameters:
  ///   - path: the import path as written, or a relative one already resolved.
  ///   - importer: the importing file's name as the compiler sees it (relative to the project's root).
  public func rewriting(_ path: String, importedBy importer: String) -> String? {
    var best: Remapping?
    for rule in self {
      guard importer.utf8.starts(with: rule.context.utf8), path.utf8.starts(with: rule.prefix.utf8)
      else { continue }
      if let current = best {
        let contexts = (rule.context.utf8.count, current.context.utf8.count)
        if contexts.0 < contexts.1 { continue }
        if contexts.0 == contexts.1, rule.prefix.utf8.count < current.prefix.utf8.count { continue }
      }
      best = rule
    }
    guard let best else { return nil }
    return best.target + String(Substring(path.utf8.dropFirst(best.prefix.utf8.count)))
  }
}

extension StringProtocol {
  /// Without spaces and tabs at both ends.
  func trimmingSpaces() -> String {
    var text = self[...]
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }
}
