import Constraints
import JSON
import Tokenization

/// Makes the grammar of whole answers: thoughts, then text or a document of a given form, then calls of tools in the exact
/// syntax of the chat format with arguments that follow the tools' schemas, then the end.
///
/// Parameters come in the order of the schema; optional ones may be left out; no other ones appear. In syntaxes that write
/// parameters one by one (DeepSeek's and Qwen 3.5's) text stands as it is, up to the marker that ends it, and other values
/// as JSON.
public struct ToolCallGrammar: Sendable {
  /// How an answer may begin.
  public enum Thought: Hashable, Sendable {
    /// Without a thought.
    case none
    /// Inside a thought that the prompt has opened.
    case open
    /// With a thought or without one.
    case optional
  }

  /// A tool.
  public struct Tool: Sendable {
    /// Its name; one that `isName` accepts.
    public var name: String
    /// The schema of its arguments; nil for none stated.
    public var parameters: JSONValue?
    /// Whether a schema that cannot be enforced in full is refused.
    public var isStrict: Bool

    /// Makes a tool.
    public init(name: String, parameters: JSONValue?, isStrict: Bool) {
      self.name = name
      self.parameters = parameters
      self.isStrict = isStrict
    }
  }

  /// Which calls an answer holds.
  public enum Calls: Hashable, Sendable {
    /// None.
    case none
    /// As many as the model wants.
    case optional
    /// At least one, and nothing before the first but thoughts.
    case required
  }

  private let syntax: ChatOutputParser.Syntax
  private let markers: [String: Int32]

  /// Makes a maker of grammars for a syntax.
  ///
  /// - Parameter special: the tokens that are produced as such and never spelled out (control tokens).
  public init(
    syntax: ChatOutputParser.Syntax, vocabulary: Vocabulary, special: Set<Int32>
  ) {
    self.syntax = syntax
    var markers: [String: Int32] = [:]
    for text in Self.markerTexts {
      if let token = vocabulary.addedToken(text), special.contains(token) { markers[text] = token }
    }
    self.markers = markers
  }

  private static let markerTexts = [
    "｜DSML｜", "<think>", "</think>", "<tool_call>", "</tool_call>",
  ]

  /// Whether a text can be the name of a tool in every syntax.
  public static func isName(_ name: String) -> Bool {
    isSafe(name) && name.utf8.count <= 128
  }

  /// Whether a name can stand in every syntax without being mistaken for the syntax itself.
  private static func isSafe(_ name: String) -> Bool {
    !name.isEmpty
      && name.unicodeScalars.allSatisfy {
        $0.value > 0x20 && $0.value != 0x7F && !"\"<>\\｜".unicodeScalars.contains($0)
      }
  }

  // MARK: Answers

  /// The grammar of answers.
  ///
  /// - Parameters:
  ///   - content: the form of what is said; nil for any text.
  ///   - tools: the tools that may be called; at most one call if `allowsParallelCalls` is false.
  /// - Returns: the grammar, and what of the schemas is not enforced.
  /// - Throws: `GrammarError` for strict schemas that cannot be enforced and for tools the syntax cannot express.
  public func answer(
    thought: Thought, content: Grammar?, tools: [Tool], calls: Calls, allowsParallelCalls: Bool
  ) throws(GrammarError) -> (grammar: Grammar, notes: [String]) {
    var notes: [String] = []
    var rules: [String: Grammar.Expression] = [:]
    var rest: Grammar.Expression = .empty
    if calls != .none, !tools.isEmpty {
      rest = try self.calls(tools, allowsParallelCalls, &rules, &notes)
    }
    let said: Grammar.Expression
    switch (calls, content) {
    case (.required, _): said = rest
    case (.none, let content?): said = .grammar(content)
    case (.none, nil): said = freeText
    case (.optional, let content?): said = .choice([.grammar(content), rest])
    case (.optional, nil): said = .sequence([freeText, .optional(rest)])
    }
    return (Grammar(rules: rules, start: .sequence([beginning(thought), said])), notes)
  }

  /// The thoughts and what parts them from the answer.
  private func beginning(_ thought: Thought) -> Grammar.Expression {
    // DeepSeek's format has no line breaks around thoughts, Qwen's has.
    let hasBreaks = syntax != .dsml
    let text = Grammar.Expression.text(until: markerList(["</think>"] + callStarts))
    let end = spelled(hasBreaks ? "\n</think>\n\n" : "</think>")
    switch thought {
    case .none: return .empty
    case .open: return .sequence([text, end])
    case .optional:
      return .optional(.sequence([spelled(hasBreaks ? "<think>\n" : "<think>"), text, end]))
    }
  }

  private var freeText: Grammar.Expression { .text(until: markerList(callStarts)) }

  private var callStarts: [String] {
    switch syntax {
    case .dsml: ["<｜DSML｜tool_calls>", "<｜DSML｜function_calls>"]
    case .json, .function: ["<tool_call>"]
    case .none: []
    }
  }

