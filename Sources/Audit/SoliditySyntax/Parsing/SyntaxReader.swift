/// Thrown where a construct cannot be read on; the diagnostic is already recorded. The next place that can
/// recover skips to where reading makes sense again.
struct SyntaxAbort: Error {}

/// The state of parsing one file: a recursive descent over tokens made on demand.
struct SyntaxReader {
  /// How deep constructs may nest (blocks, statements, expressions, types, prefix operators).
  static let maximumNesting = 256
  /// How many levels the tree of one expression may have; long operator chains count one level a link.
  static let maximumHeight = 1024
  /// How many diagnostics a file gets before reading stops.
  static let maximumDiagnostics = 100
  /// Up to here the caller's stack is used; what nests deeper is read again on a larger one.
  static let ordinaryNesting = 24

  var lexer: Lexer
  /// The token to be read next.
  var token: Token
  /// Tokens behind `token` already made by looking ahead.
  var following: (Token, Token)
  var followingCount = 0
  /// End of the last token consumed.
  var previousEnd: Int32 = 0

  let unit: Int32
  /// The dialect: minor times 100 plus patch.
  let version: Int16
  /// The oldest version admitted, as `version`; names of instructions are refused only if both know them.
  let oldestVersion: Int16
  var nodeCount: Int32 = 0
  var diagnostics: [SyntaxDiagnostic] = []

  var depth = 0
  /// Levels of the expression read last.
  var height = 0
  let nestingLimit: Int
  /// The nesting went beyond `ordinaryNesting` while reading on an ordinary stack.
  var needsLargeStack = false
  /// No recovery: reading ends at once.
  var stops = false

  var isInsideModifier = false
  /// The name of the contract being read; names its constructor before 0.5.
  var contractName = ""

  /// What `break` and `continue` may stand in.
  enum YulLoopPart { case none, initial, step, body }
  var yulLoopPart = YulLoopPart.none
  var isInsideYulFunction = false

  /// Remembers names already made, by a hash of their bytes.
  var nameCache: [(start: Int32, end: Int32, text: String)]

  init(
    lexer: Lexer, unit: Int32, version: Int16, oldestVersion: Int16, hasLargeStack: Bool
  ) {
    self.lexer = lexer
    self.unit = unit
    self.version = version
    self.oldestVersion = oldestVersion
    nestingLimit = hasLargeStack ? Self.maximumNesting : Self.ordinaryNesting
    nameCache = Array(repeating: (0, 0, ""), count: 512)
    token = self.lexer.next()
    following = (token, token)
  }

  // MARK: Tokens

  @inline(__always)
  mutating func advance() {
    previousEnd = token.end
    if followingCount > 0 {
      token = following.0
      following.0 = following.1
      followingCount -= 1
    } else {
      token = lexer.next()
    }
  }

  /// The kind of the token behind the current one.
  @inline(__always)
  mutating func peek() -> TokenKind {
    if followingCount == 0 {
      following.0 = lexer.next()
      followingCount = 1
    }
    return following.0.kind
  }

  /// The token two behind the current one.
  mutating func peekSecond() -> Token {
    _ = peek()
    if followingCount == 1 {
      following.1 = lexer.next()
      followingCount = 2
    }
    return following.1
  }

  /// Switches between the words of Solidity and of Yul; the current token is kept.
  mutating func setYul(_ isYul: Bool) {
    if lexer.isYul == isYul { return }
    lexer.isYul = isYul
    if followingCount > 0 {
      followingCount = 0
      lexer.position = Int(token.end)
    }
  }

  /// A lexer that goes on behind the current token, for looking far ahead.
  func lookahead() -> Lexer {
    var copy = lexer
    copy.position = Int(token.end)
    return copy
  }

  @inline(__always)
  mutating func take(_ kind: TokenKind) -> Bool {
    if token.kind != kind { return false }
    advance()
    return true
  }

  mutating func expect(_ kind: TokenKind, _ what: StaticString) throws(SyntaxAbort) {
    if token.kind == kind {
      advance()
      return
    }
    throw unexpected("\(what)")
  }

  func isText(_ token: Token, _ word: StaticString) -> Bool {
    let length = Int(token.end - token.start)
    guard length == word.utf8CodeUnitCount else { return false }
    let start = Int(token.start)
    for index in 0..<length where lexer.base[start + index] != word.utf8Start[index] {
      return false
    }
    return true
  }

  func isIdentifier(_ word: StaticString) -> Bool {
    token.kind == .identifier && isText(token, word)
  }

  /// The text of a range of the file.
  func text(_ start: Int32, _ end: Int32) -> String {
    String(
      decoding: UnsafeBufferPointer(
        start: lexer.base + Int(start), count: max(0, Int(end) - Int(start))), as: UTF8.self)
  }

