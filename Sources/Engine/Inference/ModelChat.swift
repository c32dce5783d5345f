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

/// Picks the way a model file wants conversations written.
public enum ModelChat {
  /// The chat format of a model file.
  ///
  /// - Throws: `InferenceError.tokenizer` when none of the known formats' markers are in the vocabulary;
  ///   `InferenceError.setting` for a way to think that the format does not have.
  public static func encoding(
    _ metadata: GGUFMetadata, vocabulary: Vocabulary, thinking: Thinking
  ) throws(InferenceError) -> any ChatEncoding {
    guard let chat = ChatFormat.encoding(for: vocabulary, thinks: thinking != .off) else {
      throw .tokenizer(
        "no known chat format: the vocabulary has the markers of none (DeepSeek V4, ChatML, Llama 3); "
          + "`maslin complete` continues text without one")
    }
    if var deepSeek = chat as? DeepSeekChat {
      switch thinking {
      case .off: deepSeek.thinking = .off
      case .on: deepSeek.thinking = .on
      case .high: deepSeek.thinking = .high
      case .max: deepSeek.thinking = .maximum
      }
      if isOfJuly(metadata) { deepSeek.revision = .july }
      return deepSeek
    }
    guard thinking == .off || thinking == .on else {
      throw .setting(
        name: "thinking", value: thinking.rawValue, allowed: "off or on with this model")
    }
    return chat
  }

  /// Whether a DeepSeek file says in its name or version that it holds the checkpoint of July 31, whose effort levels are
  /// worded otherwise.
  private static func isOfJuly(_ metadata: GGUFMetadata) -> Bool {
    ["general.name", "general.basename", "general.version"].contains {
      metadata.string($0)?.contains("0731") ?? false
    }
  }
}
