import Inference
import ModelServing
import Testing
import Tokenization
import Workstation

@Suite("Stop texts")
struct StopTextTests {
  private func run(_ stops: [String], _ pieces: [String]) -> (text: String, stop: String?) {
    var matcher = StopTextMatcher(stops)
    var text = ""
    for piece in pieces {
      let (certain, stop) = matcher.append(piece)
      text += certain
      if let stop { return (text, stop) }
    }
    return (text + matcher.flush(), nil)
  }

  @Test("The stop text that ends first counts, the longest of several that end together")
  func choice() {
    #expect(run(["END"], ["the ", "EN", "D of"]) == ("the ", "END"))
    #expect(run(["abcd", "bc"], ["xabcd"]) == ("xa", "bc"))
    #expect(run(["d", "cd"], ["abcd"]) == ("ab", "cd"))
    #expect(run(["aab"], ["aaab"]) == ("a", "aab"))
    #expect(run(["\n\n"], ["a\n", "b\n", "\nc"]) == ("a\nb", "\n\n"))
    #expect(run(["", "é"], ["caf", "é!"]) == ("caf", "é"))
    #expect(run(["END"], ["the E", "N"]) == ("the EN", nil))
  }

  @Test("Only what may be part of a stop text is held back")
  func held() {
    var matcher = StopTextMatcher(["stop", "top hat"])
    #expect(matcher.append("nonstop").stop == "stop")
    matcher = StopTextMatcher(["stop!", "top hat"])
    #expect(matcher.append("a stop").certain == "a ")
    #expect(matcher.append(" h").certain == "s")
    #expect(matcher.append("u").certain == "top hu")
  }

  @Test("Cuts into pieces change nothing", arguments: 0..<30)
  func pieces(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    for _ in 0..<60 {
      func text(_ range: ClosedRange<Int>) -> String {
        String(
          (0..<Int.random(in: range, using: &random)).map { _ in
            "abé".randomElement(using: &random) ?? "a"
          })
      }
      let whole = text(0...30)
      let stops = (0..<Int.random(in: 1...3, using: &random)).map { _ in text(1...4) }
      // By definition: the earliest end, of those the longest.
      let scalars = Array(whole.unicodeScalars)
      var expected: (text: String, stop: String?) = (whole, nil)
      search: for end in 0...scalars.count {
        let before = scalars[..<end]
        let ending = stops.filter { before.reversed().starts(with: $0.unicodeScalars.reversed()) }
        guard let stop = ending.max(by: { $0.utf8.count < $1.utf8.count }) else { continue }
        var kept = String.UnicodeScalarView()
        kept.append(contentsOf: before.dropLast(stop.unicodeScalars.count))
        expected = (String(kept), stop)
        break search
      }
      var parts: [String] = []
      var rest = whole[...]
      while !rest.isEmpty {
        let length = Int.random(in: 1...4, using: &random)
        parts.append(String(rest.prefix(length)))
        rest = rest.dropFirst(length)
      }
      #expect(run(stops, parts) == expected, "seed \(seed): \(stops) in \(parts)")
    }
  }
}

