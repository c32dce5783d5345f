import Constraints
import JSON

/// How long token masks take at a real size of vocabulary.
///
/// Masks are taken at every token of texts written by a constrained choice of tokens, `cold` with new grammars over a new
/// token table, and `warm` in the same grammars again. The physical limit is one pass over the bytes of the token tree at
/// the memory bandwidth measured here on one thread.
enum ConstraintBenchmark {
  /// What was measured on one grammar.
  struct Measurement {
    var name: String
    var tokenCount: Int
    /// Microseconds, ascending.
    var cold: [Double]
    var warm: [Double]
    var accept: [Double]
    /// Microseconds to compile.
    var compilation: Double
  }

  /// Measures and prints.
  ///
  /// - Parameters:
  ///   - json: prints JSON in place of text.
  ///   - vocabulary: the bytes of every token, those of a real model if there are any; made up where nil.
  static func run(json: Bool, vocabulary: [[UInt8]]? = nil) throws {
    let tokens = vocabulary ?? synthesizedVocabulary()
    let building = ContinuousClock().measure { _ = table(tokens) }
    let bandwidth = readBandwidth()
    let treeBytes = 12 * tokens.reduce(0) { $0 + $1.count } / 2
    var results: [Measurement] = []
    for (name, grammar) in try grammars() {
      results.append(try measure(name, grammar, tokens))
    }
    let limit = Double(treeBytes) / bandwidth * 1e6
    if json {
      printJSON(results, tokens.count, isReal: vocabulary != nil, limit: limit)
      return
    }
    print(
      "\(tokens.count) tokens, \(vocabulary == nil ? "made up" : "of a model"), table in \(milliseconds(building)) ms; reading the tree once takes at least \(rounded(limit)) us"
    )
    for result in results {
      print(
        "\(result.name): \(result.tokenCount) tokens, compiled in \(rounded(result.compilation)) us"
      )
      for (kind, times) in [
        ("cold", result.cold), ("warm", result.warm), ("accept", result.accept),
      ] {
        print(
          "  \(kind): mean \(rounded(mean(times))) us, p50 \(rounded(quantile(times, 0.5))) us,",
          "p99 \(rounded(quantile(times, 0.99))) us, most \(rounded(times.last ?? 0)) us")
      }
    }
  }

  // MARK: - Measuring

  private static func measure(
    _ name: String, _ grammar: Grammar, _ tokens: [[UInt8]]
  ) throws -> Measurement {
    let table = table(tokens)
    let clock = ContinuousClock()
    var compiled: CompiledGrammar?
    let compilation = try clock.measure { compiled = try CompiledGrammar(grammar, table: table) }
    guard let compiled else {
      return Measurement(name: name, tokenCount: 0, cold: [], warm: [], accept: [], compilation: 0)
    }
    var result = Measurement(
      name: name, tokenCount: 0, cold: [], warm: [], accept: [],
      compilation: microseconds(compilation))
    for isWarm in [false, true] {
      for seed in 0..<8 as Range<UInt64> {
        var random = SplitMix(state: seed)
        var matcher = GrammarMatcher(compiled)
        for step in 0..<200 {
          let before = clock.now
          let mask = matcher.allowedTokens()
          let time = microseconds(clock.now - before)
          if isWarm { result.warm.append(time) } else { result.cold.append(time) }
          if mask.contains(endToken), step > 40 { break }
          guard let token = choice(mask, tokens, &random) else { break }
          let start = clock.now
          guard matcher.accept(token) else { break }
          if isWarm { result.accept.append(microseconds(clock.now - start)) }
        }
      }
    }
    result.tokenCount = result.warm.count
    result.cold.sort()
    result.warm.sort()
    result.accept.sort()
    return result
  }

  private static let endToken: Int32 = 0

  private static func table(_ tokens: [[UInt8]]) -> TokenTable {
    TokenTable(tokens: tokens, special: [endToken], endTokens: [endToken])
  }

  /// A token of the mask: printable ones of a few letters are taken as models would take them.
  private static func choice(
    _ mask: TokenMask, _ tokens: [[UInt8]], _ random: inout SplitMix
  ) -> Int32? {
    var last: Int32?
    for attempt in 0..<4096 {
      let token = Int32(random.next() % UInt64(tokens.count))
      guard mask.contains(token), token != endToken else { continue }
      last = token
      let bytes = tokens[Int(token)]
      if bytes.allSatisfy({ (0x20...0x7E).contains($0) }) || attempt > 64 { break }
    }
    if let last { return last }
    let start = Int(random.next() % UInt64(tokens.count))
    for offset in tokens.indices {
      let token = Int32((start + offset) % tokens.count)
      if mask.contains(token), token != endToken { return token }
    }
    return nil
  }

  // MARK: - Grammars

  private static func grammars() throws -> [(String, Grammar)] {
    let tool = """
      {"type": "object", "properties": {"path": {"type": "string"}, "edits": {"type": "array", "items": {"type": "object",
      "properties": {"old_text": {"type": "string"}, "new_text": {"type": "string", "maxLength": 400}, "line": {"type": "integer", "minimum": 1}},
      "required": ["old_text", "new_text"], "additionalProperties": false}}, "mode": {"enum": ["fast", "careful"]}, "when": {"type": "string", "format": "date-time"}},
      "required": ["path", "edits"], "additionalProperties": false}
      """
    let lines =
      "root ::= line{1,40}\nline ::= [a-z_]+ \" = \" ([0-9]+ | \"\\\"\" [^\"\\n]* \"\\\"\") \"\\n\""
    return [
      ("JSON object", .jsonObject),
      ("tool schema", try .jsonSchema(JSONParser.parse(Array(tool.utf8)))),
      (
        "free text to a marker",
        Grammar(start: .sequence([.text(until: [.literal("</call>")]), .literal("</call>")]))
      ),
      ("assignments in GBNF", try .gbnf(lines)),
      ("regular expression", try .regularExpression("[A-Z][a-z]{1,20}( [a-z]{1,20}){3,12}\\.")),
    ]
  }

