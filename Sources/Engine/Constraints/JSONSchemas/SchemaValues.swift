import JSON

extension SchemaReader {
  /// Whether a value satisfies all the schemas.
  func admits(_ value: JSONValue, _ places: [SchemaPlace], depth: Int) throws(GrammarError) -> Bool
  {
    guard depth <= SchemaReader.maximumDepth else { return false }
    for alternative in try alternatives(places) where try admits(value, alternative, depth: depth) {
      return true
    }
    return false
  }

  /// Whether a value satisfies constraints.
  func admits(
    _ value: JSONValue, _ constraints: SchemaConstraints, depth: Int = 0
  ) throws(GrammarError) -> Bool {
    guard constraints.kinds.isSuperset(of: ValueKinds(value)) else { return false }
    if let values = constraints.values,
      !values.contains(where: { SchemaConstraints.areEqual($0, value) })
    {
      return false
    }
    switch value {
    case .null, .bool: return true
    case .string(let text):
      let length = text.unicodeScalars.count
      guard length >= constraints.minimumLength, length <= constraints.maximumLength ?? length
      else { return false }
      for pattern in constraints.patterns
      where try !pattern.expression.automaton(.plain).accepts(text.utf8) {
        return false
      }
      return true
    case .integer, .number:
      guard let number = Decimal(value) else { return false }
      if let minimum = constraints.minimum,
        number < minimum.value || (minimum.isExclusive && number == minimum.value)
      {
        return false
      }
      if let maximum = constraints.maximum,
        number > maximum.value || (maximum.isExclusive && number == maximum.value)
      {
        return false
      }
      for divisor in constraints.divisors {
        let range = SchemaConstraints.Bound(value: number, isExclusive: false)
        let language = NumberLanguage(minimum: range, maximum: range, isWhole: number.isWhole)
        if try language.automaton(multipleOf: divisor, path: constraints.path).isEmpty {
          return false
        }
      }
      return true
    case .array(let elements):
      guard elements.count >= constraints.minimumItems,
        elements.count <= constraints.maximumItems ?? elements.count
      else { return false }
      for (index, element) in elements.enumerated()
      where try !admits(element, constraints.places(ofItem: index), depth: depth + 1) {
        return false
      }
      return true
    case .object(let members):
      guard members.count >= constraints.minimumMembers,
        members.count <= constraints.maximumMembers ?? members.count,
        constraints.required.allSatisfy({ name in members.contains { $0.name == name } })
      else { return false }
      for member in members {
        let places = try constraints.places(ofMember: member.name, matches: SchemaStrings.matches)
        if try !admits(member.value, places, depth: depth + 1) { return false }
        if try !admits(.string(member.name), constraints.names, depth: depth + 1) { return false }
      }
      return true
    }
  }
}

/// Whether no value can satisfy two constraints at once, as far as that can be seen.
struct SchemaDisjointness {
  let reader: SchemaReader

  func areDisjoint(
    _ left: SchemaConstraints, _ right: SchemaConstraints, depth: Int
  ) throws(GrammarError) -> Bool {
    if let values = left.values { return try admitsNone(values, left, right) }
    if let values = right.values { return try admitsNone(values, right, left) }
    let common = left.kinds.intersection(right.kinds)
    if common.isEmpty { return true }
    if !common.isDisjoint(with: [.null, .boolean]) { return false }
    if !common.isDisjoint(with: .number), !areNumbersDisjoint(left, right) { return false }
    if common.contains(.string), !areStringsDisjoint(left, right) { return false }
    if common.contains(.array), !areSizesDisjoint(left, right) { return false }
    if common.contains(.object) { return try areObjectsDisjoint(left, right, depth: depth) }
    return true
  }

  private func admitsNone(
    _ values: [JSONValue], _ own: SchemaConstraints, _ other: SchemaConstraints
  ) throws(GrammarError) -> Bool {
    for value in values where try reader.admits(value, own) {
      if try reader.admits(value, other) { return false }
    }
    return true
  }

  private func areNumbersDisjoint(_ left: SchemaConstraints, _ right: SchemaConstraints) -> Bool {
    func lies(_ upper: SchemaConstraints.Bound?, below lower: SchemaConstraints.Bound?) -> Bool {
      guard let upper, let lower else { return false }
      return upper.value < lower.value
        || (upper.value == lower.value && (upper.isExclusive || lower.isExclusive))
    }
    return lies(left.maximum, below: right.minimum) || lies(right.maximum, below: left.minimum)
  }

  private func areStringsDisjoint(_ left: SchemaConstraints, _ right: SchemaConstraints) -> Bool {
    if let maximum = left.maximumLength, maximum < right.minimumLength { return true }
    if let maximum = right.maximumLength, maximum < left.minimumLength { return true }
    guard !left.patterns.isEmpty || !right.patterns.isEmpty else { return false }
    do {
      let one = try SchemaStrings.automaton(left, .anyJSON)
      return try one.intersection(try SchemaStrings.automaton(right, .anyJSON)).isEmpty
    } catch {
      // Languages too large to compare are not seen to exclude each other.
      return false
    }
  }

  private func areSizesDisjoint(_ left: SchemaConstraints, _ right: SchemaConstraints) -> Bool {
    if let maximum = left.maximumItems, maximum < right.minimumItems { return true }
    if let maximum = right.maximumItems, maximum < left.minimumItems { return true }
    return false
  }

  /// Objects exclude each other when both need a member whose values do, or one needs a member that the other bars.
  private func areObjectsDisjoint(
    _ left: SchemaConstraints, _ right: SchemaConstraints, depth: Int
  ) throws(GrammarError) -> Bool {
    guard depth < 4 else { return false }
    var names = left.required
    names += right.required.filter { !names.contains($0) }
    for name in names {
      let one = try reader.alternatives(
        left.places(ofMember: name, matches: SchemaStrings.matches))
      let other = try reader.alternatives(
        right.places(ofMember: name, matches: SchemaStrings.matches))
      var areApart = true
      for one in one {
        for other in other where areApart {
          areApart = try areDisjoint(one, other, depth: depth + 1)
        }
      }
      if areApart { return true }
    }
    return false
  }
}
