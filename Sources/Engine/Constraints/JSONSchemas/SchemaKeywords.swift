import JSON

/// Reads the keywords of one schema object.
struct SchemaKeywords {
  private let place: SchemaPlace
  private var constraints = SchemaConstraints()
  private var items = SchemaConstraints.Items()
  private var members = SchemaConstraints.Members()
  private var isNullable = false
  private var hasItems = false
  private var hasMembers = false
  private var unevaluatedMembers: SchemaPlace?
  private var unevaluatedItems: SchemaPlace?

  private(set) var reference: String?
  private(set) var allOf: [SchemaPlace] = []
  private(set) var anyOf: [SchemaPlace]?
  private(set) var oneOf: [SchemaPlace]?

  init(_ place: SchemaPlace) {
    self.place = place
    constraints.path = place.path
  }

  /// Keywords that demand something of a value in some draft, and that cannot be enforced.
  private static let refused: Set<String> = [
    "not", "if", "dependentRequired", "dependentSchemas", "dependencies", "contains",
    "additionalItems", "$dynamicRef", "$recursiveRef", "divisibleBy", "disallow", "extends",
  ]

  private static let enforced: Set<String> = [
    "$ref", "allOf", "anyOf", "oneOf", "type", "enum", "const", "nullable", "minLength",
    "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "prefixItems", "items", "minItems", "maxItems",
    "uniqueItems", "properties", "required", "patternProperties", "additionalProperties",
    "propertyNames", "minProperties", "maxProperties", "unevaluatedProperties",
    "unevaluatedItems",
  ]

  /// Whether a keyword demands nothing: annotations, definitions, and, as the specification says, all that it does not
  /// know.
  static func isAnnotation(_ name: String) -> Bool {
    !refused.contains(name) && !enforced.contains(name)
  }

  mutating func read(_ name: String, _ value: JSONValue) throws(GrammarError) {
    switch name {
    case "$ref":
      guard let text = value.stringValue else { throw malformed(name, "a string") }
      reference = text
    case "allOf": allOf = try places(name, value)
    case "anyOf": anyOf = try places(name, value)
    case "oneOf": oneOf = try places(name, value)
    case "type": constraints.kinds = try kinds(value)
    case "nullable":
      guard let flag = value.boolValue else { throw malformed(name, "true or false") }
      isNullable = flag
    case "enum":
      guard let values = value.arrayValue else { throw malformed(name, "an array") }
      constrain(to: values)
    case "const": constrain(to: [value])
    case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties":
      try readCount(name, value)
    case "pattern": try readPattern(value)
    case "format": try readFormat(value)
    case "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum": try readBound(name, value)
    case "multipleOf":
      guard let divisor = Decimal(value), divisor > .zero else {
        throw malformed(name, "a number above zero")
      }
      constraints.divisors.append(divisor)
    case "prefixItems":
      items.first = try places(name, value)
      hasItems = true
    case "items":
      if value.arrayValue != nil {
        throw GrammarError(
          .unsupported, "items is one schema; schemas by position stand in prefixItems",
          at: path(name))
      }
      items.rest = place.member(name, of: value)
      hasItems = true
    case "uniqueItems":
      guard let flag = value.boolValue else { throw malformed(name, "true or false") }
      if flag { throw refused(name) }
    case "properties":
      for member in try object(name, value) {
        guard !members.properties.contains(where: { $0.name == member.name }) else { continue }
        members.properties.append(
          (member.name, place.member(name, member.name, of: member.value)))
      }
      hasMembers = true
    case "patternProperties":
      members.patterns = try object(name, value).map {
        ($0.name, place.member(name, $0.name, of: $0.value))
      }
      hasMembers = true
    case "additionalProperties":
      members.additional = place.member(name, of: value)
      hasMembers = true
    case "required":
      guard let names = value.arrayValue?.map(\.stringValue), !names.contains(nil) else {
        throw malformed(name, "an array of strings")
      }
      for name in names.compactMap(\.self) where !constraints.required.contains(name) {
        constraints.required.append(name)
      }
    case "propertyNames": constraints.names.append(place.member(name, of: value))
    case "unevaluatedProperties": unevaluatedMembers = place.member(name, of: value)
    case "unevaluatedItems": unevaluatedItems = place.member(name, of: value)
    case _ where SchemaKeywords.refused.contains(name): throw refused(name)
    default: break
    }
  }

