import GGUF
import JSON

/// Turns the tokenizer of a Hugging Face model into metadata.
struct HuggingFaceTokenizer {
  /// Types of tokens in GGUF files.
  private enum Kind: Int32 {
    case normal = 1
    case control = 3
    case userDefined = 4
    case unused = 5
  }

  private let path: String
  private let tokenizer: JSONValue
  private let settings: JSONValue?
  private let generation: JSONValue?
  private let template: [UInt8]?
  private var ids: [String: Int] = [:]

  init(directory: String) throws(ModelFileError) {
    path = "\(directory)/tokenizer.json"
    tokenizer = try ModelDirectory.readJSON(path)
    settings = try ModelDirectory.readOptionalJSON("\(directory)/tokenizer_config.json")
    generation = try ModelDirectory.readOptionalJSON("\(directory)/generation_config.json")
    template = try ModelDirectory.readOptionalText("\(directory)/chat_template.jinja")
  }

  /// Writes the tokenizer's keys.
  ///
  /// - Parameter tokenCount: the rows of the embedding; ids without a token become unused tokens.
  mutating func add(
    to metadata: inout GGUFMetadata, tokenCount: Int, configuration: HuggingFaceConfiguration
  ) throws(ModelFileError) {
    let model = tokenizer["model"] ?? .null
    guard model["type"]?.stringValue == "BPE", model["byte_fallback"]?.boolValue != true else {
      throw wrong("only byte-level BPE can be converted (no SentencePiece vocabularies)")
    }
    let prefix = "tokenizer.ggml."
    metadata[prefix + "model"] = .string("gpt2")
    metadata[prefix + "pre"] = .string(try preTokenizer())
    try addTokens(model, count: tokenCount, to: &metadata)
    metadata[prefix + "merges"] = .array(MetadataArray(try merges(model)))
    addSpecialTokens(configuration, count: tokenCount, to: &metadata)
    try addTemplates(to: &metadata)
    addSampling(to: &metadata)
  }

  private func wrong(_ problem: String) -> ModelFileError { .content(path: path, problem: problem) }

  // MARK: - Pre-tokenizer

  /// The patterns of pre-tokenizers that are known, by their name in GGUF files. The patterns are those in the
  /// tokenizer.json files of the models named.
  private static let patterns: [(name: String, patterns: [String])] = [
    // Llama 3.
    (
      "llama-bpe",
      [
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
      ]
    ),
    // Qwen 2, 2.5, 3.
    (
      "qwen2",
      [
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
      ]
    ),
    // Qwen 3.5.
    (
      "qwen35",
      [
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
      ]
    ),
    // DeepSeek V4.
    (
      "joyai-llm",
      [
        #"\p{N}{1,3}"#, "[\u{4E00}-\u{9FA5}\u{3040}-\u{309F}\u{30A0}-\u{30FF}]+",
        ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^"## + "\r\n"
          + #"\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+["# + "\r\n" + #"]*|\s*["#
          + "\r\n" + #"]+|\s+(?!\S)|\s+"#,
      ]
    ),
  ]

  private func preTokenizer() throws(ModelFileError) -> String {
    let definition = tokenizer["pre_tokenizer"] ?? .null
    let steps = definition["pretokenizers"]?.arrayValue ?? [definition]
    guard let last = steps.last, last["type"]?.stringValue == "ByteLevel",
      last["add_prefix_space"]?.boolValue != true
    else { throw wrong("the pre-tokenizer does not end in ByteLevel without a prefix space") }
    if steps.count == 1, last["use_regex"]?.boolValue != false { return "gpt-2" }
    let patterns = steps.dropLast().map { step -> String? in
      guard step["type"]?.stringValue == "Split", step["behavior"]?.stringValue == "Isolated",
        step["invert"]?.boolValue != true
      else { return nil }
      return step["pattern"]?["Regex"]?.stringValue
    }
    if last["use_regex"]?.boolValue == false,
      let known = Self.patterns.first(where: { $0.patterns.map(Optional.some) == Array(patterns) })
    {
      return known.name
    }
    throw wrong(
      "the pre-tokenizer is none of gpt-2, "
        + Self.patterns.map(\.name).joined(separator: ", ") + "; its patterns are "
        + patterns.map { "\"\($0 ?? "(not a plain split)")\"" }.joined(separator: ", "))
  }

  // MARK: - Vocabulary

  private mutating func addTokens(
    _ model: JSONValue, count: Int, to metadata: inout GGUFMetadata
  ) throws(ModelFileError) {
    guard let vocabulary = model["vocab"]?.objectValue, !vocabulary.isEmpty else {
      throw wrong("has no vocabulary")
    }
    var tokens = [String?](repeating: nil, count: count)
    var kinds = [Kind](repeating: .unused, count: count)
    func set(_ token: String, _ id: Int?, _ kind: Kind) throws(ModelFileError) {
      guard let id, (0..<count).contains(id) else {
        throw wrong("token '\(token)' has no id below \(count), the size of the embedding")
      }
      guard kind != .normal || tokens[id] == nil else {
        throw wrong("tokens '\(tokens[id] ?? "")' and '\(token)' have the same id \(id)")
      }
      tokens[id] = token
      kinds[id] = kind
      ids[token] = id
    }
    for member in vocabulary { try set(member.name, member.value.integerValue, .normal) }
    for added in tokenizer["added_tokens"]?.arrayValue ?? [] {
      guard let content = added["content"]?.stringValue else {
        throw wrong("an added token has no text")
      }
      let isControl = added["special"]?.boolValue == true || Self.looksSpecial(content)
      try set(content, added["id"]?.integerValue, isControl ? .control : .userDefined)
    }
    metadata["tokenizer.ggml.tokens"] = .array(
      MetadataArray(tokens.enumerated().map { $0.element ?? "[PAD\($0.offset)]" }))
    metadata["tokenizer.ggml.token_type"] = .array(MetadataArray(kinds.map(\.rawValue)))
  }

