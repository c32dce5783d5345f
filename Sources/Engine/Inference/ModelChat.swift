import GGUF
import Tokenization

/// How a conversation with a model is to go.
public enum Thinking: String, Hashable, Sendable, CaseIterable {
  /// The model answers at once.
  case off
  /// The model thinks first.
  case on
  /// The model thinks as long as it likes (DeepSeek V4).
  case max
}

/// Picks the way a model wants conversations written, by the markers its vocabulary has.
public enum ModelChat {
  /// The chat format of a model file.
  ///
  /// - Throws: `InferenceError.tokenizer` when none of the known formats' markers are in the vocabulary.
  public static func encoding(
    _ metadata: GGUFMetadata, vocabulary: Vocabulary, thinking: Thinking
  ) throws(InferenceError) -> any ChatEncoding {
    let architecture = metadata.string("general.architecture") ?? ""
    if vocabulary.addedToken("<｜User｜>") != nil {
      let mode: DeepSeekChat.Thinking =
        switch thinking {
        case .off: .off
        case .on: .on
        case .max: .max
        }
      return DeepSeekChat(thinking: mode)
    }
    if thinking == .max {
      throw .setting(name: "thinking", value: "max", allowed: "off or on with this model")
    }
    if vocabulary.addedToken("<|im_start|>") != nil {
      let revision: QwenChat.Revision = architecture.hasPrefix("qwen35") ? .qwen35 : .qwen3
      return QwenChat(revision: revision, thinks: thinking == .on)
    }
    if vocabulary.addedToken("<|start_header_id|>") != nil { return LlamaChat() }
    throw .tokenizer(
      "no known chat format: the vocabulary has the markers of none (DeepSeek V4, ChatML, Llama 3); "
        + "`maslin complete` continues text without one")
  }

  /// The tokens that end an answer in a chat format, beside those the vocabulary names.
  public static func stopTokens(_ chat: any ChatEncoding, vocabulary: Vocabulary) -> Set<Int32> {
    vocabulary.stopTokens.union(chat.endMarkers.compactMap { vocabulary.addedToken($0) })
  }
}
