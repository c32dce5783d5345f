import GGUF
import Kernels
import Models

/// Why a request cannot be answered.
public enum InferenceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A sampling setting out of range.
  case setting(name: String, value: String, allowed: String)
  /// Logits that no token can be chosen from; points to a damaged file or a fault in the engine.
  case logits(String)
  /// The model cannot go on.
  case model(ModelError)
  /// The model's file cannot be read, or changed while it was in use.
  case file(GGUFError)
  /// The back end cannot be set up or cannot compute with the file's tensors.
  case kernels(KernelError)
  /// A sequence would grow beyond the context.
  case contextFull(tokens: Int, limit: Int)
  /// A file's tokenizer cannot be used.
  case tokenizer(String)
  /// The model, its cache and its buffers do not fit into memory.
  case memory(String)

  /// A sentence for people.
  public var description: String {
    switch self {
    case .setting(let name, let value, let allowed):
      "\(name) is \(value); it must be \(allowed)"
    case .logits(let problem):
      "\(problem); the model file may be damaged, `maslin model inspect --verify` checks it"
    case .model(let error): error.description
    case .file(let error): error.description
    case .kernels(let error): error.description
    case .contextFull(let tokens, let limit):
      "the conversation needs \(tokens) tokens, the context holds \(limit); "
        + "start a larger context or a new conversation"
    case .tokenizer(let problem): "tokenizer: \(problem)"
    case .memory(let problem): problem
    }
  }
}
