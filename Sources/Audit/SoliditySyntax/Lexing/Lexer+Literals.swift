extension Lexer {
  /// Reads a number that starts at `position`, with a digit or with a point before a digit.
  mutating func number() -> Token {
    let start = position
    if base[position] == UInt8(ascii: ".") {
      position += 1
      skipDigits()
    } else {
      if base[position] == UInt8(ascii: "0") {
        let second = byte(position + 1)
        if second == UInt8(ascii: "x") || (second == UInt8(ascii: "X") && version < 500) {
          position += 2
          if !isClass(byte(position), ByteClass.hexDigit) { return illegal(.badHexDigit, start) }
          while position < count,
            isClass(base[position], ByteClass.hexDigit) || base[position] == UInt8(ascii: "_")
          {
            position += 1
          }
          return numberEnd(start)
        }
        if isClass(second, ByteClass.digit) {
          skipDigits()
          return illegal(.octalNumber, start)
        }
      }
      skipDigits()
      if byte(position) == UInt8(ascii: ".") {
        let second = byte(position + 1)
        if second == UInt8(ascii: "_") {
          // Misplaced, but left to a later pass by the compiler's scanner.
          position += 2
          skipDigits()
          return make(.number, start)
        }
        if isClass(second, ByteClass.digit) {
          position += 1
          skipDigits()
        } else if version < 500 {
          // A lone point was part of the number.
          position += 1
        } else {
          return make(.number, start)
        }
      }
    }
    let mark = byte(position)
    if mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") {
      position += 1
      if byte(position) == UInt8(ascii: "_") {
        // The compiler's scanner lets a misplaced underscore pass; a later pass refuses it.
        position += 1
        skipDigits()
        return make(.number, start)
      }
      if byte(position) == UInt8(ascii: "-") || byte(position) == UInt8(ascii: "+") {
        position += 1
      }
      if !isClass(byte(position), ByteClass.digit) { return illegal(.badExponent, start) }
      skipDigits()
    }
    return numberEnd(start)
  }

  private mutating func skipDigits() {
    guard isClass(byte(position), ByteClass.digit) else { return }
    while position < count,
      isClass(base[position], ByteClass.digit) || base[position] == UInt8(ascii: "_")
    {
      position += 1
    }
  }

  private mutating func numberEnd(_ start: Int) -> Token {
    if isClass(byte(position), ByteClass.identifierPart) {
      while isClass(byte(position), ByteClass.identifierPart) { position += 1 }
      return illegal(.badNumberEnd, start)
    }
    return make(.number, start)
  }

  /// Reads a string whose quote stands at `position`; `start` is where the token starts.
  mutating func string(start: Int, isUnicode: Bool) -> Token {
    let contentStart = position
    let quote = base[position]
    position += 1
    var problem: LexicalProblem?
    while position < count {
      let current = base[position]
      if current == quote { break }
      if current == UInt8(ascii: "\\") {
        position += 1
        if !skipEscape() { problem = problem ?? .badEscape }
        continue
      }
      if current < 0x20 || current > 0x7E {
        if lineBreakLength(position) > 0 { break }
        if !isUnicode, version >= 700 { problem = problem ?? .nonASCIIInString }
      }
      position += 1
    }
    if byte(position) != quote || position >= count {
      return illegal(problem ?? .unterminatedString, start)
    }
    position += 1
    if let problem { return illegal(problem, start) }
    if isUnicode, let problem = directionProblem(from: contentStart, to: position) {
      return illegal(problem, start)
    }
    return make(isUnicode ? .unicodeString : .string, start)
  }

  /// Moves past what follows a backslash; false if it is no escape sequence.
  private mutating func skipEscape() -> Bool {
    guard position < count else { return false }
    let mark = base[position]
    position += 1
    switch mark {
    case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "n"),
      UInt8(ascii: "r"), UInt8(ascii: "t"), 0x0A:
      return true
    case 0x0D:
      if byte(position) == 0x0A { position += 1 }
      return true
    case UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "v"):
      return version < 800
    case UInt8(ascii: "x"):
      return skipHexDigits(2)
    case UInt8(ascii: "u"):
      return skipHexDigits(4)
    default:
      // Until 0.4.25 any other character could be escaped.
      return version < 425
    }
  }

  private mutating func skipHexDigits(_ number: Int) -> Bool {
    for _ in 0..<number {
      guard position < count, isClass(base[position], ByteClass.hexDigit) else { return false }
      position += 1
    }
    return true
  }

  /// Reads the string after the word `hex`, which ends at `position`.
  mutating func hexString(_ start: Int) -> Token {
    let quote = byte(position)
    guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
      return illegal(.hexWithoutQuote, start)
    }
    position += 1
    var problem: LexicalProblem?
    var allowsUnderscore = false
    while position < count, base[position] != quote {
      if isClass(base[position], ByteClass.hexDigit),
        isClass(byte(position + 1), ByteClass.hexDigit)
      {
        position += 2
        allowsUnderscore = true
      } else if base[position] == UInt8(ascii: "_") {
        position += 1
        if !allowsUnderscore || byte(position) == quote { problem = problem ?? .badSeparator }
        allowsUnderscore = false
      } else {
        problem = problem ?? .badHexString
        if lineBreakLength(position) > 0 { break }
        position += 1
      }
    }
    if byte(position) != quote || position >= count {
      return illegal(problem ?? .unterminatedString, start)
    }
    position += 1
    if let problem { return illegal(problem, start) }
    return make(.hexString, start)
  }
}
