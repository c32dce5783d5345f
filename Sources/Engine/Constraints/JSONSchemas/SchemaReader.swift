import JSON

/// Reads schemas into constraints: follows references, merges what holds together, and keeps alternatives apart.
struct SchemaReader {
  /// More alternatives of one schema than this are refused.
  static let maximumAlternatives = 256
  /// Deeper chains of references and combinations than this are refused.
  static let maximumDepth = 64

  /// More readings of schemas, in all, than this are refused.
  private static let maximumReadings = 200_000

  private final class Work { var readings = 0 }

  private let work = Work()
  private let root: JSONValue
  private let identifier: String?
  private var anchors: [String: SchemaPlace] = [:]

  init(_ schema: JSONValue) {
    root = schema
    identifier = schema["$id"]?.stringValue
    collectAnchors(schema, "#", depth: 0)
  }

  // MARK: - References

  private mutating func collectAnchors(_ value: JSONValue, _ path: String, depth: Int) {
    guard depth <= 200 else { return }
    switch value {
    case .object(let members):
      for name in ["$anchor", "$dynamicAnchor"] {
        if let anchor = value[name]?.stringValue, anchors[anchor] == nil {
          anchors[anchor] = SchemaPlace(schema: value, path: path)
        }
      }
      for member in members where member.name != "enum" && member.name != "const" {
        collectAnchors(
          member.value, path + "/" + SchemaPlace.escaped(member.name), depth: depth + 1)
      }
    case .array(let elements):
      for (index, element) in elements.enumerated() {
        collectAnchors(element, "\(path)/\(index)", depth: depth + 1)
      }
    default: break
    }
  }