  // MARK: - Vocabulary

  /// 129,280 tokens with the shape of a byte-pair vocabulary: all bytes, runs of spaces and digits, punctuation, words with
  /// and without a space before them, and pieces of UTF-8.
  static func synthesizedVocabulary() -> [[UInt8]] {
    var tokens: [[UInt8]] = [Array("<end>".utf8)]
    var known: Set<[UInt8]> = []
    func add(_ bytes: [UInt8]) { if known.insert(bytes).inserted { tokens.append(bytes) } }
    for byte in UInt8.min...UInt8.max { add([byte]) }
    for count in 2...80 {
      add([UInt8](repeating: 0x20, count: count))
      add([0x0A] + [UInt8](repeating: 0x20, count: count))
      add([UInt8](repeating: 0x2D, count: count))
    }
    for number in 0..<1000 { add(Array(String(number).utf8)) }
    var random = SplitMix(state: 7)
    let marks = Array("\"{}[]:,.()<>/\\'=;_-!? \n\t#*+&|@$%".utf8)
    for left in marks {
      for right in marks {
        add([left, right])
        for third in marks where random.next() % 8 == 0 { add([left, right, third]) }
      }
    }
    let syllables =
      "a e i o u an en in on er al st th sh ch tion ing ment pre con de re un com pro ver ly ty ic ous ar or at it is to la ra ma ti"
      .split(separator: " ").map { Array($0.utf8) }
    while tokens.count < 129_280 {
      var word: [UInt8] = []
      for _ in 0..<(1 + random.next() % 4) {
        word += syllables[Int(random.next() % UInt64(syllables.count))]
      }
      switch random.next() % 16 {
      case 0: word[0] = word[0] & 0xDF
      case 1: word += [marks[Int(random.next() % UInt64(marks.count))]]
      case 2: word = [marks[Int(random.next() % UInt64(marks.count))]] + word
      case 3:
        word = []
        for _ in 0..<(1 + random.next() % 3) {
          let value = UInt32(0x4E00 + random.next() % 0x5000)
          if let scalar = Unicode.Scalar(value) { word += Array(String(scalar).utf8) }
        }
        if random.next() % 4 == 0 { word.removeLast() }
      case 4...9: word = [0x20] + word
      default: break
      }
      add(word)
    }
    return tokens
  }

  /// The generator of the measurements (SplitMix64).
  private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var value = state
      value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
      value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
      return value ^ (value >> 31)
    }
  }

  /// Bytes a second that one thread reads from a block larger than the caches.
  private static func readBandwidth() -> Double {
    let words = [UInt64](repeating: 1, count: 1 << 24)
    var best = Double.infinity
    var sum: UInt64 = 0
    for _ in 0..<5 {
      let time = ContinuousClock().measure {
        words.withUnsafeBufferPointer { words in
          var parts = SIMD8<UInt64>(repeating: 0)
          var index = 0
          while index < words.count {
            for lane in 0..<8 { parts[lane] &+= words[index + lane] }
            index += 8
          }
          sum &+= parts.wrappedSum()
        }
      }
      best = min(best, microseconds(time) / 1e6)
    }
    return sum == 0 ? 1 : Double(words.count * 8) / best
  }

  // MARK: - Output

  private static func microseconds(_ duration: Duration) -> Double { duration / .microseconds(1) }
  private static func milliseconds(_ duration: Duration) -> Double {
    rounded(duration / .milliseconds(1))
  }
  private static func mean(_ times: [Double]) -> Double {
    times.isEmpty ? 0 : times.reduce(0, +) / Double(times.count)
  }
  private static func quantile(_ times: [Double], _ part: Double) -> Double {
    times.isEmpty ? 0 : times[min(times.count - 1, Int(Double(times.count) * part))]
  }
  private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

  private static func printJSON(
    _ results: [Measurement], _ count: Int, isReal: Bool, limit: Double
  ) {
    var writer = JSONWriter()
    writer.object {
      $0.member("vocabulary", count)
      $0.member("vocabularyIsReal", isReal)
      $0.member("limitMicroseconds", .number(rounded(limit)))
      $0.member("grammars") {
        $0.array(of: results) { writer, result in
          writer.object {
            $0.member("name", result.name)
            $0.member("tokens", result.tokenCount)
            $0.member("compileMicroseconds", .number(rounded(result.compilation)))
            for (kind, times) in [
              ("cold", result.cold), ("warm", result.warm), ("accept", result.accept),
            ] {
              $0.member(kind) {
                $0.object {
                  $0.member("mean", .number(rounded(mean(times))))
                  $0.member("p50", .number(rounded(quantile(times, 0.5))))
                  $0.member("p99", .number(rounded(quantile(times, 0.99))))
                  $0.member("most", .number(rounded(times.last ?? 0)))
                }
              }
            }
          }
        }
      }
    }
    print(writer.text)
  }
}
