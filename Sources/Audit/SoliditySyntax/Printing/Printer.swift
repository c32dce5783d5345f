/// Writes a syntax tree as canonical text: one statement a line, two spaces a level, types by their full names.
///
/// Printing what was parsed from printed text gives the same text again, in the dialect of the tree. Ordinary
/// comments are not part of a tree and are left out; NatSpec is kept as `///` lines.
public struct Printer {
  /// Levels printed on the caller's stack; deeper trees are printed on a larger one.
  private static let ordinaryNesting = 24

  /// The dialect, as `CompilerVersion.code`.
  let version: Int16
  private(set) var output: [UInt8] = []
  private var indentation = 0
  private var depth = 0
  private let nestingLimit: Int
  private(set) var isTooDeep = false

  private init(version: Int16, hasLargeStack: Bool) {
    self.version = version
    nestingLimit = hasLargeStack ? Int.max : Self.ordinaryNesting
  }

  /// The canonical text of a file.
  ///
  /// - Parameter unit: the tree. Where it is incomplete, a comment stands for what is missing.
  public static func print(_ unit: SourceUnit) -> String {
    printed(unit.language.dialect) { $0.writeUnit(unit) }
  }

  /// The canonical text of an expression.
  ///
  /// - Parameters:
  ///   - expression: the expression.
  ///   - dialect: the dialect in which to write it.
  public static func print(
    _ expression: Expression, dialect: CompilerVersion = .newest
  ) -> String {
    printed(dialect) { $0.write(expression) }
  }

  /// The canonical text of a statement, with a line end.
  ///
  /// - Parameters:
  ///   - statement: the statement.
  ///   - dialect: the dialect in which to write it.
  public static func print(_ statement: Statement, dialect: CompilerVersion = .newest) -> String {
    printed(dialect) { $0.write(statement) }
  }

  /// The canonical text of a type.
  ///
  /// - Parameters:
  ///   - type: the type.
  ///   - dialect: the dialect in which to write it.
  public static func print(_ type: TypeName, dialect: CompilerVersion = .newest) -> String {
    printed(dialect) { $0.write(type) }
  }

  private static func printed(
    _ dialect: CompilerVersion, _ body: (inout Printer) -> Void
  ) -> String {
    var printer = Printer(version: dialect.code, hasLargeStack: false)
    body(&printer)
    if !printer.isTooDeep { return String(decoding: printer.output, as: UTF8.self) }
    return withoutActuallyEscaping(body) { body in
      LargeStack.run {
        var printer = Printer(version: dialect.code, hasLargeStack: true)
        body(&printer)
        return String(decoding: printer.output, as: UTF8.self)
      } ?? ""
    }
  }

  // MARK: Text

  mutating func put(_ text: String) {
    output.append(contentsOf: text.utf8)
  }

  mutating func put(_ text: StaticString) {
    output.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func startLine() {
    for _ in 0..<indentation { put("  " as StaticString) }
  }

  mutating func endLine() { output.append(0x0A) }

  mutating func indented(_ body: (inout Printer) -> Void) {
    indentation += 1
    body(&self)
    indentation -= 1
  }

  /// Runs `body` one level deeper, unless that is too deep for the stack.
  mutating func nested(_ body: (inout Printer) -> Void) {
    depth += 1
    if depth > nestingLimit {
      isTooDeep = true
    } else if !isTooDeep {
      body(&self)
    }
    depth -= 1
  }

  /// Writes elements with commas between them.
  mutating func list<Element>(_ elements: [Element], _ write: (inout Printer, Element) -> Void) {
    for (index, element) in elements.enumerated() {
      if index > 0 { put(", " as StaticString) }
      write(&self, element)
    }
  }

  mutating func write(_ documentation: Documentation?) {
    guard let documentation else { return }
    for line in documentation.text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false) {
      startLine()
      put("///" as StaticString)
      let cleaned = Self.commentLine(Array(line))
      if !cleaned.isEmpty {
        output.append(0x20)
        output.append(contentsOf: cleaned)
      }
      endLine()
    }
  }

  /// A line of a comment without the characters that would end it and without blanks around it.
  private static func commentLine(_ line: [UInt8]) -> ArraySlice<UInt8> {
    var cleaned: [UInt8] = []
    var index = 0
    while index < line.count {
      let byte = line[index]
      if byte >= 0x0A, byte <= 0x0D {
        cleaned.append(0x20)
      } else if byte == 0xC2, index + 1 < line.count, line[index + 1] == 0x85 {
        cleaned.append(0x20)
        index += 1
      } else if byte == 0xE2, index + 2 < line.count, line[index + 1] == 0x80,
        line[index + 2] == 0xA8 || line[index + 2] == 0xA9
      {
        cleaned.append(0x20)
        index += 2
      } else {
        cleaned.append(byte)
      }
      index += 1
    }
    var kept = cleaned[...]
    while let last = kept.last, last == 0x20 || last == 0x09 { kept.removeLast() }
    while let first = kept.first, first == 0x20 || first == 0x09 { kept.removeFirst() }
    return kept
  }

  /// Writes bytes as a string literal: printable ASCII as it is, everything else as escapes.
  mutating func putString(_ bytes: [UInt8]) {
    put("\"" as StaticString)
    for byte in bytes { putStringByte(byte) }
    put("\"" as StaticString)
  }

  private mutating func putStringByte(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): put("\\\"" as StaticString)
    case UInt8(ascii: "\\"): put("\\\\" as StaticString)
    case 0x0A: put("\\n" as StaticString)
    case 0x20...0x7E: output.append(byte)
    default:
      put("\\x" as StaticString)
      putHex(byte)
    }
  }

  /// Writes bytes as a `unicode"..."` literal.
  mutating func putUnicodeString(_ bytes: [UInt8]) {
    put("unicode\"" as StaticString)
    let isValid = UTF8Validation.firstInvalidOffset(bytes) == nil
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      // The marks of text direction and the line ends of Unicode begin with these bytes; they stay readable
      // as escapes.
      let isSpecial =
        (byte == 0xE2 && index + 1 < bytes.count && bytes[index + 1] == 0x80)
        || (byte == 0xC2 && index + 1 < bytes.count && bytes[index + 1] == 0x85)
      if byte < 0x80 || !isValid {
        putStringByte(byte)
        index += 1
      } else {
        var length = 1
        while index + length < bytes.count, bytes[index + length] & 0xC0 == 0x80 { length += 1 }
        for offset in 0..<length {
          if isSpecial {
            putStringByte(bytes[index + offset])
          } else {
            output.append(bytes[index + offset])
          }
        }
        index += length
      }
    }
    put("\"" as StaticString)
  }

  mutating func putHexString(_ bytes: [UInt8]) {
    put("hex\"" as StaticString)
    for byte in bytes { putHex(byte) }
    put("\"" as StaticString)
  }

  private mutating func putHex(_ byte: UInt8) {
    for digit in [byte >> 4, byte & 15] {
      output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }
}
