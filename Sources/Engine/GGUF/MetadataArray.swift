/// An array of a GGUF file's metadata.
///
/// Vocabularies have 10^5 elements and more, so elements are kept in one block of bytes and become Swift values when
/// they are asked for.
public struct MetadataArray: Hashable, Sendable {
  enum Storage: Hashable, Sendable {
    /// Numbers and bools as they lie in the file: little-endian, without gaps.
    case numbers(MetadataType, bytes: [UInt8])
    /// The bytes of all strings in a row, and where each ends.
    case strings(bytes: [UInt8], ends: [Int])
    case arrays([MetadataArray])
  }

  let storage: Storage

  init(storage: Storage) { self.storage = storage }

  /// An array of strings.
  public init(_ strings: some Sequence<String>) {
    self.init(byteStrings: strings.lazy.map { Array($0.utf8) })
  }

  /// An array of strings given as bytes.
  public init(byteStrings: some Sequence<[UInt8]>) {
    var bytes: [UInt8] = []
    var ends: [Int] = []
    for string in byteStrings {
      bytes.append(contentsOf: string)
      ends.append(bytes.count)
    }
    storage = .strings(bytes: bytes, ends: ends)
  }

  /// An array of arrays.
  public init(_ arrays: [MetadataArray]) { storage = .arrays(arrays) }

  /// An array of 32-bit integers, the type that converters use for token types and lengths.
  public init(_ integers: some Sequence<Int32>) {
    storage = .numbers(.int32, bytes: Self.bytes(of: integers))
  }

  /// An array of unsigned 32-bit integers.
  public init(_ integers: some Sequence<UInt32>) {
    storage = .numbers(.uint32, bytes: Self.bytes(of: integers))
  }

  /// An array of unsigned bytes.
  public init(_ integers: some Sequence<UInt8>) {
    storage = .numbers(.uint8, bytes: Array(integers))
  }

  /// An array of signed 64-bit integers.
  public init(_ integers: some Sequence<Int64>) {
    storage = .numbers(.int64, bytes: Self.bytes(of: integers))
  }

  /// An array of 32-bit floats.
  public init(_ numbers: some Sequence<Float>) {
    storage = .numbers(.float32, bytes: Self.bytes(of: numbers.lazy.map(\.bitPattern)))
  }

  /// An array of 64-bit floats.
  public init(_ numbers: some Sequence<Double>) {
    storage = .numbers(.float64, bytes: Self.bytes(of: numbers.lazy.map(\.bitPattern)))
  }

  /// An array of bools.
  public init(_ values: some Sequence<Bool>) {
    storage = .numbers(.bool, bytes: values.map { $0 ? 1 : 0 })
  }

  private static func bytes<Value: FixedWidthInteger>(of values: some Sequence<Value>) -> [UInt8] {
    var bytes: [UInt8] = []
    for value in values {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    return bytes
  }

  /// The type of the elements.
  public var elementType: MetadataType {
    switch storage {
    case .numbers(let type, _): type
    case .strings: .string
    case .arrays: .array
    }
  }

  /// The number of elements.
  public var count: Int {
    switch storage {
    case .numbers(let type, let bytes): bytes.count / (type.byteCount ?? 1)
    case .strings(_, let ends): ends.count
    case .arrays(let arrays): arrays.count
    }
  }

  /// The elements of an array of any integer type; nil for other types and when a number does not fit `Int`.
  public var integers: [Int]? {
    guard case .numbers(let type, let bytes) = storage else { return nil }
    switch type {
    case .uint8: return bytes.map(Int.init)
    case .int8: return Self.values(Int8.self, in: bytes).map(Int.init)
    case .uint16: return Self.values(UInt16.self, in: bytes).map(Int.init)
    case .int16: return Self.values(Int16.self, in: bytes).map(Int.init)
    case .uint32: return Self.values(UInt32.self, in: bytes).map(Int.init)
    case .int32: return Self.values(Int32.self, in: bytes).map(Int.init)
    case .int64: return Self.values(Int64.self, in: bytes).map(Int.init)
    case .uint64:
      let values = Self.values(UInt64.self, in: bytes)
      let integers = values.compactMap(Int.init(exactly:))
      return integers.count == values.count ? integers : nil
    case .float32, .float64, .bool, .string, .array: return nil
    }
  }

  /// The elements of an array of any number type as doubles; nil for other types.
  public var numbers: [Double]? {
    guard case .numbers(let type, let bytes) = storage else { return nil }
    switch type {
    case .float32: return Self.values(UInt32.self, in: bytes).map { Double(Float(bitPattern: $0)) }
    case .float64: return Self.values(UInt64.self, in: bytes).map(Double.init(bitPattern:))
    case .uint64: return Self.values(UInt64.self, in: bytes).map(Double.init)
    default: return integers?.map(Double.init)
    }
  }

  /// The elements of an array of bools; nil for other types.
  public var bools: [Bool]? {
    guard case .numbers(.bool, let bytes) = storage else { return nil }
    return bytes.map { $0 != 0 }
  }

  /// The elements of an array of strings as bytes; nil for other types.
  public var byteStrings: [[UInt8]]? {
    guard case .strings(let bytes, let ends) = storage else { return nil }
    var start = 0
    return ends.map { end in
      defer { start = end }
      return Array(bytes[start..<end])
    }
  }

  /// The elements of an array of strings, with U+FFFD for what is not UTF-8; nil for other types.
  public var strings: [String]? {
    guard case .strings(let bytes, let ends) = storage else { return nil }
    var start = 0
    return ends.map { end in
      defer { start = end }
      return String(decoding: bytes[start..<end], as: UTF8.self)
    }
  }

  /// The elements of an array of arrays; nil for other types.
  public var arrays: [MetadataArray]? {
    if case .arrays(let arrays) = storage { arrays } else { nil }
  }

  private static func values<Value: FixedWidthInteger>(
    _: Value.Type, in bytes: [UInt8]
  ) -> [Value] {
    bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / MemoryLayout<Value>.size).map {
        Value(
          littleEndian: bytes.loadUnaligned(
            fromByteOffset: $0 * MemoryLayout<Value>.size, as: Value.self))
      }
    }
  }
}
