import DurableFiles
import GGUF
import TensorFormats
import TerminalText

/// Why a model cannot be quantised.
public enum QuantizationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A GGUF file cannot be read or written.
  case gguf(GGUFError)
  /// Another file cannot be read.
  case file(FileFailure)
  /// An importance matrix is not as its format says.
  case importance(path: String, problem: String)
  /// There is no mix of that name.
  case unknownMix(String)
  /// A pattern of an override is no regular expression, or names no type.
  case override(String, problem: String)
  /// A tensor cannot become what was asked for.
  case tensor(name: String, problem: String)
  /// The output would replace the input.
  case sameFile(String)

  /// What is wrong and what can be done about it.
  public var description: String {
    switch self {
    case .gguf(let error): error.description
    case .file(let failure): failure.description
    case .importance(let path, let problem):
      "'\(SafeText.line(path))' is no importance matrix that can be used: \(SafeText.line(problem))"
    case .unknownMix(let name):
      "there is no mix '\(SafeText.line(name))'; there are "
        + QuantizationMix.allCases.map(\.name).joined(separator: ", ")
    case .override(let text, let problem):
      "type override '\(SafeText.line(text))': \(SafeText.line(problem))"
    case .tensor(let name, let problem):
      "tensor '\(SafeText.line(name))': \(SafeText.line(problem))"
    case .sameFile(let path):
      "'\(SafeText.line(path))' is the model itself; give the quantised model another name"
    }
  }
}

/// Runs an operation on GGUF files, with its errors as errors of quantisation.
func quantizing<Value>(
  _ body: () throws(GGUFError) -> Value
) throws(QuantizationError) -> Value {
  do throws(GGUFError) { return try body() } catch { throw .gguf(error) }
}
