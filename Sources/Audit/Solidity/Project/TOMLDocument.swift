/// A value of a TOML file.
package enum TOMLValue: Hashable, Sendable {
  case string(String)
  case array([TOMLValue])
  case table([String: TOMLValue])
  /// Numbers, booleans and dates, as written: no setting that is read here has such a type.
  case word(String)

  package var string: String? { if case .string(let text) = self { text } else { nil } }

  /// The texts of an array of strings, or of a single string.
  package var strings: [String]? {
    switch self {
    case .string(let text): [text]
    case .array(let values): values.compactMap(\.string)
    case .table, .word: nil
    }
  }
}

/// Where and why a TOML file could not be read.
package struct TOMLError: Error, Hashable, Sendable {
  package let line: Int
  package let message: String
}

/// A reader for the part of TOML that `foundry.toml` files use: tables, dotted and quoted keys, all four
/// string forms, arrays over several lines, inline tables, comments.
///
/// A TOML package would be one more dependency to fetch and compile before the first result; the settings
/// needed here are a handful of strings. Numbers and dates are kept unchecked.
///
/// Source: TOML 1.0.0, https://toml.io/en/v1.0.0.
package struct TOMLDocument: Sendable {
  package private(set) var root: [String: TOMLValue] = [:]

  package init(_ text: String) throws(TOMLError) {
    var reader = TOMLReader(Array(text.utf8))
    root = try reader.document()
  }

  /// The value at a path of keys.
  package subscript(path: String...) -> TOMLValue? {
    var value: TOMLValue = .table(root)
    for key in path {
      guard case .table(let table) = value, let next = table[key] else { return nil }
      value = next
    }
    return value
  }
}

private struct TOMLReader {
  private let bytes: [UInt8]
  private var position = 0
  private var line = 1
  private static let maximumDepth = 64

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func failure(_ message: String) -> TOMLError { TOMLError(line: line, message: message) }

  private mutating func advance() {
    if current == UInt8(ascii: "\n") { line += 1 }
    position += 1
  }

  mutating func document() throws(TOMLError) -> [String: TOMLValue] {
    var root: [String: TOMLValue] = [:]
    var table: [String] = []
    while true {
      skipBlank()
      guard let byte = current else { return root }
      if byte == UInt8(ascii: "[") {
        table = try header()
        // An array of tables keeps its last element: no setting read here lives in one.
        try Self.insert(.table([:]), at: table[...], into: &root, line: line, isHeader: true)
      } else {
        let key = try dottedKey()
        try expect(UInt8(ascii: "="), "'=' after the key '\(key.joined(separator: "."))'")
        let value = try value(depth: 0)
        try Self.insert(value, at: (table + key)[...], into: &root, line: line, isHeader: false)
      }
      try endOfLine()
    }
  }

  private static func insert(
    _ value: TOMLValue, at path: ArraySlice<String>, into table: inout [String: TOMLValue],
    line: Int, isHeader: Bool
  ) throws(TOMLError) {
    guard let key = path.first else { return }
    if path.count == 1 {
      if isHeader {
        if table[key] == nil { table[key] = value }
      } else {
        guard table[key] == nil else {
          throw TOMLError(line: line, message: "the key '\(key)' is set twice")
        }
        table[key] = value
      }
      return
    }
    var inner: [String: TOMLValue]
    switch table[key] {
    case .table(let existing): inner = existing
    case nil: inner = [:]
    default: throw TOMLError(line: line, message: "'\(key)' is not a table")
    }
    try insert(value, at: path.dropFirst(), into: &inner, line: line, isHeader: isHeader)
    table[key] = .table(inner)
  }

  private mutating func header() throws(TOMLError) -> [String] {
    advance()
    let isArray = current == UInt8(ascii: "[")
    if isArray { advance() }
    let key = try dottedKey()
    try expect(UInt8(ascii: "]"), "']' after the table's name")
    if isArray { try expect(UInt8(ascii: "]"), "']]' after the table's name") }
    return key
  }

