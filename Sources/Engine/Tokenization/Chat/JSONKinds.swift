import JSON

/// Kinds of JSON values, as JSON schemas name them.
public struct JSONKinds: OptionSet, Hashable, Sendable {
  /// One bit a kind.
  public let rawValue: UInt8

  /// Makes a set of its bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// `null`
  public static let null = JSONKinds(rawValue: 1)
  /// `true` and `false`
  public static let boolean = JSONKinds(rawValue: 2)
  /// Whole numbers.
  public static let integer = JSONKinds(rawValue: 4)
  /// Numbers that are not whole.
  public static let fraction = JSONKinds(rawValue: 8)
  /// Strings.
  public static let string = JSONKinds(rawValue: 16)
  /// Arrays.
  public static let array = JSONKinds(rawValue: 32)
  /// Objects.
  public static let object = JSONKinds(rawValue: 64)
  /// All numbers.
  public static let number: JSONKinds = [.integer, .fraction]
  /// Everything.
  public static let all: JSONKinds = [.null, .boolean, .number, .string, .array, .object]

  /// The kind of a value.
  public init(_ value: JSONValue) {
    switch value {
    case .null: self = .null
    case .bool: self = .boolean
    case .integer: self = .integer
    case .number(let number): self = number.rounded() == number ? .integer : .fraction
    case .string: self = .string
    case .array: self = .array
    case .object: self = .object
    }
  }

  /// The kinds that a JSON schema calls `name`; empty for a name that is none of its types.
  public init(schemaType name: String) {
    switch name {
    case "null": self = .null
    case "boolean": self = .boolean
    case "integer": self = .integer
    case "number": self = .number
    case "string": self = .string
    case "array": self = .array
    case "object": self = .object
    default: self = []
    }
  }

  /// Whether a value is of one of the kinds.
  public func contains(_ value: JSONValue) -> Bool { !isDisjoint(with: JSONKinds(value)) }
}
