/// A value of the Concise Binary Object Representation (RFC 8949), as far as compilers write it
/// behind their code.
public indirect enum CBORValue: Hashable, Sendable {
  /// An integer from 0.
  case unsigned(UInt64)
  /// A byte string.
  case bytes([UInt8])
  /// A text.
  case text(String)
  /// A list.
  case array([CBORValue])
  /// Pairs of a key and a value in the order in which they stand.
  case map([Pair])
  /// `true` or `false`.
  case bool(Bool)
  /// `null`.
  case null

  /// A key and its value in a map.
  public struct Pair: Hashable, Sendable {
    /// The key.
    public let key: CBORValue
    /// The value.
    public let value: CBORValue
  }

  /// The value of a text key of a map.
  public subscript(key: String) -> CBORValue? {
    guard case .map(let pairs) = self else { return nil }
    return pairs.first { $0.key == .text(key) }?.value
  }
}

/// Reads one value of definite length. Every length is checked against the bytes that are there;
/// values nested deeper than ``maximumDepth`` are refused.
struct CBORReader {
  static let maximumDepth = 8

  private let bytes: ArraySlice<UInt8>
  private var offset: Int

  /// The value that takes up all of `bytes`; `nil` if there is none.
  static func value(of bytes: ArraySlice<UInt8>) -> CBORValue? {
    var reader = CBORReader(bytes: bytes)
    guard let value = reader.value(depth: 0), reader.offset == bytes.endIndex else { return nil }
    return value
  }

  /// The value that starts with the first of `bytes`, and how many bytes it takes.
  static func prefix(of bytes: ArraySlice<UInt8>) -> (value: CBORValue, count: Int)? {
    var reader = CBORReader(bytes: bytes)
    guard let value = reader.value(depth: 0) else { return nil }
    return (value, reader.offset - bytes.startIndex)
  }

  private init(bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    self.offset = bytes.startIndex
  }

  private mutating func value(depth: Int) -> CBORValue? {
    guard depth < CBORReader.maximumDepth, let first = byte() else { return nil }
    let major = first >> 5
    if major == 7 {
      switch first & 0x1f {
      case 20: return .bool(false)
      case 21: return .bool(true)
      case 22: return .null
      default: return nil
      }
    }
    guard let argument = argument(first & 0x1f) else { return nil }
    switch major {
    case 0:
      return .unsigned(argument)
    case 2:
      return take(argument).map { .bytes(Array($0)) }
    case 3:
      guard let taken = take(argument) else { return nil }
      return String(validating: taken, as: UTF8.self).map { .text($0) }
    case 4:
      // Each element takes at least one byte.
      guard argument <= UInt64(bytes.endIndex - offset) else { return nil }
      var elements: [CBORValue] = []
      for _ in 0..<argument {
        guard let element = value(depth: depth + 1) else { return nil }
        elements.append(element)
      }
      return .array(elements)
    case 5:
      guard argument <= UInt64(bytes.endIndex - offset) / 2 else { return nil }
      var pairs: [CBORValue.Pair] = []
      for _ in 0..<argument {
        guard let key = value(depth: depth + 1), let value = value(depth: depth + 1) else {
          return nil
        }
        pairs.append(CBORValue.Pair(key: key, value: value))
      }
      return .map(pairs)
    default:
      return nil
    }
  }

  private mutating func byte() -> UInt8? {
    guard offset < bytes.endIndex else { return nil }
    defer { offset += 1 }
    return bytes[offset]
  }

  private mutating func take(_ count: UInt64) -> ArraySlice<UInt8>? {
    guard count <= UInt64(bytes.endIndex - offset) else { return nil }
    let start = offset
    offset += Int(count)
    return bytes[start..<offset]
  }

  private mutating func argument(_ low: UInt8) -> UInt64? {
    if low < 24 { return UInt64(low) }
    guard low <= 27, let taken = take(UInt64(1) << UInt64(low - 24)) else { return nil }
    return taken.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
