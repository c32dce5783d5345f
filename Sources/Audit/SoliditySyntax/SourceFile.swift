/// A half-open range of UTF-8 byte offsets in one source file.
public struct SourceRange: Hashable, Sendable, Comparable {
  /// Offset of the first byte.
  public var start: Int32
  /// Offset one past the last byte; never below `start`.
  public var end: Int32

  /// Makes a range from byte offsets.
  public init(start: Int, end: Int) {
    self.start = Int32(clamping: start)
    self.end = Int32(clamping: max(start, end))
  }

  /// Makes a range from byte offsets.
  public init(start: Int32, end: Int32) {
    self.start = start
    self.end = max(start, end)
  }

  /// The number of bytes covered.
  public var length: Int { Int(end - start) }

  /// Whether `other` lies inside this range.
  public func contains(_ other: SourceRange) -> Bool { start <= other.start && other.end <= end }

  /// The smallest range covering both.
  public func union(_ other: SourceRange) -> SourceRange {
    SourceRange(start: min(start, other.start), end: max(end, other.end))
  }

  /// Orders by start, then by end.
  public static func < (a: SourceRange, b: SourceRange) -> Bool {
    (a.start, a.end) < (b.start, b.end)
  }
}

/// A position for people: lines and columns count from 1, columns in bytes.
public struct SourcePosition: Hashable, Sendable, Comparable {
  /// Line, from 1.
  public var line: Int
  /// Column in bytes, from 1.
  public var column: Int
  /// Byte offset, from 0.
  public var offset: Int

  /// Makes a position.
  public init(line: Int, column: Int, offset: Int) {
    self.line = line
    self.column = column
    self.offset = offset
  }

  /// Orders by offset.
  public static func < (a: SourcePosition, b: SourcePosition) -> Bool { a.offset < b.offset }
}

/// The bytes of one Solidity file and the table that turns offsets into lines.
///
/// The bytes are kept as read; they need not be valid UTF-8 (the lexer reports where they are not).
public final class SourceFile: Sendable {
  /// The path or source unit name by which reports name this file.
  public let path: String
  /// The file's bytes.
  public let bytes: [UInt8]
  /// Byte offset at which each line starts; the first is 0.
  public let lineStarts: [Int32]

  /// Files above this size are refused: offsets are kept in 32 bits with room to spare.
  public static let maximumSize = 256 << 20

  /// Makes a source file from bytes. Lines end at LF, CR or CRLF, as the compiler counts them.
  public init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
    var starts: [Int32] = [0]
    starts.reserveCapacity(bytes.count / 32 + 1)
    bytes.withUnsafeBufferPointer { buffer in
      var index = 0
      while index < buffer.count {
        let byte = buffer[index]
        index += 1
        if byte == 0x0A {
          starts.append(Int32(clamping: index))
        } else if byte == 0x0D, index >= buffer.count || buffer[index] != 0x0A {
          starts.append(Int32(clamping: index))
        }
      }
    }
    lineStarts = starts
  }

  /// Makes a source file from text.
  public convenience init(path: String, text: String) {
    self.init(path: path, bytes: Array(text.utf8))
  }

  /// The line and column of a byte offset. O(log lines).
  public func position(at offset: Int) -> SourcePosition {
    let offset = min(max(0, offset), bytes.count)
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if Int(lineStarts[middle]) <= offset { low = middle } else { high = middle }
    }
    return SourcePosition(line: low + 1, column: offset - Int(lineStarts[low]) + 1, offset: offset)
  }

  /// The text of a range; invalid UTF-8 is repaired with U+FFFD.
  public func text(_ range: SourceRange) -> String {
    let start = min(max(0, Int(range.start)), bytes.count)
    let end = min(max(start, Int(range.end)), bytes.count)
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }

  /// The bytes of line `number` (from 1) without its line end, or nil if there is no such line.
  public func line(_ number: Int) -> String? {
    guard number >= 1, number <= lineStarts.count else { return nil }
    let start = Int(lineStarts[number - 1])
    var end = number < lineStarts.count ? Int(lineStarts[number]) : bytes.count
    while end > start, bytes[end - 1] == 0x0A || bytes[end - 1] == 0x0D { end -= 1 }
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }
}
