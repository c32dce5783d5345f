/// The rules by which text is cut into pieces before merging; merging never crosses a cut.
///
/// Each is the hand-written equivalent of the regular expressions that the family's tokenizer.json holds.
public enum PreTokenizer: String, Hashable, Sendable, CaseIterable {
  /// DeepSeek V3 and V4 (`joyai-llm`): three splits one after the other (specification, section 8).
  case deepSeek = "joyai-llm"
  /// Qwen 2, 2.5 and 3: words of letters, single digits.
  case qwen2
  /// Qwen 3.5: words of letters and marks, single digits.
  case qwen35
  /// Llama 3: words of letters, one to three digits.
  case llama3 = "llama-bpe"
  /// GPT-2: words of letters or digits with the space before them.
  case gpt2 = "gpt-2"
  /// Single digits apart, the rest as GPT-2 (StarCoder, SmolLM, Command R).
  case digitsThenGPT2 = "starcoder"

  /// What a name in `tokenizer.ggml.pre` decides.
  struct Rules {
    var preTokenizer: PreTokenizer
    var normalizes = false
    var prefersWholePieces = false
  }

  /// The names of `tokenizer.ggml.pre` that llama.cpp treats alike, by rules (src/llama-vocab.cpp).
  private static let names: KeyValuePairs<PreTokenizer, [String]> = [
    .deepSeek: ["joyai-llm", "deepseek-v3", "hunyuan-dense", "hy_v4"],
    .qwen2: [
      "qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan",
      "solar-open",
    ],
    .qwen35: ["qwen35"],
    .llama3: [
      "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
      "jina-v5-nano", "dbrx", "smaug-bpe",
    ],
    .gpt2: [
      "gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0",
      "mellum", "modern-bert", "exaone4", "mpt", "olmo", "jais", "trillion", "granite-docling",
    ],
    .digitsThenGPT2: [
      "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2",
    ],
  ]

  /// The names of Llama 3's kin that do not keep whole pieces.
  private static let mergedAlways: Set<String> = ["dbrx", "smaug-bpe"]

  /// Every name of `tokenizer.ggml.pre` that is understood, sorted.
  public static var knownNames: [String] { names.flatMap(\.value).sorted() }

  /// The rules for a name of `tokenizer.ggml.pre`.
  static func rules(named name: String) throws(VocabularyError) -> Rules {
    for (preTokenizer, known) in names where known.contains(name) {
      return Rules(
        preTokenizer: preTokenizer,
        normalizes: name == "qwen2" || name == "qwen35",
        prefersWholePieces: preTokenizer == .llama3 && !mergedAlways.contains(name))
    }
    throw .unknownPreTokenizer(name)
  }

  /// Cuts `text[range]`, as if nothing stood around it, and calls `body` with the range of each piece, in order.
  /// The pieces cover the range without gaps. Linear in its length.
  @inline(__always)
  func forEachPiece(
    of reader: ScalarReader, in range: Range<Int>, _ body: (Range<Int>) -> Void
  ) {
    switch self {
    case .deepSeek: pieces(DeepSeekScanner(), reader, range, body)
    case .qwen2:
      pieces(WordScanner(word: ScalarClass.letter, longestNumber: 1), reader, range, body)
    case .qwen35:
      let word = ScalarClass.letter | ScalarClass.mark
      pieces(WordScanner(word: word, longestNumber: 1), reader, range, body)
    case .llama3:
      pieces(WordScanner(word: ScalarClass.letter, longestNumber: 3), reader, range, body)
    case .gpt2: pieces(GPT2Scanner(), reader, range, body)
    case .digitsThenGPT2: pieces(DigitsScanner(), reader, range, body)
    }
  }

  @inline(__always)
  private func pieces(
    _ scanner: some PieceScanner, _ reader: ScalarReader, _ range: Range<Int>,
    _ body: (Range<Int>) -> Void
  ) {
    var start = range.lowerBound
    while start < range.upperBound {
      let end = scanner.pieceEnd(reader, start, range.upperBound)
      body(start..<end)
      start = end
    }
  }
}

/// Finds where the piece that begins at a cut ends.
protocol PieceScanner {
  /// The end of the piece at `start`, greater than `start`. `start` is where the text or the piece before ends.
  func pieceEnd(_ reader: ScalarReader, _ start: Int, _ end: Int) -> Int
}

extension ScalarReader {
  /// `\s+(?!\S)|\s+` at a run of white space from `start` to `runEnd`, whose last scalar begins at `last`: all of it
  /// at the end of the text, otherwise all but the last scalar, but at least one.
  @inline(__always)
  func spaceEnd(_ start: Int, last: Int, runEnd: Int, isAtEnd: Bool) -> Int {
    isAtEnd || last == start ? runEnd : last
  }
}
