/// Writes JSON (RFC 8259) value by value, without building the document in memory first.
///
/// Members appear in the order they are written. Output is UTF-8. Strings are escaped so that the text holds no
/// control characters and no line separators; Swift strings hold no lone surrogates, and bytes that are not
/// valid UTF-8 become U+FFFD when they are made into strings.
///
///     var writer = JSONWriter()
///     writer.object {
///       $0.member("path", path)
///       $0.member("lines") { $0.array { for line in lines { $0.value(line) } } }
///     }
///     print(writer.text)
public struct JSONWriter: Sendable {
  /// How the text is laid out.
  public enum Style: Sendable {
    /// No spacing at all.
    case compact
    /// Every member and element on a line of its own, indented by two spaces a level.
    case indented
  }

  private let style: Style
  private var bytes: [UInt8] = []
  private var depth = 0
  /// Whether a value was already written in the innermost container.
  private var needsComma = false
  /// Whether a member's name was written and its value is due.
  private var afterName = false

  /// Makes a writer.
  public init(style: Style = .indented) { self.style = style }

  /// What was written so far and not taken yet, as text.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The number of bytes written and not taken yet.
  public var pendingByteCount: Int { bytes.count }

  /// Takes what was written so far; a caller that passes it on from time to time keeps memory small.
  public mutating func takeBytes() -> [UInt8] {
    defer { bytes = [] }
    return bytes
  }

  /// Writes an object; `members` writes its members.
  public mutating func object(_ members: (inout JSONWriter) throws -> Void) rethrows {
    try container(UInt8(ascii: "{"), UInt8(ascii: "}"), members)
  }

  /// Writes an array; `elements` writes its elements.
  public mutating func array(_ elements: (inout JSONWriter) throws -> Void) rethrows {
    try container(UInt8(ascii: "["), UInt8(ascii: "]"), elements)
  }

  /// Writes an array with one element for each item.
  public mutating func array<Items: Sequence>(
    of items: Items, _ element: (inout JSONWriter, Items.Element) throws -> Void
  ) rethrows {
    try array { writer in
      for item in items { try element(&writer, item) }
    }
  }

  /// Writes a member whose value `value` writes (exactly one value).
  public mutating func member(
    _ name: String, _ value: (inout JSONWriter) throws -> Void
  ) rethrows {
    precondition(!afterName, "a member's value is due")
    startValue()
    appendString(name)
    bytes.append(UInt8(ascii: ":"))
    if case .indented = style { bytes.append(UInt8(ascii: " ")) }
    afterName = true
    try value(&self)
    precondition(!afterName, "member \(name) got no value")
  }

  /// Writes a member with a string.
  public mutating func member(_ name: String, _ value: String) { member(name) { $0.value(value) } }
  /// Writes a member with a string, or null.
  public mutating func member(_ name: String, _ value: String?) {
    member(name) { writer in
      if let value { writer.value(value) } else { writer.null() }
    }
  }
  /// Writes a member with a whole number.
  public mutating func member(_ name: String, _ value: Int) { member(name) { $0.value(value) } }
  /// Writes a member with a truth value.
  public mutating func member(_ name: String, _ value: Bool) { member(name) { $0.value(value) } }
  /// Writes a member with an array of strings.
  public mutating func member(_ name: String, _ values: [String]) {
    member(name) { $0.array(of: values) { $0.value($1) } }
  }
  /// Writes a member with any value.
  public mutating func member(_ name: String, _ value: JSONValue) {
    member(name) { $0.value(value) }
  }

  /// Writes `null`.
  public mutating func null() { scalar("null") }
  /// Writes a string.
  public mutating func value(_ value: String) {
    startValue()
    appendString(value)
    endValue()
  }
  /// Writes a whole number.
  public mutating func value(_ value: Int) { scalar(String(value)) }
  /// Writes a truth value.
  public mutating func value(_ value: Bool) { scalar(value ? "true" : "false") }
  /// Writes a number in the shortest form that reads back the same; `null` for infinities and NaN.
  public mutating func value(_ value: Double) {
    scalar(value.isFinite ? value.description : "null")
  }
  /// Writes any value.
  public mutating func value(_ value: JSONValue) {
    switch value {
    case .null: null()
    case .bool(let value): self.value(value)
    case .integer(let value): self.value(value)
    case .number(let value): self.value(value)
    case .string(let value): self.value(value)
    case .array(let elements): array(of: elements) { $0.value($1) }
    case .object(let members):
      object { writer in
        for member in members { writer.member(member.name, member.value) }
      }
    }
  }

  private mutating func container(
    _ open: UInt8, _ close: UInt8, _ content: (inout JSONWriter) throws -> Void
  ) rethrows {
    startValue()
    bytes.append(open)
    depth += 1
    needsComma = false
    try content(&self)
    depth -= 1
    if needsComma { breakLine() }
    bytes.append(close)
    endValue()
  }

  private mutating func scalar(_ text: String) {
    startValue()
    bytes.append(contentsOf: text.utf8)
    endValue()
  }

  private mutating func startValue() {
    if afterName {
      afterName = false
      return
    }
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    if depth > 0 { breakLine() }
  }

  private mutating func endValue() { needsComma = true }

  private mutating func breakLine() {
    guard case .indented = style else { return }
    bytes.append(0x0A)
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: depth * 2))
  }

  private mutating func appendString(_ text: String) {
    var text = text
    bytes.append(UInt8(ascii: "\""))
    text.withUTF8 { utf8 in
      var start = 0
      var index = 0
      while index < utf8.count {
        guard let escape = JSONWriter.escape(at: index, in: utf8) else {
          index += 1
          continue
        }
        bytes.append(contentsOf: utf8[start..<index])
        bytes.append(contentsOf: escape.text.utf8)
        index += escape.length
        start = index
      }
      bytes.append(contentsOf: utf8[start...])
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// What stands for the character at `index` when it must not be written as it is, and how many bytes it takes.
  private static func escape(
    at index: Int, in utf8: UnsafeBufferPointer<UInt8>
  ) -> (text: String, length: Int)? {
    switch utf8[index] {
    case 0x22: return ("\\\"", 1)
    case 0x5C: return ("\\\\", 1)
    case 0x08: return ("\\b", 1)
    case 0x09: return ("\\t", 1)
    case 0x0A: return ("\\n", 1)
    case 0x0C: return ("\\f", 1)
    case 0x0D: return ("\\r", 1)
    case 0x00...0x1F, 0x7F: return (unicodeEscape(UInt32(utf8[index])), 1)
    // U+0080 to U+009F
    case 0xC2 where index + 1 < utf8.count && utf8[index + 1] < 0xA0:
      return (unicodeEscape(UInt32(utf8[index + 1])), 2)
    // U+2028 and U+2029
    case 0xE2
    where index + 2 < utf8.count && utf8[index + 1] == 0x80 && utf8[index + 2] & 0xFE == 0xA8:
      return (unicodeEscape(0x2000 + UInt32(utf8[index + 2] - 0x80)), 3)
    default: return nil
    }
  }

  private static func unicodeEscape(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }
}