  /// Texts as markers, in both spellings where there is a token for a part of them.
  private func markerList(_ texts: [String]) -> [Grammar.Marker] {
    texts.flatMap { text -> [Grammar.Marker] in
      guard let token = markers[text] else { return [.literal(text)] }
      return [.special(token), .literal(text)]
    }
  }

  /// A text of the format: its tokens of their own as such, the rest spelled out.
  private func spelled(_ text: String) -> Grammar.Expression {
    var parts: [Grammar.Expression] = []
    var rest = text[...]
    while !rest.isEmpty {
      var first: (range: Range<String.Index>, token: Int32)?
      for marker in Self.markerTexts {
        guard let token = markers[marker], let range = rest.firstRange(of: marker) else { continue }
        if first.map({ range.lowerBound < $0.range.lowerBound }) ?? true { first = (range, token) }
      }
      guard let first else { break }
      if first.range.lowerBound > rest.startIndex {
        parts.append(.literal(String(rest[..<first.range.lowerBound])))
      }
      parts.append(.special(first.token))
      rest = rest[first.range.upperBound...]
    }
    if !rest.isEmpty { parts.append(.literal(String(rest))) }
    return parts.count == 1 ? parts[0] : .sequence(parts)
  }

  // MARK: Calls

  private func calls(
    _ tools: [Tool], _ allowsParallelCalls: Bool, _ rules: inout [String: Grammar.Expression],
    _ notes: inout [String]
  ) throws(GrammarError) -> Grammar.Expression {
    var bodies: [Grammar.Expression] = []
    for (index, tool) in tools.enumerated() {
      let parameters = try ToolParameters(
        tool.parameters, isStrict: tool.isStrict, path: "tools.\(tool.name).parameters")
      notes += parameters.notes
      let rule = "tool \(index)"
      rules[rule] = try body(tool.name, parameters, &notes)
      bodies.append(.rule(rule))
    }
    rules["call"] = call(.choice(bodies))
    let one = Grammar.Expression.rule("call")
    let more = allowsParallelCalls ? nil : 0
    switch syntax {
    case .dsml:
      return .sequence([
        spelled("\n\n<｜DSML｜tool_calls>\n"),
        .repetition(
          .sequence([one, .literal("\n")]), minimum: 1,
          maximum: allowsParallelCalls ? nil : 1),
        spelled("</｜DSML｜tool_calls>"),
      ])
    case .json, .function:
      return .sequence([
        one, .repetition(.sequence([.literal("\n"), one]), minimum: 0, maximum: more),
      ])
    case .none: throw GrammarError(.unsupported, "the chat format has no calls")
    }
  }

  /// What stands around the name and the arguments of every call.
  private func call(_ body: Grammar.Expression) -> Grammar.Expression {
    switch syntax {
    case .dsml:
      .sequence([spelled("<｜DSML｜invoke name=\""), body, spelled("</｜DSML｜invoke>")])
    case .json:
      .sequence([
        spelled("<tool_call>"), .literal("\n{\"name\": \""), body, .literal("}\n"),
        spelled("</tool_call>"),
      ])
    case .function:
      .sequence([
        spelled("<tool_call>"), .literal("\n<function="), body, .literal("</function>\n"),
        spelled("</tool_call>"),
      ])
    case .none: .empty
    }
  }

  /// The name and the arguments of a tool.
  private func body(
    _ name: String, _ parameters: ToolParameters, _ notes: inout [String]
  ) throws(GrammarError) -> Grammar.Expression {
    switch syntax {
    case .json:
      return .sequence([
        .literal(name + "\", \"arguments\": "), .grammar(try .jsonSchema(parameters.schema)),
      ])
    case .dsml:
      var parts: [Grammar.Expression] = [.literal(name + "\">\n")]
      parts += try list(parameters, of: name, &notes)
      if parameters.parameters.isEmpty {
        // The format's own way to write no parameters is an empty line.
        parts.append(parameters.others == nil ? .literal("\n") : .optional(.literal("\n")))
      }
      return .sequence(parts)
    case .function:
      return .sequence(
        [.literal(name + ">\n")] + (try list(parameters, of: name, &notes)))
    case .none: return .empty
    }
  }

  /// The parameters, each with its line break.
  private func list(
    _ parameters: ToolParameters, of tool: String, _ notes: inout [String]
  ) throws(GrammarError) -> [Grammar.Expression] {
    if let others = parameters.others {
      return [.repetition(try anyParameter(others), minimum: 0, maximum: nil)]
    }
    var parts: [Grammar.Expression] = []
    for parameter in parameters.parameters {
      let path = "tools.\(tool).parameters.properties.\(parameter.name)"
      guard Self.isSafe(parameter.name) else {
        guard !parameter.isRequired else {
          throw GrammarError(
            .unsupported, "the name of a required parameter has spaces, quotes, < or >", at: path)
        }
        notes.append("\(path) is never given: its name has spaces, quotes, < or >")
        continue
      }
      let one: Grammar.Expression
      do throws(GrammarError) {
        one = try write(.literal(parameter.name), parameter, path: path)
      } catch {
        if parameters.isStrict { throw ToolParameters.located(error, path) }
        notes.append("\(path) is only held to its type: \(error.description)")
        var plain = parameter
        plain.schema = ToolParameters.typeOnly(parameter.schema)
        one = try write(.literal(parameter.name), plain, path: path)
      }
      parts.append(parameter.isRequired ? one : .optional(one))
    }
    return parts
  }