@Suite("Answers put together from tokens")
struct AnswerAssemblerTests {
  /// A vocabulary of single bytes and `<think>`, `</think>` as control tokens.
  private static let vocabulary: Vocabulary? = {
    var next: UInt32 = 0x100
    var tokens: [[UInt8]] = (0..<256).map { byte in
      let isPrintable =
        (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
      defer { if !isPrintable { next += 1 } }
      let scalar = Unicode.Scalar(isPrintable ? UInt32(byte) : next) ?? " "
      return Array(String(Character(scalar)).utf8)
    }
    tokens += [Array("<think>".utf8), Array("</think>".utf8)]
    return try? Vocabulary(
      tokens: tokens, types: [Int](repeating: 1, count: 256) + [3, 3], merges: [],
      preTokenizer: "qwen2")
  }()

  private func tokens(_ text: String) throws -> [Int32] {
    let vocabulary = try #require(Self.vocabulary)
    return Tokenizer(vocabulary).encode(text, specialTokens: .parsed)
  }

  private func likelihoods(_ token: Int32, _ place: Int) -> TokenLikelihoods {
    TokenLikelihoods(
      chosen: .init(token: token, logarithm: -Double(place)),
      alternatives: [.init(token: token, logarithm: -Double(place))])
  }

  private func events(
    _ text: String, stop: [String] = [], syntax: ChatOutputParser.Syntax? = .json,
    thinks: Bool = false
  ) throws -> (events: [GenerationEvent], assembler: AnswerAssembler) {
    var assembler = AnswerAssembler(
      vocabulary: try #require(Self.vocabulary),
      parser: syntax.map { ChatOutputParser(syntax: $0, startsThinking: thinks) }, stop: stop)
    var events: [GenerationEvent] = []
    for (place, token) in try tokens(text).enumerated() where assembler.stopText == nil {
      events += assembler.append(token, likelihoods: likelihoods(token, place))
    }
    return (events + assembler.finish(), assembler)
  }

  @Test("Probabilities stay with their text, whatever is held back")
  func probabilities() throws {
    for (text, thinks) in [
      ("hé</think>ab <ü\n\n", true),
      ("a\n\n<tool_call>\n{\"name\":\"f\"}\n</tool_call>\nrest", false),
    ] {
      let (events, _) = try events(text, stop: ["never"], thinks: thinks)
      let places = try tokens(text)
      for event in events {
        guard case .content(let said, let entries) = event else { continue }
        #expect(entries.flatMap(\.chosen.bytes).elementsEqual(said.utf8), "\(said)")
        for entry in entries {
          let place = Int(-entry.chosen.logarithm)
          #expect(
            Array(try #require(Self.vocabulary).bytes(of: places[place])) == entry.chosen.bytes)
        }
      }
    }
  }

  @Test("Stop texts cut the content, not thoughts nor calls")
  func stops() throws {
    let call = "<tool_call>\n{\"name\":\"f\",\"arguments\":{\"a\":\"END\"}}\n</tool_call>"
    let (events, assembler) = try events(
      "an END\n</think>\n\n" + call + "\nthis is the END of it", stop: ["END"], thinks: true)
    #expect(assembler.stopText == "END")
    let said = events.reduce("") { if case .content(let text, _) = $1 { $0 + text } else { $0 } }
    let thought = events.reduce("") { if case .reasoning(let text) = $1 { $0 + text } else { $0 } }
    #expect(said == "this is the ")
    #expect(thought == "an END")
    #expect(assembler.calls.map(\.name) == ["f"])
    // Eight bytes of thought and its marker are thoughts.
    #expect(assembler.reasoningTokens == 8)
  }

  @Test("Calls have ids of their own, and content comes before them")
  func calls() throws {
    let call = "<tool_call>\n{\"name\":\"f\"}\n</tool_call>"
    let (all, second) = try events("Look. \(call)\n\(call)", stop: [". never"])
    var order: [String] = []
    var ids: Set<String> = []
    for event in all {
      switch event {
      case .content(let text, _): order.append(text)
      case .call(let index, let call):
        order.append("call \(index)")
        ids.insert(call.id)
        #expect(call.id.wholeMatch(of: /call_[0-9A-Za-z]{24}/) != nil)
      default: Issue.record("\(event)")
      }
    }
    #expect(order.suffix(2) == ["call 0", "call 1"])
    #expect(order.dropLast(2).joined() == "Look. ")
    #expect(ids.count == 2)
    #expect(second.calls.compactMap(\.id).count == 2)
    #expect(second.calls.allSatisfy { $0.verbatim != nil })
  }

  @Test("Half characters and bytes that are none appear as U+FFFD once")
  func bytes() throws {
    let vocabulary = try #require(Self.vocabulary)
    var assembler = AnswerAssembler(vocabulary: vocabulary, parser: nil, stop: [])
    var events: [GenerationEvent] = []
    let text: [UInt8] = Array("é".utf8) + [0xFF] + Array("ü".utf8.dropLast())
    for byte in text {
      let token = (0..<Int32(256)).first { vocabulary.bytes(of: $0).elementsEqual([byte]) }
      events += assembler.append(try #require(token))
    }
    events += assembler.finish()
    let said = events.reduce("") { if case .content(let text, _) = $1 { $0 + text } else { $0 } }
    #expect(said == "é\u{FFFD}\u{FFFD}")
  }
}

/// Random numbers that a seed repeats (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