  /// What the keywords of the object itself demand.
  func finished() throws(GrammarError) -> SchemaConstraints {
    var result = constraints
    var members = members
    var items = items
    let standsAlone = reference == nil && allOf.isEmpty && anyOf == nil && oneOf == nil
    if let unevaluatedMembers, unevaluatedMembers.schema != .bool(true) {
      guard standsAlone else { throw refused("unevaluatedProperties") }
      if members.additional == nil { members.additional = unevaluatedMembers }
    }
    if let unevaluatedItems, unevaluatedItems.schema != .bool(true) {
      guard standsAlone else { throw refused("unevaluatedItems") }
      if items.rest == nil { items.rest = unevaluatedItems }
    }
    if hasMembers || members.additional != nil { result.members = [members] }
    if hasItems || items.rest != nil { result.items = [items] }
    if isNullable { result.kinds.insert(.null) }
    return result
  }

  // MARK: - Single keywords

  private mutating func constrain(to values: [JSONValue]) {
    constraints.values =
      constraints.values.map { known in
        known.filter { value in values.contains { SchemaConstraints.areEqual($0, value) } }
      } ?? values
  }

  private func kinds(_ value: JSONValue) throws(GrammarError) -> ValueKinds {
    var result: ValueKinds = []
    for name in value.arrayValue ?? [value] {
      guard let kind = name.stringValue.flatMap({ ValueKinds(name: $0) }) else {
        throw malformed("type", "the name of a type or an array of names")
      }
      result.formUnion(kind)
    }
    return result
  }

  private mutating func readCount(_ name: String, _ value: JSONValue) throws(GrammarError) {
    guard let count = Decimal(value), count.isWhole, !count.isNegative else {
      throw malformed(name, "a whole number from 0")
    }
    // Counts beyond any text are as good as none, and as good as impossible.
    let digits = count.whole.map { String($0) }.joined()
    let number = min(Int(digits) ?? Int(Int32.max) - 1, Int(Int32.max) - 1)
    switch name {
    case "minLength": constraints.minimumLength = number
    case "maxLength": constraints.maximumLength = number
    case "minItems": constraints.minimumItems = number
    case "maxItems": constraints.maximumItems = number
    case "minProperties": constraints.minimumMembers = number
    default: constraints.maximumMembers = number
    }
  }

  private mutating func readPattern(_ value: JSONValue) throws(GrammarError) {
    guard let pattern = value.stringValue else { throw malformed("pattern", "a string") }
    do {
      let expression = try RegularExpression(pattern).search
      constraints.patterns.append(.init(expression: expression, path: path("pattern")))
    } catch {
      throw error.within(path("pattern"))
    }
  }

  private mutating func readFormat(_ value: JSONValue) throws(GrammarError) {
    guard let name = value.stringValue else { throw malformed("format", "a string") }
    if StringFormat.refused.contains(name) {
      throw GrammarError(.unsupported, "the format \(name) cannot be enforced", at: path("format"))
    }
    if let expression = try StringFormat.expression(name) {
      constraints.patterns.append(.init(expression: expression, path: path("format")))
    }
  }

  private mutating func readBound(_ name: String, _ value: JSONValue) throws(GrammarError) {
    guard let bound = Decimal(value) else { throw malformed(name, "a number") }
    var other = SchemaConstraints()
    switch name {
    case "minimum": other.minimum = .init(value: bound, isExclusive: false)
    case "exclusiveMinimum": other.minimum = .init(value: bound, isExclusive: true)
    case "maximum": other.maximum = .init(value: bound, isExclusive: false)
    default: other.maximum = .init(value: bound, isExclusive: true)
    }
    constraints = constraints.merged(other)
  }

  // MARK: - Shapes

  private func places(_ name: String, _ value: JSONValue) throws(GrammarError) -> [SchemaPlace] {
    guard let elements = value.arrayValue, !elements.isEmpty else {
      throw malformed(name, "an array of schemas")
    }
    return elements.enumerated().map { index, element in
      place.member(name, String(index), of: element)
    }
  }

  private func object(_ name: String, _ value: JSONValue) throws(GrammarError) -> [JSONMember] {
    guard let members = value.objectValue else { throw malformed(name, "an object of schemas") }
    return members
  }

  private func path(_ name: String) -> String { place.path + "/" + SchemaPlace.escaped(name) }

  private func malformed(_ name: String, _ wanted: String) -> GrammarError {
    GrammarError(.syntax, "\(name) must be \(wanted)", at: path(name))
  }

  private func refused(_ name: String) -> GrammarError {
    GrammarError(.unsupported, "\(name) cannot be enforced while a text is written", at: path(name))
  }
}
