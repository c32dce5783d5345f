import JSON

/// Writes JSON as Python's `json.dumps(value, ensure_ascii=False)` does, which is what prompts were trained with:
/// a space after commas and colons, no escapes but the necessary ones.
enum PythonJSON {
  /// The text of a value.
  static func text(_ value: JSONValue) -> String {
    switch value {
    case .null: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .integer(let value): return String(value)
    case .number(let value): return value.description
    case .string(let value): return text(value)
    case .array(let elements): return "[" + elements.map(text).joined(separator: ", ") + "]"
    case .object(let members):
      return "{" + members.map { text($0.name) + ": " + text($0.value) }.joined(separator: ", ")
        + "}"
    }
  }

  /// The text of a string, in quotes.
  static func text(_ string: String) -> String {
    var result = "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{8}": result += "\\b"
      case "\u{C}": result += "\\f"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// The value of a JSON text, or nil.
  static func parse(_ text: String) -> JSONValue? { try? JSONParser.parse(Array(text.utf8)) }

  /// The members of a JSON object; of members with equal names the last value, in the place of the first.
  static func members(_ text: String) -> [JSONMember]? {
    guard let members = parse(text)?.objectValue else { return nil }
    var result: [JSONMember] = []
    var places: [String: Int] = [:]
    for member in members {
      if let place = places[member.name] {
        result[place] = member
      } else {
        places[member.name] = result.count
        result.append(member)
      }
    }
    return result
  }
}
