/// A fixed set of words of at most 16 bytes, each with the versions in which it means something.
///
/// Open addressing over words packed into two integers: one multiplication and, as a rule, one comparison.
struct WordTable: Sendable {
  /// What is known about a word. Versions are written as minor times 100 plus patch.
  struct Entry: Sendable {
    var low: UInt64
    var high: UInt64
    var kind: TokenKind
    var detail: UInt16
    /// First version with the meaning.
    var since: Int16
    /// First version without it.
    var until: Int16
    /// First version in which the word is reserved while it has no meaning.
    var reservedSince: Int16

    static let empty = Entry(
      low: 0, high: 0, kind: .identifier, detail: 0, since: 0, until: 0, reservedSince: 0)
  }

  static let never: Int16 = 30_000
  private static let slotCount = 1024
  private(set) var slots: [Entry]

  init() { slots = Array(repeating: .empty, count: Self.slotCount) }

  static func slot(_ low: UInt64, _ high: UInt64) -> Int {
    let mixed = (low ^ (high &* 0x9E37_79B9_7F4A_7C15)) &* 0xD6E8_FEB8_6659_FD93
    return Int(truncatingIfNeeded: mixed >> 54)
  }

  mutating func add(
    _ word: String, _ kind: TokenKind, detail: UInt16 = 0, since: Int16 = 0, until: Int16 = never,
    reservedSince: Int16 = never
  ) {
    var low: UInt64 = 0
    var high: UInt64 = 0
    for (index, byte) in word.utf8.enumerated() {
      if index < 8 {
        low |= UInt64(byte) << UInt64(8 * index)
      } else {
        high |= UInt64(byte) << UInt64(8 * (index - 8))
      }
    }
    var index = Self.slot(low, high)
    while slots[index].low != 0 { index = (index + 1) & (Self.slotCount - 1) }
    slots[index] = Entry(
      low: low, high: high, kind: kind, detail: detail, since: since, until: until,
      reservedSince: reservedSince)
  }

  /// The words of Solidity.
  ///
  /// Source: the compiler's list of tokens and its changelog for the versions.
  static let solidity: WordTable = {
    var table = WordTable()
    let always: [(String, TokenKind)] = [
      ("anonymous", .anonymous), ("as", .as), ("assembly", .assembly), ("break", .break),
      ("constant", .constant), ("continue", .continue), ("contract", .contract),
      ("delete", .delete), ("do", .do), ("else", .else), ("enum", .enum), ("event", .event),
      ("external", .external), ("for", .for), ("function", .function), ("hex", .hex), ("if", .if),
      ("import", .import), ("indexed", .indexed), ("interface", .interface),
      ("internal", .internal), ("is", .is), ("library", .library), ("mapping", .mapping),
      ("memory", .memory), ("modifier", .modifier), ("new", .new), ("payable", .payable),
      ("pragma", .pragma), ("private", .private), ("public", .public), ("return", .return),
      ("returns", .returns), ("storage", .storage), ("struct", .struct), ("throw", .throw),
      ("using", .using), ("while", .while), ("true", .trueLiteral), ("false", .falseLiteral),
      ("wei", .wei), ("ether", .ether), ("seconds", .seconds), ("minutes", .minutes),
      ("hours", .hours), ("days", .days), ("weeks", .weeks), ("years", .years),
      ("string", .typeString), ("bytes", .typeBytes), ("address", .typeAddress),
      ("bool", .typeBool),
    ]
    for (word, kind) in always { table.add(word, kind) }
    table.add("abstract", .abstract, since: 600, reservedSince: 0)
    table.add("calldata", .calldata, since: 500)
    table.add("catch", .catch, since: 600, reservedSince: 0)
    table.add("constructor", .constructor, since: 500)
    table.add("emit", .emit, since: 500)
    table.add("fallback", .fallback, since: 600)
    table.add("immutable", .immutable, since: 605, reservedSince: 500)
    table.add("override", .override, since: 600, reservedSince: 500)
    table.add("pure", .pure, since: 416, reservedSince: 0)
    table.add("receive", .receive, since: 600)
    table.add("try", .try, since: 600, reservedSince: 0)
    table.add("type", .type, since: 503, reservedSince: 0)
    table.add("unchecked", .unchecked, since: 800, reservedSince: 500)
    table.add("unicode", .unicode, since: 700)
    table.add("var", .var, until: 500, reservedSince: 500)
    table.add("view", .view, since: 416, reservedSince: 0)
    table.add("virtual", .virtual, since: 600)
    table.add("gwei", .gwei, since: 700)
    table.add("szabo", .szabo, until: 700)
    table.add("finney", .finney, until: 700)
    for word in [
      "after", "case", "default", "final", "in", "inline", "let", "match", "null", "of",
      "relocatable", "static", "switch", "typeof",
    ] {
      table.add(word, .reserved)
    }
    for word in [
      "alias", "apply", "auto", "copyof", "define", "implements", "macro", "mutable", "partial",
      "promise", "reference", "sealed", "sizeof", "supports", "typedef",
    ] {
      table.add(word, .reserved, since: 500)
    }
    table.add("byte", .typeBytesN, detail: 1, until: 800, reservedSince: 800)
    table.add("uint", .typeUInt, detail: 256)
    table.add("int", .typeInt, detail: 256)
    table.add("fixed", .typeFixed, detail: fixedDetail(bits: 128, decimals: 18))
    table.add("ufixed", .typeUFixed, detail: fixedDetail(bits: 128, decimals: 18))
    for size in 1...32 {
      table.add("uint\(size * 8)", .typeUInt, detail: UInt16(size * 8))
      table.add("int\(size * 8)", .typeInt, detail: UInt16(size * 8))
      table.add("bytes\(size)", .typeBytesN, detail: UInt16(size))
    }
    return table
  }()

