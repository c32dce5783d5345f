import DurableFiles
import GGUF
import JSON
import TerminalText

/// Why a model's files cannot be split, converted, inspected or registered.
public enum ModelFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A GGUF file cannot be read or written.
  case gguf(GGUFError)
  /// Another file cannot be read or written.
  case file(FileFailure)
  /// A JSON file cannot be understood.
  case json(path: String, JSONError)
  /// A file's content is wrong.
  case content(path: String, problem: String)
  /// A model of a kind that cannot be converted.
  case unsupportedModel(name: String, supported: [String])
  /// A tensor is missing, or has another shape or type than the model needs.
  case tensor(name: String, problem: String)
  /// What was asked for is impossible.
  case request(String)

  /// A sentence for people: what, where, and what to do where that is known.
  public var description: String {
    switch self {
    case .gguf(let error): error.description
    case .file(let failure): failure.description
    case .json(let path, let error): "'\(SafeText.line(path))': \(SafeText.line("\(error)"))"
    case .content(let path, let problem): "'\(SafeText.line(path))': \(SafeText.line(problem))"
    case .unsupportedModel(let name, let supported):
      "models of the kind '\(SafeText.line(name))' cannot be converted; supported are "
        + supported.joined(separator: ", ")
    case .tensor(let name, let problem):
      "tensor '\(SafeText.line(name))': \(SafeText.line(problem))"
    case .request(let problem): SafeText.line(problem)
    }
  }
}

/// Runs an operation on GGUF files, with its errors as errors of this module.
func gguf<Value>(_ body: () throws(GGUFError) -> Value) throws(ModelFileError) -> Value {
  do throws(GGUFError) { return try body() } catch { throw .gguf(error) }
}

/// Runs an operation on files, with its errors as errors of this module.
func file<Value>(_ body: () throws(FileFailure) -> Value) throws(ModelFileError) -> Value {
  do throws(FileFailure) { return try body() } catch { throw .file(error) }
}
