import GGUF
import JSON

/// A model's config.json: members are looked up in its text part first.
struct HuggingFaceConfiguration {
  private let path: String
  private let whole: JSONValue
  private let text: JSONValue?

  init(directory: String) throws(ModelFileError) {
    path = "\(directory)/config.json"
    whole = try ModelDirectory.readJSON(path)
    guard case .object = whole else { throw .content(path: path, problem: "is no JSON object") }
    text = whole["text_config"]
  }

  subscript(name: String) -> JSONValue? {
    let value = text?[name] ?? whole[name]
    return value == .null ? nil : value
  }

  /// The names by which the file calls the kind of model.
  var kinds: [String] {
    let types = [text?["model_type"], whole["model_type"]].compactMap { $0?.stringValue }
    return types + (whole["architectures"]?.arrayValue ?? []).compactMap(\.stringValue)
  }

  func integer(_ name: String) throws(ModelFileError) -> Int {
    guard let value = try optionalInteger(name) else { throw missing(name) }
    return value
  }

  /// A count: not negative, and of a size that metadata holds.
  func optionalInteger(_ name: String) throws(ModelFileError) -> Int? {
    guard let value = self[name] else { return nil }
    guard let integer = value.integerValue, (0...Int(Int32.max)).contains(integer) else {
      throw .content(path: path, problem: "'\(name)' is no count")
    }
    return integer
  }

  func number(_ name: String) throws(ModelFileError) -> Double {
    guard let value = try optionalNumber(name) else { throw missing(name) }
    return value
  }

  func optionalNumber(_ name: String) throws(ModelFileError) -> Double? {
    guard let value = self[name] else { return nil }
    guard let number = Self.number(value) else {
      throw .content(path: path, problem: "'\(name)' is no number")
    }
    return number
  }

  func bool(_ name: String) -> Bool? { self[name]?.boolValue }

  func integers(_ name: String) throws(ModelFileError) -> [Int]? {
    guard let value = self[name] else { return nil }
    guard let list = value.arrayValue else {
      throw .content(path: path, problem: "'\(name)' is no list")
    }
    let integers = list.compactMap(\.integerValue)
    guard integers.count == list.count, integers.allSatisfy({ Int32(exactly: $0) != nil }) else {
      throw .content(path: path, problem: "'\(name)' is no list of integers")
    }
    return integers
  }

  /// A member of the parameters of rotary positions, in either of the forms that config files have.
  func rope(_ name: String) -> JSONValue? {
    for place in [self["rope_parameters"], self["rope_scaling"]] {
      if let value = place?[name], value != .null { return value }
    }
    return nil
  }

  func ropeNumber(_ name: String) -> Double? { rope(name).flatMap(Self.number) }

  func missing(_ name: String) -> ModelFileError {
    .content(path: path, problem: "'\(name)' is missing")
  }

  func wrong(_ problem: String) -> ModelFileError { .content(path: path, problem: problem) }

  static func number(_ value: JSONValue) -> Double? {
    switch value {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}