  /// Packs the two sizes of a fixed-point type into a token's detail.
  static func fixedDetail(bits: Int, decimals: Int) -> UInt16 { UInt16(bits << 7 | decimals) }

  /// The words of Yul.
  static let yul: WordTable = {
    var table = WordTable()
    let always: [(String, TokenKind)] = [
      ("function", .function), ("let", .let), ("if", .if), ("switch", .switch), ("case", .case),
      ("default", .default), ("for", .for), ("break", .break), ("continue", .continue),
      ("hex", .hex),
    ]
    for (word, kind) in always { table.add(word, kind) }
    table.add("leave", .leave, since: 600)
    table.add("true", .trueLiteral, since: 602)
    table.add("false", .falseLiteral, since: 602)
    return table
  }()

  /// Detail of an instruction that takes nothing and gives a value. Until 0.6 such a one could be written
  /// without parentheses.
  static let readsWithoutArguments: UInt16 = 1

  /// The instructions that Yul code calls as functions; their names cannot be given to anything else.
  ///
  /// Where an instruction exists only on newer machines, the version is the first that aims at such a
  /// machine unless told otherwise.
  static let instructions: WordTable = {
    var table = WordTable()
    for word in [
      "stop", "add", "sub", "mul", "div", "sdiv", "mod", "smod", "exp", "not", "lt", "gt", "slt",
      "sgt", "eq", "iszero", "and", "or", "xor", "byte", "addmod", "mulmod", "signextend",
      "balance", "calldataload", "calldatacopy", "codecopy", "extcodesize", "extcodecopy",
      "blockhash", "pop", "mload", "mstore", "mstore8", "sload", "sstore", "log0", "log1", "log2",
      "log3", "log4", "create", "call", "callcode", "return", "delegatecall", "revert", "invalid",
      "selfdestruct", "staticcall", "create2",
    ] {
      table.add(word, .identifier)
    }
    for word in [
      "address", "origin", "caller", "callvalue", "calldatasize", "codesize", "gasprice",
      "coinbase", "timestamp", "number", "gaslimit", "pc", "msize", "gas",
    ] {
      table.add(word, .identifier, detail: readsWithoutArguments)
    }
    table.add("keccak256", .identifier, since: 412)
    table.add("returndatasize", .identifier, detail: readsWithoutArguments, since: 412)
    table.add("returndatacopy", .identifier, since: 412)
    table.add("sha3", .identifier, until: 500)
    table.add("suicide", .identifier, until: 500)
    table.add("jump", .identifier, until: 500)
    table.add("jumpi", .identifier, until: 500)
    for index in 1...16 {
      table.add("dup\(index)", .identifier, until: 500)
      table.add("swap\(index)", .identifier, until: 500)
    }
    for word in ["shl", "shr", "sar"] { table.add(word, .identifier, since: 421) }
    table.add("extcodehash", .identifier, since: 500)
    table.add("chainid", .identifier, detail: readsWithoutArguments, since: 512)
    table.add("selfbalance", .identifier, detail: readsWithoutArguments, since: 512)
    table.add("basefee", .identifier, detail: readsWithoutArguments, since: 807)
    table.add("difficulty", .identifier, detail: readsWithoutArguments, until: 818)
    table.add("prevrandao", .identifier, detail: readsWithoutArguments, since: 818)
    for word in ["mcopy", "tload", "tstore", "blobhash", "blobbasefee"] {
      table.add(word, .identifier, since: 825)
    }
    table.add("clz", .identifier, since: 831)
    return table
  }()
}
