import JSON

/// A schema and where it stands in its document.
struct SchemaPlace: Hashable, Sendable {
  var schema: JSONValue
  /// A JSON pointer in fragment form: `#/properties/age`.
  var path: String

  static func == (left: SchemaPlace, right: SchemaPlace) -> Bool { left.path == right.path }
  func hash(into hasher: inout Hasher) { hasher.combine(path) }

  func member(_ names: String..., of value: JSONValue) -> SchemaPlace {
    SchemaPlace(schema: value, path: names.reduce(path) { $0 + "/" + SchemaPlace.escaped($1) })
  }

  static func escaped(_ name: String) -> String {
    var result = ""
    for character in name.unicodeScalars {
      switch character {
      case "~": result += "~0"
      case "/": result += "~1"
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}

/// The kinds of JSON values; numbers with and without a fraction are told apart.
struct ValueKinds: OptionSet, Hashable, Sendable {
  let rawValue: UInt8

  static let null = ValueKinds(rawValue: 1)
  static let boolean = ValueKinds(rawValue: 2)
  static let object = ValueKinds(rawValue: 4)
  static let array = ValueKinds(rawValue: 8)
  static let string = ValueKinds(rawValue: 16)
  static let integer = ValueKinds(rawValue: 32)
  static let fraction = ValueKinds(rawValue: 64)
  static let number: ValueKinds = [.integer, .fraction]
  static let all = ValueKinds(rawValue: 127)

  /// The kinds a `type` keyword names.
  init?(name: String) {
    switch name {
    case "null": self = .null
    case "boolean": self = .boolean
    case "object": self = .object
    case "array": self = .array
    case "string": self = .string
    case "integer": self = .integer
    case "number": self = .number
    default: return nil
    }
  }

  init(rawValue: UInt8) { self.rawValue = rawValue }

  init(_ value: JSONValue) {
    switch value {
    case .null: self = .null
    case .bool: self = .boolean
    case .integer: self = .integer
    case .number(let number): self = number == number.rounded() ? .integer : .fraction
    case .string: self = .string
    case .array: self = .array
    case .object: self = .object
    }
  }
}

/// What one reading of a schema demands of a value: everything holds together. Alternatives are several of these.
struct SchemaConstraints: Sendable {
  /// The keywords of one schema object about the members of objects, which speak of one another.
  struct Members: Sendable {
    var properties: [(name: String, place: SchemaPlace)] = []
    var patterns: [(pattern: String, place: SchemaPlace)] = []
    var additional: SchemaPlace?
  }

  /// The keywords of one schema object about the items of arrays.
  struct Items: Sendable {
    var first: [SchemaPlace] = []
    var rest: SchemaPlace?
  }

  /// A bound of a range of numbers.
  struct Bound: Sendable {
    var value: Decimal
    var isExclusive: Bool
  }

  /// A pattern or a format, and where it stands.
  struct Pattern: Hashable, Sendable {
    var expression: ScalarExpression
    var path: String
  }

  var kinds = ValueKinds.all
  /// The only values there are.
  var values: [JSONValue]?
  var minimumLength = 0
  var maximumLength: Int?
  var patterns: [Pattern] = []
  var minimum: Bound?
  var maximum: Bound?
  var divisors: [Decimal] = []
  var items: [Items] = []
  var minimumItems = 0
  var maximumItems: Int?
  var members: [Members] = []
  var required: [String] = []
  var names: [SchemaPlace] = []
  var minimumMembers = 0
  var maximumMembers: Int?
  /// Where the schema stands that it was first read from.
  var path = "#"

  /// Both constraints together.
  func merged(_ other: SchemaConstraints) -> SchemaConstraints {
    var result = self
    result.kinds = kinds.intersection(other.kinds)
    if let values = other.values {
      result.values =
        result.values?.filter { value in
          values.contains { SchemaConstraints.areEqual($0, value) }
        } ?? values
    }
    result.minimumLength = max(minimumLength, other.minimumLength)
    result.maximumLength = SchemaConstraints.smaller(maximumLength, other.maximumLength)
    result.patterns += other.patterns.filter { !patterns.contains($0) }
    result.minimum = SchemaConstraints.stricter(minimum, other.minimum, upper: false)
    result.maximum = SchemaConstraints.stricter(maximum, other.maximum, upper: true)
    result.divisors += other.divisors.filter { !divisors.contains($0) }
    result.items += other.items
    result.minimumItems = max(minimumItems, other.minimumItems)
    result.maximumItems = SchemaConstraints.smaller(maximumItems, other.maximumItems)
    result.members += other.members
    result.required += other.required.filter { !required.contains($0) }
    result.names += other.names
    result.minimumMembers = max(minimumMembers, other.minimumMembers)
    result.maximumMembers = SchemaConstraints.smaller(maximumMembers, other.maximumMembers)
    return result
  }

  private static func smaller(_ left: Int?, _ right: Int?) -> Int? {
    guard let left else { return right }
    return right.map { min(left, $0) } ?? left
  }

  private static func stricter(_ left: Bound?, _ right: Bound?, upper: Bool) -> Bound? {
    guard let left, let right else { return left ?? right }
    if left.value == right.value { return left.isExclusive ? left : right }
    return (left.value < right.value) == upper ? left : right
  }

  /// Whether two values are the same to JSON schema: 1 and 1.0 are, and the order of members does not matter.
  static func areEqual(_ left: JSONValue, _ right: JSONValue) -> Bool {
    switch (left, right) {
    case (.integer, .number), (.number, .integer), (.number, .number):
      return Decimal(left) == Decimal(right)
    case (.array(let left), .array(let right)):
      return left.count == right.count && zip(left, right).allSatisfy(areEqual)
    case (.object(let left), .object(let right)):
      return left.count == right.count
        && left.allSatisfy { member in
          right.contains { $0.name == member.name && areEqual($0.value, member.value) }
        }
    default: return left == right
    }
  }

  /// The places that the value of a member of that name must satisfy, and whether any keyword names it.
  func places(ofMember name: String, matches: (String, String) throws(GrammarError) -> Bool)
    throws(GrammarError) -> [SchemaPlace]
  {
    var result: [SchemaPlace] = []
    for group in members {
      var isKnown = false
      for property in group.properties where property.name == name {
        result.append(property.place)
        isKnown = true
      }
      for pattern in group.patterns where try matches(pattern.pattern, name) {
        result.append(pattern.place)
        isKnown = true
      }
      if !isKnown, let additional = group.additional { result.append(additional) }
    }
    return result
  }

  /// The places that the item at an index must satisfy.
  func places(ofItem index: Int) -> [SchemaPlace] {
    items.compactMap { group in
      index < group.first.count ? group.first[index] : group.rest
    }
  }
}
