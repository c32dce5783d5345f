import GGUF

/// The vocabulary of a synthesised model: a byte-level BPE with few merges, the special tokens of the family at their
/// own ids (where the vocabulary is large enough), and unused entries in between.
struct SynthesisVocabulary {
  private struct Special {
    let text: String
    /// The id in the real vocabulary.
    let id: Int
  }

  private let family: SynthesisShape.Family
  private var tokens: [String]
  private var types: [Int32]
  private var merges: [String] = []
  private var ids: [String: Int] = [:]

  /// Token types of GGUF files.
  private enum Kind {
    static let normal: Int32 = 1
    static let control: Int32 = 3
    static let unused: Int32 = 5
  }

  init(_ shape: SynthesisShape) {
    family = shape.family
    let count = shape.vocabulary
    tokens = (0..<count).map { "[unused\($0)]" }
    types = [Int32](repeating: Kind.unused, count: count)
    var base = Self.byteCharacters.map { String($0) }
    let letters = (97...122).map { String(Self.byteCharacters[$0]) }
    let space = String(Self.byteCharacters[32])
    // A space and a letter, then pairs of letters: enough for words to become fewer tokens than bytes.
    for first in [space] + letters {
      for second in letters {
        base.append(first + second)
        merges.append("\(first) \(second)")
      }
    }
    let specials = Self.specials(of: shape.family)
    // DeepSeek's first three ids are special; the others' special ids follow all ordinary ones.
    let leading = specials.prefix { $0.id < 3 }.count
    var next = 0
    func place(_ text: String, at id: Int, _ kind: Int32) {
      tokens[id] = text
      types[id] = kind
      ids[text] = id
    }
    for special in specials.prefix(leading) {
      place(special.text, at: next, Kind.control)
      next += 1
    }
    for text in base where next < count {
      place(text, at: next, Kind.normal)
      next += 1
    }
    for special in specials.dropFirst(leading) {
      let id = special.id < count ? special.id : next
      guard id < count else { continue }
      place(special.text, at: id, Kind.control)
      next = max(next, id + 1)
    }
  }

  func add(to metadata: inout GGUFMetadata) {
    func text(_ value: String) -> MetadataValue { .string([UInt8](value.utf8)) }
    func id(_ text: String) -> MetadataValue { .uint32(UInt32(clamping: ids[text] ?? 0)) }
    metadata["tokenizer.ggml.model"] = text("gpt2")
    let names: (pre: String, first: String, last: String, pad: String)
    switch family {
    case .deepseek4:
      names = (
        "joyai-llm", "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"
      )
    case .qwen3, .qwen3moe: names = ("qwen2", "<|endoftext|>", "<|im_end|>", "<|endoftext|>")
    case .qwen35moe: names = ("qwen35", "<|endoftext|>", "<|im_end|>", "<|endoftext|>")
    case .llama:
      names = ("llama-bpe", "<|begin_of_text|>", "<|eot_id|>", "<|end_of_text|>")
    }
    metadata["tokenizer.ggml.pre"] = text(names.pre)
    metadata["tokenizer.ggml.tokens"] = .array(MetadataArray(tokens))
    metadata["tokenizer.ggml.token_type"] = .array(MetadataArray(types))
    metadata["tokenizer.ggml.merges"] = .array(MetadataArray(merges))
    metadata["tokenizer.ggml.bos_token_id"] = id(names.first)
    metadata["tokenizer.ggml.eos_token_id"] = id(names.last)
    metadata["tokenizer.ggml.padding_token_id"] = id(names.pad)
    metadata["tokenizer.ggml.add_bos_token"] = .bool(family == .deepseek4 || family == .llama)
  }

  private static func specials(of family: SynthesisShape.Family) -> [Special] {
    func numbered(_ first: Int, _ texts: String...) -> [Special] {
      texts.enumerated().map { Special(text: $0.element, id: first + $0.offset) }
    }
    switch family {
    case .deepseek4:
      return numbered(0, "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>")
        + numbered(128_800, "<｜fim▁hole｜>", "<｜fim▁begin｜>", "<｜fim▁end｜>")
        + numbered(128_803, "<｜User｜>", "<｜Assistant｜>", "<|EOT|>")
        + numbered(128_821, "<think>", "</think>") + numbered(128_825, "｜DSML｜")
    case .qwen3, .qwen3moe:
      return numbered(151_643, "<|endoftext|>", "<|im_start|>", "<|im_end|>")
        + numbered(151_667, "<think>", "</think>")
    case .qwen35moe:
      return numbered(248_044, "<|endoftext|>", "<|im_start|>", "<|im_end|>")
        + numbered(248_068, "<think>", "</think>")
    case .llama:
      return numbered(128_000, "<|begin_of_text|>", "<|end_of_text|>")
        + numbered(128_006, "<|start_header_id|>", "<|end_header_id|>")
        + numbered(128_009, "<|eot_id|>")
    }
  }

  /// The character that stands for each byte in GPT-2's vocabularies: printable bytes stand for themselves, the others
  /// for the characters from U+0100 on, in their order.
  private static let byteCharacters: [Character] = {
    var next: UInt32 = 0x100
    return (0..<256).map { byte in
      let isPrintable =
        (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
      if isPrintable { return Character(UnicodeScalar(UInt8(byte))) }
      defer { next += 1 }
      return Character(UnicodeScalar(next) ?? " ")
    }
  }()
}