  private func resolve(_ reference: String, at path: String) throws(GrammarError) -> SchemaPlace {
    var fragment = reference
    if let identifier, fragment.hasPrefix(identifier) {
      fragment.removeFirst(identifier.count)
      if fragment.isEmpty { fragment = "#" }
    }
    guard fragment.hasPrefix("#") else {
      throw GrammarError(
        .unsupported, "$ref \(reference) leads out of the schema; put what it names into $defs",
        at: path)
    }
    fragment.removeFirst()
    if fragment.isEmpty { return SchemaPlace(schema: root, path: "#") }
    guard fragment.hasPrefix("/") else {
      if let anchor = anchors[fragment] { return anchor }
      throw GrammarError(.syntax, "$ref \(reference) names no anchor of the schema", at: path)
    }
    var value = root
    var place = "#"
    for part in fragment.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
      guard let decoded = SchemaReader.percentDecoded(String(part)) else {
        throw GrammarError(.syntax, "$ref \(reference) is malformed", at: path)
      }
      let name = SchemaReader.unescaped(decoded)
      var next: JSONValue?
      switch value {
      case .object: next = value[name]
      case .array(let elements):
        if let index = Int(name), elements.indices.contains(index) { next = elements[index] }
      default: break
      }
      guard let next else {
        throw GrammarError(.syntax, "$ref \(reference) names nothing in the schema", at: path)
      }
      value = next
      place += "/" + SchemaPlace.escaped(name)
    }
    return SchemaPlace(schema: value, path: place)
  }

  private static func unescaped(_ part: String) -> String {
    var result = ""
    var isEscape = false
    for character in part.unicodeScalars {
      if isEscape {
        result.unicodeScalars.append(character == "1" ? "/" : "~")
        isEscape = false
      } else if character == "~" {
        isEscape = true
      } else {
        result.unicodeScalars.append(character)
      }
    }
    return result
  }

  private static func percentDecoded(_ text: String) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      else { return nil }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// The place a schema stands for: a schema that is a reference and nothing else stands for what it names.
  func target(of place: SchemaPlace) throws(GrammarError) -> SchemaPlace {
    var place = place
    for _ in 0..<SchemaReader.maximumDepth {
      guard case .object(let members) = place.schema,
        let reference = place.schema["$ref"]?.stringValue,
        members.allSatisfy({ $0.name == "$ref" || SchemaKeywords.isAnnotation($0.name) })
      else { return place }
      place = try resolve(reference, at: place.path + "/$ref")
    }
    throw GrammarError(.unsatisfiable, "the references lead in a circle", at: place.path)
  }

  // MARK: - Alternatives

  /// What a value may be so that it satisfies all the schemas: one of these.
  func alternatives(
    _ places: [SchemaPlace], depth: Int = 0
  ) throws(GrammarError) -> [SchemaConstraints] {
    var unconstrained = SchemaConstraints()
    unconstrained.path = places.first?.path ?? "#"
    var result = [unconstrained]
    for place in places {
      result = try SchemaReader.product(
        result, try alternatives(place, depth: depth), at: place.path)
    }
    return result
  }

  private static func product(
    _ left: [SchemaConstraints], _ right: [SchemaConstraints], at path: String
  ) throws(GrammarError) -> [SchemaConstraints] {
    guard left.count * right.count <= maximumAlternatives else {
      throw GrammarError(
        .tooLarge, "the schema has more than \(maximumAlternatives) combinations of alternatives",
        at: path)
    }
    return left.flatMap { left in right.map { left.merged($0) } }.filter { !$0.kinds.isEmpty }
  }

  private func alternatives(
    _ place: SchemaPlace, depth: Int
  ) throws(GrammarError) -> [SchemaConstraints] {
    guard depth <= SchemaReader.maximumDepth else {
      throw GrammarError(
        .tooLarge,
        "references and combinations are nested more than \(SchemaReader.maximumDepth) deep, or lead in a circle",
        at: place.path)
    }
    work.readings += 1
    guard work.readings <= SchemaReader.maximumReadings else {
      throw GrammarError(
        .tooLarge, "the references and combinations of the schema are too many", at: place.path)
    }
    var unconstrained = SchemaConstraints()
    unconstrained.path = place.path
    switch place.schema {
    case .bool(true): return [unconstrained]
    case .bool(false): return []
    case .object(let members):
      var keywords = SchemaKeywords(place)
      for member in members { try keywords.read(member.name, member.value) }
      var result = [try keywords.finished()]
      if let reference = keywords.reference {
        let target = try resolve(reference, at: place.path + "/$ref")
        result = try SchemaReader.product(
          result, try alternatives(target, depth: depth + 1), at: place.path)
      }
      for part in keywords.allOf {
        result = try SchemaReader.product(
          result, try alternatives(part, depth: depth + 1), at: place.path)
      }
      if let anyOf = keywords.anyOf {
        var union: [SchemaConstraints] = []
        for part in anyOf { union += try alternatives(part, depth: depth + 1) }
        result = try SchemaReader.product(result, union, at: place.path)
      }
      if let oneOf = keywords.oneOf {
        result = try exclusive(oneOf, with: result, at: place.path, depth: depth)
      }
      return result
    default:
      throw GrammarError(.syntax, "a schema is an object, true or false", at: place.path)
    }
  }

  /// The alternatives of `oneOf`, each together with what stands beside it, once they are seen to exclude each other.
  private func exclusive(
    _ branches: [SchemaPlace], with base: [SchemaConstraints], at path: String, depth: Int
  ) throws(GrammarError) -> [SchemaConstraints] {
    var parts: [[SchemaConstraints]] = []
    for branch in branches {
      parts.append(
        try SchemaReader.product(base, try alternatives(branch, depth: depth + 1), at: path))
    }
    let disjointness = SchemaDisjointness(reader: self)
    for left in parts.indices {
      for right in parts.indices where left < right {
        for one in parts[left] {
          for other in parts[right] where try !disjointness.areDisjoint(one, other, depth: 0) {
            throw GrammarError(
              .unsupported,
              "branches \(left) and \(right) of oneOf may both hold for one value; use anyOf, or give them different types or constants",
              at: path + "/oneOf")
          }
        }
      }
    }
    return parts.flatMap { $0 }
  }
}
