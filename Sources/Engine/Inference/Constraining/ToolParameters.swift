import Constraints
import JSON
import Tokenization

/// The parameters of a tool as its JSON schema declares them, taken apart for syntaxes that write each parameter by itself.
public struct ToolParameters: Sendable {
  /// One parameter.
  struct Parameter: Sendable {
    var name: String
    /// Its schema, complete in itself: definitions it refers to are in it.
    var schema: JSONValue
    var isRequired: Bool
  }

  /// The parameters in the order of the schema.
  let parameters: [Parameter]
  /// The schema of parameters that are not declared, where the schema declares none and does not forbid any; else nil.
  let others: JSONValue?
  /// Whether a keyword that cannot be enforced is refused.
  let isStrict: Bool
  /// The schema of all arguments together, with what cannot be enforced replaced.
  let schema: JSONValue
  /// What is not enforced, one sentence each.
  let notes: [String]

  /// Takes a schema apart.
  ///
  /// A schema that declares parameters and does not mention others is taken not to allow others: a model has no way to know
  /// what else might be welcome.
  ///
  /// - Parameters:
  ///   - schema: the schema of the arguments; nil for none stated.
  ///   - isStrict: whether a keyword that cannot be enforced is refused. Otherwise the parameter becomes any JSON of its
  ///     type, and `notes` says so.
  ///   - path: where the schema stands, for errors and notes.
  /// - Throws: `GrammarError` for a strict schema that cannot be enforced, naming the place.
  init(_ schema: JSONValue?, isStrict: Bool, path: String) throws(GrammarError) {
    let members = schema?.objectValue ?? []
    let properties = schema?["properties"]?.objectValue ?? []
    let required = Set((schema?["required"]?.arrayValue ?? []).compactMap(\.stringValue))
    let definitions = members.filter { $0.name == "$defs" || $0.name == "definitions" }
    var notes: [String] = []
    var parameters: [Parameter] = []
    for property in properties where !parameters.contains(where: { $0.name == property.name }) {
      var own = Self.complete(property.value, definitions)
      do throws(GrammarError) {
        _ = try Grammar.jsonSchema(own)
      } catch {
        if isStrict { throw Self.located(error, path + ".properties." + property.name) }
        notes.append(
          "\(path).properties.\(property.name) is only held to its type: \(error.description)")
        own = Self.typeOnly(own)
      }
      parameters.append(
        Parameter(name: property.name, schema: own, isRequired: required.contains(property.name)))
    }
    for name in (schema?["required"]?.arrayValue ?? []).compactMap(\.stringValue)
    where !parameters.contains(where: { $0.name == name }) {
      parameters.append(Parameter(name: name, schema: .object([]), isRequired: true))
    }
    let others = schema?["additionalProperties"]
    self.others =
      parameters.isEmpty && others != .bool(false)
      ? others.map { Self.complete($0, definitions) } ?? .bool(true) : nil
    var whole = Self.closed(members, parameters, others: self.others)
    do throws(GrammarError) {
      _ = try Grammar.jsonSchema(whole)
    } catch {
      if isStrict { throw Self.located(error, path) }
      notes.append("\(path) is only held to its properties: \(error.description)")
      whole = Self.plain(parameters, others: self.others)
    }
    self.isStrict = isStrict
    self.parameters = parameters
    self.schema = whole
    self.notes = notes
  }

  static func located(_ error: GrammarError, _ path: String) -> GrammarError {
    GrammarError(error.kind, error.message, at: error.location.map { "\(path) (\($0))" } ?? path)
  }

  /// The schema with the definitions of the whole in it.
  private static func complete(_ schema: JSONValue, _ definitions: [JSONMember]) -> JSONValue {
    guard case .object(let members) = schema else { return schema }
    let names = Set(members.map(\.name))
    return .object(members + definitions.filter { !names.contains($0.name) })
  }

  /// The whole schema, with parameters as they are enforced and no others beside them.
  private static func closed(
    _ members: [JSONMember], _ parameters: [Parameter], others: JSONValue?
  ) -> JSONValue {
    var result: [JSONMember] = []
    for member in members {
      switch member.name {
      case "properties":
        result.append(
          JSONMember(
            name: "properties",
            value: .object(parameters.map { JSONMember(name: $0.name, value: $0.schema) })))
      case "type", "additionalProperties", "$schema", "title", "description": break
      default: result.append(member)
      }
    }
    result.insert(JSONMember(name: "type", value: "object"), at: 0)
    result.append(JSONMember(name: "additionalProperties", value: others ?? .bool(false)))
    return .object(result)
  }

  /// Only properties and which of them are required.
  private static func plain(_ parameters: [Parameter], others: JSONValue?) -> JSONValue {
    .members([
      "type": "object",
      "properties": .object(parameters.map { JSONMember(name: $0.name, value: $0.schema) }),
      "required": .array(parameters.filter(\.isRequired).map { .string($0.name) }),
      "additionalProperties": others ?? .bool(false),
    ])
  }

  /// Nothing of a schema but the kinds of values it allows.
  static func typeOnly(_ schema: JSONValue) -> JSONValue {
    let kinds = Self.kinds(of: schema, root: schema)
    let names: [(JSONKinds, String)] = [
      (.null, "null"), (.boolean, "boolean"), (.string, "string"), (.array, "array"),
      (.object, "object"),
    ]
    var types = names.filter { kinds.contains($0.0) }.map(\.1)
    if kinds.contains(.fraction) {
      types.append("number")
    } else if kinds.contains(.integer) {
      types.append("integer")
    }
    return kinds == .all || types.isEmpty
      ? .object([]) : .members(["type": .array(types.map { .string($0) })])
  }

