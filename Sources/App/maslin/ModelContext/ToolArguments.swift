import JSON
import ModelContext
import TerminalText

/// The arguments of a tool's call. Mistakes are refused with a sentence that tells the model what to change.
struct ToolArguments {
  private let members: [JSONMember]

  /// Reads arguments.
  ///
  /// - Parameter known: the names there are.
  init(_ value: JSONValue, known: [String]) throws(ToolFailure) {
    members = value.objectValue ?? []
    for member in members where !known.contains(member.name) {
      throw .refused(
        "there is no argument '\(SafeText.line(String(member.name.prefix(64))))'; there are: "
          + known.joined(separator: ", "))
    }
  }

  /// A value; nil when it is absent or null.
  subscript(name: String) -> JSONValue? {
    guard let value = members.last(where: { $0.name == name })?.value, value != .null else {
      return nil
    }
    return value
  }

  func string(_ name: String) throws(ToolFailure) -> String? {
    guard let value = self[name] else { return nil }
    guard let text = value.stringValue else { throw .refused("'\(name)' must be a string") }
    return text
  }

  func strings(_ name: String) throws(ToolFailure) -> [String] {
    guard let value = self[name] else { return [] }
    guard let elements = value.arrayValue, elements.count <= 256 else {
      throw .refused("'\(name)' must be an array of at most 256 strings")
    }
    let texts = elements.compactMap(\.stringValue)
    guard texts.count == elements.count else {
      throw .refused("'\(name)' must be an array of strings")
    }
    return texts
  }

  func flag(_ name: String) throws(ToolFailure) -> Bool {
    guard let value = self[name] else { return false }
    guard let flag = value.boolValue else { throw .refused("'\(name)' must be true or false") }
    return flag
  }

  func integer(_ name: String, in range: ClosedRange<Int>) throws(ToolFailure) -> Int? {
    guard let value = self[name] else { return nil }
    guard let number = value.integerValue, range.contains(number) else {
      throw .refused(
        "'\(name)' must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, _ type: Choice.Type
  ) throws(ToolFailure) -> Choice? where Choice.RawValue == String {
    guard let text = try string(name) else { return nil }
    guard let choice = Choice(rawValue: text) else {
      throw .refused(
        "'\(name)' must be one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return choice
  }
}

/// The JSON schemas of tools.
enum ToolSchema {
  /// The arguments of a tool; none is required by itself.
  static func object(_ properties: KeyValuePairs<String, JSONValue>...) -> JSONValue {
    .members([
      "type": "object",
      "properties": .object(
        properties.flatMap { $0.map { JSONMember(name: $0.key, value: $0.value) } }),
      "additionalProperties": false,
    ])
  }

  /// An object whose members beyond those named are described elsewhere.
  static func openObject(
    _ properties: KeyValuePairs<String, JSONValue>, required: [String]
  ) -> JSONValue {
    .members([
      "type": "object",
      "properties": .object(properties.map { JSONMember(name: $0.key, value: $0.value) }),
      "required": .strings(required),
    ])
  }

  static func value(_ type: String, _ description: String) -> JSONValue {
    .members(["type": .string(type), "description": .string(description)])
  }

  static func optional(_ type: String, _ description: String) -> JSONValue {
    .members(["type": .strings([type, "null"]), "description": .string(description)])
  }

  static func array(of element: JSONValue, _ description: String) -> JSONValue {
    .members(["type": "array", "items": element, "description": .string(description)])
  }

  static func choice(_ values: some Sequence<String>, _ description: String) -> JSONValue {
    .members([
      "type": "string", "enum": .strings(values), "description": .string(description),
    ])
  }

  static let strings = JSONValue.members(["type": "string"])
  static let notes = array(
    of: strings, "What was met on the way: imports not found, files left out.")
}