  /// A parameter of any name and value, where a tool declares none.
  private func anyParameter(_ schema: JSONValue) throws(GrammarError) -> Grammar.Expression {
    let name = Grammar.Expression.regular(
      try RegularLanguage(regularExpression: "[A-Za-z_][A-Za-z0-9_.-]{0,63}"))
    let any = ToolParameters.Parameter(name: "", schema: schema, isRequired: false)
    return try write(name, any, path: "parameters")
  }

  private func write(
    _ name: Grammar.Expression, _ parameter: ToolParameters.Parameter, path: String
  ) throws(GrammarError) -> Grammar.Expression {
    let parts = ToolParameters.alternatives(parameter.schema, root: parameter.schema)
    var texts: [Grammar.Expression] = []
    for schema in parts.texts {
      if let text = try text(schema, root: parameter.schema) { texts.append(text) }
    }
    var others: [Grammar.Expression] = []
    for schema in parts.others {
      others.append(.grammar(try value(schema, root: parameter.schema)))
    }
    guard !(texts.isEmpty && others.isEmpty) else {
      throw GrammarError(.unsatisfiable, "no value can be written", at: path)
    }
    if syntax == .dsml {
      let start = spelled("<｜DSML｜parameter name=\"")
      let end = Grammar.Expression.sequence([
        spelled("</｜DSML｜parameter>"), .literal("\n"),
      ])
      var values: [Grammar.Expression] = []
      if !texts.isEmpty {
        values.append(.sequence([.literal("true\">"), .choice(texts)]))
      }
      if !others.isEmpty {
        values.append(.sequence([.literal("false\">"), .choice(others)]))
      }
      return .sequence([start, name, .literal("\" string=\""), .choice(values), end])
    }
    return .sequence([
      .literal("<parameter="), name, .literal(">\n"), .choice(texts + others),
      .literal("\n</parameter>\n"),
    ])
  }

  // MARK: Values

  /// The scalar that no value may hold raw, so that no marker of the format can be spelled in it.
  private static let bar: Unicode.Scalar = "｜"

  /// A value that is no text, or JSON of any kind.
  private func value(_ schema: JSONValue, root: JSONValue) throws(GrammarError) -> Grammar {
    let own = Self.complete(schema, root: root)
    let grammar = try Grammar.jsonSchema(own)
    return syntax == .dsml ? try grammar.escaping(Self.bar) : grammar
  }

  private static func complete(_ schema: JSONValue, root: JSONValue) -> JSONValue {
    guard case .object(let members) = schema, case .object(let all) = root else { return schema }
    let names = Set(members.map(\.name))
    let definitions = all.filter {
      ($0.name == "$defs" || $0.name == "definitions") && !names.contains($0.name)
    }
    return .object(members + definitions)
  }

  /// The texts inside a value's text that would end it.
  private var valueMarkers: [String] {
    switch syntax {
    case .dsml: ["<｜DSML｜", "</｜DSML｜"]
    case .function:
      ["</parameter>", "<parameter=", "</function>", "</tool_call>", "<tool_call>"]
    case .json, .none: []
    }
  }

  /// Text as it stands, held to the schema's keywords for strings; nil when none of its values can be written.
  private func text(
    _ schema: JSONValue, root: JSONValue
  ) throws(GrammarError) -> Grammar.Expression? {
    var values: [String]?
    if let list = schema["enum"]?.arrayValue { values = list.compactMap(\.stringValue) }
    if let value = schema["const"] { values = [value.stringValue].compactMap { $0 } }
    if let values {
      let markers = valueMarkers.map { Array($0.utf8) }
      let writable = values.filter { value in
        let bytes = Array(value.utf8)
        return !markers.contains { bytes.firstRange(of: $0) != nil }
      }
      return writable.isEmpty ? nil : .choice(writable.map { .literal($0) })
    }
    let constraining: Set<String> = ["pattern", "minLength", "maxLength", "format"]
    let keywords = (schema.objectValue ?? []).filter { constraining.contains($0.name) }
    guard !keywords.isEmpty else {
      return .text(until: valueMarkers.map { .literal($0) })
    }
    let type = JSONMember(name: "type", value: "string")
    return .regular(
      try .plainText(schema: .object([type] + keywords), without: valueMarkers))
  }
}
