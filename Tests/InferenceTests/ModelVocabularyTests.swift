import GGUF
import Inference
import Testing
import Tokenization

@Suite("Vocabularies of model files")
struct ModelVocabularyTests {
  private func metadata(_ change: (inout GGUFMetadata) -> Void = { _ in }) -> GGUFMetadata {
    var metadata = GGUFMetadata()
    let bytes = (0..<256).map { byte -> String in
      // The byte alphabet of GPT-2: printable Latin-1 stands for itself, the rest starts at U+0100.
      let printable = (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174
      let before = (0..<byte).filter {
        !((33...126).contains($0) || (161...172).contains($0) || $0 >= 174)
      }.count
      let scalar = printable ? byte : 256 + before
      return String(Character(Unicode.Scalar(UInt32(scalar)) ?? " "))
    }
    metadata["tokenizer.ggml.model"] = .string("gpt2")
    metadata["tokenizer.ggml.pre"] = .string("gpt-2")
    metadata["tokenizer.ggml.tokens"] = .array(MetadataArray(bytes + ["he", "<|im_end|>"]))
    metadata["tokenizer.ggml.token_type"] = .array(
      MetadataArray([Int32](repeating: 1, count: 257) + [3]))
    metadata["tokenizer.ggml.merges"] = .array(MetadataArray(["h e"]))
    metadata["tokenizer.ggml.eos_token_id"] = .uint32(257)
    change(&metadata)
    return metadata
  }

  @Test("A complete vocabulary is read, with its special tokens")
  func complete() throws {
    let vocabulary = try Vocabulary(metadata())
    #expect(vocabulary.count == 258)
    #expect(Tokenizer(vocabulary).encode("he") == [256])
    #expect(vocabulary.special.end == 257)
    #expect(vocabulary.stopTokens == [257])
  }

  @Test(
    "What is missing or unknown is named",
    arguments: ["model", "pre", "tokens", "merges"])
  func missing(key: String) {
    #expect {
      try Vocabulary(metadata { $0["tokenizer.ggml.\(key)"] = nil })
    } throws: { error in
      "\(error)".contains("tokenizer.ggml.\(key)")
    }
  }

  @Test("Vocabularies of other kinds are refused by name")
  func otherKind() {
    #expect {
      try Vocabulary(metadata { $0["tokenizer.ggml.model"] = .string("llama") })
    } throws: { error in
      "\(error)".contains("'llama' is not supported")
    }
    #expect(throws: InferenceError.self) {
      try Vocabulary(metadata { $0["tokenizer.ggml.eos_token_id"] = .uint32(999) })
    }
  }
}
