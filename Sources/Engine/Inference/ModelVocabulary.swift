import GGUF
import Tokenization

extension Vocabulary {
  /// The vocabulary of a model file, from its `tokenizer.ggml.*` metadata.
  ///
  /// - Throws: `InferenceError.tokenizer` when the file has none, or one of a kind that is not byte-level BPE, or a damaged
  ///   one.
  public init(_ metadata: GGUFMetadata) throws(InferenceError) {
    guard let model = metadata.string("tokenizer.ggml.model") else {
      throw .tokenizer("the file has none ('tokenizer.ggml.model' is missing)")
    }
    guard model == "gpt2" else {
      throw .tokenizer(
        "'\(model)' is not supported; byte-level BPE ('gpt2') is. Convert the model from its original files"
      )
    }
    guard let tokens = metadata.byteStrings("tokenizer.ggml.tokens") else {
      throw .tokenizer("'tokenizer.ggml.tokens' is missing or is no list of strings")
    }
    guard let merges = metadata.byteStrings("tokenizer.ggml.merges") else {
      throw .tokenizer("'tokenizer.ggml.merges' is missing or is no list of strings")
    }
    guard let splitting = metadata.string("tokenizer.ggml.pre") else {
      throw .tokenizer(
        "'tokenizer.ggml.pre' is missing, so how text is split is unknown; convert the model anew")
    }
    do {
      try self.init(
        tokens: tokens, types: metadata.integers("tokenizer.ggml.token_type"), merges: merges,
        preTokenizer: splitting,
        special: SpecialTokens(
          beginning: Self.token("bos_token_id", metadata),
          end: Self.token("eos_token_id", metadata),
          padding: Self.token("padding_token_id", metadata),
          endOfTurn: Self.token("eot_token_id", metadata),
          addsBeginning: metadata.bool("tokenizer.ggml.add_bos_token") ?? false))
    } catch {
      throw .tokenizer(error.description)
    }
  }

  private static func token(_ key: String, _ metadata: GGUFMetadata) -> Int32? {
    metadata.integer("tokenizer.ggml.\(key)").flatMap { Int32(exactly: $0) }
  }

  /// The tokens that end an answer: the end of text, the end of a turn, and those that the known chat formats end turns
  /// with.
  public var stopTokens: Set<Int32> {
    var tokens: Set<Int32> = []
    for token in [special.end, special.endOfTurn] { if let token { tokens.insert(token) } }
    for text in ["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"] {
      if let token = addedToken(text) { tokens.insert(token) }
    }
    return tokens
  }
}
