/// A value of a GGUF file's metadata, in the type it has in the file.
public enum MetadataValue: Hashable, Sendable {
  case uint8(UInt8)
  case int8(Int8)
  case uint16(UInt16)
  case int16(Int16)
  case uint32(UInt32)
  case int32(Int32)
  case float32(Float)
  case bool(Bool)
  /// The bytes of a string; UTF-8 by the format's definition, but files are not always right about that.
  case string([UInt8])
  case array(MetadataArray)
  case uint64(UInt64)
  case int64(Int64)
  case float64(Double)

  /// A string value.
  public static func string(_ text: String) -> MetadataValue { .string(Array(text.utf8)) }

  /// The type in the file.
  public var type: MetadataType {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .uint16: .uint16
    case .int16: .int16
    case .uint32: .uint32
    case .int32: .int32
    case .float32: .float32
    case .bool: .bool
    case .string: .string
    case .array: .array
    case .uint64: .uint64
    case .int64: .int64
    case .float64: .float64
    }
  }

  /// The value of any integer type; nil for other types and for numbers that `Int` cannot hold.
  public var integerValue: Int? {
    switch self {
    case .uint8(let value): Int(value)
    case .int8(let value): Int(value)
    case .uint16(let value): Int(value)
    case .int16(let value): Int(value)
    case .uint32(let value): Int(value)
    case .int32(let value): Int(value)
    case .uint64(let value): Int(exactly: value)
    case .int64(let value): Int(exactly: value)
    case .float32, .float64, .bool, .string, .array: nil
    }
  }

  /// The value of any number type as a double; nil for other types.
  public var numberValue: Double? {
    switch self {
    case .float32(let value): Double(value)
    case .float64(let value): value
    case .uint64(let value): Double(value)
    default: integerValue.map(Double.init)
    }
  }

  /// The value of a bool; nil for other types.
  public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The value of a string, with U+FFFD for what is not UTF-8; nil for other types.
  public var stringValue: String? {
    if case .string(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { nil }
  }

  /// The value of an array; nil for other types.
  public var arrayValue: MetadataArray? {
    if case .array(let value) = self { value } else { nil }
  }
}
