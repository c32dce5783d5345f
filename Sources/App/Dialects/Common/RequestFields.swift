import JSON
import ModelServing

/// Typed access to the members of a JSON object from outside; errors name the path of the member.
///
/// A member that is `null` counts as absent, as the official clients send it.
public struct RequestFields: Sendable {
  /// The object's members.
  public let members: [JSONMember]
  /// The path of the object: empty, or `messages[2]`.
  public let path: String

  /// Reads an object.
  ///
  /// - Throws: `ServiceError.invalid` when it is something else.
  public init(_ value: JSONValue?, path: String = "") throws(ServiceError) {
    guard case .object(let members)? = value else {
      throw .invalid(
        message: path.isEmpty ? "the body must be a JSON object" : "must be an object",
        parameter: path.isEmpty ? nil : path)
    }
    self.members = members
    self.path = path
  }

  /// The path of a member.
  public func path(of name: String) -> String { path.isEmpty ? name : path + "." + name }

  /// A member's value; nil when it is absent or null.
  public subscript(name: String) -> JSONValue? {
    guard let value = members.last(where: { $0.name == name })?.value, value != .null else {
      return nil
    }
    return value
  }

  /// Why a member is refused.
  public func invalid(_ name: String, _ message: String) -> ServiceError {
    .invalid(message: message, parameter: path(of: name))
  }

  /// A string, or nil when absent.
  public func string(_ name: String) throws(ServiceError) -> String? {
    guard let value = self[name] else { return nil }
    guard let text = value.stringValue else { throw invalid(name, "must be a string") }
    return text
  }

  /// A string that must be there.
  public func requiredString(_ name: String) throws(ServiceError) -> String {
    guard let text = try string(name) else { throw invalid(name, "is missing") }
    return text
  }

  /// A truth value, or nil when absent.
  public func bool(_ name: String) throws(ServiceError) -> Bool? {
    guard let value = self[name] else { return nil }
    guard let flag = value.boolValue else { throw invalid(name, "must be true or false") }
    return flag
  }

  /// A whole number in a range, or nil when absent. `2.0` counts as one.
  public func integer(
    _ name: String, in range: ClosedRange<Int>
  ) throws(ServiceError) -> Int? {
    guard let value = self[name] else { return nil }
    var number = value.integerValue
    if case .number(let double) = value { number = Int(exactly: double) }
    guard let number else { throw invalid(name, "must be a whole number") }
    guard range.contains(number) else {
      throw invalid(name, "is \(number); it must be \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A number in a range, or nil when absent.
  public func number(
    _ name: String, in range: ClosedRange<Double>
  ) throws(ServiceError) -> Double? {
    guard let value = self[name] else { return nil }
    let number: Double
    switch value {
    case .integer(let whole): number = Double(whole)
    case .number(let double): number = double
    default: throw invalid(name, "must be a number")
    }
    guard range.contains(number) else {
      throw invalid(name, "is \(number); it must be \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// An array, or nil when absent.
  public func array(_ name: String) throws(ServiceError) -> [JSONValue]? {
    guard let value = self[name] else { return nil }
    guard let elements = value.arrayValue else { throw invalid(name, "must be an array") }
    return elements
  }

  /// An object, or nil when absent.
  public func object(_ name: String) throws(ServiceError) -> RequestFields? {
    guard let value = self[name] else { return nil }
    return try RequestFields(value, path: path(of: name))
  }

  /// Objects, or nil when absent.
  public func objects(_ name: String) throws(ServiceError) -> [RequestFields]? {
    guard let elements = try array(name) else { return nil }
    var fields: [RequestFields] = []
    for (index, element) in elements.enumerated() {
      fields.append(try RequestFields(element, path: "\(path(of: name))[\(index)]"))
    }
    return fields
  }
}
