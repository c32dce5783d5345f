import SoliditySyntax
import TerminalText

/// A directive in a comment that takes findings out of the report, with a reason.
///
/// Forms (each names one or more rules, separated by commas, and after a colon the reason):
///
///     // maslin-ignore RULE: reason            the line it stands on; alone on its line, the next line with code
///     // maslin-ignore-start RULE: reason      from here
///     // maslin-ignore-end RULE                to here (without names: the innermost region)
///     /// @custom:maslin-ignore RULE: reason   the declaration it documents
public struct SuppressionDirective: Hashable, Sendable {
  /// What a directive covers.
  public enum Extent: Hashable, Sendable {
    /// Lines of the file, both included.
    case lines(ClosedRange<Int>)
    /// A declaration.
    case declaration(SourceRange)
  }
  /// The rules it names.
  public let rules: [RuleID]
  /// Why the findings are accepted.
  public let reason: String
  /// What it covers.
  public let extent: Extent
  /// Where the directive itself stands.
  public let range: SourceRange

  /// Whether it covers a place in its own file.
  public func covers(_ location: FindingLocation) -> Bool {
    switch extent {
    case .lines(let lines): lines.contains(location.start.line)
    case .declaration(let range):
      range.start <= location.range.start && location.range.start < range.end
    }
  }
}

/// A directive that has no effect, and why.
struct DirectiveProblem: Hashable, Sendable {
  /// The rule that reports it.
  let rule: RuleID
  /// What is wrong and what to write instead.
  let message: String
  /// Where the directive stands.
  let range: SourceRange
}

/// Finds suppression directives in the comments of a file.
struct SuppressionScanner {
  /// The directives that hold, in order.
  private(set) var directives: [SuppressionDirective] = []
  /// Those that do not, in order.
  private(set) var problems: [DirectiveProblem] = []

  private let unit: SourceUnit
  private let knownRules: [String]
  /// Line directives that wait for the next line with code.
  private var waiting: [Parsed] = []
  private var openRegions: [Parsed] = []

  /// A directive as written.
  private struct Parsed {
    let rules: [RuleID]
    let reason: String
    let range: SourceRange
    let line: Int
  }

  private static let word = Array("maslin-ignore".utf8)

  /// Scans a file. O(bytes); files that do not hold the word cost one search.
  ///
  /// - Parameter knownRules: the names directives may use.
  init(unit: SourceUnit, knownRules: [String]) {
    self.unit = unit
    self.knownRules = knownRules
    guard SuppressionScanner.containsWord(unit.source.bytes) else { return }
    scan()
    for region in openRegions {
      problem(
        .malformed, region.range,
        "This region is never closed, so it suppresses nothing. Write `// maslin-ignore-end "
          + "\(region.rules.map(\.text).joined(separator: ", "))` where it ends.")
    }
    for directive in waiting {
      problem(.malformed, directive.range, "No code follows this directive.")
    }
    directives.sort { ($0.range.start, $0.range.end) < ($1.range.start, $1.range.end) }
    problems.sort { ($0.range.start, $0.message) < ($1.range.start, $1.message) }
  }

  private static func containsWord(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBufferPointer { buffer in
      guard buffer.count >= word.count else { return false }
      for start in 0...(buffer.count - word.count)
      where buffer[start] == word[0] && buffer[start + 1] == word[1] {
        if word.indices.allSatisfy({ buffer[start + $0] == word[$0] }) { return true }
      }
      return false
    }
  }

  private mutating func scan() {
    let bytes = unit.source.bytes
    var index = 0
    var lineHasCode = false
    while index < bytes.count {
      let byte = bytes[index]
      let next = index + 1 < bytes.count ? bytes[index + 1] : 0
      switch byte {
      case 0x0A, 0x0D:
        lineHasCode = false
        index += 1
      case 0x20, 0x09, 0x0B, 0x0C:
        index += 1
      case UInt8(ascii: "/") where next == UInt8(ascii: "/"):
        let start = index
        while index < bytes.count, bytes[index] != 0x0A, bytes[index] != 0x0D { index += 1 }
        comment(start..<index, lineHasCode: lineHasCode)
      case UInt8(ascii: "/") where next == UInt8(ascii: "*"):
        let start = index
        index += 2
        while index < bytes.count {
          if bytes[index] == UInt8(ascii: "*"), index + 1 < bytes.count,
            bytes[index + 1] == UInt8(ascii: "/")
          {
            index += 2
            break
          }
          index += 1
        }
        comment(start..<index, lineHasCode: lineHasCode)
        if bytes[start..<index].contains(0x0A) { lineHasCode = false }
      default:
        if !waiting.isEmpty { settleWaiting(atOffset: index) }
        lineHasCode = true
        index = endOfToken(bytes, from: index)
      }
    }
  }

