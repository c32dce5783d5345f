import Constraints

/// A vocabulary made for tests.
struct TestVocabulary: Sendable {
  let name: String
  let tokens: [[UInt8]]
  let special: Set<Int32>
  let endTokens: Set<Int32>
  let table: TokenTable
  /// Ordinary tokens by their first byte.
  private let starts: [UInt8: [Int32]]

  init(_ name: String, texts: [String], pieces: [[UInt8]] = []) {
    self.name = name
    var tokens: [[UInt8]] = [Array("<end>".utf8), Array("<marker>".utf8), Array("<other>".utf8)]
    tokens += (UInt8.min...UInt8.max).map { [$0] }
    tokens += texts.map { Array($0.utf8) }
    tokens += pieces
    tokens.append([])
    self.tokens = tokens
    special = [0, 1, 2]
    endTokens = [0]
    var starts: [UInt8: [Int32]] = [:]
    for (id, token) in tokens.enumerated() where !special.contains(Int32(id)) {
      if let first = token.first { starts[first, default: []].append(Int32(id)) }
    }
    self.starts = starts
    table = TokenTable(tokens: tokens, special: special, endTokens: endTokens)
  }

  static let end: Int32 = 0
  static let marker: Int32 = 1

  /// Only single bytes.
  static let bytes = TestVocabulary("bytes", texts: [])

  /// Words and pieces that span the borders of syntax, and broken UTF-8.
  static let small = TestVocabulary(
    "small",
    texts: [
      "{\"", "\":", "\": ", "\",", "\", ", "\", \"", "\"}", "\"}}", "\"]", "\":\"", "\": \"",
      "\":{\"",
      "},", "}, ", "},{", "}]", "]}", "[]", "{}", "[[", "]]", "\"\"", ", ", ",\n", "\n", "\n  ",
      "  ",
      "    ", " ", " \"", " {", " [", "null", "true", "false", " true", " null", "tr", "ue", "10",
      "12",
      "123", "0.", ".5", "1.5", "e+", "E-", "-1", "-", "name", "age", "the", " the", " a", "value",
      "type", "\\n", "\\\"", "\\u", "\\u00", "00e", "\\ud83d", "\\ude00", "\\\\", "é", "日本", "😀",
      "a\"", "abc", "ab", "a\":1,\"a\":2", "\"a\":1}", ":1,\"", "2020-", "-01", "01T", ":00", "Z\"",
      "@",
      ".com", "</", "</x>", ">\n", "</x>\n", "x>", "<x", "text</", "<<", "\r\n", "\t\t",
    ],
    pieces: [
      [0xE6, 0x97], [0xA5], [0xF0, 0x9F], [0x98, 0x80], [0x22, 0xE6], [0xA9, 0x22], [0xFF, 0xFE],
      [0xED, 0xA0, 0x80], [0xC0, 0x80], [0x80, 0x22, 0x2C],
    ])

  /// Every pair of bytes out of those of JSON, so that tokens span all borders.
  static let pairs: TestVocabulary = {
    let bytes = Array("{}[]\",: 1a\\un-.e\n<>/".utf8) + [0xC3, 0xA9]
    return TestVocabulary(
      "pairs", texts: [], pieces: bytes.flatMap { left in bytes.map { [left, $0] } })
  }()

  static let all = [bytes, small, pairs]

  /// A random way to spell a text.
  func spell(_ text: String, _ random: inout SeededGenerator) -> [Int32] {
    var rest = Array(text.utf8)[...]
    var result: [Int32] = []
    while let first = rest.first {
      let fitting = (starts[first] ?? []).filter { rest.starts(with: tokens[Int($0)]) }
      guard let token = fitting.randomElement(using: &random) else { break }
      result.append(token)
      rest = rest.dropFirst(tokens[Int(token)].count)
    }
    return result
  }

  /// One way to spell a text: the longest token at every place.
  func spell(_ text: String) -> [Int32] {
    var rest = Array(text.utf8)[...]
    var result: [Int32] = []
    while !rest.isEmpty {
      var best: Int32 = -1
      for id in starts[rest[rest.startIndex]] ?? [] {
        let token = tokens[Int(id)]
        if rest.starts(with: token), best < 0 || token.count > tokens[Int(best)].count { best = id }
      }
      result.append(best)
      rest = rest.dropFirst(tokens[Int(best)].count)
    }
    return result
  }
}