  // MARK: Kinds

  /// The kinds of values that each parameter of a schema may have.
  public static func kinds(_ schema: JSONValue?) -> [String: JSONKinds] {
    guard let schema else { return [:] }
    var result: [String: JSONKinds] = [:]
    for property in schema["properties"]?.objectValue ?? [] {
      result[property.name] = kinds(of: property.value, root: schema)
    }
    return result
  }

  /// The kinds of values that a schema allows, as far as its keywords say so plainly.
  static func kinds(of schema: JSONValue, root: JSONValue, depth: Int = 0) -> JSONKinds {
    guard depth < 16, case .object = schema else { return schema == .bool(false) ? [] : .all }
    var kinds = JSONKinds.all
    if let target = reference(schema, root: root) {
      kinds.formIntersection(Self.kinds(of: target, root: root, depth: depth + 1))
    }
    switch schema["type"] {
    case .string(let name): kinds.formIntersection(JSONKinds(schemaType: name))
    case .array(let names):
      kinds.formIntersection(
        names.reduce(into: []) { $0.formUnion(JSONKinds(schemaType: $1.stringValue ?? "")) })
    default: break
    }
    if let value = schema["const"] { kinds.formIntersection(JSONKinds(value)) }
    if let values = schema["enum"]?.arrayValue {
      kinds.formIntersection(values.reduce(into: []) { $0.formUnion(JSONKinds($1)) })
    }
    for name in ["anyOf", "oneOf"] {
      guard let branches = schema[name]?.arrayValue else { continue }
      kinds.formIntersection(
        branches.reduce(into: []) {
          $0.formUnion(Self.kinds(of: $1, root: root, depth: depth + 1))
        })
    }
    for branch in schema["allOf"]?.arrayValue ?? [] {
      kinds.formIntersection(Self.kinds(of: branch, root: root, depth: depth + 1))
    }
    return kinds
  }

  /// What a schema's `$ref` points to inside `root`; nil for none, and for pointers to elsewhere.
  static func reference(_ schema: JSONValue, root: JSONValue) -> JSONValue? {
    guard let pointer = schema["$ref"]?.stringValue, pointer.hasPrefix("#") else { return nil }
    var target = root
    for part in pointer.dropFirst().split(separator: "/") {
      let name = String(part.replacing("~1", with: "/").replacing("~0", with: "~"))
      if let member = target[name] {
        target = member
      } else if let elements = target.arrayValue, let index = Int(name),
        elements.indices.contains(index)
      {
        target = elements[index]
      } else {
        return nil
      }
    }
    return target
  }

  // MARK: Text and other values

  /// A schema's values as text, and those that are no text: two lists of schemas of which either may hold.
  struct Alternatives {
    var texts: [JSONValue] = []
    var others: [JSONValue] = []
    /// Whether a part could not be taken apart, so that its texts appear as JSON among the others.
    var isMixed = false
  }

  /// Takes a parameter's schema apart into texts and other values.
  static func alternatives(_ schema: JSONValue, root: JSONValue, depth: Int = 0) -> Alternatives {
    let kinds = Self.kinds(of: schema, root: root)
    var result = Alternatives()
    guard kinds.contains(.string) else {
      result.others = [schema]
      return result
    }
    guard case .object(let members) = schema, depth < 16 else {
      result.texts = [.members(["type": "string"])]
      result.others = [.members(["type": .array(nonTexts)])]
      return result
    }
    let constraining = members.filter { !annotations.contains($0.name) }
    let names = Set(constraining.map(\.name))
    if names == ["$ref"], let target = reference(schema, root: root) {
      return alternatives(target, root: root, depth: depth + 1)
    }
    for name in ["anyOf", "oneOf"] where names == [name] {
      for branch in schema[name]?.arrayValue ?? [] {
        let part = alternatives(branch, root: root, depth: depth + 1)
        result.texts += part.texts
        result.others += part.others
        result.isMixed = result.isMixed || part.isMixed
      }
      return result
    }
    if names == ["allOf"], let parts = schema["allOf"]?.arrayValue, parts.count == 1 {
      return alternatives(parts[0], root: root, depth: depth + 1)
    }
    if !names.isDisjoint(with: ["$ref", "anyOf", "oneOf", "allOf", "not", "if"]) {
      result.others = [schema]
      result.isMixed = true
      return result
    }
    if kinds == .string {
      result.texts = [schema]
      return result
    }
    func replacing(_ name: String, _ value: JSONValue) -> JSONValue {
      .object(constraining.filter { $0.name != name } + [JSONMember(name: name, value: value)])
    }
    if let values = schema["enum"]?.arrayValue {
      let texts = values.filter { $0.stringValue != nil }
      let others = values.filter { $0.stringValue == nil && kinds.contains($0) }
      result.texts = [replacing("enum", .array(texts))]
      if !others.isEmpty { result.others = [replacing("enum", .array(others))] }
      return result
    }
    result.texts = [replacing("type", "string")]
    let types: [JSONValue] =
      switch schema["type"] {
      case .array(let types)?: types.filter { $0 != "string" }
      default: nonTexts
      }
    if !types.isEmpty { result.others = [replacing("type", .array(types))] }
    return result
  }

  private static let nonTexts: [JSONValue] = ["null", "boolean", "number", "array", "object"]
  /// Keywords that hold values to nothing.
  private static let annotations: Set<String> = [
    "$defs", "definitions", "title", "description", "default", "examples", "$comment",
    "deprecated", "readOnly", "writeOnly", "$schema", "$id",
  ]
}