  private func endOfToken(_ bytes: [UInt8], from start: Int) -> Int {
    let first = bytes[start]
    var index = start + 1
    guard first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") else { return index }
    while index < bytes.count, bytes[index] != first, bytes[index] != 0x0A, bytes[index] != 0x0D {
      index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(index < bytes.count && bytes[index] == first ? index + 1 : index, bytes.count)
  }

  private mutating func settleWaiting(atOffset offset: Int) {
    let line = unit.source.position(at: offset).line
    for directive in waiting {
      directives.append(
        SuppressionDirective(
          rules: directive.rules, reason: directive.reason, extent: .lines(line...line),
          range: directive.range))
    }
    waiting = []
  }

  /// Looks at each line of a comment for a directive at its beginning.
  private mutating func comment(_ range: Range<Int>, lineHasCode: Bool) {
    let bytes = unit.source.bytes
    var lineStart = range.lowerBound
    while lineStart < range.upperBound {
      let lineEnd = bytes[lineStart..<range.upperBound].firstIndex(of: 0x0A) ?? range.upperBound
      var start = lineStart
      let markers: [UInt8] = [0x20, 0x09, UInt8(ascii: "/"), UInt8(ascii: "*")]
      while start < lineEnd, markers.contains(bytes[start]) { start += 1 }
      var end = lineEnd
      if end - start >= 2, bytes[end - 1] == UInt8(ascii: "/"), bytes[end - 2] == UInt8(ascii: "*")
      {
        end -= 2
      }
      let text = String(decoding: bytes[start..<end], as: UTF8.self)
      directive(text, at: SourceRange(start: start, end: end), lineHasCode: lineHasCode)
      lineStart = lineEnd + 1
    }
  }

  private mutating func directive(_ text: String, at range: SourceRange, lineHasCode: Bool) {
    var rest = Substring(text)
    let isDocumentation = rest.hasPrefix("@custom:")
    if isDocumentation { rest = rest.dropFirst("@custom:".count) }
    guard rest.hasPrefix("maslin-ignore") else { return }
    rest = rest.dropFirst("maslin-ignore".count)
    let forms = [("-start", Form.start), ("-end", .end), ("", .line)]
    guard let (suffix, form) = forms.first(where: { rest.hasPrefix($0.0) }) else { return }
    rest = rest.dropFirst(suffix.count)
    let trimmed = SourceRange(
      start: Int(range.start),
      end: Int(range.end) - text.reversed().prefix { $0 == " " || $0 == "\t" || $0 == "\r" }.count)
    if let first = rest.first, first != " ", first != "\t", first != ":" {
      problem(
        .malformed, trimmed, "`\(firstWord(text))` is no directive. \(SuppressionScanner.usage)")
      return
    }
    guard let parsed = parse(rest, form: form, at: trimmed) else { return }
    if isDocumentation {
      document(parsed)
    } else {
      place(parsed, form: form, lineHasCode: lineHasCode)
    }
  }

  private enum Form { case line, start, end }

  private static let usage =
    "Write `maslin-ignore RULE: reason`, or `maslin-ignore-start RULE: reason` and `maslin-ignore-end RULE`."

  private func firstWord(_ text: String) -> String {
    SafeText.line(String(text.prefix { $0 != " " && $0 != "\t" }.prefix(60)))
  }

  private mutating func parse(_ text: Substring, form: Form, at range: SourceRange) -> Parsed? {
    let colon = text.firstIndex(of: ":")
    let names = text[..<(colon ?? text.endIndex)].split(separator: ",")
      .map { $0.trimmingSpaces() }.filter { !$0.isEmpty }
    let reason = colon.map { text[text.index(after: $0)...].trimmingSpaces() } ?? ""
    guard !names.isEmpty || form == .end else {
      problem(.malformed, range, "The directive names no rule. \(SuppressionScanner.usage)")
      return nil
    }
    var rules: [RuleID] = []
    for name in names {
      guard knownRules.contains(name), let rule = RuleID(name) else {
        let nearest = NamePattern.nearest(to: name, among: knownRules)
        problem(
          .malformed, range,
          "There is no rule `\(SafeText.line(String(name.prefix(80))))`"
            + (nearest.map { "; did you mean `\($0)`?" } ?? ".")
            + " The directive suppresses nothing.")
        return nil
      }
      if !rules.contains(rule) { rules.append(rule) }
    }
    guard form == .end || reason.contains(where: { $0.isLetter || $0.isNumber }) else {
      problem(
        .withoutReason, range,
        "The directive gives no reason, so it suppresses nothing. Write "
          + "`\(names.joined(separator: ", ")): why this is acceptable`.")
      return nil
    }
    let line = unit.source.position(at: Int(range.start)).line
    return Parsed(rules: rules, reason: reason, range: range, line: line)
  }

  private mutating func place(_ parsed: Parsed, form: Form, lineHasCode: Bool) {
    switch form {
    case .line where lineHasCode:
      directives.append(
        SuppressionDirective(
          rules: parsed.rules, reason: parsed.reason, extent: .lines(parsed.line...parsed.line),
          range: parsed.range))
    case .line:
      waiting.append(parsed)
    case .start:
      openRegions.append(parsed)
    case .end:
      let isSame: (Parsed) -> Bool = { parsed.rules.isEmpty || Set($0.rules) == Set(parsed.rules) }
      guard let open = openRegions.lastIndex(where: isSame) else {
        problem(
          .malformed, parsed.range,
          "No open region names the same rules; there is nothing to end here.")
        return
      }
      let region = openRegions.remove(at: open)
      directives.append(
        SuppressionDirective(
          rules: region.rules, reason: region.reason,
          extent: .lines(region.line...max(region.line, parsed.line)), range: region.range))
    }
  }

  private mutating func document(_ parsed: Parsed) {
    guard let declaration = DocumentedDeclaration.around(parsed.range, in: unit) else {
      problem(
        .malformed, parsed.range,
        "This comment documents no declaration. Use `// maslin-ignore RULE: reason` for a line.")
      return
    }
    directives.append(
      SuppressionDirective(
        rules: parsed.rules, reason: parsed.reason, extent: .declaration(declaration),
        range: parsed.range))
  }

  private mutating func problem(
    _ kind: SuppressionRules.Kind, _ range: SourceRange, _ message: String
  ) {
    problems.append(
      DirectiveProblem(rule: SuppressionRules.rule(kind).id, message: message, range: range))
  }
}

extension StringProtocol {
  /// The text without spaces, tabs and line ends around it.
  func trimmingSpaces() -> String {
    let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0.isNewline }
    return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
  }
}

