import TerminalText

/// Which rules to run.
public struct RuleSelection: Hashable, Sendable {
  /// The names of the rules asked for; nil for all.
  private let included: Set<RuleID>?

  /// Every rule.
  public static let all = RuleSelection(included: nil)

  private init(included: Set<RuleID>?) { self.included = included }

  /// Exactly the rules named.
  public init(only rules: some Sequence<RuleID>) { included = Set(rules) }

  /// Whether a rule was asked for.
  public func contains(_ rule: RuleID) -> Bool { included?.contains(rule) ?? true }

  /// Chooses rules by patterns.
  ///
  /// A pattern is a rule's name, a category (`proxy`), or a name with `*` (any characters) and `?` (one character).
  ///
  /// - Parameters:
  ///   - only: what to run; empty for everything.
  ///   - exclude: what to leave out of that.
  ///   - rules: the rules there are.
  /// - Throws: `RuleSelectionError` for a pattern that names nothing, and when nothing is left.
  public init(only: [String], exclude: [String], of rules: [Rule]) throws(RuleSelectionError) {
    var chosen = Set(rules.map(\.id))
    if !only.isEmpty {
      var named: Set<RuleID> = []
      for pattern in only { named.formUnion(try RuleSelection.rules(matching: pattern, of: rules)) }
      chosen = named
    }
    for pattern in exclude {
      chosen.subtract(try RuleSelection.rules(matching: pattern, of: rules))
    }
    guard !chosen.isEmpty else { throw .nothingLeft }
    included = only.isEmpty && exclude.isEmpty ? nil : chosen
  }

  private static func rules(
    matching pattern: String, of rules: [Rule]
  ) throws(RuleSelectionError) -> [RuleID] {
    if let category = RuleCategory(rawValue: pattern) {
      let members = rules.filter { $0.category == category }.map(\.id)
      if !members.isEmpty { return members }
    }
    let matches = rules.map(\.id).filter { NamePattern.matches(pattern, $0.text) }
    guard matches.isEmpty else { return matches }
    let names = rules.map(\.id.text) + Set(rules.map(\.category.rawValue)).sorted()
    throw .unknown(pattern: pattern, nearest: NamePattern.nearest(to: pattern, among: names))
  }
}

/// Why rules could not be chosen.
public enum RuleSelectionError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No rule or category has this name or matches this pattern; `nearest` is the most similar name, if one is.
  case unknown(pattern: String, nearest: String?)
  /// Every rule was excluded.
  case nothingLeft

  /// The message for the user.
  public var description: String {
    switch self {
    case .unknown(let pattern, let nearest):
      "no rule or category matches '\(SafeText.line(pattern))'"
        + (nearest.map { "; did you mean '\($0)'?" } ?? "") + " ('maslin rules' lists them)"
    case .nothingLeft:
      "the rules asked for are all excluded; nothing would be checked"
    }
  }
}

/// Names with wildcards, and names nearly right.
enum NamePattern {
  /// Whether `name` has the form of `pattern`: `*` stands for any characters, `?` for one. O(pattern * name).
  static func matches(_ pattern: String, _ name: String) -> Bool {
    let pattern = Array(pattern.utf8)
    let name = Array(name.utf8)
    var patternIndex = 0
    var nameIndex = 0
    var star: (pattern: Int, name: Int)?
    while nameIndex < name.count {
      if patternIndex < pattern.count, pattern[patternIndex] == UInt8(ascii: "*") {
        star = (patternIndex, nameIndex)
        patternIndex += 1
      } else if patternIndex < pattern.count,
        pattern[patternIndex] == UInt8(ascii: "?") || pattern[patternIndex] == name[nameIndex]
      {
        patternIndex += 1
        nameIndex += 1
      } else if let last = star {
        patternIndex = last.pattern + 1
        nameIndex = last.name + 1
        star = (last.pattern, nameIndex)
      } else {
        return false
      }
    }
    return pattern[patternIndex...].allSatisfy { $0 == UInt8(ascii: "*") }
  }

  /// The name most like `text`, if one differs in at most a third of its characters. Ties go to the first.
  static func nearest(to text: String, among names: [String]) -> String? {
    guard text.utf8.count <= 100 else { return nil }
    var best: (name: String, distance: Int)?
    for name in names {
      let distance = editDistance(Array(text.utf8), Array(name.utf8))
      guard distance <= max(1, max(text.utf8.count, name.utf8.count) / 3) else { continue }
      if best.map({ distance < $0.distance }) ?? true { best = (name, distance) }
    }
    return best?.name
  }

  /// How many bytes to insert, delete or replace to make `b` of `a` (Levenshtein distance).
  static func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var previous = Array(0...b.count)
    for (row, byte) in a.enumerated() {
      var current = [row + 1]
      current.reserveCapacity(b.count + 1)
      for (column, other) in b.enumerated() {
        current.append(
          min(
            previous[column] + (byte == other ? 0 : 1), previous[column + 1] + 1,
            current[column] + 1))
      }
      previous = current
    }
    return previous[b.count]
  }
}
