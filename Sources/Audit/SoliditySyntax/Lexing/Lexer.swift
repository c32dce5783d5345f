/// Makes tokens from bytes, one at a time. Copying a lexer is cheap: a copy looks ahead.
///
/// The pointers are valid only while the parser runs inside `Parser.withLexer`.
struct Lexer {
  let base: UnsafePointer<UInt8>
  let count: Int
  let classes: UnsafePointer<UInt8>
  let solidityWords: UnsafePointer<WordTable.Entry>
  let yulWords: UnsafePointer<WordTable.Entry>
  let instructionWords: UnsafePointer<WordTable.Entry>
  /// The dialect: minor times 100 plus patch.
  let version: Int16
  /// Offset of the next byte to read.
  var position = 0
  /// Whether the words and names of Yul are read.
  var isYul = false
  /// The NatSpec comment found before the token being read.
  var documentationStart: Int32 = 0
  var documentationEnd: Int32 = 0

  init(
    bytes: UnsafeBufferPointer<UInt8>, empty: UnsafePointer<UInt8>, classes: UnsafePointer<UInt8>,
    solidityWords: UnsafePointer<WordTable.Entry>, yulWords: UnsafePointer<WordTable.Entry>,
    instructionWords: UnsafePointer<WordTable.Entry>, version: Int16
  ) {
    base = bytes.baseAddress ?? empty
    count = bytes.count
    self.classes = classes
    self.solidityWords = solidityWords
    self.yulWords = yulWords
    self.instructionWords = instructionWords
    self.version = version
  }

  /// The byte at an offset, 0 past the end.
  @inline(__always)
  func byte(_ offset: Int) -> UInt8 { offset < count ? base[offset] : 0 }

  @inline(__always)
  func isClass(_ byte: UInt8, _ bits: UInt8) -> Bool { classes[Int(byte)] & bits != 0 }

  @inline(__always)
  func make(_ kind: TokenKind, _ start: Int, detail: UInt16 = 0) -> Token {
    Token(
      kind: kind, detail: detail, start: Int32(truncatingIfNeeded: start),
      end: Int32(truncatingIfNeeded: position), documentationStart: documentationStart,
      documentationEnd: documentationEnd)
  }

  func illegal(_ problem: LexicalProblem, _ start: Int) -> Token {
    make(.illegal, start, detail: problem.rawValue)
  }

  /// Consumes `length` bytes as a token.
  @inline(__always)
  private mutating func take(_ kind: TokenKind, _ length: Int) -> Token {
    let start = position
    position += length
    return make(kind, start)
  }

  /// Reads the next token.
  mutating func next() -> Token {
    documentationStart = 0
    documentationEnd = 0
    while position < count {
      let first = base[position]
      let bits = classes[Int(first)]
      if bits & ByteClass.whitespace != 0 {
        position += 1
        continue
      }
      if bits & ByteClass.identifierStart != 0 { return word() }
      if bits & ByteClass.digit != 0 { return number() }
      if first == UInt8(ascii: "/") {
        let second = byte(position + 1)
        if second == UInt8(ascii: "/") {
          if let problem = skipLineComment() { return problem }
          continue
        }
        if second == UInt8(ascii: "*") {
          if let problem = skipBlockComment() { return problem }
          continue
        }
        return second == UInt8(ascii: "=") ? take(.assignDivide, 2) : take(.divide, 1)
      }
      return punctuation(first)
    }
    position = count
    return make(.endOfFile, count)
  }

  private mutating func punctuation(_ first: UInt8) -> Token {
    let second = byte(position + 1)
    let equals = second == UInt8(ascii: "=")
    switch first {
    case UInt8(ascii: "("): return take(.leftParen, 1)
    case UInt8(ascii: ")"): return take(.rightParen, 1)
    case UInt8(ascii: ","): return take(.comma, 1)
    case UInt8(ascii: ";"): return take(.semicolon, 1)
    case UInt8(ascii: "{"): return take(.leftBrace, 1)
    case UInt8(ascii: "}"): return take(.rightBrace, 1)
    case UInt8(ascii: "["): return take(.leftBracket, 1)
    case UInt8(ascii: "]"): return take(.rightBracket, 1)
    case UInt8(ascii: "."):
      if isClass(second, ByteClass.digit) { return number() }
      return take(.period, 1)
    case UInt8(ascii: "="):
      if equals { return take(.equal, 2) }
      return second == UInt8(ascii: ">") ? take(.doubleArrow, 2) : take(.assign, 1)
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      return string(start: position, isUnicode: false)
    case UInt8(ascii: ":"):
      return equals ? take(.yulAssign, 2) : take(.colon, 1)
    case UInt8(ascii: "!"): return equals ? take(.notEqual, 2) : take(.not, 1)
    case UInt8(ascii: "+"):
      if second == first { return take(.increment, 2) }
      return equals ? take(.assignAdd, 2) : take(.add, 1)
    case UInt8(ascii: "-"):
      if second == first { return take(.decrement, 2) }
      if second == UInt8(ascii: ">") { return take(.rightArrow, 2) }
      return equals ? take(.assignSubtract, 2) : take(.subtract, 1)
    case UInt8(ascii: "*"):
      if second == first { return take(.power, 2) }
      return equals ? take(.assignMultiply, 2) : take(.multiply, 1)
    case UInt8(ascii: "%"): return equals ? take(.assignModulo, 2) : take(.modulo, 1)
    case UInt8(ascii: "&"):
      if second == first { return take(.and, 2) }
      return equals ? take(.assignBitAnd, 2) : take(.bitAnd, 1)
    case UInt8(ascii: "|"):
      if second == first { return take(.or, 2) }
      return equals ? take(.assignBitOr, 2) : take(.bitOr, 1)
    case UInt8(ascii: "^"): return equals ? take(.assignBitXor, 2) : take(.bitXor, 1)
    case UInt8(ascii: "<"):
      if equals { return take(.lessOrEqual, 2) }
      if second == first {
        return byte(position + 2) == UInt8(ascii: "=")
          ? take(.assignShiftLeft, 3) : take(.shiftLeft, 2)
      }
      return take(.less, 1)
    case UInt8(ascii: ">"):
      if equals { return take(.greaterOrEqual, 2) }
      if second == first {
        let third = byte(position + 2)
        if third == UInt8(ascii: "=") { return take(.assignShiftRight, 3) }
        if third == first {
          return byte(position + 3) == UInt8(ascii: "=")
            ? take(.assignShiftRightLogical, 4) : take(.shiftRightLogical, 3)
        }
        return take(.shiftRight, 2)
      }
      return take(.greater, 1)
    case UInt8(ascii: "?"): return take(.question, 1)
    case UInt8(ascii: "~"): return take(.bitNot, 1)
    default:
      let start = position
      position += 1
      // The rest of a character of several bytes belongs to the same problem.
      while position < count, base[position] & 0xC0 == 0x80 { position += 1 }
      let isByteOrderMark =
        start == 0 && position == 3 && base[0] == 0xEF && base[1] == 0xBB && base[2] == 0xBF
      return illegal(isByteOrderMark ? .byteOrderMark : .unknownCharacter, start)
    }
  }

