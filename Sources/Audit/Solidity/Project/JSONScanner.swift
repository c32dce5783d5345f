/// Where and why a JSON text could not be read.
struct JSONScanError: Error, Hashable, Sendable {
  let offset: Int
  let message: String
}

/// Walks through a JSON text and hands out only what is asked for.
///
/// Build-info files carry whole syntax trees and bytecode of a hundred megabytes beside the sources; nothing
/// of that is turned into values here, and skipping needs no recursion.
///
/// Source: RFC 8259.
struct JSONScanner {
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  /// The byte that starts the next value; nil at the end.
  mutating func peek() -> UInt8? {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return bytes[position]
      }
    }
    return nil
  }

  var nextIsObject: Bool { mutating get { peek() == UInt8(ascii: "{") } }
  var nextIsArray: Bool { mutating get { peek() == UInt8(ascii: "[") } }
  var nextIsString: Bool { mutating get { peek() == UInt8(ascii: "\"") } }

  /// Goes through the members of an object; `member` must consume exactly one value.
  mutating func object(
    _ member: (inout JSONScanner, String) throws(JSONScanError) -> Void
  ) throws(JSONScanError) {
    try expect(UInt8(ascii: "{"))
    if peek() == UInt8(ascii: "}") {
      position += 1
      return
    }
    while true {
      guard nextIsString else { throw failure("a member's name is missing") }
      let name = try string()
      try expect(UInt8(ascii: ":"))
      try member(&self, name)
      if peek() == UInt8(ascii: ",") {
        position += 1
      } else {
        return try expect(UInt8(ascii: "}"))
      }
    }
  }

  /// Goes through the elements of an array; `element` must consume exactly one value.
  mutating func array(
    _ element: (inout JSONScanner) throws(JSONScanError) -> Void
  ) throws(JSONScanError) {
    try expect(UInt8(ascii: "["))
    if peek() == UInt8(ascii: "]") {
      position += 1
      return
    }
    while true {
      try element(&self)
      if peek() == UInt8(ascii: ",") {
        position += 1
      } else {
        return try expect(UInt8(ascii: "]"))
      }
    }
  }

  /// Passes over one value of any kind.
  mutating func skip() throws(JSONScanError) {
    var depth = 0
    repeat {
      guard let byte = peek() else { throw failure("the text ends too early") }
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        position += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        position += 1
        guard depth >= 0 else { throw failure("a value is missing") }
      case UInt8(ascii: ","), UInt8(ascii: ":"):
        guard depth > 0 else { throw failure("a value is missing") }
        position += 1
      case UInt8(ascii: "\""):
        try skipString()
      default:
        let start = position
        while position < bytes.count, Self.isWord(bytes[position]) { position += 1 }
        guard position > start else { throw failure("a value is missing") }
      }
    } while depth > 0
  }

  /// The next value, which must be a string.
  mutating func string() throws(JSONScanError) -> String {
    String(decoding: try stringBytes(), as: UTF8.self)
  }

  /// The UTF-8 bytes of the next value, which must be a string; raw bytes are passed on as they are.
  mutating func stringBytes() throws(JSONScanError) -> [UInt8] {
    try expect(UInt8(ascii: "\""))
    var result: [UInt8] = []
    while position < bytes.count {
      let start = position
      while position < bytes.count, bytes[position] != UInt8(ascii: "\""),
        bytes[position] != UInt8(ascii: "\\")
      {
        position += 1
      }
      result.append(contentsOf: bytes[start..<position])
      guard position < bytes.count else { break }
      if bytes[position] == UInt8(ascii: "\"") {
        position += 1
        return result
      }
      position += 1
      try escape(into: &result)
    }
    throw failure("a string is not closed")
  }

  private mutating func escape(into result: inout [UInt8]) throws(JSONScanError) {
    guard position < bytes.count else { throw failure("a string is not closed") }
    let kind = bytes[position]
    position += 1
    switch kind {
    case UInt8(ascii: "n"): result.append(0x0A)
    case UInt8(ascii: "r"): result.append(0x0D)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "b"): result.append(0x08)
    case UInt8(ascii: "f"): result.append(0x0C)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(kind)
    case UInt8(ascii: "u"):
      var value = try hexUnit()
      if (0xD800..<0xDC00).contains(value), position + 1 < bytes.count,
        bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
      {
        position += 2
        let low = try hexUnit()
        guard (0xDC00..<0xE000).contains(low) else { throw failure("a surrogate is not paired") }
        value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00)
      }
      let scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
      result.append(contentsOf: String(Character(scalar)).utf8)
    default: throw failure("an escape is not known")
    }
  }

  private mutating func hexUnit() throws(JSONScanError) -> UInt32 {
    guard position + 4 <= bytes.count,
      let value = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw failure("a \\u escape needs four hex digits") }
    position += 4
    return value
  }

  private mutating func skipString() throws(JSONScanError) {
    position += 1
    while position < bytes.count {
      let byte = bytes[position]
      position += byte == UInt8(ascii: "\\") ? 2 : 1
      if byte == UInt8(ascii: "\"") { return }
    }
    throw failure("a string is not closed")
  }

  private mutating func expect(_ byte: UInt8) throws(JSONScanError) {
    guard peek() == byte else {
      throw failure("'\(Character(Unicode.Scalar(byte)))' is missing")
    }
    position += 1
  }

  private func failure(_ message: String) -> JSONScanError {
    JSONScanError(offset: position, message: message)
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"),
      UInt8(ascii: "."):
      true
    default: false
    }
  }
}