/// Finds what a documentation comment documents.
private enum DocumentedDeclaration {
  /// The declaration whose documentation holds `comment`, as a range; nil if there is none.
  static func around(_ comment: SourceRange, in unit: SourceUnit) -> SourceRange? {
    for item in unit.items {
      switch item {
      case .contract(let contract):
        if documents(contract.documentation, comment) { return contract.range }
        guard contract.range.contains(comment) else { continue }
        for member in contract.members {
          if let range = documented(member, comment) { return range }
        }
        return nil
      case .function(let function) where documents(function.documentation, comment):
        return function.range
      case .structure(let structure) where documents(structure.documentation, comment):
        return structure.range
      case .enumeration(let enumeration) where documents(enumeration.documentation, comment):
        return enumeration.range
      case .error(let error) where documents(error.documentation, comment):
        return error.range
      case .event(let event) where documents(event.documentation, comment):
        return event.range
      case .variable(let variable) where documents(variable.documentation, comment):
        return variable.range
      default:
        continue
      }
    }
    return nil
  }

  private static func documented(_ member: ContractMember, _ comment: SourceRange) -> SourceRange? {
    let (documentation, range): (Documentation?, SourceRange) =
      switch member {
      case .function(let function): (function.documentation, function.range)
      case .modifier(let modifier): (modifier.documentation, modifier.range)
      case .variable(let variable): (variable.documentation, variable.range)
      case .structure(let structure): (structure.documentation, structure.range)
      case .enumeration(let enumeration): (enumeration.documentation, enumeration.range)
      case .error(let error): (error.documentation, error.range)
      case .event(let event): (event.documentation, event.range)
      case .userDefinedValueType(let type): (nil, type.range)
      case .using(let using): (nil, using.range)
      }
    return documents(documentation, comment) ? range : nil
  }

  private static func documents(_ documentation: Documentation?, _ comment: SourceRange) -> Bool {
    documentation?.range.contains(comment) ?? false
  }
}
