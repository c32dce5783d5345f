extension Lexer {
  /// How many bytes long the line break at an offset is, 0 if there is none. All the breaks of Unicode
  /// count, as the compiler counts them (0.4.25).
  func lineBreakLength(_ offset: Int) -> Int {
    switch byte(offset) {
    case 0x0A...0x0D:
      return offset < count ? 1 : 0
    case 0xC2:
      return byte(offset + 1) == 0x85 ? 2 : 0
    case 0xE2:
      guard byte(offset + 1) == 0x80 else { return 0 }
      return byte(offset + 2) == 0xA8 || byte(offset + 2) == 0xA9 ? 3 : 0
    default:
      return 0
    }
  }

  /// Moves to the end of the line, not past its break. True if a byte above ASCII was passed.
  private mutating func skipToLineEnd() -> Bool {
    var sawOther = false
    while position < count {
      let current = base[position]
      if current <= 0x0D, current >= 0x0A { break }
      if current >= 0x80 {
        sawOther = true
        if lineBreakLength(position) > 0 { break }
      }
      position += 1
    }
    return sawOther
  }

  /// Skips a comment of one line; `///` comments that follow each other become the documentation.
  mutating func skipLineComment() -> Token? {
    let start = position
    let isDocumentation =
      byte(position + 2) == UInt8(ascii: "/") && byte(position + 3) != UInt8(ascii: "/")
    position += 2
    var sawOther = skipToLineEnd()
    var contentEnd = position
    if isDocumentation {
      while true {
        // The next line goes on with the comment if `///` stands first on it.
        var look = position
        if byte(look) == 0x0D, byte(look + 1) == 0x0A {
          look += 2
        } else if byte(look) == 0x0A || byte(look) == 0x0D {
          look += 1
        } else {
          break
        }
        while look < count, base[look] == 0x20 || base[look] == 0x09 { look += 1 }
        guard byte(look) == UInt8(ascii: "/"), byte(look + 1) == UInt8(ascii: "/"),
          byte(look + 2) == UInt8(ascii: "/"), byte(look + 3) != UInt8(ascii: "/")
        else { break }
        position = look + 3
        if skipToLineEnd() { sawOther = true }
        contentEnd = position
      }
      documentationStart = Int32(truncatingIfNeeded: start)
      documentationEnd = Int32(truncatingIfNeeded: contentEnd)
      return nil
    }
    if sawOther, let problem = directionProblem(from: start, to: position) {
      return illegal(problem, start)
    }
    return nil
  }

  /// Skips a `/* */` comment; a `/** */` comment becomes the documentation.
  mutating func skipBlockComment() -> Token? {
    let start = position
    let third = byte(position + 2)
    let fourth = byte(position + 3)
    if third == UInt8(ascii: "*"), fourth == UInt8(ascii: "/") {
      position += 4
      return nil
    }
    let isDocumentation = third == UInt8(ascii: "*") && fourth != UInt8(ascii: "*")
    position += 2
    var sawOther = false
    while position < count {
      let current = base[position]
      position += 1
      if current == UInt8(ascii: "*"), byte(position) == UInt8(ascii: "/") {
        position += 1
        if isDocumentation {
          documentationStart = Int32(truncatingIfNeeded: start)
          documentationEnd = Int32(truncatingIfNeeded: position)
        } else if sawOther, let problem = directionProblem(from: start, to: position) {
          return illegal(problem, start)
        }
        return nil
      }
      if current >= 0x80 { sawOther = true }
    }
    // Until 0.4.25 a comment could end with the file.
    if version < 425 { return nil }
    return illegal(.unterminatedComment, start)
  }

  /// Whether the marks of Unicode that override the direction of text are unbalanced (0.7.6).
  func directionProblem(from start: Int, to end: Int) -> LexicalProblem? {
    if version < 706 { return nil }
    var depth = 0
    var index = start
    while index + 2 < end {
      if base[index] == 0xE2, base[index + 1] == 0x80 {
        switch base[index + 2] {
        case 0xAA, 0xAB, 0xAD, 0xAE: depth += 1
        case 0xAC: depth -= 1
        default: break
        }
        if depth < 0 { return .directionUnderflow }
      }
      index += 1
    }
    return depth > 0 ? .directionMismatch : nil
  }

  /// The text of the documentation comment at a range: its marks, the blanks around each line and the empty lines
  /// around the whole are removed.
  func documentationText(_ start: Int, _ end: Int) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(end - start)
    let isBlock = byte(start + 1) == UInt8(ascii: "*")
    var index = start + 3
    let contentEnd = isBlock ? end - 2 : end
    var isFirst = true
    var emptyLines = 0
    while index < contentEnd {
      skipBlanks(&index, contentEnd)
      if !isFirst {
        if isBlock {
          if index < contentEnd, base[index] == UInt8(ascii: "*") { index += 1 }
        } else if byte(index) == UInt8(ascii: "/") {
          index += 3
        }
        skipBlanks(&index, contentEnd)
      }
      isFirst = false
      let lineStart = index
      while index < contentEnd, base[index] != 0x0A, base[index] != 0x0D { index += 1 }
      var lineEnd = index
      while lineEnd > lineStart, base[lineEnd - 1] == 0x20 || base[lineEnd - 1] == 0x09 {
        lineEnd -= 1
      }
      if lineEnd > lineStart {
        if !text.isEmpty { text.append(contentsOf: repeatElement(0x0A, count: emptyLines + 1)) }
        emptyLines = 0
        text.append(
          contentsOf: UnsafeBufferPointer(start: base + lineStart, count: lineEnd - lineStart))
      } else {
        emptyLines += 1
      }
      if byte(index) == 0x0D, byte(index + 1) == 0x0A { index += 1 }
      index += 1
    }
    return String(decoding: text, as: UTF8.self)
  }

  private func skipBlanks(_ index: inout Int, _ end: Int) {
    while index < end, base[index] == 0x20 || base[index] == 0x09 { index += 1 }
  }
}
