/// The kinds of tokens. Groups that are tested together stand together: the order matters.
enum TokenKind: UInt8 {
  case endOfFile
  case leftParen, rightParen, leftBracket, rightBracket, leftBrace, rightBrace
  case colon, semicolon, period, question, comma, doubleArrow, rightArrow, yulAssign

  // Assignment operators.
  case assign, assignBitOr, assignBitXor, assignBitAnd, assignShiftLeft, assignShiftRight
  case assignShiftRightLogical, assignAdd, assignSubtract, assignMultiply, assignDivide
  case assignModulo

  // Binary operators.
  case or, and, equal, notEqual, less, greater, lessOrEqual, greaterOrEqual
  case bitOr, bitXor, bitAnd, shiftLeft, shiftRight, shiftRightLogical
  case add, subtract, multiply, divide, modulo, power

  // Other operators.
  case not, bitNot, increment, decrement, delete

  // Words with a meaning in Solidity.
  case abstract, anonymous, `as`, assembly, `break`, `catch`, constant, constructor, `continue`
  case contract, `do`, `else`, emit, `enum`, event, external, fallback, `for`, function, hex, `if`
  case immutable, `import`, indexed, interface, `internal`, `is`, library, mapping, modifier, new
  case override, payable, pragma, `private`, `public`, pure, receive, `return`, returns, `struct`
  case `throw`, `try`, type, unchecked, unicode, using, `var`, view, virtual, `while`
  case calldata, memory, storage

  // Units of numbers.
  case wei, gwei, szabo, finney, ether, seconds, minutes, hours, days, weeks, years

  // Built-in types; the token's detail holds the sizes.
  case typeInt, typeUInt, typeBytesN, typeBytes, typeString, typeAddress, typeBool
  case typeFixed, typeUFixed

  // Literals.
  case trueLiteral, falseLiteral, number, string, unicodeString, hexString

  // Words of Yul.
  case `let`, `switch`, `case`, `default`, leave

  case identifier
  /// A word kept for later versions of the language.
  case reserved
  /// What no token can be made of; the token's detail holds a `LexicalProblem`.
  case illegal

  var isElementaryType: Bool {
    rawValue >= TokenKind.typeInt.rawValue && rawValue <= TokenKind.typeUFixed.rawValue
  }
  var isAssignment: Bool {
    rawValue >= TokenKind.assign.rawValue && rawValue <= TokenKind.assignModulo.rawValue
  }
  var isUnit: Bool {
    rawValue >= TokenKind.wei.rawValue && rawValue <= TokenKind.years.rawValue
  }
  var isLocation: Bool {
    rawValue >= TokenKind.calldata.rawValue && rawValue <= TokenKind.storage.rawValue
  }
  var isVisibility: Bool {
    self == .public || self == .internal || self == .external || self == .private
  }
  var isMutability: Bool { self == .pure || self == .view || self == .payable }

  /// How strongly a binary operator binds; 0 for everything else.
  var precedence: Int {
    switch self {
    case .or: 4
    case .and: 5
    case .equal, .notEqual: 6
    case .less, .greater, .lessOrEqual, .greaterOrEqual: 7
    case .bitOr: 8
    case .bitXor: 9
    case .bitAnd: 10
    case .shiftLeft, .shiftRight, .shiftRightLogical: 11
    case .add, .subtract: 12
    case .multiply, .divide, .modulo: 13
    case .power: 14
    default: 0
    }
  }

  /// The binary operator the token stands for.
  var binaryOperator: BinaryOperator? {
    switch self {
    case .or: .or
    case .and: .and
    case .equal: .equal
    case .notEqual: .notEqual
    case .less: .less
    case .greater: .greater
    case .lessOrEqual: .lessOrEqual
    case .greaterOrEqual: .greaterOrEqual
    case .bitOr: .bitOr
    case .bitXor: .bitXor
    case .bitAnd: .bitAnd
    case .shiftLeft: .shiftLeft
    case .shiftRight: .shiftRight
    case .shiftRightLogical: .shiftRightLogical
    case .add: .add
    case .subtract: .subtract
    case .multiply: .multiply
    case .divide: .divide
    case .modulo: .modulo
    case .power: .power
    default: nil
    }
  }

  /// The operator inside a compound assignment; nil for `=` and for everything else.
  var compoundOperator: BinaryOperator? {
    switch self {
    case .assignBitOr: .bitOr
    case .assignBitXor: .bitXor
    case .assignBitAnd: .bitAnd
    case .assignShiftLeft: .shiftLeft
    case .assignShiftRight: .shiftRight
    case .assignShiftRightLogical: .shiftRightLogical
    case .assignAdd: .add
    case .assignSubtract: .subtract
    case .assignMultiply: .multiply
    case .assignDivide: .divide
    case .assignModulo: .modulo
    default: nil
    }
  }
}

/// A token: where it stands and what it is. Its text stays in the file.
struct Token {
  /// The kind.
  var kind: TokenKind
  /// Sizes of a built-in type, or the `LexicalProblem` of an illegal token.
  var detail: UInt16
  /// Offset of the first byte.
  var start: Int32
  /// Offset one past the last byte.
  var end: Int32
  /// Where the last NatSpec comment before the token stands; empty when there is none.
  var documentationStart: Int32
  /// One past the end of that comment.
  var documentationEnd: Int32

  var range: SourceRange { SourceRange(start: start, end: end) }
}

/// Why no token could be made.
enum LexicalProblem: UInt16 {
  case unknownCharacter, byteOrderMark, unterminatedComment, unterminatedString, badEscape
  case badHexString
  case badSeparator, hexWithoutQuote, unicodeWithoutQuote, nonASCIIInString, octalNumber
  case badHexDigit, badExponent, badNumberEnd, directionUnderflow, directionMismatch

  var message: String {
    switch self {
    case .unknownCharacter: "no token starts with this character"
    case .byteOrderMark: "the file starts with a byte order mark, which the compiler refuses"
    case .unterminatedComment: "the comment is not closed"
    case .unterminatedString: "the string is not closed on its line"
    case .badEscape: "invalid escape sequence in the string"
    case .badHexString: "a hex string holds pairs of hexadecimal digits only"
    case .badSeparator: "an underscore in a hex string must stand between two bytes"
    case .hexWithoutQuote: "'hex' must be followed by a string"
    case .unicodeWithoutQuote: "'unicode' must be followed by a string"
    case .nonASCIIInString:
      "only printable ASCII may stand in an ordinary string; use unicode\"...\""
    case .octalNumber: "octal numbers are not allowed"
    case .badHexDigit: "expected a hexadecimal digit after '0x'"
    case .badExponent: "expected digits in the exponent"
    case .badNumberEnd: "a number must not run into a name"
    case .directionUnderflow:
      "a mark that ends a text direction has no beginning (the code may read differently than it runs)"
    case .directionMismatch:
      "a mark that changes the text direction is not ended (the code may read differently than it runs)"
    }
  }
}