  private mutating func dottedKey() throws(TOMLError) -> [String] {
    var parts: [String] = []
    while true {
      skipSpaces()
      guard let byte = current else { throw failure("a key is missing") }
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        parts.append(try quoted())
      } else {
        let start = position
        while let byte = current, Self.isBareKey(byte) { advance() }
        guard position > start else { throw failure("a key is missing") }
        parts.append(String(decoding: bytes[start..<position], as: UTF8.self))
      }
      guard parts.count <= Self.maximumDepth else { throw failure("the key has too many parts") }
      skipSpaces()
      guard current == UInt8(ascii: ".") else { return parts }
      advance()
    }
  }

  private mutating func value(depth: Int) throws(TOMLError) -> TOMLValue {
    guard depth < Self.maximumDepth else { throw failure("values are nested too deeply") }
    skipSpaces()
    guard let byte = current else { throw failure("a value is missing") }
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      return .string(try quoted())
    case UInt8(ascii: "["):
      advance()
      var values: [TOMLValue] = []
      while true {
        skipBlank()
        if current == UInt8(ascii: "]") { break }
        values.append(try value(depth: depth + 1))
        skipBlank()
        if current == UInt8(ascii: ",") {
          advance()
        } else if current != UInt8(ascii: "]") {
          throw failure("',' or ']' is missing in an array")
        }
      }
      advance()
      return .array(values)
    case UInt8(ascii: "{"):
      advance()
      var table: [String: TOMLValue] = [:]
      while true {
        skipBlank()
        if current == UInt8(ascii: "}") { break }
        let key = try dottedKey()
        try expect(UInt8(ascii: "="), "'=' in an inline table")
        let value = try value(depth: depth + 1)
        try Self.insert(value, at: key[...], into: &table, line: line, isHeader: false)
        skipBlank()
        if current == UInt8(ascii: ",") {
          advance()
        } else if current != UInt8(ascii: "}") {
          throw failure("',' or '}' is missing in an inline table")
        }
      }
      advance()
      return .table(table)
    default:
      let start = position
      while let byte = current, !Self.endsWord(byte), !endsAtSpace(start) { advance() }
      guard position > start else { throw failure("a value is missing") }
      return .word(String(decoding: bytes[start..<position], as: UTF8.self).trimmingSpaces())
    }
  }

  private mutating func quoted() throws(TOMLError) -> String {
    guard let quote = current else { throw failure("a string is missing") }
    let isLiteral = quote == UInt8(ascii: "'")
    let isLong =
      position + 2 < bytes.count && bytes[position + 1] == quote && bytes[position + 2] == quote
    let opened = line
    for _ in 0..<(isLong ? 3 : 1) { advance() }
    if isLong, current == UInt8(ascii: "\n") { advance() }
    var text: [UInt8] = []
    while let byte = current {
      if byte == quote {
        if !isLong {
          advance()
          return String(decoding: text, as: UTF8.self)
        }
        if position + 2 < bytes.count, bytes[position + 1] == quote, bytes[position + 2] == quote {
          for _ in 0..<3 { advance() }
          return String(decoding: text, as: UTF8.self)
        }
      } else if byte == UInt8(ascii: "\n"), !isLong {
        throw TOMLError(line: opened, message: "a string is not closed on its line")
      } else if byte == UInt8(ascii: "\\"), !isLiteral {
        advance()
        try escape(into: &text)
        continue
      }
      text.append(byte)
      advance()
    }
    throw TOMLError(line: opened, message: "a string is not closed")
  }

  private mutating func escape(into text: inout [UInt8]) throws(TOMLError) {
    guard let byte = current else { throw failure("a string is not closed") }
    advance()
    switch byte {
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): text.append(byte)
    case UInt8(ascii: "\n"):
      while let next = current, next == 0x20 || next == 0x09 || next == 0x0A { advance() }
    case UInt8(ascii: "u"), UInt8(ascii: "U"):
      let length = byte == UInt8(ascii: "u") ? 4 : 8
      guard position + length <= bytes.count,
        let value = UInt32(
          String(decoding: bytes[position..<position + length], as: UTF8.self), radix: 16),
        let scalar = Unicode.Scalar(value)
      else { throw failure("a \\u escape needs \(length) hex digits of a character") }
      for _ in 0..<length { advance() }
      text.append(contentsOf: String(Character(scalar)).utf8)
    default:
      // Windows paths and regular expressions are met here; Foundry itself reads some of them.
      text.append(UInt8(ascii: "\\"))
      text.append(byte)
    }
  }

  private mutating func expect(_ byte: UInt8, _ what: String) throws(TOMLError) {
    skipSpaces()
    guard current == byte else { throw failure("\(what) is missing") }
    advance()
  }

  private mutating func endOfLine() throws(TOMLError) {
    skipSpaces()
    if current == UInt8(ascii: "#") { skipComment() }
    if current == UInt8(ascii: "\r") { advance() }
    guard current == nil || current == UInt8(ascii: "\n") else {
      throw failure("there is something behind the value on the same line")
    }
  }

  private mutating func skipComment() {
    while let byte = current, byte != UInt8(ascii: "\n") { advance() }
  }

  private mutating func skipSpaces() {
    while let byte = current, byte == 0x20 || byte == 0x09 { advance() }
  }

  private mutating func skipBlank() {
    while let byte = current {
      if byte == UInt8(ascii: "#") {
        skipComment()
      } else if byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
        advance()
      } else {
        return
      }
    }
  }

  private static func isBareKey(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  /// Whether a space here ends the word that began at `start`: not between a date and its time.
  private func endsAtSpace(_ start: Int) -> Bool {
    guard current == 0x20 || current == 0x09 else { return false }
    let isDate = position == start + 10 && bytes[start + 4] == UInt8(ascii: "-")
    let isBeforeTime =
      position + 1 < bytes.count
      && (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position + 1])
    return !(isDate && isBeforeTime)
  }

  private static func endsWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "#"), 0x0A, 0x0D:
      true
    default: false
    }
  }
}
