/// The key-value pairs of a GGUF file, in the order of the file.
public struct GGUFMetadata: Hashable, Sendable {
  /// One pair.
  public struct Entry: Hashable, Sendable {
    /// The key, for example `general.architecture`.
    public let key: String
    /// The value.
    public let value: MetadataValue
  }

  /// The pairs; no key occurs twice.
  public private(set) var entries: [Entry] = []
  private var positions: [String: Int] = [:]

  /// No pairs.
  public init() {}

  /// The number of pairs.
  public var count: Int { entries.count }

  /// The value of a key. Setting a new key appends it; an existing one keeps its place; nil removes it.
  public subscript(key: String) -> MetadataValue? {
    get { positions[key].map { entries[$0].value } }
    set {
      switch (positions[key], newValue) {
      case (let position?, let value?):
        entries[position] = Entry(key: key, value: value)
      case (let position?, nil):
        entries.remove(at: position)
        positions[key] = nil
        for later in position..<entries.count { positions[entries[later].key] = later }
      case (nil, let value?):
        positions[key] = entries.count
        entries.append(Entry(key: key, value: value))
      case (nil, nil):
        break
      }
    }
  }

  /// An integer of any integer type; nil when the key is absent, of another type, or too large for `Int`.
  public func integer(_ key: String) -> Int? { self[key]?.integerValue }
  /// A number of any number type.
  public func number(_ key: String) -> Double? { self[key]?.numberValue }
  /// A string, with U+FFFD for what is not UTF-8.
  public func string(_ key: String) -> String? { self[key]?.stringValue }
  /// A bool.
  public func bool(_ key: String) -> Bool? { self[key]?.boolValue }
  /// An array of integers of any integer type.
  public func integers(_ key: String) -> [Int]? { self[key]?.arrayValue?.integers }
  /// An array of numbers of any number type.
  public func numbers(_ key: String) -> [Double]? { self[key]?.arrayValue?.numbers }
  /// An array of bools.
  public func bools(_ key: String) -> [Bool]? { self[key]?.arrayValue?.bools }
  /// An array of strings, with U+FFFD for what is not UTF-8.
  public func strings(_ key: String) -> [String]? { self[key]?.arrayValue?.strings }
  /// An array of strings as bytes.
  public func byteStrings(_ key: String) -> [[UInt8]]? { self[key]?.arrayValue?.byteStrings }

  /// Whether both hold the same pairs in the same order.
  public static func == (one: GGUFMetadata, other: GGUFMetadata) -> Bool {
    one.entries == other.entries
  }

  /// Hashes the pairs in their order.
  public func hash(into hasher: inout Hasher) { hasher.combine(entries) }
}
