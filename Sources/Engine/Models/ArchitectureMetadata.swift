import GGUF

/// The metadata of a model file that belong to its architecture (`deepseek4.block_count`), checked while they are read.
///
/// A missing key is no error where its value can be derived (from the shapes of tensors) or the family has a usual
/// value; what was derived is recorded, so that it can be shown.
struct ArchitectureMetadata {
  /// The file's metadata.
  let metadata: GGUFMetadata
  /// The prefix of keys: the value of `general.architecture`.
  let architecture: String
  /// What had to be derived so far, one sentence each.
  private(set) var derivations: [String] = []

  /// Reads `general.architecture` of a file.
  init(_ file: GGUFFile) throws(ModelError) {
    metadata = file.metadata
    architecture = try Self.architecture(of: file.metadata)
  }

  /// The value of `general.architecture`.
  static func architecture(of metadata: GGUFMetadata) throws(ModelError) -> String {
    guard let name = metadata.string("general.architecture") else {
      throw .metadata(
        key: "general.architecture", problem: "is missing or no text; is this a language model?")
    }
    return name
  }

  /// The full name of a key.
  func name(_ key: String) -> String { "\(architecture).\(key)" }

  /// Whether the file has the key.
  func contains(_ key: String) -> Bool { metadata[name(key)] != nil }

  /// Notes that a value was not read but derived.
  mutating func recordDerivation(_ sentence: String) { derivations.append(sentence) }

  // MARK: Integers

  /// A whole number within `range`; nil when the key is missing.
  func optionalInteger(_ key: String, in range: ClosedRange<Int>) throws(ModelError) -> Int? {
    guard contains(key) else { return nil }
    guard let value = metadata.integer(name(key)) else {
      throw .metadata(key: name(key), problem: "is no whole number")
    }
    return try checked(value, key, range)
  }

  /// A whole number within `range` that the file must have.
  func integer(_ key: String, in range: ClosedRange<Int>) throws(ModelError) -> Int {
    guard let value = try optionalInteger(key, in: range) else {
      throw .metadata(key: name(key), problem: "is missing")
    }
    return value
  }

  /// A whole number within `range`, or what the tensors say when the key is missing (recorded).
  ///
  /// - Parameters:
  ///   - derived: the value that the tensors imply, or nil when they imply none.
  ///   - source: where the derived value comes from, for the record: "the shape of 'token_embd.weight'".
  mutating func integer(
    _ key: String, in range: ClosedRange<Int>, derived: Int?, from source: String
  ) throws(ModelError) -> Int {
    if let value = try optionalInteger(key, in: range) { return value }
    guard let derived else {
      throw .metadata(key: name(key), problem: "is missing and cannot be derived from \(source)")
    }
    let value = try checked(derived, key, range)
    recordDerivation("\(name(key)) = \(value), from \(source)")
    return value
  }

  /// A whole number within `range`, or the family's usual value when the key is missing (recorded).
  mutating func integer(
    _ key: String, in range: ClosedRange<Int>, default usual: Int
  ) throws(ModelError) -> Int {
    if let value = try optionalInteger(key, in: range) { return value }
    recordDerivation("\(name(key)) = \(usual), the family's usual value")
    return usual
  }

  /// A whole number for each of `count` layers from an array (which may be longer) or from one number for all; nil when
  /// the key is missing.
  func optionalIntegers(
    _ key: String, count: Int, in range: ClosedRange<Int>
  ) throws(ModelError) -> [Int]? {
    guard contains(key) else { return nil }
    if let value = metadata.integer(name(key)) {
      return Array(repeating: try checked(value, key, range), count: count)
    }
    guard let values = metadata.integers(name(key)) else {
      throw .metadata(key: name(key), problem: "is no list of whole numbers")
    }
    guard values.count >= count else {
      throw .metadata(
        key: name(key), problem: "has \(values.count) entries for \(count) layers")
    }
    var result: [Int] = []
    for value in values.prefix(count) { result.append(try checked(value, key, range)) }
    return result
  }

  private func checked(
    _ value: Int, _ key: String, _ range: ClosedRange<Int>
  ) throws(ModelError) -> Int {
    guard range.contains(value) else {
      throw .metadata(
        key: name(key),
        problem: "is \(value), not between \(range.lowerBound) and \(range.upperBound)")
    }
    return value
  }

  // MARK: Numbers

  /// A finite number within `range`; nil when the key is missing.
  func optionalNumber(_ key: String, in range: ClosedRange<Double>) throws(ModelError) -> Double? {
    guard contains(key) else { return nil }
    guard let value = metadata.number(name(key)) else {
      throw .metadata(key: name(key), problem: "is no number")
    }
    return try checked(value, key, range)
  }

  /// A finite number within `range` that the file must have.
  func number(_ key: String, in range: ClosedRange<Double>) throws(ModelError) -> Double {
    guard let value = try optionalNumber(key, in: range) else {
      throw .metadata(key: name(key), problem: "is missing")
    }
    return value
  }

  /// A finite number within `range`, or the family's usual value when the key is missing (recorded).
  mutating func number(
    _ key: String, in range: ClosedRange<Double>, default usual: Double
  ) throws(ModelError) -> Double {
    if let value = try optionalNumber(key, in: range) { return value }
    recordDerivation("\(name(key)) = \(usual), the family's usual value")
    return usual
  }

  /// A number for each of `count` layers from an array (which may be longer) or from one number for all; nil when the
  /// key is missing.
  func optionalNumbers(
    _ key: String, count: Int, in range: ClosedRange<Double>
  ) throws(ModelError) -> [Double]? {
    guard contains(key) else { return nil }
    if let value = metadata.number(name(key)) {
      return Array(repeating: try checked(value, key, range), count: count)
    }
    guard let values = metadata.numbers(name(key)) else {
      throw .metadata(key: name(key), problem: "is no list of numbers")
    }
    guard values.count >= count else {
      throw .metadata(
        key: name(key), problem: "has \(values.count) entries for \(count) layers")
    }
    var result: [Double] = []
    for value in values.prefix(count) { result.append(try checked(value, key, range)) }
    return result
  }

  private func checked(
    _ value: Double, _ key: String, _ range: ClosedRange<Double>
  ) throws(ModelError) -> Double {
    guard range.contains(value) else {
      throw .metadata(
        key: name(key),
        problem: "is \(value), not between \(range.lowerBound) and \(range.upperBound)")
    }
    return value
  }

  // MARK: Other types

  /// True or false; nil when the key is missing.
  func optionalBool(_ key: String) throws(ModelError) -> Bool? {
    guard contains(key) else { return nil }
    guard let value = metadata.bool(name(key)) else {
      throw .metadata(key: name(key), problem: "is neither true nor false")
    }
    return value
  }

  /// True or false, or the family's usual value when the key is missing (recorded).
  mutating func bool(_ key: String, default usual: Bool) throws(ModelError) -> Bool {
    if let value = try optionalBool(key) { return value }
    recordDerivation("\(name(key)) = \(usual), the family's usual value")
    return usual
  }

  /// Text; nil when the key is missing.
  func optionalString(_ key: String) throws(ModelError) -> String? {
    guard contains(key) else { return nil }
    guard let value = metadata.string(name(key)) else {
      throw .metadata(key: name(key), problem: "is no text")
    }
    return value
  }
}
