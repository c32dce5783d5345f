import Foundation
import JSON

/// A second reading of JSON schema, written straight from the specification for the keywords of the test schemas; it
/// shares nothing with the library but the JSON parser.
struct SchemaValidator {
  let root: JSONValue

  func isValid(_ value: JSONValue) -> Bool { isValid(value, root) }

  private func isValid(_ value: JSONValue, _ schema: JSONValue) -> Bool {
    if case .bool(let flag) = schema { return flag }
    guard let keywords = schema.objectValue else { return false }
    return keywords.allSatisfy { check($0.name, $0.value, value, schema) }
  }

  private func check(
    _ keyword: String, _ argument: JSONValue, _ value: JSONValue, _ schema: JSONValue
  ) -> Bool {
    switch keyword {
    case "type":
      return (argument.arrayValue ?? [argument]).contains { isOfType(value, $0.stringValue ?? "") }
    case "enum": return (argument.arrayValue ?? []).contains { isEqual($0, value) }
    case "const": return isEqual(argument, value)
    case "$ref": return isValid(value, resolve(argument.stringValue ?? ""))
    case "allOf": return (argument.arrayValue ?? []).allSatisfy { isValid(value, $0) }
    case "anyOf": return (argument.arrayValue ?? []).contains { isValid(value, $0) }
    case "oneOf": return (argument.arrayValue ?? []).count { isValid(value, $0) } == 1
    case "minLength", "maxLength", "pattern", "format":
      guard let text = value.stringValue else { return true }
      return checkString(keyword, argument, text)
    case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf":
      guard let number = number(value), let bound = self.number(argument) else { return true }
      return checkNumber(keyword, bound, number)
    case "items", "prefixItems", "minItems", "maxItems":
      guard let items = value.arrayValue else { return true }
      return checkItems(keyword, argument, items, schema)
    default:
      guard let members = value.objectValue else { return true }
      return checkMembers(keyword, argument, members, schema)
    }
  }

  private func isOfType(_ value: JSONValue, _ name: String) -> Bool {
    switch (name, value) {
    case ("null", .null), ("boolean", .bool), ("object", .object), ("array", .array),
      ("string", .string), ("number", .integer), ("number", .number), ("integer", .integer):
      return true
    case ("integer", .number(let number)): return number == number.rounded()
    default: return false
    }
  }

  private func isEqual(_ left: JSONValue, _ right: JSONValue) -> Bool {
    if let left = number(left), let right = number(right) { return left == right }
    if case .object(let left) = left, case .object(let right) = right {
      return left.count == right.count
        && left.allSatisfy { member in
          right.contains { $0.name == member.name && isEqual($0.value, member.value) }
        }
    }
    if case .array(let left) = left, case .array(let right) = right {
      return left.count == right.count && zip(left, right).allSatisfy { isEqual($0, $1) }
    }
    return left == right
  }

  private func number(_ value: JSONValue) -> Double? {
    switch value {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  private func resolve(_ reference: String) -> JSONValue {
    var value = root
    for part in reference.dropFirst().split(separator: "/") { value = value[String(part)] ?? false }
    return value
  }

  private func checkString(_ keyword: String, _ argument: JSONValue, _ text: String) -> Bool {
    switch keyword {
    case "minLength": return text.unicodeScalars.count >= argument.integerValue ?? 0
    case "maxLength": return text.unicodeScalars.count <= argument.integerValue ?? 0
    case "pattern": return found(argument.stringValue ?? "", text)
    default:
      switch argument.stringValue {
      case "date": return isDate(text)
      case "ipv4":
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
          && parts.allSatisfy { part in UInt8(part).map { String($0) == part } ?? false }
      case "uuid": return UUID(uuidString: text) != nil
      default: return true
      }
    }
  }

  private func found(_ pattern: String, _ text: String) -> Bool {
    guard let expression = try? NSRegularExpression(pattern: pattern) else { return false }
    let range = NSRange(text.startIndex..., in: text)
    return expression.firstMatch(in: text, range: range) != nil
  }

  private func isDate(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, parts.map(\.count) == [4, 2, 2], let year = Int(parts[0]),
      let month = Int(parts[1]), let day = Int(parts[2]), (1...12).contains(month)
    else { return false }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return (1...days[month - 1]).contains(day)
  }

  private func checkNumber(_ keyword: String, _ bound: Double, _ number: Double) -> Bool {
    switch keyword {
    case "minimum": number >= bound
    case "maximum": number <= bound
    case "exclusiveMinimum": number > bound
    case "exclusiveMaximum": number < bound
    default: (number / bound).rounded() == number / bound
    }
  }

  private func checkItems(
    _ keyword: String, _ argument: JSONValue, _ items: [JSONValue], _ schema: JSONValue
  ) -> Bool {
    switch keyword {
    case "minItems": return items.count >= argument.integerValue ?? 0
    case "maxItems": return items.count <= argument.integerValue ?? 0
    case "prefixItems":
      return zip(items, argument.arrayValue ?? []).allSatisfy { isValid($0, $1) }
    default:
      let named = schema["prefixItems"]?.arrayValue?.count ?? 0
      return items.dropFirst(named).allSatisfy { isValid($0, argument) }
    }
  }

  private func checkMembers(
    _ keyword: String, _ argument: JSONValue, _ members: [JSONMember], _ schema: JSONValue
  ) -> Bool {
    let patterns = schema["patternProperties"]?.objectValue ?? []
    switch keyword {
    case "required":
      return (argument.arrayValue ?? []).allSatisfy { name in
        members.contains { $0.name == name.stringValue }
      }
    case "properties":
      return members.allSatisfy { member in
        argument[member.name].map { isValid(member.value, $0) } ?? true
      }
    case "patternProperties":
      return members.allSatisfy { member in
        patterns.allSatisfy { !found($0.name, member.name) || isValid(member.value, $0.value) }
      }
    case "additionalProperties":
      return members.allSatisfy { member in
        schema["properties"]?[member.name] != nil
          || patterns.contains { found($0.name, member.name) } || isValid(member.value, argument)
      }
    case "propertyNames": return members.allSatisfy { isValid(.string($0.name), argument) }
    case "minProperties": return members.count >= argument.integerValue ?? 0
    case "maxProperties": return members.count <= argument.integerValue ?? 0
    default: return true
    }
  }

  /// Whether some object in a value has two members of one name.
  static func hasRepeatedNames(_ value: JSONValue) -> Bool {
    switch value {
    case .array(let elements): return elements.contains(where: hasRepeatedNames)
    case .object(let members):
      return Set(members.map(\.name)).count != members.count
        || members.contains { hasRepeatedNames($0.value) }
    default: return false
    }
  }
}