  /// The text of a name; equal names share one string.
  mutating func nameText(_ start: Int32, _ end: Int32) -> String {
    let length = Int(end - start)
    // Short strings hold their bytes themselves.
    if length <= 15 { return text(start, end) }
    let bytes = lexer.base + Int(start)
    var hash: UInt32 = 2_166_136_261
    for index in 0..<length { hash = (hash ^ UInt32(bytes[index])) &* 16_777_619 }
    let slot = Int(hash & 511)
    let cached = nameCache[slot]
    if cached.end - cached.start == end - start {
      let other = lexer.base + Int(cached.start)
      var index = 0
      while index < length, bytes[index] == other[index] { index += 1 }
      if index == length { return cached.text }
    }
    let made = text(start, end)
    nameCache[slot] = (start, end, made)
    return made
  }

  // MARK: Nodes

  @inline(__always)
  mutating func makeID() -> NodeID {
    let id = NodeID(unit: unit, index: nodeCount)
    nodeCount += 1
    return id
  }

  /// From an offset to the end of the last token consumed.
  @inline(__always)
  func rangeSince(_ start: Int32) -> SourceRange { SourceRange(start: start, end: previousEnd) }

  mutating func documentation(_ token: Token) -> Documentation? {
    if token.documentationEnd == 0 { return nil }
    let text = lexer.documentationText(
      Int(token.documentationStart), Int(token.documentationEnd))
    if text.isEmpty { return nil }
    return Documentation(
      text: text,
      range: SourceRange(start: token.documentationStart, end: token.documentationEnd))
  }

  // MARK: Errors

  mutating func report(_ message: String, _ range: SourceRange) {
    if stops { return }
    diagnostics.append(SyntaxDiagnostic(message: message, range: range))
    if diagnostics.count >= Self.maximumDiagnostics {
      diagnostics.append(
        SyntaxDiagnostic(
          message: "reading stopped after \(Self.maximumDiagnostics) problems", range: range))
      stops = true
    }
  }

  mutating func failure(_ message: String, _ range: SourceRange) -> SyntaxAbort {
    report(message, range)
    return SyntaxAbort()
  }

  /// The current token is not what the grammar asks for.
  mutating func unexpected(_ expected: String) -> SyntaxAbort {
    if token.kind == .illegal, let problem = LexicalProblem(rawValue: token.detail) {
      return failure(problem.message, token.range)
    }
    return failure("expected \(expected), found \(describe(token))", token.range)
  }

  func describe(_ token: Token) -> String {
    switch token.kind {
    case .endOfFile: return "the end of the file"
    case .reserved: return "the reserved word '\(text(token.start, token.end))'"
    case .string, .unicodeString, .hexString: return "a string"
    default:
      if token.end - token.start > 40 { return "'\(text(token.start, token.start + 40))...'" }
      return "'\(text(token.start, token.end))'"
    }
  }

  /// Counts a level of nesting; every call is matched by `leave`.
  @inline(__always)
  mutating func enter() throws(SyntaxAbort) {
    depth += 1
    if depth > nestingLimit { throw nestingFailure() }
  }

  @inline(__always)
  mutating func leave() { depth -= 1 }

  private mutating func nestingFailure() -> SyntaxAbort {
    if nestingLimit < Self.maximumNesting {
      needsLargeStack = true
      stops = true
      return SyntaxAbort()
    }
    return failure("nested too deeply (more than \(Self.maximumNesting) levels)", token.range)
  }

  /// Counts a level of the expression read last.
  @inline(__always)
  mutating func grow(_ other: Int = 0) throws(SyntaxAbort) {
    height = max(height, other) + 1
    if height > Self.maximumHeight {
      throw failure(
        "the expression is a chain of more than \(Self.maximumHeight) operations", token.range)
    }
  }

  // MARK: Names

  mutating func expectName() throws(SyntaxAbort) -> Name {
    guard token.kind == .identifier else { throw unexpected("a name") }
    let name = Name(text: nameText(token.start, token.end), range: token.range)
    advance()
    return name
  }

  /// A member's name, which may be the word `address`.
  mutating func expectMemberName() throws(SyntaxAbort) -> Name {
    guard token.kind == .identifier || token.kind == .typeAddress else {
      throw unexpected("a name")
    }
    let name = Name(text: nameText(token.start, token.end), range: token.range)
    advance()
    return name
  }

  mutating func identifierPath() throws(SyntaxAbort) -> IdentifierPath {
    let start = token.start
    var parts = [try expectName()]
    while token.kind == .period {
      advance()
      parts.append(try expectName())
    }
    return IdentifierPath(id: makeID(), range: rangeSince(start), parts: parts)
  }

  func emptyName(_ start: Int32) -> Name {
    Name(text: "", range: SourceRange(start: start, end: start))
  }
}
