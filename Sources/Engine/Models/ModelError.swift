/// Why a model cannot be made of a file, or cannot go on.
public enum ModelError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file's architecture is none of the families known here.
  case unsupportedArchitecture(String)
  /// A metadata key that cannot be derived is missing, or has the wrong type or an impossible value.
  case metadata(key: String, problem: String)
  /// A tensor is missing or has another shape than the metadata says.
  case tensor(name: String, problem: String)
  /// A token id outside the vocabulary.
  case tokenOutOfRange(token: Int, vocabulary: Int)
  /// More tokens than the context holds, or than one call may have.
  case tooManyTokens(count: Int, limit: Int)
  /// A sequence cannot be rolled back that far.
  case rollbackTooFar(requested: Int, oldest: Int)
  /// A serialised state that is damaged or belongs to another model.
  case serializedState(String)
  /// The file was truncated or changed while it was in use.
  case fileChanged(String)

  /// A sentence for people.
  public var description: String {
    switch self {
    case .unsupportedArchitecture(let name):
      "architecture '\(name)' is not supported; known are deepseek4, qwen3, qwen3moe, qwen35moe, llama"
    case .metadata(let key, let problem):
      "metadata '\(key)': \(problem)"
    case .tensor(let name, let problem):
      "tensor '\(name)': \(problem)"
    case .tokenOutOfRange(let token, let vocabulary):
      "token \(token) is not in the vocabulary (0 to \(vocabulary - 1))"
    case .tooManyTokens(let count, let limit):
      "\(count) tokens are more than the \(limit) there is room for"
    case .rollbackTooFar(let requested, let oldest):
      "cannot go back to token \(requested); the oldest point is \(oldest)"
    case .serializedState(let problem):
      "saved state: \(problem)"
    case .fileChanged(let problem):
      problem
    }
  }
}