  /// Whether an added token has the form of those that steer conversations, though it is not marked as special.
  private static func looksSpecial(_ token: String) -> Bool {
    (token.hasPrefix("<|") && token.hasSuffix("|>"))
      || (token.hasPrefix("<\u{FF5C}") && token.hasSuffix("\u{FF5C}>")) || token == "<pad>"
  }

  private func merges(_ model: JSONValue) throws(ModelFileError) -> [String] {
    var merges: [String] = []
    for merge in model["merges"]?.arrayValue ?? [] {
      if let text = merge.stringValue {
        merges.append(text)
        continue
      }
      guard let pair = merge.arrayValue, pair.count == 2, let first = pair[0].stringValue,
        let second = pair[1].stringValue
      else { throw wrong("merge \(merges.count + 1) is no pair of tokens") }
      // A space would read as the border of the pair; byte-level BPE writes spaces as U+0120.
      let parts = [first, second].map { part in
        String(String.UnicodeScalarView(part.unicodeScalars.map { $0 == " " ? "\u{120}" : $0 }))
      }
      merges.append(parts.joined(separator: " "))
    }
    return merges
  }

  // MARK: - Special tokens

  private func addSpecialTokens(
    _ configuration: HuggingFaceConfiguration, count: Int, to metadata: inout GGUFMetadata
  ) {
    for (name, key) in [("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding")] {
      let setting = settings?["\(name)_token"]
      let token = setting?.stringValue ?? setting?["content"]?.stringValue
      let stated = [configuration["\(name)_token_id"], generation?["\(name)_token_id"]]
        .compactMap { $0?.integerValue ?? $0?.arrayValue?.first?.integerValue }.first
      guard let id = token.flatMap({ ids[$0] }) ?? stated, (0..<count).contains(id) else {
        continue
      }
      metadata["tokenizer.ggml.\(key)_token_id"] = .uint32(UInt32(id))
    }
    let ends = templateEnds(metadata)
    for (name, fromTemplate) in [("bos", ends.first), ("eos", ends.last)] {
      guard let adds = settings?["add_\(name)_token"]?.boolValue ?? fromTemplate else { continue }
      metadata["tokenizer.ggml.add_\(name)_token"] = .bool(adds)
    }
  }

  /// Whether the post-processor puts the token for beginnings first and the one for ends last; nil when there is none
  /// that would.
  private func templateEnds(_ metadata: GGUFMetadata) -> (first: Bool?, last: Bool?) {
    let processor = tokenizer["post_processor"] ?? .null
    var ends: (first: Bool?, last: Bool?) = (nil, nil)
    for step in processor["processors"]?.arrayValue ?? [processor] {
      switch step["type"]?.stringValue {
      case "ByteLevel":
        ends = (ends.first ?? false, ends.last ?? false)
      case "TemplateProcessing":
        let single = step["single"]?.arrayValue ?? []
        func isSpecial(_ part: JSONValue?, _ key: String) -> Bool {
          guard let token = part?["SpecialToken"]?["id"]?.stringValue, let id = ids[token] else {
            return false
          }
          return metadata.integer("tokenizer.ggml.\(key)_token_id") == id
        }
        ends = (isSpecial(single.first, "bos"), isSpecial(single.last, "eos"))
      default: break
      }
    }
    return ends
  }

  // MARK: - Templates and sampling

  private func addTemplates(to metadata: inout GGUFMetadata) throws(ModelFileError) {
    let key = "tokenizer.chat_template"
    if let template {
      metadata[key] = .string(template)
      return
    }
    switch settings?["chat_template"] {
    case .string(let text)?:
      metadata[key] = .string(text)
    case .array(let list)?:
      var names: [String] = []
      for item in list {
        guard let name = item["name"]?.stringValue, let text = item["template"]?.stringValue else {
          throw wrong("a chat template has no name or no text")
        }
        if name == "default" {
          metadata[key] = .string(text)
        } else {
          metadata["\(key).\(name)"] = .string(text)
          names.append(name)
        }
      }
      if !names.isEmpty { metadata["tokenizer.chat_templates"] = .array(MetadataArray(names)) }
    default: break
    }
  }

  private func addSampling(to metadata: inout GGUFMetadata) {
    if let count = generation?["top_k"]?.integerValue, let small = Int32(exactly: count) {
      metadata["general.sampling.top_k"] = .int32(small)
    }
    for (name, key) in [("top_p", "top_p"), ("min_p", "min_p"), ("temperature", "temp")] {
      guard let number = generation?[name].flatMap(HuggingFaceConfiguration.number) else {
        continue
      }
      metadata["general.sampling.\(key)"] = .float32(Float(number))
    }
  }
}