  /// Finds a word of at most 16 bytes in a table; nil if it is not there.
  @inline(__always)
  func entry(
    _ table: UnsafePointer<WordTable.Entry>, start: Int, length: Int
  ) -> WordTable.Entry? {
    if length > 16 { return nil }
    var low: UInt64 = 0
    var high: UInt64 = 0
    var index = 0
    while index < length, index < 8 {
      low |= UInt64(base[start + index]) << UInt64(8 * index)
      index += 1
    }
    while index < length {
      high |= UInt64(base[start + index]) << UInt64(8 * (index - 8))
      index += 1
    }
    var slot = WordTable.slot(low, high)
    while table[slot].low != 0 {
      if table[slot].low == low, table[slot].high == high { return table[slot] }
      slot = (slot + 1) & 1023
    }
    return nil
  }

  private mutating func word() -> Token {
    let start = position
    position += 1
    while position < count, isClass(base[position], ByteClass.identifierPart) { position += 1 }
    if isYul { return yulWord(start) }
    let first = base[start]
    if first < UInt8(ascii: "a") { return make(.identifier, start) }
    if let found = entry(solidityWords, start: start, length: position - start) {
      if version >= found.since, version < found.until {
        if found.kind == .hex { return hexString(start) }
        if found.kind == .unicode {
          let quote = byte(position)
          if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
            return string(start: start, isUnicode: true)
          }
          return illegal(.unicodeWithoutQuote, start)
        }
        return make(found.kind, start, detail: found.detail)
      }
      return make(version >= found.reservedSince ? .reserved : .identifier, start)
    }
    if first == UInt8(ascii: "f") || first == UInt8(ascii: "u"),
      let fixed = fixedPointType(start)
    {
      return fixed
    }
    return make(.identifier, start)
  }

  private mutating func yulWord(_ start: Int) -> Token {
    while position < count,
      isClass(base[position], ByteClass.identifierPart) || base[position] == UInt8(ascii: ".")
    {
      position += 1
    }
    let length = position - start
    if let found = entry(yulWords, start: start, length: length), version >= found.since {
      return found.kind == .hex ? hexString(start) : make(found.kind, start)
    }
    // Until 0.7.1 the words of Solidity were no names in assembly, instructions excepted.
    if version < 701, let found = entry(solidityWords, start: start, length: length),
      version >= found.reservedSince || (version >= found.since && version < found.until)
    {
      switch found.kind {
      case .return, .typeAddress: return make(.identifier, start)
      case .typeBytesN where length == 4: return make(.identifier, start)
      case .typeBool where version >= 510: return make(.identifier, start)
      default: return make(.reserved, start)
      }
    }
    if version < 701, base[start] == UInt8(ascii: "f") || base[start] == UInt8(ascii: "u"),
      fixedPointType(start) != nil
    {
      return make(.reserved, start)
    }
    return make(.identifier, start)
  }

  /// `fixedMxN` and `ufixedMxN`, if the word that ends at `position` is one.
  private func fixedPointType(_ start: Int) -> Token? {
    let isUnsigned = base[start] == UInt8(ascii: "u")
    var index = start + (isUnsigned ? 1 : 0)
    for expected in "fixed".utf8 {
      guard index < position, base[index] == expected else { return nil }
      index += 1
    }
    func size() -> Int? {
      let first = index
      var value = 0
      while index < position, isClass(base[index], ByteClass.digit), value < 1000 {
        value = value * 10 + Int(base[index] - UInt8(ascii: "0"))
        index += 1
      }
      if index == first || (index - first > 1 && base[first] == UInt8(ascii: "0")) { return nil }
      return value
    }
    guard let bits = size(), index < position, base[index] == UInt8(ascii: "x") else { return nil }
    index += 1
    guard let decimals = size(), index == position else { return nil }
    guard bits >= 8, bits <= 256, bits % 8 == 0, decimals <= 80 else { return nil }
    return make(
      isUnsigned ? .typeUFixed : .typeFixed, start,
      detail: WordTable.fixedDetail(bits: bits, decimals: decimals))
  }
}
