import GGUF
import Inference
import ModelFiles
import Tokenization
import Workstation

/// An error of the engine that has an exit code of its own.
protocol EngineFailure: Error {
  /// What the command leaves with.
  var exitStatus: ExitStatus { get }
  /// What the user is told.
  var message: String { get }
}

extension GGUFError: EngineFailure {
  var exitStatus: ExitStatus { isEnvironment ? .environment : .badInput }
  var message: String { description }
}

extension InferenceError: EngineFailure {
  var exitStatus: ExitStatus {
    switch self {
    case .setting: .usage
    case .file(let error): error.exitStatus
    case .memory, .kernels: .environment
    case .logits, .model, .contextFull, .tokenizer: .badInput
    }
  }
  var message: String { description }
}

extension ModelFileError: EngineFailure {
  var exitStatus: ExitStatus {
    switch self {
    case .gguf(let error): error.exitStatus
    case .file: .environment
    case .request: .usage
    default: .badInput
    }
  }
  var message: String { description }
}

extension QuantizationError: EngineFailure {
  var exitStatus: ExitStatus {
    switch self {
    case .gguf(let error): error.exitStatus
    case .file: .environment
    case .unknownMix, .override, .sameFile: .usage
    case .importance, .tensor: .badInput
    }
  }
  var message: String { description }
}

extension SynthesisError: EngineFailure {
  var exitStatus: ExitStatus {
    switch self {
    case .unknownShape, .layers: .usage
    case .gguf(let error): error.exitStatus
    case .outline: .environment
    case .format: .badInput
    }
  }
  var message: String { description }
}

extension ChatError: EngineFailure {
  var exitStatus: ExitStatus { .badInput }
  var message: String { description }
}

extension VocabularyError: EngineFailure {
  var exitStatus: ExitStatus { .badInput }
  var message: String { description }
}

extension DataDirectoryError: EngineFailure {
  var exitStatus: ExitStatus { .environment }
  var message: String { description }
}

extension ModelLocationError: EngineFailure {
  var exitStatus: ExitStatus { .environment }
  var message: String { description }
}
