import GGUF
import Tokenization

/// How a conversation with a model is to go.
public enum Thinking: String, Hashable, Sendable, CaseIterable {
  /// The model answers at once.
  case off
  /// The model thinks first.
  case on
  /// The model is asked to think hard (DeepSeek V4).
  case high
  /// The model is asked to think as hard as it can (DeepSeek V4).
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
        case .high: .high
        case .max: .maximum
        }
      return DeepSeekChat(thinking: mode, revision: isOfJuly(metadata) ? .july : .april)
    }
    if thinking == .high || thinking == .max {
      throw .setting(
        name: "thinking", value: thinking.rawValue, allowed: "off or on with this model")
    }
    if vocabulary.addedToken("<|im_start|>") != nil {
      let thinks = vocabulary.addedToken("<think>") != nil || architecture.hasPrefix("qwen3")
      let revision: QwenChat.Revision =
        architecture.hasPrefix("qwen35") ? .qwen35 : thinks ? .qwen3 : .qwen25
      return QwenChat(revision: revision, thinks: thinking == .on)
    }
    if vocabulary.addedToken("<|start_header_id|>") != nil { return LlamaChat() }
    throw .tokenizer(
      "no known chat format: the vocabulary has the markers of none (DeepSeek V4, ChatML, Llama 3); "
        + "`maslin complete` continues text without one")
  }

  /// Whether a DeepSeek file says in its name or version that it holds the checkpoint of July 31, whose effort levels are
  /// worded otherwise.
  private static func isOfJuly(_ metadata: GGUFMetadata) -> Bool {
    ["general.name", "general.basename", "general.version"].contains {
      metadata.string($0)?.contains("0731") ?? false
    }
  }

  /// The tokens that end an answer in a chat format, beside those the vocabulary names.
  public static func stopTokens(_ chat: any ChatEncoding, vocabulary: Vocabulary) -> Set<Int32> {
    vocabulary.stopTokens.union(chat.endMarkers.compactMap { vocabulary.addedToken($0) })
  }
}
